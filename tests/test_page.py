"""The page of an insight: the state first, nothing in it that acts, and readable by everybody."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from detector.insights.document import Insight, Reason
from detector.model import Importance, State
from detector.pages.page import to_page
from tests.browser import PHONE, WIDE, Scheme, looking
from tests.builders import a_diagnosis, a_gateway, an_outage
from tests.pages import CASES, active_active, an_insight_to_look_at, three_days, tunnels
from tests.test_summary import an_insight

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = '"><img src=x onerror=alert(1)></style></svg><script>alert(1)</script>{{7*7}}\u202e'

OUTSIDE_CHARTS = "*:not(svg *)"


def headline(insight: Insight) -> str:
    """The state as a reader sees it."""
    [shown] = re.findall(r"<h1>(.*?)</h1>", to_page(insight))
    return re.sub(r"<.*?>", "", shown)


def when(insight: Insight) -> str:
    [shown] = re.findall(r'<p class="when">(.*?)</p>', to_page(insight))
    return re.sub(r"<.*?>", "", shown)


def taken_back(told: Insight) -> Insight:
    """The insight as it is told later of what was taken back."""
    retracted = told.revisions[0].model_copy(update={"reasons": (Reason.RETRACTED,)})
    later = told.revisions[1].model_copy(update={"reasons": (Reason.RECOVERED,)})
    changes = {
        "revisions": (retracted, later),
        "reason": Reason.RECOVERED,
        "reasons": (Reason.RECOVERED,),
    }
    return told.model_copy(update=changes)


class TestState:
    """What is so now is the headline, and the gateway comes second."""

    def test_what_is_down_is_said_with_since_when_and_as_of_when(self) -> None:
        insight = tunnels(3)

        assert "DOWN 1 of 3 tunnels" == headline(insight)
        assert "vpn-hub-weu since 02:00:00 UTC on 22 Nov 2026, as of 02:25:00" == when(insight)

    def test_no_length_of_what_is_still_down_is_told_since_the_page_is_read_later(self) -> None:
        assert "so far" not in to_page(tunnels(3))

    def test_what_is_over_says_how_long_it_was(self) -> None:
        insight = tunnels(3, is_open=False)

        assert "BACK after 13 s" == headline(insight)
        assert "vpn-hub-weu switched over at 01:59:59 UTC on 22 Nov 2026, as of 02:25:00" == when(
            insight
        )

    def test_lost_redundancy_says_since_when(self) -> None:
        assert "REDUNDANCY LOST" == headline(active_active())
        assert when(active_active()).startswith("vpn-hub-weu since 02:00:01 UTC on 22 Nov 2026")

    def test_a_gateway_that_keeps_switching_over_says_how_often(self) -> None:
        assert "KEEPS SWITCHING OVER" == headline(three_days())
        assert (
            "vpn-hub-weu switched over 87 times from 22 Nov 02:00:00 to 25 Nov 01:40:00 UTC, "
            "as of 25 Nov 02:11:00"
        ) == when(three_days())

    def test_what_was_taken_back_stays_so_unless_what_is_down_all_the_same_is_critical(
        self,
    ) -> None:
        over, critical = (taken_back(tunnels(3, is_open=is_open)) for is_open in (False, True))

        assert "NO FAILOVER" == headline(over)
        assert "DOWN 1 of 3 tunnels" == headline(critical)

    def test_the_latest_reason_does_not_hide_the_state(self) -> None:
        found = {"reason": Reason.CAUSE_CHANGED, "reasons": (Reason.CAUSE_CHANGED,)}

        assert headline(tunnels(3)) == headline(tunnels(3).model_copy(update=found))

    def test_a_drill_says_that_nothing_happened(self) -> None:
        page = to_page(an_insight_to_look_at(drill=True))

        assert "Drill: no failover happened" in page
        assert "Nothing to do." in page

    def test_an_insight_of_an_earlier_release_is_as_of_what_its_logs_showed(self) -> None:
        insight = tunnels(3).model_copy(update={"told_at": None, "revisions": ()})

        assert when(insight).endswith("as of 02:25:01")


def test_a_page_of_20_tunnels_weighs_less_than_60_kb() -> None:
    assert len(to_page(tunnels(20)).encode()) < 60_000


def test_a_page_holds_no_script_and_asks_for_nothing() -> None:
    for make in CASES.values():
        page = to_page(make())

        assert "<script" not in page
        assert not re.findall(r'\s(?:src|srcset|action|on\w+)="', page)
        assert ["data:,"] == re.findall(r'<link[^>]*href="(.*?)"', page)
        assert "url(" not in page.replace("url(#hatch-", "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, WIDE])
@pytest.mark.parametrize("case", CASES)
def test_a_page_can_be_read_by_everybody(
    browser: Browser, case: str, width: int, scheme: Scheme
) -> None:
    with looking(browser, to_page(CASES[case]()), width=width, scheme=scheme) as look:
        charts = look.charts()

        assert [] == look.violations()
        assert [] == look.complaints + look.requests
        assert not look.scrolls_sideways()
        assert [] == look.overlapping()
        assert 2 == len(charts)
        assert all(text.size >= 12 for texts in charts for text in texts)


@pytest.mark.parametrize("width", [320, 700, 860, 1079, 1080])
def test_a_page_is_never_wider_than_its_window(browser: Browser, width: int) -> None:
    with looking(browser, to_page(active_active()), width=width) as look:
        assert not look.scrolls_sideways()
        assert [] == look.overlapping()


def test_each_chart_has_a_text_that_says_what_it_shows(browser: Browser) -> None:
    with looking(browser, to_page(tunnels(3))) as look:
        timeline, bandwidth = (
            chart.get_attribute("aria-label") or ""
            for chart in look.page.query_selector_all("svg[role=img]")
            if chart.is_visible()
        )

    assert "conn-lyon: since 02:00:00 (NotConnected at 02:25:01 (Azure))" in timeline
    assert bandwidth.startswith("Peak bandwidth between 01:30 and 02:30 UTC was 460 Mbps")


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_hostile_texts_stay_text(browser: Browser, width: int) -> None:
    """Whatever a name or a row of a log holds, the page has the elements of a harmless one."""
    with looking(browser, to_page(an_insight("x")), width=width) as look:
        harmless = look.page.locator(OUTSIDE_CHARTS).count()
    with looking(browser, to_page(an_insight(HOSTILE)), width=width) as look:
        assert 0 == look.page.locator("script, img").count()
        assert harmless == look.page.locator(OUTSIDE_CHARTS).count()
        assert [] == look.complaints + look.requests
        assert [] == look.overlapping()
        assert not look.scrolls_sideways()


def test_a_very_long_name_breaks_nothing(browser: Browser) -> None:
    name = "W" * 80
    outage = replace(an_outage(end=None), connection=name, instance=name)
    insight = an_insight_to_look_at(
        gateway=a_gateway(name=name, resource_group=name),
        diagnosis=a_diagnosis(
            outages=(outage,), state=State.ONGOING, importance=Importance.CRITICAL
        ),
    )
    for width in (PHONE, 760, WIDE):
        with looking(browser, to_page(insight), width=width) as look:
            assert not look.scrolls_sideways()
            assert [] == look.overlapping()


def test_on_paper_the_wide_drawing_and_all_that_is_folded_stand(browser: Browser) -> None:
    with looking(browser, to_page(three_days()), width=800, scheme="dark") as look:
        assert not look.page.locator(".chart.wide").first.is_visible()
        look.page.emulate_media(media="print")

        assert look.page.locator(".chart.wide").first.is_visible()
        assert "rgb(255, 255, 255)" == look.page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        assert look.page.locator("details table").first.bounding_box() is not None


def test_a_page_is_walked_through_by_keyboard(browser: Browser) -> None:
    with looking(browser, to_page(tunnels(3), fleet="/failovers")) as look:
        reached = []
        for _ in range(7):
            look.page.keyboard.press("Tab")
            reached.append(look.page.evaluate("document.activeElement.textContent"))
        look.page.keyboard.press("Enter")

    assert [
        "All failovers",
        "Text for a support case",
        "The gateway in the portal",
        "How to reset a gateway",
        "The article",
        "The same in words",
        "Benchmarks of the SKUs",
    ] == reached
