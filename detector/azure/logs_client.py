"""One request to Log Analytics: its rows, or the error that says why there are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from azure.monitor.query import (
    LogsBatchQuery,
    LogsQueryClient,
    LogsQueryError,
    LogsQueryPartialResult,
    LogsQueryResult,
)

from detector.azure.logs_errors import (
    QUERY_FAILURES,
    Denied,
    denied,
    may_be_of_one,
    no_logs,
    trouble,
)
from detector.azure.query import Incomplete, Query, Result, Rows
from detector.azure.retry import RetryWithinRun

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from detector.azure.clouds import Endpoint
    from detector.model import Scope, Window

ROW_LIMIT: Final = 500_000
"""An answer has no more rows than this, and does not say whether there are others."""

# Log Analytics' own limit for a query, and how much later its answer may come.
_SERVER_WITHIN: Final = timedelta(minutes=3)
_ANSWER_WITHIN: Final = timedelta(seconds=10)


class LogsClient:
    """The logs at one endpoint; it keeps its connections, so there is one for each process."""

    def __init__(
        self,
        credential: TokenCredential,
        endpoint: Endpoint,
        *,
        row_limit: int = ROW_LIMIT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._row_limit = row_limit
        self._client = LogsQueryClient(
            credential,
            endpoint=endpoint.url,
            audience=endpoint.audience,
            retry_policy=RetryWithinRun(sleep=sleep),
        )

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def ask(
        self, query: Query, scope: Scope, window: Window, *, left: Callable[[], timedelta]
    ) -> Rows:
        """All rows of `scope` from the window's start to its end, both included.

        Raises Incomplete, NoLogs, LogsRefused, or LogsUnavailable; `left` bounds its time.
        """
        asked: dict[str, Any] = {
            "query": query.text,
            "timespan": (window.start, window.end),
            "server_timeout": _server_timeout(left),
            "read_timeout": _read_timeout(left),
            "left": left,
        }
        try:
            if scope.is_workspace:
                return self._rows(query, self._client.query_workspace(scope.id, **asked))
            return self._rows(
                query,
                self._client.query_resource(
                    scope.id.lstrip("/"),
                    raw_request_hook=_ask_what_is_left_out,
                    cls=_unless_left_out,
                    **asked,
                ),
            )
        except QUERY_FAILURES as error:
            raise trouble(error, scope) from error

    def ask_together(
        self, query: Query, asked: Mapping[Scope, Window], *, left: Callable[[], timedelta]
    ) -> dict[Scope, Result]:
        """The outcomes of the workspaces that one request for all of them settles."""
        queries = [
            LogsBatchQuery(
                scope.id,
                query.text,
                timespan=(window.start, window.end),
                server_timeout=_server_timeout(left),
            )
            for scope, window in asked.items()
        ]
        try:
            results = self._client.query_batch(queries, left=left, read_timeout=_read_timeout(left))
        except QUERY_FAILURES as error:
            if may_be_of_one(error):
                return {}
            return {scope: trouble(error, scope) for scope in asked}
        outcomes = zip(asked, (self._outcome(query, result) for result in results), strict=True)
        return {scope: outcome for scope, outcome in outcomes if outcome is not None}

    def _outcome(
        self, query: Query, result: LogsQueryResult | LogsQueryPartialResult | LogsQueryError
    ) -> Result | None:
        if isinstance(result, LogsQueryError):
            return no_logs(str(result.message))
        try:
            return self._rows(query, result)
        except (Incomplete, ValueError):
            return None

    def _rows(self, query: Query, result: LogsQueryResult | LogsQueryPartialResult) -> Rows:
        """The rows of a complete answer; raises Incomplete, or ValueError for what is none."""
        if isinstance(result, LogsQueryPartialResult):
            raise Incomplete(getattr(result.partial_error, "message", None) or "it is partial")
        # An item of a batch that failed with an empty body looks like a success without tables.
        table = next(iter(result.tables), None)
        if table is None or not set(query.columns) <= set(table.columns):
            raise ValueError("an answer without the columns that were asked for")
        if len(table.rows) >= self._row_limit:
            raise Incomplete(f"it has {len(table.rows)} rows")
        return Rows(table.columns, table.rows)


def _server_timeout(left: Callable[[], timedelta]) -> int:
    """The seconds that Log Analytics may take, at least one."""
    return max(1, int(min(_SERVER_WITHIN, left()).total_seconds()))


def _read_timeout(left: Callable[[], timedelta]) -> float:
    """The seconds after which no answer is waited for; each attempt cuts them to what is left."""
    return _server_timeout(left) + _ANSWER_WITHIN.total_seconds()


def _ask_what_is_left_out(request: Any) -> None:
    """Without this, a query of a resource drops in silence what the identity may not read."""
    request.http_request.headers["Prefer"] += ",include-permissions=true"


def _unless_left_out(_response: Any, body: Any, _headers: Any) -> Any:
    """`body`, which the client goes on with; raises Denied where it lacks rows that we ask for."""
    if left_out := denied(body.get("permissions")):
        raise Denied(", ".join(left_out))
    return body
