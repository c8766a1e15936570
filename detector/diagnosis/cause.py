"""The recorded cause of a failover: what the logs show beside it, in the order of belief.

A reset by a user is believed before planned maintenance, and that before a configuration change.
A log row counts from 15 minutes before a switch-over to 5 minutes after. An operation of the
Activity Log counts by its first row, and only once it has a Success row, whenever that comes.
The words say "recorded" and never "because": not every maintenance is logged, and the Activity Log
can be 20 minutes late (https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from detector.model import ACTIVITY, Cause, CauseKind, Kind, Phase, Signal, SwitchOver
from detector.text import clock, listed, one_line

BEFORE: Final = timedelta(minutes=15)
AFTER: Final = timedelta(minutes=5)
LATEST: Final = timedelta(minutes=20)
"""How late logs arrive at the most, in the documented range."""

LONGEST: Final = timedelta(hours=2)
"""An operation of the Activity Log may take so long."""

_SAME_OPERATION: Final = timedelta(minutes=3)
_ORDER: Final = (CauseKind.RESET, CauseKind.MAINTENANCE, CauseKind.CONFIGURATION)
_CAUSES: Final = {
    Kind.RESET: CauseKind.RESET,
    Kind.MAINTENANCE: CauseKind.MAINTENANCE,
    Kind.WRITE: CauseKind.CONFIGURATION,
    Kind.CONFIGURATION: CauseKind.CONFIGURATION,
}
_PHRASES: Final = {
    CauseKind.RESET: "a reset of the gateway",
    CauseKind.MAINTENANCE: "planned maintenance",
    CauseKind.CONFIGURATION: "a configuration change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that was recorded: an event, or an operation with all its rows, oldest first."""

    kind: CauseKind
    rows: tuple[Signal, ...]
    done: bool

    @property
    def at(self) -> datetime:
        """When it began."""
        return self.rows[0].at

    @property
    def has_start(self) -> bool:
        """Whether `at` is when it began, and not merely the first that was seen of it."""
        return self.rows[0].source != ACTIVITY or self.rows[0].phase is not Phase.SUCCEEDED

    @property
    def caller(self) -> str | None:
        """Who asked for it, where a row says so."""
        return next((row.caller for row in self.rows if row.caller), None)


def events(rows: Iterable[Signal]) -> list[Event]:
    """All that one gateway's rows, in time order, record of possible causes, in time order.

    The rows of an operation belong together by correlation id, else by operation and caller; then
    a row after the operation's end, or minutes after its last start, begins another.
    """
    found: list[Event] = []
    operations: dict[tuple[Kind, str, str], list[list[Signal]]] = defaultdict(list)
    for row in rows:
        if row.kind is Kind.MAINTENANCE:
            found.append(Event(kind=CauseKind.MAINTENANCE, rows=(row,), done=True))
        elif row.kind in _CAUSES and row.source != ACTIVITY:
            done = row.phase is Phase.SUCCEEDED
            found.append(Event(kind=_CAUSES[row.kind], rows=(row,), done=done))
        elif row.kind in _CAUSES:
            named = ("", row.caller.lower()) if not row.correlation_id else (row.correlation_id, "")
            attempts = operations[(row.kind, *named)]
            if not attempts or (not row.correlation_id and _begins_another(attempts[-1], row)):
                attempts.append([])
            attempts[-1].append(row)
    found += [
        Event(
            kind=_CAUSES[kind],
            rows=tuple(attempt),
            done=any(row.phase is Phase.SUCCEEDED for row in attempt),
        )
        for (kind, _, _), attempts in operations.items()
        for attempt in attempts
    ]
    return sorted(found, key=lambda record: (record.at, record.kind))


def _begins_another(attempt: Sequence[Signal], row: Signal) -> bool:
    if any(known.phase in (Phase.SUCCEEDED, Phase.FAILED) for known in attempt):
        return row.phase is not attempt[-1].phase or row.at - attempt[-1].at > _SAME_OPERATION
    return row.phase is Phase.STARTED and row.at - attempt[-1].at > _SAME_OPERATION


def counting(recorded: Sequence[Event], switch_overs: Iterable[SwitchOver]) -> list[Event]:
    """Those of `recorded`, in time order, that lie near enough to a switch-over to be its cause.

    An operation of which only the end was logged must have ended nearer, since it began earlier.
    """
    found: dict[int, Event] = {}
    for known in switch_overs:
        first = bisect_left(recorded, known.at - BEFORE, key=attrgetter("at"))
        last = bisect_right(recorded, known.at + AFTER, key=attrgetter("at"))
        for index in range(first, last):
            record = recorded[index]
            if record.done and (record.has_start or record.at >= known.at - AFTER):
                found[index] = record
    return [found[index] for index in sorted(found)]


def recorded_cause(
    counted: Sequence[Event], switch_overs: Sequence[SwitchOver], *, seen_until: datetime
) -> Cause:
    """The cause that the records which count show, with the sentence that says so."""
    for kind in _ORDER:
        believed = next((record for record in counted if record.kind is kind), None)
        if believed is not None:
            return Cause(
                kind=kind,
                statement=_statement(counted),
                at=believed.at,
                caller=believed.caller,
            )
    return not_recorded(switch_overs, seen_until=seen_until, logs=None)


def not_recorded(
    switch_overs: Sequence[SwitchOver], *, seen_until: datetime, logs: Collection[str] | None
) -> Cause:
    """The cause where nothing was recorded.

    `logs` names the sources that there were to look in, or None where that is not known.
    """
    silence = _silence(switch_overs[-1].at, seen_until, logs)
    return Cause(kind=CauseKind.NOT_RECORDED, statement=silence)


def _statement(counted: Sequence[Event]) -> str:
    """One sentence that names every record that counts, strongest kind first."""
    phrases: list[str] = []
    for kind in _ORDER:
        of_kind = [record for record in counted if record.kind is kind]
        # A maintenance logs several rows, and a change both an event and an operation.
        told = [of_kind[0], *(r for r in of_kind[1:] if kind is CauseKind.RESET)] if of_kind else []
        phrases += [_phrase(record) for record in told]
    sentence = listed(phrases)
    verb = "was" if len(phrases) == 1 else "were"
    return f"{sentence[0].upper()}{sentence[1:]} {verb} recorded."


def _phrase(record: Event) -> str:
    by = f" by {one_line(record.caller, 120)}" if record.caller else ""
    return f"{_PHRASES[record.kind]}{by} at {clock(record.at)}"


def _silence(last_at: datetime, seen_until: datetime, logs: Collection[str] | None) -> str:
    """What the records do not show, and which logs there were to look in."""
    none = f"No cause was recorded by {clock(seen_until)}"
    if logs is None:
        return f"{none}; which logs there are to look in could not be asked."
    gateway_log, activity_log = "GatewayDiagnosticLog" in logs, ACTIVITY in logs
    if gateway_log and activity_log:
        late = ""
        if seen_until < last_at + LATEST:
            late = " so far (the Activity Log can be 20 minutes late)"
        return (
            f"{none}: the gateway's diagnostic log and the Activity Log show no maintenance, "
            f"reset or configuration change around it{late}."
        )
    if gateway_log:
        return (
            f"{none}: the gateway's diagnostic log shows no maintenance or configuration change "
            "around it; no Activity Log of its subscription was found in these logs, so a reset by "
            "a user would not show."
        )
    if activity_log:
        return (
            f"{none}: the Activity Log shows no reset or configuration change around it; no row of "
            "the gateway's diagnostic log was found, so maintenance might not show."
        )
    return (
        f"{none}: neither a row of the gateway's diagnostic log nor the Activity Log of its "
        "subscription was found in these logs, so a maintenance or a reset would not show."
    )
