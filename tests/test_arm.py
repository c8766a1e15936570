from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from detector.errors import FactUnknown
from detector.model import (
    CUSTOMER_INITIATED,
    PLATFORM_INITIATED,
    HealthEvent,
    TunnelState,
    TunnelStatus,
)
from detector.signals import arm

SUBSCRIPTION = "/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a"
NETWORK = f"{SUBSCRIPTION}/resourceGroups/rg-Network/providers/Microsoft.Network"
WRITTEN_ID = f"{NETWORK}/virtualNetworkGateways/vpn-Hub-weu"
GATEWAY_ID = WRITTEN_ID.lower()
FIRST, SECOND = f"{WRITTEN_ID}/ipConfigurations/first", f"{WRITTEN_ID}/ipConfigurations/second"
PUBLIC_IP = f"{NETWORK}/publicIPAddresses/pip-"


def an_ip_configuration(configuration_id: str, number: int) -> dict[str, Any]:
    return {
        "id": configuration_id,
        "properties": {
            "publicIPAddress": {"id": f"{PUBLIC_IP}{number}"},
            "subnet": {"id": f"{NETWORK}/virtualNetworks/vnet-Hub/subnets/GatewaySubnet"},
        },
    }


def a_peering(configuration_id: str, *tunnels: object) -> dict[str, Any]:
    return {"ipconfigurationId": configuration_id, "tunnelIpAddresses": list(tunnels)}


def a_body(**changes: object) -> dict[str, Any]:
    """A gateway in ARM's form; a change is of a field under `properties`."""
    properties = {
        "gatewayType": "Vpn",
        "vpnType": "RouteBased",
        "vpnGatewayGeneration": "Generation2",
        "activeActive": True,
        "sku": {"name": "VpnGw2AZ", "tier": "VpnGw2AZ"},
        "ipConfigurations": [an_ip_configuration(FIRST, 1), an_ip_configuration(SECOND, 2)],
        "bgpSettings": {
            "bgpPeeringAddresses": [
                a_peering(SECOND.upper(), "198.51.100.2"),
                a_peering(FIRST, "198.51.100.1"),
            ]
        },
    }
    return {
        "id": WRITTEN_ID,
        "name": "vpn-Hub-weu",
        "location": "westeurope",
        "properties": properties | changes,
    }


def flattened(value: Any) -> Any:
    """A body as Azure's command line shows it: nothing stands under `properties`."""
    if isinstance(value, list):
        return [flattened(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: flattened(item) for key, item in (value | value.get("properties", {})).items()}


def test_a_gateways_facts_come_from_its_body_with_names_as_azure_writes_them() -> None:
    gateway = arm.gateway(GATEWAY_ID, a_body(), {})

    assert GATEWAY_ID == gateway.id
    assert "vpn-Hub-weu" == gateway.name
    assert "rg-Network" == gateway.resource_group
    assert "0f0f0f0f-0000-4000-8000-00000000000a" == gateway.subscription_id
    assert "westeurope" == gateway.location
    assert "VpnGw2AZ" == gateway.sku
    assert "Generation2" == gateway.generation
    assert "RouteBased" == gateway.vpn_type
    assert gateway.active_active is True
    assert f"{NETWORK}/virtualNetworks/vnet-Hub".lower() == gateway.virtual_network_id
    assert "vnet-Hub" == gateway.virtual_network_name
    assert {} == gateway.unknown


def test_the_vips_stand_in_the_order_of_the_ip_configurations() -> None:
    assert ("198.51.100.1", "198.51.100.2") == arm.gateway(GATEWAY_ID, a_body(), {}).vips


def test_the_flattened_form_tells_the_same_as_arms_own_form() -> None:
    flat = flattened(a_body())
    del flat["properties"]

    assert arm.gateway(GATEWAY_ID, a_body(), {}) == arm.gateway(GATEWAY_ID, flat, {})


def test_field_names_count_in_any_case() -> None:
    body = a_body()
    configuration = an_ip_configuration(FIRST, 1)
    configuration["properties"]["PublicIpAddress"] = configuration["properties"].pop(
        "publicIPAddress"
    )
    body["properties"] |= {"ipConfigurations": [configuration], "bgpSettings": None}

    assert (f"{PUBLIC_IP}1",) == arm.public_ips_needed(body)


def test_a_private_tunnel_address_is_no_vip() -> None:
    """With private addresses enabled, ARM lists them beside the public ones."""
    peerings = [a_peering(FIRST, "10.0.0.4", "198.51.100.1"), a_peering(SECOND, "fd00::4")]
    body = a_body(bgpSettings={"bgpPeeringAddresses": peerings})

    gateway = arm.gateway(GATEWAY_ID, body, {f"{PUBLIC_IP}2".lower(): "198.51.100.2"})

    assert (f"{PUBLIC_IP}2",) == arm.public_ips_needed(body)
    assert ("198.51.100.1", "198.51.100.2") == gateway.vips


def test_a_body_with_all_its_vips_needs_no_public_ip() -> None:
    assert () == arm.public_ips_needed(a_body())


def test_a_vip_that_cannot_be_had_is_unknown_and_the_others_stay() -> None:
    body = a_body(bgpSettings={"bgpPeeringAddresses": [a_peering(FIRST, "198.51.100.1")]})

    gateway = arm.gateway(
        GATEWAY_ID, body, {f"{PUBLIC_IP}2".lower(): FactUnknown("no permission to read it")}
    )

    assert ("198.51.100.1",) == gateway.vips
    assert {"vips": "no permission to read it"} == gateway.unknown


def test_a_fact_that_is_not_set_is_unknown_with_the_reason() -> None:
    body = a_body(vpnGatewayGeneration="None", sku=None, activeActive=None, ipConfigurations=[])
    gateway = arm.gateway(GATEWAY_ID, body, {})

    assert (
        dict.fromkeys(
            (
                "active_active",
                "generation",
                "sku",
                "vips",
                "virtual_network_id",
                "virtual_network_name",
            ),
            "not set on the gateway",
        )
        == gateway.unknown
    )
    assert gateway.generation is None


def test_a_gateways_type_its_clients_and_its_migration_are_told_where_the_body_has_them() -> None:
    body = a_body(
        vpnClientConfiguration={"vpnClientAddressPool": {"addressPrefixes": ["192.0.2.0/24"]}},
        virtualNetworkGatewayMigrationStatus={"state": "Succeeded", "phase": "ExecuteSucceeded"},
    )
    flat = flattened(body)
    del flat["properties"]

    gateway = arm.gateway(GATEWAY_ID, body, {})

    assert ("Vpn", True, "ExecuteSucceeded/Succeeded") == (
        gateway.gateway_type,
        gateway.point_to_site,
        gateway.migration,
    )
    assert gateway == arm.gateway(GATEWAY_ID, flat, {})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (False, None)),
        ({"vpnClientConfiguration": None}, (False, None)),
        ({"vpnClientConfiguration": {"vpnClientProtocols": ["OpenVPN"]}}, (False, None)),
        ({"vpnClientConfiguration": "x"}, (None, None)),
        ({"virtualNetworkGatewayMigrationStatus": "x"}, (False, None)),
        (
            {"virtualNetworkGatewayMigrationStatus": {"state": "None", "phase": "None"}},
            (False, None),
        ),
        ({"virtualNetworkGatewayMigrationStatus": {"phase": "Prepare"}}, (False, "Prepare/None")),
    ],
)
def test_what_a_gateway_need_not_have_is_never_unknown(
    change: dict[str, object], expected: tuple[bool | None, str | None]
) -> None:
    gateway = arm.gateway(GATEWAY_ID, a_body(**change), {})

    assert (expected, {}) == ((gateway.point_to_site, gateway.migration), gateway.unknown)


@pytest.mark.parametrize(
    "field",
    [
        {"ipAddress": "198.51.100.9"},
        {"publicIPAddress": {"address": "198.51.100.9"}},
        {"publicIPAddress": {"id": f"{PUBLIC_IP}1", "properties": {"ipAddress": "198.51.100.9"}}},
        {"addresses": [{"private": "10.1.2.3"}, "198.51.100.9"]},
    ],
)
def test_an_address_anywhere_in_an_ip_configuration_is_its_vip(field: dict[str, object]) -> None:
    """Gateways of SKU Basic are losing their reference to a public IP."""
    configuration = an_ip_configuration(FIRST, 1)
    del configuration["properties"]["publicIPAddress"]
    configuration["properties"] |= field | {"privateIPAddress": "10.1.2.3"}
    body = a_body(bgpSettings=None, ipConfigurations=[configuration])

    gateway = arm.gateway(GATEWAY_ID, body, {})

    assert () == arm.public_ips_needed(body)
    assert (("198.51.100.9",), {}) == (gateway.vips, gateway.unknown)


def test_an_ip_configuration_without_any_address_has_no_vip_set() -> None:
    configuration = an_ip_configuration(FIRST, 1)
    configuration["properties"]["publicIPAddress"] = None
    body = a_body(bgpSettings=None, ipConfigurations=[configuration])

    assert {"vips": "not set on the gateway"} == arm.gateway(GATEWAY_ID, body, {}).unknown


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        ({"sku": ["VpnGw1"]}, {"sku"}),
        ({"sku": {"name": 1}}, {"sku"}),
        ({"vpnGatewayGeneration": {}}, {"generation"}),
        ({"activeActive": "perhaps"}, {"active_active"}),
        ({"vpnType": 7}, {"vpn_type"}),
    ],
)
def test_a_malformed_part_is_unknown_and_costs_no_other_fact(
    change: dict[str, object], unknown: set[str]
) -> None:
    gateway = arm.gateway(GATEWAY_ID, a_body(**change), {})

    assert dict.fromkeys(unknown, "the answer could not be read") == gateway.unknown


@pytest.mark.parametrize(
    "configurations",
    ["x", [None], [{"properties": "x"}], [{"properties": {"subnet": 1, "publicIPAddress": []}}]],
)
def test_malformed_ip_configurations_never_raise(configurations: object) -> None:
    gateway = arm.gateway(GATEWAY_ID, a_body(ipConfigurations=configurations), {})

    assert {"vips", "virtual_network_id", "virtual_network_name"} == gateway.unknown.keys()


@pytest.mark.parametrize(
    "peerings",
    ["x", [None], [{"tunnelIpAddresses": "198.51.100.1"}], [a_peering(FIRST, 5, "nowhere")]],
)
def test_malformed_peering_addresses_leave_the_public_ips(peerings: object) -> None:
    body = a_body(bgpSettings={"bgpPeeringAddresses": peerings})

    assert (f"{PUBLIC_IP}1", f"{PUBLIC_IP}2") == arm.public_ips_needed(body)


@pytest.mark.parametrize(
    "body", [None, [], "text", {}, {"error": {"code": "Odd"}}, {"properties": "x"}]
)
def test_what_is_no_gateways_body_leaves_every_fact_unknown(body: object) -> None:
    gateway = arm.gateway(WRITTEN_ID, body, {})

    assert arm.missing(WRITTEN_ID, "the answer could not be read") == gateway


def test_a_gateway_without_a_body_has_the_name_from_its_id() -> None:
    gateway = arm.missing(GATEWAY_ID, "the gateway no longer exists")

    assert "vpn-hub-weu" == gateway.name
    assert "rg-network" == gateway.resource_group
    assert () == gateway.vips
    assert {
        "active_active",
        "generation",
        "location",
        "sku",
        "vips",
        "virtual_network_id",
        "virtual_network_name",
        "vpn_type",
    } == gateway.unknown.keys()
    assert {"the gateway no longer exists"} == set(gateway.unknown.values())


def test_a_body_of_another_id_keeps_the_id_that_was_asked_for() -> None:
    other = a_body() | {"id": f"{SUBSCRIPTION}/resourceGroups/elsewhere", "name": None}
    gateway = arm.gateway(GATEWAY_ID, other, {})

    assert (
        GATEWAY_ID,
        "vpn-hub-weu",
        "rg-network",
    ) == (gateway.id, gateway.name, gateway.resource_group)


@pytest.mark.parametrize("key", ["ipAddress", "IpAddress"])
def test_a_public_ips_address_is_read_in_either_form(key: str) -> None:
    assert "198.51.100.1" == arm.address({key: "198.51.100.1"})
    assert "198.51.100.1" == arm.address({"properties": {key: "198.51.100.1"}})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"id": f"{PUBLIC_IP}1", "properties": {}}, "no public address is allocated yet"),
        ({"ipAddress": ["198.51.100.1"]}, "the answer could not be read"),
        ({"ipAddress": "<b>198.51.100.1</b>"}, "the answer could not be read"),
        (None, "the answer could not be read"),
    ],
)
def test_a_public_ip_without_an_address_says_why(body: object, why: str) -> None:
    address = arm.address(body)

    assert isinstance(address, FactUnknown)
    assert why == address.why


PEER_ID = f"{NETWORK}/localNetworkGateways/lng-Branch"


def a_connection(**changes: object) -> dict[str, Any]:
    properties = {
        "virtualNetworkGateway1": {"id": WRITTEN_ID},
        "localNetworkGateway2": {"id": PEER_ID},
        "connectionStatus": "Connected",
    }
    return {"name": "to-Branch", "properties": properties | changes}


@pytest.mark.parametrize(
    ("peer", "remote_ip"),
    [
        ({"properties": {"gatewayIpAddress": "203.0.113.7"}}, "203.0.113.7"),
        ({"gatewayIpAddress": "203.0.113.7"}, "203.0.113.7"),
        ({"properties": {"fqdn": "branch.example.net"}}, "branch.example.net"),
        ({}, None),
        (None, None),
    ],
)
def test_a_connection_has_its_peers_address(peer: object, remote_ip: str | None) -> None:
    body = a_connection()

    connection = arm.connection(body, {PEER_ID.lower(): peer})

    assert PEER_ID == arm.peer_needed(body)
    assert (
        "to-Branch",
        remote_ip,
        "Connected",
    ) == (connection.name, connection.remote_ip, connection.status)


def test_a_connection_that_carries_its_peers_body_needs_no_other() -> None:
    inline = {"id": PEER_ID, "properties": {"gatewayIpAddress": "203.0.113.7"}}

    assert "203.0.113.7" == arm.connection(a_connection(localNetworkGateway2=inline), {}).remote_ip


@pytest.mark.parametrize("body", [None, {}, {"properties": 3}, {"name": 3}])
def test_a_malformed_connection_has_neither_address_nor_status(body: object) -> None:
    connection = arm.connection(body, {})

    assert (None, None) == (connection.remote_ip, connection.status)
    assert arm.peer_needed(body) is None


def test_a_connection_between_two_gateways_belongs_to_both() -> None:
    other = f"{NETWORK}/virtualNetworkGateways/vpn-Other"
    body = a_connection(virtualNetworkGateway2={"id": other}, localNetworkGateway2=None)

    assert {GATEWAY_ID, other.lower()} == arm.gateways_of(body)


@pytest.mark.parametrize("configurations", ["x", [1], {"a": 1}])
def test_ip_configurations_that_cannot_be_read_are_not_taken_for_unset(
    configurations: object,
) -> None:
    """What is not set stays so; what could not be read is asked for again."""
    body = {"id": GATEWAY_ID, "properties": {"ipConfigurations": configurations}}

    unknown = arm.gateway(GATEWAY_ID, body, {}).unknown

    assert {arm.UNREADABLE} == {
        unknown[fact] for fact in ("vips", "virtual_network_id", "virtual_network_name")
    }


def tunnels_of(*entries: object) -> tuple[TunnelState, ...]:
    return arm.connection(a_connection(tunnelConnectionStatus=list(entries)), {}).tunnels


def a_tunnel(**changes: object) -> dict[str, object]:
    return {
        "tunnel": "to-Branch_198.51.100.1",
        "connectionStatus": "Connected",
        "ingressBytesTransferred": 1,
        "egressBytesTransferred": 2,
        "lastConnectionEstablishedUtcTime": "11/04/2017 17:03:30",
    } | changes


def test_a_connection_has_the_state_of_each_of_its_tunnels() -> None:
    """The form is that of the documentation's example: the month comes first, and it is UTC."""
    since = datetime(2017, 11, 4, 17, 3, 30, tzinfo=UTC)
    body = a_connection(tunnelConnectionStatus=[a_tunnel()])
    flat = flattened(body)
    del flat["properties"]
    expected = TunnelState(vip="198.51.100.1", status=TunnelStatus.CONNECTED, connected_since=since)

    assert (expected,) == arm.connection(body, {}).tunnels
    assert arm.connection(body, {}) == arm.connection(flat, {})


@pytest.mark.parametrize(
    ("written", "since", "unreadable"),
    [
        ("11/4/2017 7:03:30", datetime(2017, 11, 4, 7, 3, 30, tzinfo=UTC), False),
        ("2017-11-04T17:03:30.1234567Z", datetime(2017, 11, 4, 17, 3, 30, 123456, UTC), False),
        ("2017-11-04T18:03:30+01:00", datetime(2017, 11, 4, 17, 3, 30, tzinfo=UTC), False),
        (None, None, False),
        ("", None, False),
        ("01/01/0001 00:00:00", None, False),
        ("0001-01-01T00:00:00Z", None, False),
        ("17/04/2017 17:03:30", None, True),
        ("yesterday", None, True),
        (["11/04/2017 17:03:30"], None, True),
    ],
)
def test_the_time_of_a_tunnels_last_connection_is_read_or_said_to_be_unreadable(
    written: object, since: datetime | None, *, unreadable: bool
) -> None:
    [tunnel] = tunnels_of(a_tunnel(lastConnectionEstablishedUtcTime=written))

    assert (since, unreadable) == (tunnel.connected_since, tunnel.since_unreadable)


@pytest.mark.parametrize(
    ("name", "vip"),
    [
        ("my_own_tunnel_198.51.100.1", "198.51.100.1"),
        ("to-Branch_2001:db8::1", "2001:db8::1"),
        ("to-Branch", None),
        ("to-Branch_198.51.100", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_tunnels_name_ends_in_the_gateways_address_or_tells_none(
    name: object, vip: str | None
) -> None:
    [tunnel] = tunnels_of(a_tunnel(tunnel=name))

    assert vip == tunnel.vip


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("CONNECTED", TunnelStatus.CONNECTED),
        ("connecting", TunnelStatus.CONNECTING),
        ("notConnected", TunnelStatus.NOT_CONNECTED),
        ("Unknown", TunnelStatus.UNKNOWN),
        ("Resting", TunnelStatus.UNKNOWN),
        (None, TunnelStatus.UNKNOWN),
    ],
)
def test_the_status_of_a_tunnel_counts_in_any_case(written: object, status: TunnelStatus) -> None:
    [tunnel] = tunnels_of(a_tunnel(connectionStatus=written))

    assert status is tunnel.status


@pytest.mark.parametrize("listed", [None, [], "x", 7, [None, 3, "x", {}]])
def test_a_connection_that_does_not_tell_of_its_tunnels_has_none(listed: object) -> None:
    assert () == arm.connection(a_connection(tunnelConnectionStatus=listed), {}).tunnels


def deep(leaf: object = "x", depth: int = 100_000) -> object:
    """Objects and lists within each other."""
    for number in range(depth):
        leaf = [leaf] if number % 2 else {"inner": leaf}
    return leaf


@pytest.mark.parametrize("field", [*a_body()["properties"], "vpnClientConfiguration"])
def test_a_field_of_any_depth_costs_no_other_fact(field: str) -> None:
    gateway = arm.gateway(GATEWAY_ID, a_body(**{field: deep()}), {})

    assert "vpn-Hub-weu" == gateway.name
    assert "westeurope" == gateway.location


def test_an_address_is_found_however_deep_it_stands() -> None:
    configuration = {"id": FIRST, "odd": [deep("203.0.113.9"), "203.0.113.10"]}
    gateway = arm.gateway(GATEWAY_ID, a_body(ipConfigurations=[configuration], bgpSettings={}), {})

    assert ("203.0.113.9", "203.0.113.10") == gateway.vips


@pytest.mark.parametrize(
    "field", ["tunnel", "connectionStatus", "lastConnectionEstablishedUtcTime"]
)
def test_a_tunnel_of_any_depth_has_the_state_that_can_be_read(field: str) -> None:
    [tunnel] = arm.connection({"tunnelConnectionStatus": [a_tunnel(**{field: deep()})]}, {}).tunnels

    assert field != "connectionStatus" or tunnel.status is TunnelStatus.UNKNOWN


@pytest.mark.parametrize("address", ["2603::1%\ud800", "2603::1%eth0", "fe80::1%1"])
def test_an_address_with_a_zone_is_no_vip(address: str) -> None:
    """A zone may be any text, even one that nothing can encode."""
    body = a_body(
        bgpSettings={"bgpPeeringAddresses": [a_peering(FIRST, address, "198.51.100.1")]},
        ipConfigurations=[an_ip_configuration(FIRST, 1)],
    )

    assert ("198.51.100.1",) == arm.gateway(GATEWAY_ID, body, {}).vips


def test_no_key_of_a_connection_is_kept() -> None:
    body = a_connection(
        sharedKey="hush",
        authorizationKey="hush",
        tunnelConnectionStatus=[a_tunnel(sharedKey="hush")],
    )

    assert "hush" not in repr(arm.connection(body, {}))


def a_status(**changes: object) -> dict[str, Any]:
    properties = {
        "availabilityState": "Unavailable",
        "title": "The gateway was unavailable",
        "summary": "An instance was serviced.",
        "reasonType": "Planned",
        "context": "Platform Initiated",
        "category": "Planned",
        "occuredTime": "2026-11-22T02:14:00Z",
        "resolvedTime": "2026-11-22T02:20:00Z",
    }
    return {"name": "2026-11-22+02:14:00Z", "properties": properties | changes}


def test_an_availability_status_tells_when_what_and_by_whom() -> None:
    expected = HealthEvent(
        at=datetime(2026, 11, 22, 2, 14, tzinfo=UTC),
        resolved_at=datetime(2026, 11, 22, 2, 20, tzinfo=UTC),
        state="Unavailable",
        title="The gateway was unavailable",
        summary="An instance was serviced.",
        reason_type="Planned",
        context=PLATFORM_INITIATED,
        category="Planned",
    )

    assert [expected] == arm.health_events([a_status()])


def test_an_availability_status_may_lack_all_but_its_time() -> None:
    """Of a gateway that is well, the reason is empty; the time is spelled in two ways."""
    bare = {"name": "current", "properties": {"occurredTime": "2026-11-22T02:14:00Z"}}
    odd = a_status(title=3, summary=None, reasonType="", context="customerInitiated", category=[])

    [first] = arm.health_events([bare])
    [second] = arm.health_events([odd])

    assert ("", "", "", None) == (first.state, first.title, first.context, first.resolved_at)
    assert ("", "", "", CUSTOMER_INITIATED, "") == (
        second.title,
        second.summary,
        second.reason_type,
        second.context,
        second.category,
    )


def test_what_has_no_time_is_no_event_and_the_newest_comes_first() -> None:
    later = a_status(occuredTime="2026-11-22T03:00:00Z")
    found = arm.health_events(
        [a_status(), None, 3, {}, a_status(occuredTime=None), a_status(occuredTime="x"), later]
    )

    assert [3, 2] == [event.at.hour for event in found]


# Of any length


@pytest.mark.parametrize("field", ["gatewayType", "vpnType", "vpnGatewayGeneration", "sku", "name"])
def test_no_text_of_a_body_is_kept_beyond_what_azure_writes(field: str) -> None:
    gateway = arm.gateway(GATEWAY_ID, a_body(**{field: "x" * 10**6}), {})

    kept = [value for value in asdict(gateway).values() if isinstance(value, str)]

    assert max(map(len, kept)) <= 2000
    assert len(gateway.name) <= 100


def test_a_body_names_only_so_many_addresses_to_ask_for() -> None:
    """Each costs a request; a gateway has three at most."""
    odd = [{"id": f"c{n}", "publicIPAddress": {"id": f"ip{n}"}} for n in range(10_000)]
    body = a_body(ipConfigurations=odd, bgpSettings={})
    addresses = {f"ip{n}": f"203.0.113.{n % 250}" for n in range(10_000)}

    assert 20 == len(arm.public_ips_needed(body))
    assert 20 == len(arm.gateway(GATEWAY_ID, body, addresses).vips)


def test_the_addresses_of_one_configuration_are_not_without_bound_either() -> None:
    many = [f"203.0.{n // 250}.{n % 250}" for n in range(10_000)]
    peering = {"ipconfigurationId": FIRST, "tunnelIpAddresses": many}
    body = a_body(bgpSettings={"bgpPeeringAddresses": [peering]})

    assert 20 == len(arm.gateway(GATEWAY_ID, body, {}).vips)


def test_a_connection_has_only_so_many_tunnels_and_names_of_only_such_length() -> None:
    peer = {"gatewayIpAddress": "p" * 10**6}
    body = {"name": "n" * 10**6, "localNetworkGateway2": peer}
    connection = arm.connection({**body, "tunnelConnectionStatus": [a_tunnel()] * 10_000}, {})

    assert 20 == len(connection.tunnels)
    assert (100, 253) == (len(connection.name), len(connection.remote_ip or ""))
