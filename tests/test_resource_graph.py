"""The edge to Resource Graph, over the SDK's own client and HTTPS: pages, quota and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from detector.azure.clouds import Endpoint
from detector.azure.resource_graph import SUBSCRIPTIONS, ResourceGraph, resource_graph_client
from detector.errors import FactUnknown
from tests.azure_stand_in import AzureStandIn, closed, truncated
from tests.loopback import Reply
from tests.test_network import AnyToken, NoToken, Pauses

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

QUERY = 'resources\n| where type =~ "microsoft.network/virtualnetworkgateways"\n| project id, name'
HERE = "0f0f0f0f-0000-4000-8000-00000000000a"
THERE = "0f0f0f0f-0000-4000-8000-00000000000b"

MakeGraph = Callable[..., ResourceGraph]


def a_gateway(number: int, *, subscription: str = HERE) -> dict[str, object]:
    name = f"vpn-{number:04}"
    group = f"/subscriptions/{subscription}/resourceGroups/rg-network"
    return {
        "id": f"{group}/providers/Microsoft.Network/virtualNetworkGateways/{name}",
        "name": name,
        "type": "microsoft.network/virtualnetworkgateways",
        "subscriptionId": subscription,
        "properties": {"gatewayType": "Vpn"},
    }


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        azure.graph.now = lambda: 0.0  # however slow the tests are
        azure.graph.refill()
        yield azure


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def a_graph(azure: AzureStandIn, pauses: Pauses) -> MakeGraph:
    """Makes the adapter; the quota of the stand-in is full again after a pause."""

    def make(
        left: timedelta = timedelta(minutes=4), credential: TokenCredential | None = None
    ) -> ResourceGraph:
        def pause(seconds: float) -> None:
            pauses(seconds)
            azure.graph.refill()

        client = resource_graph_client(
            credential or AnyToken(), Endpoint(url=azure.url, audience=azure.url), sleep=pause
        )
        return ResourceGraph(lambda: client, left=lambda: left, sleep=pause)

    return make


def names(graph: ResourceGraph, subscriptions: list[str] | None = None) -> list[object]:
    return [row["name"] for row in chain.from_iterable(graph.pages(QUERY, subscriptions))]


def test_pages_hold_every_gateway_once_in_the_order_of_their_ids(
    azure: AzureStandIn, a_graph: MakeGraph
) -> None:
    azure.graph.page = 3
    azure.graph.resources = [a_gateway(number) for number in (5, 2, 7, 1, 4, 6, 3)]

    assert [f"vpn-{number:04}" for number in range(1, 8)] == names(a_graph())
    assert 3 == len(azure.asked("Microsoft.ResourceGraph"))


def test_without_any_gateway_there_is_one_empty_page(a_graph: MakeGraph) -> None:
    assert [[]] == list(a_graph().pages(QUERY, None))


def test_only_the_subscriptions_that_are_named_are_asked(
    azure: AzureStandIn, a_graph: MakeGraph
) -> None:
    azure.graph.resources = [a_gateway(1), a_gateway(2, subscription=THERE)]

    assert ["vpn-0002"] == names(a_graph(), [THERE])
    assert [] == names(a_graph(), [])
    assert [[THERE]] == [each.body["subscriptions"] for each in azure.requests]


def test_a_thousand_subscriptions_are_asked_at_a_time(
    azure: AzureStandIn, a_graph: MakeGraph
) -> None:
    many = [f"0f0f0f0f-0000-4000-8000-{number:012}" for number in range(SUBSCRIPTIONS + 1)]
    azure.graph.resources = [a_gateway(1, subscription=many[-1])]

    assert ["vpn-0001"] == names(a_graph(), many)
    assert [1000, 1] == [len(each.body["subscriptions"]) for each in azure.requests]


def test_where_the_quota_is_used_up_the_next_query_waits_until_there_is_more(
    azure: AzureStandIn, a_graph: MakeGraph, pauses: Pauses
) -> None:
    azure.graph.page = 1
    azure.graph.resources = [a_gateway(number) for number in range(40)]

    assert 40 == len(names(a_graph()))
    assert [5.0, 5.0] == pauses
    assert 0 == azure.graph.refused


def test_a_query_that_is_refused_for_its_rate_is_asked_again(
    azure: AzureStandIn, a_graph: MakeGraph, pauses: Pauses
) -> None:
    azure.graph.resources = [a_gateway(1)]
    azure.once("Microsoft.ResourceGraph", Reply(status=429, headers={"Retry-After": "3"}))

    assert ["vpn-0001"] == names(a_graph())
    assert [3.0] == pauses


@pytest.mark.parametrize("value", ["", "soon", "5", "00:00:05:00", "-1:00:00"])
def test_a_quota_that_cannot_be_read_is_not_waited_for(
    azure: AzureStandIn, a_graph: MakeGraph, pauses: Pauses, value: str
) -> None:
    azure.graph.page = 1
    azure.graph.resources = [a_gateway(1), a_gateway(2)]
    azure.graph.headers = {
        "x-ms-user-quota-remaining": "0",
        "x-ms-user-quota-resets-after": value,
    }

    assert ["vpn-0001", "vpn-0002"] == names(a_graph())
    assert [] == pauses


def test_a_quota_that_comes_back_after_the_run_is_not_waited_for(
    azure: AzureStandIn, a_graph: MakeGraph, pauses: Pauses
) -> None:
    azure.graph.page = 1
    azure.graph.resources = [a_gateway(1), a_gateway(2)]
    azure.graph.headers = {
        "x-ms-user-quota-remaining": "0",
        "x-ms-user-quota-resets-after": "00:04:00",
    }

    with pytest.raises(FactUnknown, match=r"^Azure is throttling$"):
        names(a_graph(left=timedelta(minutes=3)))
    assert [] == pauses


def an_answer(**changes: object) -> Reply:
    answer = {"totalRecords": 0, "count": 0, "resultTruncated": "false", "data": []}
    return Reply(body=answer | changes)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Reply(status=403), "no permission to read it; give the app's identity Monitoring Reader"),
        (Reply(status=400), "Azure refused to answer, with status 400"),
        (an_answer(resultTruncated="true"), "Resource Graph cut its answer off"),
        (an_answer(data={"columns": [], "rows": []}), "the answer could not be read"),
        (an_answer(data=["vpn-0001"]), "the answer could not be read"),
        (an_answer(data=[{"name": "a"}], **{"$skipToken": "1"}), "the answer could not be read"),
        (Reply(body=b"<html>"), "the answer could not be read"),
        (
            Reply(body=an_answer().body, headers={"x-ms-tenant-subscription-limit-hit": "true"}),
            "Resource Graph answered for the first 10,000 subscriptions only",
        ),
        (closed, "Azure did not answer"),
        (truncated, "Azure did not answer"),
    ],
)
def test_what_is_no_whole_answer_is_unknown_and_says_why(
    azure: AzureStandIn, a_graph: MakeGraph, fault: Reply, why: str
) -> None:
    azure.always("Microsoft.ResourceGraph", fault)

    with pytest.raises(FactUnknown) as raised:
        names(a_graph())
    assert raised.value.why.startswith(why)


def test_without_a_credential_nothing_is_known(a_graph: MakeGraph) -> None:
    with pytest.raises(FactUnknown, match=r"^there is no credential to ask with$"):
        names(a_graph(credential=NoToken()))
