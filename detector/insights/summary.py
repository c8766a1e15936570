"""An insight as Markdown for a person: the verdict, what it rests on, and the article."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from detector.articles import Spot, escaped
from detector.insights.document import (
    AlreadyDownFacts,
    Insight,
    OutageFacts,
    TunnelLossFacts,
    timestamp,
)
from detector.text import clock, count, day, lasting, one_line

TEXT_LENGTH: Final = 2000
"""As many characters of one text are shown; what is longer is cut visibly."""

MODES: Final = {True: "active-active", False: "active-standby", None: "mode unknown"}
"""A gateway's mode in words."""


def to_markdown(insight: Insight) -> str:
    """The whole insight as Markdown; all that comes from logs and Azure is escaped for it."""
    lines = [f"# {_text(insight.verdict)}", ""]
    if insight.advice:
        lines += [f"**What to do now:** {_text(insight.advice)}", ""]
    lines += [f"- **{name}:** {_text(value)}" for name, value in _facts(insight)]
    if tunnels := list(_tunnels(insight)):
        lines += ["", "## Tunnels", "", *(f"- {_text(line)}" for line in tunnels)]
        lines += ["", "These are tunnel states in logs, not packets."]
    lines += ["", f"## {_text(insight.insight.title)}", "", without_title(insight).strip(), ""]
    if advice := insight.facts.get("resetAdvice"):
        lines += ["## For this gateway", "", _text(advice), ""]
    lines += ["## Evidence", ""]
    lines += [
        f"- {timestamp(row.at)} {_text(row.source)}: {_text(row.text)}" for row in insight.evidence
    ]
    if insight.evidence_left_out:
        lines += [f"- … and {count(insight.evidence_left_out, 'more row')}"]
    if case := insight.facts.get("caseText"):
        lines += ["", "## For a support case", ""]
        lines += [f"- {_text(line)}" for line in case.splitlines()]
    lines += ["", "## Links", "", *_links(insight), ""]
    return "\n".join(lines)


def _text(text: str) -> str:
    return escaped(one_line(text, TEXT_LENGTH), Spot(leads_line=True))


def _facts(insight: Insight) -> Iterator[tuple[str, str]]:
    gateway, failover = insight.gateway, insight.failover
    sku = " ".join(filter(None, (gateway.sku or "SKU unknown", gateway.generation)))
    if insight.drill:
        yield "Drill", "no failover happened; this tests the way to you"
    yield "Importance", insight.insight.importance_level
    yield "Gateway", f"{gateway.name} ({sku}, {MODES[gateway.active_active]})"
    yield "Resource group", f"{gateway.resource_group} in subscription {gateway.subscription_id}"
    yield "Virtual network", insight.facts["virtualNetworkName"]
    yield "VIP", insight.facts["gatewayVip"]
    for switch_over in failover.switch_overs:
        instances = ""
        if switch_over.from_instance:
            instances = f", from {switch_over.from_instance}"
            instances += f" to {switch_over.to_instance}" if switch_over.to_instance else ""
        yield "Switch-over", f"{timestamp(switch_over.at)} ({switch_over.evidence}{instances})"
    yield "Cause", failover.cause.statement
    yield "Bandwidth", insight.bandwidth.statement
    yield "State", f"{failover.state}, by logs up to {timestamp(failover.seen_until)}"
    yield "Insight", f"{insight.id}, revision {insight.revision} ({', '.join(insight.reasons)})"


def _tunnels(insight: Insight) -> Iterator[str]:
    failover = insight.failover
    yield from (_outage(outage, insight) for outage in failover.outages)
    if failover.outages_left_out:
        yield f"and {count(failover.outages_left_out, 'outage')} more"
    for lost in failover.redundancy_lost:
        for tunnel in lost.tunnels:
            yield f"{_loss(tunnel, lost.instance, insight)}; the other instance served its peer"
        if lost.tunnels_left_out:
            yield f"and {count(lost.tunnels_left_out, 'more tunnel')} that {lost.instance} lost"
    if failover.redundancy_lost_left_out:
        yield f"and {count(failover.redundancy_lost_left_out, 'earlier time')} without redundancy"
    for perhaps in failover.maybe_out:
        yield (
            f"{_loss(perhaps, perhaps.instance, insight)}; whether the other instance served its "
            "peer is not known"
        )
    if failover.maybe_out_left_out:
        yield f"and {failover.maybe_out_left_out} more of which that is not known"
    for known in failover.already_down:
        yield f"{_name(known)}: already down since {day(known.since)}"
    if failover.already_down_left_out:
        yield f"and {failover.already_down_left_out} more that were already down"


def _name(tunnel: AlreadyDownFacts | OutageFacts | TunnelLossFacts) -> str:
    return tunnel.remote_ip + (f" ({tunnel.connection})" if tunnel.connection else "")


def _loss(tunnel: TunnelLossFacts, instance: str, insight: Insight) -> str:
    down = f"{_name(tunnel)}: down at {clock(tunnel.from_)} on {instance}"
    if tunnel.to is None:
        return f"{down}, not seen back by {clock(insight.failover.seen_until)}"
    return f"{down}, back at {clock(tunnel.to)}"


def _outage(outage: OutageFacts, insight: Insight) -> str:
    down = f"{_name(outage)}: down at {clock(outage.from_)} on {outage.instance}"
    if not outage.followed:
        return f"{down}, followed no more, since its connection was deleted"
    if outage.seconds is not None and outage.to is not None:
        return f"{down}, back at {clock(outage.to)} after {_lasting(outage.seconds)}"
    if outage.at_most is not None:
        by = "" if outage.to is None else f" by {clock(outage.to)}, as Azure Resource Manager says,"
        return f"{down}, back{by} after at most {_lasting(outage.at_most)}"
    return f"{down}, no reconnect seen by {clock(insight.failover.seen_until)}"


def _lasting(seconds: float) -> str:
    return lasting(timedelta(seconds=seconds))


def without_title(insight: Insight) -> str:
    """The article without its H1, which stands above it already."""
    lines = insight.insight.results.lstrip().splitlines(keepends=True)
    return "".join(lines[1:] if lines and lines[0].startswith("# ") else lines)


def _links(insight: Insight) -> Iterable[str]:
    pages = (
        ("The gateway in the portal", insight.links.portal),
        ("How to reset a gateway", insight.links.reset_guide),
        ("Benchmarks of the SKUs", insight.links.sku_benchmarks),
    )
    return (f"- [{name}]({url})" for name, url in pages if url)
