"""A failover, its gateway and an article become the insight document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from detector.articles import Catalog, Spot, escaped
from detector.diagnosis import Comparison
from detector.errors import ArticleError
from detector.insights.document import (
    BandwidthFacts,
    CauseFacts,
    EvidenceFacts,
    FailoverFacts,
    GatewayFacts,
    Insight,
    Links,
    OutageFacts,
    Reason,
    RenderedArticle,
    SwitchOverFacts,
    VirtualNetwork,
    timestamp,
)
from detector.insights.scenario import scenarios
from detector.insights.verdict import redundancy_lost, verdict_of
from detector.model import Diagnosis, EvidenceRow, Failover, Gateway, State
from detector.text import listed, one_line

RESET_GUIDE: Final = "https://learn.microsoft.com/azure/vpn-gateway/reset-gateway"
SKU_BENCHMARKS: Final = "https://learn.microsoft.com/azure/vpn-gateway/about-gateway-skus#benchmark"

MOST_ROWS: Final = 200
"""As many rows of evidence stand in a document; of more, the first, and a line that says so."""

LONGEST_NAME: Final = 120
"""Of a longer name from the logs no more is shown: it may hold anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The articles that a run may tell by, and the cloud that they have to be for.

    `portal` is the host of the cloud's portal, None where it is not public.
    """

    catalog: Catalog
    cloud: str
    portal: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What is to be told: a failover, what was found out, and why it is told now."""

    failover: Failover
    diagnosis: Diagnosis
    gateway: Gateway
    bandwidth: Comparison
    reason: Reason
    revision: int
    drill: bool = False


def compose_insight(telling: Revision, library: Library) -> tuple[Insight, tuple[str, ...]]:
    """The insight, and a line for each article that should have told it and could not.

    Where no article applies the failover is told by its diagnosis alone.
    """
    failover, diagnosis, gateway = telling.failover, telling.diagnosis, telling.gateway
    said = ("DRILL: " if telling.drill else "") + verdict_of(failover, diagnosis, gateway)
    facts = slot_facts(failover, diagnosis, gateway)
    told_by, problems = _article(diagnosis, facts, library, otherwise=said)
    if telling.drill:
        told_by = told_by.named(f"DRILL: {told_by.title}")
    insight = Insight(
        id=failover.id,
        revision=telling.revision,
        reason=telling.reason,
        drill=telling.drill,
        diagnostic_scenario=told_by.scenario,
        article_id=told_by.id,
        insight=RenderedArticle(
            id=told_by.id,
            title=told_by.title,
            results=told_by.results,
            importance_level=diagnosis.importance,
        ),
        facts=facts,
        gateway=_gateway(gateway),
        failover=_failover(failover, diagnosis),
        bandwidth=BandwidthFacts.model_validate(telling.bandwidth),
        evidence=tuple(map(EvidenceFacts.model_validate, _evidence(diagnosis.evidence))),
        verdict=said,
        links=Links(
            portal=f"https://{library.portal}/#resource{quote(gateway.id)}"
            if library.portal
            else "",
            reset_guide=RESET_GUIDE,
            sku_benchmarks=SKU_BENCHMARKS,
        ),
    )
    return insight, problems


def slot_facts(failover: Failover, diagnosis: Diagnosis, gateway: Gateway) -> dict[str, str]:
    """What fills the slots of an article; a fact that could not be had reads `unknown (why)`."""
    unseen = sorted({outage.remote_ip for outage in diagnosis.outages if outage.is_open})
    caller = one_line(diagnosis.cause.caller or "", LONGEST_NAME)
    return {
        "virtualNetworkName": gateway.virtual_network_name
        or _unknown(gateway, "virtual_network_name"),
        "gatewayVip": ", ".join(gateway.vips) or _unknown(gateway, "vips"),
        "preciseTimestamp": timestamp(failover.last_at),
        "gatewayName": gateway.name,
        "TunnelName": ", ".join(unseen) or "none",
        "caller": caller or "unknown (the log does not name who asked for it)",
        "resetAdvice": advice(diagnosis, gateway),
        "resourceIdDecoded": gateway.id,
        "domain": "",
    }


def _unknown(gateway: Gateway, fact: str) -> str:
    return f"unknown ({gateway.unknown.get(fact, 'Azure does not say')})"


def advice(diagnosis: Diagnosis, gateway: Gateway) -> str:
    """What completes an article's advice to reset, true for this gateway as it is now.

    How a reset acts in either mode is documented at `RESET_GUIDE`.
    """
    if diagnosis.state is State.ONGOING:
        need = "A reset is worth trying only where a tunnel stays down; look at the peer first."
    elif diagnosis.state is State.RECOVERED:
        need = "No reset is called for: what was logged as lost is back."
    else:
        need = "A reset is called for only if a tunnel stays down, which these logs do not tell."
    if gateway.active_active:
        vips = f" ({listed(gateway.vips)})" if gateway.vips else ""
        how = (
            "This gateway is active-active: a reset reboots its primary instance, and a second "
            "reset reboots the same one again; to reset the other instance, name its VIP in the "
            f"command{vips}."
        )
    elif gateway.active_active is None:
        why = gateway.unknown.get("active_active", "Azure does not say")
        how = f"How a reset acts depends on whether it is active-active, which is unknown ({why})."
    else:
        how = (
            "This gateway is active-standby: a reset reboots the active instance, and a second "
            "reset the other one. The public IP addresses stay."
        )
    return f"{need} {how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToldBy:
    """What the article gives an insight, or what stands in for it."""

    scenario: str
    id: str
    title: str
    results: str

    def named(self, title: str) -> _ToldBy:
        return _ToldBy(scenario=self.scenario, id=self.id, title=title, results=self.results)


def _article(
    diagnosis: Diagnosis, facts: Mapping[str, str], library: Library, *, otherwise: str
) -> tuple[_ToldBy, tuple[str, ...]]:
    problems: list[str] = []
    fitting = scenarios(diagnosis)
    for scenario in fitting:
        article = library.catalog.find(scenario, cloud=library.cloud)
        if article is None:
            continue
        try:
            results, title = article.render(facts), article.title_with(facts)
        except ArticleError as error:
            problems.append(f"{scenario}: {error}")
            continue
        return (
            _ToldBy(scenario=scenario, id=article.article_id, title=title, results=results),
            tuple(problems),
        )
    last = fitting[-1]
    problems.append(
        f"no article for {last} applies in {library.cloud}: add one whose cloudEnvironments name "
        "this cloud; the failover was told by its diagnosis alone"
    )
    results = escaped(diagnosis.cause.statement, Spot(leads_line=True))
    bare = _ToldBy(scenario=last, id="", title=otherwise, results=results)
    return bare, tuple(problems)


_NAMES: Final = {
    "active_active": "activeActive",
    "vpn_type": "vpnType",
    "virtual_network_id": "virtualNetwork",
    "virtual_network_name": "virtualNetwork",
}
"""The document's names of a gateway's facts, where they differ."""


def _gateway(gateway: Gateway) -> GatewayFacts:
    return GatewayFacts(
        id=gateway.id,
        name=gateway.name,
        resource_group=gateway.resource_group,
        subscription_id=gateway.subscription_id,
        location=gateway.location,
        sku=gateway.sku,
        generation=gateway.generation,
        active_active=gateway.active_active,
        vips=gateway.vips,
        virtual_network=VirtualNetwork(
            id=gateway.virtual_network_id, name=gateway.virtual_network_name
        ),
        unknown={_NAMES.get(fact, fact): why for fact, why in gateway.unknown.items()},
    )


def _failover(failover: Failover, diagnosis: Diagnosis) -> FailoverFacts:
    return FailoverFacts(
        first_at=failover.first_at,
        last_at=failover.last_at,
        switch_overs=tuple(map(SwitchOverFacts.model_validate, failover.switch_overs)),
        flapping=diagnosis.flapping,
        cause=CauseFacts.model_validate(diagnosis.cause),
        outages=tuple(
            OutageFacts(
                remote_ip=outage.remote_ip,
                connection=outage.connection,
                instance=outage.instance,
                from_=outage.start,
                to=outage.end,
                seconds=_seconds(outage.length),
                end_source=outage.end_source,
            )
            for outage in diagnosis.outages
        ),
        seen_until=diagnosis.seen_until,
        redundancy_lost_seconds=_seconds(redundancy_lost(diagnosis.redundancy)),
        state=diagnosis.state,
    )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else round(length / timedelta(seconds=1), 3)


def _evidence(rows: Sequence[EvidenceRow]) -> Sequence[EvidenceRow]:
    """The first of the rows, with a line that says how many more there are."""
    if len(rows) <= MOST_ROWS:
        return rows
    left = EvidenceRow(
        at=rows[MOST_ROWS].at,
        source="detector",
        text=f"… and {len(rows) - MOST_ROWS} more rows from here on",
    )
    return (*rows[:MOST_ROWS], left)
