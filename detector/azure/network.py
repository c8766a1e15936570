"""The facts of gateways and of their connections, from Azure Resource Manager; it only reads.

One GET for each gateway, one more for each VIP that the gateway's own body lacks, and one for each
connection whose state matters, each once in the lifetime of a `Network`, which is a run's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from detector.errors import FactUnknown
from detector.signals import arm

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.network import NetworkManagementClient

    from detector.azure.clouds import Endpoint
    from detector.model import Connection, Gateway

AT_ONCE: Final = 5
"""How many lookups are in flight at a time."""

Hear = Callable[[object], None]

PATIENCE: Final = timedelta(seconds=30)
"""The longest timeout or pause of a lookup: a fact never holds an insight back for longer."""


def network_client(
    credential: TokenCredential,
    subscription_id: str,
    endpoint: Endpoint,
    *,
    hear: Hear | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> NetworkManagementClient:
    """A client for one subscription; it keeps its connections, so make one per process.

    `hear` is given the body of each answer, as ARM wrote it.
    """
    from azure.mgmt.network import NetworkManagementClient

    return NetworkManagementClient(
        credential,
        subscription_id,
        base_url=endpoint.url,
        credential_scopes=[endpoint.token_scope],
        policies=reading_policies(credential, endpoint, hear=hear, sleep=sleep),
    )


def reading_policies(
    credential: TokenCredential,
    endpoint: Endpoint,
    *,
    hear: Hear | None = None,
    sleep: Callable[[float], None],
) -> list[object]:
    """The policies of a client of ARM that never writes.

    They are listed here, because the ones that a client would choose by itself register the
    subscription for the client's provider when it is not (409), which is a write.
    """
    from azure.core.pipeline import policies
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

    from detector.azure.retry import RetryWithinRun

    return [
        policies.RequestIdPolicy(),
        policies.UserAgentPolicy(),
        *_listening(hear),
        policies.ContentDecodePolicy(),
        RetryWithinRun(sleep=sleep),
        ARMChallengeAuthenticationPolicy(credential, endpoint.token_scope),
    ]


def _listening(hear: Hear | None) -> list[object]:
    """The policy that hands on each body; it stands before the one that decodes them."""
    from azure.core.pipeline.policies import ContentDecodePolicy, CustomHookPolicy

    if hear is None:
        return []
    return [
        CustomHookPolicy(
            raw_response_hook=lambda answer: hear(answer.context[ContentDecodePolicy.CONTEXT_NAME])
        )
    ]


class Network:
    """The ports Gateways, Connections and LiveTunnels.

    `client` gives the client of a subscription, and is called when there is something to ask;
    `left` says how long the run may still take.
    """

    def __init__(
        self,
        client: Callable[[str], NetworkManagementClient],
        *,
        left: Callable[[], timedelta],
    ) -> None:
        self._client = client
        self._left = left
        self._making = threading.Lock()
        self._once = _Once()

    def gateways(self, ids: Sequence[str]) -> Mapping[str, Gateway]:
        """The facts of each gateway; what cannot be had is unknown, with why."""
        distinct = list(dict.fromkeys(ids))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(distinct, pool.map(self._gateway, distinct), strict=True))

    def connections(self, gateway_id: str) -> Sequence[Connection]:
        """The connections of one gateway, as they are now; raises FactUnknown.

        Where only the state or the peer's address of one cannot be had, it is None.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self._connection, self._listed(gateway_id)))

    def tunnels(self, ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]:
        """Each connection as it is now, with its tunnels, or why that cannot be had."""
        distinct = list(dict.fromkeys(ids))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(distinct, pool.map(self._live, distinct), strict=True))

    def _gateway(self, gateway_id: str) -> Gateway:
        try:
            body = self._body(gateway_id, _GATEWAYS)
        except FactUnknown as error:
            return arm.missing(gateway_id, error.why)
        addresses = {
            public_ip_id.lower(): self._address(public_ip_id)
            for public_ip_id in arm.public_ips_needed(body)
        }
        return arm.gateway(gateway_id, body, addresses)

    def _address(self, public_ip_id: str) -> str | FactUnknown:
        try:
            return arm.address(self._body(public_ip_id, _PUBLIC_IPS))
        except FactUnknown as error:
            return error

    def _listed(self, gateway_id: str) -> list[object]:
        client, names = self._addressed(gateway_id, _GATEWAYS)
        with _translated(gateway_id, _GATEWAYS):
            return list(
                client.virtual_network_gateways.list_connections(*names, left=self._patience)
            )

    def _connection(self, body: object) -> Connection:
        """A listed connection, with the state that ARM's list often leaves out."""
        connection = arm.connection(body, self._peers(body))
        own_id = arm.own_id(body)
        if own_id and connection.status is None:
            with suppress(FactUnknown):
                itself = arm.connection(self._body(own_id, _CONNECTIONS), {})
                return replace(connection, status=itself.status, tunnels=itself.tunnels)
        return connection

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
                return {peer_id.lower(): self._body(peer_id, _PEERS)}
        return {}

    def _body(self, resource_id: str, kind: _Kind) -> object:
        """The body of one resource, asked for once; raises FactUnknown."""

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
            return self._client(subscription.lower()), (group, name)

    def _patience(self) -> timedelta:
        return min(self._left(), PATIENCE)


class _Kind(NamedTuple):
    """A kind of resource: as an id names it, as the client does, and in words."""

    collection: str
    operations: str
    words: str


_GATEWAYS: Final = _Kind("virtualNetworkGateways", "virtual_network_gateways", "the gateway")
_PUBLIC_IPS: Final = _Kind("publicIPAddresses", "public_ip_addresses", "its public IP")
_CONNECTIONS: Final = _Kind("connections", "virtual_network_gateway_connections", "the connection")
_PEERS: Final = _Kind("localNetworkGateways", "local_network_gateways", "the peer")


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


def role_for(resource_id: str) -> str:
    """The role that permits to read a resource, where to be given: on its resource group."""
    return f"Monitoring Reader on the resource group {arm.segment(resource_id, 'resourceGroups')}"


_VERSIONS: Final = {
    "microsoft.insights": "2021-05-01-preview",
    "microsoft.network": "2024-07-01",
    "microsoft.operationalinsights": "2025-02-01",
}
"""The version of ARM's interface by the provider that a path names last."""

_OF_SUBSCRIPTIONS: Final = "2022-12-01"


class Bodies:
    """The port Bodies: what ARM answers to a GET at each path.

    For what is checked and not told: that a permission is there, and where logs are sent.

    `client` is that of ARM and is called when there is something to ask; `left` says how long the
    run may still take.
    """

    def __init__(
        self,
        client: Callable[[], PipelineClient[HttpRequest, HttpResponse]],
        *,
        left: Callable[[], timedelta],
    ) -> None:
        self._client = client
        self._left = left
        self._making = threading.Lock()

    def __call__(self, paths: Sequence[str]) -> Mapping[str, object | FactUnknown]:
        """The body at each path, an ARM id or what follows one, or why it cannot be had."""
        distinct = list(dict.fromkeys(paths))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(distinct, pool.map(self._body, distinct), strict=True))

    def _body(self, path: str) -> object | FactUnknown:
        from azure.core.rest import HttpRequest

        from detector.azure.facts_errors import FAILURES, unknown

        provider = path.rpartition("/providers/")[2].partition("/")[0].lower()
        version = {"api-version": _VERSIONS.get(provider, _OF_SUBSCRIPTIONS)}
        try:
            with self._making:
                client = self._client()
            request = HttpRequest("GET", client.format_url(quote(path)), params=version)
            answer = client.send_request(request, left=lambda: min(self._left(), PATIENCE))
            body: object = answer.json()
        except FAILURES as error:
            return unknown(error, of="what is asked for", role=_role_for_path(path))
        return body if isinstance(body, dict) else FactUnknown(arm.UNREADABLE)


def _role_for_path(path: str) -> str:
    if arm.segment(path, "resourceGroups"):
        return role_for(path)
    return f"Monitoring Reader on the subscription {arm.segment(path, 'subscriptions')}"


@contextmanager
def _translated(resource_id: str, kind: _Kind) -> Iterator[None]:
    """Everything that asking can raise, as FactUnknown."""
    from detector.azure.facts_errors import FAILURES, unknown

    try:
        yield
    except FAILURES as error:
        raise unknown(error, of=kind.words, role=role_for(resource_id)) from error
