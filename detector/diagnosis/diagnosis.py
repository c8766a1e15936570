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

from detector.diagnosis.cause import LONGEST, Event, counting, events, recorded_cause
from detector.diagnosis.outage import Walk, tunnels, walk
from detector.diagnosis.switchover import NEAR, Pairing
from detector.model import (
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


CARRIED: Final = "journal"
"""The source of a row that stands for one which left the window; it is evidence of nothing."""


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached properties
class View:
    """What one run sees of one gateway; what its rows mean is worked out once for all failovers.

    `rows` are its signals in time order and `paired` what `switchover.pairings` made of them.
    From `since` on the rows are not cut off by the window's start.
    `complete` says that every scope answered: then what is not seen was not logged.
    `seen_until` is the time up to which a row would have been seen.
    `logs` names the sources that there are to look in, or None where that was not asked.
    """

    rows: Sequence[Signal]
    paired: Sequence[Pairing]
    since: datetime
    complete: bool
    seen_until: datetime
    active_active: bool | None = None
    logs: Collection[str] | None = None

    @cached_property
    def recorded(self) -> Sequence[Event]:
        """What the logs recorded of possible causes, in time order.

        An operation of which only the end is seen may have begun before the window did, out of
        reach of every switch-over; it is left out where that can be.
        """
        known_from = self.since + LONGEST
        found = events(self.rows)
        return [record for record in found if record.has_start or record.at >= known_from]

    @cached_property
    def walked(self) -> Walk:
        """What the rows say of the tunnels."""
        return walk(self.rows, self.paired, active_active=self.active_active)

    @cached_property
    def changes(self) -> Sequence[Signal]:
        """The rows that say that the primary instance changed, in time order."""
        return [row for row in self.rows if row.kind is Kind.PRIMARY_CHANGED]


def diagnose(
    switch_overs: Sequence[SwitchOver], view: View, *, all_instants: Sequence[datetime]
) -> Diagnosis:
    """What the rows in `view` prove of the failover with these switch-overs.

    `all_instants` are those of every switch-over known of the gateway, in time order; by them it
    may be flapping.
    """
    counted = counting(view.recorded, switch_overs)
    lost = tunnels(switch_overs, view.walked)
    speaking = [row for record in counted for row in record.rows]
    changes = [row for known in switch_overs for row in _near(view.changes, known.at)]
    speaking += [row for row in (*changes, *lost.rows) if row.source != CARRIED]
    evidence = sorted(set(map(evidence_row, speaking)), key=in_time)
    return judged(
        Diagnosis(
            cause=recorded_cause(counted, switch_overs, seen_until=view.seen_until, logs=view.logs),
            outages=lost.outages,
            redundancy=lost.redundancy,
            state=State.UNKNOWN,
            importance=Importance.INFORMATION,
            flapping=_flaps(all_instants, switch_overs[-1].at),
            seen_until=view.seen_until,
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


def in_time(row: EvidenceRow) -> tuple[datetime, str, str]:
    """The order of evidence."""
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
