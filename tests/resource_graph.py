"""Azure Resource Graph on this machine: rows that answer KQL, in pages and within a quota."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import duckdb_kql

from tests.loopback import Reply

_COLUMNS: Final = {
    "id": "VARCHAR",
    "name": "VARCHAR",
    "type": "VARCHAR",
    "location": "VARCHAR",
    "resourceGroup": "VARCHAR",
    "subscriptionId": "VARCHAR",
    "sku": "JSON",
    "properties": "JSON",
}

WINDOW_SECONDS: Final = 5
QUERIES: Final = 15


class Graph:
    """The table `resources`, with rows as Resource Graph has them, all of which may be read.

    No page has more rows than `page`. In 5 seconds it answers 15 queries, says with each how many
    are left, and meets others with 429; `refill` begins anew, and `now` is its clock, in seconds.
    `headers` go out with each answer.
    """

    def __init__(self) -> None:
        self.resources: list[Mapping[str, object]] = []
        self.page = 1000
        self.headers: dict[str, str] = {}
        self.refused = 0
        self.now: Callable[[], float] = time.monotonic
        self._lock = threading.Lock()
        self.refill()

    def refill(self, _seconds: float = 0.0) -> None:
        """Grant the whole quota again; may stand for the pause of a client."""
        self._left = QUERIES
        self._began = self.now()

    def reply(self, asked: Mapping[str, Any]) -> Reply:
        """The page that is asked for, or 429."""
        with self._lock:
            if self.now() - self._began >= WINDOW_SECONDS:
                self.refill()
            if not self._left:
                self.refused += 1
                return Reply(status=429, body={"error": {"code": "RateLimiting", "message": ""}})
            self._left -= 1
            quota = {
                "x-ms-user-quota-remaining": f"{self._left}",
                "x-ms-user-quota-resets-after": "00:00:05",
            }
        return Reply(body=self._page(asked), headers=quota | self.headers)

    def _page(self, asked: Mapping[str, Any]) -> dict[str, object]:
        options = asked.get("options") or {}
        rows = self._rows(asked["query"], asked.get("subscriptions"))
        start = int(options.get("$skipToken") or 0)
        end = start + min(options.get("$top", 100), self.page)
        page = rows[start:end]
        following = {"$skipToken": f"{end}"} if end < len(rows) else {}
        return {
            "totalRecords": len(rows),
            "count": len(page),
            "resultTruncated": "false",
            "facets": [],
            "data": page,
            **following,
        }

    def _rows(self, kql: str, subscriptions: list[str] | None) -> list[dict[str, object]]:
        chosen = [
            row
            for row in self.resources
            if subscriptions is None or str(row["id"]).split("/")[2] in subscriptions
        ]
        with duckdb_kql.connect() as connection:
            declared = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())
            connection.execute(f"CREATE TABLE resources ({declared})")
            if chosen:
                lists = [[_text(row.get(name)) for row in chosen] for name in _COLUMNS]
                marks = ", ".join("unnest(?::VARCHAR[])" for _ in _COLUMNS)
                connection.execute(f"INSERT INTO resources SELECT {marks}", lists)
            relation = duckdb_kql.kql(connection, kql)
            kinds = [str(kind) for kind in relation.types]
            return [
                {
                    name: json.loads(value) if kind == "JSON" and value else value
                    for name, kind, value in zip(relation.columns, kinds, row, strict=True)
                }
                for row in relation.fetchall()
            ]


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
