"""One run: ask, find, fold, tell, deliver, report.

A run is level-triggered: it reads the whole window again and compares what it sees with what the
histories say was told. Late rows, missed timers, a crash half way, two runs at once and repeated
rows are all one case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from detector.errors import JournalConflict, JournalUnavailable
from detector.insights import Insight, Library
from detector.journal import (
    Delivery,
    History,
    Journal,
    Posted,
    Record,
    Sink,
    commit_change,
    deliver,
    gateway_key,
    outbox,
)
from detector.model import Answer, Scope, Window
from detector.runs.facts import Facts, Sources, look_up
from detector.runs.observation import EDGE, Case, Sightings, sightings
from detector.runs.ports import Signals
from detector.runs.report import Report, ScopeReport, complete_until, known_until, note, told_line
from detector.runs.revise import Draft, Teller
from detector.text import clock, count, lasting

LATENESS: Final = timedelta(hours=2)
"""After downtime rows this late at the last complete run are still read."""

MARGIN: Final = timedelta(seconds=15)
"""With less than this left a run takes on no more work, and says what is left."""

Due = Sequence[tuple[Record, Delivery]]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a run needs from outside, as values and ports."""

    scopes: Sequence[Scope]
    lookback: timedelta
    catch_up: timedelta
    signals: Signals
    sources: Sources
    journal: Journal
    sinks: Sequence[Sink]
    library: Library


@dataclass(slots=True)
class Findings:
    """What a run gathers for its report; `left_over` are the keys of gateways left to the next."""

    told: list[Insight] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    suspected: list[str] = field(default_factory=list)
    failovers: int = 0
    left_over: set[str] = field(default_factory=set)

    def note(self, case: Case, facts: Facts) -> None:
        """Take in what a case shows and nobody is told."""
        self.suspected += [
            f"{case.gateway_id} at {clock(loss.at)}: {loss.from_instance} lost tunnels together; "
            "nothing says that the gateway is active-active"
            for loss in case.suspected(facts.gateways.get(case.gateway_id))
        ]

    def has_all(self, answer: Answer) -> bool:
        """Whether nothing that `answer` tells of had to be left over to the next run."""
        if not self.left_over:
            return True
        gateway_ids = {signal.gateway_id for signal in answer.signals}
        return self.left_over.isdisjoint(map(gateway_key, gateway_ids))


def run_once(
    world: World, *, now: datetime, left: Callable[[], timedelta]
) -> tuple[Report, list[Insight]]:
    """The report of one run at `now`, and the insights that it told.

    `left` says how much time is left of the run. Every part that fails stands in the report's
    `problems`; it stops only itself.
    """
    findings = Findings()
    # No run that begins later is to deliver what this one does, until this one has ended.
    claim = left() + MARGIN
    try:
        due = world.journal.due(now)
    except JournalUnavailable as error:
        # Without the journal nobody knows what was told: telling again would be worse than late.
        return Report(at=now, problems=(str(error),)), []
    noted = _last_note(world, findings)
    known = _known(world, noted, findings, now)
    asked = windows(world, known, now)
    answers, scopes = _ask(world, asked, findings)
    seen = sightings(answers, asked=len(asked), now=now)
    opened = _open(world, seen, due, findings)
    teller = Teller(library=world.library, sinks=world.sinks, now=now, claim=claim)
    posts = _tell(world, opened, teller, findings, left=left)
    insights = sorted(findings.told, key=lambda insight: insight.failover.first_at)
    delivery = deliver(
        world.journal, world.sinks, posts, now=now, has_time=lambda: left() >= MARGIN
    )
    report = Report(
        at=now,
        scopes=scopes,
        gateways=len(seen.of),
        failovers=findings.failovers,
        told=tuple(told_line(insight) for insight in insights),
        suspected=tuple(findings.suspected),
        unreadable=tuple(line for answer in answers for line in answer.unreadable),
        delivered=delivery.delivered,
        outstanding=tuple(delivery.outstanding),
        given_up=tuple(delivery.given_up),
        problems=(*findings.problems, *delivery.problems),
    )
    complete = {
        answer.scope.id: answer.window.end for answer in answers if findings.has_all(answer)
    }
    begun = {scope.id: window.start for scope, window in asked.items()}
    try:
        world.journal.note_run(
            note(
                report,
                complete_until={**complete_until(noted), **complete},
                asked_since={**begun, **known},
            )
        )
    except JournalUnavailable as error:
        report = report.model_copy(update={"problems": (*report.problems, str(error))})
    return report, insights


def _last_note(world: World, findings: Findings) -> Mapping[str, object] | None:
    """What the last run noted, None before the first; a note that cannot be read is empty."""
    try:
        return world.journal.last_run()
    except JournalUnavailable as error:
        findings.problems.append(str(error))
        return {}


def _known(
    world: World, noted: Mapping[str, object] | None, findings: Findings, now: datetime
) -> dict[str, datetime]:
    """For each scope until when it is known; none is before the first run.

    A note that says nothing may have said anything: then the whole catch-up is looked at again.
    """
    known = known_until(noted)
    if known or noted is None:
        return known
    findings.problems.append(
        "the note of the last run does not say how far the logs are known; "
        f"this run looked back for {lasting(world.catch_up)}"
    )
    return {scope.id: now - world.catch_up for scope in world.scopes}


def windows(world: World, known: Mapping[str, datetime], now: datetime) -> dict[Scope, Window]:
    """For each scope the window to ask for: the lookback, and after downtime as far as needed.

    Then it begins so long before the scope's last complete window ended that the rows which came
    2 hours late to that one are not cut off; never more than the catch-up ago. A note from the
    future, by a clock that was wrong, proves nothing, so the whole catch-up is asked for.
    """

    def start(scope: Scope) -> datetime:
        last = known.get(scope.id, now)
        missed = now - world.catch_up
        needed = missed if last > now else max(last - LATENESS - EDGE, missed)
        return min(now - world.lookback, needed)

    return {scope: Window(start=start(scope), end=now) for scope in world.scopes}


def _ask(
    world: World, asked: Mapping[Scope, Window], findings: Findings
) -> tuple[list[Answer], tuple[ScopeReport, ...]]:
    """The complete answers, and what is to be reported of every scope."""
    answers: list[Answer] = []
    reports: list[ScopeReport] = []
    windows_by_id = {scope.id: window for scope, window in asked.items()}
    for outcome in world.signals(asked):
        answer = outcome if isinstance(outcome, Answer) else None
        if answer is not None:
            answers.append(answer)
        else:
            findings.problems.append(str(outcome))
        scope = str(outcome.scope)
        window = windows_by_id[scope]
        reports.append(
            ScopeReport(
                scope=scope,
                window_start=window.start,
                window_end=window.end,
                complete=answer is not None,
                signals=len(answer.signals) if answer else 0,
                newest=answer.newest if answer else None,
                problem=answer.no_logs if answer else str(outcome),
            )
        )
    return answers, tuple(reports)


def _open(world: World, seen: Sightings, due: Iterable[str], findings: Findings) -> list[Case]:
    """The cases to look at: gateways with evidence of a switch-over, and those that are due."""
    sighted = {gateway_key(gateway_id): gateway_id for gateway_id in seen.of}
    wanted = {gateway_key(gateway_id): None for gateway_id, each in seen.of.items() if each.found}
    opened: list[Case] = []
    for name in wanted | dict.fromkeys(due):
        try:
            history, tag = world.journal.load(name)
        except JournalUnavailable as error:
            findings.problems.append(str(error))
            findings.left_over.add(name)
            continue
        if history is None:
            if name not in sighted:
                continue
            history = History(gateway_id=sighted[name])
        sighting = seen.of.get(history.gateway_id, seen.blank)
        opened.append(Case(sighting=sighting, history=history, tag=tag))
    return opened


def _tell(
    world: World,
    opened: Sequence[Case],
    teller: Teller,
    findings: Findings,
    *,
    left: Callable[[], timedelta],
) -> list[Posted]:
    """Fold each case, compose what is to be told, and write it to the journal: the commit."""
    facts = look_up(world.sources, opened, now=teller.now)
    posts: list[Posted] = []
    for number, each in enumerate(opened):
        if left() < MARGIN:
            waiting = count(len(opened) - number, "gateway")
            findings.problems.append(f"the run's time is up: {waiting} left to the next run")
            findings.left_over |= {case.history.key for case in opened[number:]}
            break
        findings.note(each, facts)
        try:
            posts.append(_commit(world.journal, each, facts, teller, findings))
        except (JournalUnavailable, JournalConflict) as error:
            findings.problems.append(str(error))
            findings.left_over.add(each.history.key)
    return posts


def _commit(
    journal: Journal, case: Case, facts: Facts, teller: Teller, findings: Findings
) -> Posted:
    """Write what changed to the gateway's history; what another run wrote first is folded anew."""

    def fold_anew(history: History) -> tuple[History, tuple[Draft, Due]]:
        draft = teller.draft(replace(case, history=history), facts)
        return draft.history, (draft, outbox.due(history, now=teller.now))

    history, tag, (draft, due) = commit_change(journal, case.history, case.tag, fold_anew)
    findings.failovers += draft.failovers
    findings.told += draft.insights
    findings.problems += draft.problems
    own = [*due, *outbox.of_revisions(history, draft.insights)]
    return Posted(history=history, tag=tag, deliveries=own)
