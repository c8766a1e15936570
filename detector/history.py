"""What a gateway's journal knows, and how new switch-overs change it.

A `History` is one gateway's entry in the journal: its failovers, what was told of each, and what is
still to be delivered. `fold` compares what a run sees with what was told and names the reason for
telling something; it never forgets what was told.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from detector.diagnosis import View, diagnose
from detector.insight import Insight, Reason
from detector.model import Diagnosis, Failover, Gateway, State, SwitchOver
from detector.recorded import carried, joined
from detector.switchover import NEAR, in_time

if TYPE_CHECKING:
    from pydantic import TypeAdapter

APART: Final = timedelta(minutes=60)
"""Switch-overs no further apart are of one failover: a maintenance moves the role away and back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One revision that one sink has not taken yet.

    It is not tried before `due`. `given_up` says why it will not be tried again.
    """

    sink: str
    revision: int
    since: datetime
    due: datetime
    attempts: int = 0
    given_up: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A failover as it was last told.

    `insights` holds the latest revision, and earlier ones that a sink has yet to take, in order.
    `following` says that later rows may still add to it: it is not over, or a fact is missing.
    """

    failover: Failover
    diagnosis: Diagnosis
    gateway: Gateway
    insights: tuple[Insight, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    following: bool = False

    @property
    def revision(self) -> int:
        """The latest revision's number; 0 before the first."""
        return self.insights[-1].revision if self.insights else 0

    @property
    def outstanding(self) -> tuple[Delivery, ...]:
        """The deliveries that are still to be tried, earlier revisions first."""
        waiting = (delivery for delivery in self.deliveries if delivery.given_up is None)
        return tuple(sorted(waiting, key=lambda delivery: delivery.revision))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One gateway's entry in the journal: its failovers, in time order."""

    gateway_id: str
    records: tuple[Record, ...] = ()

    @property
    def key(self) -> str:
        """The name of this entry in the store."""
        return key(self.gateway_id)

    @property
    def due(self) -> datetime | None:
        """From when on a run should look at this entry even if no new switch-over is seen."""
        times = [
            delivery.due if delivery.given_up is None else delivery.since  # reported by every run
            for record in self.records
            for delivery in record.deliveries
        ]
        times += [record.failover.last_at for record in self.records if record.following]
        return min(times, default=None)


def key(gateway_id: str) -> str:
    """A gateway's key in the store: its name, made safe, and a digest of its id."""
    name = re.sub(r"[^a-z0-9-]+", "-", gateway_id.rsplit("/", 1)[-1])[:40].strip("-")
    digest = hashlib.sha256(gateway_id.encode()).hexdigest()[:16]
    return f"{name}-{digest}" if name else digest


def to_json(history: History) -> str:
    """The entry as JSON text, as the store keeps it."""
    return _adapter().dump_json(history, indent=1, by_alias=True).decode()


def from_json(text: str) -> History:
    """The entry that `to_json` wrote. Raises ValueError for text that is no entry."""
    return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[History]:
    from pydantic import TypeAdapter

    return TypeAdapter(History)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
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


def fold(history: History, found: Sequence[SwitchOver], view: View) -> list[Seen]:
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
    instants = sorted({own.at for draft in drafts for own in draft.settled()})
    seen = [
        _seen(history.gateway_id, draft, view, instants)
        for draft in drafts
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


def _seen(gateway_id: str, draft: _Draft, view: View, instants: Sequence[datetime]) -> Seen:
    recorded = draft.recorded
    switch_overs = draft.settled()
    identity = recorded.failover.id if recorded else new_id(gateway_id, switch_overs[0].at)
    told = recorded.diagnosis if recorded else None
    lost = carried(told, gateway_id, view.rows)
    rows = sorted([*lost, *view.rows], key=in_time) if lost else view.rows
    fresh = diagnose(switch_overs, replace(view, rows=rows), all_instants=instants)
    return Seen(
        failover=Failover(id=identity, gateway_id=gateway_id, switch_overs=switch_overs),
        diagnosis=joined(fresh, told, view),
        recorded=recorded,
    )


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
    )


def new_id(gateway_id: str, first_at: datetime) -> str:
    """A failover's id, made once: its first instant, readable, and a digest with its gateway."""
    digest = hashlib.sha256(f"{gateway_id} {first_at.isoformat()}".encode()).hexdigest()[:12]
    return f"{first_at:%Y%m%dT%H%M%S}{first_at.microsecond // 1000:03d}Z-{digest}"
