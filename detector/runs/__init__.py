"""One run, from the rows to the report, and what shares its steps: status, drill and explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.runs.drill import drill_insight, send_drill
    from detector.runs.explain import explain_recording
    from detector.runs.facts import Sources
    from detector.runs.heartbeat import heartbeat_of, last_complete
    from detector.runs.report import Report, log_line, told_line
    from detector.runs.run import run_once
    from detector.runs.schedule import Schedule
    from detector.runs.status import late_before, status_lines, status_of
    from detector.runs.watch import watched, watches
    from detector.runs.windows import known_until
    from detector.runs.world import World

__all__ = [
    "Report",
    "Schedule",
    "Sources",
    "World",
    "drill_insight",
    "explain_recording",
    "heartbeat_of",
    "known_until",
    "last_complete",
    "late_before",
    "log_line",
    "run_once",
    "send_drill",
    "status_lines",
    "status_of",
    "told_line",
    "watched",
    "watches",
]

__getattr__ = lazily(
    __name__,
    drill=("drill_insight", "send_drill"),
    explain=("explain_recording",),
    facts=("Sources",),
    heartbeat=("heartbeat_of", "last_complete"),
    report=("Report", "log_line", "told_line"),
    run=("run_once",),
    schedule=("Schedule",),
    status=("late_before", "status_lines", "status_of"),
    watch=("watched", "watches"),
    windows=("known_until",),
    world=("World",),
)
