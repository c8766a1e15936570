"""The edge to ARM, over the SDK's own client and HTTPS, with every fault it may meet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError

from detector.azure.clouds import CLOUDS
from detector.azure.network import MANY, Network, Query
from detector.azure.resource_graph import ResourceGraph, resource_graph_client
from detector.azure.resource_manager import ResourceManager
from detector.errors import FactUnknown
from detector.model import Connection, Gateway, TunnelState, TunnelStatus
from tests.azure_stand_in import AzureStandIn, Fault, closed, truncated
from tests.loopback import Reply

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SUBSCRIPTION_ID = "0f0f0f0f-0000-4000-8000-00000000000a"
NETWORK = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-Network/providers/Microsoft.Network"
WRITTEN_ID = f"{NETWORK}/virtualNetworkGateways/vpn-Hub"
GATEWAY_ID = WRITTEN_ID.lower()
PUBLIC_IP_ID = f"{NETWORK}/publicIPAddresses/pip-Hub"
PEER_ID = f"{NETWORK}/localNetworkGateways/lng-Branch"

MakeNetwork = Callable[..., Network]
Page = Sequence[Mapping[str, object]]


def not_asked(query: str, subscriptions: Sequence[str]) -> Iterator[Page]:
    pytest.fail("a few gateways are asked themselves")


FORBIDDEN = (
    "no permission to read it;"
    " give the app's identity Monitoring Reader on the resource group rg-network"
)


class Pauses(list[float]):
    """The pauses that were asked for; none is waited for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


class AnyToken:
    """A credential that always has a token."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken("token", 4_000_000_000)


class NoToken:
    """A credential that never has a token."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        raise CredentialUnavailableError(message="no identity here")


def a_gateway_body(name: str = "vpn-Hub", **changes: object) -> dict[str, Any]:
    own_id = f"{NETWORK}/virtualNetworkGateways/{name}"
    properties = {
        "gatewayType": "Vpn",
        "vpnType": "RouteBased",
        "vpnGatewayGeneration": "Generation1",
        "activeActive": False,
        "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
        "ipConfigurations": [
            {
                "id": f"{own_id}/ipConfigurations/default",
                "properties": {
                    "publicIPAddress": {"id": PUBLIC_IP_ID},
                    "subnet": {"id": f"{NETWORK}/virtualNetworks/vnet-Hub/subnets/GatewaySubnet"},
                },
            }
        ],
        "bgpSettings": {
            "bgpPeeringAddresses": [
                {
                    "ipconfigurationId": f"{own_id}/ipConfigurations/default",
                    "tunnelIpAddresses": ["198.51.100.1"],
                }
            ]
        },
    }
    return {
        "id": own_id,
        "name": name,
        "location": "westeurope",
        "properties": properties | changes,
    }


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        azure.arm[GATEWAY_ID] = a_gateway_body()
        yield azure


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def network(azure: AzureStandIn, pauses: Pauses) -> Iterator[MakeNetwork]:
    """Makes what a run asks ARM with, of the stand-in."""
    with ExitStack() as until_then:

        def make(
            left: timedelta = timedelta(minutes=4),
            credential: TokenCredential | None = None,
            graph: Query = not_asked,
        ) -> Network:
            endpoint = CLOUDS["AzureCloud"].pointed(arm=azure.url).arm
            assert endpoint is not None
            client = ResourceManager(credential or AnyToken(), endpoint, sleep=pauses)
            until_then.callback(client.close)
            return Network(lambda: client, graph, left=lambda: left)

        yield make


def the_gateway(network: Network) -> Gateway:
    return network.gateways([GATEWAY_ID])[GATEWAY_ID]


def the_connections(network: Network) -> Sequence[Connection]:
    found = network.connections([GATEWAY_ID])[GATEWAY_ID]
    assert not isinstance(found, FactUnknown), found.why
    return found


def why_no_connections(network: Network) -> str:
    found = network.connections([GATEWAY_ID])[GATEWAY_ID]
    assert isinstance(found, FactUnknown)
    return found.why


def an_error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "The subscription is not registered 'for this'."}}


def test_a_gateways_facts_take_one_request(azure: AzureStandIn, network: MakeNetwork) -> None:
    gateway = the_gateway(network())

    assert ("vpn-Hub", "rg-Network", "VpnGw1AZ", "Generation1", False, "westeurope") == (
        gateway.name,
        gateway.resource_group,
        gateway.sku,
        gateway.generation,
        gateway.active_active,
        gateway.location,
    )
    assert (("198.51.100.1",), "vnet-Hub", {}) == (
        gateway.vips,
        gateway.virtual_network_name,
        gateway.unknown,
    )
    assert ["GET"] == [request.method for request in azure.requests]


def test_a_vip_that_the_gateways_body_lacks_is_asked_of_its_public_ip(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    azure.arm[GATEWAY_ID] = a_gateway_body(bgpSettings=None)
    azure.arm[PUBLIC_IP_ID] = {"properties": {"ipAddress": "198.51.100.7"}}

    assert ("198.51.100.7",) == the_gateway(network()).vips
    assert 2 == len(azure.requests)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"properties": {}}, "no public address is allocated yet"),
        (Reply(status=404, body=an_error("ResourceNotFound")), "its public IP no longer exists"),
        (
            Reply(status=403, body=an_error("AuthorizationFailed")),
            FORBIDDEN.replace("rg-network", "rg-Network"),
        ),
    ],
)
def test_a_public_ip_that_cannot_be_had_costs_only_the_vip(
    body: object, why: str, azure: AzureStandIn, network: MakeNetwork
) -> None:
    azure.arm[GATEWAY_ID] = a_gateway_body(bgpSettings=None)
    azure.arm[PUBLIC_IP_ID] = body

    gateway = the_gateway(network())

    assert {"vips": why} == gateway.unknown
    assert "VpnGw1AZ" == gateway.sku


def test_each_gateway_is_asked_for_once_a_run(azure: AzureStandIn, network: MakeNetwork) -> None:
    asked = network()

    first = asked.gateways([GATEWAY_ID, GATEWAY_ID])
    again = asked.gateways([GATEWAY_ID])

    assert first == again
    assert 1 == len(azure.requests)


def test_a_gateway_that_cannot_be_had_is_asked_for_once_a_run_too(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    azure.arm.clear()
    asked = network()

    assert the_gateway(asked) == the_gateway(asked)
    assert 1 == len(azure.requests)


def test_of_many_gateways_each_has_its_own_facts(azure: AzureStandIn, network: MakeNetwork) -> None:
    names = [f"vpn-{number}" for number in range(MANY - 1)]
    for name in names:
        azure.arm[f"{NETWORK}/virtualNetworkGateways/{name}"] = a_gateway_body(name)
    ids = [f"{NETWORK}/virtualNetworkGateways/{name}".lower() for name in names]

    gateways = network().gateways(ids)

    assert ids == list(gateways)
    assert names == [gateway.name for gateway in gateways.values()]
    assert MANY - 1 == len(azure.requests)


def test_no_gateways_ask_for_nothing(network: MakeNetwork, azure: AzureStandIn) -> None:
    assert {} == network().gateways([])
    assert [] == azure.requests


GONE = "the gateway no longer exists"
THROTTLING = "Azure is throttling"
SILENT = "Azure did not answer"
UNREADABLE = "the answer could not be read"
FAULTS: dict[str, tuple[Fault, str]] = {
    "404": (Reply(status=404, body=an_error("ResourceNotFound")), GONE),
    "403": (Reply(status=403, body=an_error("AuthorizationFailed")), FORBIDDEN),
    "401": (Reply(status=401, body=an_error("InvalidAuthenticationToken")), FORBIDDEN),
    "400": (
        Reply(status=400, body=an_error("BadRequest")),
        "Azure refused to answer, with status 400",
    ),
    "429 without Retry-After": (Reply(status=429, body=an_error("TooMany")), THROTTLING),
    "429 that asks for an hour": (
        Reply(status=429, body=an_error("TooMany"), headers={"Retry-After": "3600"}),
        THROTTLING,
    ),
    "429 that asks for 31 s": (
        Reply(status=429, body=an_error("TooMany"), headers={"Retry-After": "31"}),
        THROTTLING,
    ),
    "429 that asks for 2 s": (
        Reply(status=429, body=an_error("TooMany"), headers={"Retry-After": "2"}),
        THROTTLING,
    ),
    "500": (Reply(status=500, body=an_error("Odd")), SILENT),
    "502": (Reply(status=502, body=b"<html>"), SILENT),
    "503": (Reply(status=503), SILENT),
    "504": (Reply(status=504), SILENT),
    "connection closed": (closed, SILENT),
    "truncated": (truncated, SILENT),
    "an error that is no JSON": (
        Reply(status=418, body=b"<html>"),
        "Azure refused to answer, with status 418",
    ),
    "no content": (Reply(status=204), UNREADABLE),
    "a redirect": (Reply(status=302, headers={"Location": "https://127.0.0.1:1/"}), UNREADABLE),
    "text": (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), UNREADABLE),
    "broken JSON": (
        Reply(body=b'{"name": ', headers={"Content-Type": "application/json"}),
        UNREADABLE,
    ),
    "a list": (Reply(body=[], headers={"Content-Type": "application/json"}), UNREADABLE),
    "null": (Reply(body=None, headers={"Content-Type": "application/json"}), UNREADABLE),
    "a body without properties": (Reply(body={"properties": "none"}), UNREADABLE),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_leaves_the_facts_unknown_with_why(
    fault: str, azure: AzureStandIn, network: MakeNetwork, pauses: Pauses
) -> None:
    reply, why = FAULTS[fault]
    azure.always("/virtualNetworkGateways/", reply)

    gateway = the_gateway(network())

    assert {why} == set(gateway.unknown.values())
    assert "vpn-hub" == gateway.name
    assert max(pauses, default=0) < 30


@pytest.mark.parametrize("fault", ["429 that asks for 2 s", "503", "connection closed"])
def test_what_passes_is_asked_again(
    fault: str, azure: AzureStandIn, network: MakeNetwork, pauses: Pauses
) -> None:
    reply, _ = FAULTS[fault]
    azure.once("/virtualNetworkGateways/", reply)

    assert {} == the_gateway(network()).unknown
    assert 1 == len(pauses)


@pytest.mark.parametrize("fault", ["404", "403", "429 that asks for 31 s", "no content", "text"])
def test_what_does_not_pass_is_not_asked_again(
    fault: str, azure: AzureStandIn, network: MakeNetwork, pauses: Pauses
) -> None:
    reply, _ = FAULTS[fault]
    azure.always("/virtualNetworkGateways/", reply)
    the_gateway(network())

    assert 1 == len(azure.requests)
    assert [] == pauses


def test_one_gateways_trouble_is_no_others(azure: AzureStandIn, network: MakeNetwork) -> None:
    gone = f"{GATEWAY_ID}-gone"

    gateways = network().gateways([gone, GATEWAY_ID])

    assert {GONE} == set(gateways[gone].unknown.values())
    assert {} == gateways[GATEWAY_ID].unknown


def test_nothing_that_is_asked_of_arm_writes(azure: AzureStandIn, network: MakeNetwork) -> None:
    """By itself the SDK's client would register the subscription, by POST, and ask again."""
    azure.always(
        "/virtualNetworkGateways/",
        Reply(status=409, body=an_error("MissingSubscriptionRegistration")),
    )

    gateway = the_gateway(network())

    assert {"Azure refused to answer, with status 409"} == set(gateway.unknown.values())
    assert ["GET"] == [request.method for request in azure.requests]


def test_a_gateway_that_hangs_costs_no_more_than_the_time_left(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    azure.always("/virtualNetworkGateways/", azure.hangs)

    gateway = the_gateway(network(left=timedelta(milliseconds=200)))

    assert {SILENT} == set(gateway.unknown.values())


def test_without_time_left_nothing_is_asked(azure: AzureStandIn, network: MakeNetwork) -> None:
    gateway = the_gateway(network(left=timedelta()))

    assert {"the run had no time left to ask"} == set(gateway.unknown.values())
    assert [] == azure.requests


def test_without_a_credential_nothing_is_known(azure: AzureStandIn, network: MakeNetwork) -> None:
    gateway = the_gateway(network(credential=NoToken()))

    assert {"there is no credential to ask with"} == set(gateway.unknown.values())
    assert [] == azure.requests


def test_arm_that_cannot_be_reached_did_not_answer(pauses: Pauses) -> None:
    endpoint = CLOUDS["AzureCloud"].pointed(arm="https://127.0.0.1:1").arm
    assert endpoint is not None
    client = ResourceManager(AnyToken(), endpoint, sleep=pauses)
    gateway = the_gateway(Network(lambda: client, not_asked, left=lambda: timedelta(minutes=1)))
    client.close()

    assert {SILENT} == set(gateway.unknown.values())


def test_the_sdk_is_not_imported_before_a_gateway_is_looked_up() -> None:
    heavy = "[name for name in sys.modules if name.startswith('azure.')]"
    code = f"import sys, detector.azure.network; print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == shown.stdout


SOME = ("404", "403", "503", "connection closed", "no content", "text", "a list")
CONNECTION_ID = f"{NETWORK}/connections/to-Branch"


def a_connection(name: str = "to-Branch", **changes: object) -> dict[str, Any]:
    properties = {
        "virtualNetworkGateway1": {"id": WRITTEN_ID},
        "localNetworkGateway2": {"id": PEER_ID},
        "connectionType": "IPsec",
        "connectionStatus": "Connected",
    }
    return {
        "id": f"{NETWORK}/connections/{name}",
        "name": name,
        "properties": properties | changes,
    }


@pytest.fixture
def connected(azure: AzureStandIn) -> AzureStandIn:
    """A gateway with one connection, whose state ARM's list leaves out."""
    azure.arm[f"{GATEWAY_ID}/connections"] = {"value": [a_connection(connectionStatus=None)]}
    azure.arm[CONNECTION_ID] = a_connection()
    azure.arm[PEER_ID] = {"id": PEER_ID, "properties": {"gatewayIpAddress": "203.0.113.7"}}
    return azure


CONNECTION = Connection(
    id=CONNECTION_ID.lower(), name="to-Branch", remote_ip="203.0.113.7", status="Connected"
)


def test_a_connection_has_its_name_and_its_peers_address_and_nobody_asks_its_state(
    connected: AzureStandIn, network: MakeNetwork
) -> None:
    assert [replace(CONNECTION, status=None)] == list(the_connections(network()))
    assert {"GET"} == {request.method for request in connected.requests}
    assert [] == connected.asked("/connections/to-Branch")


def test_a_peer_of_several_connections_is_asked_for_once(
    connected: AzureStandIn, network: MakeNetwork
) -> None:
    several = [a_connection(f"to-Branch-{number}") for number in range(8)]
    connected.arm[f"{GATEWAY_ID}/connections"] = {"value": several}

    connections = the_connections(network())

    assert {"203.0.113.7"} == {one.remote_ip for one in connections}
    assert 1 == len(connected.asked("/localNetworkGateways/"))


def test_the_connections_of_every_page_count(connected: AzureStandIn, network: MakeNetwork) -> None:
    listed = f"{GATEWAY_ID}/connections"
    connected.arm[f"{NETWORK}/more"] = {"value": [a_connection("second")]}
    connected.arm[listed] = {
        "value": [a_connection("first")],
        "nextLink": f"{connected.url}{NETWORK}/more",
    }

    assert ["first", "second"] == [one.name for one in the_connections(network())]


def test_a_gateway_without_connections_has_none(
    connected: AzureStandIn, network: MakeNetwork
) -> None:
    connected.arm[f"{GATEWAY_ID}/connections"] = {"value": []}

    assert [] == list(the_connections(network()))


@pytest.mark.parametrize("fault", SOME)
def test_a_list_of_connections_that_cannot_be_had_says_why(
    fault: str, connected: AzureStandIn, network: MakeNetwork
) -> None:
    reply, why = FAULTS[fault]
    connected.always("/vpn-hub/connections", reply)

    assert why == why_no_connections(network())


@pytest.mark.parametrize("listed", [None, 3])
def test_a_list_of_another_form_is_no_list(
    listed: object, connected: AzureStandIn, network: MakeNetwork
) -> None:
    connected.arm[f"{GATEWAY_ID}/connections"] = {"value": listed}

    assert UNREADABLE == why_no_connections(network())


def test_a_malformed_connection_costs_no_other(
    connected: AzureStandIn, network: MakeNetwork
) -> None:
    connected.arm[f"{GATEWAY_ID}/connections"] = {"value": [3, None, {}, a_connection()]}

    assert ["203.0.113.7"] == [one.remote_ip for one in the_connections(network()) if one.remote_ip]


@pytest.mark.parametrize("fault", SOME)
def test_a_peer_that_cannot_be_had_leaves_the_remote_ip_unknown(
    fault: str, connected: AzureStandIn, network: MakeNetwork
) -> None:
    reply, _ = FAULTS[fault]
    connected.always("/localNetworkGateways/", reply)

    assert [replace(CONNECTION, status=None, remote_ip=None)] == list(the_connections(network()))


TUNNEL = TunnelState(
    vip="198.51.100.1",
    status=TunnelStatus.CONNECTED,
    connected_since=datetime(2026, 11, 22, 2, 0, 13, tzinfo=UTC),
)


@pytest.fixture
def live(connected: AzureStandIn) -> AzureStandIn:
    """A gateway with one connection, of whose tunnel ARM tells where the connection is asked."""
    tunnel = {
        "tunnel": "to-Branch_198.51.100.1",
        "connectionStatus": "Connected",
        "lastConnectionEstablishedUtcTime": "11/22/2026 02:00:13",
    }
    connected.arm[CONNECTION_ID] = a_connection(sharedKey="hush", tunnelConnectionStatus=[tunnel])
    return connected


def the_connection(network: Network) -> Connection | FactUnknown:
    return network.tunnels([CONNECTION_ID.lower()])[CONNECTION_ID.lower()]


def test_a_connection_that_is_asked_by_name_tells_of_its_tunnels(
    live: AzureStandIn, network: MakeNetwork
) -> None:
    assert replace(CONNECTION, tunnels=(TUNNEL,)) == the_connection(network())
    assert {"GET"} == {request.method for request in live.requests}


def test_each_connection_is_asked_once_a_run(live: AzureStandIn, network: MakeNetwork) -> None:
    asked = network()
    asked.connections([GATEWAY_ID])

    first = asked.tunnels([CONNECTION_ID.lower(), CONNECTION_ID.lower()])

    assert first == asked.tunnels([CONNECTION_ID.lower()])
    assert 1 == len(live.asked("/connections/to-branch"))


def test_a_connection_without_a_body_that_names_it_keeps_the_id_that_was_asked(
    live: AzureStandIn, network: MakeNetwork
) -> None:
    live.arm[CONNECTION_ID] = a_connection() | {"id": None}

    found = the_connection(network())

    assert isinstance(found, Connection)
    assert CONNECTION_ID.lower() == found.id


KINDS = {
    "404": "gone",
    "403": "refused",
    "401": "refused",
    "429 without Retry-After": "no answer",
    "429 that asks for an hour": "no answer",
    "500": "no answer",
    "502": "no answer",
    "503": "no answer",
    "504": "no answer",
    "connection closed": "no answer",
    "truncated": "no answer",
    "400": "other",
    "an error that is no JSON": "other",
    "no content": "other",
    "text": "other",
    "broken JSON": "other",
    "a list": "other",
    "null": "other",
    "a body without properties": "other",
}


@pytest.mark.parametrize("fault", KINDS)
def test_a_connection_that_cannot_be_asked_says_why(
    fault: str, live: AzureStandIn, network: MakeNetwork
) -> None:
    reply, why = FAULTS[fault]
    live.always("/connections/to-branch", reply)

    found = the_connection(network())

    assert isinstance(found, FactUnknown)
    assert (why.replace("the gateway", "the connection"), KINDS[fault]) == (found.why, found.kind)


def test_a_connection_that_hangs_gave_no_answer(live: AzureStandIn, network: MakeNetwork) -> None:
    live.always("/connections/to-branch", live.hangs)

    found = the_connection(network(left=timedelta(milliseconds=200)))

    assert isinstance(found, FactUnknown)
    assert "no answer" == found.kind


def test_one_connections_trouble_is_no_others(live: AzureStandIn, network: MakeNetwork) -> None:
    gone = f"{CONNECTION_ID}-gone".lower()

    found = network().tunnels([gone, CONNECTION_ID.lower(), "no id"])

    assert [FactUnknown, Connection, FactUnknown] == [type(each) for each in found.values()]


# Many at once


class Graph:
    """Resource Graph with these rows by a word of the query; `asked` holds each word asked for."""

    def __init__(self, **rows: Page) -> None:
        self.rows = rows
        self.asked: list[tuple[str, Sequence[str]]] = []

    def __call__(self, query: str, subscriptions: Sequence[str]) -> Iterator[Page]:
        kind = query.split("microsoft.network/")[1].partition("'")[0]
        self.asked.append((kind, subscriptions))
        if kind not in self.rows:
            raise FactUnknown("no permission to read it", kind="refused")
        yield self.rows[kind]


GATEWAYS = [f"{NETWORK}/virtualNetworkGateways/vpn-{number:02}".lower() for number in range(MANY)]


def bodies(**changes: object) -> list[dict[str, Any]]:
    return [a_gateway_body(each.rpartition("/")[2], **changes) for each in GATEWAYS]


def connection_rows() -> list[dict[str, Any]]:
    """A connection of each gateway, as Resource Graph is asked for it."""
    return [
        {
            "id": f"{NETWORK}/connections/to-{number}",
            "name": f"to-{number}",
            "virtualNetworkGateway1": {"id": gateway_id},
            "localNetworkGateway2": {"id": PEER_ID},
        }
        for number, gateway_id in enumerate(GATEWAYS)
    ]


TYPE = "Microsoft.Network/"
PEERS: Page = [{"id": PEER_ID, "gatewayIpAddress": "203.0.113.7"}]


def test_many_gateways_are_asked_for_in_one_query_and_fewer_by_themselves(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    graph = Graph(virtualnetworkgateways=bodies())

    found = network(graph=graph).gateways(GATEWAYS)

    assert GATEWAYS == list(found)
    assert {("198.51.100.1",)} == {each.vips for each in found.values()}
    assert [("virtualnetworkgateways", [SUBSCRIPTION_ID])] == graph.asked
    assert [] == azure.requests
    network().gateways(GATEWAYS[1:])
    assert MANY - 1 == len(azure.requests)


def test_what_resource_graph_leaves_out_and_what_was_just_written_is_asked_itself(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    """What may not be read is left out in silence, so absence means nothing."""
    left_out, written, half = GATEWAYS[:3]
    rows = bodies()[1:]
    rows[1]["properties"] |= {"sku": None}
    ids = [*GATEWAYS, GATEWAY_ID]
    azure.arm |= {each["id"]: each for each in bodies(activeActive=True)}

    found = network(graph=Graph(virtualnetworkgateways=rows)).gateways(ids, {written})

    asked = {request.path.lower() for request in azure.requests}

    assert {left_out, written, half, GATEWAY_ID} == asked
    assert asked - {GATEWAY_ID} == {each.id for each in found.values() if each.active_active}


def test_a_vip_that_bodies_lack_is_asked_of_resource_graph_too(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    addresses: Page = [{"id": PUBLIC_IP_ID, "ipAddress": "203.0.113.99"}]
    graph = Graph(virtualnetworkgateways=bodies(bgpSettings={}), publicipaddresses=addresses)

    found = network(graph=graph).gateways(GATEWAYS)

    assert {("203.0.113.99",)} == {each.vips for each in found.values()}
    assert [] == azure.requests


def test_an_inventory_has_names_and_peers_and_no_states(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    graph = Graph(connections=connection_rows(), localnetworkgateways=PEERS)

    found = network(graph=graph).inventory(GATEWAYS)

    assert [("to-0", "203.0.113.7", None)] == [
        (each.name, each.remote_ip, each.status) for each in found[GATEWAYS[0]]
    ]
    assert GATEWAYS == list(found)
    assert [] == azure.requests


def test_a_gateway_without_connections_or_peers_in_the_inventory_is_not_in_it(
    network: MakeNetwork,
) -> None:
    odd = {**connection_rows()[1], "localNetworkGateway2": {"id": f"{PEER_ID}-2"}}
    rows = [odd, *connection_rows()[2:]]

    found = network(graph=Graph(connections=rows, localnetworkgateways=PEERS)).inventory(GATEWAYS)

    assert GATEWAYS[2:] == list(found)


def test_each_subscription_is_asked_for_once_a_run(network: MakeNetwork) -> None:
    graph = Graph(connections=connection_rows(), localnetworkgateways=PEERS)
    asked = network(graph=graph)
    other = [each.replace("0f0f0f0f", "1f1f1f1f") for each in GATEWAYS]
    odd = [each.replace("0f0f0f0f", "") for each in GATEWAYS]

    for ids in (GATEWAYS, [*GATEWAYS, *other, *odd], other):
        asked.inventory(ids)

    second = other[0].split("/")[2]
    assert [[SUBSCRIPTION_ID]] * 2 + [[second]] * 2 == [each for _, each in graph.asked]


def test_where_resource_graph_is_not_to_be_had_each_gateway_is_asked_and_the_run_is_told(
    azure: AzureStandIn, network: MakeNetwork
) -> None:
    azure.arm |= {each["id"]: each for each in bodies()}
    asked = network(graph=Graph())

    found = asked.gateways(GATEWAYS)

    assert {} == asked.inventory(GATEWAYS)
    assert [{}] * MANY == [each.unknown for each in found.values()]
    assert MANY == len(azure.requests)
    why = "Azure Resource Graph was not to be had, so each gateway was asked"
    assert (f"{why}: no permission to read it",) == asked.notes


def test_peers_that_the_inventory_has_are_not_asked_again(
    connected: AzureStandIn, network: MakeNetwork
) -> None:
    asked = network(graph=Graph(connections=connection_rows(), localnetworkgateways=PEERS))
    asked.inventory(GATEWAYS)

    assert ["203.0.113.7"] == [each.remote_ip for each in the_connections(asked)]
    assert [] == connected.asked("/localNetworkGateways/")


def test_the_next_page_of_a_list_is_where_the_first_was(
    connected: AzureStandIn, network: MakeNetwork
) -> None:
    """Elsewhere nobody gets the token."""
    connected.arm[f"{GATEWAY_ID}/connections"] = {
        "value": [a_connection()],
        "nextLink": "https://127.0.0.1:1/more",
    }

    assert UNREADABLE == why_no_connections(network())


def test_the_queries_that_are_shipped_find_a_fleet(
    azure: AzureStandIn, network: MakeNetwork, pauses: Pauses
) -> None:
    """Over the client of Resource Graph and a stand-in that executes KQL."""
    endpoint = CLOUDS["AzureCloud"].pointed(arm=azure.url).arm
    assert endpoint is not None
    client = resource_graph_client(AnyToken(), endpoint, sleep=pauses)
    graph = ResourceGraph(lambda: client, left=lambda: timedelta(minutes=1), sleep=pauses)
    azure.graph.resources = [
        *(
            {**body, "type": "Microsoft.Network/virtualNetworkGateways"}
            for body in bodies(bgpSettings={})
        ),
        *(
            {
                **a_connection(f"to-{number}", virtualNetworkGateway1={"id": gateway_id}),
                "type": f"{TYPE}connections",
            }
            for number, gateway_id in enumerate(GATEWAYS)
        ),
        {
            "id": PEER_ID,
            "type": f"{TYPE}localNetworkGateways",
            "properties": {"gatewayIpAddress": "203.0.113.7"},
        },
        {
            "id": PUBLIC_IP_ID,
            "type": f"{TYPE}publicIPAddresses",
            "properties": {
                "ipAddress": "203.0.113.99",
                "ipConfiguration": {"id": f"{WRITTEN_ID}/ipConfigurations/default"},
            },
        },
    ]
    asked = network(graph=graph.pages)

    gateways, inventory = asked.gateways(GATEWAYS), asked.inventory(GATEWAYS)
    client.close()

    assert {("203.0.113.99",)} == {each.vips for each in gateways.values()}
    assert [("to-7", "203.0.113.7", None)] == [
        (each.name, each.remote_ip, each.status) for each in inventory[GATEWAYS[7]]
    ]
    assert {"POST"} == {request.method for request in azure.requests}
    assert () == asked.notes
