"""The page of a fleet: what it says, and in a real browser that everybody can read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from detector.insights.fleet import Choice, Fleet
from detector.model import CauseKind, State
from detector.pages.fleet_page import MOST_ROWS, to_fleet_page, to_notice
from tests import fleets
from tests.browser import PHONE, WIDE, Scheme, looking
from tests.fleets import NOW, a_failover, a_fleet

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLEETS: dict[str, Callable[[], Fleet]] = {
    "none": fleets.none,
    "three": fleets.three,
    "forty": lambda: fleets.many(40),
    "five thousand": lambda: fleets.many(5000),
    "hostile": fleets.hostile,
    "late": lambda: replace(fleets.three(), last_complete=NOW - timedelta(hours=7)),
}


def text(fleet: Fleet) -> str:
    """What the page says, without its tags."""
    page = to_fleet_page(fleet).partition("<body>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def headline(fleet: Fleet) -> str:
    found = re.search(r"<h1>(.*?)</h1>", to_fleet_page(fleet))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("width", [PHONE, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fleet", FLEETS.values(), ids=FLEETS)
def test_everybody_can_read_it_on_a_phone_and_on_a_desk_by_day_and_by_night(
    browser: Browser, fleet: Callable[[], Fleet], scheme: Scheme, width: int
) -> None:
    with looking(browser, to_fleet_page(fleet()), width=width, scheme=scheme) as look:
        assert [] == look.violations()
        assert not look.scrolls_sideways()
        assert [] == look.complaints + look.requests


def test_hostile_names_stay_text(browser: Browser) -> None:
    with looking(browser, to_fleet_page(fleets.hostile())) as look:
        assert 0 == look.page.locator("script, img, iframe").count()
        assert "<img src=x onerror=alert(1)>" in look.page.locator("h1").inner_text()


@pytest.mark.parametrize("fleet", FLEETS.values(), ids=FLEETS)
def test_however_long_a_name_is_the_days_beside_it_are_seen(
    browser: Browser, fleet: Callable[[], Fleet]
) -> None:
    """A strip without width would look as if nobody had to look."""
    with looking(browser, to_fleet_page(fleet()), width=WIDE) as look:
        boxes = [strip.bounding_box() for strip in look.page.locator(".strip").all()]
        widths = [box["width"] if box else 0 for box in boxes]

    assert widths
    assert min(widths) > WIDE / 3


def test_the_form_asks_for_what_was_chosen_without_a_script(browser: Browser) -> None:
    choice = Choice(gateway="vpn-hub-weu", state=State.ONGOING, since=fleets.SINCE)
    page = to_fleet_page(replace(fleets.three(), choice=choice))

    with looking(browser, page) as look:
        look.page.select_option("[name=cause]", "maintenance")
        look.page.get_by_role("button", name="Show").click()
        look.page.wait_for_timeout(0)

        [asked] = look.requests

    assert "https://failovers.example/page" == asked.partition("?")[0]
    assert {
        "gateway": ["vpn-hub-weu"],
        "cause": ["maintenance"],
        "state": ["ongoing"],
        "since": ["2026-10-21"],
        "until": [""],
    } == parse_qs(asked.partition("?")[2], keep_blank_values=True)


def test_each_gateways_days_have_a_text(browser: Browser) -> None:
    with looking(browser, to_fleet_page(fleets.three())) as look:
        spoken = [each.get_attribute("aria-label") for each in look.page.locator(".strip").all()]

    assert (
        "vpn-hub-weu, the last 30 days: 2 failovers, latest 19 Nov; "
        "4 days not looked at, or not all day. not over: 19 Nov. back within 3 minutes: 12 Nov."
    ) == spoken[0]
    assert len(spoken) == 4


def test_the_state_is_the_headline() -> None:
    assert "No failover is open" == headline(fleets.none())
    assert "1 failover is open: vpn-hub-weu" == headline(fleets.three())
    several = [
        a_failover(f"vpn-{each}", NOW - timedelta(hours=each), state=State.ONGOING)
        for each in range(1, 6)
    ]
    assert "2 failovers are open: vpn-2 and vpn-1" == headline(a_fleet(*several[:2]))
    assert "5 failovers are open: 5 gateways" == headline(a_fleet(*several))


def test_a_detector_that_does_not_look_is_the_headline_before_all_else() -> None:
    late = FLEETS["late"]()

    assert "The detector has not looked since 07:25:01 UTC" == headline(late)
    assert "That is too old: what happened since is not known." in text(late)
    assert "1 failover was open then." in text(late)
    assert "Open now" not in text(late)
    never = replace(fleets.none(), last_complete=None)
    assert "The detector has never read every scope in full" == headline(never)


def test_its_age_is_told_as_of_when_the_page_was_made() -> None:
    """Else it would be false in a page that is read later."""
    assert (
        "The logs were read in full up to 19 Nov 2026 14:23:01 UTC , 2 min before this page was "
        "made."
    ) in text(fleets.three())
    assert "since 14:14:01 UTC, as of 14:25:01 UTC" in text(fleets.three())


def test_blind_gateways_are_named_and_the_quiet_are_counted() -> None:
    said = text(fleets.many(40))

    assert "2 gateways are blind: vpn-03 and vpn-17." in said
    assert "the 17 quiet gateways" in said
    assert "vpn-38" not in said


def test_without_a_coverage_check_it_does_not_say_that_all_are_seen() -> None:
    assert "one that is not here may be quiet or blind" in text(a_fleet())


def test_failovers_stand_newest_first_with_drills_marked() -> None:
    page = to_fleet_page(fleets.three())
    rows = [re.sub(r"<[^>]+>", "", row) for row in re.findall(r'<td role="cell" data-name="(?:Gateway|State)"[^>]*>.*?</td>', page)]  # fmt: skip  # noqa: E501

    assert ["vpn-hub-weu", "vpn-branch-frc", "vpn-hub-weu", "vpn-hub-neu"] == rows[::2][:4]
    assert ["down", "drill", "back", "back"] == [each.split()[-1] for each in rows[1::2][:4]]


def test_maintenances_are_a_list_of_the_past_and_no_forecast() -> None:
    said = text(fleets.three())

    assert "vpn-hub-weu 2 19 Nov 14:14: not back by 14:25:01Z 12 Nov 02:31: 14 s" in said
    assert "no forecast" in said


def test_of_many_failovers_the_newest_are_listed_and_the_older_are_a_page_away() -> None:
    choice = Choice(gateway="vpn", cause=CauseKind.RESET, since=fleets.SINCE)
    fleet = replace(fleets.many(1000), choice=choice)
    page = to_fleet_page(fleet)
    [older] = re.findall(r'href="\?([^"]+)"', page)

    assert f"{1000 - MOST_ROWS} older failovers not shown" in page
    assert "gateway=vpn&amp;cause=reset&amp;since=2026-10-21" in older
    assert "until=2026-" in older
    assert page.count('data-name="State"') == MOST_ROWS


def test_what_took_long_is_said_or_that_it_is_not_known() -> None:
    def longest(**changes: object) -> str:
        found = re.search(
            r'data-name="Longest out"[^>]*>([^<]*)<',
            to_fleet_page(a_fleet(a_failover("vpn", NOW - timedelta(days=1), **changes))),
        )
        assert found is not None
        return found[1]

    assert "14 s" == longest()
    assert "at most 1 min 30 s" == longest(longest_seconds=90.0, bounded=True)
    assert "none seen" == longest(peers=0, longest_seconds=None)
    assert "not known" == longest(longest_seconds=None)


def test_the_page_of_a_folder_has_no_form_and_no_query() -> None:
    page = to_fleet_page(replace(fleets.many(1000), has_form=False))

    assert "<form" not in page
    assert 'href="?' not in page


def test_a_year_is_told_where_it_is_another() -> None:
    old = a_failover("vpn", NOW - timedelta(days=400))

    assert "15 Oct 2025 14:25" in text(a_fleet(old, recent=[]))


def test_a_notice_is_a_page_too(browser: Browser) -> None:
    with looking(browser, to_notice("Not found", fleets.HOSTILE), width=PHONE) as look:
        assert [] == look.violations()
        assert not look.scrolls_sideways()
        assert "Not found" == look.page.locator("h1").inner_text()
