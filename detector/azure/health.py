"""What Resource Health says of gateways, present and past, from Azure Resource Manager; it reads.

Asked only where nothing else tells a cause, so its package is imported only then
(https://learn.microsoft.com/rest/api/resourcehealth/availability-statuses/list).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from detector.azure.network import AT_ONCE, PATIENCE, Hear, reading_policies, role_for
from detector.errors import FactUnknown
from detector.model import HealthEvent
from detector.signals import arm

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.resourcehealth import ResourceHealthMgmtClient

    from detector.azure.clouds import Endpoint


def health_client(
    credential: TokenCredential,
    subscription_id: str,
    endpoint: Endpoint,
    *,
    hear: Hear | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> ResourceHealthMgmtClient:
    """A client for one subscription; it keeps its connections, so make one per process.

    `hear` is given the body of each answer.
    """
    from azure.mgmt.resourcehealth import ResourceHealthMgmtClient

    return ResourceHealthMgmtClient(
        credential,
        subscription_id,
        base_url=endpoint.url,
        credential_scopes=[endpoint.token_scope],
        policies=reading_policies(credential, endpoint, hear=hear, sleep=sleep),
    )


class ResourceHealth:
    """The port Health.

    `client` gives the client of a subscription, and is called when there is something to ask;
    `left` says how long the run may still take.
    """

    def __init__(
        self, client: Callable[[str], ResourceHealthMgmtClient], *, left: Callable[[], timedelta]
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
        from detector.azure.facts_errors import FAILURES, unknown

        try:
            with self._making:
                client = self._client(arm.segment(gateway_id, "subscriptions"))
            entries = client.availability_statuses.list(
                quote(gateway_id.removeprefix("/")), left=lambda: min(self._left(), PATIENCE)
            )
            return arm.health_events(entries)
        except FAILURES as error:
            return unknown(error, of="the gateway", role=role_for(gateway_id))
