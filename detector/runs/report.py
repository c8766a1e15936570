"""What a run says of itself: one JSON line in the log."""

from __future__ import annotations

from detector.errors import LogsRefused, LogsUnavailable
from detector.insights import Insight, Instant, Part, Reason
from detector.journal import DeliveryReport
from detector.model import Answer, Importance, Window


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


def scope_report(outcome: Answer | LogsRefused | LogsUnavailable, window: Window) -> ScopeReport:
    """What one scope answered for `window`."""
    answer = outcome if isinstance(outcome, Answer) else None
    return ScopeReport(
        scope=str(outcome.scope),
        window_start=window.start,
        window_end=window.end,
        complete=answer is not None,
        signals=len(answer.signals) if answer else 0,
        newest=answer.newest if answer else None,
        problem=answer.no_logs if answer else str(outcome),
    )
