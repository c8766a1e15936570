"""One run: ask, observe, reconcile, revise and commit, deliver, report.

A run is level-triggered: it reads the whole window again and compares what it sees with what the
histories say was told. Late rows, missed timers, a crash half way, two runs at once and repeated
rows are all one case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from detector.boundary import Failures, contained
from detector.diagnosis import Observation
from detector.errors import DetectorError, JournalUnavailable, Unforeseen
from detector.insights import Insight
from detector.journal import (
    DeliverySummary,
    History,
    Journal,
    Posted,
    commit_change,
    deliver,
    gateway_key,
)
from detector.model import Answer, Evidence, Scope, Window
from detector.runs.answers import Answers
from detector.runs.facts import Facts, Sources, look_up
from detector.runs.heartbeat import given_up_after
from detector.runs.observation import Loaded, Observations, observe, shows_evidence
from detector.runs.reconcile import Reconciled
from detector.runs.report import Report, scope_report, shortened, told_line
from detector.runs.revise import Revised, revise
from detector.runs.watch import watches_after
from detector.runs.windows import complete_until, known_scopes, run_note, windows
from detector.runs.world import World
from detector.text import clock, count, one_line

MARGIN: Final = timedelta(seconds=15)
"""With less than this left a run takes on no more work, and says what is left."""


@dataclass(slots=True)
class Findings:
    """What a run gathers for its report and its note.

    `noted` is the last run's note, and `until` and `known` say how far each scope is known by it.
    `left_over` are the gateways left to the next run. It is `done` unless something stopped it.
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
    failures: Failures = field(default_factory=Failures)
    left_over: set[str] = field(default_factory=set)
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
    due = contained("the list of what is due", partial(world.journal.due, now))
    _recall(world, findings, now=now)
    if isinstance(due, DetectorError):
        findings.failed(due)
        if isinstance(due, JournalUnavailable):
            # Without the journal nobody knows what was told: to tell it again is worse than late.
            return
        due = ()

    # Ask every scope, and observe each gateway in the answers.
    _ask(world, findings)
    observations = observe(findings.answers, asked=len(findings.asked), now=now)
    findings.gateways = len(observations.by_gateway) + len(observations.failed)
    for gateway_id, error in observations.failed.items():
        findings.failed(error, gateway_id)

    # Reconcile each with its history, and look up what is still unknown.
    loaded = _load(world.journal, observations, due, findings)
    sources = Answers(world.sources, findings.failures).sources
    found = list(_look_up(sources, loaded, findings, now=now))

    # Decide what is to be told, compose it and commit it to the histories; then deliver it.
    posts = _commit_all(world, found, findings, claim=claim, has_time=has_time)
    findings.delivery = deliver(world.journal, world.sinks, posts, now=now, has_time=has_time)
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


def _load(
    journal: Journal, observations: Observations, due: Sequence[str], findings: Findings
) -> list[Loaded]:
    """The gateways to look at: those with evidence of a switch-over, and those that are due."""
    seen: dict[str, str] = {}
    moved: list[str] = []
    for gateway_id, observation in observations.by_gateway.items():
        known = contained(gateway_id, partial(_keyed, gateway_id, observation))
        if isinstance(known, DetectorError):
            findings.failed(known, gateway_id)
            continue
        key, has_moved = known
        seen[key] = gateway_id
        moved += [key] if has_moved else []
    loaded: list[Loaded] = []
    for key in dict.fromkeys([*moved, *due]):
        own = [seen[key]] if key in seen else []
        place = own[0] if own else f"the history {key}"
        one = contained(place, partial(_loaded, journal, key, own, observations))
        if isinstance(one, DetectorError):
            findings.failed(one, *own)
        elif one is not None and one.history.gateway_id not in findings.left_over:
            loaded.append(one)
    return loaded


def _keyed(gateway_id: str, observation: Observation) -> tuple[str, bool]:
    """The key of a gateway's history, and whether its rows show evidence of a switch-over."""
    return gateway_key(gateway_id), shows_evidence(observation)


def _loaded(
    journal: Journal, key: str, gateway_ids: Sequence[str], observations: Observations
) -> Loaded | None:
    """A gateway with its history, which is new if rows name it; None where none is there."""
    history, tag = journal.load(key)
    if history is None:
        if not gateway_ids:
            return None
        history = History(gateway_id=gateway_ids[0])
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
    posts: list[Posted] = []
    for number, (each, facts, reconciled) in enumerate(found):
        if not has_time():
            waiting = count(len(found) - number, "gateway")
            findings.failures.problems.append(
                f"the run's time is up: {waiting} left to the next run"
            )
            findings.left_over |= {other.history.gateway_id for other, _, _ in found[number:]}
            break
        post = contained(
            each.gateway_id,
            partial(_commit, world, each, reconciled, facts, findings, claim=claim),
        )
        if isinstance(post, DetectorError):
            findings.failed(post, each.history.gateway_id)
        else:
            posts.append(post)
    return posts


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


def _commit(
    world: World,
    loaded: Loaded,
    failovers: Sequence[Reconciled],
    facts: Facts,
    findings: Findings,
    *,
    claim: timedelta,
) -> Posted:
    """Write what changed to the gateway's history; after another run's, reconcile anew.

    The findings are those of what was written, and of what is suspected beside it.
    """
    observation = loaded.observation

    def change(history: History) -> tuple[History, Revised]:
        anew = history is not loaded.history  # another run wrote it first
        own = facts.reconcile(observation, history) if anew else failovers
        revised = revise(world, history, own, facts, since=observation.since, claim=claim)
        return revised.history, revised

    for line, lacking in _suspected(loaded, facts):
        if lacking is None:
            findings.suspected.append(line)
        else:
            findings.failures.problems.append(f"{line}: {lacking}")
    history, tag, revised = commit_change(world.journal, loaded.history, loaded.tag, change)
    findings.failovers += revised.failovers
    findings.insights += revised.insights
    findings.failures.problems += revised.problems
    return Posted(history=history, tag=tag, deliveries=revised.deliveries)


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
