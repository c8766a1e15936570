"""From when on each scope is asked for its rows, by what the last run noted of it.

A run notes for the next one how far each scope is known, so that downtime and failures are caught
up with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter

from detector.diagnosis import EDGE
from detector.insights import Instant
from detector.journal import is_plausible
from detector.model import Scope, Window
from detector.runs.report import Report
from detector.runs.world import World
from detector.text import lasting

LATENESS: Final = timedelta(hours=2)
"""After downtime rows this late at the last complete run are still read."""

_INSTANTS: Final = TypeAdapter(dict[str, Instant])


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


def known_scopes(
    world: World, noted: Mapping[str, object] | None, problems: list[str], *, now: datetime
) -> dict[str, datetime]:
    """For each scope until when it is known, by the last run's note; none is before the first run.

    A note that says nothing may have said anything: then the whole catch-up is looked at again,
    and `problems` says so.
    """
    known = known_until(noted)
    if known or noted is None:
        return known
    problems.append(
        "the note of the last run does not say how far the logs are known; "
        f"this run looked back for {lasting(world.catch_up)}"
    )
    return {scope.id: now - world.catch_up for scope in world.scopes}


def run_note(
    report: Report, *, complete_until: Mapping[str, datetime], asked_since: Mapping[str, datetime]
) -> dict[str, object]:
    """What the journal keeps of the last run: its report, and how far each scope is known.

    That is the end of its last complete window, and before there was one the start of the first
    window that was asked for.
    """
    return {
        "report": report.model_dump(mode="json"),
        "completeUntil": _INSTANTS.dump_python(dict(complete_until), mode="json"),
        "askedSince": _INSTANTS.dump_python(dict(asked_since), mode="json"),
    }


def complete_until(noted: Mapping[str, object] | None) -> dict[str, datetime]:
    """For each scope the end of its last complete window; empty where nothing usable was noted."""
    return _instants(noted, "completeUntil")


def scope_notes(noted: Mapping[str, object] | None) -> dict[str, str]:
    """What the last run had to say of scopes: why one was not read, or that it has no logs."""
    try:
        report = Report.model_validate((noted or {}).get("report"))
    except ValueError:
        return {}
    return {each.scope: each.problem for each in report.scopes if each.problem}


def known_until(noted: Mapping[str, object] | None) -> dict[str, datetime]:
    """For each scope until when it is known; empty where nothing usable was noted."""
    return {**_instants(noted, "askedSince"), **complete_until(noted)}


def _instants(noted: Mapping[str, object] | None, name: str) -> dict[str, datetime]:
    """What a note says for each scope; nothing where one of its times cannot be."""
    try:
        instants = _INSTANTS.validate_python((noted or {}).get(name))
    except ValueError:
        return {}
    return instants if all(map(is_plausible, instants.values())) else {}
