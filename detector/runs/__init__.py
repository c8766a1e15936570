"""One run, from the rows to the report, and what shares its steps: status, drill and explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.runs.checks import READER, SEEN, Found, checks_of, grant, scope_id, shell_group
    from detector.runs.coverage import (
        CoverageReport,
        Probes,
        check_coverage,
        last_coverage,
        look,
    )
    from detector.runs.drill import drill_insight, send_drill
    from detector.runs.explain import explain_recording
    from detector.runs.facts import Sources
    from detector.runs.report import Report, told_line
    from detector.runs.run import run_once
    from detector.runs.schedule import Schedule
    from detector.runs.status import status_lines, status_of
    from detector.runs.world import World

__all__ = [
    "READER",
    "SEEN",
    "CoverageReport",
    "Found",
    "Probes",
    "Report",
    "Schedule",
    "Sources",
    "World",
    "check_coverage",
    "checks_of",
    "drill_insight",
    "explain_recording",
    "grant",
    "last_coverage",
    "look",
    "run_once",
    "scope_id",
    "send_drill",
    "shell_group",
    "status_lines",
    "status_of",
    "told_line",
]

__getattr__ = lazily(
    __name__,
    checks=("READER", "SEEN", "Found", "checks_of", "grant", "scope_id", "shell_group"),
    coverage=("CoverageReport", "Probes", "check_coverage", "last_coverage", "look"),
    drill=("drill_insight", "send_drill"),
    explain=("explain_recording",),
    facts=("Sources",),
    report=("Report", "told_line"),
    run=("run_once",),
    schedule=("Schedule",),
    status=("status_lines", "status_of"),
    world=("World",),
)
