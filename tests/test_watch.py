"""When each scope was looked at: what a run notes of it, and what a page reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from detector.model import Answer, Scope, Window
from detector.runs.run import run_once
from detector.runs.watch import MOST_GAPS, Watch, watched, watches, watches_after
from tests.builders import GATEWAY_ID, at
from tests.memory import SCOPE, MemoryLogs, a_world, hours, plenty

GATEWAY = Scope(id=GATEWAY_ID)
ELSEWHERE = Scope(id="/subscriptions/00000000-0000-4000-8000-000000000009")


def window(start: float, end: float) -> Window:
    """From and to these hours of the night."""
    return Window(start=at(hours=start), end=at(hours=end))


def answer(start: float, end: float, no_logs: str | None = None) -> Answer:
    return Answer(scope=SCOPE, window=window(start, end), no_logs=no_logs)


def noted(*answers: Answer) -> Mapping[str, object]:
    """The last note of runs that had these answers, one after another."""
    note: Mapping[str, object] | None = None
    for each in answers:
        note = watches_after(note, [each], scopes=[SCOPE.id])
    return note or {}


def pieces(*answers: Answer) -> list[Window]:
    return list(watches(noted(*answers))[SCOPE.id].pieces())


def test_runs_whose_windows_touch_leave_no_gap() -> None:
    assert [window(-6, 5)] == pieces(answer(-6, 0), answer(-1, 5))


def test_what_no_window_reached_back_over_is_a_gap() -> None:
    assert [window(-6, 0), window(10, 16)] == pieces(answer(-6, 0), answer(10, 16))


def test_a_window_that_reaches_further_back_closes_the_gap_or_a_part_of_it() -> None:
    down = [answer(-6, 0), answer(10, 16)]

    assert [window(-6, 20)] == pieces(*down, answer(-1, 20))
    assert [window(-6, 0), window(4, 20)] == pieces(*down, answer(4, 20))


def test_a_scope_without_a_table_was_not_looked_at() -> None:
    assert {} == watches(noted(answer(-6, 0, no_logs="no table")))
    assert [window(-6, 0), window(10, 16)] == pieces(
        answer(-6, 0), answer(-1, 5, no_logs="no table"), answer(10, 16)
    )


def test_a_scope_that_is_asked_no_more_is_forgotten() -> None:
    note = noted(answer(-6, 0))

    assert {} == watches(watches_after(note, [], scopes=["another"]))
    assert [SCOPE.id] == list(watches(watches_after(note, [], scopes=[SCOPE.id])))


def test_of_many_gaps_the_oldest_is_forgotten_with_all_before_it() -> None:
    """Rather grey than green: what is forgotten counts as not looked at."""
    runs = [answer(10.0 * each, 10.0 * each + 1) for each in range(MOST_GAPS + 3)]
    [first, *others] = pieces(*runs)

    assert MOST_GAPS == len(others)
    assert window(20, 21) == first


def test_a_gap_of_more_than_a_hundred_days_ago_is_forgotten_with_all_before_it() -> None:
    later = [answer(hour, hour + 60) for hour in range(10, 24 * 110, 50)]

    assert [
        window(10, later[-1].window.end.timestamp() / 3600 - at().timestamp() / 3600)
    ] == pieces(answer(-6, 0), *later)


def test_a_clock_that_was_set_back_shows_no_time_to_come_as_looked_at() -> None:
    assert at(hours=1) == pieces(answer(0, 6), answer(-5, 1))[-1].end


@pytest.mark.parametrize(
    "note",
    [
        None,
        {},
        {"watched": 7},
        {"watched": {SCOPE.id: {"since": "soon", "until": "later"}}},
        {"watched": {SCOPE.id: {"since": "2026-11-22T02:00:00Z", "until": "2026-11-21T02:00:00Z"}}},
        {"watched": {SCOPE.id: {"since": "2026-11-22T02:00:00", "until": "2026-11-23T02:00:00"}}},
    ],
)
def test_a_note_that_makes_no_sense_shows_nothing(note: Mapping[str, object] | None) -> None:
    assert {} == watches(note)


def test_a_gateway_was_watched_when_every_scope_was_that_may_tell_of_it() -> None:
    known = {
        SCOPE.id: Watch(since=at(), until=at(hours=9)),
        GATEWAY.id: Watch(since=at(hours=2), until=at(hours=8)),
        ELSEWHERE.id: Watch(since=at(hours=5), until=at(hours=6)),
    }

    assert [window(2, 8)] == list(watched(known, known_scopes(known), GATEWAY_ID))
    assert [window(5, 6)] == list(watched(known, known_scopes(known), None))
    assert [] == list(watched(known, [*known_scopes(known), Scope(id="new")], GATEWAY_ID))
    assert [] == list(watched(known, [ELSEWHERE], GATEWAY_ID))


def known_scopes(known: Mapping[str, Watch]) -> list[Scope]:
    return [Scope(id=scope) for scope in known]


def test_gaps_of_two_scopes_are_both_gaps() -> None:
    known = {
        "a": Watch(since=at(), until=at(hours=9), gaps=((at(hours=2), at(hours=3)),)),
        "b": Watch(since=at(), until=at(hours=9), gaps=((at(hours=5), at(hours=6)),)),
    }

    assert [window(0, 2), window(3, 5), window(6, 9)] == list(
        watched(known, known_scopes(known), None)
    )


def test_each_run_notes_it_for_the_next() -> None:
    world = a_world(MemoryLogs())

    def ran(now: datetime) -> list[Window]:
        run_once(world, now=now, left=plenty)
        return list(watches(world.journal.last_run())[SCOPE.id].pieces())

    assert [Window(start=at() - hours(6), end=at())] == ran(at())
    assert [Window(start=at() - hours(6), end=at(hours=1))] == ran(at(hours=1))
    late = at() + timedelta(days=4)
    assert [
        Window(start=at() - hours(6), end=at(hours=1)),
        Window(start=late - timedelta(days=2), end=late),
    ] == ran(late)
