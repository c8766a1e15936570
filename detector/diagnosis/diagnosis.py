"""A failover and what is seen of it become a diagnosis: cause, outages, redundancy, importance.

Nothing is claimed that the records do not prove.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from detector.diagnosis.cause import HEALTH_ASKED, causes_of
from detector.diagnosis.live import (
    ASKED_FOR,
    NOT_KNOWN_WHICH,
    TRIES,
    Live,
    is_asked_no_more,
    is_down_again,
    to_ask,
    with_answers,
)
from detector.diagnosis.observation import Examination
from detector.diagnosis.outage import CARRIED, Tunnels, redundancy_of, tunnels
from detector.diagnosis.switchover import NEAR
from detector.model import (
    AlreadyDown,
    Cause,
    CauseKind,
    Diagnosis,
    EndSource,
    EvidenceRow,
    Importance,
    Kind,
    Outage,
    Redundancy,
    Signal,
    State,
    SwitchOver,
)
from detector.text import one_line

LONG: Final = timedelta(minutes=3)
"""A longer outage is worth a warning: an unplanned failover takes 3 minutes at worst."""

GONE: Final = timedelta(minutes=5)
"""A tunnel that is out for as long did not come back with the failover."""

LOST_FOR_LONG: Final = timedelta(minutes=30)
"""An instance that is without tunnels for as long is critical, though its peers are served."""

FLAPS: Final = 3
FLAP_WITHIN: Final = timedelta(hours=24)


def diagnose(
    switch_overs: Sequence[SwitchOver],
    examined: Examination,
    *,
    active_active: bool | None,
    others: Sequence[SwitchOver] = (),
    recorded: Diagnosis | None = None,
) -> Diagnosis:
    """What the records prove of the failover with these switch-overs.

    `active_active` is the mode by which it is told, None where it is not known. `others` are the
    gateway's other switch-overs; by them it may be flapping. `recorded` is what an earlier run
    found out: whether another tunnel served a peer is asked of ARM once.
    """
    seen, known = examined.observation, examined.known

    def serves(remote_ip: str, instance: str, at: datetime) -> bool | None:
        told = served_as_told(recorded, remote_ip, at)
        by_arm = None if told else examined.live.serves(remote_ip, instance, at)
        return told if by_arm is None else by_arm

    lost = _with_answers(
        tunnels(
            switch_overs,
            examined.walk,
            active_active=active_active,
            others=others,
            serves=serves,
        ),
        examined.live,
        recorded,
    )
    cause, causes = causes_of(
        switch_overs,
        examined.records,
        now=seen.now,
        seen_until=seen.seen_until,
        logs=known.logs,
        migration=known.migration,
    )
    counted = examined.records.counting(switch_overs)
    speaking = [row for event in counted for row in event.rows]
    changes = [row for each in switch_overs for row in _near(examined.changes, each)]
    speaking += [row for row in (*changes, *lost.rows) if row.source != CARRIED]
    evidence = {evidence_row(row) for row in speaking}
    evidence |= {
        EvidenceRow(at=event.at, source=HEALTH_ASKED, text=event.phrase)
        for event in counted
        if event.health is not None
    }
    instants = sorted(each.at for each in (*switch_overs, *others))
    return judged(
        named(
            Diagnosis(
                cause=cause,
                causes=causes,
                outages=lost.outages,
                redundancy=lost.redundancy,
                unclear=lost.unclear,
                already_down=lost.already_down,
                state=State.UNKNOWN,
                importance=Importance.INFORMATION,
                flapping=_flaps(instants, switch_overs[-1].at),
                seen_until=seen.seen_until,
                tunnels_seen_until=seen.tunnels_seen_until or seen.seen_until,
                evidence=tuple(sorted(evidence, key=evidence_order)),
                health_asked=None if known.health is None else seen.now,
            ),
            known.peers,
        ),
        now=seen.now,
    )


def served_as_told(recorded: Diagnosis | None, remote_ip: str, at: datetime) -> bool | None:
    """Whether another tunnel served a peer whose tunnel was lost at `at`, as was told before."""
    if recorded is None:
        return None
    spared = (tunnel for each in recorded.redundancy for tunnel in each.tunnels)
    if any(_is_same(tunnel, remote_ip, at) for tunnel in spared):
        return True
    return False if any(_is_same(each, remote_ip, at) for each in recorded.outages) else None


def _is_same(outage: Outage, remote_ip: str, at: datetime) -> bool:
    return outage.remote_ip == remote_ip and abs(outage.start - at) <= NEAR


def _with_answers(lost: Tunnels, live: Live, recorded: Diagnosis | None) -> Tunnels:
    """The tunnels with what ARM said of those that the log does not show back."""
    outages = with_answers(lost.outages, live.of_peer, live.newest_of_peer)
    spared = with_answers(
        [tunnel for each in lost.redundancy for tunnel in each.tunnels], live.of, live.newest
    )
    unclear = with_answers(lost.unclear, live.of, live.newest)
    out = list(_out_by_arm([*spared, *unclear], outages, live, recorded))
    told = sorted([*outages, *out], key=attrgetter("start", "remote_ip"))
    return replace(
        lost,
        outages=tuple(told),
        redundancy=redundancy_of(each for each in spared if not _is_of_an_outage(each, told)),
        unclear=tuple(each for each in unclear if each.remote_ip not in {o.remote_ip for o in out}),
    )


def _is_of_an_outage(tunnel: Outage, outages: Iterable[Outage]) -> bool:
    """Whether the peer of a lost tunnel was out for all but a moment of the time, by ARM's end."""
    if tunnel.end is None or tunnel.end_source is not EndSource.ARM:
        return False
    out = [
        min(each.end, tunnel.end) - max(each.start, tunnel.start)
        for each in outages
        if each.remote_ip == tunnel.remote_ip and each.end is not None
    ]
    known = sum((length for length in out if length > timedelta()), timedelta())
    return bool(known) and tunnel.end - tunnel.start - known <= NEAR


def _out_by_arm(
    lost: Sequence[Outage], outages: Sequence[Outage], live: Live, recorded: Diagnosis | None
) -> Iterator[Outage]:
    """The peers that are out, since ARM says that each of their tunnels is down.

    The log shows so of one tunnel only, or not yet of the time at which the last one went: then the
    peer is out from when ARM first said it.
    """
    out = {outage.remote_ip for outage in outages if outage.is_open}
    told = {each.remote_ip: each for each in recorded.outages if each.is_open} if recorded else {}
    missing: dict[str, list[Outage]] = defaultdict(list)
    for tunnel in lost:
        if tunnel.is_open and tunnel.remote_ip not in out:
            missing[tunnel.remote_ip].append(tunnel)
    for remote_ip, tunnels_missing in missing.items():
        latest = max(tunnels_missing, key=attrgetter("start"))
        answer = live.of_peer(latest)
        if answer is None or not answer.is_down:
            continue
        start = latest.start
        if len({tunnel.instance for tunnel in tunnels_missing}) < live.number_of(remote_ip):
            start = told[remote_ip].start if remote_ip in told else answer.at
        yield replace(latest, start=start, live=answer)


def _near(rows: Sequence[Signal], known: SwitchOver) -> Sequence[Signal]:
    first = bisect_left(rows, known.begin - NEAR, key=attrgetter("at"))
    return rows[first : bisect_right(rows, known.end + NEAR, key=attrgetter("at"))]


def named(diagnosis: Diagnosis, names: Mapping[str, str]) -> Diagnosis:
    """The diagnosis with the names of the connections that lead to its remote IPs."""

    def outage(each: Outage) -> Outage:
        return replace(each, connection=names.get(each.remote_ip, each.connection))

    def before(each: AlreadyDown) -> AlreadyDown:
        return replace(each, connection=names.get(each.remote_ip, each.connection))

    return replace(
        diagnosis,
        outages=tuple(map(outage, diagnosis.outages)),
        redundancy=tuple(
            replace(each, tunnels=tuple(map(outage, each.tunnels))) for each in diagnosis.redundancy
        ),
        unclear=tuple(map(outage, diagnosis.unclear)),
        already_down=tuple(map(before, diagnosis.already_down)),
    )


def judged(diagnosis: Diagnosis, *, now: datetime) -> Diagnosis:
    """`diagnosis` with the state and the importance that its parts give it at `now`."""
    every = all_tunnels(diagnosis)
    missing = [tunnel for tunnel in every if tunnel.is_open]
    if any(not is_asked_no_more(tunnel, now=now) for tunnel in missing):
        state = State.ONGOING
    elif missing or any(tunnel.is_given_up for tunnel in every) or not every:
        state = State.UNKNOWN
    else:
        state = State.RECOVERED
    return replace(diagnosis, state=state, importance=_importance(diagnosis))


def _importance(diagnosis: Diagnosis) -> Importance:
    seen_until = diagnosis.tunnels_seen_until or diagnosis.seen_until
    if any(is_out_for(outage, GONE, seen_until) for outage in diagnosis.outages) or any(
        is_without_tunnels(each, seen_until) and not _has_one_back(each, diagnosis)
        for each in diagnosis.redundancy
    ):
        return Importance.CRITICAL
    if (
        diagnosis.redundancy
        or diagnosis.flapping
        or any(_was_long(outage, seen_until) for outage in (*diagnosis.outages, *diagnosis.unclear))
        or any(outage.is_disputed for outage in open_tunnels(diagnosis))
    ):
        return Importance.WARNING
    return Importance.INFORMATION


def is_out_for(outage: Outage, length: timedelta, seen_until: datetime) -> bool:
    """Whether a tunnel is out for so long by ARM's answer, or by T where ARM cannot be asked.

    T is `seen_until`. As long as ARM may still answer nothing is said, nor where it is not known
    which of a peer's tunnels is up.
    """
    if not outage.is_open:
        return False
    live = outage.live
    if live is None or live.problem == NOT_KNOWN_WHICH:
        return False
    if live.is_down:
        return live.at - outage.start >= length
    return live.failures >= TRIES and seen_until - outage.start >= length


def is_without_tunnels(lost: Redundancy, seen_until: datetime) -> bool:
    """Whether an instance of an active-active gateway stays without tunnels for half an hour."""
    latest = {tunnel.remote_ip: tunnel for tunnel in lost.tunnels}
    return bool(latest) and all(
        is_out_for(tunnel, LOST_FOR_LONG, seen_until) for tunnel in latest.values()
    )


def _has_one_back(lost: Redundancy, diagnosis: Diagnosis) -> bool:
    """Whether a tunnel of the instance, whose peer may have had no other, came back since."""
    missing = {tunnel.remote_ip for tunnel in lost.missing}
    return any(
        outage.instance == lost.instance
        and outage.start >= lost.start - NEAR
        and not outage.is_open
        and outage.remote_ip not in missing
        for outage in (*diagnosis.outages, *diagnosis.unclear)
    )


def _was_long(outage: Outage, seen_until: datetime) -> bool:
    if outage.length is not None:
        return outage.length > LONG
    if not outage.is_open or outage.is_disputed:
        return False
    until = seen_until if outage.live is None or not outage.live.is_down else outage.live.at
    return until - outage.start > LONG


def _flaps(instants: Sequence[datetime], last_at: datetime) -> bool:
    first = bisect_left(instants, last_at - FLAP_WITHIN)
    return bisect_right(instants, last_at) - first >= FLAPS


def evidence_order(row: EvidenceRow) -> tuple[datetime, str, str]:
    """The order of evidence."""
    return row.at, row.source, row.text


_OPERATIONS: Final = {
    Kind.RESET: "reset of the gateway",
    Kind.WRITE: "write to the gateway",
    Kind.CONFIGURATION: "configuration of the gateway",
    Kind.MIGRATION: "migration of the gateway",
    Kind.CONNECTION_CHANGE: "change of a connection",
}


def evidence_row(row: Signal) -> EvidenceRow:
    """A row in words; what Azure wrote stands in it as it is, shortened."""
    said = f": {one_line(row.text, 400)}" if row.text else ""
    if row.kind in (Kind.DISCONNECTED, Kind.CONNECTED):
        word = "disconnected" if row.kind is Kind.DISCONNECTED else "connected"
        what = f"{one_line(row.remote_ip, 80)} {word} on {one_line(row.instance, 80)}"
    elif row.kind is Kind.PRIMARY_CHANGED:
        what = "the gateway's primary instance changed"
    elif row.kind is Kind.MAINTENANCE:
        what = "maintenance"
    elif row.kind is Kind.HEALTH:
        what = "Resource Health"
    else:
        by = f" by {one_line(row.caller, 120)}" if row.caller else ""
        name = _OPERATIONS[row.kind]
        if row.connection:
            name = f"change of the connection {one_line(row.connection.rsplit('/', 1)[-1], 80)}"
        what = f"{name}{by} {row.phase}"
    return EvidenceRow(at=row.at, source=row.source, text=what + said)


def with_logs(
    diagnosis: Diagnosis, switch_overs: Sequence[SwitchOver], examined: Examination
) -> Diagnosis:
    """The diagnosis that says exactly what was searched, where no cause is recorded."""
    if examined.known.logs is None:
        return diagnosis
    seen = examined.observation
    asked = () if diagnosis.health_asked is None else (HEALTH_ASKED,)
    whole, each = causes_of(
        switch_overs,
        examined.records,
        now=seen.now,
        seen_until=seen.seen_until,
        logs={*examined.known.logs, *asked},
    )

    def told(known: Cause, fresh: Cause) -> Cause:
        silent = known.kind is fresh.kind is CauseKind.NOT_RECORDED
        return fresh if silent and known.started == fresh.started else known

    causes = tuple(map(told, diagnosis.causes, each))
    return replace(diagnosis, cause=told(diagnosis.cause, whole), causes=causes)


def peers_to_ask(diagnosis: Diagnosis, *, active_active: bool | None, now: datetime) -> set[str]:
    """The remote IPs of whose connections ARM is to be asked live.

    Those of tunnels that are not seen back; those that the log shows back, and ARM called down
    after that; and once those of the tunnels that an active-active gateway's instance lost, whether
    the rows tell that their peers were served or not.
    """
    every = all_tunnels(diagnosis)
    once = {each for each in every if each.live is None} if active_active else set()
    return {
        each.remote_ip
        for each in every
        if to_ask(each, now=now)
        or ((is_down_again(each) or each in once) and now - each.start <= ASKED_FOR)
    }


def all_tunnels(diagnosis: Diagnosis) -> list[Outage]:
    """What was lost of each tunnel, whether its peer was out or not."""
    lost = (tunnel for each in diagnosis.redundancy for tunnel in each.tunnels)
    return [*diagnosis.outages, *lost, *diagnosis.unclear]


def open_tunnels(diagnosis: Diagnosis) -> list[Outage]:
    """The tunnels that were not seen to come back, whether their peers are out or not."""
    return [tunnel for tunnel in all_tunnels(diagnosis) if tunnel.is_open]
