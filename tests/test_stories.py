"""Whole nights, from the rows of a recording to what is told at each run.

Each file of `stories/` is one: what Azure knows, what it logs and when that arrives, when the
detector runs, and, below `## Told`, what it then tells. `UPDATE_GOLDEN=1` writes that part anew,
to be read aloud.

A row reads `<logged> [+<minutes until it arrives>] <gateway> <what> ...`, where `...` is the
instance and remote IP of a tunnel, the status, caller and correlation id of an operation, or else
the row's Message.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from detector.app.bootstrap import of_recording
from detector.insights.document import Insight
from detector.local.recording import Recording
from detector.model import EndSource
from detector.runs.report import Report
from detector.runs.run import run_once
from detector.text import clock, lasting

STORIES: Final = sorted(Path(__file__).with_name("stories").glob("*.md"))
ARTICLES: Final = Path(__file__).parents[1] / "articles"
DAY: Final = datetime(2026, 11, 22, tzinfo=UTC)
GROUP: Final = (
    "/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a/resourceGroups/rg-network"
    "/providers/Microsoft.Network"
)
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW: Final = re.compile(r"(?P<at>[\d:.]+)(?: \+(?P<late>\d+))? +(?P<rest>.+)")
TUNNEL: Final = {"up": "Connected", "down": "Disconnected"}
GATEWAY_LOG: Final = {
    "primary": "GatewayTenantPrimaryChanged",
    "maintenance": "HostMaintenanceEvent",
    "configuration": "SetGatewayConfiguration",
}
ACTIVITY: Final = {"reset": "reset/action", "write": "write"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A file of `stories/`: what it says before `## Told`, and what it says there."""

    given: str
    told: str

    @classmethod
    def read(cls, path: Path) -> Story:
        given, _, told = path.read_text(encoding="utf-8").partition("## Told\n\n")
        return cls(given=given, told=told)

    def lines(self, block: str) -> list[str]:
        """The lines of a fenced block."""
        blocks: dict[str, str] = dict(BLOCK.findall(self.given))
        return [line for line in blocks.get(block, "").splitlines() if line.strip()]

    @property
    def runs(self) -> list[datetime]:
        """When the detector runs."""
        return [instant(time) for line in self.lines("runs") for time in line.split()]

    def record(self, folder: Path) -> Recording:
        """The story as a recording in `folder`."""
        files: dict[str, list[dict[str, object]]] = {
            "logs/rows.json": [a_row(line) for line in self.lines("rows")],
            "gateways/gateways.json": [],
            "connections/connections.json": [],
            "localNetworkGateways/peers.json": [],
        }
        for line in self.lines("azure"):
            kind, *words = line.split()
            if kind == "gateway":
                files["gateways/gateways.json"].append(a_gateway(*words))
            else:
                gateway, name, remote_ip, status = words
                peer = a_resource("localNetworkGateways", f"lng-{name}", gatewayIpAddress=remote_ip)
                files["localNetworkGateways/peers.json"].append(peer)
                files["connections/connections.json"].append(
                    a_resource(
                        "connections",
                        name,
                        connectionStatus=status,
                        virtualNetworkGateway1={"id": f"{GROUP}/virtualNetworkGateways/{gateway}"},
                        localNetworkGateway2={"id": peer["id"]},
                    )
                )
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(content))
        return Recording.read(folder)


def instant(time: str) -> datetime:
    """A time of the story's day."""
    return datetime.fromisoformat(f"{DAY:%Y-%m-%d}T{time}+00:00")


def a_row(line: str) -> dict[str, object]:
    """A row as `az monitor log-analytics query` prints it."""
    parts = ROW.fullmatch(line)
    assert parts is not None, line
    logged = instant(parts["at"])
    gateway, what, *words = parts["rest"].split()
    row: dict[str, object] = {
        "TimeGenerated": logged.isoformat(),
        "_TimeReceived": (logged + timedelta(minutes=int(parts["late"] or 0))).isoformat(),
        "_ResourceId": f"{GROUP}/virtualNetworkGateways/{gateway}".lower(),
    }
    if what in TUNNEL:
        instance, remote_ip = words
        return row | {
            "Category": "TunnelDiagnosticLog",
            "OperationName": f"Tunnel{TUNNEL[what]}",
            "status_s": TUNNEL[what],
            "instance_s": f"GatewayTenantWorker_{instance}",
            "remoteIP_s": remote_ip,
        }
    if what in GATEWAY_LOG:
        return row | {
            "Category": "GatewayDiagnosticLog",
            "OperationName": GATEWAY_LOG[what],
            "operationStatus_s": words[0] if what == "configuration" else "",
            "Message": "" if what == "configuration" else " ".join(words),
        }
    status, caller, correlation_id = words
    return row | {
        "OperationNameValue": f"Microsoft.Network/virtualNetworkGateways/{ACTIVITY[what]}",
        "ActivityStatusValue": status,
        "Caller": caller,
        "CorrelationId": correlation_id,
    }


def a_resource(kind: str, name: str, **properties: object) -> dict[str, object]:
    """A resource of Microsoft.Network as ARM answers with it."""
    return {"id": f"{GROUP}/{kind}/{name}", "name": name, "properties": properties}


def a_gateway(name: str, mode: str, vpn_type: str = "RouteBased") -> dict[str, object]:
    """A gateway, with a VIP for each of its active instances."""
    vips = ["203.0.113.10", "203.0.113.11"] if mode == "active-active" else ["203.0.113.10"]
    configurations = [f"{GROUP}/virtualNetworkGateways/{name}/ipConfigurations/{v}" for v in vips]
    network = f"{GROUP}/virtualNetworks/vnet-hub/subnets/GatewaySubnet"
    facts = a_resource(
        "virtualNetworkGateways",
        name,
        activeActive=mode == "active-active",
        gatewayType="Vpn",
        vpnType=vpn_type,
        vpnGatewayGeneration="Generation1",
        sku={"name": "VpnGw1AZ"},
        ipConfigurations=[
            {"id": each, "properties": {"subnet": {"id": network}}} for each in configurations
        ],
        bgpSettings={
            "bgpPeeringAddresses": [
                {"ipconfigurationId": each, "tunnelIpAddresses": [vip]}
                for each, vip in zip(configurations, vips, strict=True)
            ]
        },
    )
    return {**facts, "location": "westeurope"}


def in_words(report: Report, insights: list[Insight]) -> Iterator[str]:
    """What a run tells, as a person would read it aloud."""
    if not insights and not report.suspected:
        yield "Nothing."
    for number, insight in enumerate(insights):
        if number:
            yield ""
        failover, cause = insight.failover, insight.failover.cause
        yield f"**{insight.reason}**, {insight.insight.importance_level}, {failover.state}:"
        yield f"> {insight.verdict}"
        yield ""
        yield f"- Cause: {cause.kind}. {cause.statement}"
        for known in failover.switch_overs:
            yield f"- Switched over at {clock(known.at)} ({known.evidence})"
        for outage in failover.outages:
            peer = f"{outage.connection} ({outage.remote_ip})" if outage.connection else None
            end = "not seen to end"
            if outage.to and outage.seconds is not None:
                length = lasting(timedelta(seconds=outage.seconds))
                source = "ARM" if outage.end_source is EndSource.ARM else "the log"
                end = f"until {clock(outage.to)}, {length}, as {source} says"
            yield f"- {peer or outage.remote_ip} down from {clock(outage.from_)}, {end}"
        yield f"- Told by {insight.diagnostic_scenario}"
        if insight.facts["TunnelName"] != "none":
            yield f"- TunnelName: {insight.facts['TunnelName']}"
        for fact, why in insight.gateway.unknown.items():
            yield f"- {fact}: unknown ({why})"
    for line in report.suspected:
        yield f"Suspected, not told: {line.rpartition('/')[-1]}"


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_is_told_run_by_run_and_then_no_more(path: Path, tmp_path: Path) -> None:
    story = Story.read(path)
    recording = story.record(tmp_path / "recording")
    told: list[str] = []
    for now in story.runs:
        world = of_recording(recording, tmp_path / "out", now=now, articles=ARTICLES)
        report, insights = run_once(world, now=now, left=lambda: timedelta(minutes=4))
        assert report.ok, report.problems
        told += [f"### {now:%H:%M}", "", *in_words(report, insights), ""]
    text = "\n".join(told)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(f"{story.given}## Told\n\n{text}", encoding="utf-8")
        story = Story.read(path)
    assert story.told == text

    later = story.runs[-1] + timedelta(minutes=1)
    world = of_recording(recording, tmp_path / "out", now=later, articles=ARTICLES)
    _, again = run_once(world, now=later, left=lambda: timedelta(minutes=4))
    assert [] == again


def test_every_kind_of_night_has_its_story() -> None:
    assert 16 <= len(STORIES)
