"""Messages to people: what they say, how they are cut, and that nothing in them acts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from detector.insights.document import Insight, Reason
from detector.insights.message import (
    CUT,
    LINES,
    LINES_WHEN_OVER,
    MARKUPS,
    Times,
    body,
    headline,
    title,
)
from detector.insights.standing import News, Severity, news_of
from detector.model import Importance
from tests.builders import LILLE, LYON, NICE, ONE, PARIS, ZERO, at
from tests.goldens import golden
from tests.sink_stand_in import an_insight

HOSTILE = (
    "x`code` **bold** _em_ <b onclick=a>b</b> <!channel> <@U1> <@&2> @everyone @here "
    "[click](https://evil.example) <https://evil.example> ![i](https://evil.example/i.png) "
    "https://evil.example www.evil.example ||spoiler|| ~~gone~~ &lt;i&gt; \\* {{DATE(x)}}\r\n"
    "# heading\n- item\x00\x1b[31m\u202egnp\u2066\u200f\u2028"
)
SOON = Times(now=at(minutes=25))
NEXT_DAY = Times(now=at(hours=26), zone=ZoneInfo("Europe/Paris"))
NAMES = {PARIS: "conn-paris", LYON: "conn-lyon", LILLE: "conn-lille", NICE: "conn-nice"}


def any_length(text: str) -> bool:
    return True


def outage(
    remote_ip: str = PARIS, start: float = 0, end: float | None = 14, **changes: Any
) -> dict[str, Any]:
    """A peer that was out from and to these seconds of the night, by the log."""
    known: dict[str, Any] = {
        "remoteIp": remote_ip,
        "connection": NAMES[remote_ip],
        "instance": ZERO,
        "from": at(start),
        "to": None if end is None else at(end),
        "seconds": None if end is None else end - start,
        "endSource": None if end is None else "log",
    }
    return known | changes


def lost(start: float = 0, end: float | None = None, instance: str = ZERO) -> dict[str, Any]:
    """An instance that was without its tunnel to Paris."""
    times = {"from": at(start), "to": None if end is None else at(end)}
    tunnel = {"remoteIp": PARIS, "connection": NAMES[PARIS], **times}
    return {"instance": instance, "tunnels": [tunnel], **times}


def switched(seconds: float = 0, evidence: str = "hand-over", **changes: Any) -> dict[str, Any]:
    known = {"at": at(seconds), "evidence": evidence, "fromInstance": ZERO, "toInstance": ONE}
    return known | changes


def cause(kind: str, statement: str, seconds: float | None = None) -> dict[str, Any]:
    at_ = None if seconds is None else at(seconds)
    return {"kind": kind, "at": at_, "caller": None, "statement": statement}


NO_CAUSE = cause("not-recorded", "No cause is recorded yet.")
RESET = cause("reset", "A reset by kim@example.net was recorded at 01:59 UTC, 1 min before.", -60)


def told(*reasons: str, name: str = "vpn-hub-weu", **changes: Any) -> News:
    """News of a failover at two in the morning, of a gateway with three peers."""
    whole = an_insight()
    failover: dict[str, Any] = {
        "firstAt": at(),
        "lastAt": at(),
        "switchOvers": [switched()],
        "flapping": False,
        "cause": NO_CAUSE,
        "outages": [outage()],
        "seenUntil": at(minutes=20),
        "redundancyLostSeconds": None,
        "state": "recovered",
    }
    importance = Importance(changes.pop("importance", "Warning"))
    gateway = whole.gateway.model_dump() | {"name": name, "peers": changes.pop("peers", 3)}
    more = {each: changes.pop(each) for each in list(changes) if each in Insight.model_fields}
    news = news_of(
        an_insight(
            id=more.pop("id", "20261122T020000000Z-1a2b3c4d5e6f"),
            reason=(reasons or ("detected",))[0],
            reasons=reasons or ("detected",),
            gateway=gateway,
            failover=failover | changes,
            insight=whole.insight.model_copy(update={"importance_level": importance}),
            verdict=more.pop("verdict", f"{name} failed over at 02:00 UTC."),
            **more,
        )
    )
    return replace(news, reasons=tuple(Reason(each) for each in reasons) or news.reasons)


DOWN = {"state": "ongoing"}
ARMS_ANSWER = {
    "remoteIp": LYON,
    "connection": NAMES[LYON],
    "vip": "203.0.113.10",
    "status": "Connected",
    "connectedSince": at(hours=-20),
    "asOf": at(minutes=20),
}
MANY = [told(name=f"vpn-{number:02}", id=f"f-{number}") for number in range(30)]
SCENES: dict[str, tuple[Sequence[News], Times]] = {
    "One of three is down": (
        [
            told(
                outages=[outage(LYON, end=None), outage(), outage(LILLE, end=21)],
                advice="Look at the peer of conn-lyon; if it is well, reset the gateway.",
                **DOWN,
            )
        ],
        SOON,
    ),
    "All three are down, and it is critical": (
        [
            told(
                "worsened",
                outages=[outage(peer, end=None) for peer in (PARIS, LYON, LILLE)],
                importance="Critical",
                revision=2,
                **DOWN,
            )
        ],
        SOON,
    ),
    "Two are down, and how many there are is not known": (
        [
            told(
                outages=[outage(peer, end=None) for peer in (PARIS, LYON)],
                peers=None,
                **DOWN,
            )
        ],
        SOON,
    ),
    "All are back": (
        [
            told(
                "recovered",
                "cause-changed",
                outages=[outage(), outage(LYON), outage(LILLE, end=12)],
                cause=RESET,
                revision=3,
                links=an_insight().links.model_copy(
                    update={"page": "https://failovers.example/f/20261122T020000000Z"}
                ),
            )
        ],
        SOON,
    ),
    "All were back when it was first told, a day later, in Paris": (
        [told(outages=[outage(), outage(LYON), outage(LILLE)])],
        NEXT_DAY,
    ),
    "One is back, and only Azure says so": (
        [told("recovered", outages=[outage(LYON, endSource="arm", seconds=None, atMost=13)])],
        SOON,
    ),
    "One is back, and the log lost when": (
        [told(outages=[outage(end=None), outage(LYON)], state="recovered")],
        SOON,
    ),
    "The log and Azure disagree": (
        [told(outages=[outage(LYON, end=None)], tunnels=[ARMS_ANSWER], **DOWN)],
        SOON,
    ),
    "Azure says that it is down": (
        [
            told(
                outages=[outage(LYON, end=None)],
                tunnels=[{**ARMS_ANSWER, "status": "NotConnected", "connectedSince": None}],
                **DOWN,
            )
        ],
        SOON,
    ),
    "Redundancy is lost": (
        [
            told(
                outages=[],
                redundancyLost=[lost()],
                switchOvers=[switched(evidence="instance-lost", toInstance=None)],
                name="vpn-hub-neu",
                **DOWN,
            )
        ],
        SOON,
    ),
    "Redundancy is back": (
        [
            told(
                "recovered",
                outages=[],
                redundancyLost=[lost(end=371)],
                redundancyLostSeconds=371,
                name="vpn-hub-neu",
            )
        ],
        NEXT_DAY,
    ),
    "It is not known whether peers were out": (
        [
            told(
                outages=[],
                maybeOut=[
                    {**lost()["tunnels"][0], "instance": ZERO},
                    {
                        **lost()["tunnels"][0],
                        "instance": ZERO,
                        "remoteIp": LYON,
                        "connection": "conn-lyon",
                    },
                ],
                name="vpn-hub-neu",
                **DOWN,
            )
        ],
        SOON,
    ),
    "Both instances are lost": (
        [
            told(
                switchOvers=[switched(evidence="both-instances-lost", fromInstance=None)],
                outages=[outage(peer, end=None) for peer in (PARIS, LYON, LILLE)],
                importance="Critical",
                name="vpn-hub-neu",
                **DOWN,
            )
        ],
        SOON,
    ),
    "No tunnel was seen down": ([told(outages=[], state="unknown")], SOON),
    "It was no failover": (
        [told("retracted", outages=[], state="unknown", revision=2)],
        SOON,
    ),
    "It was no failover, and a tunnel is down all the same": (
        [told("retracted", outages=[outage(LYON, end=None)], revision=2, **DOWN)],
        SOON,
    ),
    "A cause was found": (
        [told("cause-changed", cause=RESET, revision=2)],
        SOON,
    ),
    "A cause does not hold": (
        [told("cause-changed", revision=3)],
        SOON,
    ),
    "It keeps switching over": (
        [
            told(
                "switched-again",
                flapping=True,
                switchOvers=[switched(minute * 60) for minute in (0, 5, 10, 20)],
                lastAt=at(minutes=20),
                revision=4,
            )
        ],
        SOON,
    ),
    "It keeps switching over no more": (
        [
            replace(
                told("recovered", lastAt=at(minutes=20), flapping=True, revision=4),
                before=replace(told().standing, flapping=True),
                standing=told().standing,
                severity=Severity.SUCCESS,
            )
        ],
        SOON,
    ),
    "A tunnel keeps going up and down": (
        [
            replace(
                told("worsened", outages=[outage(LYON), outage(LYON, 600, None)], **DOWN),
                unsteady=(LYON,),
            )
        ],
        SOON,
    ),
    "A tunnel was down before": (
        [
            told(
                outages=[outage()],
                alreadyDown=[{"remoteIp": NICE, "connection": "conn-nice", "since": at(hours=-8)}],
            )
        ],
        SOON,
    ),
    "A drill": ([told(outages=[outage(), outage(LYON)], drill=True)], SOON),
    "Four at once": (
        [
            told(name="vpn-a", id="f-a", outages=[outage(LYON, end=None)], **DOWN),
            *MANY[:3],
        ],
        SOON,
    ),
    "Thirty in one night": (MANY, SOON),
}


def test_the_messages_are_as_they_were_read_aloud() -> None:
    parts = []
    for scene, (message, times) in SCENES.items():
        shown = body(message, MARKUPS["text"], any_length, times)
        parts.append(
            f"## {scene}\n\n**{title(message, 100, times)}** ({message[0].severity})\n\n"
            + "".join(f"> {line}\\\n" for line in shown.splitlines())
        )
    text = "# Messages, to be read aloud\n\n" + "\n".join(parts)

    assert golden("messages.md", text) == text


@pytest.mark.parametrize("scene", SCENES)
def test_a_title_is_short_and_names_the_gateway_early(scene: str) -> None:
    message, times = SCENES[scene]

    shown = title(message, 100, times)

    assert len(shown) <= 100
    assert shown.index(message[0].insight.gateway.name) < 40


@pytest.mark.parametrize("scene", [name for name, (told, _) in SCENES.items() if len(told) == 1])
def test_the_headline_is_the_state_with_which_the_title_begins(scene: str) -> None:
    [news], times = SCENES[scene]
    drill = "DRILL " if news.insight.drill else ""
    state = title([news], 1_000, times).removeprefix(drill)
    word = state.partition(":")[0]

    assert headline(news, times).startswith(word)
    assert news.insight.gateway.name not in headline(news, times)


@pytest.mark.parametrize("scene", SCENES)
def test_a_body_is_8_lines_where_all_is_over_and_never_more_than_15(scene: str) -> None:
    message, times = SCENES[scene]
    is_over = len(message) == 1 and not message[0].standing.is_amiss
    is_over = is_over and not message[0].standing.flapping

    lines = body(message, MARKUPS["text"], any_length, times).splitlines()

    assert len(lines) <= (LINES_WHEN_OVER if is_over else LINES)
    assert lines[-1].startswith("Update")


def test_every_gateway_of_thirty_is_named() -> None:
    shown = body(MANY, MARKUPS["text"], any_length, SOON)

    assert [] == [news for news in MANY if news.insight.gateway.name not in shown]


def test_a_time_has_its_date_where_that_is_not_today_s_and_its_year_where_that_is_another() -> None:
    instant = datetime.fromisoformat("2026-11-19T23:14:07Z")

    def utc(days: float) -> str:
        return Times(now=instant + timedelta(days=days)).utc(instant)

    assert ["23:14 UTC", "19 Nov 23:14 UTC", "19 Nov 2026 23:14 UTC"] == [utc(0), utc(1), utc(60)]


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Europe/Paris", "23:14 UTC (20 Nov 00:14 CET)"),
        ("America/New_York", "23:14 UTC (18:14 EST)"),
        ("America/Sao_Paulo", "23:14 UTC (20:14 UTC-03)"),
    ],
)
def test_local_time_stands_beside_utc(zone: str, written: str) -> None:
    instant = datetime.fromisoformat("2026-11-19T23:14:07Z")

    assert written == Times(now=instant, zone=ZoneInfo(zone)).both(instant)


def test_a_title_leaves_out_local_time_and_names_before_it_is_cut() -> None:
    news = told(name="v" * 45, outages=[outage(peer, end=None) for peer in NAMES], **DOWN)
    in_paris = replace(SOON, zone=ZoneInfo("Europe/Paris"))

    assert title([news], 100, in_paris).endswith(" since 02:00 UTC")
    assert title([news], 140, in_paris).endswith("since 02:00 UTC (03:00 CET)")
    assert title([news], 60, in_paris).endswith(CUT)


def test_a_body_is_cut_between_lines_the_less_important_first_and_says_so() -> None:
    message, times = SCENES["All are back"]

    shown = body(message, MARKUPS["text"], lambda text: len(text) <= 200, times)

    assert [
        "Nothing to do. What went down is back.",
        "What happened: vpn-hub-weu failed over at 02:00 UTC.",
        CUT,
        "Update 3: recovered and its cause changed, 20261122T020000000Z-1a2b3c4d5e6f",
    ] == shown.splitlines()


@given(room=st.integers(min_value=1, max_value=3000))
def test_a_body_fits_whatever_the_room(room: int) -> None:
    news = told(verdict="y" * 100_000)

    assert room >= len(body([news], MARKUPS["html"], lambda text: len(text) <= room, SOON))


@given(text=st.text() | st.just(HOSTILE * 300), most=st.integers(min_value=10, max_value=300))
def test_a_title_is_one_line_of_no_more_than_it_may_have(text: str, most: int) -> None:
    shown = title([told(name=text)], most, SOON)

    assert most >= len(shown)
    assert len(shown.splitlines()) <= 1


def hostile() -> News:
    """News in which every text from outside is hostile."""
    evil = {"remoteIp": HOSTILE, "connection": HOSTILE}
    return told(
        name=HOSTILE,
        verdict=HOSTILE,
        advice=HOSTILE,
        cause=cause("reset", HOSTILE, 0),
        outages=[outage() | evil],
        alreadyDown=[{**evil, "since": at()}],
        redundancyLost=[lost() | {"instance": HOSTILE}],
        maybeOut=[{**lost()["tunnels"][0], **evil, "instance": HOSTILE}],
        id=HOSTILE,
        state="ongoing",
    )


def hostile_body(form: str) -> str:
    return body([hostile()], MARKUPS[form], any_length, SOON)


OURS = {"strong", "bullet_list", "list_item", "paragraph", "link", "inline", "text", "softbreak"}


def test_nothing_hostile_acts_in_markdown() -> None:
    """By CommonMark and GitHub's extensions there are our list, our labels and our two links."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(hostile_body("markdown"))
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {re.sub("_(open|close)$", "", token.type) for token in [*tokens, *inner]}

    assert set() == kinds - OURS
    assert 2 == len([token for token in inner if token.type == "link_open"])


def test_nothing_hostile_acts_in_html() -> None:
    tags = re.findall(r"<[^>]*>", hostile_body("html"))

    assert {"<b>", "</b>", "</a>", "<br/>"} == {tag for tag in tags if "href" not in tag}
    assert 2 == len([tag for tag in tags if re.fullmatch(r'<a href="https://[^"]*">', tag)])


@pytest.mark.parametrize("form", MARKUPS)
def test_nobody_is_called_and_nothing_is_hidden_in_any_format(form: str) -> None:
    several = [hostile()] * 12
    shown = title([hostile()], 500, SOON) + hostile_body(form)
    shown += title(several, 500, SOON) + body(several, MARKUPS[form], any_length, SOON)

    acting = "@everyone|@here|<!|<@|://evil|www\\.|[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]"
    assert [] == re.findall(acting, shown)


def test_names_stay_as_they_are() -> None:
    name = "vpn_hub_1 CONTOSO\\bob R&D (50 %) #7"

    assert f"BACK after 14 s: {name}, " in title([told(name=name)], 150, SOON)


def test_what_is_left_to_escape_in_html_is_escaped() -> None:
    shown = body([told(verdict='R&D "hub"')], MARKUPS["html"], any_length, SOON)

    assert "<b>What happened:</b> R&amp;D &quot;hub&quot;<br/>" == shown.splitlines()[1]


@pytest.mark.parametrize("form", MARKUPS)
def test_a_portal_that_is_not_known_is_no_link(form: str) -> None:
    links = an_insight().links.model_copy(update={"portal": ""})

    assert "in the portal" in body([told()], MARKUPS[form], any_length, SOON)
    assert "in the portal" not in body([told(links=links)], MARKUPS[form], any_length, SOON)


def test_where_redundancy_was_missing_for_longer_the_title_says_so() -> None:
    news = told("recovered", redundancyLost=[lost(0, 1140)], redundancyLostSeconds=1140)

    assert "redundancy after 19 min" in title([news], 100, SOON)


def test_a_connection_that_is_gone_is_not_called_back() -> None:
    gone = outage(LYON, end=None, followed=False)
    news = told("recovered", outages=[outage(), gone], state="unknown")

    assert "CONNECTION GONE: vpn-hub-weu, conn-lyon is followed no more" == title([news], 100, SOON)


def test_an_outage_whose_end_was_not_logged_has_no_length_in_the_title() -> None:
    unlogged = outage(LYON, end=None, atMost=2405)
    news = told("recovered", outages=[outage(), unlogged])

    assert title([news], 100, SOON).startswith("BACK: ")


def test_of_a_tunnel_that_was_down_before_nobody_says_that_none_was_seen_down() -> None:
    before = {"remoteIp": PARIS, "connection": "conn-paris", "since": at(-2640)}
    news = told("detected", outages=[], alreadyDown=[before], state="unknown")

    assert "no tunnel" not in title([news], 100, SOON)


def test_news_of_a_cause_says_first_what_is_down() -> None:
    found = told("cause-changed", cause=RESET)
    missing = told("cause-changed", cause=RESET, outages=[outage(end=None)], **DOWN)

    assert title([found], 100, SOON).startswith("CAUSE FOUND: ")
    assert title([missing], 100, SOON).startswith("DOWN 1 of 3 tunnels: ")


def test_of_more_outages_than_are_listed_nobody_counts_the_tunnels() -> None:
    news = told("recovered", outages=[outage(), outage(LYON)], outagesLeftOut=7)

    assert ", 2 tunnels or more, " in title([news], 100, SOON)


def test_who_hears_that_log_and_azure_disagree_hears_what_azure_says() -> None:
    """Names that are too long give way, and not the end of the sentence."""
    long = "conn-a-peer-with-quite-a-long-name"
    known = [outage(PARIS, end=None), outage(LYON, end=None)]
    named = [{**each, "connection": f"{long}-{n}"} for n, each in enumerate(known)]
    answers = [{**ARMS_ANSWER, "remoteIp": ip} for ip in (PARIS, LYON)]

    shown = title([told(outages=named, tunnels=answers, **DOWN)], 100, SOON)

    assert shown.endswith(", 2 tunnels down since 02:00 UTC by the log, up by Azure")


def test_that_it_was_no_failover_is_said_after_that_tunnels_are_critically_down() -> None:
    news = told("retracted", importance="Critical", outages=[outage(LYON, end=None)], **DOWN)

    assert ("failure", "DOWN 1 of 3 tunnels: vpn-hub-weu, conn-lyon since 02:00 UTC") == (
        news.severity,
        title([news], 100, SOON),
    )


def test_one_peer_that_is_down_again_is_named_where_both_instances_were_lost() -> None:
    both = switched(evidence="both-instances-lost", fromInstance=None, toInstance=None)
    news = told("worsened", switchOvers=[both], outages=[outage(LYON, end=None)], **DOWN)

    assert "conn-lyon since" in title([news], 100, SOON)


def test_what_kept_switching_over_by_rows_that_do_not_hold_is_not_called_steady() -> None:
    """A switch-over was taken back: nobody knows that the gateway has been steady for an hour."""
    news = told("recovered")
    before = replace(news.standing, flapping=True, switch_overs=(*news.standing.switch_overs,) * 2)

    assert title([replace(news, before=before)], 100, SOON).startswith("BACK after 14 s")
