"""Nights of `stories/`, as a recording and as the ports of a run.

Each line is read aloud as it stands. A time may have its date before it: `21 Nov 23:50`.

`rows`: `<logged> [+<minutes until it arrives>] <gateway or connection> <what> ...`, where `...` is
the instance and remote IP of a tunnel, the status, caller and correlation id of an operation, or
else the row's Message. A line in parentheses is a row that was lost.

`azure`: `[<from when>] gateway <name> <mode> ...`, `connection <gateway> <name> <remote IP> ...`,
`tunnels <connection> <VIP> <status> [since <time>], ...` and `health <gateway> <state> from <time>
[until <time>] <by whom> <title>`: what Azure answers from then on.

`faults`: `<from> to <until> <port or connection> refused | throttled | deleted`.

`runs`: when the detector runs: `02:20 02:25`, or `02:20 to 04:20 every 5`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from detector.errors import FactUnknown
from detector.local.recording import Recording
from detector.model import Connection, Gateway, HealthEvent
from detector.runs.facts import Sources
from detector.signals import arm

GROUP: Final = (
    "/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a/resourceGroups/rg-network"
    "/providers/Microsoft.Network"
)
BEFORE: Final = "15 Nov 00:00"
"""From then on Azure answers what a line without a time says."""

BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIME: Final = r"(?:\d+ Nov )?\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
ROW: Final = re.compile(rf"(?P<at>{TIME})(?: \+(?P<late>\d+))? +(?P<rest>.+)")
ANSWER: Final = re.compile(rf"(?:(?P<at>{TIME}) )?(?P<rest>.+)")
HEALTH: Final = re.compile(rf"from (?P<at>{TIME})(?: until (?P<end>{TIME}))? (?P<rest>.+)")
FAULT: Final = re.compile(rf"(?P<start>{TIME}) to (?P<end>{TIME}) (?P<what>\S+) (?P<kind>\S+)")
EVERY: Final = re.compile(rf"(?P<start>{TIME}) to (?P<end>{TIME}) every (?P<minutes>\d+)")

TUNNEL: Final = {"up": "Connected", "down": "Disconnected"}
GATEWAY_LOG: Final = {
    "primary": "GatewayTenantPrimaryChanged",
    "maintenance": "HostMaintenanceEvent",
    "configuration": "SetGatewayConfiguration",
    "connection-configuration": "SetConnectionConfiguration",
    "subscription-migrated": "MigrateCustomerSubscription",
}
ACTIVITY: Final = {
    "reset": "Microsoft.Network/virtualNetworkGateways/reset/action",
    "write": "Microsoft.Network/virtualNetworkGateways/write",
    "executeMigration": "Microsoft.Network/virtualNetworkGateways/executeMigration/action",
    "connection-write": "Microsoft.Network/connections/write",
    "connection-delete": "Microsoft.Network/connections/delete",
    "key-write": "Microsoft.Network/connections/sharedKey/write",
    "policy": "Microsoft.Authorization/policies/auditIfNotExists/action",
}
BY_WHOM: Final = {
    "customer": {"context": "Customer Initiated", "reasonType": "UserInitiated"},
    "platform-planned": {"context": "Platform Initiated", "reasonType": "Planned"},
    "platform-unplanned": {"context": "Platform Initiated", "reasonType": "Unplanned"},
}
FAULTS: Final = {
    "refused": FactUnknown(
        "no permission to read it; give the app's identity Monitoring Reader on rg-network",
        kind="refused",
    ),
    "throttled": FactUnknown("Azure is throttling", kind="no answer"),
    "deleted": FactUnknown("the connection no longer exists", kind="gone"),
}

_Body = dict[str, object]


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
        """The lines of a fenced block, without what was lost."""
        blocks: dict[str, str] = dict(BLOCK.findall(self.given))
        lines = (line.strip() for line in blocks.get(block, "").splitlines())
        return [line for line in lines if line and not line.startswith("(")]

    @property
    def runs(self) -> list[datetime]:
        """When the detector runs."""
        return [now for line in self.lines("runs") for now in _runs(line)]

    def record(self, folder: Path) -> Recording:
        """The story as a recording in `folder`."""
        files: dict[str, list[_Body]] = {"logs": [_row(line) for line in self.lines("rows")]}
        for line in self.lines("azure"):
            for kind, body in _answers(line):
                files.setdefault(kind, []).append(body)
        _complete_connections(files)
        for name, content in files.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "all.json").write_text(json.dumps(content))
        return Recording.read(folder)

    def sources(self, sources: Sources, *, now: datetime) -> Sources:
        """The ports as they answer at `now`: a fault may lie over them."""
        for line in self.lines("faults"):
            found = FAULT.fullmatch(line)
            assert found is not None, line
            if instant(found["start"]) <= now < instant(found["end"]):
                sources = _with_fault(sources, found["what"], FAULTS[found["kind"]])
        return sources


def instant(time: str) -> datetime:
    """A time of the story's day, 22 November 2026, or of the one that stands before it."""
    day, _, clock = time.rpartition(" Nov ")
    return datetime.fromisoformat(f"2026-11-{day or 22:>02}T{clock}").replace(tzinfo=UTC)


def _runs(line: str) -> Iterator[datetime]:
    if found := EVERY.fullmatch(line):
        now = instant(found["start"])
        while now <= instant(found["end"]):
            yield now
            now += timedelta(minutes=int(found["minutes"]))
    else:
        day, _, times = line.rpartition(" Nov ")
        yield from (instant(f"{day or 22} Nov {time}") for time in times.split())


def _row(line: str) -> _Body:
    """A row as `az monitor log-analytics query` prints it."""
    parts = ROW.fullmatch(line)
    assert parts is not None, line
    logged = instant(parts["at"])
    resource, what, *words = parts["rest"].split()
    kind = "connections" if what in ("connection-write", "connection-delete", "key-write") else None
    row: _Body = {
        "TimeGenerated": logged.isoformat(),
        "_TimeReceived": (logged + timedelta(minutes=int(parts["late"] or 0))).isoformat(),
        "_ResourceId": f"{GROUP}/{kind or 'virtualNetworkGateways'}/{resource}".lower(),
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
        is_stated = what.endswith("configuration")
        return row | {
            "Category": "GatewayDiagnosticLog",
            "OperationName": GATEWAY_LOG[what],
            "operationStatus_s": words[0] if is_stated else "",
            "Message": "" if is_stated else " ".join(words),
        }
    status, caller, correlation_id = words
    return row | {
        "CategoryValue": "Policy" if what == "policy" else "Administrative",
        "OperationNameValue": ACTIVITY[what],
        "ActivityStatusValue": status,
        "Caller": caller,
        "CorrelationId": correlation_id,
    }


def _answers(line: str) -> Iterator[tuple[str, _Body]]:
    """The bodies that a line says, each with the folder of a recording that it belongs to."""
    parts = ANSWER.fullmatch(line)
    assert parts is not None, line
    as_of = {"_AsOf": instant(parts["at"] or BEFORE).isoformat()}
    kind, name, *words = parts["rest"].split()
    if kind == "gateway":
        yield "gateways", _gateway(name, *words) | as_of
    elif kind == "connection":
        own, remote_ip, *status = words
        peer = _resource("localNetworkGateways", f"lng-{own}", gatewayIpAddress=remote_ip)
        yield "localNetworkGateways", peer
        gateway_id = f"{GROUP}/virtualNetworkGateways/{name}"
        body = _resource(
            "connections",
            own,
            connectionStatus=status[0] if status else "Unknown",
            virtualNetworkGateway1={"id": gateway_id},
            localNetworkGateway2={"id": peer["id"]},
        )
        yield "connections", body | as_of
    elif kind == "tunnels":
        yield "connections", _resource("connections", name, **_live(name, " ".join(words))) | as_of
    else:
        state, *rest = words
        yield "health", _available(name)
        yield "health", _health(name, state, " ".join(rest)) | as_of


def _resource(kind: str, name: str, **properties: object) -> _Body:
    """A resource of Microsoft.Network as ARM answers with it."""
    return {"id": f"{GROUP}/{kind}/{name}", "name": name, "properties": properties}


def _gateway(name: str, mode: str, *words: str) -> _Body:
    """A gateway, with a VIP for each of its active instances.

    Its words may be `policy-based`, `point-to-site`, `express-route` and `migration <phase>`.
    """
    vips = ["203.0.113.10", "203.0.113.11"] if mode == "active-active" else ["203.0.113.10"]
    configurations = [f"{GROUP}/virtualNetworkGateways/{name}/ipConfigurations/{v}" for v in vips]
    network = f"{GROUP}/virtualNetworks/vnet-hub/subnets/GatewaySubnet"
    migration, clients = {}, {}
    if "migration" in words:
        migration = {"phase": words[words.index("migration") + 1], "state": "Succeeded"}
    if "point-to-site" in words:
        clients = {"vpnClientAddressPool": {"addressPrefixes": ["172.16.201.0/24"]}}
    facts = _resource(
        "virtualNetworkGateways",
        name,
        activeActive=mode == "active-active",
        gatewayType="ExpressRoute" if "express-route" in words else "Vpn",
        vpnType="PolicyBased" if "policy-based" in words else "RouteBased",
        vpnGatewayGeneration="Generation1",
        vpnClientConfiguration=clients,
        virtualNetworkGatewayMigrationStatus=migration,
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


def _live(connection: str, states: str) -> _Body:
    """A connection's live state: `<VIP> <status> [since <time>], ...`, or `null <status>`."""
    if states.startswith("null"):
        return {"connectionStatus": states.split()[1], "tunnelConnectionStatus": None}
    tunnels = []
    for state in states.split(", "):
        vip, status, *since = state.split(maxsplit=3)
        tunnel: _Body = {"tunnel": f"{connection}_{vip}", "connectionStatus": status}
        if since:
            tunnel["lastConnectionEstablishedUtcTime"] = _month_first(since[1])
        tunnels.append(tunnel)
    is_up = any(tunnel["connectionStatus"] == "Connected" for tunnel in tunnels)
    return {
        "connectionStatus": "Connected" if is_up else "NotConnected",
        "tunnelConnectionStatus": tunnels,
    }


def _month_first(time: str) -> str:
    """A time as ARM writes it there; what is none stands as it is."""
    return f"{instant(time):%m/%d/%Y %H:%M:%S}" if re.fullmatch(TIME, time) else time


def _complete_connections(files: Mapping[str, list[_Body]]) -> None:
    """Give the bodies that tell of tunnels what their connection says of itself."""
    known: dict[object, _Body] = defaultdict(dict)
    for body in files.get("connections", ()):
        properties = body["properties"]
        assert isinstance(properties, dict)
        known[body["id"]].update(properties | known[body["id"]])
        body["properties"] = known[body["id"]] | properties


def _health(gateway: str, state: str, rest: str) -> _Body:
    """An availability status as Azure tells of the past: `from <time> until <time> <by whom> …`."""
    found = HEALTH.fullmatch(rest)
    assert found is not None, rest
    by_whom, _, title = found["rest"].partition(" ")
    at = instant(found["at"])
    ended = {"resolvedTime": instant(found["end"]).isoformat()} if found["end"] else {}
    return _status(gateway, f"{at:%Y-%m-%d+%H:%M:%SZ}") | {
        "properties": {
            "availabilityState": state,
            "title": title,
            "occuredTime": at.isoformat(),
            **ended,
            **BY_WHOM[by_whom],
        }
    }


def _available(gateway: str) -> _Body:
    """The entry of a gateway that is well, which is named `current`."""
    at = instant(BEFORE).isoformat()
    return _status(gateway, "current") | {
        "_AsOf": at,
        "properties": {"availabilityState": "Available", "title": "Available", "occuredTime": at},
    }


def _status(gateway: str, name: str) -> _Body:
    gateway_id = f"{GROUP}/virtualNetworkGateways/{gateway}"
    provider = "providers/Microsoft.ResourceHealth/availabilityStatuses"
    return {"id": f"{gateway_id}/{provider}/{name}", "name": name}


def _with_fault(sources: Sources, what: str, fault: FactUnknown) -> Sources:
    """The ports with one of them failing, or with one connection deleted."""

    def no_gateways(ids: Sequence[str], written: Collection[str] = ()) -> Mapping[str, Gateway]:
        return {gateway_id: arm.missing(gateway_id, fault.why) for gateway_id in ids}

    def no_connections(
        gateway_ids: Sequence[str],
    ) -> Mapping[str, Sequence[Connection] | FactUnknown]:
        return dict.fromkeys(gateway_ids, fault)

    def no_tunnels(connection_ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]:
        return dict.fromkeys(connection_ids, fault)

    def no_health(gateway_ids: Sequence[str]) -> Mapping[str, Sequence[HealthEvent] | FactUnknown]:
        return dict.fromkeys(gateway_ids, fault)

    def other_connections(
        gateway_ids: Sequence[str],
    ) -> Mapping[str, Sequence[Connection] | FactUnknown]:
        return {
            gateway_id: own
            if isinstance(own, FactUnknown)
            else [each for each in own if each.name != what]
            for gateway_id, own in sources.connections(gateway_ids).items()
        }

    def other_tunnels(connection_ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]:
        gone = {each for each in connection_ids if each.endswith(f"/{what}")}
        return {**sources.tunnels(connection_ids), **dict.fromkeys(gone, fault)}

    match what:
        case "gateways":
            return replace(sources, gateways=no_gateways)
        case "connections":
            return replace(sources, connections=no_connections, tunnels=no_tunnels)
        case "tunnels":
            return replace(sources, tunnels=no_tunnels)
        case "health":
            return replace(sources, health=no_health)
    return replace(sources, connections=other_connections, tunnels=other_tunnels)
