"""Messages to people: what they say, how they are cut, and that nothing in them acts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from detector.insights.message import CUT, MARKUPS, body, title
from detector.model import EndSource
from tests.sink_stand_in import an_insight

HOSTILE = (
    "x`code` **bold** _em_ <b onclick=a>b</b> <!channel> <@U1> <@&2> @everyone @here "
    "[click](https://evil.example) <https://evil.example> ![i](https://evil.example/i.png) "
    "https://evil.example www.evil.example ||spoiler|| ~~gone~~ &lt;i&gt; \\* {{DATE(x)}}\r\n"
    "# heading\n- item\x00\x1b[31m\u202egnp\u2066\u200f\u2028"
)


def test_the_body_tells_facts_diagnosis_and_links() -> None:
    insight = an_insight()

    assert """\
Gateway: vpn_hub_1 (resource group rg-hub)
Switched over: 2026-11-22 02:14:07Z, 2026-11-22 02:44:07Z
Cause: Planned maintenance was recorded.
Tunnel: to-branch 198.51.100.7 disconnected at 02:14:07Z, connected again after 1 min 23 s
VIP: 203.0.113.10
Virtual network: vnet-hub
Bandwidth: The peak was 120 Mbps, 12 % of the SKU's benchmark.
The gateway in the portal: https://portal.azure.com/#resource/subscriptions/\
00000000-0000-0000-0000-000000000001/resourcegroups/rg-hub/providers/microsoft.network/\
virtualnetworkgateways/vpn_hub_1
How to reset a gateway: https://learn.microsoft.com/azure/vpn-gateway/reset-gateway
Benchmarks of the SKUs: https://learn.microsoft.com/azure/vpn-gateway/about-gateway-skus""" == body(
        insight, insight.verdict, MARKUPS["text"], lambda text: True
    )


def test_what_is_not_over_and_what_is_not_known_is_said() -> None:
    whole = an_insight()
    outage = whole.failover.outages[0].model_copy(update={"seconds": None, "connection": None})
    failover = whole.failover.model_copy(
        update={"outages": (outage,) * 7, "redundancy_lost_seconds": 61.0}
    )
    gateway = whole.gateway.model_copy(update={"vips": (), "unknown": {"vips": "no permission"}})
    insight = whole.model_copy(
        update={
            "failover": failover,
            "gateway": gateway,
            "facts": {"resetAdvice": "Reset the peer."},
        }
    )

    told = body(insight, insight.verdict, MARKUPS["text"], lambda text: True)

    assert 5 == told.count(
        "Tunnel: 198.51.100.7 disconnected at 02:14:07Z, not seen to reconnect by 02:55:00Z\n"
    )
    assert [] == [
        line
        for line in (
            "Tunnel: and 2 outages more",
            "Redundancy lost: for 1 min 1 s",
            "Unknown: vips (no permission)",
            "Advice: Reset the peer.",
        )
        if line not in told.splitlines()
    ]
    assert "VIP:" not in told


def test_an_end_that_only_arm_told_is_no_length_of_time() -> None:
    whole = an_insight()
    outage = whole.failover.outages[0].model_copy(update={"end_source": EndSource.ARM})
    failover = whole.failover.model_copy(update={"outages": (outage,)})
    insight = whole.model_copy(update={"failover": failover})

    told = body(insight, insight.verdict, MARKUPS["text"], lambda text: True)

    assert "to-branch 198.51.100.7 disconnected at 02:14:07Z, connected by 02:15:30Z" in told


def test_a_title_is_cut_visibly_and_the_body_then_tells_the_whole_verdict() -> None:
    insight = an_insight()

    shown = title(insight, 30)
    told = body(insight, shown, MARKUPS["text"], lambda text: True)

    assert "vpn_hub_1 failed over for mai…" == shown
    assert insight.verdict == told.splitlines()[0]


def test_a_body_is_cut_between_lines_and_says_so() -> None:
    insight = an_insight()

    told = body(insight, insight.verdict, MARKUPS["text"], lambda text: len(text) <= 120)

    assert (
        f"""\
Gateway: vpn_hub_1 (resource group rg-hub)
Switched over: 2026-11-22 02:14:07Z, 2026-11-22 02:44:07Z
VIP: 203.0.113.10
{CUT}"""
        == told
    )


@given(room=st.integers(min_value=1, max_value=3000))
def test_a_body_fits_whatever_the_room(room: int) -> None:
    insight = an_insight(verdict="y" * 100_000)

    assert room >= len(body(insight, "", MARKUPS["html"], lambda text: len(text) <= room))


@given(text=st.text() | st.just(HOSTILE * 300), most=st.integers(min_value=10, max_value=300))
def test_a_title_is_one_line_of_no_more_than_it_may_have(text: str, most: int) -> None:
    shown = title(an_insight(verdict=text), most)

    assert most >= len(shown)
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize("verdict", ["vpn-hub failed over.", "DRILL: vpn-hub failed over."])
def test_a_drill_says_so_first_and_once(verdict: str) -> None:
    insight = an_insight(drill=True, verdict=verdict)

    shown = title(insight, 150)

    assert "DRILL: vpn-hub failed over." == shown
    assert body(insight, shown, MARKUPS["text"], lambda text: True).startswith("This is a drill")


def hostile_body(form: str) -> str:
    """The body of an insight in which every text from outside is hostile."""
    whole = an_insight(verdict=HOSTILE, facts={"resetAdvice": HOSTILE})
    outage = whole.failover.outages[0].model_copy(
        update={"remote_ip": HOSTILE, "connection": HOSTILE}
    )
    cause = whole.failover.cause.model_copy(update={"statement": HOSTILE})
    insight = whole.model_copy(
        update={
            "gateway": whole.gateway.model_copy(
                update={"name": HOSTILE, "resource_group": HOSTILE, "unknown": {HOSTILE: HOSTILE}}
            ),
            "failover": whole.failover.model_copy(update={"outages": (outage,), "cause": cause}),
        }
    )
    return body(insight, "", MARKUPS[form], lambda text: True)


OURS = {"strong", "bullet_list", "list_item", "paragraph", "link", "inline", "text", "softbreak"}


def test_nothing_hostile_acts_in_markdown() -> None:
    """By CommonMark and GitHub's extensions there are our list, our labels and our three links."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(hostile_body("markdown"))
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {re.sub("_(open|close)$", "", token.type) for token in [*tokens, *inner]}

    assert set() == kinds - OURS
    assert 3 == len([token for token in inner if token.type == "link_open"])


def test_nothing_hostile_acts_in_html() -> None:
    tags = re.findall(r"<[^>]*>", hostile_body("html"))

    assert {"<b>", "</b>", "</a>", "<br/>"} == {tag for tag in tags if "href" not in tag}
    assert 3 == len([tag for tag in tags if re.fullmatch(r'<a href="https://[^"]*">', tag)])


@pytest.mark.parametrize("form", MARKUPS)
def test_nobody_is_called_and_nothing_is_hidden_in_any_format(form: str) -> None:
    told = title(an_insight(verdict=HOSTILE), 500) + hostile_body(form)

    acting = "@everyone|@here|<!|<@|://evil|www\\.|[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]"
    assert [] == re.findall(acting, told)


def test_names_stay_as_they_are() -> None:
    names = "vpn_hub_1 alice@example.com CONTOSO\\bob 203.0.113.7 R&D (50 %) #7"

    assert names == title(an_insight(verdict=names), 150)


def test_what_is_left_to_escape_in_html_is_escaped() -> None:
    insight = an_insight(verdict='R&D "hub"')

    told = body(insight, "", MARKUPS["html"], lambda text: True)

    assert "R&amp;D &quot;hub&quot;<br/>" == told.splitlines()[0]


@pytest.mark.parametrize("form", MARKUPS)
def test_a_portal_that_is_not_known_is_no_link(form: str) -> None:
    known = an_insight()
    unknown = known.model_copy(update={"links": known.links.model_copy(update={"portal": ""})})

    told = body(unknown, "", MARKUPS[form], lambda text: True)

    assert "in the portal" in body(known, "", MARKUPS[form], lambda text: True)
    assert "in the portal" not in told
