"""Whatever Azure Resource Manager answers to a GET of a resource; it only reads.

For what is checked and not told: that a permission is there, and where logs are sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from detector.azure.network import AT_ONCE, PATIENCE, role_for
from detector.errors import FactUnknown
from detector.signals import UNREADABLE, arm

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest, HttpResponse

_VERSIONS: Final = {
    "microsoft.insights": "2021-05-01-preview",
    "microsoft.network": "2024-07-01",
    "microsoft.operationalinsights": "2025-02-01",
}
"""The version of ARM's interface by the provider that a path names last."""

_OF_SUBSCRIPTIONS: Final = "2022-12-01"


class Bodies:
    """The port Bodies: what is at each path.

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
            return unknown(error, of="what is asked for", role=_role(path))
        return body if isinstance(body, dict) else FactUnknown(UNREADABLE)


def _role(path: str) -> str:
    if arm.segment(path, "resourceGroups"):
        return role_for(path)
    return f"Monitoring Reader on the subscription {arm.segment(path, 'subscriptions')}"
