"""The chart of a failover's tunnels over time: a lane for each, and on it the time it was down.

It is drawn twice, wide and for a phone. The end of a time down is drawn as it is known: seen, no
later than a bound, or open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from detector.insights import Insight, message
from detector.pages.drawing import (
    NARROW,
    ROW,
    WIDE,
    Axis,
    Flag,
    Placed,
    across,
    axis_of,
    box,
    fitted,
    number,
    path,
    placed,
    scale_of,
    stroke,
    svg,
    width_of,
    words,
)
from detector.pages.lanes import Bar, Clock, Kind, Lane, moved

MOST_LANES: Final = 60
"""As many tunnels are drawn; the table has the rest."""

_DENSE_FROM: Final = 13
_MOSTROWS: Final = 16
_ARROW: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The measures of a drawing, in its own units; `lane` and `bar` are heights.

    Names stand within `names` at the left and outcomes within `outcomes` at the right; where there
    is no such room they stand above their lane instead.
    """

    kind: str
    width: float
    names: float
    outcomes: float
    breaks: int
    lane: float
    bar: float

    @property
    def right(self) -> float:
        """Where the axis ends, before the arrows of what goes on."""
        return self.width - self.outcomes - _ARROW

    def fitting(self, lanes: Sequence[Lane]) -> Layout:
        """The layout with no more room for names and outcomes than these lanes need."""
        if not self.names:
            return self
        names = [width_of(text) for lane in lanes for text in _names(lane, self)]
        outcomes = [width_of(text) for lane in lanes for text in _outcomes(lane, self)]
        return replace(
            self,
            names=min(max(names, default=0) + 18, self.names),
            outcomes=min(max(outcomes, default=0) + 12, self.outcomes),
        )


_WIDE: Final = Layout(kind="wide", width=WIDE, names=260, outcomes=270, breaks=4, lane=44, bar=18)
_DENSE: Final = Layout(kind="wide", width=WIDE, names=300, outcomes=200, breaks=4, lane=24, bar=12)
_NARROW: Final = Layout(kind="narrow", width=NARROW, names=0, outcomes=0, breaks=3, lane=44, bar=12)


def _names(lane: Lane, layout: Layout) -> Sequence[str]:
    """The lines that name a lane."""
    if layout.lane == _DENSE.lane:
        return [f"{lane.name} {lane.place}".strip()]
    return [lane.name, lane.place] if layout.names else [lane.name]


def _outcomes(lane: Lane, layout: Layout) -> Sequence[str]:
    """The lines that say what became of a lane's tunnel."""
    return [lane.length, lane.back] if layout.lane == _WIDE.lane and layout.names else [lane.length]


HATCHES: Final = (
    '<svg width="0" height="0" class="hatches" aria-hidden="true"><defs>'
    + "".join(
        f'<pattern id="hatch-{tone}" width="7" height="7" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path class="{tone}-soft" d="M0 0h7v7H0z"/>'
        f'<path class="{tone}" d="M0 0h3.5v7H0z"/></pattern>'
        for tone in ("down", "warn", "quiet")
    )
    + "</defs></svg>"
)
"""What charts fill open times with; it stands once on a page."""


def timeline(insight: Insight, lanes: Sequence[Lane], label: str) -> str:
    """The tunnels over time, wide and for a phone; `label` says in words what is drawn."""
    shown = lanes[:MOST_LANES]
    wide = _WIDE if len(shown) < _DENSE_FROM else _DENSE
    return "".join(
        _timeline(insight, shown, layout.fitting(shown), label) for layout in (wide, _NARROW)
    )


def _timeline(insight: Insight, lanes: Sequence[Lane], layout: Layout, label: str) -> str:
    axis = axis_of(
        _instants(insight, lanes),
        layout.names,
        layout.right,
        breaks=layout.breaks,
        whole=[
            (bar.start, bar.end)
            for lane in lanes
            for bar in lane.bars
            if bar.end is not None and bar.kind is not Kind.BOUND
        ],
    )
    flags = _flags(insight, axis)
    # Above the lanes nothing else stands at the left and right.
    flying = placed(_most(flags), 0, layout.width, rows=4 if layout.names else 6)
    top = (max((each.row for each in flying), default=-1) + 1) * ROW + 12
    bottom = top + max(len(lanes), 1) * layout.lane + 4
    middles = [top + row * layout.lane + _middle(layout) for row in range(max(len(lanes), 1))]
    seen = max([insight.failover.seen_until, *_answered(lanes)])
    scale, height = scale_of(axis, bottom)
    parts = [
        path(_tracks(axis, middles), "track", width=layout.bar),
        path(_between(insight, axis, top), "between"),
        _bars(lanes, axis, layout, middles, seen),
        _poles(flags, flying, layout, middles, top=top, bottom=bottom),
        *(_answers(lane, axis, middle) for lane, middle in zip(lanes, middles, strict=False)),
        *(_named(lane, layout, middle) for lane, middle in zip(lanes, middles, strict=False)),
        scale,
    ]
    if not lanes:
        x, y = layout.names + 10, middles[0] + 4
        parts.append(words(x, y, "no tunnel logged as down", kind="m"))
    return svg("".join(parts), width=layout.width, height=height, kind=layout.kind, label=label)


def _middle(layout: Layout) -> float:
    """How far below the top of its lane the middle of a bar is."""
    return layout.lane / 2 if layout.names else layout.lane - layout.bar / 2 - 2


def _answered(lanes: Sequence[Lane]) -> Iterator[datetime]:
    return (answer.as_of for lane in lanes for answer in lane.answers)


def _instants(insight: Insight, lanes: Sequence[Lane]) -> Iterator[datetime]:
    """Every instant that has a place on the axis."""
    failover = insight.failover
    for known in failover.switch_overs:
        yield from filter(None, (known.at, known.not_before, known.cause and known.cause.at))
    if failover.cause.at:
        yield failover.cause.at
    for lane in lanes:
        for bar in lane.bars:
            if bar.kind is not Kind.BEFORE:
                yield from filter(None, (bar.start, bar.end))
    yield from _answered(lanes)
    yield failover.seen_until


def _flags(insight: Insight, axis: Axis) -> list[Flag]:
    """What happened to the gateway: its switch-overs, what was recorded beside, and the end."""
    failover, clock = insight.failover, Clock(insight)
    flags = [
        Flag(
            x=axis.x(known.at),
            text=f"{'by ' if known.not_before else ''}{clock(known.at)} {moved(known)}",
            kind="moved",
        )
        for known in failover.switch_overs
    ]
    recorded = dict.fromkeys(
        (cause.kind, cause.at)
        for cause in (failover.cause, *(known.cause for known in failover.switch_overs))
        if cause is not None
    )
    flags += [
        Flag(x=axis.x(at), text=f"{clock(at)} {message.CAUSES[kind]} recorded", kind="cause")
        for kind, at in recorded
        if at is not None and kind in message.CAUSES
    ]
    end = failover.seen_until
    return [*flags, Flag(x=axis.x(end), text=f"seen until {clock(end)}", kind="seen")]


def _most(flags: Sequence[Flag]) -> Sequence[Flag]:
    """Of many flags the first and the last of each kind: all of them would hide one another."""
    if len(flags) <= _MOSTROWS:
        return flags
    ends: dict[tuple[str, bool], Flag] = {}
    for flag in flags:
        ends.setdefault((flag.kind, False), flag)
        ends[flag.kind, True] = flag
    return list(dict.fromkeys(ends.values()))


def _tracks(axis: Axis, middles: Sequence[float]) -> Iterator[str]:
    for middle in middles:
        yield from (across(each.left, each.right, middle) for each in axis.stretches)


def _between(insight: Insight, axis: Axis, top: float) -> Iterator[str]:
    """The time within which a switch-over was, where the rows leave much of it open."""
    for known in insight.failover.switch_overs:
        if known.not_before is not None:
            for left, right in axis.spans(known.not_before, known.at):
                yield box(left, top - 8, right - left, 5)


_FILLS: Final[Mapping[tuple[Kind, bool], str]] = {
    (Kind.OUT, False): "down",
    (Kind.OUT, True): "down-open",
    (Kind.BOUND, False): "down-bound",
    (Kind.LOST, False): "warn",
    (Kind.LOST, True): "warn-open",
    (Kind.MAYBE, False): "warn-bound",
    (Kind.MAYBE, True): "warn-open",
    (Kind.GONE, True): "quiet-open",
    (Kind.BEFORE, True): "quiet-open",
}
"""How each kind of time down is drawn, by whether it is open."""

_THIN: Final = frozenset({Kind.LOST, Kind.MAYBE})
"""Drawn at half the height: the peer was served by another tunnel, or may have been."""


def _bars(
    lanes: Sequence[Lane], axis: Axis, layout: Layout, middles: Sequence[float], seen: datetime
) -> str:
    """The times down; what is open goes on beyond what was seen, to an arrow."""
    drawn: dict[str, list[str]] = {}
    for bar, middle in (
        (bar, middle) for lane, middle in zip(lanes, middles, strict=False) for bar in lane.bars
    ):
        height = layout.bar / 2 if bar.kind in _THIN else layout.bar
        kind, y = _FILLS[bar.kind, bar.end is None], middle - height / 2
        spans = list(_spans(bar, axis, seen))
        drawn.setdefault(kind, []).extend(
            box(left, y, max(right - left, 2), height) for left, right in spans
        )
        drawn.setdefault("through", []).extend(
            across(one[1], other[0], middle) for one, other in pairwise(spans)
        )
        end = spans[-1][1]
        if bar.end is None:
            tip = drawn.setdefault(f"{kind.partition('-')[0]} tip", [])
            half = height / 2 + 2
            slope = f"l{number(_ARROW - 1)} {number(half)}l{number(1 - _ARROW)} {number(half)}z"
            tip.append(f"M{number(end)} {number(middle - half)}{slope}")
        elif bar.kind is Kind.BOUND:
            drawn.setdefault("bound", []).append(stroke(end, y - 3, y + height + 3))
    return "".join(path(shapes, kind) for kind, shapes in sorted(drawn.items(), reverse=True))


def _spans(bar: Bar, axis: Axis, seen: datetime) -> Iterator[tuple[float, float]]:
    first, last = axis.stretches[0], axis.stretches[-1]
    spans = list(axis.spans(first.start if bar.kind is Kind.BEFORE else bar.start, bar.end or seen))
    for place, (left, right) in enumerate(spans):
        begins = first.left if bar.kind is Kind.BEFORE and not place else left
        ends = last.right if bar.end is None and place == len(spans) - 1 else right
        yield begins, ends


def _poles(
    flags: Sequence[Flag],
    flying: Sequence[Placed],
    layout: Layout,
    middles: Sequence[float],
    *,
    top: float,
    bottom: float,
) -> str:
    """A line through the lanes for each flag that has a place, and a short one for the others.

    On a phone it leaves out what is written above the lanes.
    """
    lines: dict[str, list[str]] = {}
    marks: list[str] = []
    texts: list[str] = []
    flown = {each.flag for each in flying}
    for flag in flags:
        if flag not in flown:
            lines.setdefault(f"pole-{flag.kind}", []).append(stroke(flag.x, top - 8, top))
    for each in flying:
        flag, y = each.flag, each.row * ROW
        own = lines.setdefault(f"pole-{flag.kind}", [])
        is_on_pole = each.left < flag.x < each.right
        begin = y + (17 if is_on_pole else 5)
        if layout.names:
            own.append(stroke(flag.x, begin, bottom))
        else:
            half = layout.bar / 2 + 3
            own.append(stroke(flag.x, begin, top))
            own += [stroke(flag.x, middle - half, middle + half) for middle in middles]
        if flag.kind == "cause" and not is_on_pole:
            marks.append(f"M{number(flag.x)} {number(begin - 1)}l5 5l-5 5l-5 -5z")
        x, anchor = (each.right, "end") if each.right < flag.x else (each.left, "")
        texts.append(words(x, y + 13, flag.text, kind=flag.kind, anchor=anchor))
    poles = "".join(path(parts, kind) for kind, parts in lines.items())
    return poles + path(marks, "cause-mark") + "".join(texts)


def _answers(lane: Lane, axis: Axis, middle: float) -> str:
    """What ARM said at the instant at which it was asked: a full circle for Connected."""
    return "".join(
        f'<circle class="{"up" if each.status == "Connected" else "not-up"}" '
        f'cx="{number(axis.x(each.as_of))}" cy="{number(middle)}" r="5"/>'
        for each in lane.answers
    )


def _named(lane: Lane, layout: Layout, middle: float) -> str:
    """The lane's name and what became of it, beside its bars or above them."""
    tone = "d" if lane.worst.end is None and lane.worst.kind is Kind.OUT else "b"
    names, outcomes = _names(lane, layout), _outcomes(lane, layout)
    if not layout.names:
        y, room = middle - layout.bar / 2 - 6, layout.width
        length = fitted(outcomes[0], room * 0.55)
        name = fitted(names[0], room - width_of(length) - 12)
        return words(0, y, name, kind="b") + words(room, y, length, kind=tone, anchor="end")
    x, room = layout.right + _ARROW + 8, layout.outcomes - 8
    heights = (middle - 3, middle + 13) if len(outcomes) > 1 else (middle + 4.5,)
    kinds = ("b", "m") if len(outcomes) > 1 else ("",)
    return "".join(
        words(0, y, fitted(name, layout.names - 12), kind=kind)
        for name, y, kind in zip(names, heights, kinds, strict=True)
    ) + "".join(
        words(x, y, fitted(text, room), kind=kind)
        for text, y, kind in zip(outcomes, heights, (tone, "m"), strict=False)
    )


_KEYS: Final = (
    ("down", "down, by the logs", '<path class="down" d="M0 2h26v10H0z"/>'),
    (
        "down-open",
        "not seen to come back",
        '<path class="down-open" d="M0 2h19v10H0z"/><path class="down" d="M18 1l8 6l-8 6z"/>',
    ),
    (
        "down-bound",
        "back by then at the latest",
        '<path class="down-bound" d="M1 3h24v8H1z"/><path class="bound" d="M25 0v14"/>',
    ),
    ("warn", "redundancy lost, peer served", '<path class="warn" d="M0 4h26v6H0z"/>'),
    (
        "warn-open",
        "redundancy lost, not seen to come back",
        '<path class="warn-open" d="M0 4h19v6H0z"/><path class="warn" d="M18 2l8 5l-8 5z"/>',
    ),
    (
        "warn-bound",
        "perhaps out: not known whether the peer was served",
        '<path class="warn-bound" d="M1 4h24v6H1z"/>',
    ),
    (
        "quiet-open",
        "down before, or not followed",
        '<path class="quiet-open" d="M0 2h26v10H0z"/>',
    ),
    ("pole-moved", "switch-over", '<path class="pole-moved" d="M13 0v14"/>'),
    ("between", "it switched over within this time", '<path class="between" d="M0 5h26v5H0z"/>'),
    ("up", "Azure says Connected", '<circle class="up" cx="13" cy="7" r="6"/>'),
    ("not-up", "Azure says not connected", '<circle class="not-up" cx="13" cy="7" r="5"/>'),
)
"""Every sign of the timeline by its class: what it means, and how it looks."""


def legend(drawn: str) -> str:
    """What the signs mean that stand in this drawing, as a list."""
    items = (
        f'<li><svg aria-hidden="true" viewBox="0 0 26 14">{sign}</svg>{meaning}</li>'
        for kind, meaning, sign in _KEYS
        if f'class="{kind}"' in drawn
    )
    return f'<ul class="legend">{"".join(items)}</ul>'
