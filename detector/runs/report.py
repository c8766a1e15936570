"""What a run says of itself: one JSON line in the log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field
from pydantic.alias_generators import to_camel

from detector.errors import DetectorError, Unforeseen
from detector.insights import Insight, Instant, Part, Reason
from detector.journal import DeliveryReport
from detector.model import Answer, Importance, Scope, Window
from detector.text import cut, visible_json

EXAMPLES: Final = 20
"""So many of what is alike a report names; of the others it says how many there are."""

LONGEST_LINE: Final = 32_000
"""No line of the log is longer: Application Insights cuts a message after 32,768 characters.

https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete
"""

_ROOM: Final = LONGEST_LINE - 200  # what stands around a report in its line

_LONGEST_PROBLEM: Final = 1000

_SHORTER: Final = ((20, 1000), (20, 300), (5, 200), (1, 80))
"""How many entries of each list, and how many characters of each text, a line of the log has."""


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
    is active-active. `notes` say how facts were had, where that matters. `unreadable` names rows
    that could not be used. `problems` are failed parts. `more` counts, by the name of a list, those
    that it leaves out. `traces` say where in the code what nobody thought of went wrong; they are
    for the log at DEBUG and stand in no JSON.
    """

    at: Instant
    scopes: tuple[ScopeReport, ...] = ()
    gateways: int = 0
    failovers: int = 0
    told: tuple[Told, ...] = ()
    suspected: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    delivered: int = 0
    outstanding: tuple[DeliveryReport, ...] = ()
    given_up: tuple[DeliveryReport, ...] = ()
    problems: tuple[str, ...] = ()
    more: Mapping[str, int] = Field(default_factory=dict)
    traces: tuple[str, ...] = Field(default=(), exclude=True, repr=False)

    @property
    def ok(self) -> bool:
        """Whether every part of the run did what it should."""
        return not self.problems

    def with_failure(self, error: DetectorError) -> Report:
        """The report with one more part that failed."""
        traces = (error.trace,) if isinstance(error, Unforeseen) else ()
        return self.model_copy(
            update={
                "problems": (*self.problems, str(error)),
                "traces": (*self.traces, *traces),
            }
        )


def shortened(report: Report, *, unreadable: int) -> Report:
    """The report with `EXAMPLES` in each of its lists but that of scopes, and how many more.

    There were `unreadable` rows more than it names already.
    """
    lists: dict[str, Sequence[object]] = {
        name: getattr(report, name)
        for name in (
            *("told", "suspected", "notes", "unreadable", "outstanding", "given_up", "problems"),
        )
    }
    more = {name: max(0, len(items) - EXAMPLES) for name, items in lists.items()}
    more["unreadable"] += unreadable
    kept = {
        name: tuple(
            cut(each, _LONGEST_PROBLEM) if isinstance(each, str) else each
            for each in items[:EXAMPLES]
        )
        for name, items in lists.items()
    }
    counts = {to_camel(name): number for name, number in more.items() if number}
    return report.model_copy(update={**kept, "more": counts, "traces": report.traces[:EXAMPLES]})


def log_line(part: Part) -> str:
    """The JSON of a report, or of what was told, on one line of `LONGEST_LINE` characters at most.

    Where it is longer, its texts are cut, and of its lists, but for counts in `more`, examples
    stay, of scopes those that did not answer in full first.
    """
    whole = part.model_dump(mode="json")
    return next(
        line for most, longest in _SHORTER if len(line := _line(whole, most, longest)) <= _ROOM
    )


def _line(whole: Mapping[str, Any], most: int, longest: int) -> str:
    more = Counter(whole.get("more", {}))
    short: dict[str, object] = {}
    for name, value in whole.items():
        if isinstance(value, list) and len(value) > most:
            more[name] += len(value) - most
            worst_first = sorted(value, key=_answered) if name == "scopes" else value
            short[name] = _cut(worst_first[:most], longest)
        else:
            short[name] = _cut(value, longest)
    if more:
        short["more"] = more
    return visible_json(json.dumps(short, ensure_ascii=False, separators=(",", ":")))


def _answered(scope: Mapping[str, Any]) -> bool:
    return bool(scope["complete"])


def _cut(value: object, longest: int) -> object:
    """A JSON value with no text longer than `longest`."""
    if isinstance(value, str):
        return cut(value, longest)
    if isinstance(value, list):
        return [_cut(each, longest) for each in value]
    if isinstance(value, dict):
        return {name: _cut(each, longest) for name, each in value.items()}
    return value


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


def scope_report(scope: Scope, window: Window, outcome: Answer | DetectorError) -> ScopeReport:
    """What one scope answered for `window`."""
    answer = outcome if isinstance(outcome, Answer) else None
    return ScopeReport(
        scope=str(scope),
        window_start=window.start,
        window_end=window.end,
        complete=answer is not None,
        signals=len(answer.signals) if answer else 0,
        newest=answer.newest if answer else None,
        problem=answer.no_logs if answer else str(outcome),
    )
