"""The tables of a Log Analytics workspace, which answer KQL on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import duckdb_kql
from duckdb_kql import KqlSchemaError

from detector.signals.row import instant

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STANDARD_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "AzureDiagnostics": {
        "TimeGenerated": "datetime",
        "ResourceId": "string",
        "ResourceType": "string",
        "Category": "string",
        "OperationName": "string",
        "_ResourceId": "string",
    },
    "AzureActivity": {
        "TimeGenerated": "datetime",
        "OperationName": "string",
        "OperationNameValue": "string",
        "ActivityStatusValue": "string",
        "Caller": "string",
        "Category": "string",
        "CategoryValue": "string",
        "CorrelationId": "string",
        "Properties": "string",
        "ResourceId": "string",
        "_ResourceId": "string",
    },
    "AppTraces": {"TimeGenerated": "datetime", "Message": "string", "AppRoleName": "string"},
    "GatewayFailovers_CL": {
        column["name"]: column["type"]
        for column in json.loads(
            (Path(__file__).parents[1] / "infra" / "failovers-table.json").read_text("utf-8")
        )["columns"]
    },
}
"""What each table has from the start; AzureDiagnostics gets a column with its first value."""

_TYPES: Final = {
    "datetime": "TIMESTAMPTZ",
    "string": "VARCHAR",
    "dynamic": "JSON",
    "int": "INTEGER",
    "real": "DOUBLE",
}
_NAMES_OF_TYPES: Final = {
    "TIMESTAMP WITH TIME ZONE": "datetime",
    "TIMESTAMP": "datetime",
    "VARCHAR": "string",
    "JSON": "dynamic",
    "BIGINT": "long",
    "INTEGER": "int",
    "DOUBLE": "real",
}
_COLUMN_IFEXISTS: Final = re.compile(r'column_ifexists\("(\w+)", ("[^"]*")\)')

Row = Mapping[str, object]


class SemanticError(Exception):
    """A query names what is not there; the text is the one that Log Analytics has for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The one table that a query results in, its values as JSON has them."""

    columns: tuple[tuple[str, str], ...]
    rows: list[list[object]]


class LogTables(dict[str, list[Row]]):
    """Rows by the name of their table; a table that is not there does not exist in the workspace.

    A column exists if it is a standard one or any row has it.
    """

    def columns(self, table: str) -> dict[str, str]:
        """The columns of `table` and their types in KQL."""
        columns = dict(STANDARD_COLUMNS.get(table, {"TimeGenerated": "datetime"}))
        for row in self[table]:
            for name in row:
                kind = "dynamic" if name == "AdditionalFields" else "string"
                columns.setdefault(name, kind)
        return columns

    def query(self, kql: str, *, since: datetime, until: datetime) -> Result:
        """What `kql` selects of the rows from `since` to `until`, both included."""
        existing = {name for table in self for name in self.columns(table)}
        # The executor lacks this function, and all it does is to look whether there is a column.
        kql = _COLUMN_IFEXISTS.sub(
            lambda match: match[1] if match[1] in existing else match[2], kql
        )
        with duckdb_kql.connect() as connection:
            for table, rows in self.items():
                columns = self.columns(table)
                declared = ", ".join(f'"{name}" {_TYPES[columns[name]]}' for name in columns)
                connection.execute(f'CREATE TABLE "{table}" ({declared})')
                chosen = [row for row in rows if since <= instant(row["TimeGenerated"]) <= until]
                if chosen:
                    _fill(connection, table, list(columns), chosen)
            try:
                relation = duckdb_kql.kql(connection, kql)
            except (KqlSchemaError, duckdb.CatalogException) as error:
                name = next((each for each in STANDARD_COLUMNS if each not in self), "?")
                raise SemanticError(
                    f"Failed to resolve table or column expression named '{name}'"
                ) from error
            names, types = relation.columns, [str(kind) for kind in relation.types]
            return Result(
                columns=tuple(
                    (name, _NAMES_OF_TYPES[kind]) for name, kind in zip(names, types, strict=True)
                ),
                rows=[[_json(value) for value in row] for row in relation.fetchall()],
            )


def _fill(
    connection: DuckDBPyConnection,
    table: str,
    names: Sequence[str],
    rows: Iterable[Row],
) -> None:
    """Whole columns at a time, since row by row takes a millisecond each."""
    lists = [[_text(row.get(name)) for row in rows] for name in names]
    marks = ", ".join("unnest(?::VARCHAR[])" for _ in names)
    connection.execute(f'INSERT INTO "{table}" SELECT {marks}', lists)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
