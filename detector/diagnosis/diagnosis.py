"""A failover and what is seen of it become a diagnosis: cause, outages, redundancy, importance.

Nothing is claimed that the records do not prove.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
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
            active_active=active_active is True,
            others=others,
            serves=serves,
        ),
        examined.live,
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


def _with_answers(lost: Tunnels, live: Live) -> Tunnels:
    """The tunnels with what ARM said of those that the log does not show back."""
    return replace(
        lost,
        outages=with_answers(lost.outages, live.of_peer, live.newest_of_peer),
        redundancy=tuple(
            redundancy_of(each.instance, with_answers(each.tunnels, live.of, live.newest))
            for each in lost.redundancy
        ),
        unclear=with_answers(lost.unclear, live.of, live.newest),
    )


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
        is_without_tunnels(each, seen_until) and not _has_one_back(each, diagnosis.outages)
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


def _has_one_back(lost: Redundancy, outages: Sequence[Outage]) -> bool:
    """Whether a tunnel of the instance, whose peer had no other, came back since."""
    missing = {tunnel.remote_ip for tunnel in lost.missing}
    return any(
        outage.instance == lost.instance
        and outage.start >= lost.start - NEAR
        and not outage.is_open
        and outage.remote_ip not in missing
        for outage in outages
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
        migration=examined.known.migration,
    )

    def told(known: Cause, fresh: Cause) -> Cause:
        silent = known.kind is fresh.kind is CauseKind.NOT_RECORDED
        return fresh if silent and known.started == fresh.started else known

    causes = tuple(map(told, diagnosis.causes, each))
    return replace(diagnosis, cause=told(diagnosis.cause, whole), causes=causes)


def peers_to_ask(diagnosis: Diagnosis, *, now: datetime) -> set[str]:
    """The remote IPs of whose connections ARM is to be asked live.

    Those of tunnels that are not seen back; those that the log shows back, and ARM called down
    after that; and once those of a lost instance's tunnels.
    """
    redundant = (tunnel for each in diagnosis.redundancy for tunnel in each.tunnels)
    once = {each for each in (*redundant, *diagnosis.unclear) if each.live is None}
    return {
        each.remote_ip
        for each in all_tunnels(diagnosis)
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
