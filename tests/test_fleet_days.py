"""What the box of a day shows: its worst failover, or whether somebody looked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from detector.insights.fleet import Fleet, Known
from detector.model import Importance, State, Window
from detector.pages.fleet_days import days_of
from tests.fleets import NOW, SINCE, a_failover, a_fleet

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


def boxes(fleet: Fleet) -> list[list[str]]:
    """The kinds of each row's days; empty for one that is quiet and was looked at."""
    strips = re.findall(r'class="strip"[^>]*>(.*?)</div>', days_of(fleet))
    return [re.findall(r"<i(?: class=\"(\w+)\")?>", strip) for strip in strips]


def kind(**changes: Any) -> str:
    """How a failover of 5 November is shown on that day."""
    [own] = boxes(a_fleet(a_failover("vpn", NOON, **changes)))
    assert 30 == len(own)
    assert {""} == set(own[:15] + own[16:]) - {"down"}
    return own[15]


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("info", {}),
        ("info", {"longest_seconds": 180.0}),
        ("warn", {"longest_seconds": 181.0}),
        ("warn", {"importance": Importance.WARNING}),
        ("warn", {"state": State.UNKNOWN}),
        ("down", {"state": State.ONGOING, "down": 1}),
        ("down", {"state": State.ONGOING}),
    ],
)
def test_a_day_shows_its_worst_failover(expected: str, changes: dict[str, Any]) -> None:
    assert expected == kind(**changes)


def test_one_that_is_not_over_is_shown_on_every_day_since() -> None:
    [own] = boxes(a_fleet(a_failover("vpn", NOON, state=State.ONGOING, down=1)))

    assert [""] * 15 + ["down"] * 15 == own


@pytest.mark.parametrize("changes", [{"drill": True}, {"retracted": True}])
def test_what_did_not_happen_is_not_shown(changes: dict[str, Any]) -> None:
    [quiet] = boxes(a_fleet(a_failover("vpn", NOON, **changes)))

    assert {""} == set(quiet)


def test_a_day_that_was_not_looked_at_all_through_is_grey_for_all_that_is_quiet() -> None:
    seen = [
        Window(start=SINCE - timedelta(days=1), end=NOON),
        Window(start=NOON + timedelta(hours=30), end=NOW),
    ]
    own, quiet = boxes(a_fleet(a_failover("vpn", NOON), watched=lambda _: seen, gateways=2))

    assert [""] * 15 + ["away", "away"] + [""] * 13 == quiet
    assert [""] * 15 + ["info", "away"] + [""] * 13 == own


def test_nothing_is_green_before_the_first_look() -> None:
    [quiet] = boxes(a_fleet(watched=lambda _: []))

    assert {"away"} == set(quiet)


def test_today_counts_as_looked_at_until_the_last_run_is_too_old() -> None:
    def today(until: datetime) -> str:
        seen = [Window(start=SINCE, end=until)]
        return boxes(a_fleet(watched=lambda _: seen))[0][-1]

    assert "" == today(NOW - timedelta(minutes=14))
    assert "away" == today(NOW - timedelta(minutes=16))


def test_just_after_midnight_yesterday_is_not_grey_for_the_minutes_since_the_last_run() -> None:
    midnight = datetime(2026, 11, 19, 0, 1, tzinfo=UTC)
    seen = [Window(start=SINCE - timedelta(days=5), end=midnight - timedelta(minutes=3))]
    fleet = a_fleet(
        now=midnight, late_before=midnight - timedelta(minutes=11), watched=lambda _: seen
    )

    assert ["", ""] == boxes(fleet)[0][-2:]


def test_a_gateway_that_is_blind_is_quiet_on_no_day() -> None:
    failover = a_failover("vpn", NOON)
    blind = Known(id=failover.gateway_id, name="vpn", blind="logs nothing")
    [own] = boxes(a_fleet(failover, known=[blind]))

    assert ["away"] * 15 + ["info"] + ["away"] * 14 == own


def test_who_is_open_stands_first_then_who_is_blind_then_who_failed_over_most() -> None:
    fleet = a_fleet(
        a_failover("once", NOON),
        a_failover("twice", NOON),
        a_failover("twice", NOON + timedelta(days=1)),
        a_failover("open", NOON, state=State.ONGOING),
        known=[Known(id="/blind", name="blind", blind="logs nothing")],
        gateways=9,
    )
    names = re.findall(r"<strong>([^<]+)</strong>", days_of(fleet))

    assert ["open", "blind", "twice", "once", "the 5 quiet gateways"] == names


def test_of_very_many_gateways_the_worst_have_days_of_their_own() -> None:
    fleet = a_fleet(*(a_failover(f"vpn-{each}", NOON) for each in range(100)))

    assert 60 == len(boxes(fleet))
    assert "40 more gateways failed over or are blind" in days_of(fleet)
