"""Weeks of failovers, told by this detector and by the alert rules that one would write instead.

    python -m benchmarks.simulation [--weeks 4] [--seed 1]

Rows arrive 30 seconds to 20 minutes late, one in fifty up to 2 hours, each by itself. The timer
skips, doubles (the second run in the midst of the first) and stands still for hours; the logs and
the sinks fail for hours. The detector is the real `run()` on ports in memory. The rules are given
every advantage: Azure never skips them, their messages always arrive, and they recognise a
switch-over as well as the detector does; but they see a window by TimeGenerated and remember
nothing. `missed` and `twice` count failovers; a failover that switches over again is news, and
counts as told twice only where the same switch-over is told again. A consumer drops an event id
that it has seen, as docs/guarantees.md asks. The delay is from the arrival of the first evidence
that suffices until somebody was told: once for what was told while the timer, the logs and the sink
were up, and once for all.
"""

from __future__ import annotations

import argparse
import random
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median, quantiles

from detector.diagnosis.observation import Examination, Known, Observation
from detector.diagnosis.switchover import NEAR, by_gateway
from detector.errors import DeliveryFailed
from detector.insights.document import Insight
from detector.model import Kind, Signal, Window
from detector.runs.run import run_once
from detector.runs.world import World
from tests.builders import GATEWAYS, ONE, ZERO, at, down, of_gateway, up
from tests.memory import (
    SCOPE,
    ListSink,
    MemoryJournal,
    MemoryLogs,
    Row,
    a_world,
    hours,
    minutes,
    plenty,
)

PERIOD = minutes(5)
GATEWAYS_AT_ONCE = 12
PEERS = ("198.51.100.11", "198.51.100.12", "198.51.100.13")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A failover as it happened: its switch-overs, and when the logs sufficed to see the first."""

    gateway_id: str
    instants: tuple[datetime, ...]
    evident: datetime


@dataclass(slots=True)
class Score:
    """How a way of telling did; `told` holds for each failover when each telling of it came."""

    name: str
    told: dict[Truth, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    twice: set[Truth] = field(default_factory=set)

    def missed(self, truths: Iterable[Truth]) -> int:
        """How many of these failovers were never told."""
        return sum(not self.told[truth] for truth in truths)

    def line(self, truths: Sequence[Truth], undisturbed: Callable[[Window], bool]) -> str:
        """The row of the table; its last two columns are of what was told `undisturbed`."""
        waits = [
            Window(start=truth.evident, end=max(truth.evident, min(self.told[truth])))
            for truth in truths
            if self.told[truth]
        ]
        columns = [
            *_median_and_95th([wait for wait in waits if undisturbed(wait)]),
            *_median_and_95th(waits),
            max(wait.end - wait.start for wait in waits) / minutes(1),
        ]
        counts = f"{self.missed(truths):>7}{len(self.twice):>7}"
        return f"{self.name:<34}{counts}" + "".join(f"{value:>9.1f}" for value in columns)


def _median_and_95th(waits: Iterable[Window]) -> tuple[float, float]:
    """In minutes."""
    lengths = [(wait.end - wait.start) / minutes(1) for wait in waits]
    return median(lengths), quantiles(lengths, n=20)[-1]


class Simulation:
    """What happened, how it was logged and what failed, all drawn from one seed."""

    def __init__(self, *, length: timedelta, seed: int) -> None:
        self._random = random.Random(seed)
        self.length = length
        self.truths: list[Truth] = []
        self.rows: list[Row] = []
        for number in range(GATEWAYS_AT_ONCE):
            self._live(f"{GATEWAYS}vpn-{number:02}")
        self.rows.sort(key=lambda row: row.signal.at)
        self.timer_down = list(self._outages(every=hours(150), longest=hours(20)))
        self.runs = list(self._ticks())
        self.logs_down = list(self._outages(every=hours(60), longest=hours(6)))
        self.sink_down = list(self._outages(every=hours(40), longest=hours(4)))

    def _between(self, least: timedelta, most: timedelta) -> timedelta:
        return least + self._random.random() * (most - least)

    def _delay(self) -> timedelta:
        if self._random.random() < 0.02:
            return self._between(minutes(20), hours(2))
        return minutes(min(max(self._random.lognormvariate(1.2, 0.7), 0.5), 20))

    def _live(self, gateway_id: str) -> None:
        now = at() + self._between(hours(1), hours(40))
        while now < at() + self.length:
            count = self._random.choices((1, 2, 3), (5, 4, 1))[0]
            instants = [now]
            while len(instants) < count:
                instants.append(instants[-1] + self._between(minutes(6), minutes(50)))
            self._fail_over(gateway_id, instants)
            now = instants[-1] + self._between(hours(2), hours(60))

    def _fail_over(self, gateway_id: str, instants: Sequence[datetime]) -> None:
        active, standby = ZERO, ONE
        evident: list[datetime] = []
        for instant in instants:
            longest = self._random.choice((15, 180))
            if self._random.random() < 0.5:
                [arrived] = self._log(gateway_id, of_gateway(Kind.PRIMARY_CHANGED, instant))
                evident.append(arrived)
            for peer in self._random.sample(PEERS, self._random.randint(1, 3)):
                lost = instant + timedelta(seconds=self._random.random() * 5)
                back = instant + timedelta(seconds=self._random.uniform(8, longest))
                rows = down(lost, active, peer), up(back, standby, peer)
                evident.append(max(self._log(gateway_id, *rows)))
            active, standby = standby, active
        truth = Truth(gateway_id=gateway_id, instants=tuple(instants), evident=min(evident))
        self.truths.append(truth)

    def _log(self, gateway_id: str, *signals: Signal) -> list[datetime]:
        """Log rows; when each arrived."""
        rows = [
            Row(signal=replace(signal, gateway_id=gateway_id), arrived=signal.at + self._delay())
            for signal in signals
        ]
        self.rows += rows
        return [row.arrived for row in rows]

    def _ticks(self) -> Iterator[tuple[datetime, datetime | None]]:
        """When the timer fires, and when it does a second time while that run is under way."""
        for tick in self.every_tick():
            if _within(self.timer_down, tick) or self._random.random() < 0.03:
                continue
            now = tick + timedelta(seconds=self._random.random() * 20)
            doubled = self._random.random() < 0.03
            yield now, now + timedelta(seconds=self._random.random() * 60) if doubled else None

    def every_tick(self) -> Iterator[datetime]:
        """Every time at which the timer should fire; days go on after the last failover."""
        for number in range((self.length + hours(72)) // PERIOD):
            yield at() + PERIOD * number

    def _outages(self, *, every: timedelta, longest: timedelta) -> Iterator[Window]:
        now = at()
        while now < at() + self.length:
            start = now + self._between(timedelta(), 2 * every)
            now = start + self._between(minutes(10), longest)
            yield Window(start=start, end=now)

    def undisturbed(self, wait: Window) -> bool:
        """Whether nothing was down at any time of `wait`."""
        down = [*self.timer_down, *self.logs_down, *self.sink_down]
        return not any(each.start <= wait.end and wait.start < each.end for each in down)

    def of(self, gateway_id: str, instant: datetime) -> Truth | None:
        """The failover to which a switch-over of a gateway belongs."""
        for truth in self.truths:
            first, last = truth.instants[0] - NEAR, truth.instants[-1] + NEAR
            if truth.gateway_id == gateway_id and first <= instant <= last:
                return truth
        return None

    def detector(self) -> Score:
        """What the detector tells, as a consumer hears it who drops the ids that it has seen."""
        score = Score("this detector")
        clock = [at()]
        heard: Counter[tuple[str, int]] = Counter()
        ids: dict[Truth, str] = {}

        def hear(insight: Insight) -> None:
            if _within(self.sink_down, clock[-1]):
                raise DeliveryFailed("no answer")
            heard[insight.id, insight.revision] += 1
            truth = self.of(insight.gateway.id, insight.failover.first_at)
            if truth is None:
                raise AssertionError(f"told of what did not happen: {insight.verdict}")
            if ids.setdefault(truth, insight.id) != insight.id:
                score.twice.add(truth)
            if heard[insight.id, insight.revision] > 1:
                score.twice.add(truth)
            score.told[truth].append(clock[-1])

        logs, journal = MemoryLogs(self.rows), MemoryJournal()
        world = a_world(logs, journal=journal, sinks=[ListSink(fault=hear)])
        for now, again in self.runs:
            if again is not None:
                journal.hook = self._interrupting(world, clock, again)
            clock[-1] = now
            logs.down = {SCOPE} if _within(self.logs_down, now) else set()
            run_once(world, now=now, left=plenty)
            journal.hook = _go_on
        return score

    def _interrupting(
        self, world: World, clock: list[datetime], then: datetime
    ) -> Callable[[str], None]:
        """What makes a whole run take place at `then`, in the midst of the one under way."""
        operations = iter(range(self._random.randint(0, 12), -1, -1))

        def interrupt(_operation: str) -> None:
            if next(operations, None) == 0:
                clock.append(then)
                run_once(world, now=then, left=plenty)
                clock.pop()

        return interrupt

    def rule(self, looks_back: timedelta) -> Score:
        """What a log alert tells that is evaluated every 5 minutes over a window without memory."""
        score = Score(f"rule, every 5 over the last {looks_back // minutes(1)} min")
        instants: Counter[tuple[str, datetime]] = Counter()
        times = [row.signal.at for row in self.rows]
        for now in self.every_tick():
            if _within(self.logs_down, now):
                continue
            window = slice(bisect_left(times, now - looks_back), bisect_left(times, now))
            seen = by_gateway(row.signal for row in self.rows[window] if row.arrived <= now)
            for gateway_id, rows in seen.items():
                observed = Observation(
                    rows=rows,
                    window=Window(start=now - looks_back, end=now),
                    complete=True,
                    seen_until=now,
                )
                examined = Examination(observation=observed, known=Known(active_active=False))
                found = (each.at for each in examined.switch_overs)
                for truth, known in self._matched(gateway_id, found):
                    instants[gateway_id, known] += 1
                    score.told[truth].append(now)
                    if instants[gateway_id, known] > 1:
                        score.twice.add(truth)
        return score

    def _matched(
        self, gateway_id: str, found: Iterable[datetime]
    ) -> Iterator[tuple[Truth, datetime]]:
        """The failovers in which a rule saw something, with the switch-over that it was."""
        for instant in found:
            truth = self.of(gateway_id, instant)
            if truth is not None:
                yield truth, min(truth.instants, key=lambda known: abs(known - instant))


def _go_on(_operation: str) -> None:
    """Nothing happens in the midst of a run."""


def _within(outages: Iterable[Window], instant: datetime) -> bool:
    return any(instant in outage for outage in outages)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="The detector beside log alert rules.")
    parser.add_argument("--weeks", type=float, default=4)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    simulation = Simulation(length=timedelta(weeks=asked.weeks), seed=asked.seed)
    skipped = sum(1 for _ in simulation.every_tick()) - len(simulation.runs)
    doubled = sum(again is not None for _, again in simulation.runs)
    print(
        f"{asked.weeks:g} weeks, seed {asked.seed}: {len(simulation.truths)} failovers of "
        f"{GATEWAYS_AT_ONCE} gateways, {len(simulation.rows)} rows; {len(simulation.runs)} runs, "
        f"{skipped} skipped and {doubled} doubled; {len(simulation.logs_down)} outages of the "
        f"logs, {len(simulation.sink_down)} of the sink\n"
    )
    print(f"{'':<48}{'nothing down':>18}{'minutes, in all':>27}")
    names = ("median", "p95", "median", "p95", "max")
    print(f"{'':<34}{'missed':>7}{'twice':>7}" + "".join(f"{name:>9}" for name in names))
    for score in (
        simulation.detector(),
        simulation.rule(minutes(5)),
        simulation.rule(minutes(15)),
    ):
        print(score.line(simulation.truths, simulation.undisturbed))


if __name__ == "__main__":
    main()
