"""The facts of gateways and of their connections, from Azure Resource Manager; it only reads.

One GET for each gateway, one more for each VIP that the gateway's own body lacks, and one for each
connection whose state matters, each once in the lifetime of a `Network`, which is a run's. Where
many gateways are asked for at once, the bodies come from Azure Resource Graph, in pages.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from detector.azure.resource_graph import GATEWAYS
from detector.azure.resource_manager import AT_ONCE, PATIENCE, role_for
from detector.errors import FactUnknown
from detector.signals import arm

if TYPE_CHECKING:
    from azure.mgmt.network import NetworkManagementClient

    from detector.azure.resource_manager import ResourceManager
    from detector.model import Connection, Gateway, HealthEvent

MANY: Final = 20
"""From so many gateways on Resource Graph is asked: in three queries, not in six GETs for each."""

_GUID: Final = re.compile(r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}", re.ASCII)

Query = Callable[[str, Sequence[str]], Iterable[Sequence[Mapping[str, object]]]]
"""Asks Resource Graph over subscriptions, which are GUIDs: pages of rows. Raises FactUnknown."""


class _Kind(NamedTuple):
    """A kind of resource: as an id names it, as ARM's client does, and in words.

    `query` asks Resource Graph for all of them.
    """

    collection: str
    operations: str
    words: str
    query: str = ""


_GATEWAYS: Final = _Kind(
    "virtualNetworkGateways",
    "virtual_network_gateways",
    "the gateway",
    GATEWAYS,
)
_PUBLIC_IPS: Final = _Kind(
    "publicIPAddresses",
    "public_ip_addresses",
    "its public IP",
    "resources\n| where type =~ 'microsoft.network/publicipaddresses'\n"
    "| where properties.ipConfiguration.id has 'virtualNetworkGateways'\n"
    "| project id, ipAddress = properties.ipAddress",
)
# Without its states and its key.
_CONNECTIONS: Final = _Kind(
    "connections",
    "virtual_network_gateway_connections",
    "the connection",
    "resources\n| where type =~ 'microsoft.network/connections'\n"
    "| project id, name, virtualNetworkGateway1 = properties.virtualNetworkGateway1,"
    " virtualNetworkGateway2 = properties.virtualNetworkGateway2,"
    " localNetworkGateway2 = properties.localNetworkGateway2",
)
_PEERS: Final = _Kind(
    "localNetworkGateways",
    "local_network_gateways",
    "the peer",
    "resources\n| where type =~ 'microsoft.network/localnetworkgateways'\n"
    "| project id, gatewayIpAddress = properties.gatewayIpAddress, fqdn = properties.fqdn",
)


class Network:
    """The ports Gateways, Connections, Inventory and LiveTunnels.

    `client` is called when there is something to ask of ARM, and `query` asks Resource Graph;
    `left` says how long the run may still take. `notes` tells the operator of what could not be
    asked together.
    """

    def __init__(
        self, client: Callable[[], ResourceManager], query: Query, *, left: Callable[[], timedelta]
    ) -> None:
        self._client = client
        self._left = left
        self._making = threading.Lock()
        self._once = _Once()
        self._stock = _Stock(query)

    @property
    def notes(self) -> Sequence[str]:
        """Why Resource Graph could not be asked, if it could not; ARM was asked instead."""
        return tuple(self._stock.notes)

    def gateways(self, ids: Sequence[str], written: Collection[str] = ()) -> Mapping[str, Gateway]:
        """The facts of each gateway; what cannot be had is unknown, with why.

        Those that were `written` to a short while ago are each asked themselves.
        """
        distinct = list(dict.fromkeys(ids))
        unchanged = [gateway_id for gateway_id in distinct if gateway_id not in written]
        self._stock.take(_GATEWAYS, unchanged)
        stocked = {each: body for each in unchanged if (body := self._stock.body(each))}
        lacking = [needed for body in stocked.values() for needed in arm.public_ips_needed(body)]
        self._stock.take(_PUBLIC_IPS, lacking)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(self._gateway, distinct, map(stocked.get, distinct))
            return dict(zip(distinct, found, strict=True))

    def connections(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Connection] | FactUnknown]:
        """The connections of each gateway, as the gateway lists them now.

        A list often leaves out the state; where the peer's address cannot be had, it is None.
        """
        distinct = list(dict.fromkeys(gateway_ids))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            listed = dict(zip(distinct, pool.map(self._listed, distinct), strict=True))
            bodies = [body for own in listed.values() if isinstance(own, list) for body in own]
            # All of them side by side; each is kept.
            for _ in pool.map(self._peers, bodies):
                pass
        return {
            gateway_id: [arm.connection(body, self._peers(body)) for body in own]
            if isinstance(own, list)
            else own
            for gateway_id, own in listed.items()
        }

    def inventory(self, gateway_ids: Sequence[str]) -> Mapping[str, Sequence[Connection]]:
        """The connections that Resource Graph knows of, for the gateways of which it knows some.

        They have no state, and there may be others.
        """
        self._stock.take(_CONNECTIONS, gateway_ids)
        self._stock.take(_PEERS, gateway_ids)
        listed = {each: self._stock.connections.get(each) for each in gateway_ids}
        return {
            gateway_id: [arm.connection(body, self._stock.bodies) for body in bodies]
            for gateway_id, bodies in listed.items()
            if bodies and all(self._stock.has_peer(body) for body in bodies)
        }

    def tunnels(self, ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]:
        """Each connection as it is now, with its tunnels, or why that cannot be had."""
        distinct = list(dict.fromkeys(ids))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(distinct, pool.map(self._live, distinct), strict=True))

    def _gateway(self, gateway_id: str, stocked: object | None) -> Gateway:
        """The gateway by what is in stock, where that holds all of its facts, or else by ARM."""
        if stocked is not None:
            known = self._read(gateway_id, stocked)
            if not known.unknown:
                return known
        try:
            return self._read(gateway_id, self._body(gateway_id, _GATEWAYS))
        except FactUnknown as error:
            return arm.missing(gateway_id, error.why)

    def _read(self, gateway_id: str, body: object) -> Gateway:
        addresses = {
            public_ip_id.lower(): self._address(public_ip_id)
            for public_ip_id in arm.public_ips_needed(body)
        }
        return arm.gateway(gateway_id, body, addresses)

    def _address(self, public_ip_id: str) -> str | FactUnknown:
        try:
            return arm.address(self._stocked(public_ip_id, _PUBLIC_IPS))
        except FactUnknown as error:
            return error

    def _listed(self, gateway_id: str) -> list[object] | FactUnknown:
        try:
            client, names = self._addressed(gateway_id, _GATEWAYS)
            with _translated(gateway_id, _GATEWAYS):
                return list(
                    client.virtual_network_gateways.list_connections(*names, left=self._patience)
                )
        except FactUnknown as error:
            return error

    def _live(self, connection_id: str) -> Connection | FactUnknown:
        try:
            body = self._body(connection_id, _CONNECTIONS)
        except FactUnknown as error:
            return error
        if not arm.gateways_of(body):  # every connection has one
            return FactUnknown(arm.UNREADABLE)
        return replace(arm.connection(body, self._peers(body)), id=connection_id.lower())

    def _peers(self, body: object) -> dict[str, object]:
        """The body of the connection's peer by its id, lower case, where it is needed and had."""
        peer_id = arm.peer_needed(body)
        if peer_id and arm.connection(body, {}).remote_ip is None:
            with suppress(FactUnknown):
                return {peer_id.lower(): self._stocked(peer_id, _PEERS)}
        return {}

    def _stocked(self, resource_id: str, kind: _Kind) -> object:
        """The body of what seldom changes, from stock if it is there; raises FactUnknown."""
        return self._stock.body(resource_id) or self._body(resource_id, kind)

    def _body(self, resource_id: str, kind: _Kind) -> object:
        """The body of one resource by ARM, asked for once; raises FactUnknown."""

        def ask() -> object:
            client, names = self._addressed(resource_id, kind)
            with _translated(resource_id, kind):
                return getattr(client, kind.operations).get(*names, left=self._patience)

        return self._once(resource_id.lower(), ask)

    def _addressed(
        self, resource_id: str, kind: _Kind
    ) -> tuple[NetworkManagementClient, tuple[str, str]]:
        """The client for a resource, its resource group and its name; raises FactUnknown."""
        subscription, group, name = (
            arm.segment(resource_id, collection)
            for collection in ("subscriptions", "resourceGroups", kind.collection)
        )
        if not (subscription and group and name):
            raise FactUnknown(arm.UNREADABLE)
        with self._making:
            client = self._client()
        return client.network(subscription.lower()), (group, name)

    def _patience(self) -> timedelta:
        return min(self._left(), PATIENCE)


class _Stock:
    """The bodies that Resource Graph told of, each subscription's asked for once.

    It leaves out in silence what may not be read, and is minutes old: what is not here may be there
    all the same, and of states, which change by the second, nothing is here.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._asked: dict[_Kind, set[str]] = defaultdict(set)
        self.bodies: dict[str, object] = {}
        self.connections: dict[str, list[object]] = defaultdict(list)
        self.notes: dict[str, None] = {}

    def body(self, resource_id: str) -> object | None:
        """The body of a resource; None where it is not here."""
        return self.bodies.get(resource_id.lower())

    def has_peer(self, connection: object) -> bool:
        """Whether the peer is here that the connection leads to, if it leads to one."""
        peer_id = arm.peer_needed(connection)
        return peer_id is None or peer_id.lower() in self.bodies

    def take(self, kind: _Kind, ids: Sequence[str]) -> None:
        """Ask for all of a kind in the subscriptions of these ids, where there are many."""
        if len(ids) < MANY:
            return
        subscriptions = {arm.segment(each, "subscriptions").lower() for each in ids}
        asked = {each for each in subscriptions - self._asked[kind] if _GUID.fullmatch(each)}
        if not asked:
            return
        self._asked[kind] |= asked
        try:
            for page in self._query(kind.query, sorted(asked)):
                for body in page:
                    self._keep(kind, body)
        except FactUnknown as error:
            why = f"Azure Resource Graph was not to be had, so each gateway was asked: {error.why}"
            self.notes[why] = None

    def _keep(self, kind: _Kind, body: object) -> None:
        if kind is _CONNECTIONS:
            for gateway_id in arm.gateways_of(body):
                self.connections[gateway_id].append(body)
        elif own_id := arm.own_id(body):
            self.bodies[own_id.lower()] = body


class ResourceHealth:
    """The port Health: what Resource Health says of gateways, present and past.

    It is asked only where nothing else tells a cause
    (https://learn.microsoft.com/rest/api/resourcehealth/availability-statuses/list). `client` and
    `left` are as for `Network`.
    """

    def __init__(
        self, client: Callable[[], ResourceManager], *, left: Callable[[], timedelta]
    ) -> None:
        self._client = client
        self._left = left
        self._making = threading.Lock()

    def events(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[HealthEvent] | FactUnknown]:
        """The events of each gateway, the newest first, or why they cannot be had."""
        distinct = list(dict.fromkeys(gateway_ids))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(distinct, pool.map(self._events, distinct), strict=True))

    def _events(self, gateway_id: str) -> Sequence[HealthEvent] | FactUnknown:
        try:
            with self._making:
                client = self._client().health(arm.segment(gateway_id, "subscriptions").lower())
            with _translated(gateway_id, _GATEWAYS):
                path = quote(gateway_id.removeprefix("/"))
                return arm.health_events(
                    client.availability_statuses.list(path, left=self._patience)
                )
        except FactUnknown as error:
            return error

    def _patience(self) -> timedelta:
        return min(self._left(), PATIENCE)


class _Once:
    """Answers what was asked before without asking again, however many threads ask at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, Future[object]] = {}

    def __call__(self, key: str, ask: Callable[[], object]) -> object:
        """What `ask` returned, or the FactUnknown that it raised, for whoever came first."""
        with self._lock:
            first = key not in self._answers
            answer = self._answers.setdefault(key, Future())
        if first:
            try:
                answer.set_result(ask())
            except FactUnknown as error:
                answer.set_exception(error)
            finally:
                answer.cancel()  # where there is no answer, so that nobody waits for one
        return answer.result()


@contextmanager
def _translated(resource_id: str, kind: _Kind) -> Iterator[None]:
    """Everything that asking can raise, as FactUnknown."""
    from detector.azure.facts_errors import FAILURES, unknown

    try:
        yield
    except FAILURES as error:
        raise unknown(error, of=kind.words, role=role_for(resource_id)) from error
