"""Whole nights, from the rows of a recording to what is told at each run.

Each file of `stories/` is one: what Azure knows, what it logs and when that arrives, when the
detector runs, and, below `## Told`, what it then tells. `UPDATE_GOLDEN=1` writes that part anew,
to be read aloud. `story.py` says how its lines are read.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import pytest

from detector.app.bootstrap import of_recording
from detector.insights.document import (
    AlreadyDownFacts,
    Insight,
    OutageFacts,
    RedundancyFacts,
    TunnelLossFacts,
)
from detector.local.listener import Listener, Message
from detector.runs.report import Report
from detector.runs.run import run_once
from detector.text import clock, day, lasting
from tests.story import Story, instant

STORIES: Final = sorted(Path(__file__).with_name("stories").glob("*.md"))
ARTICLES: Final = Path(__file__).parents[1] / "articles"
QUIET: Final = ["Nothing."]
DIGEST: Final = timedelta(minutes=15)
MANY: Final = 4
"""So many insights of one run are read aloud by their verdicts alone."""


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_is_told_run_by_run_and_then_no_more(path: Path, tmp_path: Path) -> None:
    story = Story.read(path)
    recording = story.record(tmp_path / "recording")

    def run(now: datetime) -> list[str]:
        world = of_recording(recording, tmp_path / "out", now=now, articles=ARTICLES)
        people = Listener(digest=DIGEST)
        world = replace(
            world,
            sources=story.sources(world.sources, now=now),
            sinks=(*world.sinks, people),
        )
        report, insights = run_once(world, now=now, left=lambda: timedelta(minutes=4))
        return list(in_words(report, insights, people.sent, now=now))

    told = "\n".join(_told([(now, run(now)) for now in story.runs]))
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(f"{story.given}## Told\n\n{told}", encoding="utf-8")
        story = Story.read(path)

    assert story.told == told
    assert not any("**" in line for line in run(story.runs[-1] + timedelta(minutes=1)))


def test_every_kind_of_night_has_its_story() -> None:
    assert 70 <= len(STORIES)


def _told(runs: Sequence[tuple[datetime, list[str]]]) -> Iterator[str]:
    """What each run tells, below its time; runs in a row that tell nothing share their heading."""
    for is_quiet, own in groupby(runs, key=lambda run: run[1] == QUIET):
        every = list(own)
        if is_quiet and len(every) > 1:
            yield from (f"### {_time(every[0][0])} to {_time(every[-1][0])}", "", *QUIET, "")
            continue
        for now, lines in every:
            yield from (f"### {_time(now)}", "", *lines, "")


def _time(now: datetime) -> str:
    """The time of a run, with its date where that is not the story's day."""
    return f"{now:%H:%M}" if now.date() == instant("00:00").date() else f"{now:%-d Nov %H:%M}"


def in_words(
    report: Report, insights: Sequence[Insight], heard: Sequence[Message], *, now: datetime
) -> Iterator[str]:
    """What a run tells, as a person would read it aloud; of four or more, a verdict each.

    `heard` is what people were sent, of whom some hear everything.
    """

    def when(at: datetime) -> str:
        return clock(at) if at.date() == now.date() else day(at)

    if not (insights or heard or report.suspected or report.problems):
        yield from QUIET
    for message in heard:
        yield f"Heard: {message.severity}: {message.title}"
    if heard and insights:
        yield ""
    for number, insight in enumerate(insights):
        if number:
            yield ""
        reasons = ", ".join(insight.reasons)
        yield f"**{reasons}**, {insight.insight.importance_level}, {insight.failover.state}:"
        yield f"> {insight.verdict}"
        if len(insights) < MANY:
            yield ""
            yield from _in_full(insight, when)
    for line in report.suspected:
        yield f"Suspected, not told: {line.rpartition('/')[-1]}"
    for line in report.problems:
        yield f"Problem: {line.rpartition('/')[-1]}"


def _in_full(insight: Insight, when: Callable[[datetime], str]) -> Iterator[str]:
    failover, cause = insight.failover, insight.failover.cause
    yield f"- Advice: {insight.advice}"
    yield f"- Cause: {cause.kind}. {cause.statement}"
    for known in failover.switch_overs:
        since = f", not before {when(known.not_before)}" if known.not_before else ""
        yield f"- Switched over at {when(known.at)}{since} ({known.evidence})"
    for outage in failover.outages:
        end = "followed no more" if not outage.followed else "not seen to end"
        if outage.to and outage.seconds is not None:
            end = f"until {when(outage.to)}, {_length(outage.seconds)}, as the log says"
        elif outage.to and outage.at_most is not None:
            end = f"until {when(outage.to)}, {_length(outage.at_most)} at most, as ARM says"
        elif outage.at_most is not None:
            end = f"{_length(outage.at_most)} at most"
        yield f"- {_tunnel(outage)} down from {when(outage.from_)}, {end}"
    for lost in failover.redundancy_lost:
        yield f"- Redundancy of {lost.instance} lost from {when(lost.from_)}, {_end(lost, when)}:"
        for tunnel in lost.tunnels:
            yield f"  - {_tunnel(tunnel)} from {when(tunnel.from_)}, {_end(tunnel, when)}"
    for maybe in failover.maybe_out:
        yield f"- Perhaps {_tunnel(maybe)} from {when(maybe.from_)}, {_end(maybe, when)}"
    for before in failover.already_down:
        yield f"- {_tunnel(before)} already down since {when(before.since)}"
    yield f"- Told by {insight.diagnostic_scenario}"
    unknown = defaultdict(list)
    for fact, why in insight.gateway.unknown.items():
        unknown[why].append(fact)
    for why, facts in unknown.items():
        yield f"- Unknown: {', '.join(facts)} ({why})"


def _tunnel(part: OutageFacts | TunnelLossFacts | AlreadyDownFacts) -> str:
    return f"{part.connection} ({part.remote_ip})" if part.connection else part.remote_ip


def _end(part: RedundancyFacts | TunnelLossFacts, when: Callable[[datetime], str]) -> str:
    return f"until {when(part.to)}" if part.to else "no end logged"


def _length(seconds: float) -> str:
    return lasting(timedelta(seconds=seconds))
