"""The chart of each instance's bandwidth around a failover, drawn wide and for a phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import floor, log10
from typing import Final

from detector.insights import Insight, document
from detector.pages.drawing import (
    NARROW,
    ROW,
    WIDE,
    Axis,
    across,
    axis_of,
    fitted,
    number,
    path,
    scale_of,
    stroke,
    svg,
    words,
)
from detector.text import instance_of

MOST_SERIES: Final = 4
"""As many instances are drawn; a gateway has two."""

_HEIGHT: Final = 200.0
_FIVE_MINUTES: Final = timedelta(minutes=5)
_NEAR: Final = 0.25
"""A benchmark is drawn where the peak reaches this part of it; else it would flatten the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """Where bandwidth is drawn: over time, from nothing at the bottom to `most` Mbps at the top."""

    axis: Axis
    left: float
    right: float
    top: float
    most: float

    @property
    def bottom(self) -> float:
        return self.top + _HEIGHT

    def y(self, mbps: float) -> float:
        return self.bottom - max(mbps, 0) / self.most * _HEIGHT

    def level(self, mbps: float) -> str:
        """A line over the whole width."""
        return across(self.left, self.right, self.y(mbps))


def bandwidth(insight: Insight, label: str) -> str:
    """The averages of each instance over time, wide and for a phone; empty without any."""
    series = [each for each in insight.bandwidth.series if each.points][:MOST_SERIES]
    if not series:
        return ""
    return "".join(_bandwidth(insight, series, width, label) for width in (WIDE, NARROW))


def _bandwidth(
    insight: Insight, series: Sequence[document.SeriesFacts], width: float, label: str
) -> str:
    points = [point for each in series for point in each.points]
    first = min(point.at for point in points)
    last = max(point.at for point in points) + _FIVE_MINUTES
    benchmark, highest = insight.bandwidth.benchmark_mbps, max(point.mbps for point in points)
    if benchmark is not None and highest < _NEAR * benchmark:
        benchmark = None
    step = _step(max(highest, benchmark or 0))
    steps = int(max(highest, benchmark or 0) / step) + 1
    is_wide = width == WIDE
    right = width - (120 if is_wide else 2)
    field = _Field(
        axis=axis_of([first, last], _SCALE, right),
        left=_SCALE,
        right=right,
        top=30 if is_wide else 34 + ROW * len(series),  # on a phone the names of lines stand above
        most=steps * step,
    )
    parts = [_grid(field, step, steps)]
    if benchmark is not None:
        text = f"{insight.gateway.sku or 'SKU'} benchmark: {benchmark:,} Mbps"
        parts += [
            path([field.level(benchmark)], "benchmark"),
            words(_SCALE + 8, field.y(benchmark) - 6, fitted(text, right - _SCALE - 16), kind="b"),
        ]
    parts.append(
        path(
            (
                stroke(field.axis.x(known.at), field.top, field.bottom)
                for known in insight.failover.switch_overs
                if first <= known.at <= last
            ),
            "pole-moved",
        )
    )
    parts += _lines(series, field, width)
    scale, height = scale_of(field.axis, field.bottom)
    drawn = "".join([*parts, scale])
    kind = "wide" if is_wide else "narrow"
    return svg(drawn, width=width, height=height, kind=kind, label=label)


_SCALE: Final = 56.0
"""The room for the numbers of a scale at the left."""


def _step(highest: float) -> float:
    """A round number of Mbps, at most a fourth of the highest."""
    if highest <= 0:
        return 1
    power = 10.0 ** floor(log10(highest / 4))
    return max(each * power for each in (1, 2, 2.5, 5) if each * power <= highest / 4)


def _grid(field: _Field, step: float, steps: int) -> str:
    levels = [step * each for each in range(steps + 1)]
    scale = (
        words(field.left - 8, field.y(each) + 4, f"{each:,g}", kind="m", anchor="end")
        for each in levels
    )
    unit = words(field.left - 8, field.top - 14, "Mbps", kind="m", anchor="end")
    return path(map(field.level, levels), "grid") + "".join(scale) + unit


def _lines(series: Sequence[document.SeriesFacts], field: _Field, width: float) -> Iterator[str]:
    """A line of steps for each instance, since an average holds for five minutes; and its name."""
    beside = _apart([field.y(each.points[-1].mbps) + 4 for each in series], field.bottom)
    for place, each in enumerate(series):
        kind = f"line line-{place}"
        steps = (
            f"{'L' if index else 'M'}{number(field.axis.x(point.at))} {number(field.y(point.mbps))}"
            f"H{number(field.axis.x(point.at + _FIVE_MINUTES))}"
            for index, point in enumerate(each.points)
        )
        yield path(steps, kind)
        name = instance_of(each.instance) or "all instances"
        if width == WIDE:
            x, y = field.right + 8, beside[place]
        else:
            x, y = 36.0, 14 + ROW * place
            yield path([f"M0 {number(y - 4)}h26"], kind)
            name += f", peak {max(point.mbps for point in each.points):,.0f} Mbps"
        yield words(x, y, fitted(name, width - x), kind="b")


def _apart(heights: Sequence[float], bottom: float) -> list[float]:
    """The heights, moved up where two texts would touch."""
    moved_up: dict[int, float] = {}
    free = bottom + 4
    for place in sorted(range(len(heights)), key=lambda each: -heights[each]):
        moved_up[place] = min(heights[place], free)
        free = moved_up[place] - ROW
    return [moved_up[place] for place in range(len(heights))]
