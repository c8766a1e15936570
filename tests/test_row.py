from __future__ import annotations

import json
from cProfile import Profile
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from benchmarks.unreadable import ROWS
from detector.errors import Unforeseen
from detector.model import (
    CUSTOMER_INITIATED,
    PLATFORM_INITIATED,
    RESOURCE_HEALTH,
    HealthEvent,
    Kind,
    Phase,
    Signal,
)
from detector.signals.row import (
    COLUMNS,
    EXAMPLES,
    UnreadableRow,
    Unusable,
    instant,
    read_row,
    read_rows,
)
from tests.builders import GATEWAY_ID, GATEWAY_LOG, PARIS, TUNNEL_LOG, ZERO

AT = datetime(2026, 11, 22, 2, 14, 7, 123000, tzinfo=UTC)
RESET = "MICROSOFT.NETWORK/VIRTUALNETWORKGATEWAYS/RESET/ACTION"


def a_row(**changes: object) -> dict[str, object]:
    """A row as the query projects it: a tunnel that disconnected."""
    columns: dict[str, object] = dict.fromkeys(COLUMNS, "")
    return columns | {
        "TimeGenerated": AT,
        "ResourceId": GATEWAY_ID.upper(),
        "Source": TUNNEL_LOG,
        "Operation": "TunnelDisconnected",
        "Status": "Disconnected",
        "Instance": ZERO,
        "RemoteIp": PARIS,
        "Reason": "DPD timeout",
        **changes,
    }


def signal_of(**changes: object) -> Signal:
    """The signal of a row that has one."""
    found = read_row(a_row(**changes))
    assert found is not None
    return found


def of_the_gateway(**changes: Any) -> dict[str, Any]:
    """What makes a row one of the gateway's own log."""
    return {"Source": GATEWAY_LOG, "Instance": "", "RemoteIp": "", "Reason": "", **changes}


def test_a_row_of_a_tunnel_is_read_with_its_instance_its_peer_and_its_reason() -> None:
    expected = Signal(
        at=AT,
        gateway_id=GATEWAY_ID,
        kind=Kind.DISCONNECTED,
        source=TUNNEL_LOG,
        instance=ZERO,
        remote_ip=PARIS,
        text="DPD timeout",
    )

    assert expected == read_row(a_row())


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("TunnelConnected", Kind.CONNECTED),
        ("TUNNELDISCONNECTED", Kind.DISCONNECTED),
        ("GatewayTenantPrimaryChanged", Kind.PRIMARY_CHANGED),
        ("HostMaintenanceEvent", Kind.MAINTENANCE),
        ("SetGatewayConfiguration", Kind.CONFIGURATION),
        (RESET, Kind.RESET),
        ("Microsoft.Network/virtualNetworkGateways/write", Kind.WRITE),
        ("Microsoft.Network/virtualNetworkGateways/executeMigration/action", Kind.MIGRATION),
        ("MICROSOFT.NETWORK/VIRTUALNETWORKGATEWAYS/INVOKEPREPAREMIGRATION/ACTION", Kind.MIGRATION),
        ("MigrateCustomerSubscription", Kind.MIGRATION),
        ("GatewayResourceMove", Kind.MIGRATION),
        ("SetConnectionConfiguration", Kind.CONNECTION_CHANGE),
    ],
)
def test_an_operation_counts_in_any_case(operation: str, kind: Kind) -> None:
    assert kind is signal_of(Operation=operation).kind


@pytest.mark.parametrize(
    "operation",
    [
        "",
        "ValidateGatewayConfiguration",
        "Microsoft.Network/loadBalancers/executeMigration/action",
        "Microsoft.Network/virtualNetworkGateways/resetvpnclientsharedkey/action",
        "Microsoft.Network/virtualNetworkGateways/delete",
    ],
)
def test_other_operations_bear_on_no_failover(operation: str) -> None:
    assert read_row(a_row(**of_the_gateway(Operation=operation))) is None


CONNECTION = f"{GATEWAY_ID.rpartition('/virtualnetworkgateways/')[0]}/connections/to-paris"


@pytest.mark.parametrize(
    ("operation", "behind"),
    [
        ("Microsoft.Network/connections/write", ""),
        ("MICROSOFT.NETWORK/CONNECTIONS/DELETE", "/"),
        ("Microsoft.Network/connections/sharedKey/write", "/sharedKey/default"),
        ("Microsoft.Network/connections/resetconnection/action", ""),
    ],
)
def test_a_change_of_a_connection_names_it_and_no_gateway(operation: str, behind: str) -> None:
    """Whose connection it is, the row does not say."""
    row = of_the_gateway(
        Source="AzureActivity", ResourceId=CONNECTION.upper() + behind, Status="Success"
    )

    signal = signal_of(Operation=operation, **row)

    assert (Kind.CONNECTION_CHANGE, Phase.SUCCEEDED, "", CONNECTION) == (
        signal.kind,
        signal.phase,
        signal.gateway_id,
        signal.connection,
    )


@pytest.mark.parametrize(
    ("operation", "lacking"),
    [
        ("Microsoft.Network/connections/write", "neither a gateway's nor a connection's id"),
        (RESET, "no gateway id"),
    ],
)
def test_an_operation_on_neither_is_unreadable(operation: str, lacking: str) -> None:
    elsewhere = CONNECTION.replace("/connections/", "/virtualnetworks/")

    with pytest.raises(UnreadableRow, match=lacking):
        read_row(a_row(Operation=operation, ResourceId=elsewhere))


OLD_HEALTH = {
    "stage": "Active",
    "title": "Gateway unavailable",
    "details": "It was serviced.",
    "healthStatus": "Unavailable",
    "healthEventType": "Downtime",
    "healthEventCause": "PlatformInitiated",
    "healthEventCategory": "Planned",
}
NEW_HEALTH = {
    "title": "Gateway unavailable",
    "details": None,
    "currentHealthStatus": "Unavailable",
    "previousHealthStatus": "Available",
    "type": "Downtime",
    "cause": "UserInitiated",
}


def of_health(properties: object, **changes: Any) -> dict[str, Any]:
    return of_the_gateway(
        Source=RESOURCE_HEALTH,
        Operation="Microsoft.Resourcehealth/healthevent/Activated/action",
        Status="Active",
        Properties=properties,
        **changes,
    )


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        (OLD_HEALTH, ("It was serviced.", PLATFORM_INITIATED, "Planned")),
        (NEW_HEALTH, ("", CUSTOMER_INITIATED, "")),
        (
            {"eventCategory": "ResourceHealth", "eventProperties": NEW_HEALTH},
            ("", CUSTOMER_INITIATED, ""),
        ),
        (NEW_HEALTH | {"cause": "Unknown"}, ("", "Unknown", "")),
    ],
)
@pytest.mark.parametrize("written", [dict, json.dumps])
def test_the_gateways_health_is_read_in_each_of_its_spellings(
    properties: dict[str, object], said: tuple[str, str, str], written: Any
) -> None:
    summary, context, category = said
    expected = HealthEvent(
        at=AT,
        resolved_at=None,
        state="Unavailable",
        title="Gateway unavailable",
        summary=summary,
        reason_type="",
        context=context,
        category=category,
    )

    signal = signal_of(**of_health(written(properties)))

    assert (Kind.HEALTH, expected, "Gateway unavailable") == (
        signal.kind,
        signal.health,
        signal.text,
    )
    assert GATEWAY_ID == signal.gateway_id


def test_the_health_of_another_resource_bears_on_no_failover() -> None:
    assert read_row(a_row(**of_health(OLD_HEALTH, ResourceId=CONNECTION))) is None


@pytest.mark.parametrize("properties", ["", None, "{", "[]", "{}"])
def test_a_row_of_health_that_says_nothing_is_unreadable(properties: object) -> None:
    with pytest.raises(UnreadableRow, match="has no Properties"):
        read_row(a_row(**of_health(properties)))


@pytest.mark.parametrize(
    "operation", ["", "GatewayEvent", "SetGatewayConfiguration", "SetConnectionConfiguration"]
)
def test_a_message_that_an_upgrade_started_is_maintenance_whatever_its_operation(
    operation: str,
) -> None:
    row = of_the_gateway(Operation=operation, Message="Upgrade gateway started")

    assert Kind.MAINTENANCE is signal_of(**row).kind


def test_what_a_primary_change_says_is_kept_and_not_read() -> None:
    row = of_the_gateway(
        Operation="GatewayTenantPrimaryChanged", Message="upgrade started, now IN_1"
    )

    assert (Kind.PRIMARY_CHANGED, "") == (signal_of(**row).kind, signal_of(**row).instance)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Start", Phase.STARTED),
        ("Started", Phase.STARTED),
        ("Accept", Phase.STARTED),
        ("Accepted", Phase.STARTED),
        ("Success", Phase.SUCCEEDED),
        ("SUCCEEDED", Phase.SUCCEEDED),
        ("Failure", Phase.FAILED),
        ("Failed", Phase.FAILED),
        ("Canceled", Phase.UNSTATED),
        ("", Phase.UNSTATED),
    ],
)
def test_the_status_of_an_operation_says_how_far_it_came(status: str, phase: Phase) -> None:
    assert phase is signal_of(Operation=RESET, Status=status).phase


def test_the_status_of_a_tunnel_is_no_phase() -> None:
    assert Phase.UNSTATED is signal_of(Status="Success").phase


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T02:14:07.123Z", AT),
        ("2026-11-22T02:14:07.1230000Z", AT),
        ("2026-11-22T02:14:07.1234567Z", AT.replace(microsecond=123456)),
        ("2026-11-22 02:14:07.123", AT),
        ("2026-11-22T03:14:07.123+01:00", AT),
        (AT.replace(tzinfo=None), AT),
        (AT.astimezone(timezone(timedelta(hours=-8))), AT),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(value: object, expected: datetime) -> None:
    assert expected == instant(value)
    assert timedelta() == instant(value).utcoffset()


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"TimeGenerated": None}, "no TimeGenerated"),
        ({"TimeGenerated": "yesterday"}, "not a time: 'yesterday'"),
        ({"TimeGenerated": "0001-01-01T00:00:00+14:00"}, "not a time"),
        ({"ResourceId": ""}, "no gateway id"),
        ({"ResourceId": "/subscriptions/s/resourceGroups/r"}, "no gateway id"),
        ({"Instance": ""}, "no instance_s"),
        ({"RemoteIp": None}, "no remoteIP_s"),
    ],
)
def test_a_row_that_lacks_what_it_needs_is_unreadable_and_says_what(
    changes: dict[str, object], lacking: str
) -> None:
    with pytest.raises(UnreadableRow, match=lacking):
        read_row(a_row(**changes))


def test_an_unreadable_row_is_named_and_stops_no_other() -> None:
    rows = [a_row(), a_row(Instance=""), a_row(Operation="Else", ResourceId="")]

    signals, unusable = read_rows(rows, origin="the workspace")

    assert [read_row(a_row())] == signals
    assert ["the workspace, row 2: it tells of a tunnel and has no instance_s"] == unusable.lines


@pytest.mark.parametrize("as_text", [False, True])
def test_what_a_full_workspace_keeps_in_additional_fields_is_found(*, as_text: bool) -> None:
    fields = {"instance": ZERO, "remoteIP": PARIS, "status": "Disconnected"}
    text = '{"INSTANCE": "%s", "remoteIP": "%s", "status": "Disconnected"}' % (ZERO, PARIS)  # noqa: UP031
    row = a_row(Instance="", RemoteIp="", Status="", Additional=text if as_text else fields)

    assert read_row(a_row()) == read_row(row)


@pytest.mark.parametrize("additional", ["{", "[]", "7", [1], "null"])
def test_additional_fields_that_cannot_be_read_are_passed_over(additional: object) -> None:
    assert read_row(a_row()) == read_row(a_row(Additional=additional))


def test_the_operation_status_in_additional_fields_says_how_far_it_came() -> None:
    row = of_the_gateway(
        Operation="SetGatewayConfiguration",
        Status="",
        Additional={"operationStatus": "Success"},
    )

    assert Phase.SUCCEEDED is signal_of(**row).phase


@pytest.mark.parametrize(
    ("status", "kind"), [("Connected", Kind.CONNECTED), ("disconnected", Kind.DISCONNECTED)]
)
def test_a_row_of_the_tunnel_log_without_an_operation_is_read_by_its_status(
    status: str, kind: Kind
) -> None:
    assert kind is signal_of(Operation="", Status=status).kind


def test_another_logs_row_without_an_operation_bears_on_no_failover() -> None:
    assert read_row(a_row(Operation="", Source="IKEDiagnosticLog", Status="Connected")) is None


@pytest.mark.parametrize("column", ["Instance", "RemoteIp"])
def test_a_name_that_no_tunnel_can_have_makes_a_row_unreadable(column: str) -> None:
    with pytest.raises(UnreadableRow, match="over 100 characters"):
        read_row(a_row(**{column: "9" * 101}))


def test_of_a_caller_no_more_is_kept_than_an_address_can_have() -> None:
    assert "k" * 320 == signal_of(Caller="k" * 100_000).caller


def nested(deep: int = 100_000) -> object:
    """A list in a list in a list: to write it as text, or to walk down in it, ends in an error."""
    value: object = "Disconnected"
    for _ in range(deep):
        value = [value]
    return value


@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_of_any_depth_stops_no_other_row(column: str) -> None:
    rows = [a_row(**{column: nested()}), a_row(**{column: {"message": nested()}}), a_row()]

    signals, unusable = read_rows(rows, origin="workspace")

    assert 3 == len(signals) + len(unusable.lines)
    assert signal_of() == signals[-1]


@pytest.mark.parametrize("deep", [900, 3000, 100_000])
def test_additional_fields_of_any_depth_cost_no_row(deep: int) -> None:
    text = '{"message": ' + "[" * deep + "]" * deep + "}"

    assert signal_of() == signal_of(Additional=text)
    assert signal_of() == signal_of(Additional={"message": nested(deep), "status": nested(deep)})


def test_no_text_of_a_row_is_kept_without_bound() -> None:
    long = "x" * 1_000_000
    signal = signal_of(Source=long, CorrelationId=long, Message=long)

    health = signal_of(Source=RESOURCE_HEALTH, Properties={"title": long, "summary": long}).health

    assert (100, 100, 2000) == (
        len(signal.source),
        len(signal.correlation_id),
        len(signal.text),
    )
    assert health is not None
    assert (2000, 2000) == (len(health.title), len(health.summary))
    with pytest.raises(UnreadableRow, match="its _ResourceId has over 400 characters"):
        read_row(a_row(ResourceId=f"{GATEWAY_ID}{'x' * 400}"))


def test_of_many_rows_that_cannot_be_read_some_are_named_and_all_are_counted() -> None:
    unusable, others = Unusable(), Unusable()
    for number in range(EXAMPLES + 3):
        unusable.add(f"row {number}", UnreadableRow("it has no time"))
        others.add(f"line {number}", Unforeseen(f"line {number}", "ValueError"))
    unusable.extend(others)

    assert "row 0: it has no time" == unusable.lines[0]
    assert (EXAMPLES, EXAMPLES) == (len(unusable.lines), len(unusable.failures))
    assert 6 == unusable.more


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_cannot_be_read_costs_no_more_than_another(row: str) -> None:
    """By the calls that it makes, which are the same on every machine."""

    def calls(kind: str) -> int:
        with Profile() as profile:
            read_rows([ROWS[kind]] * 1000, origin="the workspace")
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(row) <= 1.1 * calls("readable") + 1000


def test_of_many_rows_that_cannot_be_read_twenty_are_named_and_the_others_counted() -> None:
    signals, unusable = read_rows([{**a_row(), "TimeGenerated": None}] * 5000, origin="it")

    assert ([], 20, 4980) == (signals, len(unusable.lines), unusable.more)
    assert max(map(len, unusable.lines)) < 200


def test_a_row_that_meets_a_defect_costs_no_other_and_is_said_apart() -> None:
    class Odd(dict[str, object]):
        def get(self, *_: object) -> object:
            raise ZeroDivisionError("a secret")

    signals, unusable = read_rows([Odd(), a_row(), *([Odd()] * 30)], origin="the workspace")

    assert (1, [], 11) == (len(signals), unusable.lines, unusable.more)
    assert 20 == len(unusable.failures)
    assert str(unusable.failures[0]).startswith(
        "the workspace, row 1: failed unexpectedly (ZeroDivisionError at detector.signals.row:"
    )
    assert "secret" not in str(unusable.failures)


def test_a_cell_without_end_costs_no_row() -> None:
    assert signal_of() == signal_of(Additional='{"message": "' + "x" * 10**7 + '"}')
