"""How the detector itself is: whether it runs, what is open, what was not delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from detector.boundary import contained
from detector.coverage import CoverageNote, last_coverage
from detector.errors import DetectorError, JournalUnavailable
from detector.insights import BlindGateway, Instant, Part, Seconds
from detector.journal import Archive, DeliveryReport, History, Journal, delivery_reports
from detector.model import Scope, State
from detector.runs.schedule import Schedule
from detector.runs.windows import complete_until, scope_notes
from detector.text import count, lasting, listed, one_line

PERIODS: Final = 3
"""After so many occurrences of the timer without a complete run, something is wrong."""

CHECKED_WITHIN: Final = timedelta(days=3)
"""Coverage is checked once a day; after so long without, something is wrong."""

MOST_BLIND: Final = 20


class ScopeStatus(Part):
    """Up to when a scope's logs were read in full, and how long ago that was.

    `note` is what the last run had to say of it, such as that there are no logs there yet.
    """

    scope: str
    complete_until: Instant | None
    age_seconds: Seconds | None
    note: str | None


class OpenFailover(Part):
    """A failover that was not seen to be over."""

    id: str
    gateway: str
    verdict: str


class Status(Part):
    """The detector's own state; `problems` says in words what needs somebody.

    `blind` are the gateways whose failovers would not be seen, by the last check of coverage, of
    `coverage_at`; None before the first.
    """

    at: Instant
    scopes: tuple[ScopeStatus, ...]
    open: tuple[OpenFailover, ...]
    outstanding: tuple[DeliveryReport, ...]
    given_up: tuple[DeliveryReport, ...]
    coverage_at: Instant | None
    blind: tuple[BlindGateway, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nobody has to do anything."""
        return not self.problems


def status_of(
    journal: Journal,
    archive: Archive,
    scopes: Sequence[Scope],
    schedule: Schedule,
    *,
    now: datetime,
) -> Status:
    """The state at `now`, by the store. Raises JournalUnavailable.

    It is bad if a scope was not read in full for three periods of `schedule`, if a
    delivery was given up, if a gateway's history cannot be read, if a gateway is blind, or if that
    was not checked for three days.
    """
    noted = journal.last_run()
    until, notes = complete_until(noted), scope_notes(noted)
    known, unreadable = _histories(journal)
    deliveries = [each for history in known for each in delivery_reports(history)]
    given_up = tuple(each for each in deliveries if each.given_up)
    read = tuple(_scope(scope, until.get(scope.id), notes.get(scope.id), now) for scope in scopes)
    oldest = late_before(schedule, now)
    problems = [problem for each in read for problem in _late(each, oldest)]
    problems += [
        f"{each.sink} was not told of {each.id} revision {each.revision}: {each.why}"
        for each in given_up
    ]
    problems += unreadable
    coverage, lacking = _coverage(archive)
    problems += [*lacking, *(_of_coverage(coverage, now) if coverage else ())]
    return Status(
        at=now,
        scopes=read,
        open=tuple(each for history in known for each in _open(history)),
        outstanding=tuple(each for each in deliveries if not each.given_up),
        given_up=given_up,
        coverage_at=coverage.at if coverage else None,
        blind=coverage.blind if coverage else (),
        problems=tuple(problems),
    )


def status_lines(shown: Status) -> Iterator[str]:
    """The state in words, a line each, what needs somebody last."""
    for scope in shown.scopes:
        age = scope.age_seconds
        ago = "" if age is None else f"{lasting(timedelta(seconds=age))} ago"
        read = f"read in full {ago}" if ago else "never read in full"
        yield _line("logs", f"{scope.scope}, {read}" + (f"; {scope.note}" if scope.note else ""))
    for failover in shown.open:
        yield _line("open", f"{failover.verdict} ({failover.id})")
    for each in shown.outstanding:
        tried = f", tried {count(each.attempts, 'time')}" if each.attempts else ""
        tried += f": {each.why}" if each.why else ""
        yield _line("outstanding", f"{each.sink}: {each.id} revision {each.revision}{tried}")
    for gateway in shown.blind[:MOST_BLIND]:
        yield _line("blind", f"{gateway.id}: {gateway.why}")
    if len(shown.blind) > MOST_BLIND:
        yield _line("blind", f"and {len(shown.blind) - MOST_BLIND} more; --json has them all")
    for problem in shown.problems:
        yield _line("problem", problem)
    noted = any(scope.note for scope in shown.scopes)
    if not (shown.open or shown.outstanding or shown.problems or noted):
        yield _line("well", "nothing is open, nothing outstanding")


def _line(label: str, text: str) -> str:
    return f"{label:<11}  {one_line(text, 1000)}"


def _histories(journal: Journal) -> tuple[list[History], list[str]]:
    """Every history that somebody could have to look at, and why others cannot be read."""
    known: list[History] = []
    unreadable: list[str] = []
    for key, mark in journal.marks().items():
        if mark.due is None:  # nothing is open, and nothing to be delivered
            continue
        loaded = contained(f"the history {key}", partial(journal.load, key))
        if isinstance(loaded, DetectorError):
            unreadable.append(str(loaded))
        else:
            known += [loaded[0]] if loaded[0] else []
    return known, unreadable


def _coverage(archive: Archive) -> tuple[CoverageNote | None, list[str]]:
    """What the last check of coverage noted, and why that cannot be read."""
    try:
        note, _ = last_coverage(archive)
    except JournalUnavailable as error:
        return None, [str(error)]
    return note, []


def _of_coverage(coverage: CoverageNote, now: datetime) -> Iterator[str]:
    if coverage.blind:
        number = count(len(coverage.blind), "gateway")
        yield f"a failover of {number} would not be seen; `doctor` says how to mend that"
    if now - coverage.at > CHECKED_WITHIN:
        ago = lasting(now - coverage.at)
        yield f"coverage was last checked {ago} ago; is check_coverage running? See its log"
    waiting = sorted({name for each in coverage.pending for name in each.sinks})
    if waiting:
        yield f"{listed(waiting)} was not told what changed in coverage; the next check tries again"


def _scope(scope: Scope, until: datetime | None, note: str | None, now: datetime) -> ScopeStatus:
    age = None if until is None else max((now - until).total_seconds(), 0.0)
    return ScopeStatus(scope=scope.id, complete_until=until, age_seconds=age, note=note)


def _late(scope: ScopeStatus, oldest: datetime) -> Iterator[str]:
    why = f"The last run: {scope.note}" if scope.note else "Is the function running? See its log"
    if scope.complete_until is None:
        yield f"{scope.scope} was never read in full. {why}"
    elif scope.complete_until < oldest:
        yield (
            f"{scope.scope} was not read in full for {PERIODS} periods of the schedule; its logs "
            f"may hold failovers that nobody was told of. {why}"
        )


def late_before(schedule: Schedule, now: datetime) -> datetime:
    """When the timer was due for the last time but two: what was read in full since is not late."""
    due = schedule.before(now)
    return [next(due) for _ in range(PERIODS)][-1]


def _open(history: History) -> Iterator[OpenFailover]:
    for record in history.records:
        if record.following and record.diagnosis.state is State.ONGOING:
            latest = record.insights[-1]
            yield OpenFailover(
                id=record.failover.id, gateway=history.gateway_id, verdict=latest.verdict
            )
