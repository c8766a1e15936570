"""What a run sees of a gateway is compared with what was told: which failovers there are now.

What was told is never forgotten, and taken back only where all rows that spoke for it are seen.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from detector.diagnosis import NEAR, Observation, carried, diagnose, joined, lacks_rows
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
    def gateway_id(self) -> str:
        """The id of its gateway."""
        return self.failover.gateway_id

    @property
    def reason(self) -> Reason | None:
        """Why something is to be told of it, whatever its gateway's facts; None: it is as told."""
        if self.recorded is None:
            return Reason.DETECTED
        before = self.recorded.diagnosis
        if len(self.failover.switch_overs) > len(self.recorded.failover.switch_overs):
            return Reason.SWITCHED_AGAIN
        if self.diagnosis.cause.kind is not before.cause.kind:
            return Reason.CAUSE_CHANGED
        if before.state is State.ONGOING and self.diagnosis.state is State.RECOVERED:
            return Reason.RECOVERED
        if _content(self.failover, self.diagnosis) != _content(self.recorded.failover, before):
            return Reason.REVISED
        return None


def reconcile(
    history: History,
    found: Iterable[SwitchOver],
    observation: Observation,
    *,
    active_active: bool | None,
) -> list[Reconciled]:
    """Every failover that this run can say something about, in time order.

    `found`, in time order, are the switch-overs that the observation proves in this mode.
    A switch-over within 3 minutes of a recorded one is that one, refined by better evidence. The
    others join a failover that switched over within 60 minutes of them, or begin one. What the
    window's start may have cut off is left as recorded, and begins nothing.
    """
    candidates = [
        _Candidate(recorded=record, switch_overs=list(record.failover.switch_overs))
        for record in history.records
    ]
    new = _refined(candidates, [known for known in found if known.at >= observation.since])
    candidates += _joined(candidates, new)
    for candidate in candidates:
        candidate.borne_out = _borne_out(candidate, observation)
    instants = sorted(
        {
            known.at
            for candidate in candidates
            if candidate.borne_out
            for known in candidate.settled()
        }
    )
    reconciled = [
        _reconciled(
            candidate,
            history.gateway_id,
            observation,
            active_active=active_active,
            all_instants=instants,
        )
        for candidate in candidates
        if candidate.may_change(observation.since)
    ]
    return sorted(reconciled, key=lambda each: each.failover.first_at)


@dataclass(slots=True)
class _Candidate:
    """A failover while its switch-overs are being gathered."""

    recorded: Record | None
    switch_overs: list[SwitchOver]
    refined: dict[SwitchOver, SwitchOver] = field(default_factory=dict)
    borne_out: bool = field(init=False)

    def may_change(self, since: datetime) -> bool:
        """Whether it is new, followed, or still in the part of the window that is not cut off."""
        if self.recorded is None or self.recorded.following:
            return True
        return any(known.at >= since for known in self.switch_overs)

    def settled(self) -> tuple[SwitchOver, ...]:
        """Its switch-overs in time order, each with its best evidence, each once."""
        refined = [_better(own, found) for own, found in self.refined.items()]
        others = [
            own
            for own in self.switch_overs
            if not any(abs(own.at - known.at) <= NEAR for known in refined)
        ]
        return tuple(sorted(refined + others, key=_at))


_Placed = tuple[SwitchOver, _Candidate | None]


def _refined(candidates: Sequence[_Candidate], found: Iterable[SwitchOver]) -> list[SwitchOver]:
    """Give each recorded switch-over what was found of it now; what is left of `found` is new."""
    recorded = sorted(
        ((own, each) for each in candidates for own in each.switch_overs), key=_placed_at
    )
    new: list[SwitchOver] = []
    for known in found:
        first = bisect_left(recorded, known.at - NEAR, key=_placed_at)
        last = bisect_right(recorded, known.at + NEAR, key=_placed_at)
        free = [(own, of) for own, of in recorded[first:last] if own not in of.refined]
        if free:
            own, candidate = min(free, key=lambda each: abs(each[0].at - known.at))
            candidate.refined[own] = known
        else:
            new.append(known)
    return new


def _joined(candidates: Sequence[_Candidate], new: Iterable[SwitchOver]) -> list[_Candidate]:
    """Give each failover the new switch-overs that it reaches; the failovers that others begin.

    What reaches two recorded failovers joins the nearer one: both were told, so both stay.
    """
    placed: list[_Placed] = [(own, each) for each in candidates for own in each.switch_overs]
    placed += [(known, None) for known in new]
    placed.sort(key=_placed_at)
    begun: list[_Candidate] = []
    for chain in _chains(placed):
        fresh = [known for known, candidate in chain if candidate is None]
        recorded = [(own.at, candidate) for own, candidate in chain if candidate is not None]
        if not recorded:
            begun.append(_Candidate(recorded=None, switch_overs=fresh))
            continue
        for known in fresh:
            _, nearest = min(recorded, key=lambda own: abs(own[0] - known.at))
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


def _borne_out(candidate: _Candidate, observation: Observation) -> bool:
    """Whether rows show the failover, or showed it and cannot all be seen now."""
    recorded = candidate.recorded
    if (
        recorded is None
        or candidate.refined
        or len(candidate.switch_overs) > len(recorded.failover.switch_overs)
    ):
        return True
    cut_off = any(known.at < observation.since for known in candidate.switch_overs)
    unseen = cut_off or lacks_rows(recorded.diagnosis, observation)
    return unseen and recorded.diagnosis.borne_out


def _reconciled(
    candidate: _Candidate,
    gateway_id: str,
    observation: Observation,
    *,
    active_active: bool | None,
    all_instants: Sequence[datetime],
) -> Reconciled:
    recorded = candidate.recorded
    switch_overs = candidate.settled()
    before = recorded.diagnosis if recorded else None
    fresh = diagnose(
        switch_overs,
        observation,
        active_active=active_active,
        all_instants=all_instants,
        carried=carried(before, gateway_id, observation.rows),
    )
    return Reconciled(
        failover=Failover(
            id=recorded.failover.id if recorded else new_id(gateway_id, switch_overs[0].at),
            gateway_id=gateway_id,
            switch_overs=switch_overs,
        ),
        diagnosis=replace(joined(fresh, before, observation), borne_out=candidate.borne_out),
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
        diagnosis.borne_out,
    )


def new_id(gateway_id: str, first_at: datetime) -> str:
    """A failover's id, made once: its first instant, readable, and a digest with its gateway."""
    digest = hashlib.sha256(f"{gateway_id} {first_at.isoformat()}".encode()).hexdigest()[:12]
    return f"{first_at:%Y%m%dT%H%M%S}{first_at.microsecond // 1000:03d}Z-{digest}"
