"""The recorded cause of a failover: what the records show beside each of its switch-overs.

A reset by a user is believed before a migration, that before maintenance, that before a change of
configuration, and all of them before an entry of Resource Health.
A log row counts from 15 minutes before a switch-over to 5 minutes after. An operation of the
Activity Log counts by its first row, and only once it has a Success row, whenever that comes. An
entry of Resource Health counts where its time touches those minutes.
The words say "recorded", with time and distance, and never "because": not every maintenance is
logged, and the Activity Log can be 20 minutes late
(https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from detector.model import (
    ACTIVITY,
    PLATFORM_INITIATED,
    RESOURCE_HEALTH,
    Cause,
    CauseKind,
    HealthEvent,
    Kind,
    Phase,
    Signal,
    SwitchOver,
)
from detector.text import clock, count, day, lasting, listed, one_line

BEFORE: Final = timedelta(minutes=15)
AFTER: Final = timedelta(minutes=5)
LATEST: Final = timedelta(minutes=20)
"""How late logs arrive at the most, in the documented range."""

LONGEST: Final = timedelta(hours=2)
"""An operation of the Activity Log may take so long."""

GATEWAY_LOG: Final = "GatewayDiagnosticLog"
HEALTH_ASKED: Final = "Resource Health"
"""The source that stands for Resource Health where it was asked itself."""

_SAME_OPERATION: Final = timedelta(minutes=3)
_CAUSES: Final = {
    Kind.RESET: CauseKind.RESET,
    Kind.MIGRATION: CauseKind.MIGRATION,
    Kind.MAINTENANCE: CauseKind.MAINTENANCE,
    Kind.WRITE: CauseKind.CONFIGURATION,
    Kind.CONFIGURATION: CauseKind.CONFIGURATION,
    Kind.CONNECTION_CHANGE: CauseKind.CONFIGURATION,
}
_AT_ONCE: Final = frozenset({Kind.MAINTENANCE, Kind.MIGRATION})
"""Kinds of the gateway's own log that say by themselves that something took place."""

_PHRASES: Final = {
    Kind.RESET: "a reset of the gateway",
    Kind.MIGRATION: "a migration of the gateway",
    Kind.MAINTENANCE: "maintenance",
    Kind.WRITE: "a configuration change",
    Kind.CONFIGURATION: "a configuration change",
    Kind.CONNECTION_CHANGE: "a change of a connection",
}
_ORDER: Final = tuple(CauseKind)
_AT_ONCE_WITH: Final = "at the same time"
_NAMED: Final = 3
"""Of more switch-overs than these the sentence names only those that something stands beside."""

_TOLD: Final = 20
"""Beside so many switch-overs the statement tells what was recorded; of more, how many they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that was recorded: an event, or an operation with all its rows, oldest first.

    An entry of Resource Health that was asked for has no rows.
    """

    kind: CauseKind
    at: datetime
    done: bool
    rows: tuple[Signal, ...] = ()
    health: HealthEvent | None = None

    @property
    def has_start(self) -> bool:
        """Whether `at` is when it began, and not merely the first that was seen of it."""
        return (
            not self.rows
            or self.rows[0].source != ACTIVITY
            or self.rows[0].phase is not Phase.SUCCEEDED
        )

    @property
    def is_under_way(self) -> bool:
        """Whether it was started and nothing says how it ended."""
        return (
            not self.done
            and bool(self.rows)
            and any(row.phase is Phase.STARTED for row in self.rows)
            and all(row.phase is not Phase.FAILED for row in self.rows)
        )

    @property
    def failed_at(self) -> datetime | None:
        """When it failed, where nothing says that it succeeded."""
        if self.done:
            return None
        return next((row.at for row in self.rows if row.phase is Phase.FAILED), None)

    @property
    def is_of_the_gateway(self) -> bool:
        """Whether it is a record of the gateway itself, and not of one connection or its health."""
        return bool(self.rows) and self.rows[0].kind is not Kind.CONNECTION_CHANGE

    @property
    def caller(self) -> str | None:
        """Who asked for it, where a row says so."""
        return next((row.caller for row in self.rows if row.caller), None)

    @property
    def until(self) -> datetime:
        """When it ended: an entry of Resource Health lasts, everything else is an instant."""
        ended = None if self.health is None else self.health.resolved_at
        return self.at if ended is None else max(self.at, ended)

    @property
    def last_row(self) -> datetime:
        """When the last row of it was logged."""
        return self.rows[-1].at if self.rows else self.at

    @property
    def phrase(self) -> str:
        """What it is, in words that have `was recorded` behind them."""
        by = f" by {one_line(self.caller, 120)}" if self.caller else ""
        if self.health is not None:
            return _of_health(self.health)
        kind = self.rows[0].kind
        connection = self.rows[0].connection.rsplit("/", 1)[-1]
        if kind is Kind.CONNECTION_CHANGE and connection:
            return f"a change of the connection {one_line(connection, 80)}{by}"
        return f"{_PHRASES[kind]}{by}"

    def counts_beside(self, known: SwitchOver) -> bool:
        """Whether it, which began 5 minutes after at the latest, may be a switch-over's cause.

        Whether it is done does not matter. An operation of which only the end was logged must have
        ended nearer, for it began earlier.
        """
        if not self.has_start:
            return self.at >= known.begin - AFTER
        return self.until >= known.begin - BEFORE


def _of_health(entry: HealthEvent) -> str:
    """An entry, quoted. Only of what the platform began it says whether that was planned."""
    reason = entry.reason_type or entry.category
    if reason.lower() in ("planned", "unplanned") and entry.context != PLATFORM_INITIATED:
        reason = ""
    words = [each for each in (entry.context, reason) if each]
    said = f" ({one_line(', '.join(words).lower(), 80)})" if words else ""
    return f"\u201c{one_line(entry.title or entry.state, 120)}\u201d in Resource Health{said}"


def events(rows: Iterable[Signal], health: Iterable[HealthEvent] = ()) -> list[Event]:
    """All that one gateway's rows, in time order, record of possible causes, in time order.

    The rows of an operation belong together by correlation id, else by operation and caller; then
    a row after the operation's end, or minutes after its last start, begins another. `health` are
    the entries of Resource Health that were asked for.
    """
    found: list[Event] = []
    entries = list(health)
    operations: dict[tuple[str, ...], list[list[Signal]]] = defaultdict(list)
    for row in rows:
        if row.health is not None:
            entries.append(row.health)
        elif row.kind not in _CAUSES:
            continue
        elif row.source != ACTIVITY:
            done = row.kind in _AT_ONCE or row.phase is Phase.SUCCEEDED
            found.append(Event(kind=_CAUSES[row.kind], at=row.at, rows=(row,), done=done))
        else:
            named = ("", row.caller.lower()) if not row.correlation_id else (row.correlation_id, "")
            attempts = operations[(row.kind, row.connection, *named)]
            if not attempts or (not row.correlation_id and _begins_another(attempts[-1], row)):
                attempts.append([])
            attempts[-1].append(row)
    found += [
        Event(
            kind=_CAUSES[attempt[0].kind],
            at=attempt[0].at,
            rows=tuple(attempt),
            done=any(row.phase is Phase.SUCCEEDED for row in attempt),
        )
        for attempts in operations.values()
        for attempt in attempts
    ]
    found += [
        Event(kind=CauseKind.RESOURCE_HEALTH, at=entry.at, health=entry, done=True)
        for entry in _each_once(entries)
        if entry.state.lower() in ("unavailable", "degraded")
    ]
    return sorted(found, key=lambda event: (event.at, _ORDER.index(event.kind)))


def _each_once(entries: Iterable[HealthEvent]) -> list[HealthEvent]:
    """The entries, those that tell of one time by one title as the one that was told last."""
    return list({(entry.at, entry.state.lower(), entry.title): entry for entry in entries}.values())


def _begins_another(attempt: Sequence[Signal], row: Signal) -> bool:
    if any(known.phase in (Phase.SUCCEEDED, Phase.FAILED) for known in attempt):
        return row.phase is not attempt[-1].phase or row.at - attempt[-1].at > _SAME_OPERATION
    return row.phase is Phase.STARTED and row.at - attempt[-1].at > _SAME_OPERATION


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached property
class Records:
    """What the logs and Resource Health recorded of possible causes, in time order."""

    events: Sequence[Event]

    @cached_property
    def _entries(self) -> Sequence[Event]:
        """What lasts, and may have begun long before a switch-over that it is beside."""
        return [event for event in self.events if event.health is not None]

    def beside(self, known: SwitchOver) -> list[Event]:
        """Those that lie near a switch-over, done or not, in time order."""
        first = bisect_left(self.events, known.begin - BEFORE, key=_at)
        last = bisect_right(self.events, known.end + AFTER, key=_at)
        lasting_on = self._entries[: bisect_left(self._entries, known.begin - BEFORE, key=_at)]
        near = (*lasting_on, *self.events[first:last])
        return [event for event in near if event.counts_beside(known)]

    def counting(self, switch_overs: Iterable[SwitchOver]) -> list[Event]:
        """Those that count as a cause of one of the switch-overs, in time order."""
        near = {id(event): event for known in switch_overs for event in self.beside(known)}
        return sorted((event for event in near.values() if event.done), key=_at)


def _at(event: Event) -> datetime:
    return event.at


def causes_of(
    switch_overs: Sequence[SwitchOver],
    recorded: Records,
    *,
    now: datetime,
    seen_until: datetime,
    logs: Collection[str] | None,
    migration: str | None = None,
) -> tuple[Cause, tuple[Cause, ...]]:
    """The cause of a failover as a whole, and that of each of its switch-overs.

    `logs` names the sources that there were to look in, or None where that is not known; it
    matters only where nothing was recorded. `migration` is the gateway's own word on one.
    """
    near = [recorded.beside(known) for known in switch_overs]
    silence = _Silence(now=now, seen_until=seen_until, logs=logs)
    each = tuple(
        _cause([(known, own)], silence, migration)
        for known, own in zip(switch_overs, near, strict=True)
    )
    if len(switch_overs) == 1:
        return each[0], each
    return _cause(list(zip(switch_overs, near, strict=True)), silence, migration), each


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silence:
    """Where and until when was looked, to be said where nothing was recorded."""

    now: datetime
    seen_until: datetime
    logs: Collection[str] | None


def _cause(
    near: Sequence[tuple[SwitchOver, Sequence[Event]]], silence: _Silence, migration: str | None
) -> Cause:
    done = [
        (known, sorted((event for event in own if event.done), key=_rank)) for known, own in near
    ]
    under_way = list({id(e): e for _, own in near for e in own if e.is_under_way}.values())
    open_sentences = [
        f"{_capital(event.phrase)} was started at {clock(event.at)} and has no end yet."
        for event in under_way
    ]
    failed = list({id(e): e for _, own in near for e in own if e.failed_at is not None}.values())
    open_sentences += [_failure(event) for event in failed]
    counted = sorted(
        {id(event): event for _, own in done for event in own}.values(),
        key=lambda event: _ORDER.index(event.kind),
    )
    if not counted:
        sentence = _silence(near[-1][0].at, silence)
        return Cause(
            kind=CauseKind.NOT_RECORDED,
            statement=" ".join([*open_sentences, sentence]),
            at=under_way[0].at if under_way else None,
            caller=under_way[0].caller if under_way else None,
            clause=_open_clause(under_way[0])
            if under_way
            else f"with no recorded cause{_yet(near[-1][0].at, silence.now)}{_in_vain(failed)}",
            started=bool(under_way),
        )
    believed, *others = _without_repeats(counted)
    sentences = [_statement(done, counted), *open_sentences]
    if believed.kind is CauseKind.MIGRATION and _is_under_way(migration):
        sentences.append("By the gateway's own status the migration is not yet committed.")
    return Cause(
        kind=believed.kind,
        statement=" ".join(sentences),
        at=believed.at,
        caller=believed.caller,
        clause=_clause(believed, done),
        others=tuple(event.kind for event in others),
        records=1 + len(others),
        started=bool(under_way),
    )


def _rank(event: Event) -> tuple[int, bool, datetime]:
    """What is believed more comes first; of one kind what says who asked, then what was earlier."""
    return _ORDER.index(event.kind), event.caller is None, event.at


def _in_vain(failed: Sequence[Event]) -> str:
    """What was tried and failed, for a sentence about the failover."""
    if not failed:
        return ""
    return f" ({failed[-1].phrase} failed at {clock(failed[-1].failed_at or failed[-1].at)})"


def _failure(event: Event) -> str:
    if event.at == event.failed_at:
        return f"{_capital(event.phrase)} failed at {clock(event.at)}."
    failed = clock(event.failed_at or event.at)
    return f"{_capital(event.phrase)}, started at {clock(event.at)}, failed at {failed}."


def _yet(last_at: datetime, now: datetime) -> str:
    return " yet" if now < last_at + LATEST else ""


def _open_clause(event: Event) -> str:
    return f"with {event.phrase} started at {clock(event.at)}, no end of it recorded yet"


def _clause(believed: Event, done: Sequence[tuple[SwitchOver, Sequence[Event]]]) -> str:
    """What was recorded, for a sentence about the failover: with its time and its distance."""
    alike = [
        min(
            (event for event in own if event.phrase == believed.phrase),
            key=lambda event: max(event.at - known.at, known.at - event.until),
            default=None,
        )
        for known, own in done
    ]
    if len(done) > 1 and None not in alike:
        times = list(dict.fromkeys(clock(event.at) for event in alike if event is not None))
        shown = f"at {listed(times)}"
        if len(times) > _NAMED:
            shown = f"between {times[0]} and {times[-1]}"
        return f"with {believed.phrase} recorded beside each, {shown}"
    beside_it = next(known for known, own in done if any(event is believed for event in own))
    distance = _distance(believed, beside_it)
    if len(done) > 1:
        is_first = beside_it is done[0][0]
        which = "the first" if is_first else f"that at {clock(beside_it.at)}"
        distance = f"at the time of {which}" if distance == _AT_ONCE_WITH else f"{distance} {which}"
    when = _moment(believed.at, beside_it.at)
    return f"with {believed.phrase} recorded at {when}, {distance}"


def _statement(done: Sequence[tuple[SwitchOver, Sequence[Event]]], counted: Sequence[Event]) -> str:
    """Sentences that name every record that counts, and beside which switch-over it stands."""
    if len(done) == 1:
        known, _ = done[0]
        return f"{_capital(_all_told(counted, known))}."
    sentences: list[str] = []
    silent = []
    left = 0
    for known, own in done:
        if not own:
            silent.append(known)
            continue
        if len(sentences) == _TOLD:
            left += 1
            continue
        sentences.append(f"Beside the switch-over at {clock(known.at)}: {_all_told(own, known)}.")
    if left:
        sentences.append(f"Beside {count(left, 'more switch-over')} something was recorded, too.")
    if silent:
        where = f"the other {len(silent)}"
        if len(silent) <= _NAMED:
            which = "that" if len(silent) == 1 else "those"
            where = f"{which} at {listed([clock(known.at) for known in silent])}"
        sentences.append(f"Beside {where} nothing was recorded.")
    return " ".join(sentences)


def _without_repeats(found: Iterable[Event]) -> list[Event]:
    """The events without those that a record before them in `found` tells of, too.

    A maintenance logs several rows, and a change of the gateway both a row and an operation: what
    lies within three minutes of the same is the same. Each reset stands by itself.
    """
    told: list[Event] = []
    known: dict[str, list[Event]] = defaultdict(list)
    for event in found:
        same = known[event.kind if event.is_of_the_gateway else event.phrase]
        is_repeat = any(
            event.at <= other.last_row + _SAME_OPERATION
            and other.at <= event.last_row + _SAME_OPERATION
            for other in same
        )
        same.append(event)
        if event.kind is CauseKind.RESET or not is_repeat:
            told.append(event)
    return told


def _is_under_way(migration: str | None) -> bool:
    """Whether the gateway's own status says that a migration is neither committed nor aborted."""
    said = (migration or "").lower()
    return bool(said) and "commit" not in said and "abort" not in said


def _all_told(found: Iterable[Event], known: SwitchOver) -> str:
    return "; ".join(
        f"{event.phrase} was recorded at {_moment(event.at, known.at)}, {_distance(event, known)}"
        for event in _without_repeats(found)
    )


def _distance(event: Event, known: SwitchOver) -> str:
    apart = _cut(event.at) - _cut(known.at)
    if not apart:
        return _AT_ONCE_WITH
    return f"{lasting(abs(apart))} {'after' if apart > timedelta() else 'before'}"


def _cut(instant: datetime) -> datetime:
    """An instant as it is said, so that a distance is that of the times that are said."""
    return instant.replace(microsecond=0)


def _moment(instant: datetime, near: datetime) -> str:
    """The time, with its date where that is not the date of what it is near to."""
    return clock(instant) if instant.date() == near.date() else day(instant)


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _silence(last_at: datetime, where: _Silence) -> str:
    """What the records do not show, and exactly which were searched for what."""
    none = f"No cause was recorded{_yet(last_at, where.now)} by {clock(where.seen_until)}"
    if where.logs is None:
        return f"{none}; which logs there are to look in could not be asked."
    searched = []
    lacking = []
    if GATEWAY_LOG in where.logs:
        searched.append("the gateway's diagnostic log (maintenance, configuration changes, moves)")
    else:
        lacking.append(
            "no row of the gateway's diagnostic log was found, so a maintenance would not show"
        )
    if ACTIVITY in where.logs:
        searched.append(
            "the Activity Log (resets, migrations, changes of the gateway and its connections)"
        )
    else:
        lacking.append(
            "no administrative row of its subscription's Activity Log was found, so a reset by a "
            "user would not show"
        )
    if not {HEALTH_ASKED, RESOURCE_HEALTH}.isdisjoint(where.logs):
        searched.append("Resource Health")
    if not searched:
        return f"{none}: {'; '.join(lacking)}."
    late = " Logs can be 20 minutes late." if where.now < last_at + LATEST else ""
    rest = "".join(f" {_capital(each)}." for each in lacking)
    return f"{none}. Searched: {listed(searched)}.{rest}{late}"
