"""Azure Resource Manager: the clients of all that is read of it, which keep to one place.

The bodies are read by `signals.arm`, so they are taken as ARM writes them. Nothing is written:
no policy here registers a provider, as those that a management client chooses by itself do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from detector.errors import FactUnknown
from detector.signals import arm

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.resourcehealth import ResourceHealthMgmtClient

    from detector.azure.clouds import Endpoint

AT_ONCE: Final = 10
"""How many lookups are in flight at a time: as many as a client keeps connections."""

Hear = Callable[[object], None]
C = TypeVar("C")

PATIENCE: Final = timedelta(seconds=30)
"""The longest timeout or pause of a lookup: a fact never holds an insight back for longer."""


def reading_policies(
    credential: TokenCredential,
    endpoint: Endpoint,
    *,
    hear: Hear | None = None,
    sleep: Callable[[float], None],
) -> list[object]:
    """The policies of a client of ARM that never writes; `hear` is given each body.

    They are listed here, because the ones that a client would choose by itself register the
    subscription for the client's provider when it is not (409), which is a write.
    """
    from azure.core.pipeline import policies
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

    from detector.azure.retry import RetryWithinRun

    return [
        policies.RequestIdPolicy(),
        policies.UserAgentPolicy(),
        *([policies.CustomHookPolicy(raw_response_hook=partial(_hand_on, hear))] if hear else ()),
        policies.ContentDecodePolicy(),
        policies.CustomHookPolicy(raw_request_hook=partial(_stay_at, endpoint.url)),
        RetryWithinRun(sleep=sleep),
        ARMChallengeAuthenticationPolicy(credential, endpoint.token_scope),
    ]


def _stay_at(url: str, request: PipelineRequest[HttpRequest]) -> None:
    """Raises ValueError for a request to somewhere else, as by a next page: it has the token."""
    if not request.http_request.url.startswith(f"{url}/"):
        raise ValueError("the next page is elsewhere")


def _hand_on(hear: Hear, answer: PipelineResponse[HttpRequest, HttpResponse]) -> None:
    """Let `hear` have the body that the policy behind this one decoded."""
    from azure.core.pipeline.policies import ContentDecodePolicy

    hear(answer.context.get(ContentDecodePolicy.CONTEXT_NAME))


class ResourceManager:
    """ARM at one endpoint; it keeps its connections, so make one per process.

    `network` and `health` are the management clients of what the app reads most; `get` reads a body
    of any other provider. `hear` is given the body of each answer, as ARM wrote it.
    """

    def __init__(
        self,
        credential: TokenCredential,
        endpoint: Endpoint,
        *,
        hear: Hear | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from azure.core import PipelineClient

        self._credential = credential
        self._endpoint = endpoint
        self._policies = partial(reading_policies, credential, endpoint, hear=hear, sleep=sleep)
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            endpoint.url, policies=self._policies()
        )
        self._making = threading.Lock()
        self._clients: dict[tuple[object, str], Any] = {}

    def close(self) -> None:
        """End the connections."""
        self._client.close()
        for client in self._clients.values():
            client.close()

    def network(self, subscription_id: str) -> NetworkManagementClient:
        """The client for the gateways and connections of one subscription."""
        from azure.mgmt.network import NetworkManagementClient

        return self._of_subscription(NetworkManagementClient, subscription_id)

    def health(self, subscription_id: str) -> ResourceHealthMgmtClient:
        """The client for the Resource Health of one subscription."""
        from azure.mgmt.resourcehealth import ResourceHealthMgmtClient

        return self._of_subscription(ResourceHealthMgmtClient, subscription_id)

    def _of_subscription(self, kind: Callable[..., C], subscription_id: str) -> C:
        with self._making:
            if (kind, subscription_id) not in self._clients:
                self._clients[kind, subscription_id] = kind(
                    self._credential,
                    subscription_id,
                    base_url=self._endpoint.url,
                    credential_scopes=[self._endpoint.token_scope],
                    policies=self._policies(),
                )
            client: C = self._clients[kind, subscription_id]
            return client

    def get(
        self,
        path: str,
        *,
        left: Callable[[], timedelta],
        version: str,
        asked: Mapping[str, str] | None = None,
    ) -> object:
        """The body that is answered at `path`, in a version of the provider's API.

        Raises one of `facts_errors.FAILURES`; `left` bounds its time.
        """
        from azure.core.rest import HttpRequest

        url = self._client.format_url(quote(path))
        request = HttpRequest("GET", url, params={**(asked or {}), "api-version": version})
        body: object = self._client.send_request(request, left=left).json()
        return body


_VERSIONS: Final = {
    "microsoft.insights": "2021-05-01-preview",
    "microsoft.network": "2026-03-01",
    "microsoft.operationalinsights": "2025-02-01",
}
"""The version of ARM's interface by the provider that a path names last."""

_OF_SUBSCRIPTIONS: Final = "2022-12-01"


class Bodies:
    """The port Bodies: what ARM answers to a GET at each path.

    For what is checked and not told: that a permission is there, and where logs are sent.
    `client` is called when there is something to ask; `left` says how long that may take.
    """

    def __init__(
        self, client: Callable[[], ResourceManager], *, left: Callable[[], timedelta]
    ) -> None:
        self._client = client
        self._left = left
        self._making = threading.Lock()

    def __call__(self, paths: Sequence[str]) -> Mapping[str, object]:
        """The body at each path, or the FactUnknown that says why it cannot be had."""
        distinct = list(dict.fromkeys(paths))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(distinct, pool.map(self._body, distinct), strict=True))

    def _body(self, path: str) -> object:
        from detector.azure.facts_errors import FAILURES, unknown

        provider = path.rpartition("/providers/")[2].partition("/")[0].lower()
        version = _VERSIONS.get(provider, _OF_SUBSCRIPTIONS)
        try:
            with self._making:
                client = self._client()
            body = client.get(path, left=lambda: min(self._left(), PATIENCE), version=version)
        except FAILURES as error:
            return unknown(error, of="what is asked for", role=_role_at(path))
        return body if isinstance(body, dict) else FactUnknown(arm.UNREADABLE)


def _role_at(path: str) -> str:
    if arm.segment(path, "resourceGroups"):
        return role_for(path)
    return f"Monitoring Reader on the subscription {arm.segment(path, 'subscriptions')}"


def role_for(resource_id: str) -> str:
    """The role that permits to read a resource, where to be given: on its resource group."""
    return f"Monitoring Reader on the resource group {arm.segment(resource_id, 'resourceGroups')}"
