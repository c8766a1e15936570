"""One run: ask, observe, reconcile, revise and commit, deliver, report.

A run is level-triggered: it reads the whole window again and compares what it sees with what the
histories say was told. Late rows, missed timers, a crash half way, two runs at once and repeated
rows are all one case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from detector.boundary import Failures, contained
from detector.diagnosis import Observation
from detector.errors import DetectorError, JournalUnavailable, Unforeseen
from detector.insights import Insight
from detector.journal import (
    AT_ONCE,
    DeliverySummary,
    History,
    Journal,
    Mark,
    Outgoing,
    Posted,
    commit_change,
    gateway_key,
    newest_time,
)
from detector.model import Answer, Evidence, Scope, Window
from detector.runs.answers import Answers
from detector.runs.facts import Facts, Sources, look_up
from detector.runs.heartbeat import given_up_after
from detector.runs.observation import Loaded, Observations, digest, observe, shows_evidence
from detector.runs.reconcile import Reconciled
from detector.runs.report import Report, scope_report, shortened, told_line
from detector.runs.revise import Revised, revise
from detector.runs.watch import watches_after
from detector.runs.windows import complete_until, known_scopes, run_note, windows
from detector.runs.world import World
from detector.text import clock, count, one_line

FARTHEST: Final = timedelta(days=366)
"""No run can have written a time that is farther ahead: it would wait for it until then."""

MARGIN: Final = timedelta(seconds=15)
"""With less than this left a run takes on no more work, and says what is left."""

FOR_PEOPLE: Final = timedelta(seconds=15)
"""So long before that no further gateways are taken up: people are told of those that were."""

BATCH: Final = 250
"""So many gateways are dealt with together, and told of before the next are looked up."""


@dataclass(slots=True)
class Findings:
    """What a run gathers for its report and its note.

    `noted` is the last run's note, and `until` and `known` say how far each scope is known by it.
    `left_over` are the gateways left to the next run, `untimely` how many of them for lack of time.
    It is `done` unless something stopped it.
    """

    noted: Mapping[str, object] | None = None
    until: Mapping[str, datetime] = field(default_factory=dict)
    known: Mapping[str, datetime] = field(default_factory=dict)
    asked: Mapping[Scope, Window] = field(default_factory=dict)
    outcomes: Mapping[Scope, Answer | DetectorError] = field(default_factory=dict)
    gateways: int = 0
    failovers: int = 0
    insights: list[Insight] = field(default_factory=list)
    suspected: list[str] = field(default_factory=list)
    notes: Sequence[str] = ()
    failures: Failures = field(default_factory=Failures)
    left_over: set[str] = field(default_factory=set)
    untimely: int = 0
    delivery: DeliverySummary = field(default_factory=DeliverySummary)
    done: bool = False

    @property
    def answers(self) -> list[Answer]:
        """What the scopes answered that did."""
        return [each for each in self.outcomes.values() if isinstance(each, Answer)]

    def failed(self, error: DetectorError, *gateway_ids: str) -> None:
        """Note why a part failed, which leaves these gateways to the next run."""
        self.failures.add(error)
        self.left_over.update(gateway_ids)

    def leave(self, gateway_ids: Iterable[str]) -> None:
        """Note that there was no time for these gateways; an empty id is one that is not known."""
        for gateway_id in gateway_ids:
            self.untimely += 1
            self.left_over.add(gateway_id)

    def take(self, revised: Revised, suspected: _Suspected) -> None:
        """Take in what was told of one gateway, and what is suspected beside it."""
        self.failovers += revised.failovers
        self.insights += revised.insights
        for line, lacking in suspected:
            if lacking is None:
                self.suspected.append(line)
            else:
                self.failures.problems.append(f"{line}: {lacking}")
        self.failures.problems += revised.problems

    @property
    def read(self) -> list[Answer]:
        """The answers of which nothing is left over to the next run."""
        return [each for each in self.answers if self._has_all(each)]

    def _has_all(self, answer: Answer) -> bool:
        if not self.done or answer.failures:
            return False
        return not any(signal.gateway_id in self.left_over for signal in answer.signals)


def run_once(
    world: World, *, now: datetime, left: Callable[[], timedelta]
) -> tuple[Report, list[Insight]]:
    """The report of one run at `now`, and the insights that it told.

    `left` says how much time is left of the run. Every part that fails stands in the report's
    `problems`; it stops only itself, and the run is noted whatever happens.
    """
    findings = Findings()
    failed = contained("the run", partial(_run, world, findings, now=now, left=left))
    if failed is not None:
        findings.failed(failed)
    report = contained("the report", partial(_report, findings, now=now))
    if isinstance(report, DetectorError):
        findings.failed(report)
        failures = findings.failures
        report = Report(at=now, problems=tuple(failures.problems), traces=tuple(failures.traces))
    return _note_run(world.journal, findings, report), findings.insights


def _run(world: World, findings: Findings, *, now: datetime, left: Callable[[], timedelta]) -> None:
    """All of a run but its report and its note."""

    def has_time() -> bool:
        return left() >= MARGIN

    # No run that begins later is to deliver what this one does, until this one has ended.
    claim = left() + MARGIN
    marks = contained("the list of the histories", world.journal.marks)
    _recall(world, findings, now=now)
    if isinstance(marks, DetectorError):
        findings.failed(marks)
        if isinstance(marks, JournalUnavailable):
            # Without the journal nobody knows what was told: to tell it again is worse than late.
            return

    # Ask every scope, and observe each gateway in the answers.
    _ask(world, findings)
    observations = observe(findings.answers, asked=len(findings.asked), now=now)
    findings.gateways = len(observations.by_gateway) + len(observations.failed)
    for gateway_id, error in observations.failed.items():
        findings.failed(error, gateway_id)

    # Batch by batch: reconcile each gateway with its history, look up what is still unknown, decide
    # what is to be told, commit it, and deliver it to machines. People are told of all at once.
    outgoing = Outgoing(
        journal=world.journal,
        sinks=world.sinks,
        now=now,
        has_time=has_time,
        summary=findings.delivery,
    )
    sources = Answers(world.sources, findings.failures).sources
    listed = None if isinstance(marks, DetectorError) else marks
    waiting = _to_look_at(observations, listed, findings, now=now)
    while waiting and left() >= MARGIN + FOR_PEOPLE:
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        loaded = _load(world.journal, observations, batch, findings, now=now)
        found = list(_look_up(sources, loaded, findings, now=now))
        posts = _commit_all(world, found, findings, claim=claim, has_time=has_time)
        outgoing.to_machines(posts)
    findings.leave(each.gateway_id for each in waiting)
    notes = contained("the notes of the facts", world.sources.notes)
    if isinstance(notes, DetectorError):
        findings.failed(notes)
    else:
        findings.notes = notes
    outgoing.to_people()
    if findings.untimely:
        untimely = count(findings.untimely, "gateway")
        findings.failures.problems.append(f"the run's time is up: {untimely} left to the next run")
    findings.done = True


def _recall(world: World, findings: Findings, *, now: datetime) -> None:
    """Note how far each scope is known, by what the last run noted, and what is to be asked."""
    place, problems = "the note of the last run", findings.failures.problems
    noted = contained(place, world.journal.last_run)
    if isinstance(noted, DetectorError):
        findings.failed(noted)
        noted = {}
    findings.noted = noted
    until = contained(place, partial(complete_until, noted))
    known = contained(place, partial(known_scopes, world, noted, problems, now=now))
    if isinstance(until, DetectorError):
        findings.failed(until)
    else:
        findings.until = until
    if isinstance(known, DetectorError):
        findings.failed(known)
        known = {scope.id: now - world.catch_up for scope in world.scopes}
    findings.known = known
    asked = contained("the windows", partial(windows, world, known, now))
    if isinstance(asked, DetectorError):
        findings.failed(asked)
        asked = {scope: Window(start=now - world.catch_up, end=now) for scope in world.scopes}
    findings.asked = asked


def _ask(world: World, findings: Findings) -> None:
    """Ask every scope for its signals; whatever a scope or a row failed with is noted."""
    asked = findings.asked

    def answered() -> dict[Scope, Answer | DetectorError]:
        return dict(zip(asked, world.signals(asked), strict=True))

    outcomes = contained("the logs", answered)
    if isinstance(outcomes, DetectorError):
        findings.failed(outcomes)
        findings.outcomes = dict.fromkeys(asked, outcomes)
        return
    findings.outcomes = outcomes
    for each in outcomes.values():
        for error in each.failures if isinstance(each, Answer) else [each]:
            findings.failed(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A gateway to look at, by its key; its id is empty where only its history knows that."""

    key: str
    gateway_id: str = ""
    is_listed: bool = True


def _to_look_at(
    observations: Observations,
    marks: Mapping[str, Mark] | None,
    findings: Findings,
    *,
    now: datetime,
) -> list[_Waiting]:
    """The gateways of which something may be told; those of which nothing was told come first.

    What was reconciled before and is as it was is not looked at. Without `marks` nobody knows.
    """
    known = marks or {}
    new: list[_Waiting] = []
    told: dict[str, _Waiting] = {}
    for gateway_id, observation in observations.by_gateway.items():
        looked = contained(gateway_id, partial(_look, gateway_id, observation, known, now=now))
        if isinstance(looked, DetectorError):
            findings.failed(looked, gateway_id)
        elif looked is not None and looked in known:
            told[looked] = _Waiting(key=looked, gateway_id=gateway_id)
        elif looked is not None:
            is_listed = marks is None
            new.append(_Waiting(key=looked, gateway_id=gateway_id, is_listed=is_listed))
    for key, mark in known.items():
        if mark.is_due(now):
            told.setdefault(key, _Waiting(key=key))
    return [*new, *told.values()]


def _look(
    gateway_id: str, observation: Observation, marks: Mapping[str, Mark], *, now: datetime
) -> str | None:
    """The key of a gateway that is to be looked at; None where its rows are no reason to."""
    key = gateway_key(gateway_id)
    mark = marks.get(key, Mark())
    if mark.is_due(now):
        return key
    if mark.seen and mark.seen == digest(gateway_id, observation):
        return None
    return key if mark.followed or shows_evidence(observation) else None


def _load(
    journal: Journal,
    observations: Observations,
    batch: Sequence[_Waiting],
    findings: Findings,
    *,
    now: datetime,
) -> list[Loaded]:
    """The gateways of a batch with their histories."""
    places = [each.gateway_id or f"the history {each.key}" for each in batch]
    parts = [partial(_loaded, journal, observations, each, now) for each in batch]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(contained, places, parts))
    loaded: list[Loaded] = []
    for each, one in zip(batch, outcomes, strict=True):
        if isinstance(one, DetectorError):
            findings.failed(one, *filter(None, [each.gateway_id]))
        elif one is not None and one.history.gateway_id not in findings.left_over:
            loaded.append(one)
    return loaded


def _loaded(
    journal: Journal, observations: Observations, waiting: _Waiting, now: datetime
) -> Loaded | None:
    """A gateway with its history, which is new if rows name it; None where none is there."""
    history, tag = journal.load(waiting.key) if waiting.is_listed else (None, None)
    if history is not None and newest_time(history) > now + FARTHEST:
        raise JournalUnavailable(
            f"the history {waiting.key} holds {newest_time(history):%Y-%m-%d}, more than a year"
            " from now; restore an earlier version of it or delete it"
        )
    if history is None:
        if not waiting.gateway_id:
            return None
        history = History(gateway_id=waiting.gateway_id)
    return Loaded(observation=observations.of(history.gateway_id), history=history, tag=tag)


_Found = tuple[Loaded, Facts, Sequence[Reconciled]]
"""A gateway, what was answered about it, and its failovers as of now."""


def _look_up(
    sources: Sources, loaded: Sequence[Loaded], findings: Findings, *, now: datetime
) -> Iterator[_Found]:
    """The failovers of all gateways together; where that fails, half of them by half.

    So a gateway whose rows or history raise what nobody thought of stops only itself.
    """
    if not loaded:
        return
    first, *others = loaded
    place = first.history.gateway_id + (" and others" if others else "")
    found = contained(place, partial(look_up, sources, loaded, now=now))
    if not isinstance(found, DetectorError):
        facts, failovers = found
        yield from ((each, facts, own) for each, own in zip(loaded, failovers, strict=True))
    elif not others:
        findings.failed(found, first.history.gateway_id)
    else:
        half, before = len(loaded) // 2, len(findings.failures.problems)
        yield from _look_up(sources, loaded[:half], findings, now=now)
        yield from _look_up(sources, loaded[half:], findings, now=now)
        if before == len(findings.failures.problems):  # it failed for all together alone
            findings.failed(found)


def _commit_all(
    world: World,
    found: Sequence[_Found],
    findings: Findings,
    *,
    claim: timedelta,
    has_time: Callable[[], bool],
) -> list[Posted]:
    """Write to each gateway's history what is told of it, as long as there is time."""

    places = [loaded.gateway_id for loaded, _, _ in found]
    parts = [
        partial(_in_time, has_time, partial(_commit, world, *one, claim=claim)) for one in found
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(contained, places, parts))
    posts: list[Posted] = []
    for gateway_id, outcome in zip(places, outcomes, strict=True):
        if outcome is None:
            findings.leave([gateway_id])
        elif isinstance(outcome, DetectorError):
            findings.failed(outcome, gateway_id)
        else:
            post, revised, suspected = outcome
            posts.append(post)
            findings.take(revised, suspected)
    return posts


def _in_time(has_time: Callable[[], bool], commit: Callable[[], _Committed]) -> _Committed | None:
    """What is committed; None where there is no time for it any more."""
    return commit() if has_time() else None


def _suspected(loaded: Loaded, facts: Facts) -> Iterator[tuple[str, str | None]]:
    """What is not told since it is not proven, each with what is lacking, if that is known.

    Where the gateway's facts are missing, a lost instance cannot be told from a gateway with one.
    """
    examined = facts.examine(loaded.observation, loaded.history)
    for piece in examined.suspected:
        if piece.at < loaded.observation.since:
            continue
        what = (
            "every tunnel that was logged was lost, on both instances"
            if piece.evidence is Evidence.BOTH_INSTANCES_LOST
            else f"{one_line(piece.from_instance or '', 80)} lost tunnels"
        )
        line = f"{loaded.gateway_id} at {clock(piece.at)}: {what}; {piece.doubt}"
        gateway = facts.gateways.get(loaded.gateway_id)
        why = None if gateway is None else gateway.unknown.get("active_active")
        is_unknown = examined.known.active_active is None
        yield line, f"the gateway's facts are unknown ({why})" if is_unknown and why else None


_Suspected = Sequence[tuple[str, str | None]]
_Committed = tuple[Posted, Revised, _Suspected]
"""What was written of a gateway, what that tells, and what is suspected beside it."""


def _commit(
    world: World,
    loaded: Loaded,
    facts: Facts,
    failovers: Sequence[Reconciled],
    *,
    claim: timedelta,
) -> _Committed:
    """Write what changed to the gateway's history; after another run's, reconcile anew."""
    observation = loaded.observation

    def change(history: History) -> tuple[History, Revised]:
        anew = history is not loaded.history  # another run wrote it first
        own = facts.reconcile(observation, history) if anew else failovers
        revised = revise(world, history, own, facts, since=observation.since, claim=claim)
        return _with_seen(revised.history, observation, facts), revised

    suspected = list(_suspected(loaded, facts))
    history, tag, revised = commit_change(world.journal, loaded.history, loaded.tag, change)
    return Posted(history=history, tag=tag, deliveries=revised.deliveries), revised, suspected


def _with_seen(history: History, observation: Observation, facts: Facts) -> History:
    """The history with the digest of what it was reconciled with, if that leaves nothing open."""
    if not history.records:
        return history
    is_settled = facts.is_settled(observation, history)
    return replace(history, seen=digest(history.gateway_id, observation) if is_settled else "")


def _report(findings: Findings, *, now: datetime) -> Report:
    """The report of what was found, its lists bounded."""
    findings.insights.sort(key=lambda insight: insight.failover.first_at)
    delivery = findings.delivery
    failures = Failures()
    for each in (findings.failures, delivery.failures):
        failures.extend(each)
    report = Report(
        at=now,
        scopes=tuple(
            scope_report(scope, findings.asked[scope], outcome)
            for scope, outcome in findings.outcomes.items()
        ),
        gateways=findings.gateways,
        failovers=findings.failovers,
        told=tuple(told_line(insight) for insight in findings.insights),
        suspected=tuple(findings.suspected),
        notes=tuple(findings.notes),
        unreadable=tuple(line for answer in findings.answers for line in answer.unreadable),
        delivered=delivery.delivered,
        outstanding=tuple(delivery.outstanding),
        given_up=tuple(delivery.given_up),
        problems=tuple(failures.problems),
        traces=tuple(failures.traces),
    )
    return shortened(report, unreadable=sum(answer.more_unreadable for answer in findings.answers))


def _note_run(journal: Journal, findings: Findings, report: Report) -> Report:
    """The report, once the journal has the note of the run; with the reason where it has not.

    A report that cannot be written is noted without what makes it long.
    """
    for noted in (report, Report(at=report.at, problems=report.problems[:1])):
        failed = contained("the note of the run", partial(_note, journal, findings, noted))
        if failed is None:
            break
        report = report.with_failure(failed)
        if not isinstance(failed, Unforeseen):
            break
    return report


def _note(journal: Journal, findings: Findings, report: Report) -> None:
    noted, begun = findings.noted, {scope.id: each.start for scope, each in findings.asked.items()}
    read = findings.read
    complete = {each.scope.id: each.window.end for each in read}
    note = run_note(
        report,
        complete_until={**findings.until, **complete},
        asked_since={**begun, **findings.known},
    )
    note |= watches_after(noted, read, scopes=begun)
    note |= given_up_after(noted, report)
    journal.note_run(note)
