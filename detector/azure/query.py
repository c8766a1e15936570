"""What is asked of Log Analytics, and what one request for it may come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


Rows = list[Mapping[str, object]]
Result = Rows | NoLogs | DetectorError
