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
from detector.errors import DeliveryFailed, DeliveryRefused
from detector.insights import MOST_LISTED, Reason, bounded, to_cloudevent, to_coverage_event
from detector.journal import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from azure.core.exceptions import AzureError
    from azure.storage.queue import QueueClient, QueueMessage

    from detector.insights import Coverage, Insight

LONGEST_BYTES: Final = 48 * 1024
MARK: Final = "… shortened"
NOTE: Final = f"\n\n{MARK} to fit into {{place}}; the insight files hold the whole of it."

PROBE: Final = "a probe of the doctor's"
HIDDEN: Final = 60
"""For so many seconds nobody sees the probe; it is gone long before, and expires a second later."""

_PLACE: Final = "a queue message"
_ROLE: Final = "Storage Queue Data Contributor"
# No time, word or id of the document is longer than the shortest limit; an ARM id is never cut.
_LIMITS: Final = range(LONGEST_BYTES, 63, -1)
_CHARACTERS_PER_ITEM: Final = 16
_HOUR_SECONDS: Final = 3600

Document = dict[str, Any]
"""An insight's document, as JSON has it."""


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
            raise _failure(error, queue, now=self._now()) from error
        return f"a message was put on queue {queue.queue_name} unseen, and taken away"

    def _put(self, text: str) -> None:
        from azure.core.exceptions import AzureError

        queue = self._queue()
        try:
            _send(queue, text)
        except AzureError as error:
            raise _failure(error, queue, now=self._now()) from error


def send_wish(queue: QueueClient, *, wait: timedelta, now: datetime) -> None:
    """Put a wish to run on the queue, which nobody sees before `wait` has passed.

    It says nothing else, and is gone after an hour. Raises DeliveryFailed or DeliveryRefused.
    """
    from azure.core.exceptions import AzureError

    seconds = math.ceil(wait / timedelta(seconds=1))
    try:
        _send(queue, "run", visibility_timeout=seconds, time_to_live=_HOUR_SECONDS)
    except AzureError as error:
        raise _failure(error, queue, now=now) from error


def _failure(
    error: AzureError, queue: QueueClient, *, now: datetime
) -> DeliveryFailed | DeliveryRefused:
    place, host = f"queue {queue.queue_name}", queue.primary_hostname
    return delivery_error(error, place, role=_ROLE, host=host, now=now)


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
    event: dict[str, Any] = to_cloudevent(insight)

    def whole(document: Document) -> str:
        return json.dumps(event | {"data": document}, ensure_ascii=False)

    return whole(
        shortened(
            event["data"],
            lambda document: len(whole(document).encode()) <= LONGEST_BYTES,
            place=_PLACE,
        )
    )


def shortened(document: Document, fits: Callable[[Document], bool], *, place: str) -> Document:
    """The document whole if it fits, else with its texts and lists cut as little as they can be.

    Its article then says so, and `place` where it had to fit. Raises DeliveryRefused.
    """
    if fits(document):
        return document
    first = bisect_left(_LIMITS, 1, key=lambda limit: fits(_limited(document, limit, place)))
    if first == len(_LIMITS):
        raise DeliveryRefused(f"{document['id']} has too many facts for {place}")
    return _limited(document, _LIMITS[first], place)


def coverage_message(coverage: Coverage) -> str:
    """The document's CloudEvent as JSON of `LONGEST_BYTES` at most, with fewer items if need be."""
    most = MOST_LISTED
    while True:
        text = json.dumps(to_coverage_event(bounded(coverage, most)), ensure_ascii=False)
        if len(text.encode()) <= LONGEST_BYTES or not most:
            return text
        most //= 2


def _limited(document: Document, limit: int, place: str) -> Document:
    """The document with no text longer than `limit` and no list longer than a part of it."""
    short: Document = _cut(document, limit)
    article = short["insight"]
    article["results"] = article["results"].removesuffix(MARK) + NOTE.format(place=place)
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
