"""What a gateway that switches over all week costs: sizes, time and messages, day by day.

    python -m benchmarks.flapping [--tunnels N …] [--days D] [--every MINUTES]

The world is in memory, as for the tests; each switch-over takes every tunnel to the other instance.
"""

from __future__ import annotations

import argparse
import json
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from detector.insights.cloudevent import to_cloudevent
from detector.insights.document import to_json
from detector.model import Scope, Signal, Window
from detector.runs.run import run_once
from tests.builders import ONE, ZERO, at, down, up
from tests.memory import (
    SCOPE,
    ListReceiver,
    ListSink,
    MemoryJournal,
    MemoryLogs,
    a_world,
    plenty,
    seen,
)

A_DAY: Final = 200
"""So many switch-overs a day."""

EVERY: Final = timedelta(days=1) / A_DAY
PEOPLE: Final = timedelta(hours=1)


@dataclass(slots=True)
class Day:
    """What one day came to: bytes, processor seconds a run, and messages in one hour at most."""

    history: int = 0
    document: int = 0
    event: int = 0
    seconds: list[float] = field(default_factory=list)
    messages: int = 0
    in_an_hour: int = 0


def rows(tunnels: int, days: float) -> Iterator[Signal]:
    """Every tunnel to the other instance and back, a second for each to follow."""
    for number in range(round(A_DAY * days)):
        moved = at() + EVERY * number
        before, after = (ZERO, ONE) if number % 2 == 0 else (ONE, ZERO)
        for tunnel in range(tunnels):
            peer = f"198.51.{tunnel // 250}.{tunnel % 250 + 1}"
            later = timedelta(milliseconds=10 * tunnel)
            yield down(moved + later, before, peer)
            yield up(moved + later + timedelta(seconds=12), after, peer)


def week(tunnels: int, *, days: int, every: timedelta) -> dict[int, Day]:
    """A week of runs over a gateway with so many tunnels, by day."""
    journal, sink, people = MemoryJournal(), ListSink(), ListReceiver()
    logs = Arriving(seen(*rows(tunnels, days)))
    world = a_world(logs, journal=journal, sinks=[sink, people])
    found: dict[int, Day] = defaultdict(Day)
    now = at() + every
    while now <= at() + timedelta(days=days):
        day = found[
            (now - at()) // timedelta(days=1) if now < at() + timedelta(days=days) else days - 1
        ]
        begun = time.process_time()
        report, insights = run_once(world, now=now, left=plenty)
        day.seconds.append(time.process_time() - begun)
        assert report.ok, report.problems
        day.history = max([len(text.encode()) for text, _ in journal.entries.values()])
        for insight in insights:
            day.document = max(day.document, len(to_json(insight).encode()))
            day.event = max(day.event, len(json.dumps(to_cloudevent(insight)).encode()))
        now += every
    for number, day in found.items():
        own = [when for when, _ in people.sent if (when - at()) // timedelta(days=1) == number]
        day.messages = len(own)
        day.in_an_hour = max(
            (sum(when <= each < when + PEOPLE for each in own) for when in own), default=0
        )
    return found


class Arriving(MemoryLogs):
    """Logs of so many rows that each run looks only at those of its window."""

    def _signals(self, scope: Scope, window: Window) -> Iterable[Signal]:
        assert scope == SCOPE
        start = bisect_left(self.rows, window.start, key=lambda row: row.signal.at)
        end = bisect_left(self.rows, window.end, key=lambda row: row.signal.at)
        return [row.signal for row in self.rows[start:end]]


def main() -> None:
    """Print a table for each number of tunnels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tunnels", type=int, nargs="+", default=[4, 20, 60, 100])
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--every", type=float, default=5)
    asked = parser.parse_args()
    for tunnels in asked.tunnels:
        print(f"{tunnels} tunnels")
        print("day  history kB  document kB  event kB  s a run  messages  in an hour")
        every = timedelta(minutes=asked.every)
        for number, day in sorted(week(tunnels, days=asked.days, every=every).items()):
            median = sorted(day.seconds)[len(day.seconds) // 2]
            print(
                f"{number + 1:>3}  {day.history / 1000:>10.0f}  {day.document / 1000:>11.0f}"
                f"  {day.event / 1000:>8.0f}  {median:>7.3f}  {day.messages:>8}"
                f"  {day.in_an_hour:>10}",
                flush=True,
            )


if __name__ == "__main__":
    main()
