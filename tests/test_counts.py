"""What does not depend on the machine: how often Azure and the rules are asked, of a fixed night.

`benchmarks.night` has the seconds; a change that makes these counts larger makes those larger, too.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detector.app.invocation import invoke_with
from detector.app.settings import Settings
from detector.azure.network import MANY
from detector.runs.run import BATCH, run_once
from tests.azure_stand_in import AzureStandIn
from tests.builders import GATEWAYS, at
from tests.cloud import GATEWAY, NETWORK, gateway_body, hand_over_rows, settle
from tests.memory import (
    ListSink,
    MemoryAzure,
    MemoryJournal,
    MemoryLogs,
    a_world,
    plenty,
    reconciles,
    seen,
)
from tests.test_run import HAND_OVER, at_gateway

if TYPE_CHECKING:
    import pytest

MORE = 2 * MANY


def a_fleet(azure: AzureStandIn) -> None:
    """So many gateways that all failed over 40 minutes ago, each with two connections."""
    kind = "microsoft.network"
    rows: list[dict[str, str]] = []
    for number in range(MORE):
        own = f"{GATEWAY}-{number}"
        rows += [{**row, "_ResourceId": own.lower()} for row in hand_over_rows()]
        body: dict[str, Any] = {**gateway_body(), "id": own, "name": f"vpn-{number}"}
        azure.graph.resources.append({**body, "type": f"{kind}/virtualnetworkgateways"})
        azure.arm[f"{own}/providers/Microsoft.ResourceHealth/availabilityStatuses"] = {"value": []}
        for peer in (11, 12):
            name, leads_to = f"conn-{number}-{peer}", f"{NETWORK}/localNetworkGateways/lng-{peer}"
            ends = {"virtualNetworkGateway1": {"id": own}, "localNetworkGateway2": {"id": leads_to}}
            connection = {"id": f"{NETWORK}/connections/{name}", "name": name, "properties": ends}
            azure.graph.resources.append({**connection, "type": f"{kind}/connections"})
    for peer in (11, 12):
        leads_to = f"{NETWORK}/localNetworkGateways/lng-{peer}"
        address = {"gatewayIpAddress": f"198.51.100.{peer}"}
        row = {"id": leads_to, "type": f"{kind}/localnetworkgateways", "properties": address}
        azure.graph.resources.append(row)
    azure.tables["AzureDiagnostics"] += rows


def asked(azure: AzureStandIn) -> Counter[str]:
    """How often each service was asked."""
    services = {
        "/query": "logs",
        "/providers/Microsoft.ResourceGraph": "graph",
        "/metrics:getBatch": "metrics",
        "/availabilityStatuses": "health",
        "/msi/token": "identity",
    }
    return Counter(
        next((name for part, name in services.items() if part in request.path), "arm")
        for request in azure.requests
    )


def test_a_fleet_that_fails_over_asks_arm_for_nothing_but_its_health(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with AzureStandIn() as azure:
        settle(monkeypatch, azure, tmp_path)
        a_fleet(azure)
        settings = Settings.read(
            {**azure.environment(), "DETECTOR_SCOPES": "11111111-2222-4333-8444-555555555555"}
            | {"DETECTOR_STORE": f"file:{tmp_path}"}
        )
        report, insights = invoke_with(settings)
        first = asked(azure)
        azure.requests.clear()
        invoke_with(settings)
        then = asked(azure)

    assert (MORE, ()) == (len(insights), report.problems)
    assert {"198.51.100.11", "198.51.100.12"} == {
        each.remote_ip for insight in insights for each in insight.failover.outages
    }
    assert {"logs": 2, "graph": 3, "metrics": 1, "health": MORE} == first - Counter(identity=9)
    assert {"logs": 1} == then - Counter(identity=9)


def test_each_gateway_of_a_night_is_reconciled_written_and_delivered_once() -> None:
    names = [f"vpn-{number}" for number in range(BATCH + 1)]
    rows = [row for name in names for row in at_gateway(name, *HAND_OVER)]
    journal, sink, azure = MemoryJournal(), ListSink(), MemoryAzure()
    operations: list[str] = []
    journal.hook = operations.append
    world = a_world(MemoryLogs(seen(*rows)), journal=journal, sinks=[sink], azure=azure)

    with reconciles() as counted:
        run_once(world, now=at(minutes=5), left=plenty)

    assert len(names) == counted() == len(sink.taken)
    assert {
        "before marks": 1,
        "before last_run": 1,
        "before save": 2 * len(names),
        "before note_run": 1,
    } == {name: n for name, n in Counter(operations).items() if name.startswith("before")}
    assert {"gateways": len(names), "connections": len(names), "bandwidth": len(names)} == Counter(
        port for port, _ in azure.asked
    )
    assert {f"{GATEWAYS}{name}" for name in names} == {each.gateway.id for each in sink.taken}
