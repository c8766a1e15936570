"""The nouns, where they do more than hold their fields."""

from __future__ import annotations

from datetime import timedelta

from detector.model import Answer, Evidence, Scope, Series, Window
from tests.builders import GATEWAY_ID, a_failover, a_signal, a_switch_over, an_outage, at

HOUR = Window(start=at(), end=at(hours=1))


def test_a_window_holds_its_start_and_not_its_end() -> None:
    assert [True, True, False, False] == [
        instant in HOUR for instant in (at(), at(minutes=59), at(hours=1), at(-1))
    ]


def test_the_halves_of_a_window_meet_and_are_the_whole() -> None:
    first, second = HOUR.halves()

    assert (HOUR.start, at(minutes=30), HOUR.end) == (first.start, first.end, second.end)
    assert first.end == second.start


def test_a_scope_is_a_workspace_or_a_resource() -> None:
    assert Scope(id="11111111-2222-4333-8444-555555555555").is_workspace
    assert not Scope(id=GATEWAY_ID).is_workspace
    assert GATEWAY_ID == str(Scope(id=GATEWAY_ID))


def test_the_newest_row_of_an_answer_is_the_last_that_was_logged() -> None:
    scope = Scope(id=GATEWAY_ID)
    rows = (a_signal(at=at(9)), a_signal(at=at(20)), a_signal(at=at(1)))

    assert at(20) == Answer(scope=scope, window=HOUR, signals=rows).newest
    assert Answer(scope=scope, window=HOUR).newest is None


def test_a_changed_primary_proves_more_than_tunnels_do() -> None:
    strongest_first = [
        Evidence.PRIMARY_CHANGED,
        Evidence.HAND_OVER,
        Evidence.INSTANCE_LOST,
        Evidence.BOTH_INSTANCES_LOST,
    ]

    assert strongest_first == sorted(Evidence, key=lambda each: each.strength, reverse=True)


def test_an_outage_is_open_until_its_tunnel_was_seen_again() -> None:
    assert an_outage(end=None).is_open
    assert an_outage(end=None).length is None
    assert not an_outage(end=14).is_open
    assert timedelta(seconds=14) == an_outage(end=14).length


def test_a_failover_lasts_from_its_first_switch_over_to_its_last() -> None:
    failover = a_failover(a_switch_over(at(1)), a_switch_over(at(minutes=20)))

    assert (at(1), at(minutes=20)) == (failover.first_at, failover.last_at)


def test_bandwidth_is_of_a_window_where_its_five_minutes_begin_in_it() -> None:
    points = tuple((at(minutes=minutes), 1.0) for minutes in (-5, 0, 55, 60))

    within = Series(instance="IN_0", points=points).within(HOUR)

    assert [at(), at(minutes=55)] == [start for start, _ in within]
