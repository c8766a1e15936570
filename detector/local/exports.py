"""The files in which people and Azure keep log rows, read into the columns of the query.

Told apart by what they hold, not by their names: what `az monitor log-analytics query -o json` and
the query API answer, the portal's CSV, resource logs as diagnostic settings write them to a storage
account (PT1H.json), the Activity Log in the form of `az monitor activity-log list`, and rows that
have the query's columns already. Names of columns count in any case.
"""

from __future__ import annotations

import codecs
import csv
import functools
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from detector.model import ACTIVITY, RESOURCE_HEALTH
from detector.signals import UnreadableRow

RECEIVED: Final = "_TimeReceived"
"""When a row reached Azure Monitor: Log Analytics' own column, beside those of the query."""

Row = dict[str, object]
"""A row by the query's columns and RECEIVED; None where it has no value."""

_CANDIDATES: Final = {
    "TimeGenerated": ("timegenerated", "eventtimestamp", "time"),
    "ResourceId": ("_resourceid", "resourceid"),
    "Source": ("source", "categoryvalue", "category"),
    "Operation": ("operation", "operationnamevalue", "operationname"),
    "Status": (
        "operationstatus_s",
        "operationstatus",
        "status_s",
        "activitystatusvalue",
        "activitystatus",
        "status",
    ),
    "Instance": ("instance_s", "instance"),
    "RemoteIp": ("remoteip_s", "remoteip"),
    "Reason": ("statechangereason_s", "statechangereason", "reason"),
    "Message": ("message",),
    "Caller": ("caller",),
    "CorrelationId": ("correlationid",),
    "Additional": ("additionalfields", "additional"),
    "Properties": ("properties", "properties_d"),
    RECEIVED: ("_timereceived",),
}
# The Activity Log's categories whose rows tell of no operation, nor of a resource's health.
_OTHER_CATEGORIES: Final = frozenset(
    {"alert", "autoscale", "policy", "recommendation", "security", "servicehealth"}
)
# What Azure's command line and portal write for no value.
_ABSENT: Final = (None, "", "None")
# The portal names the time zone of its times in the header: "TimeGenerated [UTC]".
_ZONE: Final = re.compile(r"\s*\[(.*)\]$")
# The portal's times, as a browser set to English (United States) writes them.
_AMERICAN: Final = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}),? (\d{1,2}):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?\s([AP])M",
    re.IGNORECASE,
)


# And as a browser set to most other languages does; which is the month, a file may tell.
_NUMERIC: Final = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}),? (\d{1,2})(:\d\d:\d\d(?:\.\d{1,9})?)"
)
_TIMES: Final = ("TimeGenerated", RECEIVED)
_OBJECTS: Final = ("Additional", "Properties")


def read_export(content: bytes) -> Iterator[tuple[str, Row | UnreadableRow]]:
    """Each row of a file with its place in it ("row 3", "line 7"), or why it cannot be read.

    A file without any row that can be read has one place, "the file", and says why.
    """
    try:
        text = decoded(content)
    except UnicodeDecodeError as error:
        yield "the file", UnreadableRow(f"it is no text: {error.reason} at byte {error.start}")
        return
    start = text.lstrip()[:1]
    if not start:
        yield "the file", UnreadableRow("it is empty")
    elif start in "[{":
        yield from _json_rows(text)
    else:
        yield from _csv_rows(text)


def decoded(content: bytes) -> str:
    """A file's text: UTF-8 with or without a mark, or the UTF-16 that PowerShell's `>` writes.

    Raises UnicodeDecodeError.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _json_rows(text: str) -> Iterator[tuple[str, Row | UnreadableRow]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield from _line_rows(text, error)
        return
    for number, item in enumerate(_items(whole), start=1):
        yield f"row {number}", _row_of(item)


def _line_rows(text: str, error: Exception) -> Iterator[tuple[str, Row | UnreadableRow]]:
    """The rows of a text with a JSON object on each line; `error` says why it is not one whole."""
    broken: list[int] = []
    read = False
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.isspace():
            continue
        try:
            whole = json.loads(line)
        except (ValueError, RecursionError):
            broken.append(number)
            continue
        read = True
        for item in _items(whole):
            yield f"line {number}", _row_of(item)
    if not read:
        yield "the file", UnreadableRow(f"it is not JSON: {error}")
        return
    for number in broken:
        yield f"line {number}", UnreadableRow("it is not JSON")


def _items(whole: object) -> Iterator[object]:
    """The rows of a JSON value: of a list, of an answer's tables, of records, or a row itself."""
    for item in whole if isinstance(whole, list) else [whole]:
        listed = _listed(item)
        if listed is None:
            yield item
        else:
            yield from listed


def _listed(item: object) -> Iterable[object] | None:
    """The rows in an object that wraps some; None for what is itself a row."""
    if not isinstance(item, Mapping):
        return None
    tables = item.get("tables")
    if isinstance(tables, list):
        return itertools.chain.from_iterable(map(_table_items, tables))
    wrapped = item.get("records", item.get("value"))
    return wrapped if isinstance(wrapped, list) else None


def _table_items(table: object) -> Iterator[object]:
    """The rows of one table of the query API's answer; what is malformed comes as it is."""
    fields = table if isinstance(table, Mapping) else {}
    columns, rows = fields.get("columns"), fields.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        yield None
        return
    names = [str(column.get("name")) if isinstance(column, Mapping) else "" for column in columns]
    for values in rows:
        yield dict(zip(names, values, strict=False)) if isinstance(values, list) else values


def _csv_rows(text: str) -> Iterator[tuple[str, Row | UnreadableRow]]:
    (_, first), *lines = _csv_lines(text)
    header = [name.strip() for name in first]
    zones = {found[1] for found in map(_ZONE.search, header) if found}
    names = [_ZONE.sub("", name) for name in header]
    if not _candidates(tuple(names))["TimeGenerated"]:
        yield "the file", UnreadableRow("it is neither JSON nor CSV with a column TimeGenerated")
    elif zones - {"UTC"}:
        zone = min(zones - {"UTC"})[:40]
        yield "the file", UnreadableRow(f"its times are in {zone!r}: export it in UTC")
    else:
        rows = [
            (f"line {number}", _row_of(dict(zip(names, values, strict=False))))
            for number, values in lines
            if values
        ]
        yield from _with_iso_times(rows)


def _csv_lines(text: str) -> list[tuple[int, list[str]]]:
    """The cells of each line, with the number of the line on which they end."""
    # The library has one limit for the whole process, and a longer cell would end the file.
    limit = csv.field_size_limit(len(text) + 1)
    try:
        reader = csv.reader(io.StringIO(text, newline=""))
        return [(reader.line_num, values) for values in reader]
    finally:
        csv.field_size_limit(limit)


def _with_iso_times(
    rows: Iterable[tuple[str, Row | UnreadableRow]],
) -> Iterator[tuple[str, Row | UnreadableRow]]:
    """The rows of a file with their numeric times in ISO 8601.

    Where no time of the file shows which number is the month, that is said once, and rows with
    such times are left out.
    """
    rows = list(rows)
    numeric = [
        found
        for _, row in rows
        if isinstance(row, dict)
        for column in _TIMES
        if (found := _numeric(row[column]))
    ]
    orders = {order for found in numeric if (order := _order(found))}
    if numeric and len(orders) != 1:
        yield (
            "the file",
            UnreadableRow(
                f"its times, such as {numeric[0][0]!r}, do not show which number is the month: set "
                "the portal's regional format to English (United States) and export it again, or "
                "export it with `az monitor log-analytics query -o json`"
            ),
        )
        rows = [
            (place, row)
            for place, row in rows
            if not isinstance(row, dict) or not any(_numeric(row[column]) for column in _TIMES)
        ]
    for place, row in rows:
        if isinstance(row, dict):
            for column in _TIMES:
                if found := _numeric(row[column]):
                    row[column] = _in_order(found, *orders)
        yield place, row


def _numeric(time: object) -> re.Match[str] | None:
    return _NUMERIC.fullmatch(time.strip()) if isinstance(time, str) else None


def _order(time: re.Match[str]) -> str | None:
    """Whether the day or the month comes first; None where a time does not show it.

    With dots between them the day does, everywhere.
    """
    if time[2] == "." or int(time[1]) > 12:
        return "day first"
    return "month first" if int(time[3]) > 12 else None


def _in_order(time: re.Match[str], order: str) -> str:
    day, month = (time[1], time[3]) if order == "day first" else (time[3], time[1])
    return f"{time[4]}-{month:0>2}-{day:0>2}T{time[5]:0>2}{time[6]}Z"


def _row_of(item: object) -> Row | UnreadableRow:
    if not isinstance(item, Mapping):
        return UnreadableRow("it is no row with named columns")
    if not _has_time_generated(tuple(item)):
        item = _flattened(item)
    row: Row = {column: _first(item, names) for column, names in _candidates(tuple(item)).items()}
    for column, value in row.items():
        if column not in _OBJECTS and isinstance(value, Mapping | list):
            row[column] = None
    for column in _TIMES:
        row[column] = _iso(row[column])
    # Only the Activity Log's operations have a provider: "Microsoft.Network/...".
    if str(row["Operation"]).lower().startswith("microsoft."):
        row["Source"] = _activity_source(str(row["Source"]))
    if row["Source"] != RESOURCE_HEALTH:
        row["Properties"] = None  # as in the query's rows
    return row


def _activity_source(category: str) -> str:
    """The source of a row of the Activity Log.

    An operation's category is `Administrative`, and in the files of a storage account `Write`,
    `Delete` or `Action`.
    """
    category = category.rpartition("/")[2]  # of the query's own rows
    if category.lower() == "resourcehealth":
        return RESOURCE_HEALTH
    return f"{ACTIVITY}/{category}" if category.lower() in _OTHER_CATEGORIES else ACTIVITY


def _first(item: Mapping[str, object], names: tuple[str, ...]) -> object:
    """The first of the values under `names` that is one; None where none is."""
    for name in names:
        value = item[name]
        if value not in _ABSENT:
            return value
    return None


@functools.lru_cache(maxsize=1024)
def _candidates(names: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Which of `names` may hold the value of each column; the rows of a file share their names."""
    written = {name.lower(): name for name in names}
    return {
        column: tuple(written[name] for name in candidates if name in written)
        for column, candidates in _CANDIDATES.items()
    }


@functools.lru_cache(maxsize=1024)
def _has_time_generated(names: tuple[str, ...]) -> bool:
    """Whether a row comes from Log Analytics, whose `Properties` are not the row's own fields."""
    return "timegenerated" in map(str.lower, names)


def _flattened(record: Mapping[str, object]) -> Mapping[str, object]:
    """A record of a resource log or of the Activity Log, with its properties beside its fields."""
    own = {name.lower(): _unwrapped(value) for name, value in record.items()}
    properties = own.pop("properties", None)
    if isinstance(properties, str):
        try:
            properties = json.loads(properties)
        except (ValueError, RecursionError):
            properties = None
    if isinstance(properties, Mapping):
        inner = {str(name).lower(): value for name, value in properties.items()}
        own = inner | {name: value for name, value in own.items() if value not in _ABSENT}
        own["properties"] = properties
    own.setdefault("activitystatusvalue", own.get("resulttype"))
    own.setdefault("caller", _caller(own.get("identity")))
    return own


def _unwrapped(value: object) -> object:
    """The value of what `az monitor activity-log list` writes as {"value", "localizedValue"}."""
    return value["value"] if isinstance(value, Mapping) and "value" in value else value


def _caller(identity: object) -> object:
    """Who acted, by the claims of a record of the Activity Log; None where they do not tell."""
    claims = identity.get("claims") if isinstance(identity, Mapping) else None
    if not isinstance(claims, Mapping):
        return None
    by_kind = {str(claim).rpartition("/")[2].lower(): value for claim, value in claims.items()}
    kinds = ("upn", "emailaddress", "name", "appid")
    return next((by_kind[kind] for kind in kinds if by_kind.get(kind)), None)


def _iso(time: object) -> object:
    """`time` in ISO 8601 where it stands in the portal's form; anything else as it is."""
    found = _AMERICAN.fullmatch(time.strip()) if isinstance(time, str) else None
    if found is None:
        return time
    month, day, year, hour, minute, second = map(int, found.groups()[:6])
    fraction, half = (found[7] or "").ljust(6, "0"), found[8].upper()
    hour = hour % 12 + (12 if half == "P" else 0)
    return f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z"
