"""A recording of Azure's stand-in, made by the command, masked, and replayed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.azure_stand_in import AzureStandIn
from tests.cloud import GATEWAY, NETWORK, WORKSPACE, gateway_body, hand_over_rows
from tests.command_line import Command, Said, files
from tests.loopback import Reply
from tests.test_masking import left_of

CONNECTIONS: Final = {
    f"198.51.100.{peer}": f"{NETWORK}/connections/conn-{name}"
    for peer, name in ((11, "lyon"), (12, "paris"))
}
PUBLIC_IP: Final = f"{NETWORK}/publicIPAddresses/pip-hub"
STATUSES: Final = f"{GATEWAY}/providers/Microsoft.ResourceHealth/availabilityStatuses"
NOW: Final = datetime.now(UTC)
WINDOW: Final = (
    *("--from", (NOW - timedelta(hours=2)).isoformat()),
    *("--to", (NOW + timedelta(minutes=5)).isoformat()),
)
IDENTITIES: Final = {
    *("vpn-hub-weu", "rg-hub", "vnet-hub-weu", "conn-lyon", "conn-paris", "lng-lyon", "pip-hub"),
    *("6d1f9c2a-0000-4000-8000-3f0c5e7a1b20", "198.51.100.11", "198.51.100.12", "203.0.113.10"),
    *("netops@contoso.example", "0b6d5a52-6c1e-4f3a-9d53-7f1f3a2e9c11", "s3cret", "kim"),
}


@pytest.fixture(name="estate")
def a_failover_of_a_gateway_with_two_connections(azure: AzureStandIn) -> AzureStandIn:
    now = datetime.now(UTC)  # the rows beside these are as old as they are
    body: dict[str, Any] = gateway_body()
    body["tags"] = {"owner": "kim"}
    del body["properties"]["bgpSettings"]
    configuration = body["properties"]["ipConfigurations"][0]["properties"]
    configuration["publicIPAddress"] = {"id": PUBLIC_IP}
    azure.arm[GATEWAY] = body
    azure.arm[PUBLIC_IP] = {"id": PUBLIC_IP, "properties": {"ipAddress": "203.0.113.10"}}
    listed = []
    for address, connection_id in CONNECTIONS.items():
        name = connection_id.rpartition("/")[2]
        peer = f"{NETWORK}/localNetworkGateways/{name.replace('conn', 'lng')}"
        connection: dict[str, Any] = {
            "id": connection_id,
            "name": name,
            "etag": "s3cret",
            "properties": {
                "authorizationKey": "s3cret",
                "virtualNetworkGateway1": {"id": GATEWAY},
                "localNetworkGateway2": {"id": peer},
            },
        }
        listed.append(connection)
        tunnel = {"tunnel": f"{name}_203.0.113.10", "connectionStatus": "Connected"}
        states = {"connectionStatus": "Connected", "tunnelConnectionStatus": [tunnel]}
        azure.arm[connection_id] = connection | {"properties": connection["properties"] | states}
        azure.arm[peer] = {"id": peer, "properties": {"gatewayIpAddress": address}}
    azure.arm[f"{GATEWAY}/connections"] = {"value": listed}
    azure.arm[STATUSES] = {"value": [{"id": f"{STATUSES}/current", "properties": {}}]}
    azure.metrics[GATEWAY] = [
        {
            "id": f"{GATEWAY}/providers/Microsoft.Insights/metrics/AverageBandwidth",
            "name": {"value": "AverageBandwidth"},
            "timeseries": [
                {
                    "metadatavalues": [
                        {"name": {"value": "instance"}, "value": "GatewayTenantWorker_IN_0"}
                    ],
                    "data": [
                        {
                            "timeStamp": (now - timedelta(minutes=45)).isoformat(),
                            "average": 25_000_000.0,
                        }
                    ],
                }
            ],
        }
    ]
    azure.tables["AzureDiagnostics"] += hand_over_rows()
    azure.tables["AzureActivity"].append(
        {
            "TimeGenerated": (now - timedelta(minutes=41)).isoformat(),
            "OperationNameValue": "Microsoft.Network/virtualNetworkGateways/reset/action",
            "ActivityStatusValue": "Success",
            "CategoryValue": "Administrative",
            "Caller": "netops@contoso.example",
            "CorrelationId": "0b6d5a52-6c1e-4f3a-9d53-7f1f3a2e9c11",
            "_ResourceId": GATEWAY.lower(),
        }
    )
    return azure


def insights_of(said: Said) -> list[Any]:
    """The insights that a replay printed."""
    assert 0 == said.code
    found: list[Any] = json.loads(said.out)["insights"]
    return found


def test_a_recording_holds_all_that_a_run_asks_for_and_replays_it(
    estate: AzureStandIn, detector: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "case"
    said = detector("record", folder, *WINDOW)
    [insight] = insights_of(detector("replay", folder, "--json"))

    assert 0 == said.code
    assert {
        "connections/connections.json",
        "coverage/coverage.json",
        "gateways/gateways.json",
        "health/health.json",
        "localNetworkGateways/localNetworkGateways.json",
        "logs/rows.ndjson",
        "metrics/metrics.json",
        "publicIPAddresses/publicIPAddresses.json",
    } == files(folder).keys()
    assert "5 rows of 1 gateway in 1 scope" in said.err
    assert "1 of 1: vpn-hub-weu, 2 connections" in said.err
    assert {} == insight["gateway"]["unknown"]
    assert "reset" == insight["failover"]["cause"]["kind"]
    assert 200 == insight["bandwidth"]["peakMbps"]
    assert ["conn-lyon", "conn-paris"] == [
        each["connection"] for each in insight["failover"]["outages"]
    ]
    assert set() == left_of({"s3cret", "kim"}, folder)


def test_a_masked_recording_tells_the_same_and_leaves_nothing_of_anybody(
    estate: AzureStandIn, detector: Command, tmp_path: Path
) -> None:
    clear, dark, table = tmp_path / "clear", tmp_path / "dark", tmp_path / "masks.json"
    detector("record", clear, *WINDOW)
    said = detector("record", dark, *WINDOW, "--mask", "--mask-table", table)
    [insight] = insights_of(detector("replay", clear, "--json"))
    [masked] = insights_of(detector("replay", dark, "--json"))
    masks = json.loads(table.read_text("utf-8"))

    assert 0 == said.code
    assert set() == left_of(IDENTITIES, dark)
    assert masks["gateway"]["vpn-hub-weu"] == masked["gateway"]["name"]
    assert (
        masks["e-mail-address"]["netops@contoso.example"] == masked["failover"]["cause"]["caller"]
    )
    for own, other in ((insight, masked), (insight["failover"], masked["failover"])):
        assert {name: type(value) for name, value in own.items()} == {
            name: type(value) for name, value in other.items()
        }
    assert shape(insight["verdict"]) == shape(masked["verdict"])
    assert insight["bandwidth"] == masked["bandwidth"]


def shape(verdict: str) -> str:
    """A verdict without the names in it."""
    return re.sub(r"\b(?:vpn|conn)-[\w-]+|[\w-]+@[\w.]+", "x", verdict)


def test_one_gateway_is_recorded_with_its_connections_and_no_other(
    estate: AzureStandIn, detector: Command, tmp_path: Path
) -> None:
    other = GATEWAY.replace("hub-weu", "other").lower()
    rows = [{**row, "_ResourceId": other} for row in hand_over_rows()]
    write = {
        "TimeGenerated": (NOW - timedelta(minutes=50)).isoformat(),
        "OperationNameValue": "Microsoft.Network/connections/write",
        "_ResourceId": CONNECTIONS["198.51.100.11"].lower(),
    }
    estate.tables["AzureDiagnostics"] += rows
    estate.tables["AzureActivity"] += [
        write,
        {**write, "_ResourceId": f"{NETWORK}/connections/conn-lyon-2".lower()},
    ]
    said = detector("record", tmp_path / "case", *WINDOW, "--gateway", GATEWAY)
    recorded = (tmp_path / "case" / "logs" / "rows.ndjson").read_text("utf-8")

    assert 0 == said.code
    assert 6 == len(recorded.splitlines())
    assert "conn-lyon" in recorded
    assert not {"conn-lyon-2", "vpn-other"} & set(re.findall(r"[\w-]+", recorded))


def test_facts_that_cannot_be_had_are_said_and_cost_nothing_else(
    estate: AzureStandIn, detector: Command, tmp_path: Path
) -> None:
    estate.always("/connections", Reply(status=403))
    estate.always("/availabilityStatuses", Reply(status=403))
    said = detector("record", tmp_path / "case", *WINDOW)

    assert 0 == said.code
    assert "note: vpn-hub-weu: its connections are not recorded: " in said.err
    assert "note: vpn-hub-weu: its health is not recorded: " in said.err
    assert (tmp_path / "case" / "gateways" / "gateways.json").is_file()


def test_a_scope_that_does_not_answer_is_named_and_the_others_are_recorded(
    estate: AzureStandIn,
    detector: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DETECTOR_SCOPES", f"{WORKSPACE},{GATEWAY}")
    estate.always(f"{WORKSPACE}/query", Reply(status=403))
    said = detector("record", tmp_path / "case", *WINDOW)

    assert 1 == said.code
    assert f"error: {WORKSPACE}" in said.err
    assert (tmp_path / "case" / "logs" / "rows.ndjson").is_file()


def test_without_rows_nothing_is_recorded_and_the_error_says_where_to_look(
    estate: AzureStandIn, detector: Command, tmp_path: Path
) -> None:
    window = ("--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z")
    said = detector("record", tmp_path / "case", *window)

    assert 1 == said.code
    assert "no rows of any gateway from 2020-01-01" in said.err
    assert "DETECTOR_SCOPES" in said.err
    assert not (tmp_path / "case").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--from", "2026-01-02", "--to", "2026-01-01"), "--to must be later than --from"),
        (("--from", "soon", "--to", "2026-01-01"), "is no ISO 8601 time"),
        ((*WINDOW, "--gateway", "vpn-hub"), "is no gateway's id"),
        ((*WINDOW, "--mask-table", "masks.json"), "--mask-table needs --mask"),
        (WINDOW[:2], "--to"),
    ],
)
def test_a_command_that_is_called_wrongly_says_how(
    detector: Command, arguments: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    said = detector("record", tmp_path / "case", *arguments)

    assert 2 == said.code
    assert problem in said.err


def test_a_folder_that_is_in_use_is_refused_before_anything_is_asked(
    azure: AzureStandIn, detector: Command, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("mine")
    said = detector("record", tmp_path, *WINDOW)

    assert 1 == said.code
    assert "name a new folder" in said.err
    assert [] == azure.requests
