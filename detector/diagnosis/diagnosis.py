"""A failover and the rows around it become a diagnosis: cause, outages, redundancy, importance.

Nothing is claimed that the rows do not prove.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Final

from detector.diagnosis.cause import (
    BEFORE,
    LONGEST,
    Event,
    counting,
    events,
    not_recorded,
    recorded_cause,
)
from detector.diagnosis.outage import Walk, tunnels, walk
from detector.diagnosis.switchover import NEAR, Pairing, Piece, in_time, pairings, pieces
from detector.model import (
    CauseKind,
    Connection,
    Diagnosis,
    EndSource,
    EvidenceRow,
    Importance,
    Kind,
    Outage,
    Signal,
    State,
    SwitchOver,
    Window,
)
from detector.text import listed, one_line

LONG: Final = timedelta(minutes=3)
"""A longer outage is worth a warning: an unplanned failover takes 3 minutes at worst."""

GONE: Final = timedelta(minutes=5)
"""A tunnel not seen for this long did not come back with the failover."""

ASK_AFTER: Final = timedelta(minutes=10)
"""From then on an open outage is checked with the gateway's own connections: logs lose rows."""

FLAPS: Final = 3
FLAP_WITHIN: Final = timedelta(hours=24)

EDGE: Final = BEFORE + NEAR
"""Nearer than this to the window's start a failover's rows may be cut off."""

CARRIED: Final = "journal"
"""The source of a row that continues what was told, where its own has left the window."""


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached properties
class Observation:
    """What one run sees of one gateway; what its rows mean is worked out once.

    `rows` are its signals, each once, in the order of `in_time`.
    `window` is the part of the time for which every scope that holds some of them was asked.
    `complete` says that every scope answered: then what is not seen was not logged.
    `seen_until` is the time up to which a row would have been seen.
    """

    rows: Sequence[Signal]
    window: Window
    complete: bool
    seen_until: datetime

    @property
    def since(self) -> datetime:
        """From when on what belongs to a switch-over is not cut off by the window's start."""
        return self.window.start + EDGE

    @cached_property
    def pairings(self) -> Sequence[Pairing]:
        """What became of each tunnel that disconnected."""
        return pairings(self.rows)

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        """Every piece of evidence for a switch-over, in time order."""
        return pieces(self.rows, self.pairings)

    @cached_property
    def events(self) -> Sequence[Event]:
        """What the logs recorded of possible causes, in time order."""
        return events(self.rows)

    @cached_property
    def dated_events(self) -> Sequence[Event]:
        """The events without operations that may have begun long before what is seen of them.

        Of those only the end is in the window, too near to its start to say when they began.
        """
        known_from = self.since + LONGEST
        return [event for event in self.events if event.has_start or event.at >= known_from]

    @cached_property
    def changes(self) -> Sequence[Signal]:
        """The rows that say that the primary instance changed, in time order."""
        return [row for row in self.rows if row.kind is Kind.PRIMARY_CHANGED]

    def walk(self, *, active_active: bool | None, carried: Sequence[Signal] = ()) -> Walk:
        """What the rows say of the tunnels of a gateway of this mode.

        `carried`, which `merge.carried` gave, stand among the rows; they are paired with none.
        """
        if carried:
            rows = sorted([*carried, *self.rows], key=in_time)
            return walk(rows, self.pairings, active_active=active_active)
        if active_active not in self._walks:
            self._walks[active_active] = walk(self.rows, self.pairings, active_active=active_active)
        return self._walks[active_active]

    @cached_property
    def _walks(self) -> dict[bool | None, Walk]:
        return {}


def diagnose(
    switch_overs: Sequence[SwitchOver],
    observation: Observation,
    *,
    active_active: bool | None,
    all_instants: Sequence[datetime],
    carried: Sequence[Signal] = (),
) -> Diagnosis:
    """What the rows of `observation` prove of the failover with these switch-overs.

    `active_active` is the gateway's mode, None where it is not known. `all_instants` are those of
    every switch-over known of the gateway, in time order; by them it may be flapping. `carried`,
    which `merge.carried` gave, continue what was told and are no evidence.
    """
    counted = counting(observation.dated_events, switch_overs)
    walked = observation.walk(active_active=active_active, carried=carried)
    lost = tunnels(switch_overs, walked)
    speaking = [row for record in counted for row in record.rows]
    changes = [row for known in switch_overs for row in _near(observation.changes, known.at)]
    speaking += [row for row in (*changes, *lost.rows) if row.source != CARRIED]
    evidence = sorted(set(map(evidence_row, speaking)), key=evidence_order)
    return judged(
        Diagnosis(
            cause=recorded_cause(counted, switch_overs, seen_until=observation.seen_until),
            outages=lost.outages,
            redundancy=lost.redundancy,
            state=State.UNKNOWN,
            importance=Importance.INFORMATION,
            flapping=_flaps(all_instants, switch_overs[-1].at),
            seen_until=observation.seen_until,
            evidence=tuple(evidence),
        )
    )


def _near(rows: Sequence[Signal], instant: datetime) -> Sequence[Signal]:
    first = bisect_left(rows, instant - NEAR, key=attrgetter("at"))
    return rows[first : bisect_right(rows, instant + NEAR, key=attrgetter("at"))]


def with_connections(
    diagnosis: Diagnosis, connections: Iterable[Connection], *, asked_at: datetime
) -> Diagnosis:
    """`diagnosis` with the connections' names, and what they say of the tunnels that are open.

    A tunnel that its connection calls Connected was connected by `asked_at`, and no earlier time is
    known. Connections are asked about an outage from `ASK_AFTER` on.
    """
    by_peer: dict[str, list[Connection]] = {}
    for connection in connections:
        if connection.remote_ip is not None:
            by_peer.setdefault(connection.remote_ip, []).append(connection)

    def told(outage: Outage) -> Outage:
        found = by_peer.get(outage.remote_ip)
        if not found:
            return outage
        named = replace(outage, connection=listed(sorted(known.name for known in found)))
        connected = all((known.status or "").lower() == "connected" for known in found)
        if outage.is_open and connected and asked_at - outage.start >= ASK_AFTER:
            return replace(named, end=asked_at, end_source=EndSource.ARM)
        return named

    return judged(replace(diagnosis, outages=tuple(told(outage) for outage in diagnosis.outages)))


def with_logs(
    diagnosis: Diagnosis,
    switch_overs: Sequence[SwitchOver],
    logs: Collection[str],
    *,
    seen_until: datetime,
) -> Diagnosis:
    """`diagnosis` with `logs`, the sources there were to look in, named where no cause is recorded.

    `seen_until` is that of the observation in which it was looked for.
    """
    if diagnosis.cause.kind is not CauseKind.NOT_RECORDED:
        return diagnosis
    return replace(diagnosis, cause=not_recorded(switch_overs, seen_until=seen_until, logs=logs))


def to_ask(diagnosis: Diagnosis, *, now: datetime) -> bool:
    """Whether the connections may know more of an open outage than the logs do."""
    return any(outage.is_open and now - outage.start >= ASK_AFTER for outage in diagnosis.outages)


def judged(diagnosis: Diagnosis) -> Diagnosis:
    """`diagnosis` with the state and the importance that its parts give it."""
    open_outages = [outage for outage in diagnosis.outages if outage.is_open]
    lost = [loss for loss in diagnosis.redundancy if loss.missing]
    if open_outages or lost:
        state = State.ONGOING
    elif diagnosis.outages or diagnosis.redundancy:
        state = State.RECOVERED
    else:
        state = State.UNKNOWN
    if any(diagnosis.seen_until - outage.start >= GONE for outage in open_outages):
        importance = Importance.CRITICAL
    elif (
        diagnosis.redundancy
        or diagnosis.flapping
        or any((outage.length or timedelta()) > LONG for outage in diagnosis.outages)
    ):
        importance = Importance.WARNING
    else:
        importance = Importance.INFORMATION
    return replace(diagnosis, state=state, importance=importance)


def _flaps(instants: Sequence[datetime], last_at: datetime) -> bool:
    first = bisect_left(instants, last_at - FLAP_WITHIN)
    return bisect_right(instants, last_at) - first >= FLAPS


def evidence_order(row: EvidenceRow) -> tuple[datetime, str, str]:
    """The order of evidence in a diagnosis: by time."""
    return row.at, row.source, row.text


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
        names = {
            Kind.RESET: "reset of the gateway",
            Kind.WRITE: "write to the gateway",
            Kind.MIGRATION: "migration of the gateway",
            Kind.CONNECTION_CHANGE: "configuration of a connection",
        }
        what = f"{names.get(row.kind, 'configuration of the gateway')}{by} {row.phase}"
    return EvidenceRow(at=row.at, source=row.source, text=what + said)
