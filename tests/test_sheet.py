"""The pieces that every page is made of: what they are given stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from detector.pages.sheet import MARKS, Column, card, facts, frame, link, pill, shown, table
from tests.browser import PHONE, WIDE, Scheme, looking

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
ALL = frame(
    HOSTILE,
    "<h1>Failovers</h1>"
    + card(
        "What to do now",
        "".join(pill(tone, tone) for tone in MARKS) + facts([("VIP", shown(HOSTILE))]),
        key="now",
        tone="down",
    )
    + card(
        "Tunnels",
        table(
            "Tunnels",
            [Column(name="Name", is_lead=True), Column(name="Out for", is_figure=True)],
            [("a", "")],
        )
        + link(HOSTILE, "https://portal.example/#a")
        + "<details><summary>More</summary><p>More.</p></details>",
        key="tunnels",
    ),
    above='<nav aria-label="Where you are">All failovers</nav>',
    below="<p>By the logs.</p>",
)


@pytest.mark.parametrize("width", [PHONE, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_piece_can_be_read_by_everybody(browser: Browser, scheme: Scheme, width: int) -> None:
    with looking(browser, ALL, width=width, scheme=scheme) as look:
        assert [] == look.violations()
        assert not look.scrolls_sideways()
        assert [] == look.complaints + look.requests


def test_hostile_text_stays_text(browser: Browser) -> None:
    with looking(browser, ALL) as look:
        assert look.page.title() == HOSTILE
        assert 0 == look.page.locator("script, img").count()
        assert [HOSTILE] == look.page.locator("dd").all_inner_texts()


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", " https://a.example"]
)
def test_a_link_that_could_act_is_its_label_alone(url: str) -> None:
    assert "there" == link("there", url)


def test_a_link_to_the_web_tells_nobody_where_it_was_clicked() -> None:
    known = '<a href="https://a.example/?b&amp;c" rel="noopener noreferrer">there</a>'

    assert known == link("there", "https://a.example/?b&c")
    assert '<a href="../index.html">all</a>' == link("all", "../index.html")


def test_each_tone_has_a_mark_of_its_own() -> None:
    assert len(MARKS) == len(set(MARKS.values()))
