from __future__ import annotations

from typing import Any

import pytest

from detector.errors import FactUnknown
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
