"""One invocation of the function: a run by the app's settings, logged, red where a part failed."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from detector.app import bootstrap
from detector.app.forms import FolderStore
from detector.app.settings import Settings
from detector.coverage import CoverageReport, check_coverage
from detector.errors import JournalUnavailable, RunFailed
from detector.insights import Check, Insight
from detector.journal import ReadOnly
from detector.runs import Report, World, log_line, run_once, told_line
from detector.text import cut, visible_json
from detector.version import VERSION

TIME_LIMIT: Final = timedelta(minutes=4)
"""How long a run may take: less than host.json's functionTimeout, and than the timer's period."""

LONGEST_TRACE: Final = 4000

_log = logging.getLogger("detector")


def invoke() -> None:
    """Run once, and log one JSON line for each insight and one for the run.

    Raises SettingsError or CatalogError before anything is asked, and RunFailed at the end.
    """
    report, _ = invoke_with(Settings.read(os.environ))
    if not report.ok:
        raise RunFailed(report.problems, more=report.more.get("problems", 0))


def invoke_with(settings: Settings) -> tuple[Report, list[Insight]]:
    """One run by these settings with the real clock, logged."""
    left = _countdown()
    world = bootstrap.of_azure(settings, clock=utc_now, left=left)
    report, insights = run_once(world, now=utc_now(), left=left)
    for level, line in log_lines(report, insights):
        _log.log(level, "%s", line)
    if isinstance(settings.store, FolderStore):
        _write_index(settings, settings.store.folder)
    return report, insights


def log_lines(report: Report, insights: Iterable[Insight]) -> Iterator[tuple[int, str]]:
    """What is logged of a run, each with its level: the insights, and the run itself last.

    Where in the code a defect was is for DEBUG.
    """
    for insight in insights:
        yield logging.INFO, f'{{"insight": {log_line(told_line(insight))}}}'
    for trace in report.traces:
        yield logging.DEBUG, f'{{"trace": {visible_json(json.dumps(cut(trace, LONGEST_TRACE)))}}}'
    level = logging.INFO if report.ok else logging.ERROR
    yield level, f'{{"run": {log_line(report)}, "version": "{VERSION}"}}'


def look_round() -> None:
    """Check which gateways are seen at all, tell what changed, and log one JSON line.

    Raises SettingsError before anything is asked, JournalUnavailable before anything is told, and
    RunFailed at the end where somebody could not be told.
    """
    report = look_round_with(Settings.read(os.environ))
    if not report.ok:
        raise RunFailed(report.problems)


def look_round_with(settings: Settings) -> CoverageReport:
    """One check of coverage by these settings with the real clock, logged."""
    left = _countdown()
    report = check_coverage(
        bootstrap.archive_of(settings),
        bootstrap.probes_of(settings, left=left),
        settings.scopes,
        bootstrap.sinks_of(settings, clock=utc_now),
        now=utc_now(),
        left=left,
    )
    level = logging.INFO if report.ok else logging.ERROR
    _log.log(level, '{"coverage": %s, "version": "%s"}', log_line(report), VERSION)
    return report


def examine(environ: Mapping[str, str]) -> Iterator[Check]:
    """The doctor's checks of an environment, with the real clock."""
    from detector.app.doctor import doctor

    return doctor(environ, now=utc_now(), left=_countdown())


def _write_index(settings: Settings, folder: Path) -> None:
    """Write the folder's page of all failovers, which nobody waits for."""
    from detector.app.lookup import write_index

    try:
        write_index(folder, settings.schedule, now=utc_now())
    except JournalUnavailable as error:
        _log.warning("%s", error)


def rehearse_with(settings: Settings) -> tuple[Report, list[Insight]]:
    """What a run by these settings would tell: nothing is written and nothing sent."""
    left = _countdown()
    world = bootstrap.checked(bootstrap.of_azure(settings, clock=utc_now, left=left))
    rehearsed = replace(world, journal=ReadOnly(world.journal), sinks=())
    return run_once(rehearsed, now=utc_now(), left=left)


def world_of(settings: Settings) -> World:
    """The world of these settings with the real clock, for what is not a run."""
    return bootstrap.checked(bootstrap.of_azure(settings, clock=utc_now, left=_countdown()))


def _countdown() -> Callable[[], timedelta]:
    deadline = time.monotonic() + TIME_LIMIT.total_seconds()
    return lambda: timedelta(seconds=deadline - time.monotonic())


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)
