"""Event Grid: what a topic is sent, and every way in which it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from detector.azure.eventgrid import EventGrid
from detector.errors import DeliveryFailed, DeliveryRefused
from detector.insights.cloudevent import to_cloudevent
from detector.insights.document import Reason
from tests.sink_stand_in import (
    FAULTS,
    LONG,
    NOW,
    SHORT,
    Fault,
    SinkStandIn,
    an_insight,
    ca_file,
    closed_port,
    everything_told_of,
    over_tls,
    replying,
    saying,
)

TOKEN = "s3cret-token"


class Identity:
    """A credential with a token, or without."""

    def __init__(self, *, token: str = TOKEN) -> None:
        self.token = token

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        if not self.token:
            raise ClientAuthenticationError("no identity is assigned")
        assert ("https://eventgrid.azure.net/.default",) == scopes
        return AccessToken(self.token, int(NOW.timestamp()) + 10**9)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkStandIn]:
    """A topic over TLS whose authority the environment names."""
    with ca_file() as path, over_tls() as topic:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", path)
        yield topic


def an_event_grid(at: str, *, token: str = TOKEN, timeout: timedelta = LONG) -> EventGrid:
    return EventGrid(
        f"https://{at}/api/events",
        lambda: Identity(token=token),
        now=lambda: NOW,
        timeout=timeout,
    )


def test_a_topic_is_sent_the_same_cloudevent_as_every_other_sink(
    topic: SinkStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    insight = an_insight(verdict="Ümlaut and more\n", drill=True)

    an_event_grid(topic.at).deliver(insight)
    [request] = topic.received

    assert ("POST", "/api/events") == (request.method, request.path.partition("?")[0])
    assert request.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert f"Bearer {TOKEN}" == request.headers["authorization"]
    assert [to_cloudevent(insight)] == json.loads(request.body)
    assert [] == caplog.records


def test_what_follows_a_status_of_success_is_of_no_account(topic: SinkStandIn) -> None:
    topic.answer = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\xff")

    an_event_grid(topic.at).deliver(an_insight())

    assert 1 == len(topic.received)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_fault_is_a_refusal_or_a_failure_after_one_try(
    topic: SinkStandIn, fault: Fault
) -> None:
    topic.answer = fault.answer
    sink = an_event_grid(topic.at, timeout=SHORT)

    with pytest.raises(DeliveryRefused if fault.refuses else DeliveryFailed) as caught:
        sink.deliver(an_insight())

    assert 1 == len(topic.received)
    assert fault.retry_after == getattr(caught.value, "retry_after", None)
    assert sink.name in str(caught.value)
    assert TOKEN not in everything_told_of(caught.value)


def test_a_refused_connection_is_a_failure() -> None:
    with pytest.raises(DeliveryFailed, match="ServiceRequestError"):
        an_event_grid(f"127.0.0.1:{closed_port()}").deliver(an_insight())


def test_an_identity_without_a_token_is_a_failure_that_may_pass(topic: SinkStandIn) -> None:
    with pytest.raises(DeliveryFailed, match="ClientAuthenticationError"):
        an_event_grid(topic.at, token="").deliver(an_insight())

    assert [] == topic.received


def test_a_redirect_is_not_followed(topic: SinkStandIn) -> None:
    topic.answer = replying(307, f"Location: https://{topic.at}/elsewhere")

    with pytest.raises(DeliveryRefused, match="final URL"):
        an_event_grid(topic.at).deliver(an_insight())

    assert 1 == len(topic.received)


def test_event_grid_is_told_every_reason_and_named_by_a_fingerprint() -> None:
    sink = an_event_grid("example.com")

    assert all(sink.takes(reason) for reason in Reason)
    assert "event-grid-" == sink.name[:-8]
    assert sink.name != an_event_grid("example.org").name
