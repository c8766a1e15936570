"""A failover, its gateway and an article become the insight document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final
from urllib.parse import quote

from detector.articles import Catalog, Spot, escaped
from detector.diagnosis import Comparison
from detector.errors import ArticleError
from detector.insights.advice import RESET_GUIDE, advice_of, case_text, reset_advice
from detector.insights.document import (
    MOST_LISTED,
    AlreadyDownFacts,
    BandwidthFacts,
    CauseFacts,
    EvidenceFacts,
    FailoverFacts,
    GatewayFacts,
    Generator,
    Insight,
    Links,
    MaybeOutFacts,
    OutageFacts,
    Reason,
    RedundancyFacts,
    RenderedArticle,
    RevisionFacts,
    SwitchOverFacts,
    TunnelFacts,
    TunnelLossFacts,
    VirtualNetwork,
    timestamp,
)
from detector.insights.scenario import scenarios
from detector.insights.standing import Standing, standing_of
from detector.insights.verdict import redundancy_lost, verdict_of
from detector.model import Diagnosis, Failover, Gateway, Outage, Redundancy
from detector.text import one_line
from detector.version import VERSION

SKU_BENCHMARKS: Final = "https://learn.microsoft.com/azure/vpn-gateway/about-gateway-skus#benchmark"

LONGEST_DOCUMENT: Final = 250_000
"""So many bytes of JSON an insight has at most, in ASCII, which leaves room for its envelope.

Event Grid takes events of 1 MB (https://learn.microsoft.com/azure/event-grid/quotas-limits), and
many who receive webhooks take 256 KB.
"""

SHORTER: Final = (MOST_LISTED, 100, 50, 20, 5)
"""So many items its lists have, the first of these with which it is no longer than that."""

LONGEST_NAME: Final = 120
"""Of a longer name from the logs no more is shown: it may hold anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The articles that a run may tell by, and the cloud that they have to be for.

    `portal` is the host of the cloud's portal, None where it is not public. `web_url` is where
    people reach the app's pages, None where they do not.
    """

    catalog: Catalog
    cloud: str
    portal: str | None
    web_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What is to be told at `told_at`: a failover, what was found out, and why.

    `before` is the revision that was told last, None where this is the first.
    """

    failover: Failover
    diagnosis: Diagnosis
    gateway: Gateway
    bandwidth: Comparison
    reasons: tuple[Reason, ...]
    revision: int
    told_at: datetime
    before: Insight | None = None
    drill: bool = False


def compose_insight(revision: Revision, library: Library) -> tuple[Insight, tuple[str, ...]]:
    """The insight, and a line for each article that should have told it and could not.

    Where no article applies the failover is told by its diagnosis alone.
    """
    failover, diagnosis, gateway = revision.failover, revision.diagnosis, revision.gateway
    said = ("DRILL: " if revision.drill else "") + verdict_of(failover, diagnosis, gateway)
    facts = slot_facts(failover, diagnosis, gateway)
    told_by, problems = _article(revision, facts, library, otherwise=said)
    if revision.drill:
        told_by = told_by.named(f"DRILL: {told_by.title}")
    for most in SHORTER:
        insight = _insight(revision, library, facts, told_by, said, most)
        if len(json.dumps(insight.model_dump(mode="json"))) <= LONGEST_DOCUMENT:
            break
    return insight, problems


def _insight(
    revision: Revision,
    library: Library,
    facts: Mapping[str, str],
    told_by: _ToldBy,
    said: str,
    most: int,
) -> Insight:
    """The document, with `most` items in each of its lists."""
    failover, diagnosis, gateway = revision.failover, revision.diagnosis, revision.gateway
    tunnels, revisions = list(_live(diagnosis)), _revisions(revision, said, most)
    return Insight(
        id=failover.id,
        revision=revision.revision,
        reason=revision.reasons[0],
        reasons=revision.reasons,
        told_at=revision.told_at,
        drill=revision.drill,
        generator=Generator(version=VERSION),
        diagnostic_scenario=told_by.scenario,
        article_id=told_by.id,
        insight=RenderedArticle(
            id=told_by.id,
            title=told_by.title,
            results=told_by.results,
            importance_level=diagnosis.importance,
        ),
        facts=dict(facts),
        gateway=_gateway(gateway),
        failover=failover_facts(failover, diagnosis, most),
        bandwidth=_bandwidth(revision.bandwidth, most),
        tunnels=tuple(tunnels[:most]),
        tunnels_left_out=_left_out(tunnels, most),
        revisions=revisions,
        revisions_left_out=revision.revision - len(revisions),
        evidence=tuple(map(EvidenceFacts.model_validate, diagnosis.evidence[:most])),
        evidence_left_out=_left_out(diagnosis.evidence, most) + diagnosis.evidence_left_out,
        verdict=said,
        advice=advice_of(diagnosis, gateway),
        links=Links(
            portal=f"https://{library.portal}/#resource{quote(gateway.id)}"
            if library.portal
            else "",
            page=f"{library.web_url}/api/failovers/{failover.id}" if library.web_url else "",
            reset_guide=RESET_GUIDE,
            sku_benchmarks=SKU_BENCHMARKS,
        ),
    )


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
        "resetAdvice": reset_advice(diagnosis, gateway),
        "caseText": case_text(failover, diagnosis, gateway),
        "resourceIdDecoded": gateway.id,
        "domain": "",
    }


def _unknown(gateway: Gateway, fact: str) -> str:
    return f"unknown ({gateway.unknown.get(fact, 'Azure does not say')})"


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
    revision: Revision, facts: Mapping[str, str], library: Library, *, otherwise: str
) -> tuple[_ToldBy, tuple[str, ...]]:
    problems: list[str] = []
    diagnosis = revision.diagnosis
    fitting = scenarios(diagnosis, revision.failover.switch_overs)
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
        peers=gateway.peers,
        virtual_network=VirtualNetwork(
            id=gateway.virtual_network_id, name=gateway.virtual_network_name
        ),
        unknown={_NAMES.get(fact, fact): why for fact, why in gateway.unknown.items()},
    )


def failover_facts(
    failover: Failover, diagnosis: Diagnosis, most: int = MOST_LISTED
) -> FailoverFacts:
    """The document's part on the failover, with `most` items of each list."""
    causes = [CauseFacts.model_validate(cause) for cause in diagnosis.causes]
    first, *others = [
        each for each in zip_longest(failover.switch_overs, causes) if each[0] is not None
    ]
    return FailoverFacts(
        first_at=failover.first_at,
        last_at=failover.last_at,
        switch_overs=tuple(
            SwitchOverFacts(
                at=known.at,
                not_before=known.not_before,
                evidence=known.evidence,
                from_instance=known.from_instance,
                to_instance=known.to_instance,
                cause=cause,
            )
            for known, cause in (first, *others[1 - most :])
        ),
        switch_overs_left_out=_left_out(failover.switch_overs, most) + failover.earlier,
        flapping=diagnosis.flapping,
        cause=CauseFacts.model_validate(diagnosis.cause),
        outages=tuple(map(_outage, _worst(diagnosis.outages, most))),
        outages_left_out=_left_out(diagnosis.outages, most) + diagnosis.outages_left_out,
        already_down=tuple(
            AlreadyDownFacts(remote_ip=each.remote_ip, connection=each.connection, since=each.since)
            for each in diagnosis.already_down[:most]
        ),
        already_down_left_out=_left_out(diagnosis.already_down, most),
        redundancy_lost=tuple(_redundancy(each, most) for each in diagnosis.redundancy[-most:]),
        redundancy_lost_left_out=_left_out(diagnosis.redundancy, most)
        + diagnosis.redundancy_left_out,
        maybe_out=tuple(
            MaybeOutFacts(
                remote_ip=each.remote_ip,
                connection=each.connection,
                instance=each.instance,
                from_=each.start,
                to=each.end or each.back_before,
            )
            for each in _worst(diagnosis.unclear, most)
        ),
        maybe_out_left_out=_left_out(diagnosis.unclear, most) + diagnosis.unclear_left_out,
        seen_until=diagnosis.seen_until,
        redundancy_lost_seconds=_seconds(redundancy_lost(diagnosis.redundancy)),
        state=diagnosis.state,
    )


def _bandwidth(compared: Comparison, most: int) -> BandwidthFacts:
    """The comparison with as many series, and of each as many averages, as the document holds."""
    facts = BandwidthFacts.model_validate(compared)
    series = tuple(
        each.model_copy(
            update={
                "points": each.points[-most:],
                "points_left_out": _left_out(each.points, most),
            }
        )
        for each in facts.series[:most]
    )
    return facts.model_copy(
        update={"series": series, "series_left_out": _left_out(facts.series, most)}
    )


def _revisions(revision: Revision, verdict: str, most: int) -> tuple[RevisionFacts, ...]:
    """What was told so far, this revision last; of more than the document may hold, the latest.

    Of an earlier release's insight only the last one told is known.
    """
    now = RevisionFacts(
        revision=revision.revision,
        reasons=revision.reasons,
        at=revision.told_at,
        verdict=verdict,
    )
    before = revision.before
    if before is None:
        return (now,)
    last = RevisionFacts(
        revision=before.revision,
        reasons=before.reasons,
        at=before.told_at,
        verdict=before.verdict,
    )
    return (*(before.revisions or (last,)), now)[-most:]


def standing_from(failover: Failover, diagnosis: Diagnosis) -> Standing:
    """What a reader holds to be true to whom this was told."""
    return standing_of(
        failover_facts(failover, diagnosis),
        diagnosis.importance,
        retracted=not diagnosis.borne_out,
    )


def _worst(outages: Sequence[Outage], most: int) -> list[Outage]:
    """So many outages, in time order: what is open, then the longest."""
    kept = sorted(
        outages,
        key=lambda each: (not each.is_open, -(each.length or each.at_most or timedelta())),
    )[:most]
    return sorted(kept, key=lambda each: (each.start, each.remote_ip))


def _left_out(items: Sequence[object], most: int) -> int:
    """How many of a list are not among `most`."""
    return max(len(items) - most, 0)


def _outage(outage: Outage) -> OutageFacts:
    at_most = outage.at_most
    if outage.back_before is not None:
        at_most = outage.back_before - outage.start
    return OutageFacts(
        remote_ip=outage.remote_ip,
        connection=outage.connection,
        instance=outage.instance,
        from_=outage.start,
        to=outage.end,
        seconds=_seconds(outage.length),
        at_most=_seconds(at_most),
        end_source=outage.end_source,
        followed=not outage.is_given_up,
    )


def _redundancy(lost: Redundancy, most: int) -> RedundancyFacts:
    return RedundancyFacts(
        instance=lost.instance,
        from_=lost.start,
        to=lost.end,
        tunnels=tuple(
            TunnelLossFacts(
                remote_ip=each.remote_ip,
                connection=each.connection,
                from_=each.start,
                to=each.end or each.back_before,
            )
            for each in _worst(lost.tunnels, most)
        ),
        tunnels_left_out=_left_out(lost.tunnels, most),
    )


def _live(diagnosis: Diagnosis) -> Iterator[TunnelFacts]:
    """What ARM answered of the tunnels of the failover, of each when it was last asked."""
    lost = (tunnel for each in diagnosis.redundancy for tunnel in each.tunnels)
    newest: dict[tuple[str, str | None], TunnelFacts] = {}
    for outage in (*diagnosis.outages, *lost, *diagnosis.unclear):
        live = outage.live
        if live is None or live.status is None:
            continue
        tunnel = outage.remote_ip, live.vip
        if tunnel not in newest or newest[tunnel].as_of < live.at:
            newest[tunnel] = TunnelFacts(
                remote_ip=outage.remote_ip,
                connection=outage.connection,
                vip=live.vip,
                status=live.status,
                connected_since=live.since,
                as_of=live.at,
            )
    yield from newest.values()


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else round(length / timedelta(seconds=1), 3)
