"""What is still to be delivered: who waits for which revision, and when it is tried again.

A delivery is written to the journal before it is tried and crossed out after it succeeded, so a
crash anywhere repeats it and never loses it. A revision that is being delivered is not due for
others until the run that delivers it must have ended. A sink gets the revisions of a failover in
their order: a later one waits until the earlier ones were taken or given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from detector.insights import Insight
from detector.journal.history import Delivery, History, Record
from detector.journal.ports import Sink

KEEP_TRYING: Final = timedelta(hours=24)
"""A delivery that keeps failing is tried once more after this time, and then given up."""

FIRST_PAUSE: Final = timedelta(minutes=4)
LONGEST_PAUSE: Final = timedelta(hours=2)
"""The pause between two tries doubles from the first to the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one delivery; `problem` is None where the sink took it.

    `final` says that the sink refused it for good.
    """

    failover_id: str
    sink: str
    revision: int
    problem: str | None = None
    final: bool = False
    retry_after: timedelta | None = None


def posted(
    record: Record, insight: Insight, sinks: Iterable[Sink], *, now: datetime, claim: timedelta
) -> Record:
    """`record` with `insight` as its latest revision, to be delivered to the sinks that take it.

    The run that posts it delivers it; for others it is due after `claim`.
    """
    deliveries = tuple(
        Delivery(sink=sink.name, revision=insight.revision, since=now, due=now + claim)
        for sink in sinks
        if insight.reason in sink.takes
    )
    return _tidied(
        replace(
            record,
            insights=(*record.insights, insight),
            deliveries=(*record.deliveries, *deliveries),
        )
    )


def claimed(history: History, *, now: datetime, claim: timedelta) -> History:
    """`history` with all that is due now put off by `claim`, so that one run alone delivers it."""

    def put_off(record: Record) -> Record:
        ready = set(_ready(record, now))
        deliveries = (replace(d, due=now + claim) if d in ready else d for d in record.deliveries)
        return replace(record, deliveries=tuple(deliveries))

    return _each(history, put_off)


def due(history: History, *, now: datetime) -> list[tuple[Record, Delivery]]:
    """What may be tried now, earlier revisions first."""
    return [(record, delivery) for record in history.records for delivery in _ready(record, now)]


def _ready(record: Record, now: datetime) -> Iterator[Delivery]:
    waiting: set[str] = set()
    for delivery in record.outstanding:
        if delivery.due > now:
            waiting.add(delivery.sink)
        elif delivery.sink not in waiting:
            yield delivery


def of_revisions(history: History, insights: Iterable[Insight]) -> list[tuple[Record, Delivery]]:
    """The deliveries of these insights."""
    revisions = {(insight.id, insight.revision) for insight in insights}
    return [
        (record, delivery)
        for record in history.records
        for delivery in record.outstanding
        if (record.failover.id, delivery.revision) in revisions
    ]


def noted(history: History, outcomes: Sequence[Attempt], *, now: datetime) -> History:
    """`history` with what became of deliveries; one that is no longer there is passed over."""
    by_delivery = {(each.failover_id, each.sink, each.revision): each for each in outcomes}

    def settle(record: Record) -> Record:
        kept: list[Delivery] = []
        for delivery in record.deliveries:
            outcome = by_delivery.get((record.failover.id, delivery.sink, delivery.revision))
            if outcome is None or delivery.given_up is not None:
                kept.append(delivery)
            elif outcome.problem is not None:
                kept.append(_failed(delivery, outcome, now))
        return _tidied(replace(record, deliveries=tuple(kept)))

    return _each(history, settle)


def _failed(delivery: Delivery, outcome: Attempt, now: datetime) -> Delivery:
    tried = replace(delivery, attempts=delivery.attempts + 1, problem=outcome.problem)
    if outcome.final:
        return replace(tried, given_up=outcome.problem)
    last = delivery.since + KEEP_TRYING
    if now >= last:
        return replace(tried, given_up=f"given up after 24 hours; at last: {outcome.problem}")
    pause = min(FIRST_PAUSE * 2 ** min(delivery.attempts, 10), LONGEST_PAUSE)
    again = max(min(now + pause, last), now + (outcome.retry_after or timedelta()))
    return replace(tried, due=again)


def _each(history: History, change: Callable[[Record], Record]) -> History:
    return replace(history, records=tuple(change(record) for record in history.records))


def _tidied(record: Record) -> Record:
    """`record` without the earlier revisions that nobody waits for any more."""
    awaited = {delivery.revision for delivery in record.deliveries if delivery.given_up is None}
    latest = record.insights[-1]
    kept = [each for each in record.insights[:-1] if each.revision in awaited]
    return replace(record, insights=(*kept, latest))
