"""How a verdict came about, shown: what was kept and what was discarded, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import AFTERNOON, Command
from tests.goldens import golden


def a_recording(folder: Path, *rows: dict[str, object]) -> Path:
    """A recording of these rows of the tunnel log, about one gateway of which nothing is known."""
    (folder / "logs").mkdir()
    common = {
        "Category": "TunnelDiagnosticLog",
        "_ResourceId": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network"
        "/virtualNetworkGateways/vpn-hub",
    }
    (folder / "logs" / "rows.json").write_text(json.dumps([{**common, **row} for row in rows]))
    return folder


def a_row(time: str, instance: int, peer: int, state: str, **more: object) -> dict[str, object]:
    return {
        "TimeGenerated": f"2026-11-22T{time}Z",
        "OperationName": f"Tunnel{state}",
        "instance_s": f"GatewayTenantWorker_IN_{instance}",
        "remoteIP_s": f"198.51.100.{peer}",
        **more,
    }


def test_the_afternoon_is_explained(detector: Command) -> None:
    said = detector("explain", AFTERNOON)

    assert (0, "") == (said.code, said.err)
    assert golden("explain-afternoon.txt", said.out) == said.out


@pytest.mark.parametrize("name", ["vpn-hub-neu", "VPN-HUB-NEU"])
def test_one_gateway_can_be_named(detector: Command, name: str) -> None:
    said = detector("explain", AFTERNOON, name)
    whole = detector("explain", AFTERNOON).out

    assert 1 == said.out.count("Gateway /")
    assert said.out.startswith("Gateway /subscriptions/")
    assert said.out.rstrip() in whole


def test_a_gateway_without_rows_is_said(detector: Command) -> None:
    said = detector("explain", AFTERNOON, "vpn-none")

    assert (1, "") == (said.code, said.out)
    assert "samples/afternoon has no rows of gateway vpn-none before 2026-11-19T" in said.err


def test_a_moment_can_be_given(detector: Command) -> None:
    said = detector("explain", AFTERNOON, "vpn-hub-weu", "--now", "2026-11-19T14:20:00Z")

    assert 1 == said.out.count("    switched over at ")


def test_a_loss_that_is_only_suspected_is_discarded_and_says_why(
    detector: Command, tmp_path: Path
) -> None:
    recording = a_recording(
        tmp_path,
        a_row("02:00:00", 0, 11, "Disconnected"),
        a_row("02:00:05", 0, 12, "Disconnected"),
    )

    said = detector("explain", recording)

    assert (
        "instance-lost from GatewayTenantWorker_IN_0 "
        "(discarded: nothing shows yet that it was out for five seconds), 2 times\n"
    ) in said.out
    assert "It is of unknown mode" in said.out
    assert "    02:00:00Z 198.51.100.11 down on GatewayTenantWorker_IN_0: no Connected" in said.out
    assert "No failover: nothing here shows that the active role moved.\n" in said.out


def test_what_a_row_says_cannot_act_on_a_terminal(detector: Command, tmp_path: Path) -> None:
    hostile = "\x1b[2J\u202e\r\n# "
    recording = a_recording(
        tmp_path,
        a_row("02:00:00", 0, 11, "Disconnected", stateChangeReason_s=hostile),
        a_row("02:00:09", 1, 11, "Connected"),
    )

    said = detector("explain", recording)

    assert 0 == said.code
    assert {"\x1b", "\u202e", "\r"}.isdisjoint(said.out)
    assert "hand-over" in said.out
