"""What is to be told of a gateway's failovers, why, and what its history becomes by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from detector.insights import Insight, Reason, Revision, compose_insight
from detector.journal import Delivery, History, Record, outbox
from detector.model import Gateway, State
from detector.runs.facts import FOLLOWED, Facts, may_be_completed
from detector.runs.observation import KEPT
from detector.runs.reconcile import Reconciled
from detector.runs.world import World

SETTLED: Final = timedelta(hours=2)
"""For so long after a failover late rows are looked at even if they show no switch-over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """What a gateway's history becomes, and what comes of that.

    `failovers` is how many there are to say something about, told or not; `insights` are those that
    are told, `problems` name articles that could not tell them. `deliveries` are this run's to try.
    """

    history: History
    failovers: int = 0
    insights: tuple[Insight, ...] = ()
    problems: tuple[str, ...] = ()
    deliveries: tuple[tuple[Record, Delivery], ...] = ()


def revise(
    world: World,
    history: History,
    failovers: Sequence[Reconciled],
    facts: Facts,
    *,
    since: datetime,
    claim: timedelta,
) -> Revised:
    """The next history of a gateway with these failovers; it equals `history` if nothing changed.

    What is old and lies before `since`, the start of what the run sees, is left out of it.
    Deliveries that are due are claimed, since this run will try them: for others they are due
    after `claim`.
    """
    records = {record.failover.id: record for record in kept(history, since=since, now=facts.now)}
    insights: list[Insight] = []
    problems: list[str] = []
    for reconciled in failovers:
        gateway = facts.gateway(reconciled)
        if gateway is None:  # another run wrote the history first, and nobody asked for its facts
            continue
        reason = reason_to_tell(reconciled, gateway)
        if reason is None:
            continue
        insight, unusable = compose_insight(
            revision_of(reconciled, gateway, facts, reason), world.library
        )
        record = outbox.posted(
            _record(reconciled, gateway), insight, world.sinks, now=facts.now, claim=claim
        )
        records[insight.id] = record
        insights.append(insight)
        problems += unusable
    followed = [
        replace(record, following=follows(record, now=facts.now))
        for record in sorted(records.values(), key=lambda record: record.failover.first_at)
    ]
    now = facts.now
    revised = outbox.claimed(replace(history, records=tuple(followed)), now=now, claim=claim)
    due, new = outbox.due(history, now=now), outbox.of_revisions(revised, insights)
    return Revised(
        history=revised,
        failovers=len(failovers),
        insights=tuple(insights),
        problems=tuple(problems),
        deliveries=(*due, *new),
    )


def reason_to_tell(reconciled: Reconciled, gateway: Gateway) -> Reason | None:
    """Why something is to be told of the failover; None: what was told still holds.

    A fact of its gateway that came in is a reason where the rows give none, or none but words.
    """
    recorded, by_rows = reconciled.recorded, reconciled.reason
    if recorded is None or by_rows not in (None, Reason.REVISED):
        return by_rows
    came_in = recorded.gateway.unknown.keys() - gateway.unknown.keys()
    return Reason.COMPLETED if came_in else by_rows


def revision_of(reconciled: Reconciled, gateway: Gateway, facts: Facts, reason: Reason) -> Revision:
    """The next revision of what is told of the failover."""
    return Revision(
        failover=reconciled.failover,
        diagnosis=reconciled.diagnosis,
        gateway=gateway,
        bandwidth=facts.compared(reconciled, gateway),
        reason=reason,
        revision=1 + (reconciled.recorded.revision if reconciled.recorded else 0),
    )


def _record(reconciled: Reconciled, gateway: Gateway) -> Record:
    """The failover as it is told now, with what its sinks still wait for."""
    recorded = reconciled.recorded
    return Record(
        failover=reconciled.failover,
        diagnosis=reconciled.diagnosis,
        gateway=gateway,
        insights=recorded.insights if recorded else (),
        deliveries=recorded.deliveries if recorded else (),
        heard=recorded.heard if recorded else (),
    )


def kept(history: History, *, since: datetime, now: datetime) -> list[Record]:
    """The records without what is old, beyond the window, and has nothing left to deliver."""
    oldest = min(now - KEPT, since - FOLLOWED)
    return [
        record
        for record in history.records
        if record.failover.last_at >= oldest or record.outstanding
    ]


def follows(record: Record, *, now: datetime) -> bool:
    """Whether later runs should look at this failover even if they see no switch-over."""
    age = now - record.failover.last_at
    incomplete = may_be_completed(record.gateway) and age <= FOLLOWED
    ongoing = record.diagnosis.state is State.ONGOING and age <= KEPT
    return age <= SETTLED or incomplete or ongoing
