"""What is to be told of a gateway's failovers, why, and what its history becomes by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from detector.diagnosis import all_tunnels, open_tunnels
from detector.insights import Insight, Reason, Revision, compose_insight
from detector.journal import Delivery, History, Record, outbox
from detector.model import CauseKind, Diagnosis, Gateway
from detector.runs.facts import FOLLOWED, Facts, asks_again, lacking
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
        reasons = reasons_to_tell(reconciled, gateway)
        if not reasons:
            if reconciled.recorded is not None:
                records[reconciled.failover.id] = _remembered(reconciled, reconciled.recorded)
            continue
        insight, unusable = compose_insight(
            revision_of(reconciled, gateway, facts, reasons), world.library
        )
        record = outbox.posted(
            _record(reconciled, gateway), insight, world.sinks, now=facts.now, claim=claim
        )
        records[insight.id] = record
        insights.append(insight)
        problems += unusable
    followed = [
        _followed(record, now=facts.now)
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


def _followed(record: Record, *, now: datetime) -> Record:
    """The record with whether and when later runs should look at it."""
    following = follows(record, now=now)
    return replace(record, following=following, again=asks_again(record) if following else ())


def _remembered(reconciled: Reconciled, recorded: Record) -> Record:
    """The record with what Azure was asked of the failover, where nothing is to be told of it."""
    if _asked(reconciled.diagnosis) == _asked(recorded.diagnosis):
        return recorded
    return replace(recorded, diagnosis=reconciled.diagnosis)


def _asked(diagnosis: Diagnosis) -> tuple[object, ...]:
    return diagnosis.health_asked, tuple(each.live for each in all_tunnels(diagnosis))


def reasons_to_tell(reconciled: Reconciled, gateway: Gateway) -> tuple[Reason, ...]:
    """Every reason to tell something of the failover, the first as its own; none: it is as told.

    A fact of its gateway that came in is one, too.
    """
    recorded, reasons = reconciled.recorded, reconciled.reasons
    if recorded is None or not recorded.gateway.unknown.keys() - gateway.unknown.keys():
        return reasons
    others = (reason for reason in reasons if reason is not Reason.REVISED)
    return (*others, Reason.COMPLETED)


def revision_of(
    reconciled: Reconciled, gateway: Gateway, facts: Facts, reasons: tuple[Reason, ...]
) -> Revision:
    """The next revision of what is told of the failover."""
    recorded = reconciled.recorded
    return Revision(
        failover=reconciled.failover,
        diagnosis=reconciled.diagnosis,
        gateway=gateway,
        bandwidth=facts.compared(reconciled, gateway),
        reasons=reasons,
        revision=1 + (recorded.revision if recorded else 0),
        told_at=facts.now,
        before=recorded.insights[-1] if recorded and recorded.insights else None,
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
    is_sought = record.diagnosis.cause.kind is CauseKind.NOT_RECORDED
    incomplete = (is_sought or bool(lacking(record.gateway))) and age <= FOLLOWED
    is_open = bool(open_tunnels(record.diagnosis)) and age <= KEPT
    return age <= SETTLED or incomplete or is_open
