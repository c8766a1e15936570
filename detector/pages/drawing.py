"""What charts are drawn with: a time axis with breaks, flags that keep apart, and texts that fit.

Nothing measures a text here, so its width is estimated, and rather too wide: what a drawing gives
room to cannot run into its neighbour, whatever the reader's fonts are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from detector.pages.sheet import shown
from detector.text import day_and_month, one_line

SIZE: Final = 12.5
"""The height of a text in the units of a drawing; it is never drawn below 12 pixels."""

ROW: Final = 18.0
"""The height of a row of texts."""

WIDE: Final = 960.0
NARROW: Final = 326.0
"""How wide drawings are, the one for a window of 1080 pixels or more, the other for a phone."""

_LONGEST: Final = 200
_LONGEST_LABEL: Final = 20_000
_NARROW: Final = frozenset("iIjl.,:;'|!()[] ")
_BROAD: Final = frozenset("mwMWQ%@&—…→≤")


def width_of(text: str) -> float:
    """How wide a text of `SIZE` is at most, in the units of a drawing."""
    return SIZE * sum(map(_width, text))


def _width(character: str) -> float:
    if character in _NARROW:
        return 0.41
    if character in _BROAD or ord(character) > 0x24F:
        return 1.05
    return 0.8 if character.isupper() else 0.66


def fitted(text: str, room: float) -> str:
    """The text on one line, cut visibly where it does not fit into `room`."""
    line = one_line(text, _LONGEST)
    if width_of(line) <= room:
        return line
    while line and width_of(f"{line}…") > room:
        line = line[:-1]
    return f"{line.rstrip()}…"


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def words(x: float, y: float, text: str, *, kind: str = "", anchor: str = "") -> str:
    """A text whose baseline begins at a point, or has its `middle` or its `end` there."""
    classed = " ".join(filter(None, (kind, anchor)))
    named = f' class="{classed}"' if classed else ""
    return f'<text x="{number(x)}" y="{number(y)}"{named}>{shown(text)}</text>'


def box(x: float, y: float, width: float, height: float) -> str:
    """A rectangle, as a part of a path."""
    return f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"


def across(left: float, right: float, y: float) -> str:
    """A horizontal line, as a part of a path."""
    return f"M{number(left)} {number(y)}H{number(right)}"


def stroke(x: float, top: float, bottom: float) -> str:
    """A vertical line, as a part of a path."""
    return f"M{number(x)} {number(top)}V{number(bottom)}"


def path(parts: Iterable[str], kind: str, *, width: float | None = None) -> str:
    """One element of all these parts, with strokes of this width; nothing where there are none."""
    drawn, stroked = "".join(parts), "" if width is None else f' stroke-width="{number(width)}"'
    return f'<path class="{kind}"{stroked} d="{drawn}"/>' if drawn else ""


def svg(content: str, *, width: float, height: float, kind: str, label: str) -> str:
    """A drawing that is as wide as its place; `label` says in words what it shows."""
    return (
        f'<svg class="chart {kind}" role="img" aria-label="{shown(label, _LONGEST_LABEL)}" '
        f'viewBox="0 0 {number(width)} {number(height)}">{content}</svg>'
    )


GAP: Final = 18
"""The room of a break of the axis."""

_SHORTEST: Final = 60
"""The room that a stretch has at least, in which the time of its one instant is read."""

_MARGIN: Final = 10
_MOST_WEIGHT: Final = 8
_MOMENT: Final = 1.0
"""What lies within fewer seconds is one moment, and has one place."""

_NEVER_BROKEN: Final = timedelta(seconds=20)
_TOO_MUCH: Final = 0.4
"""An axis is broken where one stretch without news would take more than this part of it."""

_LOST_TO_SIGHT: Final = 0.05
"""What is shorter than this part of a pause is not seen beside it."""

_STEPS: Final = tuple(
    timedelta(seconds=each)
    for each in (
        *(1, 2, 5, 10, 15, 30),
        *(60, 120, 300, 600, 900, 1800),
        *(3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600),
        *(86400, 2 * 86400, 7 * 86400, 28 * 86400),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A time at the axis, `at` its place and `x` the middle of its label.

    `date` is empty where it is that of the tick before.
    """

    at: float
    x: float
    label: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of an axis, true to its own scale, from `left` to `right`."""

    start: datetime
    end: datetime
    left: float
    right: float

    def x(self, instant: datetime) -> float:
        """Where an instant stands; one before or after stands at the edge."""
        span = (self.end - self.start) / timedelta(seconds=1)
        if span < _MOMENT:
            return (self.left + self.right) / 2
        part = (instant - self.start) / timedelta(seconds=1) / span
        inner = self.right - self.left - 2 * _MARGIN
        return self.left + _MARGIN + min(max(part, 0), 1) * inner

    def times(self) -> Iterator[tuple[float, datetime, str]]:
        """Times that are read well, as far apart as their labels are wide."""
        room = width_of("00:00:00") + 14
        span = self.end - self.start
        per_second = (self.x(self.end) - self.x(self.start)) / max(span.total_seconds(), 1e-9)
        for step in _STEPS:
            if step.total_seconds() * per_second >= room:
                midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
                first = midnight + -((midnight - self.start) // step) * step
                found = [first + each * step for each in range((self.end - first) // step + 1)]
                if found:
                    form = "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M"
                    for each in found:
                        yield self.x(each), each, f"{each:{form}}"
                    return
                break
        yield self.x(self.start), self.start, f"{self.start:%H:%M:%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A time axis: stretches in order, with breaks between them where nothing happened."""

    stretches: tuple[Stretch, ...]

    def x(self, instant: datetime) -> float:
        """Where an instant stands; within a break at the edge of the stretch before."""
        known = [each for each in self.stretches if each.start <= instant]
        return (known or self.stretches)[-1 if known else 0].x(instant)

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[float, float]]:
        """The parts of the axis between two instants, up to the edge where a break follows."""
        for each in self.stretches:
            if start <= each.end and end >= each.start:
                yield (
                    each.x(start) if start >= each.start else each.left,
                    each.x(end) if end <= each.end else each.right,
                )

    def ticks(self) -> Iterator[Tick]:
        """Times with their labels, no two of which touch."""
        several = self.stretches[0].start.date() != self.stretches[-1].end.date()
        told = None
        for stretch in self.stretches:
            end = stretch.left - 4
            for x, instant, label in stretch.times():
                date = day_and_month(instant) if several and instant.date() != told else ""
                half = max(width_of(label), width_of(date)) / 2
                middle = min(max(x, stretch.left + half), stretch.right - half)
                if middle - half >= end:
                    end, told = middle + half + 8, instant.date()
                    yield Tick(at=x, x=middle, label=label, date=date)


def scale_of(axis: Axis, bottom: float) -> tuple[str, float]:
    """The axis with its times, and two strokes where it is broken; and where that ends below."""
    line = [
        f"M{number(each.left)} {number(bottom)}H{number(each.right)}" for each in axis.stretches
    ]
    breaks = [
        f"M{number(one.right + shift - 3)} {number(bottom + 5)}l6 -10"
        for one, _ in pairwise(axis.stretches)
        for shift in (6, 12)
    ]
    ticks = list(axis.ticks())
    marks = [stroke(tick.at, bottom, bottom + 4) for tick in ticks]
    texts = [words(tick.x, bottom + 18, tick.label, kind="m", anchor="middle") for tick in ticks]
    dates = [
        words(tick.x, bottom + 33, tick.date, kind="m", anchor="middle")
        for tick in ticks
        if tick.date
    ]
    drawn = path([*line, *breaks, *marks], "axis") + "".join(texts + dates)
    return drawn, bottom + (38 if dates else 23)


def axis_of(
    instants: Iterable[datetime],
    left: float,
    right: float,
    *,
    breaks: int = 0,
    whole: Sequence[tuple[datetime, datetime]] = (),
) -> Axis:
    """An axis on which each of these instants has its place, broken so often at most.

    It is not broken within what is `whole`, unless the shortest of that would be lost to sight.
    """
    known = sorted({each.astimezone(UTC) for each in instants})
    groups = list(_groups(known, breaks, whole))
    weights = [min(len(each) - 1, _MOST_WEIGHT) for each in groups]
    if not sum(weights):
        weights = [1] * len(groups)
    free = right - left - GAP * (len(groups) - 1) - _SHORTEST * len(groups)
    stretches: list[Stretch] = []
    at = left
    for group, weight in zip(groups, weights, strict=True):
        end = at + _SHORTEST + free * weight / sum(weights)
        stretches.append(Stretch(start=group[0], end=group[-1], left=at, right=end))
        at = end + GAP
    return Axis(stretches=tuple(stretches))


def _groups(
    instants: Sequence[datetime], breaks: int, whole: Sequence[tuple[datetime, datetime]]
) -> Iterator[Sequence[datetime]]:
    """The instants, parted at the longest of the pauses that would take too much of the axis."""
    shortest = min((end - start for start, end in whole), default=timedelta())
    pauses = sorted(
        ((later - sooner, number) for number, (sooner, later) in enumerate(pairwise(instants), 1)),
        reverse=True,
    )
    left = instants[-1] - instants[0]
    parted: list[int] = []
    for pause, place in pauses:
        if pause < _NEVER_BROKEN or pause < _TOO_MUCH * left or len(parted) == breaks:
            break
        is_whole = any(
            start <= instants[place - 1] and instants[place] <= end for start, end in whole
        )
        if not is_whole or shortest < _LOST_TO_SIGHT * pause:
            parted.append(place)
            left -= pause
    begin = 0
    for place in (*sorted(parted), len(instants)):
        yield instants[begin:place]
        begin = place


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A text on a pole at `x`."""

    x: float
    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A flag with the row that its text stands in, 0 at the top, from `left` to `right`."""

    flag: Flag
    row: int
    left: float
    right: float

    def overlaps(self, other: Placed) -> bool:
        """Whether one text stands on the other."""
        return self.row == other.row and self.left < other.right and other.left < self.right

    def crosses(self, other: Placed) -> bool:
        """Whether one's pole, which goes down from its row, runs through the other's text."""
        return self._reaches(other) or other._reaches(self)

    def _reaches(self, other: Placed) -> bool:
        return self.row <= other.row and other.left - 4 < self.flag.x < other.right + 4


_FROM_POLE: Final = 9


def placed(flags: Sequence[Flag], left: float, right: float, *, rows: int) -> list[Placed]:
    """The flags whose texts find a place between `left` and `right`, no two on one another.

    Rows are numbered from 0 without a gap. A text at the right of its pole stands above the poles
    that it reaches over, so the lowest row is tried first; one at the left had better stand at the
    top, or at the bottom: what places more is taken. Where a text finds no place on no pole, it
    stands on one.
    """
    top_down, bottom_up = range(rows), range(rows)[::-1]
    found = max(
        (_off_poles(flags, left, right, bottom_up, at_left) for at_left in (bottom_up, top_down)),
        key=len,
    )
    for flag in flags:
        if not any(each.flag == flag for each in found):
            begin = min(flag.x + _FROM_POLE, right - _room(flag))
            spots = _spots(flag, left, right, ((begin, top_down),))
            free = (each for each in spots if not any(map(each.overlaps, found)))
            found += [each for each in (next(free, None),) if each is not None]
    numbers = {row: number for number, row in enumerate(sorted({each.row for each in found}))}
    return [replace(each, row=numbers[each.row]) for each in found]


def _off_poles(
    flags: Sequence[Flag], left: float, right: float, at_right: range, at_left: range
) -> list[Placed]:
    found: list[Placed] = []
    for flag in sorted(flags, key=lambda each: -each.x):
        sides = (flag.x + _FROM_POLE, at_right), (flag.x - _FROM_POLE - _room(flag), at_left)
        free = (
            each
            for each in _spots(flag, left, right, sides)
            if not any(each.overlaps(one) or each.crosses(one) for one in found)
        )
        found += [each for each in (next(free, None),) if each is not None]
    return found


def _room(flag: Flag) -> float:
    return width_of(flag.text) + 6


def _spots(
    flag: Flag, left: float, right: float, sides: Iterable[tuple[float, range]]
) -> Iterator[Placed]:
    for begin, rows in sides:
        if left <= begin and begin + _room(flag) <= right:
            for row in rows:
                yield Placed(flag=flag, row=row, left=begin, right=begin + _room(flag))
