"""What a run sees of a gateway is compared with what was told: which failovers there are now.

What was told is never forgotten, and taken back only where all rows that spoke for it are seen.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from detector.diagnosis import (
    NEAR,
    NOT_SHOWN,
    ONE_PEER,
    Examination,
    all_tunnels,
    carried,
    diagnose,
    ended_by_arm,
    joined,
    lacks_rows,
    shortened,
)
from detector.insights import Reason, reasons_between, standing_from
from detector.journal import History, Record
from detector.model import AlreadyDown, Diagnosis, Evidence, Failover, Outage, Signal, SwitchOver

TOGETHER_WITHIN: Final = timedelta(minutes=60)
"""Switch-overs no further apart are of one failover: a maintenance moves the role away and back."""


FAR: Final = timedelta(hours=24)
"""No rule looks further from a failover for the gateway's others than that of flapping."""


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached property
class Reconciled:
    """A failover as this run sees it, beside what was told of it (None: nothing yet).

    `active_active` is the mode by which it is told, None where that is not known.
    """

    failover: Failover
    diagnosis: Diagnosis
    recorded: Record | None
    active_active: bool | None

    @property
    def gateway_id(self) -> str:
        """The id of its gateway."""
        return self.failover.gateway_id

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Why something is to be told of it, whatever its gateway's facts; none: it is as told."""
        after = standing_from(self.failover, self.diagnosis)
        if self.recorded is None:
            return reasons_between(None, after)
        told, before = self.recorded.failover, self.recorded.diagnosis
        reasons = reasons_between(standing_from(told, before), after)
        is_as_told = _content(self.failover, self.diagnosis) == _content(
            told, before
        ) and _of_causes(self.diagnosis, before) == _of_causes(before, before)
        return reasons or (() if is_as_told else (Reason.REVISED,))


def reconcile(history: History, examined: Examination) -> list[Reconciled]:
    """Every failover that this run can say something about, in time order.

    A switch-over whose evidence lies within 3 minutes of a recorded one's interval, and has not the
    opposite direction, is that one, at the instant that was told. The others join a failover that
    switched over within 60 minutes of them, or begin one. What the window's start may have cut off
    is left as recorded, and begins nothing.
    """
    since = examined.observation.since
    candidates = [
        _Candidate(recorded=record, switch_overs=list(record.failover.switch_overs))
        for record in history.records
    ]
    new = _refined(candidates, [each for each in examined.switch_overs if each.at >= since])
    candidates += _joined(candidates, new)
    for candidate in candidates:
        _drop_what_is_disproved(candidate, examined)
    beside = _Beside(
        history=history,
        examined=examined,
        settled=sorted(
            (
                (each, candidate)
                for candidate in candidates
                if candidate.borne_out
                for each in candidate.settled()
            ),
            key=_placed_at,
        ),
    )
    reconciled = [
        _reconciled(candidate, beside) for candidate in candidates if candidate.may_change(since)
    ]
    return sorted(reconciled, key=lambda each: each.failover.first_at)


@dataclass(slots=True)
class _Candidate:
    """A failover while its switch-overs are being gathered."""

    recorded: Record | None
    switch_overs: list[SwitchOver]
    refined: dict[SwitchOver, SwitchOver] = field(default_factory=dict)
    misplaced: set[SwitchOver] = field(default_factory=set)
    borne_out: bool = True

    def may_change(self, since: datetime) -> bool:
        """Whether it is new, followed, or still in the part of the window that is not cut off."""
        if self.recorded is None or self.recorded.following:
            return True
        known = (*self.recorded.failover.switch_overs, *self.switch_overs)
        return any(each.at >= since for each in known)

    def settled(self) -> tuple[SwitchOver, ...]:
        """Its switch-overs in time order, each with its best evidence, each once.

        What turns out to be one with another that was told keeps the earlier instant. What was told
        at the instant of another is told as it is found now.
        """
        told = self.recorded.failover.switch_overs if self.recorded else ()
        known = [
            found if own in self.misplaced else _better(own, found)
            for own, found in self.refined.items()
        ]
        found_now = len(known)
        for own in self.switch_overs:
            if own in self.refined:
                continue
            same = next((n for n in range(found_now) if _is_one(known[n], own)), None)
            if same is None:
                known.append(own)
            elif own in told and own.at < known[same].at:
                known[same] = _better(own, known[same])
            else:
                known[same] = _better(known[same], own)
        return tuple(sorted(known, key=_at))


_Placed = tuple[SwitchOver, _Candidate | None]


def _refined(candidates: Sequence[_Candidate], found: Sequence[SwitchOver]) -> list[SwitchOver]:
    """Give each recorded switch-over what was found of it now; what is left of `found` is new.

    The nearest go together. One whose instant is that of another found now was told while the rows
    were to come that show what the row of that instant is of.
    """
    recorded = sorted(
        ((own, each) for each in candidates for own in each.switch_overs), key=_placed_at
    )
    longest = max((own.end - own.begin for own, _ in recorded), default=timedelta())
    pairs: list[tuple[SwitchOver, _Candidate, SwitchOver]] = []
    for known in found:
        first = bisect_left(recorded, known.begin - NEAR - longest, key=_placed_at)
        last = bisect_right(recorded, known.end + NEAR + longest, key=_placed_at)
        pairs += [(own, of, known) for own, of in recorded[first:last] if _is_one(own, known)]
    pairs.sort(key=lambda pair: (pair[0].apart(pair[2].begin, pair[2].end), _between(pair)))
    instants = {known.at for known in found}
    rest = dict.fromkeys(found)
    for own, candidate, known in pairs:
        if own not in candidate.refined and known in rest:
            candidate.refined[own] = known
            if own.at != known.at and own.at in instants:
                candidate.misplaced.add(own)
            del rest[known]
    return list(rest)


def _between(pair: tuple[SwitchOver, _Candidate, SwitchOver]) -> timedelta:
    return abs(pair[0].at - pair[2].at)


def _is_one(recorded: SwitchOver, found: SwitchOver) -> bool:
    """Whether two are one switch-over: near, and not of opposite directions."""
    directions = (recorded.from_instance, found.from_instance)
    return recorded.apart(found.begin, found.end) <= NEAR and (
        None in directions or recorded.from_instance == found.from_instance
    )


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
        if chain and each[0].at - chain[-1][0].at > TOGETHER_WITHIN:
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
    """The recorded switch-over with the stronger evidence, at the instant that was told.

    That stays, and stays as open as it was told, also where later evidence is more exact. What one
    instance was told to have lost is a part of what both lost.
    """
    if found.evidence is Evidence.BOTH_INSTANCES_LOST:
        return replace(found, at=recorded.at, first=found.begin, last=found.end)
    best = max(recorded, found, key=lambda known: known.evidence.strength)
    begin, end = min(recorded.begin, found.begin), max(recorded.end, found.end)
    return replace(
        recorded,
        evidence=best.evidence,
        from_instance=recorded.from_instance or found.from_instance,
        to_instance=recorded.to_instance or found.to_instance,
        not_before=None if recorded.not_before is None else found.not_before or recorded.not_before,
        first=None if begin == recorded.at else begin,
        last=None if end == recorded.at else end,
    )


def _drop_what_is_disproved(candidate: _Candidate, examined: Examination) -> None:
    """Say whether a failover is still borne out, and leave out what rows show to be none of it.

    A switch-over that was told stays where it is found again, or where not all that spoke for it
    can be seen now. Where none stays and none is new, the failover is kept as it was told, to be
    taken back.
    """
    recorded, told = candidate.recorded, candidate.switch_overs
    if recorded is None:
        return
    lacking = lacks_rows(recorded.diagnosis, examined.observation)
    was_told = set(recorded.failover.switch_overs)
    staying = [
        known
        for known in told
        if known not in was_told
        or known in candidate.refined
        or (
            recorded.diagnosis.borne_out
            and (
                lacking
                or known.at < examined.observation.since
                or _is_not_disproved(known, examined)
            )
        )
    ]
    candidate.borne_out = bool(staying)
    candidate.switch_overs = staying or told


def _is_not_disproved(known: SwitchOver, examined: Examination) -> bool:
    """Whether rows that spoke for it are there, and what showed the rest was not asked for now.

    So it is with the loss of an only peer while nobody asked for the gateway's peers, and with a
    tunnel that Azure Resource Manager called down.
    """
    return any(
        known.from_instance == piece.from_instance and known.apart(piece.at, piece.until) <= NEAR
        for piece in examined.pieces
        if piece.doubt == NOT_SHOWN or (piece.doubt == ONE_PEER and not examined.known.all_peers)
    )


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached properties
class _Beside:
    """What each failover of a gateway is told beside: the rows, and all the others.

    `settled` holds the switch-overs of those that are borne out, in time order.
    """

    history: History
    examined: Examination
    settled: Sequence[tuple[SwitchOver, _Candidate]]

    def others(self, candidate: _Candidate, own: Sequence[SwitchOver]) -> list[SwitchOver]:
        """The switch-overs of other failovers, as far away as any rule looks."""
        first = bisect_left(self.settled, own[0].begin - FAR, key=_placed_at)
        last = bisect_right(self.settled, own[-1].end + FAR, key=_placed_at)
        return [each for each, other in self.settled[first:last] if other is not candidate]

    def had_ended(self, down: AlreadyDown) -> bool:
        """Whether a tunnel was told as back since then: by ARM, where the log lost the row."""
        return any(
            tunnel.remote_ip == down.remote_ip
            and abs(tunnel.start - down.since) <= NEAR
            and not tunnel.is_open
            for record in self.history.records
            for tunnel in all_tunnels(record.diagnosis)
        )

    @cached_property
    def ended_on_each(self) -> Sequence[Signal]:
        """Rows for what ARM's word ended, whose failover it be, where each instance has tunnels."""
        return self._ended(active_active=True)

    @cached_property
    def ended_on_either(self) -> Sequence[Signal]:
        """The same where one instance at a time serves a peer, or where that is not known."""
        return self._ended(active_active=False)

    def _ended(self, *, active_active: bool) -> Sequence[Signal]:
        return ended_by_arm(
            [record.diagnosis for record in self.history.records],
            self.history.gateway_id,
            self.examined.observation.rows,
            active_active=active_active,
        )


def _reconciled(candidate: _Candidate, beside: _Beside) -> Reconciled:
    examined, gateway_id = beside.examined, beside.history.gateway_id
    recorded, observation = candidate.recorded, examined.observation
    switch_overs = candidate.settled()
    before = recorded.diagnosis if recorded else None
    mode = recorded.gateway.active_active if recorded else None
    if mode is None:
        mode = examined.mode.at(switch_overs[0].begin)
    continued = [
        *carried(before, gateway_id, observation.rows),
        *(beside.ended_on_each if mode else beside.ended_on_either),
    ]
    if continued:
        examined = replace(examined, carried=tuple(continued))
    fresh = diagnose(
        # What is taken back moved nothing.
        switch_overs if candidate.borne_out else [_undirected(each) for each in switch_overs],
        examined,
        active_active=mode,
        others=beside.others(candidate, switch_overs),
        recorded=before,
    )
    fresh = replace(
        fresh,
        already_down=tuple(each for each in fresh.already_down if not beside.had_ended(each)),
    )
    whole = joined(
        fresh,
        before,
        observation,
        switch_overs=switch_overs,
        told=recorded.failover.switch_overs if recorded else (),
    )
    failover, diagnosis = shortened(
        Failover(
            id=recorded.failover.id if recorded else new_id(gateway_id, switch_overs[0].at),
            gateway_id=gateway_id,
            switch_overs=switch_overs,
            earlier=recorded.failover.earlier if recorded else 0,
        ),
        replace(whole, borne_out=candidate.borne_out),
        told=before,
        since=observation.since,
    )
    return Reconciled(failover=failover, diagnosis=diagnosis, recorded=recorded, active_active=mode)


def _undirected(known: SwitchOver) -> SwitchOver:
    return replace(known, from_instance=None, to_instance=None)


def _content(failover: Failover, diagnosis: Diagnosis) -> tuple[object, ...]:
    """What a reader was told that is worth telling anew when it changes.

    The time until which was looked, the evidence, and words are not; causes are a reason of their
    own.
    """
    return (
        tuple((each.at, each.from_instance, each.to_instance) for each in failover.switch_overs),
        _of_outages(diagnosis.outages),
        tuple((each.instance, _of_outages(each.tunnels)) for each in diagnosis.redundancy),
        _of_outages(diagnosis.unclear),
        diagnosis.already_down,
        diagnosis.state,
        diagnosis.importance,
        diagnosis.flapping,
        diagnosis.borne_out,
    )


def _of_causes(diagnosis: Diagnosis, told: Diagnosis) -> tuple[object, ...]:
    """The causes of a diagnosis, those of each switch-over if they were `told`.

    A release before this one told only that of the whole.
    """
    every = (diagnosis.cause, *(diagnosis.causes if told.causes else ()))
    return tuple((each.kind, each.others, each.at, each.caller, each.started) for each in every)


def _of_outages(outages: Iterable[Outage]) -> tuple[object, ...]:
    return tuple(
        (
            each.remote_ip,
            each.start,
            each.end,
            each.end_source,
            each.back_before is not None,
            each.is_disputed,
            each.is_given_up,
            each.is_open and each.live is not None and each.live.refused,
        )
        for each in outages
    )


def new_id(gateway_id: str, first_at: datetime) -> str:
    """A failover's id, made once: its first instant, readable, and a digest with its gateway."""
    digest = hashlib.sha256(f"{gateway_id} {first_at.isoformat()}".encode()).hexdigest()[:12]
    return f"{first_at:%Y%m%dT%H%M%S}{first_at.microsecond // 1000:03d}Z-{digest}"
