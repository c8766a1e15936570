"""What is asked of Log Analytics, and what one request for it may come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from detector.errors import DetectorError


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query's text, and the columns of its result."""

    text: str
    columns: tuple[str, ...]


class NoLogs(Exception):
    """There is no table, or no column, to look in yet; the text says which."""


class Incomplete(Exception):
    """An answer does not hold all rows of its window; the text says why."""


class Rows:
    """The rows of one answer or several, each a mapping only while it is looked at."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Any]) -> None:
        self._tables = [(tuple(columns), rows)]

    def __add__(self, later: Rows) -> Rows:
        joined = Rows((), ())
        joined._tables = self._tables + later._tables
        return joined

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self._tables)

    def __iter__(self) -> Iterator[dict[str, object]]:
        for columns, rows in self._tables:
            for row in rows:
                yield dict(zip(columns, row, strict=True))


Result = Rows | NoLogs | DetectorError
