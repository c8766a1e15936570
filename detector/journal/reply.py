"""What an HTTP reply to a delivery means, and waiting for it no longer than agreed."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar

from detector.errors import DeliveryFailed, DeliveryRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

LONGEST_PAUSE: Final = timedelta(days=1)

REFUSALS: Final[Mapping[int, str]] = {
    400: "it calls the message malformed; see whether it is the kind of receiver that it should be",
    401: "the credentials are missing or wrong; correct them",
    403: "the credentials do not suffice; give them the right to send",
    404: "there is nothing at this address; correct it",
    410: "what was at this address is gone; correct or remove it",
    413: "the message is too large for it; raise its limit or remove it",
}


def status_error(
    sink: str, status: int, retry_after: str | None, now: datetime
) -> DeliveryFailed | DeliveryRefused:
    """The error for a reply with `status`, any but 2xx, and its Retry-After header.

    A redirection is a refusal: following it would hand the insight to whoever is named there.
    """
    if status in REFUSALS:
        return DeliveryRefused(f"{sink} refused it with {status}: {REFUSALS[status]}")
    if 300 <= status < 400:
        return DeliveryRefused(f"{sink} redirects ({status}): give its final URL in the settings")
    return DeliveryFailed(
        f"{sink} answered {status}; a later run tries again", retry_after=pause(retry_after, now)
    )


def unanswered(sink: str, why: str) -> DeliveryFailed:
    """The error for a delivery without a reply that says why; `why` holds no secret."""
    return DeliveryFailed(f"{sink} did not take it ({why}); a later run tries again")


def late(sink: str, limit: timedelta) -> DeliveryFailed:
    """The error for a delivery that was given up after `limit`."""
    return unanswered(sink, f"no answer within {limit.total_seconds():g} s")


def pause(retry_after: str | None, now: datetime) -> timedelta | None:
    """How long a Retry-After header (RFC 9110, 10.2.3: seconds or a date) asks to wait, or None.

    It is never negative and never longer than a day.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        seconds = min(int(text[:9]), LONGEST_PAUSE.total_seconds())
        return timedelta(seconds=seconds)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_PAUSE)


def within(limit: timedelta, call: Callable[[], T]) -> T:
    """What `call` returns or raises, or TimeoutError once `limit` has passed.

    A socket's time-out begins anew with each byte, so no client's own time-out holds against a
    server that drips. A call that is given up goes on in a thread that keeps nothing alive.
    """
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 -- it is raised where the result is awaited
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return outcome.result(timeout=limit.total_seconds())
