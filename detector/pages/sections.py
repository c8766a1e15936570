"""The parts of an insight's page below what to do: each is a card under its heading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Final

from detector.insights import MODES, Insight, Reason, document, to_html, without_title
from detector.pages import sheet
from detector.pages.bandwidth_chart import bandwidth
from detector.pages.lanes import Bar, Clock, Kind, Lane, events_of
from detector.pages.timeline import MOST_LANES, legend, timeline
from detector.text import count, instance_of, lasting, listed

ROWS_SHOWN: Final = 12
REVISIONS_SHOWN: Final = 5
EVENTS_SHOWN: Final = 200
"""Of longer lists the rest is a click away, or, of events, left out with its number."""

WORST_SAID: Final = 3


def tunnels_card(lanes: Sequence[Lane], insight: Insight, clock: Clock) -> str:
    """Every tunnel that was down, what matters most first; of those down more often each time."""
    content = "<p>No tunnel was logged as down.</p>"
    if lanes:
        rows = [_row(lane, clock) for lane in lanes]
        content = _tunnel_table("Tunnels that were down", rows[:ROWS_SHOWN])
        if others := rows[ROWS_SHOWN:]:
            rest = _tunnel_table("More tunnels that were down", others)
            content += _details(f"{len(others)} more tunnels", rest)
    if any(len(lane.bars) > 1 for lane in lanes):
        times = sorted(
            ((lane, bar) for lane in lanes for bar in lane.bars),
            key=lambda time: (time[1].start, time[0].name),
        )
        rows = [_time(lane, bar, clock) for lane, bar in times]
        content += _details("Each time down", _tunnel_table("Each time down", rows))
    failover = insight.failover
    missing = [
        f"{number} {what}"
        for number, what in (
            (failover.outages_left_out, "outages"),
            (failover.redundancy_lost_left_out, "times without redundancy"),
            (sum(each.tunnels_left_out for each in failover.redundancy_lost), "lost tunnels"),
            (failover.maybe_out_left_out, "tunnels that may have been out"),
            (failover.already_down_left_out, "tunnels that were already down"),
        )
        if number
    ]
    if missing:
        content += f'<p class="small muted">Not listed: {listed(missing)}.</p>'
    note = '<p class="small muted note">States of tunnels in logs, not packets. Times are UTC.</p>'
    return sheet.card("Tunnels", content + note, key="tunnels")


def _details(summary: str, content: str) -> str:
    return f"<details><summary>{sheet.shown(summary)}</summary>{content}</details>"


_TUNNEL: Final = (
    sheet.Column(name="State", is_lead=True),
    sheet.Column(name="Connection", is_lead=True, is_whole=True),
    sheet.Column(name="Remote IP", is_whole=True),
    sheet.Column(name="Instance", is_whole=True),
    sheet.Column(name="Down at", is_whole=True),
    sheet.Column(name="Back"),
    sheet.Column(name="Out for", is_figure=True),
)


def _row(lane: Lane, clock: Clock) -> tuple[str, ...]:
    """A tunnel by what matters most of its times down."""
    first, *others = lane.bars
    if lane.worst.end is None or not others:
        return _time(lane, lane.worst, clock)
    state, *cells = _time(lane, first, clock)
    cells[3:] = [f"first {cells[3]}", sheet.shown(lane.back), sheet.shown(lane.length)]
    return state, *cells


def _time(lane: Lane, bar: Bar, clock: Clock) -> tuple[str, ...]:
    """One time down of a tunnel."""
    back = "; ".join(filter(None, (bar.back, bar.served)))
    down = clock(bar.start)
    cells = (lane.connection or "", lane.remote_ip, bar.instance, down, back, bar.length)
    return _state_of(bar), *(sheet.shown(cell, 300) for cell in cells)


def _tunnel_table(caption: str, rows: Sequence[tuple[str, ...]]) -> str:
    """The rows without columns that are empty in all of them."""
    filled = [any(row[place] for row in rows) for place in range(len(_TUNNEL))]
    return sheet.table(
        caption, list(compress(_TUNNEL, filled)), [tuple(compress(row, filled)) for row in rows]
    )


def _state_of(bar: Bar) -> str:
    if bar.end is not None:
        return sheet.pill("good", "back")
    if bar.kind is Kind.OUT:
        return sheet.pill("down", "down")
    if bar.kind is Kind.LOST:
        return sheet.pill("warn", "no redundancy")
    if bar.kind is Kind.MAYBE:
        return sheet.pill("warn", "perhaps out")
    return sheet.pill("quiet", "down before" if bar.kind is Kind.BEFORE else "not followed")


def timeline_card(lanes: Sequence[Lane], insight: Insight, clock: Clock) -> str:
    """The tunnels over time, drawn and in words."""
    label = _in_words(lanes, insight, clock)
    events = events_of(insight, lanes)
    said = [(clock(event.at), event.text) for event in events[:EVENTS_SHOWN]]
    if len(events) > EVENTS_SHOWN:
        said.append(("", f"and {len(events) - EVENTS_SHOWN} more"))
    note = (
        "Times are UTC. Each stretch of the axis is true to scale; it is broken where nothing "
        "changed."
    )
    if len(lanes) > MOST_LANES:
        note += f" {len(lanes) - MOST_LANES} more tunnels are not drawn."
    drawn = timeline(insight, lanes, label)
    content = f"<figure>{drawn}{legend(drawn)}<figcaption>{note}</figcaption></figure>" + _details(
        "The same in words", _listed(said)
    )
    return sheet.card("What happened when", content, key="timeline")


def _in_words(lanes: Sequence[Lane], insight: Insight, clock: Clock) -> str:
    """What the timeline shows, in a sentence or two."""
    failover = insight.failover
    number = len(failover.switch_overs)
    when = f"at {clock(failover.first_at)}"
    if number > 1:
        when = f"from {clock(failover.first_at)} to {clock(failover.last_at)}"
    said = f"{count(number, 'switch-over')} {when}, {count(len(lanes), 'tunnel')}."
    worst = [f"{lane.name}: {lane.length} ({lane.back})" for lane in lanes[:WORST_SAID]]
    if more := len(lanes) - len(worst):
        worst.append(f"{more} more")
    told = f" {'; '.join(worst)}." if worst else ""
    return f"{said}{told} Logs were seen until {clock(failover.seen_until)}."


def gateway_card(insight: Insight) -> str:
    """What Azure Resource Manager knows of the gateway, or why it is not known."""
    gateway = insight.gateway

    def known(value: str | None, fact: str) -> str:
        return sheet.shown(
            value or f"unknown ({gateway.unknown.get(fact, 'Azure does not say')})", 300
        )

    sku = f"{gateway.sku} {gateway.generation or ''}" if gateway.sku else None
    mode = MODES[gateway.active_active] if gateway.active_active is not None else None
    pairs = [
        ("VIP", known(", ".join(gateway.vips), "vips")),
        ("Virtual network", known(gateway.virtual_network.name, "virtualNetwork")),
        ("SKU", known(sku, "sku")),
        ("Mode", known(mode, "activeActive")),
        ("Resource group", sheet.shown(gateway.resource_group, 90)),
        ("Region", known(gateway.location, "location")),
        ("Subscription", f'<span class="small">{sheet.shown(gateway.subscription_id, 40)}</span>'),
    ]
    if gateway.peers is not None:
        pairs.append(("Peers", str(gateway.peers)))
    return sheet.card("Gateway", sheet.facts(pairs), key="gateway")


def bandwidth_card(insight: Insight) -> str:
    """The bandwidth of each instance around the failover, against the SKU's benchmark."""
    statement = sheet.shown(insight.bandwidth.statement)
    content = f"<p>{statement}</p>"
    if drawn := bandwidth(insight, insight.bandwidth.statement):
        content = (
            f"<figure>{drawn}<figcaption>{statement} Site-to-site only, averages of five "
            "minutes; the vertical lines are the switch-overs.</figcaption></figure>"
        )
    benchmarks = sheet.link("Benchmarks of the SKUs", insight.links.sku_benchmarks)
    content += f'<p class="small">{benchmarks}</p>'
    return sheet.card("Bandwidth of each instance", content, key="bandwidth")


def redundancy_card(insight: Insight, clock: Clock) -> str:
    """The times in which an instance was without tunnels; nothing where there were none."""
    failover = insight.failover
    if not failover.redundancy_lost:
        return ""
    items = []
    for lost in failover.redundancy_lost:
        tunnels = count(len(lost.tunnels) + lost.tunnels_left_out, "tunnel")
        until = f"not seen back by {clock(failover.seen_until)}"
        if lost.to is not None:
            until = f"back at {clock(lost.to)}, after {lasting(lost.to - lost.from_)}"
        items.append(
            f"<li>{sheet.shown(instance_of(lost.instance), 80)} was without {tunnels} from "
            f"{clock(lost.from_)}, {until}. The other instance served the peers.</li>"
        )
    return sheet.card("Redundancy lost", f"<ul>{''.join(items)}</ul>", key="redundancy")


def told_card(insight: Insight, clock: Clock) -> str:
    """What was told so far, the latest first."""
    newest = list(reversed(insight.revisions))
    if not newest:
        return ""

    def items(some: Sequence[document.RevisionFacts]) -> str:
        return f'<ol class="told">{"".join(_revision(each, clock) for each in some)}</ol>'

    content = items(newest[:REVISIONS_SHOWN])
    if earlier := newest[REVISIONS_SHOWN:]:
        content += _details(count(len(earlier), "earlier update"), items(earlier))
    if insight.revisions_left_out:
        content += (
            f'<p class="small muted">and {count(insight.revisions_left_out, "update")} before '
            "these.</p>"
        )
    return sheet.card("What was told", content, key="told")


_NEWS: Final[Mapping[Reason, sheet.Tone]] = {
    Reason.DETECTED: "info",
    Reason.RETRACTED: "good",
    Reason.RECOVERED: "good",
    Reason.WORSENED: "down",
    Reason.SWITCHED_AGAIN: "warn",
}


def _revision(each: document.RevisionFacts, clock: Clock) -> str:
    at = f"{clock(each.at)} UTC" if each.at else "time not noted"
    reasons = " ".join(
        sheet.pill(_NEWS.get(one, "quiet"), one.replace("-", " ")) for one in each.reasons
    )
    return (
        f"<li><time>{at}</time><div><p>{reasons} "
        f'<span class="muted small">update {each.revision}</span></p>'
        f"<p>{sheet.shown(each.verdict)}</p></div></li>"
    )


def case_card(insight: Insight) -> str:
    """The text for a support case, to be copied."""
    text = insight.facts.get("caseText", "")
    if not text:
        return ""
    lines = "\n".join(sheet.shown(line) for line in text.splitlines())
    note = '<p class="muted small">One click selects all of it.</p>'
    return sheet.card(
        "Text for a support case", f'{note}<pre class="case">{lines}</pre>', key="case"
    )


def evidence_card(insight: Insight, clock: Clock) -> str:
    """The rows of the logs that the diagnosis rests on."""
    if not insight.evidence:
        return ""
    rows = _listed(
        (f"{clock(row.at)}.{row.at:%f}"[:-3], f"{row.source}: {row.text}")
        for row in insight.evidence
    )
    number = count(len(insight.evidence) + insight.evidence_left_out, "row")
    content = _details(f"{number} of logs", rows)
    if insight.evidence_left_out:
        content += f'<p class="small muted">{insight.evidence_left_out} are not listed.</p>'
    return sheet.card("Evidence", content, key="evidence")


def _listed(events: Iterable[tuple[str, str]]) -> str:
    """Times beside what happened then."""
    items = (f"<li><time>{at}</time><span>{sheet.shown(text)}</span></li>" for at, text in events)
    return f'<ol class="events">{"".join(items)}</ol>'


def article_card(insight: Insight) -> str:
    """The article, with what is true for this gateway behind it."""
    article = to_html(
        without_title(insight), resource_page=insight.links.portal or None, below_heading=1
    )
    content = f'<div class="article">{article}'
    if advice := insight.facts.get("resetAdvice"):
        content += f"<h3>For this gateway</h3><p>{sheet.shown(advice)}</p>"
    return sheet.card(insight.insight.title, f"{content}</div>", key="article")
