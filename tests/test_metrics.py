"""The edge to the metrics API, over the SDK's own clients and HTTPS, and what it answers."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from detector.azure.clouds import CLOUDS, Endpoint
from detector.azure.metrics import Metrics, metrics_client
from detector.azure.resource_manager import AT_ONCE, ResourceManager
from detector.errors import FactUnknown
from detector.model import Gateway, Series, Window
from tests.azure_stand_in import AzureStandIn, Fault, closed, truncated
from tests.loopback import Reply
from tests.test_network import AnyToken, NoToken, Pauses

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.querymetrics import MetricsClient

AT = datetime(2026, 11, 22, 2, 10, tzinfo=UTC)
WINDOW = Window(start=AT - timedelta(minutes=30), end=AT + timedelta(minutes=30))
SUBSCRIPTION_ID = "0f0f0f0f-0000-4000-8000-00000000000a"
FIRST, SECOND = "GatewayTenantWorker_IN_0", "GatewayTenantWorker_IN_1"

MakeMetrics = Callable[..., Metrics]


def a_gateway(
    name: str = "vpn-hub",
    location: str | None = "westeurope",
    subscription_id: str = SUBSCRIPTION_ID,
) -> Gateway:
    group = f"/subscriptions/{subscription_id}/resourcegroups/rg-network"
    return Gateway(
        id=f"{group}/providers/microsoft.network/virtualnetworkgateways/{name}",
        name=name,
        resource_group="rg-network",
        subscription_id=subscription_id,
        location=location,
    )


def a_timeseries(*averages: float | None, instance: str = FIRST) -> dict[str, Any]:
    """Five-minute averages from 02:10 on; None for one that the answer leaves out."""
    data: list[dict[str, object]] = []
    for number, average in enumerate(averages):
        at = AT + number * timedelta(minutes=5)
        data.append({"timeStamp": f"{at:%Y-%m-%dT%H:%M:%SZ}"})
        if average is not None:
            data[-1]["average"] = average
    return {
        "metadatavalues": [{"name": {"value": "instance"}, "value": instance}],
        "data": data,
    }


def a_metric(*timeseries: dict[str, Any], name: str = "AverageBandwidth") -> dict[str, Any]:
    return {
        "id": f"{a_gateway().id}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": "Gateway S2S Bandwidth"},
        "unit": "BytesPerSecond",
        "timeseries": list(timeseries),
    }


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        azure.metrics[a_gateway().id] = [a_metric(a_timeseries(1000.0))]
        yield azure


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def the_endpoint(url: str) -> Endpoint:
    endpoint = CLOUDS["AzureCloud"].pointed(metrics=url).metrics
    assert endpoint is not None
    return endpoint


def not_asked() -> ResourceManager:
    pytest.fail("nobody has to ask ARM")


@pytest.fixture
def metrics(azure: AzureStandIn, pauses: Pauses) -> Iterator[MakeMetrics]:
    """Makes what a run asks the metrics API with, of the stand-in."""
    with ExitStack() as until_then:

        def make(
            left: timedelta = timedelta(minutes=4), credential: TokenCredential | None = None
        ) -> Metrics:
            def client(region: str) -> MetricsClient:
                return until_then.enter_context(
                    metrics_client(
                        credential or AnyToken(), region, the_endpoint(azure.url), sleep=pauses
                    )
                )

            def arm() -> ResourceManager:
                endpoint = the_endpoint(azure.url)
                client = ResourceManager(credential or AnyToken(), endpoint, sleep=pauses)
                until_then.callback(client.close)
                return client

            return Metrics(client, cache(arm), left=lambda: left)

        yield make


def the_bandwidth(metrics: Metrics) -> object:
    gateway = a_gateway()
    return metrics.bandwidth([gateway], WINDOW)[gateway.id]


def the_reason(metrics: Metrics) -> str:
    found = the_bandwidth(metrics)
    assert isinstance(found, FactUnknown), found
    return found.why


def test_each_instance_has_its_averages(azure: AzureStandIn, metrics: MakeMetrics) -> None:
    azure.metrics[a_gateway().id] = [
        a_metric(a_timeseries(1000.0, None, 3.5), a_timeseries(7, instance=SECOND)),
        a_metric(a_timeseries(9e9), name="P2SBandwidth"),
    ]

    assert [
        Series(instance=FIRST, points=((AT, 1000.0), (AT + timedelta(minutes=10), 3.5))),
        Series(instance=SECOND, points=((AT, 7.0),)),
    ] == the_bandwidth(metrics())


def test_the_averages_are_asked_for_by_instance_in_five_minutes(
    azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    the_bandwidth(metrics())
    (request,) = azure.requests
    asked = parse_qs(request.query)

    assert f"/subscriptions/{SUBSCRIPTION_ID}/metrics:getBatch" == request.path
    assert {
        "metricnamespace": ["Microsoft.Network/virtualNetworkGateways"],
        "metricnames": ["AverageBandwidth"],
        "interval": ["PT5M"],
        "aggregation": ["Average"],
        "filter": ["Instance eq '*'"],
        "starttime": ["2026-11-22T01:40:00.000Z"],
        "endtime": ["2026-11-22T02:40:00.000Z"],
    } == {name: value for name, value in asked.items() if name != "api-version"}


def test_a_gateway_without_traffic_logged_has_no_series(
    azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    azure.metrics.clear()

    assert [] == the_bandwidth(metrics())


def test_fifty_gateways_share_a_request_and_each_has_its_own_series(
    azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    gateways = [a_gateway(f"vpn-{number}") for number in range(51)]
    for number, gateway in enumerate(gateways):
        azure.metrics[gateway.id] = [a_metric(a_timeseries(float(number)))]

    found = metrics().bandwidth(gateways, WINDOW)

    assert [1, 50] == sorted(len(request.body["resourceids"]) for request in azure.requests)
    assert {
        gateway.id: [Series(instance=FIRST, points=((AT, float(number)),))]
        for number, gateway in enumerate(gateways)
    } == found


def test_a_request_is_for_one_region_and_one_subscription(
    azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    other = "0f0f0f0f-0000-4000-8000-00000000000b"
    gateways = [
        a_gateway("vpn-1", "westeurope"),
        a_gateway("vpn-2", "West Europe"),
        a_gateway("vpn-3", "northeurope"),
        a_gateway("vpn-4", "westeurope", other),
    ]
    metrics().bandwidth(gateways, WINDOW)

    assert [["vpn-1", "vpn-2"], ["vpn-3"], ["vpn-4"]] == sorted(
        [resource.rpartition("/")[2] for resource in request.body["resourceids"]]
        for request in azure.requests
    )


def test_the_endpoint_is_that_of_the_region(azure: AzureStandIn, pauses: Pauses) -> None:
    """The port stands in for the name, since a loopback address has no regions."""
    endpoint = the_endpoint(azure.url.replace(azure.url.rpartition(":")[2], "{region}"))
    region = azure.url.rpartition(":")[2]
    with metrics_client(AnyToken(), region, endpoint, sleep=pauses) as client:
        gateway = a_gateway(location=region)
        metrics = Metrics(lambda _: client, not_asked, left=lambda: timedelta(minutes=4))
        found = metrics.bandwidth([gateway], WINDOW)

    assert [Series(instance=FIRST, points=((AT, 1000.0),))] == found[gateway.id]


@pytest.mark.parametrize("location", [None, "", "elsewhere.example.net/"])
def test_a_gateway_of_an_unknown_region_is_not_asked_for(
    location: str | None, azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    gateway = a_gateway(location=location)
    found = metrics().bandwidth([gateway], WINDOW)[gateway.id]

    assert isinstance(found, FactUnknown)
    assert "the gateway's region is not known" == found.why
    assert [] == azure.requests


SILENT = "Azure did not answer"
THROTTLING = "Azure is throttling"
UNREADABLE = "the answer could not be read"
FAULTS: dict[str, tuple[Fault, str]] = {
    "404": (Reply(status=404, body=b""), "a gateway of this request no longer exists"),
    "429": (Reply(status=429, body=b""), THROTTLING),
    "429 that asks for an hour": (Reply(status=429, headers={"Retry-After": "3600"}), THROTTLING),
    "500": (Reply(status=500, body=b"<html>"), SILENT),
    "503": (Reply(status=503), SILENT),
    "connection closed": (closed, SILENT),
    "truncated": (truncated, SILENT),
    "no content": (Reply(status=204), UNREADABLE),
    "text": (Reply(body=b"<html>"), UNREADABLE),
    "a list": (Reply(body=[]), UNREADABLE),
    "no values": (Reply(body={"values": []}), UNREADABLE),
    "too many values": (Reply(body={"values": [{}, {}]}), UNREADABLE),
    "malformed values": (Reply(body={"values": [{"value": [{"timeseries": [3]}]}]}), UNREADABLE),
    "malformed times": (
        Reply(
            body={
                "values": [
                    {
                        "timespan": "a/b",
                        "value": [
                            {
                                "name": {"value": "AverageBandwidth"},
                                "timeseries": [{"data": [{"timeStamp": "x", "average": 1}]}],
                            }
                        ],
                    }
                ]
            }
        ),
        UNREADABLE,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_leaves_the_bandwidth_unknown_with_why(
    fault: str, azure: AzureStandIn, metrics: MakeMetrics, pauses: Pauses
) -> None:
    reply, why = FAULTS[fault]
    azure.always("/metrics:getBatch", reply)

    assert why == the_reason(metrics())
    assert max(pauses, default=0) < 30


@pytest.mark.parametrize("fault", ["429", "503", "connection closed"])
def test_what_passes_is_asked_again(
    fault: str, azure: AzureStandIn, metrics: MakeMetrics, pauses: Pauses
) -> None:
    reply, _ = FAULTS[fault]
    azure.once("/metrics:getBatch", reply)

    assert [Series(instance=FIRST, points=((AT, 1000.0),))] == the_bandwidth(metrics())
    assert 1 == len(pauses)


def test_a_batch_that_fails_touches_only_its_own_gateways(
    azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    failing = a_gateway(subscription_id="0f0f0f0f-0000-4000-8000-00000000000b")
    azure.always(failing.subscription_id, Reply(status=404))

    found = metrics().bandwidth([failing, a_gateway()], WINDOW)

    assert isinstance(found[failing.id], FactUnknown)
    assert [Series(instance=FIRST, points=((AT, 1000.0),))] == found[a_gateway().id]


REFUSED = {
    "401": Reply(status=401, body=b""),
    "403": Reply(status=403, body={"error": {"code": "Forbidden"}}),
}
OWN = "/providers/Microsoft.Insights/metrics"


@pytest.fixture(params=REFUSED)
def refusing(azure: AzureStandIn, request: pytest.FixtureRequest) -> AzureStandIn:
    """Azure, where the identity has no role on the subscription."""
    azure.always("/metrics:getBatch", REFUSED[request.param])
    return azure


def test_where_the_batch_is_refused_each_gateway_is_asked_by_itself(
    refusing: AzureStandIn, metrics: MakeMetrics
) -> None:
    gateways = [a_gateway(f"vpn-{number}") for number in range(3)]
    for number, gateway in enumerate(gateways):
        refusing.metrics[gateway.id] = [
            a_metric(a_timeseries(float(number), None), a_timeseries(7, instance=SECOND))
        ]

    found = metrics().bandwidth(gateways, WINDOW)

    assert 1 == len(refusing.asked("/metrics:getBatch"))
    assert {f"{gateway.id}{OWN}" for gateway in gateways} == {
        request.path for request in refusing.asked(OWN)
    }
    assert {
        gateway.id: [
            Series(instance=FIRST, points=((AT, float(number)),)),
            Series(instance=SECOND, points=((AT, 7.0),)),
        ]
        for number, gateway in enumerate(gateways)
    } == found


def test_a_gateway_is_asked_by_itself_for_the_same_averages(
    refusing: AzureStandIn, metrics: MakeMetrics
) -> None:
    the_bandwidth(metrics())
    (request,) = refusing.asked(OWN)

    assert "GET" == request.method
    assert {
        "api-version": ["2024-02-01"],
        "metricnamespace": ["Microsoft.Network/virtualNetworkGateways"],
        "metricnames": ["AverageBandwidth"],
        "interval": ["PT5M"],
        "aggregation": ["Average"],
        "$filter": ["Instance eq '*'"],
        "timespan": ["2026-11-22T01:40:00.000Z/2026-11-22T02:40:00.000Z"],
    } == parse_qs(request.query)


def test_a_gateway_that_is_refused_by_itself_names_the_role_that_is_missing(
    refusing: AzureStandIn, metrics: MakeMetrics
) -> None:
    other = a_gateway("vpn-other")
    refusing.metrics[other.id] = [a_metric(a_timeseries(5))]
    refusing.always(f"{a_gateway().id}{OWN}", Reply(status=403))

    found = metrics().bandwidth([a_gateway(), other], WINDOW)
    refused = found[a_gateway().id]

    assert isinstance(refused, FactUnknown)
    assert (
        "no permission to read it; give the app's identity Monitoring Reader on the resource "
        "group rg-network" == refused.why
    )
    assert [Series(instance=FIRST, points=((AT, 5.0),))] == found[other.id]


@pytest.mark.parametrize(
    "fault", ["404", "503", "connection closed", "text", "a list", "no values", "null"]
)
def test_every_fault_of_a_gateways_own_request_is_said_of_it_alone(
    fault: str, refusing: AzureStandIn, metrics: MakeMetrics
) -> None:
    reply, why = {
        **FAULTS,
        "404": (Reply(status=404), "the gateway no longer exists"),
        "no values": (Reply(body={"values": []}), UNREADABLE),
        "null": (Reply(body=None), UNREADABLE),
    }[fault]
    refusing.always(OWN, reply)

    assert why == the_reason(metrics())


def test_a_batch_that_does_not_answer_is_no_reason_to_ask_each_gateway(
    azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    azure.always("/metrics:getBatch", Reply(status=503))

    the_reason(metrics())

    assert [] == azure.asked(OWN)


def test_no_more_gateways_are_asked_at_a_time_than_other_lookups(
    refusing: AzureStandIn, metrics: MakeMetrics
) -> None:
    """The requests wait for each other in groups as large as may be in flight."""
    most, now, lock = [0], [0], threading.Lock()
    together = threading.Barrier(AT_ONCE)

    def counted(truth: Callable[[], Reply]) -> Reply:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(timeout=10)
        with lock:
            now[0] -= 1
        return truth()

    refusing.always(OWN, counted)
    gateways = [a_gateway(f"vpn-{number}") for number in range(4 * AT_ONCE)]

    metrics().bandwidth(gateways, WINDOW)

    assert AT_ONCE == most[0]


def test_metrics_that_hang_cost_no_more_than_the_time_left(
    azure: AzureStandIn, metrics: MakeMetrics
) -> None:
    azure.always("/metrics:getBatch", azure.hangs)

    assert SILENT == the_reason(metrics(left=timedelta(milliseconds=200)))


def test_without_time_left_nothing_is_asked(azure: AzureStandIn, metrics: MakeMetrics) -> None:
    assert "the run had no time left to ask" == the_reason(metrics(left=timedelta()))
    assert [] == azure.requests


def test_without_a_credential_nothing_is_known(metrics: MakeMetrics) -> None:
    assert "there is no credential to ask with" == the_reason(metrics(credential=NoToken()))


def test_the_sdk_is_not_imported_before_something_is_asked() -> None:
    heavy = "[name for name in sys.modules if name.startswith('azure.')]"
    code = f"import sys, detector.azure.metrics; print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == shown.stdout
