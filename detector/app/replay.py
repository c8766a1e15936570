"""A recording is replayed into a folder, with pages of what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from detector.app import arguments, bootstrap
from detector.app.lookup import write_index
from detector.insights import Insight, timestamp
from detector.local import FolderInsights, Listener, Message, Recording
from detector.runs import Report, Schedule, run_once

_FAR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of it: `written` are the files of each insight and the page of all of them.

    `aside` says where `--now` lies outside of the recording.
    """

    report: Report
    insights: Sequence[Insight]
    messages: Sequence[Message]
    written: Sequence[Path]
    aside: Sequence[str]


def replay_into(
    folder: Path, recording: Path, *, at: datetime | None, digest: timedelta
) -> Replayed:
    """One run as of `at`, by default after the newest row, that remembers in `folder`.

    A body that cannot be read is a problem of the report. Raises RecordingError.
    """
    listener = Listener(digest=digest, zone=arguments.time_zone())
    recorded = Recording.read(recording)
    now = at or recorded.newest + timedelta(milliseconds=1)
    world = bootstrap.of_recording(
        recorded, folder, now=now, articles=arguments.articles(), cloud=arguments.cloud()
    )
    world = replace(world, sinks=(*world.sinks, listener))
    report, insights = run_once(world, now=now, left=lambda: timedelta(minutes=4))
    bodies = recorded.unusable_bodies
    more = [f"and {bodies.more} more bodies cannot be used"] if bodies.more else []
    problems = (*report.problems, *bodies.lines, *more)
    files = FolderInsights(folder, bootstrap.FOLDER_FORMATS)
    written = [path for insight in insights for path in files.paths(insight)]
    return Replayed(
        report=report.model_copy(update={"problems": problems}),
        insights=insights,
        messages=listener.sent,
        written=[*written, write_index(folder, Schedule.read(DAILY), now=now)],
        aside=list(_aside(recorded, recording, at)),
    )


DAILY: Final = "0 0 0 * * *"
"""Nobody runs a replay by a timer; a folder is not called late before three days have passed."""


def _aside(recorded: Recording, recording: Path, at: datetime | None) -> Sequence[str]:
    if at is None or recorded.oldest <= at <= recorded.newest + _FAR:
        return []
    where = "before its first row" if at < recorded.oldest else "long after its last"
    span = f"from {timestamp(recorded.oldest)} to {timestamp(recorded.newest)}"
    return [f"{recording} goes {span}; --now {timestamp(at)} is {where}"]
