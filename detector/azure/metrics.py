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
from urllib.parse import quote

from detector.azure.network import AT_ONCE, PATIENCE, Hear, reading_policies, role_for
from detector.errors import FactUnknown
from detector.insights import timestamp
from detector.model import Gateway, Series, Window
from detector.signals import METRIC, bandwidth, instant

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult

    from detector.azure.clouds import Endpoint

BATCH: Final = 50
"""The most gateways that one request may ask for."""

_NAMESPACE: Final = "Microsoft.Network/virtualNetworkGateways"
_GRAIN: Final = timedelta(minutes=5)
_BY_INSTANCE: Final = "Instance eq '*'"
_AVERAGE: Final = "Average"
_API_VERSION: Final = "2024-02-01"  # that of the batches, too


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


def arm_client(
    credential: TokenCredential,
    endpoint: Endpoint,
    *,
    hear: Hear | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> PipelineClient[HttpRequest, HttpResponse]:
    """A client for ARM; it keeps its connections, so make one per process.

    `hear` is given the body of each answer.
    """
    from azure.core import PipelineClient

    return PipelineClient(
        endpoint.url, policies=reading_policies(credential, endpoint, hear=hear, sleep=sleep)
    )


class Metrics:
    """The port Bandwidth.

    `client` gives the client of a region and `arm` that of ARM; each is called when there is
    something to ask. `left` says how long the run may still take.
    """

    def __init__(
        self,
        client: Callable[[str], MetricsClient],
        arm: Callable[[], PipelineClient[HttpRequest, HttpResponse]],
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
        from detector.azure.facts_errors import FAILURES, unknown

        region, ids = batch
        try:
            with self._making:
                client = self._client(region)
            results = client.query_resources(
                resource_ids=ids,
                metric_namespace=_NAMESPACE,
                metric_names=[METRIC],
                timespan=(window.start, window.end),
                granularity=_GRAIN,
                aggregations=[_AVERAGE],
                filter=_BY_INSTANCE,
                left=self._patience,
            )
            return dict(zip(ids, map(_series, results), strict=True))
        except FAILURES as error:
            return dict.fromkeys(ids, unknown(error, of="a gateway of this request"))

    def _alone(self, window: Window, gateway_id: str) -> Sequence[Series] | FactUnknown:
        """The series of one gateway, for which a role on that gateway is enough.

        https://learn.microsoft.com/rest/api/monitor/metrics/list
        """
        from azure.core.rest import HttpRequest

        from detector.azure.facts_errors import FAILURES, unknown

        asked = {
            "api-version": _API_VERSION,
            "metricnamespace": _NAMESPACE,
            "metricnames": METRIC,
            "timespan": f"{timestamp(window.start)}/{timestamp(window.end)}",
            "interval": "PT5M",
            "aggregation": _AVERAGE,
            "$filter": _BY_INSTANCE,
        }
        try:
            with self._making:
                client = self._arm()
            url = client.format_url(f"{quote(gateway_id)}/providers/Microsoft.Insights/metrics")
            answer = client.send_request(HttpRequest("GET", url, params=asked), left=self._patience)
            return [series for _, series in bandwidth(answer.json())]
        except FAILURES as error:
            return unknown(error, of="the gateway", role=role_for(gateway_id))

    def _patience(self) -> timedelta:
        return min(self._left(), PATIENCE)


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


def _series(result: MetricsQueryResult) -> Sequence[Series]:
    return [
        Series(
            instance=_instance(one.metadata_values),
            points=tuple(
                (instant(value.timestamp), float(value.average))
                for value in one.data
                if value.average is not None
            ),
        )
        for metric in result.metrics
        if metric.name.lower() == METRIC.lower()
        for one in metric.timeseries
    ]


def _instance(dimensions: Mapping[str, str]) -> str:
    return next((value for name, value in dimensions.items() if name.lower() == "instance"), "")
