"""One run: ask, observe, reconcile, revise and commit, deliver, report.

A run is level-triggered: it reads the whole window again and compares what it sees with what the
histories say was told. Late rows, missed timers, a crash half way, two runs at once and repeated
rows are all one case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from detector.errors import JournalConflict, JournalUnavailable, unforeseen
from detector.insights import Insight
from detector.journal import History, Journal, Posted, commit_change, deliver, gateway_key
from detector.model import Answer, Evidence, Scope
from detector.runs.facts import Facts, look_up
from detector.runs.heartbeat import given_up_after
from detector.runs.observation import Loaded, Observations, observe, shows_evidence
from detector.runs.reconcile import Reconciled
from detector.runs.report import Report, scope_report, told_line
from detector.runs.revise import Revised, revise
from detector.runs.watch import watches_after
from detector.runs.windows import complete_until, known_scopes, run_note, windows
from detector.runs.world import World
from detector.text import clock, count, one_line

MARGIN: Final = timedelta(seconds=15)
"""With less than this left a run takes on no more work, and says what is left."""


@dataclass(slots=True)
class Findings:
    """What a run gathers for its report; `left_over` are the keys of gateways left to the next."""

    failovers: int = 0
    insights: list[Insight] = field(default_factory=list)
    suspected: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left_over: set[str] = field(default_factory=set)

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

    def has_time() -> bool:
        return left() >= MARGIN

    # No run that begins later is to deliver what this one does, until this one has ended.
    claim = left() + MARGIN
    try:
        due = world.journal.due(now)
    except JournalUnavailable as error:
        # Without the journal nobody knows what was told: telling again would be worse than late.
        return Report(at=now, problems=(str(error),)), []
    findings = Findings()
    noted = _last_note(world.journal, findings)
    known = known_scopes(world, noted, findings.problems, now=now)

    # Ask every scope, and observe each gateway in the answers.
    asked = windows(world, known, now)
    outcomes = world.signals(asked)
    answers = [each for each in outcomes if isinstance(each, Answer)]
    findings.problems += [str(each) for each in outcomes if not isinstance(each, Answer)]
    observations = observe(answers, asked=len(asked), now=now)

    # Reconcile each with its history, and look up what is still unknown.
    loaded = _load(world.journal, observations, due, findings)
    found = _look_up_all(world, loaded, findings, now=now)

    # Decide what is to be told, compose it and commit it to the histories; then deliver it.
    posts = _commit_all(world, found, findings, claim=claim, has_time=has_time)
    delivery = deliver(world.journal, world.sinks, posts, now=now, has_time=has_time)

    # Report, and note for the next run how far each scope is known.
    insights = sorted(findings.insights, key=lambda insight: insight.failover.first_at)
    report = Report(
        at=now,
        scopes=tuple(scope_report(each, asked[Scope(id=str(each.scope))]) for each in outcomes),
        gateways=len(observations.by_gateway),
        failovers=findings.failovers,
        told=tuple(told_line(insight) for insight in insights),
        suspected=tuple(findings.suspected),
        unreadable=tuple(line for answer in answers for line in answer.unreadable),
        delivered=delivery.delivered,
        outstanding=tuple(delivery.outstanding),
        given_up=tuple(delivery.given_up),
        problems=(*findings.problems, *delivery.problems),
    )
    read = [each for each in answers if findings.has_all(each)]
    complete = {each.scope.id: each.window.end for each in read}
    begun = {scope.id: window.start for scope, window in asked.items()}
    note = run_note(
        report,
        complete_until={**complete_until(noted), **complete},
        asked_since={**begun, **known},
    )
    note |= watches_after(noted, read, scopes=begun)
    note |= given_up_after(noted, report)
    return _note_run(world.journal, note, report), insights


def _last_note(journal: Journal, findings: Findings) -> Mapping[str, object] | None:
    """What the last run noted, None before the first; a note that cannot be read is empty."""
    try:
        return journal.last_run()
    except JournalUnavailable as error:
        findings.problems.append(str(error))
        return {}


def _load(
    journal: Journal, observations: Observations, due: Iterable[str], findings: Findings
) -> list[Loaded]:
    """The gateways to look at: those with evidence of a switch-over, and those that are due."""
    gateway_ids = {gateway_key(gateway_id): gateway_id for gateway_id in observations.by_gateway}
    moved = [
        key
        for key, gateway_id in gateway_ids.items()
        if shows_evidence(observations.of(gateway_id))
    ]
    loaded: list[Loaded] = []
    for key in dict.fromkeys([*moved, *due]):
        try:
            history, tag = journal.load(key)
        except JournalUnavailable as error:
            findings.problems.append(str(error))
            findings.left_over.add(key)
            continue
        if history is None:
            if key not in gateway_ids:
                continue
            history = History(gateway_id=gateway_ids[key])
        observation = observations.of(history.gateway_id)
        loaded.append(Loaded(observation=observation, history=history, tag=tag))
    return loaded


_Found = tuple[Loaded, Facts, Sequence[Reconciled]]
"""A gateway, what was answered about it, and its failovers as of now."""


def _look_up_all(
    world: World, loaded: Sequence[Loaded], findings: Findings, *, now: datetime
) -> list[_Found]:
    """The failovers of all gateways; where that fails unforeseen, of each by itself.

    One whose rows or history raise what nobody thought of stops only itself.
    """
    with suppress(Exception):  # the boundary: then each is tried alone, and who raises is named
        facts, failovers = look_up(world.sources, loaded, now=now)
        return [(each, facts, own) for each, own in zip(loaded, failovers, strict=True)]
    found: list[_Found] = []
    for each in loaded:
        try:
            facts, [own] = look_up(world.sources, [each], now=now)
        except Exception as error:  # noqa: BLE001 -- the boundary
            findings.problems.append(unforeseen(error, each.gateway_id))
            findings.left_over.add(each.history.key)
        else:
            found.append((each, facts, own))
    return found


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
            findings.problems.append(f"the run's time is up: {waiting} left to the next run")
            findings.left_over |= {other.history.key for other, _, _ in found[number:]}
            break
        try:
            for line, lacking in _suspected(each, facts):
                if lacking is None:
                    findings.suspected.append(line)
                else:
                    findings.problems.append(f"{line}: {lacking}")
            posts.append(_commit(world, each, reconciled, facts, findings, claim=claim))
        except (JournalUnavailable, JournalConflict) as error:
            findings.problems.append(str(error))
            findings.left_over.add(each.history.key)
        except Exception as error:  # noqa: BLE001 -- the boundary: the other gateways go on
            findings.problems.append(unforeseen(error, each.gateway_id))
            findings.left_over.add(each.history.key)
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
    """Write what changed to the gateway's history; after another run's, reconcile anew."""
    observation = loaded.observation

    def change(history: History) -> tuple[History, Revised]:
        anew = history is not loaded.history  # another run wrote it first
        own = facts.reconcile(observation, history) if anew else failovers
        revised = revise(world, history, own, facts, since=observation.since, claim=claim)
        return revised.history, revised

    history, tag, revised = commit_change(world.journal, loaded.history, loaded.tag, change)
    findings.failovers += revised.failovers
    findings.insights += revised.insights
    findings.problems += revised.problems
    return Posted(history=history, tag=tag, deliveries=revised.deliveries)


def _note_run(journal: Journal, note: Mapping[str, object], report: Report) -> Report:
    """The report, once the journal has the note of the run; with the reason where it has not."""
    try:
        journal.note_run(note)
    except JournalUnavailable as error:
        return report.model_copy(update={"problems": (*report.problems, str(error))})
    return report
