"""Webhooks: what they are sent, and every way in which they fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks

from detector.insights.cloudevent import to_cloudevent
from detector.insights.coverage import to_coverage_event
from detector.journal.delivery import attempt, probed
from detector.sinks.webhook import Webhook
from tests.sink_contract import COVERAGE, AnnouncerContract
from tests.sink_stand_in import (
    LONG,
    NOW,
    SinkStandIn,
    an_insight,
    replying,
    saying,
)

PATH = "/hooks/s3cret-path?code=s3cret-code"
KEY = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


def a_webhook(
    at: str, *, secret: str | None = None, timeout: timedelta = LONG, now: datetime = NOW
) -> Webhook:
    return Webhook(url=f"https://{at}{PATH}", secret=secret, now=lambda: now, timeout=timeout)


class TestFaults(AnnouncerContract):
    is_over_tls = True
    secrets = ("s3cret", KEY, "127.0.0.1")

    def a_sink(self, address: str, timeout: timedelta) -> Webhook:
        return a_webhook(address, secret=KEY, timeout=timeout)


def test_a_webhook_is_posted_the_cloudevent_in_structured_mode(receiver: SinkStandIn) -> None:
    insight = an_insight(verdict="Ümlaut and more\n")

    a_webhook(receiver.at).deliver(insight)
    [request] = receiver.received

    assert ("POST", PATH) == (request.method, request.path)
    assert "application/cloudevents+json" == request.headers["content-type"]
    assert to_cloudevent(insight) == json.loads(request.body)
    assert not [name for name in request.headers if name.startswith("webhook-")]


def test_a_signature_is_verified_by_the_reference_implementation(receiver: SinkStandIn) -> None:
    now = datetime.now(UTC)  # the reference implementation compares with its own clock
    insight = an_insight(id="f-1", revision=2)

    a_webhook(receiver.at, secret=KEY, now=now).deliver(insight)
    [request] = receiver.received

    assert "f-1:2" == request.headers["webhook-id"]
    assert str(int(now.timestamp())) == request.headers["webhook-timestamp"]
    assert to_cloudevent(insight) == standardwebhooks.Webhook(KEY).verify(
        request.body, dict(request.headers)
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_status_of_success_is_a_delivery(receiver: SinkStandIn, status: int) -> None:
    receiver.answer = replying(status)

    a_webhook(receiver.at).deliver(an_insight())

    assert 1 == len(receiver.received)


@pytest.mark.parametrize(
    "body", [b"", b"\x1f\x8b garbage", b"x"], ids=["truncated", "garbage", "short"]
)
def test_what_follows_a_status_of_success_is_of_no_account(
    receiver: SinkStandIn, body: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n"
    receiver.answer = saying(head + body)

    a_webhook(receiver.at).deliver(an_insight())

    assert 1 == len(receiver.received)


def test_a_certificate_by_an_unknown_authority_is_a_failure(
    receiver: SinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    outcome = attempt(a_webhook(receiver.at), an_insight())

    assert (False, []) == (outcome.final, receiver.received)
    assert "did not take it (SSLError)" in str(outcome.problem)


def test_a_redirect_is_not_followed(receiver: SinkStandIn) -> None:
    receiver.answer = replying(307, f"Location: https://{receiver.at}/elsewhere")

    outcome = attempt(a_webhook(receiver.at), an_insight())

    assert (1, True) == (len(receiver.received), outcome.final)
    assert "final URL" in str(outcome.problem)


def test_a_webhook_is_named_without_its_url() -> None:
    webhook = a_webhook("example.com", secret=KEY)

    assert "webhook-" == webhook.name[:-8]
    assert [] == [
        part for part in ("s3cret", "example", KEY) if part in f"{webhook.name} {webhook}"
    ]
    assert webhook.name != a_webhook("example.org").name


def test_what_changed_in_coverage_is_posted_and_signed_as_an_insight_is(
    receiver: SinkStandIn,
) -> None:
    now = datetime.now(UTC)
    a_webhook(receiver.at, secret=KEY, now=now).announce(COVERAGE)
    [request] = receiver.received

    assert to_coverage_event(COVERAGE) == json.loads(request.body)
    assert COVERAGE.id == request.headers["webhook-id"]
    standardwebhooks.Webhook(KEY).verify(request.body, dict(request.headers))


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_a_probe_asks_the_host_alone_and_takes_any_answer(
    receiver: SinkStandIn, status: int
) -> None:
    receiver.answer = replying(status, "Location: https://other.example/")

    evidence, problem = probed(a_webhook(receiver.at))
    [request] = receiver.received

    assert (("HEAD", "/", b""), None) == ((request.method, request.path, request.body), problem)
    assert evidence == "its host answers; whether it takes events, only one can tell (the drill's)"
