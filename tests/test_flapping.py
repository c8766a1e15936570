"""The benchmark of a gateway that flaps, for two days; see `benchmarks/flapping.py`."""

from __future__ import annotations

from cProfile import Profile
from itertools import pairwise

from benchmarks.flapping import Arriving, rows, week
from detector.model import Kind, Signal
from detector.runs.run import run_once
from tests.builders import at
from tests.memory import (
    ListReceiver,
    ListSink,
    MemoryJournal,
    a_world,
    hours,
    minutes,
    plenty,
    seen,
)

PEER = "198.51.0.1"


def test_a_gateway_that_flaps_for_days_stays_within_bounds() -> None:
    [first, second] = week(12, days=2, every=hours(8)).values()

    assert max(first.history, second.history) < 1_000_000
    assert max(first.document, second.document) < 256_000
    assert max(first.event, second.event) < 256_000


def test_a_run_over_a_gateway_that_flaps_costs_what_it_costs_on_the_first_day() -> None:
    """By the calls that it makes, which are the same on every machine."""
    world = a_world(Arriving(seen(*rows(2, 2))), journal=MemoryJournal(), sinks=[ListSink()])
    calls: list[int] = []
    for hour in range(6, 49, 6):
        with Profile() as profile:
            run_once(world, now=at(hours=hour), left=plenty)
        calls.append(sum(entry.callcount for entry in profile.getstats()))

    assert max(calls) < 2 * max(calls[:2])


def test_people_hear_of_a_gateway_that_flaps_once_an_hour_beside_the_worst_and_the_end() -> None:
    """A tunnel stays away for an hour of the night, and is told of when it is and when it is not.

    The seconds of each switch-over, in which a run sees every tunnel down, are no news.
    """

    def is_there(row: Signal) -> bool:
        away = at(hours=2.2) < row.at < at(hours=3.2)
        return not (row.remote_ip == PEER and row.kind is Kind.CONNECTED and away)

    logs = Arriving(seen(*filter(is_there, rows(2, 0.2))))
    world = a_world(logs, sinks=[people := ListReceiver()])
    for number in range(1, 12 * 6):
        run_once(world, now=at(minutes=5 * number), left=plenty)
    heard = [((now - at()) // minutes(1), news.reasons[0].value) for now, [news] in people.sent]
    hourly = [minute for minute, reason in heard if reason == "switched-again"]

    assert ["detected", "worsened", "recovered", "recovered"] == [
        reason for _, reason in heard if reason != "switched-again"
    ]
    assert [75, 135] == hourly[:2]
    assert all(later - earlier >= 60 for earlier, later in pairwise(hourly))
