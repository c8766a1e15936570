"""The logs of every scope, complete or not at all: the only place that queries Log Analytics.

For one identity Log Analytics runs five queries at a time, and an answer has 500,000 rows at most
(https://learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from detector.errors import FactUnknown, LogsRefused, LogsUnavailable
from detector.model import Answer, Scope, Window
from detector.row import COLUMNS, read_rows

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult, LogsQueryResult

    from detector.azure.clouds import Endpoint
    from detector.azure.logs_errors import NoLogs

    Rows = list[Mapping[str, object]]
    Outcome = Rows | NoLogs | LogsRefused | LogsUnavailable

ROW_LIMIT: Final = 500_000
AT_ONCE: Final = 5
SHORTEST: Final = timedelta(seconds=1)
"""A window is not cut in halves any more when it is as short as this."""

# Log Analytics' own limit for a query, and how much later its answer may come.
_SERVER_WITHIN: Final = timedelta(minutes=3)
_ANSWER_WITHIN: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query's text, and the columns of its result."""

    text: str
    columns: tuple[str, ...]


class Incomplete(Exception):
    """An answer that does not hold all rows of its window; the text says why."""


def logs_client(
    credential: TokenCredential, endpoint: Endpoint, *, sleep: Callable[[float], None] = time.sleep
) -> LogsQueryClient:
    """A client for the logs at `endpoint`; it keeps its connections, so make one per process."""
    from azure.monitor.query import LogsQueryClient

    from detector.azure.retry import RetryWithinRun

    return LogsQueryClient(
        credential,
        endpoint=endpoint.url,
        audience=endpoint.audience,
        retry_policy=RetryWithinRun(sleep=sleep),
    )


class Logs:
    """The ports Signals and Coverage, over the scopes that are given.

    `client` is called when there is something to ask; `left` says how long the run may still take.
    """

    def __init__(
        self,
        client: Callable[[], LogsQueryClient],
        scopes: Sequence[Scope],
        *,
        left: Callable[[], timedelta],
        row_limit: int = ROW_LIMIT,
    ) -> None:
        self._client = client
        self._scopes = tuple(scopes)
        self._left = left
        self._row_limit = row_limit

    def signals(
        self, asked: Mapping[Scope, Window]
    ) -> Sequence[Answer | LogsRefused | LogsUnavailable]:
        """For each scope, in the order asked, its signals in its window, or why there are none."""
        outcomes = self._outcomes(_query("signals.kql", COLUMNS), asked)
        return [_answer(scope, asked[scope], outcomes[scope]) for scope in asked]

    def coverage(self, window: Window) -> frozenset[tuple[str, str]]:
        """Which logs hold anything in `window`; a table that is not there holds nothing.

        Raises FactUnknown if any scope does not answer.
        """
        query = _query("coverage.kql", ("Source", "Resource"))
        found: set[tuple[str, str]] = set()
        for outcome in self._outcomes(query, dict.fromkeys(self._scopes, window)).values():
            if isinstance(outcome, LogsRefused | LogsUnavailable):
                raise FactUnknown(str(outcome)) from outcome
            if isinstance(outcome, list):
                found |= {(str(row["Source"]), str(row["Resource"])) for row in outcome}
        return frozenset(found)

    def _outcomes(self, query: Query, asked: Mapping[Scope, Window]) -> dict[Scope, Outcome]:
        """Five scopes at a time: the workspaces among them in one request, others in one each."""
        outcomes: dict[Scope, Outcome] = {}
        scopes = sorted(asked, key=lambda scope: not scope.is_workspace)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for start in range(0, len(scopes), AT_ONCE):
                five = scopes[start : start + AT_ONCE]
                together = {scope: asked[scope] for scope in five if scope.is_workspace}
                alone = [scope for scope in five if not scope.is_workspace]
                batch = pool.submit(self._together, query, together)
                outcomes |= zip(
                    alone,
                    pool.map(lambda scope: self._alone(query, scope, asked[scope]), alone),
                    strict=True,
                )
                outcomes |= batch.result()
        return outcomes

    def _together(self, query: Query, asked: Mapping[Scope, Window]) -> dict[Scope, Outcome]:
        """The outcomes of workspaces; whatever a batch leaves open is asked again alone.

        Asked alone, a failure has a status, is retried, and is the trouble of no other workspace.
        """
        settled = self._batch(query, asked) if len(asked) > 1 else {}
        return {
            scope: settled[scope] if scope in settled else self._alone(query, scope, window)
            for scope, window in asked.items()
        }

    def _batch(self, query: Query, asked: Mapping[Scope, Window]) -> dict[Scope, Outcome]:
        """The outcomes that one request for all of `asked` settles."""
        from azure.monitor.query import LogsBatchQuery, LogsQueryError

        from detector.azure.logs_errors import FAILURES, may_be_of_one, no_logs, trouble

        bounds = self._bounds()
        server_timeout = bounds.pop("server_timeout")
        queries = [
            LogsBatchQuery(
                scope.id,
                query.text,
                timespan=(window.start, window.end),
                server_timeout=server_timeout,
            )
            for scope, window in asked.items()
        ]
        client = self._client()
        try:
            results = client.query_batch(queries, **bounds)
        except FAILURES as error:
            if may_be_of_one(error):
                return {}
            return {scope: trouble(error, scope) for scope in asked}
        settled: dict[Scope, Outcome] = {}
        for scope, result in zip(asked, results, strict=True):
            try:
                if isinstance(result, LogsQueryError):
                    absent = no_logs(str(result.message))
                    if absent is not None:
                        settled[scope] = absent
                else:
                    settled[scope] = self._rows(query, result)
            except (Incomplete, ValueError):
                continue
        return settled

    def _alone(self, query: Query, scope: Scope, window: Window) -> Outcome:
        from detector.azure.logs_errors import NoLogs

        try:
            return self._complete(query, scope, window)
        except (NoLogs, LogsRefused, LogsUnavailable) as error:
            return error

    def _complete(self, query: Query, scope: Scope, window: Window) -> Rows:
        """All rows of `window`, asked in halves as long as an answer is incomplete."""
        from detector.azure.logs_errors import FAILURES, trouble

        client = self._client()
        try:
            return self._rows(query, self._ask(client, query, scope, window))
        except Incomplete as error:
            if window.end - window.start <= SHORTEST:
                raise LogsUnavailable(
                    f"{scope}: even one second of its logs is not answered in full ({error}); "
                    "the next run tries again",
                    scope=scope.id,
                ) from error
        except FAILURES as error:
            raise trouble(error, scope) from error
        earlier, later = window.halves()
        return self._complete(query, scope, earlier) + self._complete(query, scope, later)

    def _ask(
        self, client: LogsQueryClient, query: Query, scope: Scope, window: Window
    ) -> LogsQueryResult | LogsQueryPartialResult:
        timespan = (window.start, window.end)
        if scope.is_workspace:
            return client.query_workspace(scope.id, query.text, timespan=timespan, **self._bounds())
        return client.query_resource(
            scope.id.lstrip("/"),
            query.text,
            timespan=timespan,
            raw_request_hook=_with_permissions,
            cls=_undenied,
            **self._bounds(),
        )

    def _rows(self, query: Query, result: LogsQueryResult | LogsQueryPartialResult) -> Rows:
        """The rows of a complete answer; raises Incomplete, or ValueError for what is none."""
        from azure.monitor.query import LogsQueryPartialResult

        if isinstance(result, LogsQueryPartialResult):
            raise Incomplete(getattr(result.partial_error, "message", None) or "it is partial")
        if not result.tables:
            raise ValueError("an answer without a table")
        table = result.tables[0]
        if missing := set(query.columns) - set(table.columns):
            raise ValueError(f"an answer without the columns {missing}")
        if len(table.rows) >= self._row_limit:
            raise Incomplete(f"it has {len(table.rows)} rows")
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows]

    def _bounds(self) -> dict[str, Any]:
        """How long a query may take, there and here; see RetryWithinRun."""
        within = max(SHORTEST, min(_SERVER_WITHIN, self._left()))
        return {
            "left": self._left,
            "server_timeout": int(within.total_seconds()),
            "read_timeout": (within + _ANSWER_WITHIN).total_seconds(),
        }


def _answer(
    scope: Scope, window: Window, outcome: Outcome
) -> Answer | LogsRefused | LogsUnavailable:
    if isinstance(outcome, LogsRefused | LogsUnavailable):
        return outcome
    if not isinstance(outcome, list):
        return Answer(scope=scope, window=window, no_logs=str(outcome))
    signals, unreadable = read_rows(outcome, origin=f"scope {scope}")
    # A timespan includes its end, a window does not; a row on the seam of two halves comes twice.
    within = dict.fromkeys(signal for signal in signals if signal.at in window)
    return Answer(scope=scope, window=window, signals=tuple(within), unreadable=tuple(unreadable))


@cache
def _query(name: str, columns: tuple[str, ...]) -> Query:
    return Query(text=Path(__file__).with_name(name).read_text("utf-8"), columns=columns)


def _with_permissions(request: Any) -> None:
    """Ask to be told what is left out, which a query of a resource otherwise does in silence."""
    request.http_request.headers["Prefer"] += ",include-permissions=true"


def _undenied(_response: Any, body: Any, _headers: Any) -> Any:
    """`body`, unless it says that rows which bear on a failover are left out.

    https://learn.microsoft.com/azure/azure-monitor/logs/api/azure-resource-queries
    """
    from detector.azure.logs_errors import Denied, denied

    if left_out := denied(body.get("permissions")):
        raise Denied(", ".join(left_out))
    return body
