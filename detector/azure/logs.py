"""The logs of every scope, complete or not at all.

For one identity Log Analytics runs five queries at a time
(https://learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits). Nothing of Azure is
imported here: `logs_client.py` does, once there is something to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.azure.query import Incomplete, NoLogs, Query, Result, Rows
from detector.boundary import contained
from detector.errors import DetectorError, FactUnknown, LogsUnavailable, Unforeseen
from detector.model import Answer, Logged, Scope, Window
from detector.signals import COLUMNS, instant, read_rows

if TYPE_CHECKING:
    from detector.azure.logs_client import LogsClient

QUERIES_AT_ONCE: Final = 5

SHORTEST: Final = timedelta(seconds=1)
"""A window as short as this is not cut in halves any more."""


Results = dict[Scope, Result]
Left = Callable[[], timedelta]


class Logs:
    """The ports Signals, Coverage, Contents and Detectors, all but the first over the scopes given.

    `client` is called when there is something to ask; `left` says how long the run may still take.
    """

    def __init__(
        self,
        client: Callable[[], LogsClient],
        scopes: Sequence[Scope],
        *,
        left: Left,
    ) -> None:
        self._client = client
        self._scopes = tuple(scopes)
        self._left = left

    def signals(self, asked: Mapping[Scope, Window]) -> Sequence[Answer | DetectorError]:
        """For each scope, in the order asked, its signals in its window, or why there are none."""
        outcomes = self.rows(asked)
        return [
            contained(f"{scope}", partial(_answer, scope, asked[scope], outcomes[scope]))
            for scope in asked
        ]

    def rows(self, asked: Mapping[Scope, Window]) -> Results:
        """The rows of each scope that the signals are read from, or why there are none.

        Those at the very end of a window are among them.
        """
        return self._outcomes(_query("signals.kql", COLUMNS), asked)

    def coverage(self, window: Window) -> frozenset[tuple[str, str]]:
        """Which logs hold anything in `window`; a table that is not there holds nothing.

        Raises FactUnknown if any scope does not answer.
        """
        found: set[tuple[str, str]] = set()
        for held in self.contents(window).values():
            if isinstance(held, Unforeseen):
                raise held
            if isinstance(held, DetectorError):
                raise FactUnknown(str(held)) from held
            found |= {(logged.source, logged.resource_id) for logged in held}
        return frozenset(found)

    def contents(self, window: Window) -> Mapping[Scope, Sequence[Logged] | DetectorError]:
        """What each scope's logs hold in `window`; a table that is not there holds nothing."""
        query = _query("coverage.kql", ("Source", "Resource", "Rows", "Newest"))
        outcomes = self._outcomes(query, dict.fromkeys(self._scopes, window))
        return {
            scope: contained(f"{scope}", partial(_logged, outcome))
            for scope, outcome in outcomes.items()
        }

    def detectors(self, window: Window) -> Mapping[Scope, Mapping[str, datetime] | DetectorError]:
        """The apps whose runs each workspace among the scopes holds, with the newest of each."""
        query = _query("detectors.kql", ("Name", "Rows", "Newest"))
        workspaces = [scope for scope in self._scopes if scope.is_workspace]
        outcomes = self._outcomes(query, dict.fromkeys(workspaces, window))
        return {
            scope: contained(f"{scope}", partial(_apps, outcome))
            for scope, outcome in outcomes.items()
        }

    def _outcomes(self, query: Query, asked: Mapping[Scope, Window]) -> Results:
        """Five scopes at a time: the workspaces among them in one request, others in one each."""
        outcomes: Results = {}
        workspaces_first = sorted(asked, key=lambda scope: not scope.is_workspace)
        fives = [
            workspaces_first[n : n + QUERIES_AT_ONCE] for n in range(0, len(asked), QUERIES_AT_ONCE)
        ]
        with ThreadPoolExecutor(QUERIES_AT_ONCE) as pool:
            for five, left in zip(fives, _shares(self._left, len(fives)), strict=True):
                workspaces = {scope: asked[scope] for scope in five if scope.is_workspace}
                together = [workspaces] if workspaces else []
                together += [{scope: asked[scope]} for scope in five if not scope.is_workspace]
                tasks = [pool.submit(self._together, query, each, left) for each in together]
                for task in tasks:
                    outcomes |= task.result()
        return outcomes

    def _together(self, query: Query, asked: Mapping[Scope, Window], left: Left) -> Results:
        """The outcomes of scopes; whatever a request for several leaves open is asked again alone.

        Asked alone, a failure has a status, is retried, and is the trouble of no other scope.
        """
        settled: Results = {}
        if len(asked) > 1:
            together = contained(
                "the workspaces of one request",
                lambda: self._client().ask_together(query, asked, left=left),
            )
            settled |= {} if isinstance(together, DetectorError) else together
        open_scopes = [scope for scope in asked if scope not in settled]
        for scope, own_left in zip(open_scopes, _shares(left, len(open_scopes)), strict=True):
            settled[scope] = self._alone(query, scope, asked[scope], own_left)
        return settled

    def _alone(self, query: Query, scope: Scope, window: Window, left: Left) -> Result:
        def answered() -> Result:
            try:
                return self._complete(query, scope, window, left)
            except NoLogs as error:
                return error

        return contained(f"{scope}", answered)

    def _complete(self, query: Query, scope: Scope, window: Window, left: Left) -> Rows:
        """All rows of `window`, asked in halves as long as an answer is incomplete."""
        try:
            return self._client().ask(query, scope, window, left=left)
        except Incomplete as error:
            if window.end - window.start <= SHORTEST:
                raise LogsUnavailable(
                    f"{scope}: even one second of its logs is not answered in full ({error}); "
                    "the next run tries again",
                    scope=scope.id,
                ) from error
        earlier, later = window.halves()
        return self._complete(query, scope, earlier, left) + self._complete(
            query, scope, later, left
        )


def _shares(left: Left, tasks: int) -> Iterator[Left]:
    """For each of `tasks`, one after the other, the time left of its share of what is left then.

    So a scope that hangs leaves those that come after it their time, in this run and the next.
    """
    for after in reversed(range(tasks)):
        yield partial(_less, left, left() * after / (after + 1))


def _less(left: Left, kept: timedelta) -> timedelta:
    return left() - kept


def _answer(scope: Scope, window: Window, outcome: Result) -> Answer | DetectorError:
    if isinstance(outcome, DetectorError):
        return outcome
    if isinstance(outcome, NoLogs):
        return Answer(scope=scope, window=window, no_logs=str(outcome))
    signals, unusable = read_rows(outcome, origin=f"scope {scope}")
    # A timespan includes its end, a window does not; a row on the seam of two halves comes twice.
    within = dict.fromkeys(signal for signal in signals if signal.at in window)
    return Answer(
        scope=scope,
        window=window,
        signals=tuple(within),
        unreadable=tuple(unusable.lines),
        more_unreadable=unusable.more,
        failures=tuple(unusable.failures),
    )


def _logged(outcome: Result) -> Sequence[Logged]:
    return [
        Logged(
            source=str(row["Source"]),
            resource_id=str(row["Resource"]),
            rows=int(str(row["Rows"])),
            newest=instant(row["Newest"]),
        )
        for row in _rows(outcome)
    ]


def _apps(outcome: Result) -> Mapping[str, datetime]:
    return {str(row["Name"]): instant(row["Newest"]) for row in _rows(outcome)}


def _rows(outcome: Result) -> Rows:
    """The rows of an outcome, none where there is no table; raises why there is no answer."""
    if isinstance(outcome, DetectorError):
        raise outcome
    return Rows((), ()) if isinstance(outcome, NoLogs) else outcome


@cache
def _query(name: str, columns: tuple[str, ...]) -> Query:
    return Query(text=Path(__file__).with_name(name).read_text("utf-8"), columns=columns)
