"""What a run says of itself: one JSON line in the log, and the note of the last run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from detector.insights import Insight, Instant, Part, Reason
from detector.journal import DeliveryReport
from detector.model import Importance

_INSTANTS: Final = TypeAdapter(dict[str, Instant])


class ScopeReport(Part):
    """One scope's part: its window, and what it answered."""

    scope: str
    window_start: Instant
    window_end: Instant
    complete: bool
    signals: int
    newest: Instant | None
    problem: str | None


class Told(Part):
    """One revision of an insight that the run wrote to the journal."""

    id: str
    revision: int
    reason: Reason
    gateway: str
    scenario: str
    importance: Importance
    verdict: str


class Report(Part):
    """A run, from its window to what is left to do.

    `suspected` names losses of an instance that are not told, since nothing says that the gateway
    is active-active. `unreadable` names rows that could not be used. `problems` are failed parts.
    """

    at: Instant
    scopes: tuple[ScopeReport, ...] = ()
    gateways: int = 0
    failovers: int = 0
    told: tuple[Told, ...] = ()
    suspected: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    delivered: int = 0
    outstanding: tuple[DeliveryReport, ...] = ()
    given_up: tuple[DeliveryReport, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every part of the run did what it should."""
        return not self.problems


def told_line(insight: Insight) -> Told:
    """The line of a report for one insight."""
    return Told(
        id=insight.id,
        revision=insight.revision,
        reason=insight.reason,
        gateway=insight.gateway.id,
        scenario=insight.diagnostic_scenario,
        importance=insight.insight.importance_level,
        verdict=insight.verdict,
    )


def note(
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
    try:
        return _INSTANTS.validate_python((noted or {}).get(name))
    except ValueError:
        return {}
