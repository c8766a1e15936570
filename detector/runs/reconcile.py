"""New switch-overs are folded into a gateway's history: what changed, and the reason to tell it.

The fold compares what a run sees with what was told. It never forgets what was told.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from detector.diagnosis import NEAR, View, carried, diagnose, in_time, joined, lost_sight
from detector.insights import Reason
from detector.journal import History, Record
from detector.model import Diagnosis, Failover, State, SwitchOver

APART: Final = timedelta(minutes=60)
"""Switch-overs no further apart are of one failover: a maintenance moves the role away and back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """A failover as this run sees it, beside what was told of it (None: nothing yet)."""

    failover: Failover
    diagnosis: Diagnosis
    recorded: Record | None

    @property
    def reason(self) -> Reason | None:
        """Why something is to be told of it, by the rows alone; None: what was told still holds."""
        if self.recorded is None:
            return Reason.DETECTED
        told = self.recorded.diagnosis
        if len(self.failover.switch_overs) > len(self.recorded.failover.switch_overs):
            return Reason.SWITCHED_AGAIN
        if self.diagnosis.cause.kind is not told.cause.kind:
            return Reason.CAUSE_FOUND
        if told.state is State.ONGOING and self.diagnosis.state is State.RECOVERED:
            return Reason.RECOVERED
        if _content(self.failover, self.diagnosis) != _content(self.recorded.failover, told):
            return Reason.REVISED
        return None


def reconcile(history: History, found: Sequence[SwitchOver], view: View) -> list[Reconciled]:
    """Every failover that this run can say something about, in time order.

    A switch-over within 3 minutes of a recorded one is that one, refined by better evidence. The
    others join a failover that switched over within 60 minutes of them, or begin one. What the
    window's start may have cut off is left as recorded, and begins nothing.
    """
    drafts = [
        _Draft(recorded=record, switch_overs=list(record.failover.switch_overs))
        for record in history.records
    ]
    new = _refined(drafts, [known for known in found if known.at >= view.since])
    drafts += _joined(drafts, new)
    views = [_view_of(draft, view) for draft in drafts]
    borne_out = [_borne_out(draft, own) for draft, own in zip(drafts, views, strict=True)]
    instants = sorted(
        {
            known.at
            for draft, holds in zip(drafts, borne_out, strict=True)
            if holds
            for known in draft.settled()
        }
    )
    seen = [
        _seen(history.gateway_id, draft, own, instants, borne_out=holds)
        for draft, own, holds in zip(drafts, views, borne_out, strict=True)
        if draft.recorded is None or draft.recorded.following or draft.reaches(view.since)
    ]
    return sorted(seen, key=lambda known: known.failover.first_at)


@dataclass(slots=True)
class _Draft:
    """A failover while its switch-overs are being gathered."""

    recorded: Record | None
    switch_overs: list[SwitchOver]
    refined: dict[SwitchOver, SwitchOver] = field(default_factory=dict)

    def __iter__(self) -> Iterator[SwitchOver]:
        return iter(self.switch_overs)

    def reaches(self, since: datetime) -> bool:
        """Whether one of its switch-overs lies in the part of the window that is not cut off."""
        return any(known.at >= since for known in self)

    def settled(self) -> tuple[SwitchOver, ...]:
        """Its switch-overs in time order, each with its best evidence, each once."""
        refined = [_better(own, found) for own, found in self.refined.items()]
        others = [
            own
            for own in self
            if own not in self.refined and not any(abs(own.at - at.at) <= NEAR for at in refined)
        ]
        return tuple(sorted(refined + others, key=_at))


_Placed = tuple[SwitchOver, _Draft | None]


def _refined(drafts: Sequence[_Draft], found: Iterable[SwitchOver]) -> list[SwitchOver]:
    """Give each recorded switch-over what was found of it now; what is left of `found` is new."""
    recorded = sorted(((own, draft) for draft in drafts for own in draft), key=_placed_at)
    new: list[SwitchOver] = []
    for known in sorted(found, key=_at):
        first = bisect_left(recorded, known.at - NEAR, key=_placed_at)
        last = bisect_right(recorded, known.at + NEAR, key=_placed_at)
        free = [(own, draft) for own, draft in recorded[first:last] if own not in draft.refined]
        if free:
            own, draft = min(free, key=lambda each: abs(each[0].at - known.at))
            draft.refined[own] = known
        else:
            new.append(known)
    return new


def _joined(drafts: Sequence[_Draft], new: Iterable[SwitchOver]) -> list[_Draft]:
    """Give each failover the new switch-overs that it reaches; the failovers that others begin.

    What reaches two recorded failovers joins the nearer one: both were told, so both stay.
    """
    placed: list[_Placed] = [(own, draft) for draft in drafts for own in draft]
    placed += [(known, None) for known in new]
    placed.sort(key=_placed_at)
    begun: list[_Draft] = []
    for chain in _chains(placed):
        fresh = [known for known, draft in chain if draft is None]
        told = [(own.at, draft) for own, draft in chain if draft is not None]
        if fresh and not told:
            begun.append(_Draft(recorded=None, switch_overs=fresh))
        for known in fresh if told else ():
            _, nearest = min(told, key=lambda own: abs(own[0] - known.at))
            nearest.switch_overs.append(known)
    return begun


def _chains(placed: Iterable[_Placed]) -> Iterator[list[_Placed]]:
    """Switch-overs in time order, together as long as each is within 60 minutes of the next."""
    chain: list[_Placed] = []
    for each in placed:
        if chain and each[0].at - chain[-1][0].at > APART:
            yield chain
            chain = []
        chain.append(each)
    if chain:
        yield chain


def _placed_at(placed: _Placed) -> datetime:
    return placed[0].at


def _at(switch_over: SwitchOver) -> datetime:
    return switch_over.at


def _better(recorded: SwitchOver, found: SwitchOver) -> SwitchOver:
    """The stronger evidence of one switch-over, at its first instant, with the instances known."""
    best = max(found, recorded, key=lambda known: (known.evidence.strength, -known.at.timestamp()))
    other = found if best is recorded else recorded
    return replace(
        best,
        from_instance=best.from_instance or other.from_instance,
        to_instance=best.to_instance or other.to_instance,
    )


def _view_of(draft: _Draft, view: View) -> View:
    """The view, which is incomplete for a failover that it has lost sight of."""
    recorded = draft.recorded
    if recorded is not None and lost_sight(recorded.diagnosis, view):
        return replace(view, complete=False)
    return view


def _seen(
    gateway_id: str,
    draft: _Draft,
    view: View,
    instants: Sequence[datetime],
    *,
    borne_out: bool,
) -> Reconciled:
    recorded = draft.recorded
    switch_overs = draft.settled()
    identity = recorded.failover.id if recorded else new_id(gateway_id, switch_overs[0].at)
    told = recorded.diagnosis if recorded else None
    # What a view has worked out serves all failovers, as long as it is the same view.
    if lost := carried(told, gateway_id, view.rows):
        view = replace(view, rows=sorted([*lost, *view.rows], key=in_time))
    diagnosis = joined(diagnose(switch_overs, view, all_instants=instants), told, view)
    return Reconciled(
        failover=Failover(id=identity, gateway_id=gateway_id, switch_overs=switch_overs),
        diagnosis=replace(diagnosis, borne_out=borne_out),
        recorded=recorded,
    )


def _borne_out(draft: _Draft, view: View) -> bool:
    """Whether rows show the failover, or showed it and cannot all be seen now."""
    recorded = draft.recorded
    if (
        recorded is None
        or draft.refined
        or len(draft.switch_overs) > len(recorded.failover.switch_overs)
    ):
        return True
    told = recorded.diagnosis
    sees_all = (
        view.complete
        and view.seen_until >= told.seen_until
        and all(known.at >= view.since for known in draft)
    )
    return told.borne_out and not sees_all


def _content(failover: Failover, diagnosis: Diagnosis) -> tuple[object, ...]:
    """What a reader was told that is worth telling anew when it changes.

    The time until which was looked, the evidence, and words are not.
    """
    return (
        failover.switch_overs,
        diagnosis.cause.kind,
        diagnosis.cause.at,
        diagnosis.cause.caller,
        tuple((out.remote_ip, out.start, out.end, out.end_source) for out in diagnosis.outages),
        diagnosis.redundancy,
        diagnosis.state,
        diagnosis.importance,
        diagnosis.flapping,
        diagnosis.borne_out,
    )


def new_id(gateway_id: str, first_at: datetime) -> str:
    """A failover's id, made once: its first instant, readable, and a digest with its gateway."""
    digest = hashlib.sha256(f"{gateway_id} {first_at.isoformat()}".encode()).hexdigest()[:12]
    return f"{first_at:%Y%m%dT%H%M%S}{first_at.microsecond // 1000:03d}Z-{digest}"
