from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from detector.errors import FactUnknown, RecordingError
from detector.local.recording import SCOPE, Recording
from detector.model import (
    PLATFORM_INITIATED,
    Connection,
    Kind,
    Phase,
    Series,
    Signal,
    TunnelStatus,
    Window,
)
from tests.builders import at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Record = Callable[[str, object], Path]

SUBSCRIPTION = "/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a"
NETWORK = f"{SUBSCRIPTION}/resourceGroups/rg-Network/providers/Microsoft.Network"
WRITTEN_ID = f"{NETWORK}/virtualNetworkGateways/vpn-Hub"
GATEWAY_ID = WRITTEN_ID.lower()
AT = datetime(2026, 11, 22, 2, 14, 7, 123000, tzinfo=UTC)
ALL_DAY = Window(start=AT.replace(hour=0), end=AT.replace(hour=23))
FIRST = "GatewayTenantWorker_IN_0"

DISCONNECTED = Signal(
    at=AT,
    gateway_id=GATEWAY_ID,
    kind=Kind.DISCONNECTED,
    source="TunnelDiagnosticLog",
    instance=FIRST,
    remote_ip="203.0.113.7",
    text="DPD timeout",
)
RESET = Signal(
    at=AT,
    gateway_id=GATEWAY_ID,
    kind=Kind.RESET,
    source="AzureActivity",
    phase=Phase.SUCCEEDED,
    caller="kim@example.net",
    correlation_id="c-1",
)


def a_table_row(**changes: object) -> dict[str, object]:
    """A row as `az monitor log-analytics query -o json` prints it: text, or "None" for nothing."""
    return {
        "AdditionalFields": "None",
        "Category": "TunnelDiagnosticLog",
        "Message": "None",
        "OperationName": "TunnelDisconnected",
        "Resource": "VPN-HUB",
        "TableName": "PrimaryResult",
        "TimeGenerated": "2026-11-22T02:14:07.123Z",
        "_ResourceId": GATEWAY_ID,
        "instance_s": FIRST,
        "remoteIP_s": "203.0.113.7",
        "stateChangeReason_s": "DPD timeout",
        "status_s": "Disconnected",
    } | changes


def a_blob_record(**changes: object) -> dict[str, object]:
    """A record as a diagnostic setting writes it to a storage account."""
    return {
        "time": "2026-11-22T02:14:07.1230000Z",
        "resourceId": WRITTEN_ID.upper(),
        "category": "TunnelDiagnosticLog",
        "operationName": "TunnelDisconnected",
        "level": "Informational",
        "properties": {
            "instance": FIRST,
            "remoteIP": "203.0.113.7",
            "status": "Disconnected",
            "stateChangeReason": "DPD timeout",
        },
    } | changes


def an_activity_row(**changes: object) -> dict[str, object]:
    return {
        "TimeGenerated": "2026-11-22T02:14:07.123Z",
        "OperationNameValue": "MICROSOFT.NETWORK/VIRTUALNETWORKGATEWAYS/RESET/ACTION",
        "OperationName": "Reset Virtual Network Gateway",
        "ActivityStatusValue": "Success",
        "Caller": "kim@example.net",
        "CorrelationId": "C-1",
        "CategoryValue": "Administrative",
        "Category": "Administrative",
        "Properties": '{"message": "not the message of the row"}',
        "_ResourceId": GATEWAY_ID,
    } | changes


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Puts a file into a recording, text and bytes as they are and anything else as JSON."""

    def put(name: str, content: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path

    return put


def signals_of(recording: Recording, window: Window = ALL_DAY) -> tuple[Signal, ...]:
    (answer,) = recording.signals({SCOPE: window})
    return answer.signals


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\r\n" for record in records)


PORTAL_HEADER = (
    "TimeGenerated [UTC],ResourceId,Category,OperationName,instance_s,remoteIP_s,status_s,"
    "stateChangeReason_s"
)
PORTAL_ROW = (
    f"{WRITTEN_ID.upper()},TunnelDiagnosticLog,TunnelDisconnected,{FIRST},203.0.113.7,"
    '"Disconnected","DPD timeout"'
)
API_ANSWER = {
    "tables": [
        {
            "name": "PrimaryResult",
            "columns": [{"name": name, "type": "string"} for name in a_table_row()],
            "rows": [list(a_table_row().values())],
        }
    ]
}
PROJECTED = {
    "TimeGenerated": "2026-11-22T02:14:07.123Z",
    "ResourceId": GATEWAY_ID,
    "Source": "TunnelDiagnosticLog",
    "Operation": "TunnelDisconnected",
    "Status": "Disconnected",
    "Instance": FIRST,
    "RemoteIp": "203.0.113.7",
    "Reason": "DPD timeout",
    "Message": "",
    "Caller": None,
    "CorrelationId": "",
    "Additional": "",
    "Properties": "",
}
FORMS: dict[str, object] = {
    "the command line's rows": [a_table_row()],
    "rows with typed values": [a_table_row(Message=None, AdditionalFields=None)],
    "names in another case": [{name.upper(): value for name, value in a_table_row().items()}],
    "one row alone": a_table_row(),
    "a row a line": lines(a_table_row()),
    "the API's answer": API_ANSWER,
    "the query's own columns": [PROJECTED],
    "the portal's CSV": f"{PORTAL_HEADER}\r\n2026-11-22T02:14:07.123Z,{PORTAL_ROW}\r\n",
    "the portal's American CSV": (f'{PORTAL_HEADER}\n"11/22/2026, 2:14:07.123 AM",{PORTAL_ROW}\n'),
    "CSV with a mark": f"\ufeff{PORTAL_HEADER}\n2026-11-22 02:14:07.123,{PORTAL_ROW}\n".encode(),
    "PowerShell's UTF-16": json.dumps([a_table_row()]).encode("utf-16"),
    "a blob's lines": lines(a_blob_record()),
    "a blob's list": [a_blob_record()],
    "a blob's records": {"records": [a_blob_record()]},
    "a record whose properties are text": [
        a_blob_record(properties=json.dumps(a_blob_record()["properties"]))
    ],
    "a record in another case": [
        {name.capitalize(): value for name, value in a_blob_record().items()}
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_tunnel_row_is_the_same_signal(form: str, record: Record) -> None:
    recording = Recording.read(record("logs/anything.json", FORMS[form]))

    assert (DISCONNECTED,) == signals_of(recording)
    assert [] == recording.unusable.lines


ACTIVITY_FORMS: dict[str, object] = {
    "AzureActivity's columns": [an_activity_row()],
    "the activity log's own list": [
        {
            "eventTimestamp": "2026-11-22T02:14:07.123000+00:00",
            "resourceId": WRITTEN_ID,
            "operationName": {
                "value": "Microsoft.Network/virtualNetworkGateways/reset/action",
                "localizedValue": "Reset Virtual Network Gateway",
            },
            "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
            "category": {"value": "Administrative"},
            "caller": "kim@example.net",
            "correlationId": "c-1",
            "properties": None,
        }
    ],
    "the activity log as a blob": lines(
        {
            "time": "2026-11-22T02:14:07.1230000Z",
            "resourceId": WRITTEN_ID.upper(),
            "operationName": "MICROSOFT.NETWORK/VIRTUALNETWORKGATEWAYS/RESET/ACTION",
            "category": "Administrative",
            "resultType": "Success",
            "correlationId": "c-1",
            "identity": {
                "claims": {
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "kim@example.net"
                }
            },
            "properties": {"statusCode": "OK"},
        }
    ),
}


@pytest.mark.parametrize("form", ACTIVITY_FORMS)
def test_every_form_of_a_reset_is_the_same_signal(form: str, record: Record) -> None:
    recording = Recording.read(record("logs/activity.json", ACTIVITY_FORMS[form]))

    assert (RESET,) == signals_of(recording)


HEALTH_PROPERTIES = {
    "title": "Gateway unavailable",
    "currentHealthStatus": "Unavailable",
    "cause": "PlatformInitiated",
}
HEALTH_FORMS: dict[str, object] = {
    "AzureActivity's columns": an_activity_row(
        OperationNameValue="Microsoft.Resourcehealth/healthevent/Activated/action",
        CategoryValue="ResourceHealth",
        Category="None",
        Properties=json.dumps(HEALTH_PROPERTIES),
    ),
    "AzureActivity's dynamic column": an_activity_row(
        OperationNameValue="Microsoft.Resourcehealth/healthevent/Activated/action",
        CategoryValue="ResourceHealth",
        Properties="None",
        Properties_d=HEALTH_PROPERTIES,
    ),
    "the query's own columns": {
        "TimeGenerated": "2026-11-22T02:14:07.123Z",
        "ResourceId": GATEWAY_ID,
        "Source": "AzureActivity/ResourceHealth",
        "Operation": "Microsoft.Resourcehealth/healthevent/Activated/action",
        "Properties": json.dumps(HEALTH_PROPERTIES),
    },
    "the activity log's own list": {
        "eventTimestamp": "2026-11-22T02:14:07.123000+00:00",
        "resourceId": WRITTEN_ID,
        "operationName": {"value": "Microsoft.Resourcehealth/healthevent/Activated/action"},
        "category": {"value": "ResourceHealth", "localizedValue": "Resource Health"},
        "properties": HEALTH_PROPERTIES,
    },
    "the activity log as a blob": {
        "time": "2026-11-22T02:14:07.1230000Z",
        "resourceId": WRITTEN_ID.upper(),
        "operationName": "Microsoft.Resourcehealth/healthevent/Activated/action",
        "category": "ResourceHealth",
        "properties": {"eventCategory": "ResourceHealth", "eventProperties": HEALTH_PROPERTIES},
    },
}


@pytest.mark.parametrize("form", HEALTH_FORMS)
def test_every_form_of_a_gateways_health_says_the_same(form: str, record: Record) -> None:
    recording = Recording.read(record("logs/activity.json", HEALTH_FORMS[form]))
    [signal] = signals_of(recording)

    assert signal.health is not None
    assert ("Gateway unavailable", "Unavailable", PLATFORM_INITIATED) == (
        signal.text,
        signal.health.state,
        signal.health.context,
    )
    assert {("AzureActivity/ResourceHealth", SUBSCRIPTION)} == recording.coverage(ALL_DAY)


LOG = {"Source": "AzureActivity", "Resource": "/subscriptions/x"}
SPAN = {"From": "2026-11-22T02:00:00Z", "To": "2026-11-22T03:00:00Z"}


def test_a_log_that_held_rows_when_it_was_recorded_was_there_to_look_in(
    recorded: Path, record: Record
) -> None:
    record("coverage/coverage.json", [{**LOG, **SPAN}])
    recording = Recording.read(recorded)
    hour = Window(start=at(), end=at(hours=1))
    later = Window(start=at(hours=1), end=at(hours=2))

    assert ("AzureActivity", "/subscriptions/x") in recording.coverage(hour)
    assert ("AzureActivity", "/subscriptions/x") not in recording.coverage(later)


@pytest.mark.parametrize("entry", [LOG, SPAN, {**LOG, **SPAN, "To": "soon"}, 7])
def test_coverage_that_cannot_be_read_is_named_and_stops_nothing(
    entry: object, recorded: Path, record: Record
) -> None:
    record("coverage/coverage.json", [entry])
    [line] = Recording.read(recorded).unusable_bodies.lines

    assert line.startswith("coverage/coverage.json: ")


@pytest.mark.parametrize(
    ("category", "shows"),
    [("Administrative", True), ("Write", True), (None, True), ("Policy", False), ("Alert", False)],
)
def test_only_rows_of_an_operation_show_that_operations_are_exported(
    category: str | None, record: Record, *, shows: bool
) -> None:
    row = an_activity_row(
        OperationNameValue="Microsoft.Authorization/policies/audit/action",
        CategoryValue=category,
        Category=category,
    )
    recording = Recording.read(record("logs/activity.json", [row]))

    assert shows == (("AzureActivity", SUBSCRIPTION) in recording.coverage(ALL_DAY))


def test_a_blob_lies_as_deep_as_azure_puts_it(record: Record) -> None:
    name = (
        "logs/insights-logs-tunneldiagnosticlog"
        "/resourceId=/SUBSCRIPTIONS/X/y=2026/m=11/d=22/h=02/m=00/PT1H.json"
    )

    assert (DISCONNECTED,) == signals_of(Recording.read(record(name, lines(a_blob_record()))))


@pytest.mark.parametrize(
    ("time", "hour"), [("12:14:07.123 AM", 0), ("12:14:07.123 PM", 12), ("2:14:07.123 pm", 14)]
)
def test_the_portals_american_times_have_twelve_hours(time: str, hour: int, record: Record) -> None:
    recording = Recording.read(
        record("logs/portal.csv", f'{PORTAL_HEADER}\n"11/22/2026, {time}",{PORTAL_ROW}\n')
    )

    assert AT.replace(hour=hour) == recording.newest


def a_portal_csv(*times: str) -> str:
    """A CSV of the portal with a row for each of these times."""
    return "\n".join([PORTAL_HEADER, *(f'"{time}",{PORTAL_ROW}' for time in times), ""])


@pytest.mark.parametrize(
    "times",
    [
        ("05/11/2026, 1:04:07.001", "22/11/2026, 02:14:07.123"),
        ("11/05/2026 1:04:07.001", "11/22/2026 02:14:07.123"),
        ("05-11-2026, 01:04:07.001", "22-11-2026, 02:14:07.123"),
        ("05.11.2026, 01:04:07.001",),
    ],
)
def test_a_numeric_time_is_read_where_its_file_shows_which_number_is_the_month(
    times: tuple[str, ...], record: Record
) -> None:
    recording = Recording.read(record("logs/portal.csv", a_portal_csv(*times)))

    assert [] == recording.unusable.lines
    assert datetime(2026, 11, 5, 1, 4, 7, 1000, tzinfo=UTC) == recording.oldest
    assert (AT if len(times) > 1 else recording.oldest) == recording.newest


@pytest.mark.parametrize("other", ["04/05/2026, 02:14:07.123", "22/11/2026, 1:04:07.001"])
def test_a_file_whose_times_do_not_show_the_month_is_named_once_with_what_to_do(
    other: str, record: Record
) -> None:
    times = ["03/04/2026, 02:14:07.123"] * 500
    if other.startswith("22"):
        times.append("11/22/2026, 1:04:07.001")
    record("logs/british.csv", a_portal_csv(*times, other))
    recording = Recording.read(record("logs/good.json", [a_table_row()]))

    [line] = recording.unusable.lines
    times_and_advice = "its times, such as '03/04/2026, 02:14:07.123', do not show which number is"
    assert line.startswith(f"logs/british.csv: {times_and_advice} the month: set the portal's")
    assert (DISCONNECTED,) == signals_of(recording)


def test_a_cell_of_any_length_costs_no_other_row(record: Record) -> None:
    """The library would end the file at a cell of more than 131,072 characters."""
    long = PORTAL_ROW.replace("DPD timeout", "a,\n" * 100_000)
    rows = [f"2026-11-22 02:14:07.122,{long}", f"2026-11-22 02:14:07.123,{PORTAL_ROW}", ""]

    recording = Recording.read(record("logs/portal.csv", "\n".join([PORTAL_HEADER, *rows])))

    assert [] == recording.unusable.lines
    assert 2 == len(signals_of(recording))
    assert DISCONNECTED in signals_of(recording)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_what_is_no_file_is_named_and_not_waited_for(record: Record) -> None:
    folder = record("logs/z.json", [a_table_row()])
    record("metrics/z.json", [])
    for name in ("logs/a.json", "metrics/a.json"):
        os.mkfifo(folder / name)
    (folder / "gateways").mkdir()
    (folder / "gateways" / "a.json").symlink_to("/dev/zero")
    read = Recording.read(folder)

    assert {
        f"{name}: it cannot be opened: it is no file but a pipe or a device"
        for name in ("logs/a.json", "metrics/a.json", "gateways/a.json")
    } == {*read.unusable.lines, *read.unusable_bodies.lines}


def test_times_of_another_zone_are_not_taken_for_utc(
    record: Record,
) -> None:
    local = PORTAL_HEADER.replace("[UTC]", "[Local Time]")
    record("logs/local.csv", f"{local}\n2026-11-22 03:14:07,{PORTAL_ROW}\n")
    recording = Recording.read(record("logs/good.json", [a_table_row()]))

    assert [
        "logs/local.csv: its times are in 'Local Time': export it in UTC"
    ] == recording.unusable.lines


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.json", "", "logs/a.json: it is empty"),
        ("a.json", b"\xff\xd8\xff", "logs/a.json: it is no text: invalid start byte at byte 0"),
        (
            "a.json",
            '[{"TimeGenerated": ',
            "logs/a.json: it is not JSON: Expecting value: line 1 column 20 (char 19)",
        ),
        (
            "a.json",
            "no rows here",
            "logs/a.json: it is neither JSON nor CSV with a column TimeGenerated",
        ),
        (
            "a.txt",
            "no rows here",
            "logs/a.txt: it was not read, its name ends in none of .json, .ndjson, .jsonl, .csv",
        ),
        ("a.json", "[3]", "logs/a.json, row 1: it is no row with named columns"),
        ("a.json", [{"tables": [None]}], "logs/a.json, row 1: it is no row with named columns"),
        ("a.json", [a_table_row(), {}], "logs/a.json, row 2: it has no TimeGenerated"),
        (
            "a.json",
            [a_table_row(_ResourceId="None")],
            "logs/a.json, row 1: it has no gateway id (_ResourceId)",
        ),
        ("a.json", lines(a_blob_record()) + '{"time', "logs/a.json, line 2: it is not JSON"),
    ],
)
def test_what_cannot_be_read_is_named_and_stops_nothing_else(
    name: str, content: object, line: str, record: Record
) -> None:
    record(f"logs/{name}", content)
    recording = Recording.read(record("logs/z.json", [a_table_row()]))
    (answer,) = recording.signals({SCOPE: ALL_DAY})

    assert [line] == recording.unusable.lines
    assert (line,) == answer.unreadable
    assert DISCONNECTED in answer.signals


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is no folder"):
        Recording.read(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [None, [], "broken"])
def test_a_recording_without_rows_is_an_error_that_says_what_to_do(
    content: object, record: Record
) -> None:
    folder = record("gateways/one.json", [])
    if content is not None:
        record("logs/a.json", content)

    with pytest.raises(RecordingError, match="az monitor log-analytics query -o json"):
        Recording.read(folder)


def test_a_row_of_another_operation_is_no_signal_and_shows_that_its_log_is_kept(
    record: Record,
) -> None:
    rows = [
        a_table_row(Category="IKEDiagnosticLog", OperationName="IKELogEvent"),
        an_activity_row(OperationNameValue="Microsoft.Compute/virtualMachines/start/action"),
    ]
    recording = Recording.read(record("logs/a.json", rows))

    assert () == signals_of(recording)
    assert {
        ("IKEDiagnosticLog", GATEWAY_ID),
        ("AzureActivity", SUBSCRIPTION),
    } == recording.coverage(ALL_DAY)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open every file"
)
def test_a_log_that_may_not_be_opened_stops_no_other(record: Record) -> None:
    folder = record("logs/z.json", [a_table_row()])
    record("logs/a.json", "").joinpath("logs/a.json").chmod(0)
    recording = Recording.read(folder)

    assert ["logs/a.json: it cannot be opened: Permission denied"] == recording.unusable.lines
    assert (DISCONNECTED,) == signals_of(recording)


def test_a_log_without_a_row_in_the_window_is_not_covered(
    record: Record,
) -> None:
    recording = Recording.read(record("logs/a.json", [a_table_row()]))

    assert set() == recording.coverage(Window(start=AT + timedelta(seconds=1), end=ALL_DAY.end))


def test_a_window_takes_the_rows_from_its_start_to_before_its_end(
    record: Record,
) -> None:
    recording = Recording.read(record("logs/a.json", [a_table_row()]))

    assert (DISCONNECTED,) == signals_of(recording, Window(start=AT, end=ALL_DAY.end))
    assert () == signals_of(recording, Window(start=ALL_DAY.start, end=AT))


def test_a_late_row_is_seen_only_after_it_was_received(
    record: Record,
) -> None:
    late = a_table_row(_TimeReceived="2026-11-22T02:32:00Z")
    recording = Recording.read(record("logs/a.json", [late]))
    received = AT.replace(minute=32, second=0, microsecond=0)
    before = Window(start=ALL_DAY.start, end=received)
    after = Window(start=ALL_DAY.start, end=received + timedelta(microseconds=1))

    assert (AT, received) == (recording.oldest, recording.newest)
    assert () == signals_of(recording, before)
    assert set() == recording.coverage(before)
    assert (DISCONNECTED,) == signals_of(recording, after)
    assert {("TunnelDiagnosticLog", GATEWAY_ID)} == recording.coverage(after)


def a_gateway_body(**changes: object) -> dict[str, Any]:
    return {
        "id": WRITTEN_ID,
        "name": "vpn-Hub",
        "location": "westeurope",
        "activeActive": False,
        "sku": {"name": "VpnGw1AZ"},
        "vpnType": "RouteBased",
        "vpnGatewayGeneration": "Generation1",
        "ipConfigurations": [
            {
                "id": f"{WRITTEN_ID}/ipConfigurations/default",
                "publicIPAddress": {"id": f"{NETWORK}/publicIPAddresses/pip-Hub"},
                "subnet": {"id": f"{NETWORK}/virtualNetworks/vnet-Hub/subnets/GatewaySubnet"},
            }
        ],
    } | changes


@pytest.mark.parametrize("deep", [900, 3000, 100_000])
def test_properties_of_any_depth_cost_no_row(deep: int, record: Record) -> None:
    """As text, where reading it fails, and in a blob's own JSON, where that is not one whole."""
    inner = "[" * deep + "]" * deep
    record(
        "logs/a.json", [a_blob_record(operationName="IKELogEvent", properties=f'{{"a": {inner}}}')]
    )
    text = lines(a_blob_record(operationName="IKELogEvent", status="deep"), a_blob_record())
    recording = Recording.read(record("logs/b.json", text.replace('"deep"', inner)))

    assert (DISCONNECTED,) == signals_of(recording)
    assert len(recording.unusable.lines) <= 1


def test_no_key_is_kept_of_a_recorded_body_however_deep_it_stands(
    recorded: Path, record: Record
) -> None:
    servers = [{"radiusServerAddress": "198.51.100.9", "radiusServerSecret": "hush"}]
    client = {"radiusServers": servers, "RadiusServerSecret": "hush"}
    record("gateways/hub.json", a_gateway_body(vpnClientConfiguration=client))
    body = a_live_body("Connected", sharedKey="hush")
    record("connections/a.json", {"value": [body | {"properties": {"authorizationKey": "hush"}}]})
    recording = Recording.read(recorded)

    assert "198.51.100.9" in repr(recording)
    assert "hush" not in repr(recording)


@pytest.fixture
def recorded(record: Record) -> Path:
    """A recording with one row and no bodies."""
    return record("logs/a.json", [a_table_row()])


@pytest.mark.parametrize(
    "wrap", [lambda body: body, lambda body: [body], lambda body: {"value": [body]}]
)
def test_a_gateways_facts_come_from_its_recorded_bodies(
    wrap: Callable[[object], object], recorded: Path, record: Record
) -> None:
    record("gateways/all.json", wrap(a_gateway_body()))
    public_ip = {"id": f"{NETWORK}/publicIPAddresses/PIP-hub", "ipAddress": "198.51.100.1"}
    record("publicIPAddresses/all.json", wrap(public_ip))

    gateway = Recording.read(recorded).gateways([GATEWAY_ID])[GATEWAY_ID]

    assert (
        "vpn-Hub",
        ("198.51.100.1",),
        "vnet-Hub",
        {},
    ) == (gateway.name, gateway.vips, gateway.virtual_network_name, gateway.unknown)


def test_a_public_ip_that_was_not_recorded_is_an_unknown_vip(
    recorded: Path, record: Record
) -> None:
    record("gateways/hub.json", a_gateway_body())

    gateway = Recording.read(recorded).gateways([GATEWAY_ID])[GATEWAY_ID]

    assert {"vips": "its public IP is not in the recording"} == gateway.unknown


def test_a_gateway_that_was_not_recorded_has_the_name_from_its_id(recorded: Path) -> None:
    gateway = Recording.read(recorded).gateways([GATEWAY_ID])[GATEWAY_ID]

    assert "vpn-hub" == gateway.name
    assert {"it is not in the recording"} == set(gateway.unknown.values())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "it is not JSON: Expecting property name"),
        ({"name": "vpn-Hub"}, "it holds a body without an id"),
        (a_gateway_body(_AsOf="soon", sku=None), "its _AsOf is not a time: 'soon'"),
        (b"\xff\xd8", "it is not JSON: 'utf-8' codec can't decode"),
    ],
)
def test_a_body_that_cannot_be_used_is_named_and_stops_no_other(
    content: object, why: str, recorded: Path, record: Record
) -> None:
    record("gateways/broken.json", content)
    record("gateways/hub.json", a_gateway_body())
    recording = Recording.read(recorded)

    (line,) = recording.unusable_bodies.lines
    assert line.startswith(f"gateways/broken.json: {why}")
    assert "VpnGw1AZ" == recording.gateways([GATEWAY_ID])[GATEWAY_ID].sku


@pytest.fixture
def connected(recorded: Path, record: Record) -> Path:
    """A recording with one connection of the gateway and one of another."""
    peer = f"{NETWORK}/localNetworkGateways/lng-Branch"
    for name, gateway_id in (("to-Branch", WRITTEN_ID), ("other", f"{WRITTEN_ID}-2")):
        body = {
            "id": f"{NETWORK}/connections/{name}",
            "name": name,
            "connectionStatus": "Connected",
            "virtualNetworkGateway1": {"id": gateway_id},
            "localNetworkGateway2": {"id": peer},
        }
        record(f"connections/{name}.json", body)
    return record("localNetworkGateways/a.json", {"id": peer, "gatewayIpAddress": "203.0.113.7"})


def test_a_gateway_has_its_own_recorded_connections(connected: Path) -> None:
    expected = Connection(
        id=f"{NETWORK}/connections/to-Branch".lower(),
        name="to-Branch",
        remote_ip="203.0.113.7",
        status="Connected",
    )

    assert [expected] == Recording.read(connected).connections(GATEWAY_ID)


def test_a_connections_state_is_not_known_before_the_last_row_was_seen(connected: Path) -> None:
    """The bodies were recorded after the rows: at an earlier time they would tell the future."""
    recording = Recording.read(connected)
    (early,) = recording.seen_by(AT).connections(GATEWAY_ID)
    (late,) = recording.seen_by(AT + timedelta(minutes=1)).connections(GATEWAY_ID)

    assert ("203.0.113.7", None) == (early.remote_ip, early.status)
    assert "Connected" == late.status


def test_of_several_bodies_of_a_gateway_the_newest_counts_that_there_was(
    recorded: Path, record: Record
) -> None:
    """One of no time was recorded after the rows; before the first, that is the best there is."""
    record("gateways/a.json", [a_gateway_body(_AsOf="2026-11-22T02:20:00Z", sku="Second")])
    record(
        "gateways/b.json",
        {"value": [a_gateway_body(sku="First")], "_AsOf": "2026-11-22T01:00:00Z"},
    )
    record("gateways/c.json", a_gateway_body(sku="Undated"))
    recording = Recording.read(recorded)

    def sku(now: datetime) -> str | None:
        return recording.seen_by(now).gateways([GATEWAY_ID])[GATEWAY_ID].sku

    assert ["First", "First", "Undated", "Second"] == [
        sku(AT.replace(hour=0)),
        sku(AT),
        sku(AT + timedelta(minutes=1)),
        sku(AT.replace(minute=20, second=0, microsecond=0)),
    ]
    assert "Second" == recording.gateways([GATEWAY_ID])[GATEWAY_ID].sku


def test_one_body_that_cannot_be_used_costs_none_beside_it_in_its_file(
    recorded: Path, record: Record
) -> None:
    record("gateways/all.json", [{"name": "no id"}, a_gateway_body()])
    recording = Recording.read(recorded)

    assert ["gateways/all.json: it holds a body without an id"] == recording.unusable_bodies.lines
    assert "VpnGw1AZ" == recording.gateways([GATEWAY_ID])[GATEWAY_ID].sku


CONNECTION_ID = f"{NETWORK}/connections/to-branch".lower()


def a_live_body(status: str, **changes: object) -> dict[str, object]:
    """A connection as `az network vpn-connection show` prints it, with its one tunnel."""
    tunnel = {"tunnel": "to-Branch_198.51.100.1", "connectionStatus": status}
    return {
        "id": f"{NETWORK}/connections/to-Branch",
        "name": "to-Branch",
        "connectionStatus": status,
        "tunnelConnectionStatus": [tunnel],
        "virtualNetworkGateway1": {"id": WRITTEN_ID},
        "localNetworkGateway2": {"id": f"{NETWORK}/localNetworkGateways/lng-Branch"},
        "sharedKey": "hush",
    } | changes


def test_a_connection_is_live_as_it_was_recorded_last(connected: Path, record: Record) -> None:
    """Before that it has a name and a peer, and nobody knows its state."""
    first = a_live_body("NotConnected", _AsOf="2026-11-22T02:15:00Z")
    second = a_live_body("Connected", _AsOf="2026-11-22T02:16:00Z")
    record("connections/to-Branch.json", [second, first])
    recording = Recording.read(connected)

    def live(minute: int) -> Connection | FactUnknown:
        now = AT.replace(minute=minute, second=30)
        return recording.seen_by(now).tunnels([CONNECTION_ID])[CONNECTION_ID]

    early, down, up = live(14), live(15), live(16)

    assert isinstance(early, FactUnknown)
    assert "its state was recorded later" == early.why
    assert isinstance(down, Connection)
    assert isinstance(up, Connection)
    assert [TunnelStatus.NOT_CONNECTED] == [tunnel.status for tunnel in down.tunnels]
    assert ("Connected", [TunnelStatus.CONNECTED], "203.0.113.7") == (
        up.status,
        [tunnel.status for tunnel in up.tunnels],
        up.remote_ip,
    )


def test_a_connection_whose_state_was_recorded_later_has_its_name_all_the_same(
    connected: Path, record: Record
) -> None:
    record("connections/to-Branch.json", a_live_body("Connected", _AsOf="2026-11-22T02:30:00Z"))
    [early] = Recording.read(connected).seen_by(AT.replace(minute=20)).connections(GATEWAY_ID)

    assert ("to-Branch", "203.0.113.7", None, ()) == (
        early.name,
        early.remote_ip,
        early.status,
        early.tunnels,
    )


def test_a_connection_that_was_not_recorded_is_not_known(recorded: Path) -> None:
    found = Recording.read(recorded).tunnels([CONNECTION_ID])[CONNECTION_ID]

    assert isinstance(found, FactUnknown)
    assert ("it is not in the recording", "other") == (found.why, found.kind)


def a_health_entry(name: str, **changes: object) -> dict[str, object]:
    """One availability status, as `az rest` prints it."""
    properties = {
        "availabilityState": "Unavailable",
        "title": name,
        "reasonType": "Unplanned",
        "context": "Platform Initiated",
        "occuredTime": "2026-11-22T02:14:00Z",
    }
    provider = "providers/Microsoft.ResourceHealth/availabilityStatuses"
    return {
        "id": f"{WRITTEN_ID}/{provider}/{name}",
        "name": name,
        "properties": properties,
    } | changes


def health_of(recording: Recording, now: datetime | None = None) -> list[tuple[str, str]]:
    """The title and the state of each event that is known by `now`."""
    seen = recording if now is None else recording.seen_by(now)
    found = seen.health([GATEWAY_ID])[GATEWAY_ID]
    assert not isinstance(found, FactUnknown)
    return [(event.title, event.state) for event in found]


@pytest.mark.parametrize(
    "wrap", [lambda body: body, lambda body: [body], lambda body: {"value": [body]}]
)
def test_an_event_of_health_is_not_known_before_it_occurred(
    wrap: Callable[[object], object], recorded: Path, record: Record
) -> None:
    record("health/hub.json", wrap(a_health_entry("e-1")))
    recording = Recording.read(recorded)

    assert [("e-1", "Unavailable")] == health_of(recording)
    assert [] == health_of(recording, AT.replace(minute=13))
    assert [("e-1", "Unavailable")] == health_of(recording, AT)


def test_an_event_of_health_is_known_from_when_it_was_recorded(
    recorded: Path, record: Record
) -> None:
    """Azure reports it 40 minutes later, and what is `current` changes."""
    now = a_health_entry("current")
    after: dict[str, Any] = a_health_entry("current", _AsOf="2026-11-22T03:30:00Z")
    after["properties"] |= {"availabilityState": "Available", "occuredTime": "2026-11-22T03:00:00Z"}
    record("health/a.json", {"value": [now], "_AsOf": "2026-11-22T02:54:00Z"})
    record("health/b.json", after)
    recording = Recording.read(recorded)

    assert [] == health_of(recording, AT.replace(minute=50))
    assert [("current", "Unavailable")] == health_of(recording, AT.replace(minute=55))
    assert [("current", "Available")] == health_of(recording, AT.replace(hour=4))


def test_the_end_of_an_event_is_not_known_before_it_came(recorded: Path, record: Record) -> None:
    entry: dict[str, Any] = a_health_entry("e-1")
    entry["properties"]["resolvedTime"] = "2026-11-22T02:30:00Z"
    record("health/hub.json", entry)
    recording = Recording.read(recorded)

    def resolved(minute: int) -> bool:
        seen = recording.seen_by(AT.replace(minute=minute)).health([GATEWAY_ID])[GATEWAY_ID]
        assert not isinstance(seen, FactUnknown)
        return seen[0].resolved_at is not None

    assert [False, True] == [resolved(20), resolved(31)]


def test_of_a_gateway_whose_health_was_not_recorded_it_is_unknown(
    recorded: Path, record: Record
) -> None:
    """It was not searched, and "not recorded" must not say so."""
    record("health/hub.json", a_health_entry("e-1"))
    other = f"{GATEWAY_ID}-2"
    found = Recording.read(recorded).health([other])[other]

    assert isinstance(found, FactUnknown)
    assert "it is not in the recording" == found.why


def test_health_that_cannot_be_read_is_named(recorded: Path, record: Record) -> None:
    record("health/broken.json", "{")
    [line] = Recording.read(recorded).unusable_bodies.lines

    assert line.startswith("health/broken.json: it is not JSON")


def test_a_recording_without_connections_knows_none(recorded: Path) -> None:
    """They are optional: that they were not recorded is no failure of a lookup."""
    connections = Recording.read(recorded).connections(GATEWAY_ID)

    assert [] == list(connections)


def a_metrics_body(**changes: object) -> dict[str, object]:
    def a_metric(name: str) -> dict[str, object]:
        return {
            "id": f"{WRITTEN_ID}/providers/Microsoft.Insights/metrics/{name}",
            "name": {"value": name, "localizedValue": name},
            "timeseries": [
                {
                    "metadatavalues": [{"name": {"value": "instance"}, "value": FIRST}],
                    "data": [
                        {"timeStamp": "2026-11-22T02:10:00Z", "average": 1000.0},
                        {"timeStamp": "2026-11-22T02:15:00Z"},
                        {"timeStamp": "2026-11-22T02:20:00Z", "average": None},
                        {"timeStamp": "2026-11-22T02:25:00Z", "average": 3},
                    ],
                }
            ],
        }

    return {
        "interval": "PT5M",
        "resourceregion": "westeurope",
        "value": [a_metric("AverageBandwidth"), a_metric("P2SBandwidth")],
    } | changes


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: [body]])
def test_a_gateways_bandwidth_comes_from_its_recorded_metrics(
    wrap: Callable[[object], object], recorded: Path, record: Record
) -> None:
    record("metrics/hub.json", wrap(a_metrics_body()))
    recording = Recording.read(recorded)
    gateway = recording.gateways([GATEWAY_ID])[GATEWAY_ID]

    assert {
        GATEWAY_ID: [
            Series(
                instance=FIRST,
                points=(
                    (AT.replace(minute=10, second=0, microsecond=0), 1000.0),
                    (AT.replace(minute=25, second=0, microsecond=0), 3.0),
                ),
            )
        ]
    } == recording.bandwidth([gateway], ALL_DAY)


def test_an_instance_has_one_series_from_however_many_files(recorded: Path, record: Record) -> None:
    record("metrics/a.json", a_metrics_body())
    record("metrics/b.json", a_metrics_body())
    recording = Recording.read(recorded)
    series = recording.bandwidth([recording.gateways([GATEWAY_ID])[GATEWAY_ID]], ALL_DAY)
    found = series[GATEWAY_ID]

    assert not isinstance(found, FactUnknown)
    assert [2] == [len(one.points) for one in found]


def test_an_average_is_not_seen_before_its_five_minutes_are_over(
    recorded: Path, record: Record
) -> None:
    record("metrics/hub.json", a_metrics_body())
    recording = Recording.read(recorded).seen_by(AT.replace(minute=29))
    gateway = recording.gateways([GATEWAY_ID])[GATEWAY_ID]
    series = recording.bandwidth([gateway], ALL_DAY)[GATEWAY_ID]

    assert not isinstance(series, FactUnknown)
    assert [1000.0] == [point[1] for one in series for point in one.points]


def test_a_recording_without_metrics_has_no_bandwidth(recorded: Path) -> None:
    """They are optional: that they were not recorded is no failure of a lookup."""
    recording = Recording.read(recorded)
    gateway = recording.gateways([GATEWAY_ID])[GATEWAY_ID]

    assert {GATEWAY_ID: []} == recording.bandwidth([gateway], ALL_DAY)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (a_metrics_body(interval="PT1H"), "its averages are not of five minutes but of 'PT1H'"),
        ({"error": {}}, "it is no answer of the metrics API: KeyError('value')"),
        ([3], "it is no answer of the metrics API: AttributeError("),
        (
            json.dumps(a_metrics_body()).replace("1000.0", "1" + "0" * 400),
            "it is no answer of the metrics API: OverflowError(",
        ),
        (json.dumps(a_metrics_body()).replace("1000.0", "1" + "0" * 9000), "it is not JSON: "),
        ("[" * 100_000 + "]" * 100_000, "it is not JSON: "),
    ],
)
def test_metrics_that_cannot_be_used_are_named(
    content: object, why: str, recorded: Path, record: Record
) -> None:
    record("metrics/hub.json", content)
    (line,) = Recording.read(recorded).unusable_bodies.lines

    assert line.startswith(f"metrics/hub.json: {why}")
