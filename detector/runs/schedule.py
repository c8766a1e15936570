"""When the timer runs, by NCRONTAB as the Functions host reads it.

Six fields, in UTC: second, minute, hour, day, month, day of the week (0 is Sunday). Each is `*`, a
value or a range, perhaps with a step, or a list of these; months and days of the week have names,
too. A date has to fit both of its fields, where other crons are content with either
(https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions;
the host reads them with https://github.com/atifaziz/NCrontab).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import product, zip_longest
from typing import Final

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_LONGEST_MONTHS: Final = dict(
    zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True)
)
_PART: Final = re.compile(r"(?:\*|([a-z\d]+)(?:-([a-z\d]+))?)(?:/(\d{1,9}))?", re.ASCII)

_QUOTABLE: Final = re.compile(r"[A-Za-z]{0,9}[0-9*,/#?.-]{0,8}[A-Za-z]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The values that each field of an expression admits, in ascending order."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @classmethod
    def read(cls, expression: str) -> Schedule:
        """The schedule of an expression. Raises ValueError, which says what to write instead."""
        parts = [part for part in expression.lower().split(" ") if part]
        if len(parts) != 6:
            raise ValueError("give an NCRONTAB expression of six fields, such as 0 */5 * * * *")
        schedule = cls(
            seconds=_values(parts[0], range(60), "second"),
            minutes=_values(parts[1], range(60), "minute"),
            hours=_values(parts[2], range(24), "hour"),
            days=_values(parts[3], range(1, 32), "day"),
            months=_values(parts[4], range(1, 13), "month", _MONTHS),
            weekdays=_values(parts[5], range(7), "day of the week", _WEEKDAYS),
        )
        if schedule.days[0] > max(_LONGEST_MONTHS[month] for month in schedule.months):
            raise ValueError("no month of the fifth field has a day of the fourth: it never runs")
        return schedule

    def before(self, instant: datetime) -> Iterator[datetime]:
        """The times at which the timer was due before `instant`, the latest first; endless."""
        midnight = datetime.combine(instant.astimezone(UTC), time(tzinfo=UTC))
        while True:
            if self._has_day(midnight):
                descending = self.hours[::-1], self.minutes[::-1], self.seconds[::-1]
                for hour, minute, second in product(*descending):
                    due = midnight.replace(hour=hour, minute=minute, second=second)
                    if due < instant:
                        yield due
            midnight -= timedelta(days=1)

    def _has_day(self, day: datetime) -> bool:
        return (
            day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 in self.weekdays
        )


def _values(text: str, admitted: range, field: str, names: Sequence[str] = ()) -> tuple[int, ...]:
    """What a field admits, in ascending order. Raises ValueError."""
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(
                f"{_shown(part)} is no {field} that NCRONTAB knows: it has * , - and / only"
            )
        first, last, step = found.groups()
        if first is None:
            start, end = admitted[0], admitted[-1]
        else:
            start = _value(first, admitted, field, names)
            # A value with a step is where the steps begin, up to the field's last value.
            end = _value(last, admitted, field, names) if last else admitted[-1] if step else start
        if end < start or step == "0":
            raise ValueError(
                f"{_shown(part)} admits no {field}: write the lower one first, a step of 1 or more"
            )
        values.update(range(start, end + 1, int(step or 1)))
    return tuple(sorted(values))


def _value(text: str, admitted: range, field: str, names: Sequence[str]) -> int:
    """One value of a field: its figures, its name, or at least the first three letters of that."""
    for value, name in zip_longest(admitted, names):
        if text.isdigit() and len(text) < 10 and int(text) == value:
            return value
        if name and len(text) >= 3 and name.startswith(text):
            return value
    raise ValueError(f"{_shown(text)} is no {field}: it goes from {admitted[0]} to {admitted[-1]}")


def _shown(part: str) -> str:
    """A part of a schedule as it was given, unless it may be a secret that went astray."""
    return repr(part) if _QUOTABLE.fullmatch(part) else "what was given"
