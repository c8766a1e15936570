"""An insight as a page of its own: what to do first, then what it rests on, and the article."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from detector.insights import (
    Insight,
    News,
    Reason,
    Severity,
    message,
    severity_of,
    standing_of,
)
from detector.model import Importance
from detector.pages import sections, sheet
from detector.pages.lanes import Clock, lanes_of
from detector.pages.timeline import HATCHES
from detector.text import day_and_month

_TONES: Final[Mapping[Severity, sheet.Tone]] = {
    Severity.FAILURE: "down",
    Severity.WARNING: "warn",
    Severity.SUCCESS: "good",
    Severity.INFO: "info",
}

_LEVELS: Final[Mapping[Importance, sheet.Tone]] = {
    Importance.CRITICAL: "down",
    Importance.WARNING: "warn",
    Importance.INFORMATION: "info",
}

_COMMAND: Final = re.compile(
    r"az network vnet-gateway reset(?: -[gn] [\w.()-]*[\w-]| --gateway-vip VIP)+"
)
"""The command that resets a gateway, as advice writes it."""

_STATE: Final = re.compile(r"(?P<word>(?:[A-Z]+\b ?)*)(?P<rest>.*)")
"""A state: its words in capitals, and the rest."""


def to_page(insight: Insight, *, fleet: str = "") -> str:
    """The whole page as HTML, which needs nothing else; `fleet` is the URL of all failovers."""
    lanes, clock = lanes_of(insight), Clock(insight)
    news = _state(insight)
    title = f"{_headline(insight, news)}: {insight.gateway.name}"
    first = (
        _now(insight, news),
        sections.tunnels_card(lanes, insight, clock),
        sections.timeline_card(lanes, insight, clock),
        sections.gateway_card(insight),
    )
    rest = (
        sections.bandwidth_card(insight),
        sections.redundancy_card(insight, clock),
        sections.told_card(insight, clock),
        sections.case_card(insight),
        sections.evidence_card(insight, clock),
        sections.article_card(insight),
    )
    body = f'{_head(insight, news, clock)}<div class="first">{"".join(first)}</div>{"".join(rest)}'
    return sheet.frame(
        title,
        HATCHES + body,
        above=_path(insight, fleet),
        below=_foot(insight, clock),
        style=_css(),
    )


@cache
def _css() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def _state(insight: Insight) -> News:
    """What holds now, whatever the latest revision was told for."""
    told = [*(each.reasons for each in insight.revisions), insight.reasons]
    turns = [
        reason
        for reasons in told
        for reason in reasons
        if reason in (Reason.DETECTED, Reason.RETRACTED)
    ]
    retracted = turns[-1:] == [Reason.RETRACTED]
    importance = insight.insight.importance_level
    standing = standing_of(insight.failover, importance, retracted=retracted)
    is_over = not standing.is_amiss and not standing.flapping
    reason = Reason.RETRACTED if retracted else Reason.RECOVERED if is_over else Reason.REVISED
    return News(
        insight=insight,
        reasons=(reason,),
        severity=severity_of(standing, (Reason.DETECTED,)),
        standing=standing,
    )


def _as_of(insight: Insight) -> datetime:
    return insight.told_at or insight.failover.seen_until


def _headline(insight: Insight, news: News) -> str:
    return message.headline(news, message.Times(now=_as_of(insight)))


def _path(insight: Insight, fleet: str) -> str:
    parts = [sheet.link("All failovers", fleet)] if fleet else []
    parts += [sheet.shown(insight.gateway.name, 80), _date(insight.failover.first_at)]
    return f'<nav aria-label="Where you are">{" / ".join(parts)}</nav>'


def _date(instant: datetime) -> str:
    known = instant.astimezone(UTC)
    return f"{day_and_month(known)} {known.year}"


def _head(insight: Insight, news: News, clock: Clock) -> str:
    drill = sheet.pill("info", "Drill: no failover happened") if insight.drill else ""
    tone = _TONES[news.severity]
    level = insight.insight.importance_level
    importance = sheet.pill(_LEVELS[level], level)
    state = _STATE.sub(
        rf'<b class="{tone}">\g<word></b>\g<rest>', sheet.shown(_headline(insight, news)), count=1
    )
    return (
        f'<div class="head">{importance} {drill}<h1>{state}</h1>'
        f'<p class="when"><b>{sheet.shown(insight.gateway.name, 80)}</b> '
        f"<span>{_when(insight, news, clock)}</span></p>"
        f'<p class="lead">{sheet.shown(insight.verdict)}</p></div>'
    )


def _when(insight: Insight, news: News, clock: Clock) -> str:
    """Since when, or when, as it was known at what time."""
    failover, standing = insight.failover, news.standing
    number, first, last = len(failover.switch_overs), failover.first_at, failover.last_at
    verb = "" if _headline(insight, news).startswith("SWITCHED OVER") else "switched over "
    since = standing.down_since
    if since is None and standing.without_redundancy:
        lost = [each.from_ for each in failover.redundancy_lost if each.to is None]
        since = min([*lost, *(each.from_ for each in failover.maybe_out if each.to is None)])
    if since is not None:
        said = f"since {clock(since)} UTC on {_date(since)}"
    elif number == 1:
        said = f"{verb}at {clock(first)} UTC on {_date(first)}"
    else:
        date = "" if _date(first) == _date(last) else f"{day_and_month(first.astimezone(UTC))} "
        said = f"{verb}{number} times from {date}{clock(first)} to {clock(last)} UTC"
        said += "" if date else f" on {_date(first)}"
    return f"{said}, as of {clock(_as_of(insight))}"


def _now(insight: Insight, news: News) -> str:
    first, point, rest = message.advice_on(news).partition(". ")
    said = f'<p class="say">{_advice(first + point.strip())}</p>'
    if rest:
        said += f"<p>{_advice(rest)}</p>"
    links = insight.links
    ways = [
        sheet.link("Text for a support case", "#case") if insight.facts.get("caseText") else "",
        sheet.link("The gateway in the portal", links.portal) if links.portal else "",
        sheet.link("How to reset a gateway", links.reset_guide) if news.standing.is_amiss else "",
        sheet.link("The article", "#article"),
    ]
    items = "".join(f"<li>{way}</li>" for way in ways if way)
    cause = sheet.shown(insight.failover.cause.statement)
    said += f'<div class="beside"><h3>Recorded beside it</h3><p>{cause}</p></div>'
    content = f'{said}<ul class="ways">{items}</ul>'
    return sheet.card("What to do now", content, key="now", tone=_TONES[news.severity])


def _advice(text: str) -> str:
    """The text, in which the command that resets a gateway can be told from the words."""
    return _COMMAND.sub(lambda command: f"<code>{command[0]}</code>", sheet.shown(text))


def _foot(insight: Insight, clock: Clock) -> str:
    by = insight.generator
    made = f", by {by.name} {sheet.shown(by.version, 40)}" if by else ""
    seen = clock(insight.failover.seen_until)
    return (
        "<p>Tunnel states are from the gateway's logs and Azure Resource Manager, not from "
        f"packets. Logs were seen until {seen} UTC. Insight {sheet.shown(insight.id, 80)}, update "
        f"{insight.revision}{made}.</p>"
    )
