"""Event Grid: what a topic is sent, and every way in which it fails."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from detector.azure.eventgrid import EventGrid
from detector.insights.cloudevent import to_cloudevent
from detector.insights.coverage import to_coverage_event
from detector.journal.delivery import probed
from tests.sink_contract import COVERAGE, AnnouncerContract, IdentityContract
from tests.sink_stand_in import (
    LONG,
    NOW,
    SinkStandIn,
    an_insight,
    replying,
    saying,
)

if TYPE_CHECKING:
    import pytest

TOKEN = "s3cret-token"


class Identity:
    """A credential with a token for one audience, or without any."""

    audience = "https://eventgrid.azure.net"

    def __init__(self, *, token: str = TOKEN) -> None:
        self.token = token

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        if not self.token:
            raise ClientAuthenticationError("no identity is assigned")
        assert (f"{self.audience}/.default",) == scopes
        return AccessToken(self.token, int(NOW.timestamp()) + 10**9)


def an_event_grid(at: str, *, token: str = TOKEN, timeout: timedelta = LONG) -> EventGrid:
    return EventGrid(
        f"https://{at}/api/events",
        lambda: Identity(token=token),
        now=lambda: NOW,
        timeout=timeout,
    )


class TestFaults(IdentityContract, AnnouncerContract):
    secrets = (TOKEN,)

    def a_sink(self, address: str, timeout: timedelta) -> EventGrid:
        return an_event_grid(address, timeout=timeout)

    def a_sink_without_token(self, address: str) -> EventGrid:
        return an_event_grid(address, token="")


def test_a_topic_is_sent_the_same_cloudevent_as_every_other_sink(
    receiver: SinkStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    insight = an_insight(verdict="Ümlaut and more\n", drill=True)

    an_event_grid(receiver.at).deliver(insight)
    [request] = receiver.received

    assert ("POST", "/api/events") == (request.method, request.path.partition("?")[0])
    assert request.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert f"Bearer {TOKEN}" == request.headers["authorization"]
    assert [to_cloudevent(insight)] == json.loads(request.body)
    assert [] == caplog.records


def test_what_follows_a_status_of_success_is_of_no_account(receiver: SinkStandIn) -> None:
    receiver.answer = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\xff")

    an_event_grid(receiver.at).deliver(an_insight())

    assert 1 == len(receiver.received)


def test_a_topic_is_named_by_a_fingerprint() -> None:
    sink = an_event_grid("example.com")

    assert "event-grid-" == sink.name[:-8]
    assert sink.name != an_event_grid("example.org").name


def test_a_topic_is_sent_what_changed_in_coverage(receiver: SinkStandIn) -> None:
    an_event_grid(receiver.at).announce(COVERAGE)
    [request] = receiver.received

    assert [to_coverage_event(COVERAGE)] == json.loads(request.body)


def test_a_probe_asks_for_the_host_without_a_token(receiver: SinkStandIn) -> None:
    receiver.answer = replying(401)

    evidence, problem = probed(an_event_grid(receiver.at, token=""))
    [request] = receiver.received

    assert ("HEAD", "/", None) == (request.method, request.path, problem)
    assert str(evidence).startswith("its host answers")
