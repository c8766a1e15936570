"""The bandwidth of gateways, from the metrics API of the regions that they are in.

One request holds up to 50 gateways of one region and subscription; the answers come in the order
asked (https://learn.microsoft.com/azure/azure-monitor/metrics/migrate-to-batch-api). It needs a
role on the subscription, and where it is refused, ARM is asked for each gateway by itself, which
needs only the role on the gateway.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from detector.azure.resource_manager import AT_ONCE, PATIENCE, role_for
from detector.errors import FactUnknown
from detector.insights import timestamp
from detector.model import Gateway, Series, Window
from detector.signals import METRIC, arm, bandwidth

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.querymetrics import MetricsClient

    from detector.azure.clouds import Endpoint
    from detector.azure.resource_manager import ResourceManager

BATCH: Final = 50
"""The most gateways that one request may ask for."""

_NAMESPACE: Final = "Microsoft.Network/virtualNetworkGateways"
_BY_INSTANCE: Final = "Instance eq '*'"
_VERSION: Final = "2024-02-01"  # of both APIs


def metrics_client(
    credential: TokenCredential,
    region: str,
    endpoint: Endpoint,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> MetricsClient:
    """A client for one region; it keeps its connections, so make one per process."""
    from azure.monitor.querymetrics import MetricsClient

    from detector.azure.retry import RetryWithinRun

    return MetricsClient(
        endpoint.url.replace("{region}", region),
        credential,
        audience=endpoint.audience,
        retry_policy=RetryWithinRun(sleep=sleep),
    )


class Metrics:
    """The port Bandwidth.

    `client` gives the client of a region and `arm` that of ARM; each is called when there is
    something to ask. `left` says how long the run may still take.
    """

    def __init__(
        self,
        client: Callable[[str], MetricsClient],
        arm: Callable[[], ResourceManager],
        *,
        left: Callable[[], timedelta],
    ) -> None:
        self._client = client
        self._arm = arm
        self._left = left
        self._making = threading.Lock()

    def bandwidth(
        self, gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        """The series of each gateway, one for each instance, or why they cannot be had."""
        found: dict[str, Sequence[Series] | FactUnknown] = {
            gateway.id: FactUnknown("the gateway's region is not known")
            for gateway in gateways
            if _region(gateway) is None
        }
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for known in pool.map(partial(self._together, window), _batches(gateways)):
                found |= known
        refused = [gateway_id for gateway_id in found if _is_refused(found[gateway_id])]
        return {**found, **self.one_by_one(refused, window)}

    def one_by_one(
        self, gateway_ids: Sequence[str], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        """The same, with a request to ARM for each gateway."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            alone = pool.map(partial(self._alone, window), gateway_ids)
            return dict(zip(gateway_ids, alone, strict=True))

    def _together(
        self, window: Window, batch: tuple[str, Sequence[str]]
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        from azure.core.exceptions import HttpResponseError
        from azure.core.rest import HttpRequest

        from detector.azure.facts_errors import FAILURES, unknown

        region, ids = batch
        try:
            with self._making:
                client = self._client(region)
            # Read as ARM's answer is: the client's models of it cost more than all else of a run.
            asked = _asked(
                starttime=timestamp(window.start),
                endtime=timestamp(window.end),
                filter=_BY_INSTANCE,
            )
            path = f"/subscriptions/{arm.segment(ids[0], 'subscriptions')}/metrics:getBatch"
            request = HttpRequest("POST", path, params=asked, json={"resourceids": ids})
            answer = client.send_request(request, left=self._patience)
            if answer.status_code != 200:
                raise HttpResponseError(response=answer)
            bodies = answer.json()["values"]
            series = [[each for _, each in bandwidth(body)] for body in bodies]
            return dict(zip(ids, series, strict=True))
        except FAILURES as error:
            return dict.fromkeys(ids, unknown(error, of="a gateway of this request"))

    def _alone(self, window: Window, gateway_id: str) -> Sequence[Series] | FactUnknown:
        """The series of one gateway, for which a role on that gateway is enough.

        https://learn.microsoft.com/rest/api/monitor/metrics/list
        """
        from detector.azure.facts_errors import FAILURES, unknown

        timespan = f"{timestamp(window.start)}/{timestamp(window.end)}"
        asked = _asked(timespan=timespan, **{"$filter": _BY_INSTANCE})
        try:
            with self._making:
                client = self._arm()
            path = f"{gateway_id}/providers/Microsoft.Insights/metrics"
            body = client.get(path, left=self._patience, version=_VERSION, asked=asked)
            return [series for _, series in bandwidth(body)]
        except FAILURES as error:
            return unknown(error, of="the gateway", role=role_for(gateway_id))

    def _patience(self) -> timedelta:
        return min(self._left(), PATIENCE)


def _asked(**when: str) -> dict[str, str]:
    """The parameters of a request for averages by instance."""
    return {
        "api-version": _VERSION,
        "metricnamespace": _NAMESPACE,
        "metricnames": METRIC,
        "interval": "PT5M",
        "aggregation": "Average",
        **when,
    }


def _is_refused(answer: Sequence[Series] | FactUnknown) -> bool:
    return isinstance(answer, FactUnknown) and answer.kind == "refused"


def _batches(gateways: Sequence[Gateway]) -> Iterator[tuple[str, Sequence[str]]]:
    """Regions, each with the ids of up to 50 gateways that are there, in one subscription."""
    together: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for gateway in gateways:
        region = _region(gateway)
        if region is not None:
            together[region, gateway.subscription_id][gateway.id] = None
    for (region, _), ids in together.items():
        listed = list(ids)
        for start in range(0, len(listed), BATCH):
            yield region, listed[start : start + BATCH]


def _region(gateway: Gateway) -> str | None:
    """The region as it stands in host names: "West Europe" is westeurope."""
    region = (gateway.location or "").replace(" ", "").lower()
    return region if region.isascii() and region.isalnum() else None
