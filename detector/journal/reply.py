"""What an HTTP reply to a delivery means, and what is said where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from detector.errors import DeliveryFailed, DeliveryRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    sink: str, status: int, *, retry_after: timedelta | None = None
) -> DeliveryFailed | DeliveryRefused:
    """The error for a reply with `status`, any but 2xx, that asks to wait for `retry_after`.

    A redirection is a refusal: following it would hand the insight to whoever is named there.
    """
    if status in REFUSALS:
        return DeliveryRefused(f"{sink} refused it with {status}: {REFUSALS[status]}")
    if 300 <= status < 400:
        return DeliveryRefused(f"{sink} redirects ({status}): give its final URL in the settings")
    return DeliveryFailed(
        f"{sink} answered {status}; a later run tries again", retry_after=retry_after
    )


def unanswered(sink: str, why: str) -> DeliveryFailed:
    """The error for a delivery without a reply that says why; `why` holds no secret."""
    return DeliveryFailed(f"{sink} did not take it ({why}); a later run tries again")


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
