"""Made-up estates of gateways, as the files of a recording, and who and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st

from detector.local.capture import LOGS
from detector.local.masking import Parts
from tests.builders import ONE, ZERO, at

SPELLINGS: Final = (
    lambda text: text,
    str.upper,
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    lambda text: quote(quote(text, safe=""), safe="").replace("-", "%252D"),
    lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    lambda text: "".join(f"&#{ord(each)};" for each in text),
    lambda text: text.replace("/", r"\/"),
)
"""Ways in which an identity may stand in a text."""


SHORT: Final = 50


@dataclass(slots=True, kw_only=True)
class Estate:
    """The files of a recording, and every identity in them."""

    parts: Parts = field(default_factory=dict)
    identities: set[str] = field(default_factory=set)


def letters(least: int, most: int, *, alphabet: str) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(alphabet), min_size=least, max_size=most)


NAMES: Final = st.builds(
    "{}{}{}".format,
    st.sampled_from("bcdfghjkmqwxyzBDGHQWX"),
    letters(2, 12, alphabet="abcdghjkqwxyz0123456789-_."),
    st.sampled_from("qwxz789"),
)
GUIDS: Final = st.uuids().map(str)
PUBLIC: Final = st.ip_addresses(v=4, network="203.0.113.0/24") | st.ip_addresses(
    v=4, network="84.16.0.0/16"
)
PEERS: Final = (
    (PUBLIC | st.ip_addresses(v=4, network="10.0.0.0/8")).map(str),
    st.ip_addresses(v=6, network="2a01:cb00::/32").map(str),
)
"""Of one estate all are of one version: masks keep their order among those of one rule."""


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """One to three gateways whose tunnels moved; what was logged of it names them in every way."""
    count = draw(st.integers(1, 3))
    names = draw(st.lists(NAMES, min_size=30, max_size=30, unique_by=str.lower))
    guids = draw(st.lists(GUIDS, min_size=6, max_size=6, unique=True))
    peers = draw(st.lists(draw(st.sampled_from(PEERS)), min_size=6, max_size=6, unique=True))
    vips = draw(st.lists(PUBLIC.map(str), min_size=3, max_size=3, unique=True))
    take = iter(names).__next__
    estate = Estate(identities={*guids[:2], *guids[3:]})
    subscription, group = guids[0], take()
    network = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    estate.identities |= {subscription, group}
    rows: list[object] = []
    bodies: dict[str, list[object]] = {
        name: [] for name in ("gateways", "connections", "localNetworkGateways", "health")
    }
    for number in range(count):
        gateway, vnet, host = take(), take(), f"{take()}.corp.example.org"
        person = f"{take()}@{take()}.example.com"
        gateway_id = f"{network}/virtualNetworkGateways/{gateway}"
        is_active_active = draw(st.booleans())
        estate.identities |= {gateway, vnet, host, person, vips[number]}
        bodies["gateways"].append(
            gateway_body(gateway_id, gateway, f"{network}/virtualNetworks/{vnet}", vips[number])
        )
        start = at(hours=number)
        mentioned = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(
                        [gateway, group, host, person, gateway_id, vips[number], guids[3], guids[4]]
                    ),
                    st.sampled_from(SPELLINGS),
                ),
                max_size=3,
            )
        )
        all_said = [spell(identity) for identity, spell in mentioned]
        said = "; ".join(each for each in all_said if len(each) < SHORT)  # it is told whole
        rows += [
            a_row(start, gateway_id, "GatewayDiagnosticLog", "HostMaintenanceEvent", Message=said),
            a_row(start, gateway_id, "GatewayDiagnosticLog", "Other", Message="".join(all_said)),
            a_row(
                start,
                gateway_id,
                "AzureActivity",
                "Microsoft.Network/virtualNetworkGateways/reset/action",
                Status="Success",
                Caller=person,
                CorrelationId=guids[3],
            ),
        ]
        for peer in peers[2 * number : 2 * number + 2]:
            connection, local = take(), take()
            connection_id = f"{network}/connections/{connection}"
            estate.identities |= {connection, local, peer}
            bodies["connections"].append(
                connection_body(
                    connection_id,
                    connection,
                    gateway_id,
                    f"{network}/localNetworkGateways/{local}",
                    vips[number],
                )
            )
            bodies["localNetworkGateways"].append(
                {
                    "id": f"{network}/localNetworkGateways/{local}",
                    "name": local,
                    "etag": f'W/"{guids[1]}"',
                    "properties": {"gatewayIpAddress": peer},
                }
            )
            seconds = draw(st.integers(1, 200))
            back = ZERO if is_active_active else ONE
            for instance, state, after in ((ZERO, "Disconnected", 1), (back, "Connected", seconds)):
                rows.append(
                    a_row(
                        at(after, hours=number),
                        gateway_id.lower(),
                        "TunnelDiagnosticLog",
                        f"Tunnel{state}",
                        Status=state,
                        Instance=instance,
                        RemoteIp=peer,
                    )
                )
        if draw(st.booleans()):
            health = f"{gateway_id}/providers/Microsoft.ResourceHealth/availabilityStatuses"
            bodies["health"].append(
                {
                    "id": f"{health}/{guids[5]}",
                    "name": guids[5],
                    "properties": {
                        "availabilityState": "Unavailable",
                        "title": f"Unavailable: {gateway}",
                        "summary": f"{said} ask {person} or see {host}",
                        "context": "Platform Initiated",
                        "category": "Planned",
                        "occuredTime": start.isoformat(),
                    },
                }
            )
    estate.parts = {LOGS: rows} | {
        f"{name}/{name}.json": found for name, found in bodies.items() if found
    }
    return estate


def a_row(
    when: object, resource_id: str, source: str, operation: str, **more: str
) -> dict[str, object]:
    return {
        "TimeGenerated": str(when),
        "ResourceId": resource_id,
        "Source": source,
        "Operation": operation,
        **more,
    }


def gateway_body(gateway_id: str, name: str, vnet: str, vip: str) -> dict[str, object]:
    """The address stands where it may since gateways of SKU Basic lost their public IP."""
    return {
        "id": gateway_id,
        "name": name,
        "location": "westeurope",
        "tags": {"owner": name},
        "properties": {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "vpnGatewayGeneration": "Generation1",
            "activeActive": False,
            "sku": {"name": "VpnGw1AZ"},
            "radiusServerSecret": name,
            "ipConfigurations": [
                {
                    "id": f"{gateway_id}/ipConfigurations/{name}",
                    "properties": {
                        "privateIPAddress": "10.200.1.4",
                        "unnamedYet": {"address": vip},
                        "subnet": {"id": f"{vnet}/subnets/GatewaySubnet"},
                    },
                }
            ],
        },
    }


def connection_body(
    connection_id: str, name: str, gateway_id: str, peer_id: str, vip: str
) -> dict[str, object]:
    return {
        "id": connection_id,
        "name": name,
        "_AsOf": at(hours=4).isoformat(),
        "properties": {
            "sharedKey": name,
            "connectionStatus": "Connected",
            "virtualNetworkGateway1": {"id": gateway_id},
            "localNetworkGateway2": {"id": peer_id},
            "tunnelConnectionStatus": [
                {"tunnel": f"{name}_{vip}", "connectionStatus": "Connected"}
            ],
        },
    }
