"""The last days of each gateway of a fleet, one box for each: what happened, or who looked.

A day on which nobody looked is grey, and so is every quiet day of a gateway that is blind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from detector.insights import FLEET_DAYS, Fleet, Known, Summary, timestamp
from detector.model import Importance, State, Window
from detector.pages.sheet import card, shown
from detector.text import count, listed

MOST_GATEWAYS: Final = 60
"""So many gateways have days of their own."""

_SHORT: Final = timedelta(minutes=3)
"""A tunnel that is out for longer is worth a warning, as for `Importance`."""


def days_of(fleet: Fleet) -> str:
    """The part of the page with the days of the troubled and the blind; the quiet are counted."""
    by_gateway: dict[str, list[Summary]] = defaultdict(list)
    for each in fleet.real:
        by_gateway[each.gateway_id].append(each)
    blind = {each.id: each for each in fleet.known if each.blind}
    names = {
        **{each.id: each.name for each in fleet.known},
        **{own[0].gateway_id: own[0].gateway for own in by_gateway.values()},
    }
    troubled = sorted(
        {*by_gateway, *blind},
        key=lambda each: (
            not any(one.is_open for one in by_gateway.get(each, ())),
            each not in blind,
            -len(by_gateway.get(each, ())),
            names[each],
        ),
    )
    rows = "".join(
        _strip(fleet, names[each], by_gateway.get(each, ()), fleet.watched(each), blind.get(each))
        for each in troubled[:MOST_GATEWAYS]
    )
    quiet = max((fleet.gateways or len(names)) - len(troubled), 0)
    if quiet or not troubled:
        label = "the quiet gateway" if quiet == 1 else f"the {quiet} quiet gateways"
        rows += _strip(fleet, label if quiet else "all that is looked at", (), fleet.watched(None))
    first, last = fleet.days[0], fleet.days[-1]
    key = "".join(
        f'<li><i{_class(kind)} aria-hidden="true"></i>{words}</li>'
        for kind, words in (
            ("", "quiet, and looked at"),
            ("info", "failed over, all back within 3 min"),
            ("warn", "out for longer, or redundancy lost"),
            ("down", "not over"),
            ("away", "not looked at, or not all day"),
        )
    )
    return card(
        f"The last {FLEET_DAYS} days",
        f'<div class="strips">{rows}'
        f'<p class="ends" aria-hidden="true"><span>{date(first)}</span>'
        f"<span>today, {date(last)}</span></p></div>"
        f'<ul class="key">{key}</ul>{_beside(fleet, len(troubled))}',
        key="days",
    )


def _beside(fleet: Fleet, troubled: int) -> str:
    lines = []
    if troubled > MOST_GATEWAYS:
        lines.append(
            f"{troubled - MOST_GATEWAYS} more gateways failed over or are blind; "
            "name one above the list to see its days."
        )
    if fleet.checked_at is None:
        lines.append(
            "Which gateways there are, and which of them log nothing, was not checked yet: one "
            "that is not here may be quiet or blind."
        )
    else:
        lines.append(f"Which gateways there are was last checked at {moment(fleet.checked_at)}.")
    return "".join(f'<p class="muted small">{line}</p>' for line in lines)


def _strip(
    fleet: Fleet,
    name: str,
    failovers: Sequence[Summary],
    watched: Sequence[Window],
    blind: Known | None = None,
) -> str:
    """A gateway's days, as boxes for the eye and in words for everybody else."""
    kinds = list(_kinds(fleet, failovers, () if blind else watched))
    boxes = "".join(f"<i{_class(kind)}></i>" for kind in kinds)
    said = []
    if failovers:
        latest = max(failovers, key=lambda each: each.first_at)
        said.append(f"{count(len(failovers), 'failover')}, latest {date(latest.first_at)}")
    if blind:
        said.append(f"blind: {blind.blind}")
    away = kinds.count("away")
    if away and not blind:
        said.append(f"{count(away, 'day')} not looked at, or not all day")
    words = "; ".join(said) or "no failover"
    spoken = f"{name}, the last {FLEET_DAYS} days: {words}. {_spoken(fleet.days, kinds)}"
    return (
        f'<p><strong>{shown(name, 120)}</strong><br><span class="muted small">{shown(words, 200)}'
        f'</span></p><div class="strip" role="img" aria-label="{shown(spoken)}">{boxes}</div>'
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _spoken(days: Sequence[datetime], kinds: Sequence[str]) -> str:
    """The days that are not quiet, by kind."""
    words = {"down": "not over", "warn": "out for longer", "info": "back within 3 minutes"}
    said = []
    for kind, word in words.items():
        own = [date(day) for day, each in zip(days, kinds, strict=True) if each == kind]
        if own:
            said.append(f"{word}: {listed(own)}.")
    return " ".join(said)


def _kinds(fleet: Fleet, failovers: Iterable[Summary], watched: Sequence[Window]) -> Iterator[str]:
    """What is shown of each day: its worst failover, else whether it was looked at."""
    begun: dict[datetime, list[Summary]] = defaultdict(list)
    for each in failovers:
        begun[datetime.combine(each.first_at.astimezone(UTC), time(), UTC)].append(each)
    is_open = False
    for day in fleet.days:
        own = begun[day]
        is_open = is_open or any(each.is_open for each in own)
        # What came in since the last run is nobody's fault yet.
        end = min(day + timedelta(days=1), fleet.late_before)
        start = min(day, end)
        if is_open:
            yield "down"
        elif any(_is_long(each) for each in own):
            yield "warn"
        elif own:
            yield "info"
        else:
            is_seen = any(each.start <= start and end <= each.end for each in watched)
            yield "" if is_seen else "away"


def _is_long(summary: Summary) -> bool:
    return (
        summary.importance is not Importance.INFORMATION
        or summary.state is State.UNKNOWN
        or (summary.longest_seconds or 0) > _SHORT.total_seconds()
    )


def moment(instant: datetime) -> str:
    """The date with its year and the time of day to the second, in HTML."""
    utc = instant.astimezone(UTC)
    return f'<time datetime="{timestamp(instant)}">{date(utc)} {utc:%Y %H:%M:%S} UTC</time>'


def minute(instant: datetime, now: datetime) -> str:
    """The date and the minute, with the year where it is not the one of `now`."""
    utc = instant.astimezone(UTC)
    year = "" if utc.year == now.astimezone(UTC).year else f" {utc:%Y}"
    return f"{date(utc)}{year} {utc:%H:%M}"


def second(instant: datetime, now: datetime) -> str:
    """The time of day to the second, with the date where it is not the one of `now`."""
    utc = instant.astimezone(UTC)
    on = "" if utc.date() == now.astimezone(UTC).date() else f"{date(utc)} "
    return f"{on}{utc:%H:%M:%S} UTC"


def date(instant: datetime) -> str:
    """The day and the month: `5 Nov`."""
    utc = instant.astimezone(UTC)
    return f"{utc.day} {utc:%b}"
