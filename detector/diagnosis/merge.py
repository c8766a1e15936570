"""What an earlier run proved of a failover, beside what this one sees.

It stays proved, also when its rows have left the window.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from detector.diagnosis.cause import HEALTH_ASKED
from detector.diagnosis.diagnosis import (
    all_tunnels,
    evidence_order,
    evidence_row,
    judged,
    open_tunnels,
)
from detector.diagnosis.observation import Observation
from detector.diagnosis.outage import CARRIED, redundancy_of
from detector.diagnosis.switchover import NEAR, SKEW
from detector.model import (
    Cause,
    CauseKind,
    Diagnosis,
    EndSource,
    Kind,
    LiveAnswer,
    Outage,
    Redundancy,
    Signal,
    SwitchOver,
    TunnelStatus,
)


def carried(recorded: Diagnosis | None, gateway_id: str, rows: Iterable[Signal]) -> list[Signal]:
    """Disconnected rows for the tunnels that are open by `recorded` and whose own left `rows`.

    They begin as the tunnel's outage does. Their source is `CARRIED`; they prove nothing by
    themselves.
    """
    waiting = () if recorded is None else tuple(open_tunnels(recorded))
    if not waiting:
        return []
    known: dict[tuple[str, str], list[Signal]] = {}
    for row in rows:
        if row.kind in (Kind.DISCONNECTED, Kind.CONNECTED):
            known.setdefault((row.remote_ip, row.instance), []).append(row)
    return [
        _carried_row(outage, outage.start, Kind.DISCONNECTED, gateway_id)
        for outage in waiting
        if not _is_down_by(known.get((outage.remote_ip, outage.instance), ()), outage.start)
    ]


def _is_down_by(rows: Sequence[Signal], instant: datetime) -> bool:
    """Whether a tunnel's rows, in time order, say that it was down at `instant`, or went down then.

    By ARM's word it may have been told as down from later on than its late row says.
    """
    before = bisect_right(rows, instant, key=attrgetter("at"))
    first = bisect_left(rows, instant - NEAR, key=attrgetter("at"))
    last = bisect_right(rows, instant + NEAR, key=attrgetter("at"))
    known = (*rows[max(0, before - 1) : before], *rows[first:last])
    return any(row.kind is Kind.DISCONNECTED for row in known)


def ended_by_arm(
    told: Iterable[Diagnosis], gateway_id: str, rows: Iterable[Signal], *, active_active: bool
) -> list[Signal]:
    """Connected rows for the tunnels that had ended by ARM's word, where `rows` have none.

    Their source is `CARRIED`. Of an active-active gateway a peer that was out may have come back on
    either instance, so only what one instance lost is told of.
    """
    ended = [
        tunnel
        for diagnosis in told
        for tunnel in all_tunnels(diagnosis)
        if tunnel.end_source is EndSource.ARM
        and not (active_active and tunnel in diagnosis.outages)
    ]
    if not ended:
        return []
    backs: dict[str, list[Signal]] = {}
    for row in rows:
        if row.kind is Kind.CONNECTED:
            backs.setdefault(row.remote_ip, []).append(row)
    return [
        _carried_row(tunnel, tunnel.end, Kind.CONNECTED, gateway_id)
        for tunnel in ended
        if tunnel.end is not None
        and not any(
            tunnel.start <= row.at <= tunnel.end + SKEW
            and (not active_active or row.instance == tunnel.instance)
            for row in backs.get(tunnel.remote_ip, ())
        )
    ]


def _carried_row(tunnel: Outage, at: datetime, kind: Kind, gateway_id: str) -> Signal:
    """A row of what was told of a tunnel; it proves nothing by itself."""
    return Signal(
        at=at,
        gateway_id=gateway_id,
        kind=kind,
        source=CARRIED,
        instance=tunnel.instance,
        remote_ip=tunnel.remote_ip,
    )


def joined(
    fresh: Diagnosis,
    recorded: Diagnosis | None,
    observation: Observation,
    *,
    switch_overs: Sequence[SwitchOver],
    told: Sequence[SwitchOver] = (),
) -> Diagnosis:
    """`fresh` with what `recorded` proved and this run cannot see any more.

    `switch_overs` are those of the failover now, and `told` those that `recorded` is of.

    Of what began before `observation.since`, or of anything where the observation lacks rows that
    the earlier run had, rows may be missing: it stays as recorded, but for the end of what was
    open. What was ended stays ended, unless rows contradict what ARM said; a cause once recorded
    stays unless all its rows are seen and tell otherwise.
    """
    if recorded is None:
        return fresh
    lacking = lacks_rows(recorded, observation)

    def stays(start: datetime) -> bool:
        return lacking or start < observation.since

    def cause_joined(begun: datetime, own: Cause, known: Cause | None) -> Cause:
        # Resource Health is asked at times only.
        if known is None or not (stays(begun) or known.kind is CauseKind.RESOURCE_HEALTH):
            return own
        return _cause_joined(own, known)

    evidence = {*fresh.evidence, *(row for row in recorded.evidence if stays(row.at))}
    before = dict(zip((known.at for known in told), recorded.causes, strict=False))
    causes = tuple(
        cause_joined(known.begin, own, before.get(known.at))
        for known, own in zip(switch_overs, fresh.causes, strict=False)
    )
    begun = min(known.begin for known in switch_overs)
    cause = cause_joined(begun, fresh.cause, recorded.cause)
    return judged(
        replace(
            fresh,
            cause=cause,
            causes=causes if len(causes) != 1 else (cause,),
            outages=_outages_joined(fresh.outages, recorded.outages, stays),
            redundancy=_redundancy_joined(fresh.redundancy, recorded.redundancy, stays),
            unclear=_outages_joined(fresh.unclear, _still_unclear(recorded.unclear, fresh), stays),
            already_down=tuple(
                dict.fromkeys(
                    [
                        *(each for each in recorded.already_down if stays(each.since)),
                        *fresh.already_down,
                    ]
                )
            ),
            flapping=fresh.flapping or (recorded.flapping and stays(begun)),
            seen_until=max(fresh.seen_until, recorded.seen_until),
            tunnels_seen_until=max(
                filter(None, (fresh.tunnels_seen_until, recorded.tunnels_seen_until)),
                default=None,
            ),
            evidence=tuple(sorted(evidence, key=evidence_order)),
            health_asked=fresh.health_asked or recorded.health_asked,
        ),
        now=observation.now,
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
            and row.source != HEALTH_ASKED
            and row not in map(evidence_row, _at(observation, row.at))
            for row in recorded.evidence
        )
    )


def _at(observation: Observation, instant: datetime) -> Iterator[Signal]:
    """The rows of an instant, also those of connections."""
    for rows in (observation.rows, observation.connection_rows):
        first = bisect_left(rows, instant, key=attrgetter("at"))
        yield from rows[first : bisect_right(rows, instant, key=attrgetter("at"))]


class _Near:
    """Outages to be found again: those of one tunnel within three minutes."""

    def __init__(self, known: Iterable[Outage]) -> None:
        self._known: dict[str, list[Outage]] = {}
        for each in sorted(known, key=_start):
            self._known.setdefault(each.remote_ip, []).append(each)

    def of(self, one: Outage) -> Outage | None:
        """The nearest that is the same as `one`."""
        own = self._known.get(one.remote_ip, [])
        first = bisect_left(own, one.start - NEAR, key=_start)
        last = bisect_right(own, one.start + NEAR, key=_start)
        return min(own[first:last], key=lambda each: abs(each.start - one.start), default=None)


def _start(outage: Outage) -> datetime:
    return outage.start


def _outages_joined(
    fresh: Sequence[Outage], recorded: Sequence[Outage], stays: Callable[[datetime], bool]
) -> tuple[Outage, ...]:
    seen_now, told = _Near(fresh), _Near(recorded)
    found = [
        known
        for known in recorded
        if stays(known.start) and not (known.is_open and seen_now.of(known))
    ]
    staying = _Near(found)
    found += [_outage_joined(each, told.of(each)) for each in fresh if not staying.of(each)]
    return tuple(sorted(found, key=lambda outage: (outage.start, outage.remote_ip)))


def _outage_joined(fresh: Outage, known: Outage | None) -> Outage:
    """`fresh` with the end that was recorded, where this run sees none, the name and ARM's word."""
    if known is None:
        return fresh
    merged = replace(
        fresh,
        connection=fresh.connection or known.connection,
        live=_last_answer(fresh.live, known.live),
    )
    if known.end is None or not _ends_sooner(known, fresh):
        return merged
    # Rows may say that it had come back by then, and not that it was lost only after that.
    if not fresh.start <= known.end <= (fresh.back_before or known.end):
        return merged
    return replace(
        merged, end=known.end, end_source=known.end_source, back_before=None, live=known.live
    )


def _ends_sooner(known: Outage, fresh: Outage) -> bool:
    """Whether the recorded end stays: the rows have none, or one later than ARM's bound."""
    if fresh.end is None or known.end is None:
        return fresh.end is None
    return known.end_source is EndSource.ARM and known.end < fresh.end - SKEW


def _last_answer(fresh: LiveAnswer | None, known: LiveAnswer | None) -> LiveAnswer | None:
    """What ARM said last of a tunnel, and how often in a row it gave no answer since."""
    if fresh is None or known is None:
        return fresh or known
    if not fresh.failures:
        return fresh
    last = fresh if known.status in (None, TunnelStatus.UNKNOWN) else known
    return replace(
        last,
        failures=max(fresh.failures, known.failures + 1),
        problem=fresh.problem,
        refused=fresh.refused,
    )


def _redundancy_joined(
    fresh: Sequence[Redundancy], recorded: Sequence[Redundancy], stays: Callable[[datetime], bool]
) -> tuple[Redundancy, ...]:
    """The losses of redundancy by instance; those that overlap are one."""
    found: list[Redundancy] = []
    rest = list(fresh)
    for known in recorded:
        same = [each for each in rest if each.instance == known.instance and _touch(each, known)]
        rest = [each for each in rest if each not in same]
        tunnels = _outages_joined(
            [tunnel for each in same for tunnel in each.tunnels], known.tunnels, stays
        )
        if tunnels:
            found += redundancy_of(tunnels)
        elif not known.tunnels and stays(known.start):
            found.append(known)
    return tuple(sorted([*found, *rest], key=lambda lost: (lost.start, lost.instance)))


def _touch(one: Redundancy, other: Redundancy) -> bool:
    starts = {tunnel.start for tunnel in other.tunnels} or {other.start}
    return any(abs(tunnel.start - start) <= NEAR for tunnel in one.tunnels for start in starts)


def _still_unclear(recorded: Sequence[Outage], fresh: Diagnosis) -> list[Outage]:
    """What was unclear and is not yet told as an outage or as redundancy lost."""
    clear = _Near(
        [*fresh.outages, *(tunnel for each in fresh.redundancy for tunnel in each.tunnels)]
    )
    return [each for each in recorded if clear.of(each) is None]


def _cause_joined(fresh: Cause, recorded: Cause) -> Cause:
    """The cause that is believed more; of the same kind, the one with the earlier record."""
    order = list(CauseKind)
    if order.index(fresh.kind) != order.index(recorded.kind):
        return min(fresh, recorded, key=lambda cause: order.index(cause.kind))
    if fresh.at is not None and recorded.at is not None and recorded.at < fresh.at:
        return recorded
    return fresh
