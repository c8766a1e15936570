"""What Azure Resource Graph knows of resources, in pages, within the quota that it grants.

It answers for what the identity may read and leaves out the rest in silence: what is not in an
answer may be there all the same. What it says is minutes old
(https://learn.microsoft.com/azure/governance/resource-graph/overview).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from detector.azure.resource_manager import PATIENCE, reading_policies
from detector.errors import FactUnknown
from detector.signals import UNREADABLE, arm

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.resourcegraph import ResourceGraphClient

    from detector.azure.clouds import Endpoint
    from detector.model import Gateway

ROWS: Final = 1000
"""The most rows that a page holds."""

SUBSCRIPTIONS: Final = 1000
"""The most subscriptions that one query names; more are asked for in queries of their own."""

GATEWAYS: Final = """\
resources
| where type =~ 'microsoft.network/virtualnetworkgateways'
| project id, name, location, properties"""

_HOURS_MINUTES_SECONDS: Final = re.compile(r"(\d{1,2}):(\d\d):(\d\d)(?:\.\d+)?", re.ASCII)

Page = Sequence[Mapping[str, object]]


def resource_graph_client(
    credential: TokenCredential,
    endpoint: Endpoint,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> ResourceGraphClient:
    """A client for Resource Graph; it keeps its connections, so make one per process."""
    from azure.mgmt.resourcegraph import ResourceGraphClient

    return ResourceGraphClient(
        credential,
        endpoint.url,
        credential_scopes=[endpoint.token_scope],
        policies=reading_policies(credential, endpoint, sleep=sleep),
    )


class ResourceGraph:
    """Asks one query at a time, and no more of them than the quota allows.

    `client` is called when there is something to ask; `left` says how long the run may still take.
    The answers say how many queries are left to the identity and when there are more
    (https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests):
    where none is left, the next query waits until then.
    """

    def __init__(
        self,
        client: Callable[[], ResourceGraphClient],
        *,
        left: Callable[[], timedelta],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._left = left
        self._pause = sleep
        self._asking = threading.Lock()
        self._wait = timedelta()

    def gateways(self, subscriptions: Sequence[str] | None) -> Sequence[Gateway]:
        """The VPN gateways of these subscriptions, or of all, that the identity may read.

        Addresses that a gateway's own body lacks are unknown. Raises FactUnknown.
        """
        gateways = (
            arm.gateway(str(row.get("id")).lower(), row, {})
            for page in self.pages(GATEWAYS, subscriptions)
            for row in page
        )
        return [each for each in gateways if each.gateway_type == "Vpn"]

    def pages(self, query: str, subscriptions: Sequence[str] | None) -> Iterator[Page]:
        """The rows of a query, a thousand at a time, in the order of their ids.

        `query` has a column `id` and neither orders nor limits its rows; `subscriptions` are
        GUIDs, and None stands for all that the identity may read.
        Raises FactUnknown where an answer cannot be had in full.
        """
        if subscriptions is None:
            yield from self._pages(query, None)
            return
        for start in range(0, len(subscriptions), SUBSCRIPTIONS):
            yield from self._pages(query, list(subscriptions[start : start + SUBSCRIPTIONS]))

    def _pages(self, query: str, subscriptions: list[str] | None) -> Iterator[Page]:
        token: str | None = None
        while True:
            page, following = self._asked(f"{query}\n| order by id asc", subscriptions, token)
            yield page
            if following is None:
                return
            if following == token:
                raise FactUnknown(UNREADABLE)  # it would never end
            token = following

    def _asked(
        self, query: str, subscriptions: list[str] | None, token: str | None
    ) -> tuple[Page, str | None]:
        from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

        from detector.azure.facts_errors import FAILURES, unknown

        options = QueryRequestOptions(top=ROWS, skip_token=token, result_format="objectArray")
        request = QueryRequest(query=query, subscriptions=subscriptions, options=options)
        asked: dict[str, Any] = {
            "cls": lambda reply, answer, _: (reply.http_response, answer),
            "left": lambda: min(self._left(), PATIENCE),
        }
        with self._asking:
            self._wait_for_quota()
            try:
                answered: Any = self._client().resources(request, **asked)
                response, answer = answered
                self._wait = _wait(response.headers)
                return _page(answer, response.headers), answer.skip_token or None
            except FAILURES as error:
                role = "Monitoring Reader on the subscriptions, or on the resource groups"
                raise unknown(error, of="Resource Graph", role=role) from error

    def _wait_for_quota(self) -> None:
        if self._wait <= timedelta():
            return
        if self._wait >= self._left():
            raise FactUnknown("Azure is throttling", kind="no answer")
        self._pause(self._wait.total_seconds())
        self._wait = timedelta()


def _wait(headers: Mapping[str, str]) -> timedelta:
    """How long the next query has to wait, by the headers of an answer; none without them."""
    until = _HOURS_MINUTES_SECONDS.fullmatch(headers.get("x-ms-user-quota-resets-after", ""))
    if headers.get("x-ms-user-quota-remaining") != "0" or until is None:
        return timedelta()
    hours, minutes, seconds = map(int, until.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _page(answer: Any, headers: Mapping[str, str]) -> Page:
    """The rows of an answer. Raises FactUnknown where it does not hold them all.

    One that cannot be paged is marked as truncated and has no token
    (https://learn.microsoft.com/azure/governance/resource-graph/concepts/paginate-results); one
    that reaches over more than 10,000 subscriptions is of the first of them.
    """
    rows = answer.data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FactUnknown(UNREADABLE)
    if answer.result_truncated == "true" and not answer.skip_token:
        raise FactUnknown("Resource Graph cut its answer off")
    if headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
        raise FactUnknown("Resource Graph answered for the first 10,000 subscriptions only")
    return rows
