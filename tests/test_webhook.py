"""Webhooks: what they are sent, and every way in which they fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks

from detector.errors import DeliveryFailed, DeliveryRefused, DetectorError
from detector.insights.cloudevent import to_cloudevent
from detector.insights.document import Reason
from detector.sinks.webhook import Webhook
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
    dripping,
    everything_told_of,
    over_tls,
    replying,
    saying,
)

PATH = "/hooks/s3cret-path?code=s3cret-code"
KEY = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkStandIn]:
    """A webhook over TLS whose authority the environment names."""
    with ca_file() as path, over_tls() as receiver:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", path)
        yield receiver


def a_webhook(
    at: str, *, secret: str | None = None, timeout: timedelta = LONG, now: datetime = NOW
) -> Webhook:
    return Webhook(url=f"https://{at}{PATH}", secret=secret, now=lambda: now, timeout=timeout)


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


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_fault_is_a_refusal_or_a_failure_that_keeps_the_secret(
    receiver: SinkStandIn, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = fault.answer
    webhook = a_webhook(receiver.at, secret=KEY, timeout=SHORT)

    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(DeliveryRefused if fault.refuses else DeliveryFailed) as caught,
    ):
        webhook.deliver(an_insight())

    assert 1 == len(receiver.received)
    assert fault.retry_after == getattr(caught.value, "retry_after", None)
    assert webhook.name in str(caught.value)
    assert_secret(caught.value, caplog)


def test_a_refused_connection_is_a_failure_that_keeps_the_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryFailed) as caught:
        a_webhook(f"127.0.0.1:{closed_port()}").deliver(an_insight())

    assert "ConnectionError" in str(caught.value)
    assert_secret(caught.value, caplog)


def test_a_certificate_by_an_unknown_authority_is_a_failure(
    receiver: SinkStandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    with pytest.raises(DeliveryFailed, match="SSLError") as caught:
        a_webhook(receiver.at).deliver(an_insight())

    assert [] == receiver.received
    assert_secret(caught.value, caplog)


def test_a_redirect_is_not_followed(receiver: SinkStandIn) -> None:
    receiver.answer = replying(307, f"Location: https://{receiver.at}/elsewhere")

    with pytest.raises(DeliveryRefused, match="final URL"):
        a_webhook(receiver.at).deliver(an_insight())

    assert 1 == len(receiver.received)


def test_a_drip_is_given_up_although_no_read_of_it_takes_long(receiver: SinkStandIn) -> None:
    receiver.answer = dripping

    with pytest.raises(DeliveryFailed, match=r"no answer within 0\.3 s"):
        a_webhook(receiver.at, timeout=SHORT).deliver(an_insight())

    assert 1 == len(receiver.received)


def test_a_webhook_is_told_every_reason_and_named_without_its_url() -> None:
    webhook = a_webhook("example.com", secret=KEY)

    assert all(webhook.takes(reason) for reason in Reason)
    assert "webhook-" == webhook.name[:-8]
    assert [] == [
        part for part in ("s3cret", "example", KEY) if part in f"{webhook.name} {webhook}"
    ]
    assert webhook.name != a_webhook("example.org").name


def assert_secret(error: DetectorError, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the URL nor the key is anywhere where somebody could read it."""
    told = everything_told_of(error) + caplog.text

    assert [] == [secret for secret in ("s3cret", KEY) if secret in told]
    assert "127.0.0.1" not in str(error) + caplog.text
