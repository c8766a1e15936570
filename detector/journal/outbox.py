"""What is still to be delivered: who waits for which revision, and when it is tried again.

A delivery is written to the journal before it is tried and crossed out after it succeeded, so a
crash anywhere repeats it and never loses it. A revision that is being delivered is not due for
others until the run that delivers it must have ended. A sink gets the revisions of a failover in
their order: a later one waits until the earlier ones were taken or given up.

People are not sent every revision. For each of their receivers one delivery waits at most, for the
latest revision: of what that changes for the receiver, and from when on it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from detector.insights import Insight, News
from detector.journal.hearing import heard_by, now_heard, to_hear
from detector.journal.history import Delivery, Heard, History, Record
from detector.journal.ports import Receiver, Sink

KEEP_TRYING: Final = timedelta(hours=24)
"""A delivery that keeps failing is tried once more after this time, and then given up."""

ROOM: Final = 600_000
"""So many characters of JSON the revisions of one failover may take that wait for a sink."""

MOST_GIVEN_UP: Final = 10
"""So many deliveries of one failover to one sink are remembered that were given up."""

FIRST_PAUSE: Final = timedelta(minutes=4)
LAST_PAUSE: Final = timedelta(hours=2)
"""The pause between two tries doubles from the first to the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one delivery; `problem` is None where the sink took it.

    `final` says that the sink refused it for good. `news` is what a receiver of people's messages
    was sent, and `again` is when it is to be told more as things stand, such as that a tunnel has
    been steady since. `overtaken` says that there was nothing to tell any more.
    """

    failover_id: str
    sink: str
    revision: int
    problem: str | None = None
    final: bool = False
    retry_after: timedelta | None = None
    news: News | None = None
    again: datetime | None = None
    overtaken: bool = False


def posted(
    record: Record, insight: Insight, sinks: Iterable[Sink], *, now: datetime, claim: timedelta
) -> Record:
    """`record` with `insight` as its latest revision, to be delivered to the sinks that take it.

    The run that posts it delivers it; for others it is due after `claim`. `record` is otherwise as
    the insight tells it, but knows what was delivered of the revisions before.
    """
    receivers = [sink for sink in sinks if isinstance(sink, Receiver)]
    machines = [sink for sink in sinks if not isinstance(sink, Receiver)]
    # Somebody who was told nothing yet is to be told from apart from somebody who is not known.
    first = not record.insights
    heard = {
        each.name: Heard(receiver=each.name) if first else heard_by(record, each.name)
        for each in receivers
    }
    deliveries = tuple(
        Delivery(sink=sink.name, revision=insight.revision, since=now, due=now + claim)
        for sink in machines
        if insight.reason in sink.takes
    )
    known = replace(
        record,
        insights=(*record.insights, insight),
        deliveries=(*record.deliveries, *deliveries),
        heard=(*(each for each in record.heard if each.receiver not in heard), *heard.values()),
    )
    for receiver in receivers:
        known = _waiting(known, receiver, heard[receiver.name], now=now, claim=claim)
    return _tidied(known)


def _waiting(
    record: Record, receiver: Receiver, heard: Heard, *, now: datetime, claim: timedelta
) -> Record:
    """`record` with what this receiver now waits for instead of what it waited for before."""
    own = [each for each in record.outstanding if each.sink == receiver.name]
    others = tuple(each for each in record.deliveries if each not in own)
    before = own[-1] if own else None
    since = own[0].since if own else now
    told = to_hear(record, heard, receiver.hears, now=now, since=since)
    if told is None:
        return replace(record, deliveries=others)
    _, held_until = told
    if before is not None and before.due > now and before.due != before.held_until:
        # Another run delivers it, or it failed and pauses.
        held_until = max(held_until or before.due, before.due)
    delivery = Delivery(
        sink=receiver.name,
        revision=record.revision,
        since=since,
        due=held_until if held_until and held_until > now else now + claim,
        held_until=held_until,
        attempts=before.attempts if before else 0,
        problem=before.problem if before else None,
    )
    return replace(record, deliveries=(*others, delivery))


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
    """The deliveries of these insights that wait for nothing."""
    revisions = {(insight.id, insight.revision) for insight in insights}
    return [
        (record, delivery)
        for record in history.records
        for delivery in record.outstanding
        if (record.failover.id, delivery.revision) in revisions and delivery.held_until is None
    ]


def noted(history: History, outcomes: Sequence[Attempt], *, now: datetime) -> History:
    """`history` with what became of deliveries; one that is no longer there is passed over.

    What a receiver was sent is remembered, be it overtaken meanwhile.
    """
    by_delivery = {(each.failover_id, each.sink, each.revision): each for each in outcomes}

    def settle(record: Record) -> Record:
        kept: list[Delivery] = []
        for delivery in record.deliveries:
            outcome = by_delivery.get((record.failover.id, delivery.sink, delivery.revision))
            if outcome is None or delivery.given_up is not None:
                kept.append(delivery)
            elif outcome.problem is not None:
                kept.append(_failed(delivery, outcome, now))
        own = [each for each in outcomes if each.failover_id == record.failover.id]
        return _tidied(_remembered(replace(record, deliveries=tuple(kept)), own, now))

    return _each(history, settle)


def _remembered(record: Record, outcomes: Iterable[Attempt], now: datetime) -> Record:
    """`record` with what receivers were sent, and what they are to be told later by that."""
    for each in outcomes:
        if each.news is None or each.problem is not None:
            continue
        heard = now_heard(heard_by(record, each.sink), each.news, now=now)
        others = (other for other in record.heard if other.receiver != each.sink)
        record = replace(record, heard=(*others, heard))
        if each.again and not any(waits.sink == each.sink for waits in record.outstanding):
            later = Delivery(
                sink=each.sink,
                revision=record.revision,
                since=now,
                due=each.again,
                held_until=each.again,
            )
            record = replace(record, deliveries=(*record.deliveries, later))
    return record


def _failed(delivery: Delivery, outcome: Attempt, now: datetime) -> Delivery:
    tried = replace(delivery, attempts=delivery.attempts + 1, problem=outcome.problem)
    if outcome.final:
        return replace(tried, given_up=outcome.problem)
    last = (delivery.held_until or delivery.since) + KEEP_TRYING
    if now >= last:
        return replace(tried, given_up=f"given up after 24 hours; at last: {outcome.problem}")
    pause = min(FIRST_PAUSE * 2 ** min(delivery.attempts, 10), LAST_PAUSE)
    again = max(min(now + pause, last), now + (outcome.retry_after or timedelta()))
    return replace(tried, due=again)


def _each(history: History, change: Callable[[Record], Record]) -> History:
    return replace(history, records=tuple(change(record) for record in history.records))


def _tidied(record: Record) -> Record:
    """`record` without the earlier revisions that nobody waits for any more, and within bounds.

    Where what waits takes more than `ROOM`, revisions between the first of it and the latest are
    left out, and waited for no more: the latest says when each was told, and what it was.
    """
    awaited = {delivery.revision for delivery in record.outstanding}
    latest = record.insights[-1]
    kept = [each for each in record.insights[:-1] if each.revision in awaited]
    sizes = [len(each.model_dump_json()) for each in (*kept, latest)] if len(kept) > 1 else []
    while len(kept) > 1 and sum(sizes) > ROOM:
        del kept[1], sizes[1]
    there = {each.revision for each in (*kept, latest)}
    deliveries = [
        each for each in record.deliveries if each.given_up is not None or each.revision in there
    ]
    return replace(record, insights=(*kept, latest), deliveries=tuple(_latest_given_up(deliveries)))


def _latest_given_up(deliveries: Sequence[Delivery]) -> Iterator[Delivery]:
    """The deliveries; of those to one sink that were given up only the latest."""
    later = Counter(each.sink for each in deliveries if each.given_up is not None)
    for each in deliveries:
        if each.given_up is not None:
            later[each.sink] -= 1
        if each.given_up is None or later[each.sink] < MOST_GIVEN_UP:
            yield each
