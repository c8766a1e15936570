"""CloudEvents on a Storage queue: what a consumer gets, and when the queue does not take them."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.storage.queue import QueueClient
from hypothesis import given
from hypothesis import strategies as st

from detector.app.settings import Settings
from detector.azure.queue import (
    LONGEST_BYTES,
    MARK,
    NOTE,
    QueueSink,
    coverage_message,
    message,
    send_wish,
)
from detector.azure.storage import queue_client
from detector.errors import DeliveryFailed, DeliveryRefused
from detector.insights.cloudevent import to_cloudevent
from detector.insights.coverage import to_coverage_event
from detector.insights.document import Insight
from detector.journal.delivery import probed
from tests.azurite import ACCOUNT, KEY, Azurite
from tests.fleet import a_coverage
from tests.sink_contract import COVERAGE, AnnouncerContract
from tests.sink_stand_in import (
    NOW,
    SinkStandIn,
    an_insight,
    closed_port,
    replying,
)

PLACE = "a queue message"


@pytest.fixture
def queue(azurite: Azurite) -> Iterator[QueueClient]:
    """A queue that is not there yet, as the app's settings lead to it."""
    settings = Settings.read(
        {
            "DETECTOR_SCOPES": "6f3c1f6e-0b1e-4b7a-9c37-51c2f3c0a001",
            "AzureWebJobsStorage": azurite.connection_string,
        }
    )
    name = f"test-{uuid.uuid4().hex}"
    with queue_client(settings.storage, name, no_identity) as client:
        yield client


def no_identity() -> Any:
    raise AssertionError("a connection string needs no identity")


def a_sink(queue: QueueClient) -> QueueSink:
    return QueueSink(lambda: queue, now=lambda: NOW)


def an_insight_of(text: str, **changes: object) -> Insight:
    """An insight whose article is `text`."""
    article = {"id": "article-1", "title": "T", "results": text, "importance_level": "Warning"}
    return an_insight(insight=article, **changes)


def test_the_queue_is_made_for_the_first_event_and_holds_each_in_base64(queue: QueueClient) -> None:
    insights = [an_insight(revision=revision) for revision in (1, 2)]

    for insight in insights:
        a_sink(queue).deliver(insight)

    received = [each.content for each in queue.receive_messages()]
    events = [json.loads(base64.b64decode(content, validate=True)) for content in received]
    assert [to_cloudevent(insight) for insight in insights] == events


def test_the_longest_message_is_taken_by_the_queue(queue: QueueClient) -> None:
    a_sink(queue).deliver(an_insight_of("x" * 100_000))

    (received,) = queue.receive_messages()
    assert 65_400 < len(received.content) <= 65_536


def test_an_event_that_fits_is_whole() -> None:
    insight = an_insight_of("x" * 40_000)

    assert to_cloudevent(insight) == json.loads(message(insight))


def test_a_long_article_loses_its_end_and_says_so_and_the_rest_is_whole() -> None:
    insight = an_insight_of("x" * 100_000)

    event = json.loads(message(insight))

    told = event["data"]["insight"].pop("results")
    whole: dict[str, Any] = to_cloudevent(insight)
    whole["data"]["insight"].pop("results")
    assert whole == event
    assert told == "x" * told.count("x") + NOTE.format(place=PLACE)
    assert told.count("x") > 40_000


def test_much_evidence_is_shortened_and_the_ids_stay_whole() -> None:
    evidence = [
        {"at": "2026-11-22T02:14:07.123Z", "source": "TunnelDiagnosticLog", "text": "y" * size}
        for size in [90_000, *[10] * 5_000]
    ]
    insight = an_insight(evidence=evidence)

    document = json.loads(message(insight))["data"]

    assert document["evidence"][0]["text"].endswith(f"y{MARK}")
    assert 0 < len(document["evidence"]) < 5_000
    assert document["insight"]["results"].endswith(NOTE.format(place=PLACE))
    assert insight.gateway.id == document["gateway"]["id"]


def test_even_the_shortest_event_has_its_ids_whole() -> None:
    insight = an_insight(facts={f"fact{number}": "z" * 300 for number in range(500)})

    document = json.loads(message(insight))["data"]

    assert len(document["facts"]["fact0"]) < len(insight.gateway.id)
    assert insight.gateway.id == document["gateway"]["id"]


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    times=st.integers(1, 30_000),
)
def test_whatever_an_insight_quotes_its_message_fits_and_is_a_document(
    text: str, times: int
) -> None:
    long = text * times
    insight = an_insight_of(
        long,
        verdict=long,
        facts={"gatewayVip": long},
        evidence=[{"at": NOW, "source": "TunnelDiagnosticLog", "text": long}] * 3,
    )

    sent = message(insight)

    assert len(sent.encode()) <= LONGEST_BYTES
    told = Insight.model_validate(json.loads(sent)["data"])
    assert (insight.id, insight.failover) == (told.id, told.failover)


def test_an_insight_with_facts_without_end_is_refused() -> None:
    facts = {f"fact{number}": "z" for number in range(10_000)}

    with pytest.raises(DeliveryRefused, match="too many facts"):
        message(an_insight(facts=facts))


def at(address: str) -> Callable[[], QueueClient]:
    """A client for a queue at `address` that is tried once."""
    connection = f"AccountName={ACCOUNT};AccountKey={KEY};QueueEndpoint=http://{address}/{ACCOUNT};"
    client = QueueClient.from_connection_string(
        connection, "insights", retry_total=0, read_timeout=0.5
    )
    return lambda: client


class TestFaults(AnnouncerContract):
    """A queue that is missing is made, so that no 404 is final, nor is a redirection."""

    secrets = (KEY,)
    may_pass = frozenset({"404", "redirect"})

    def a_sink(self, address: str, timeout: timedelta) -> QueueSink:
        return QueueSink(at(address), now=lambda: NOW, timeout=timeout)


def test_a_missing_role_is_named() -> None:
    with SinkStandIn() as storage:
        storage.answer = replying(403, "x-ms-error-code: AuthorizationPermissionMismatch")

        with pytest.raises(
            DeliveryRefused, match=r"queue insights.*Storage Queue Data Contributor"
        ):
            QueueSink(at(storage.at), now=lambda: NOW).deliver(an_insight())


def test_what_changed_in_coverage_is_an_event_like_any_other(queue: QueueClient) -> None:
    a_sink(queue).announce(COVERAGE)

    (received,) = queue.receive_messages()
    assert to_coverage_event(COVERAGE) == json.loads(base64.b64decode(received.content))


def test_a_fleet_that_went_blind_fits_with_fewer_of_its_gateways() -> None:
    blind = a_coverage(*(f"vpn-{number:0200}" for number in range(200)))
    text = coverage_message(blind)
    data = json.loads(text)["data"]

    assert LONGEST_BYTES // 2 < len(text.encode()) <= LONGEST_BYTES
    assert 200 == len(data["blind"]) + data["blindLeftOut"]


def test_a_probe_writes_to_the_queue_and_leaves_nothing(queue: QueueClient) -> None:
    sink = a_sink(queue)

    assert (
        f"a message was put on queue {queue.queue_name} unseen, and taken away",
        None,
    ) == probed(sink)
    assert [] == list(queue.peek_messages())
    assert 0 == queue.get_queue_properties().approximate_message_count


def test_a_probe_that_is_refused_names_the_role() -> None:
    with SinkStandIn() as storage:
        storage.answer = replying(403, "x-ms-error-code: AuthorizationPermissionMismatch")
        evidence, problem = probed(QueueSink(at(storage.at), now=lambda: NOW))

    assert evidence is None
    assert "Storage Queue Data Contributor" in str(problem)


def test_a_wish_to_run_says_no_more_and_is_not_seen_before_its_time(queue: QueueClient) -> None:
    send_wish(queue, wait=timedelta(minutes=1), now=NOW)
    send_wish(queue, wait=timedelta(), now=NOW)

    [seen] = queue.receive_messages()
    assert b"run" == base64.b64decode(seen.content)
    assert 2 == queue.get_queue_properties().approximate_message_count


def test_a_wish_that_the_queue_does_not_take_is_a_delivery_that_failed() -> None:
    with pytest.raises(DeliveryFailed, match="queue insights: no answer"):
        send_wish(at(f"127.0.0.1:{closed_port()}")(), wait=timedelta(), now=NOW)
