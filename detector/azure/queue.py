"""EDGE: insights as CloudEvents on a Storage queue, one message each.

A message holds 48 KB before its base64 (64 KB after). A longer event is shortened, visibly: its
longest texts and lists lose their ends, and the article says where the whole insight is.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from detector.azure.storage import delivery_error
from detector.errors import DeliveryRefused
from detector.insights import MOST_LISTED, Reason, bounded, to_cloudevent, to_coverage_event
from detector.journal import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from azure.storage.queue import QueueClient, QueueMessage

    from detector.insights import Coverage, Insight

LONGEST_BYTES: Final = 48 * 1024
MARK: Final = "… shortened"
NOTE: Final = f"\n\n{MARK} to fit into a queue message; the insight files hold the whole of it."

PROBE: Final = "a probe of the doctor's"
HIDDEN: Final = 60
"""For so many seconds nobody sees the probe; it is gone long before, and expires a second later."""

_ROLE: Final = "Storage Queue Data Contributor"
# No time, word or id of the document is longer than the shortest limit; an ARM id is never cut.
_LIMITS: Final = range(LONGEST_BYTES, 63, -1)
_CHARACTERS_PER_ITEM: Final = 16
_HOUR_SECONDS: Final = 3600


class QueueSink:
    """A sink that takes every revision; the queue is made when it is first needed."""

    name: Final = "storage-queue"
    takes: Final = frozenset(Reason)

    def __init__(
        self,
        queue: Callable[[], QueueClient],
        *,
        now: Callable[[], datetime],
        timeout: timedelta = DEADLINE,
    ) -> None:
        self._queue = cache(queue)
        self._now = now
        self.timeout = timeout

    def deliver(self, insight: Insight) -> None:
        """Return when the queue has the event."""
        self._put(message(insight))

    def announce(self, coverage: Coverage) -> None:
        """Return when the queue has the event."""
        self._put(coverage_message(coverage))

    def probe(self) -> str:
        """Put a message that nobody can see, and take it away again."""
        from azure.core.exceptions import AzureError

        queue = self._queue()
        try:
            hidden = _send(queue, PROBE, visibility_timeout=HIDDEN, time_to_live=HIDDEN + 1)
            queue.delete_message(hidden)
        except AzureError as error:
            place = f"queue {queue.queue_name}"
            raise delivery_error(error, place, role=_ROLE, now=self._now()) from error
        return f"a message was put on queue {queue.queue_name} unseen, and taken away"

    def _put(self, text: str) -> None:
        from azure.core.exceptions import AzureError

        queue = self._queue()
        try:
            _send(queue, text)
        except AzureError as error:
            place = f"queue {queue.queue_name}"
            raise delivery_error(error, place, role=_ROLE, now=self._now()) from error


def send_wish(queue: QueueClient, *, wait: timedelta, now: datetime) -> None:
    """Put a wish to run on the queue, which nobody sees before `wait` has passed.

    It says nothing else, and is gone after an hour. Raises DeliveryFailed or DeliveryRefused.
    """
    from azure.core.exceptions import AzureError

    seconds = math.ceil(wait / timedelta(seconds=1))
    try:
        _send(queue, "run", visibility_timeout=seconds, time_to_live=_HOUR_SECONDS)
    except AzureError as error:
        place = f"queue {queue.queue_name}"
        raise delivery_error(error, place, role=_ROLE, now=now) from error


def _send(queue: QueueClient, text: str, **options: int) -> QueueMessage:
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

    try:
        return queue.send_message(text, **options)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another run made it just now
            queue.create_queue()
        return queue.send_message(text, **options)


def message(insight: Insight) -> str:
    """The insight's CloudEvent as JSON of `LONGEST_BYTES` at most, shortened as little as it can.

    Raises DeliveryRefused for an insight that does not fit at any length, which takes hundreds of
    facts.
    """
    event = to_cloudevent(insight)
    if _fits(text := _dump(event)):
        return text
    first = bisect_left(_LIMITS, 1, key=lambda limit: _fits(_dump(_shortened(event, limit))))
    if first == len(_LIMITS):
        raise DeliveryRefused(f"{insight.id} has too many facts for a queue message")
    return _dump(_shortened(event, _LIMITS[first]))


def coverage_message(coverage: Coverage) -> str:
    """The document's CloudEvent as JSON of `LONGEST_BYTES` at most, with fewer items if need be."""
    most = MOST_LISTED
    while not _fits(text := _dump(to_coverage_event(bounded(coverage, most)))) and most:
        most //= 2
    return text


def _shortened(event: dict[str, Any], limit: int) -> dict[str, Any]:
    """The event with no text longer than `limit` and no list longer than a part of it."""
    short: dict[str, Any] = event | {"data": _cut(event["data"], limit)}
    article = short["data"]["insight"]
    article["results"] = article["results"].removesuffix(MARK) + NOTE
    return short


def _cut(part: Any, limit: int) -> Any:
    match part:
        case str() if len(part) > limit:
            return part[:limit] + MARK
        case list():
            return [_cut(item, limit) for item in part[: max(limit // _CHARACTERS_PER_ITEM, 1)]]
        case dict():
            return {
                name: value if name == "id" else _cut(value, limit) for name, value in part.items()
            }
        case _:
            return part


def _dump(event: dict[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False)


def _fits(text: str) -> bool:
    return len(text.encode()) <= LONGEST_BYTES
