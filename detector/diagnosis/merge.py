"""What an earlier run proved of a failover, beside what this one sees.

It stays proved, also when its rows have left the window.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Generic, TypeVar

from detector.diagnosis.diagnosis import CARRIED, Observation, evidence_order, evidence_row, judged
from detector.diagnosis.switchover import NEAR
from detector.model import Cause, CauseKind, Diagnosis, Kind, Outage, Redundancy, Signal

_Lost = TypeVar("_Lost", Outage, Redundancy)


def carried(recorded: Diagnosis | None, gateway_id: str, rows: Iterable[Signal]) -> list[Signal]:
    """Disconnected rows for the tunnels that are open by `recorded` and whose own left `rows`.

    They begin as the tunnel's outage does, or the loss of its instance. Their source is `CARRIED`;
    they prove nothing by themselves.
    """
    if recorded is None:
        return []
    open_tunnels = [
        (outage.remote_ip, outage.instance, outage.start)
        for outage in recorded.outages
        if outage.is_open
    ] + [
        (remote_ip, lost.instance, lost.start)
        for lost in recorded.redundancy
        for remote_ip in lost.missing
    ]
    if not open_tunnels:
        return []
    known: dict[tuple[str, str], list[datetime]] = {}
    for row in rows:
        if row.kind is Kind.DISCONNECTED:
            known.setdefault((row.remote_ip, row.instance), []).append(row.at)
    return [
        Signal(
            at=start,
            gateway_id=gateway_id,
            kind=Kind.DISCONNECTED,
            source=CARRIED,
            instance=instance,
            remote_ip=remote_ip,
        )
        for remote_ip, instance, start in open_tunnels
        if not any(abs(at - start) <= NEAR for at in known.get((remote_ip, instance), ()))
    ]


def joined(fresh: Diagnosis, recorded: Diagnosis | None, observation: Observation) -> Diagnosis:
    """`fresh` with what `recorded` proved and this run cannot see any more.

    Of what began before `observation.since`, or of anything where the observation lacks rows that
    the earlier run had, rows may be missing: it stays as recorded, but for the end of what was
    open. What was ended stays ended; a cause once recorded is never taken back.
    """
    if recorded is None:
        return fresh

    lacking = lacks_rows(recorded, observation)

    def kept(start: datetime) -> bool:
        return lacking or start < observation.since

    seen_now = _Near(fresh.outages, _peer)
    told = _Near(recorded.outages, _peer)
    outages = [
        known
        for known in recorded.outages
        if kept(known.start) and not (known.is_open and seen_now.of(known))
    ]
    staying = _Near(outages, _peer)
    outages += [
        _outage_joined(outage, told.of(outage))
        for outage in fresh.outages
        if not staying.of(outage)
    ]
    losses_now = _Near(fresh.redundancy, _instance)
    redundancy = [
        known
        for known in recorded.redundancy
        if kept(known.start) and not (known.missing and losses_now.of(known))
    ]
    losses_staying = _Near(redundancy, _instance)
    redundancy += [lost for lost in fresh.redundancy if not losses_staying.of(lost)]
    evidence = {*fresh.evidence, *(row for row in recorded.evidence if kept(row.at))}
    return judged(
        replace(
            fresh,
            cause=_cause_joined(fresh.cause, recorded.cause),
            outages=tuple(sorted(outages, key=lambda outage: (outage.start, outage.remote_ip))),
            redundancy=tuple(sorted(redundancy, key=lambda lost: (lost.start, lost.instance))),
            flapping=fresh.flapping or recorded.flapping,
            seen_until=max(fresh.seen_until, recorded.seen_until),
            evidence=tuple(sorted(evidence, key=evidence_order)),
        )
    )


def lacks_rows(recorded: Diagnosis, observation: Observation) -> bool:
    """Whether the run that made `recorded` saw rows that `observation` may not hold.

    So it is where a scope does not answer, where a clock was set back, and where a row that spoke
    for `recorded` is gone, as its scope is asked no more. Then nothing is taken back.
    """
    return (
        not observation.complete
        or observation.seen_until < recorded.seen_until
        or any(
            row.at >= observation.since
            and row not in map(evidence_row, _at(observation.rows, row.at))
            for row in recorded.evidence
        )
    )


def _at(rows: Sequence[Signal], instant: datetime) -> Sequence[Signal]:
    first = bisect_left(rows, instant, key=attrgetter("at"))
    return rows[first : bisect_right(rows, instant, key=attrgetter("at"))]


class _Near(Generic[_Lost]):
    """Outages, or losses of redundancy, to be found again: those of one place within 3 minutes."""

    def __init__(self, known: Iterable[_Lost], place: Callable[[_Lost], str]) -> None:
        self._place: Callable[[_Lost], str] = place
        self._known: dict[str, list[_Lost]] = {}
        for each in sorted(known, key=_start):
            self._known.setdefault(place(each), []).append(each)

    def of(self, one: _Lost) -> _Lost | None:
        """The first that is the same as `one`."""
        own = self._known.get(self._place(one), [])
        first = bisect_left(own, one.start - NEAR, key=_start)
        return own[first] if first < len(own) and own[first].start <= one.start + NEAR else None


def _start(lost: Outage | Redundancy) -> datetime:
    return lost.start


def _peer(outage: Outage) -> str:
    return outage.remote_ip


def _instance(lost: Redundancy) -> str:
    return lost.instance


def _outage_joined(fresh: Outage, known: Outage | None) -> Outage:
    """`fresh` with the end that was recorded, where this run sees none, and the name."""
    if known is None:
        return fresh
    named = replace(fresh, connection=fresh.connection or known.connection)
    if fresh.is_open and known.end is not None and known.end >= fresh.start:
        return replace(named, end=known.end, end_source=known.end_source)
    return named


def _cause_joined(fresh: Cause, recorded: Cause) -> Cause:
    """The cause that is believed more; of the same kind, the one with the earlier record."""
    order = list(CauseKind)
    if order.index(fresh.kind) != order.index(recorded.kind):
        return min(fresh, recorded, key=lambda cause: order.index(cause.kind))
    if fresh.at is not None and recorded.at is not None and recorded.at < fresh.at:
        return recorded
    return fresh
