from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from detector.articles.catalog import Catalog
from detector.diagnosis.bandwidth import Comparison
from detector.insights.compose import (
    MOST_ROWS,
    Library,
    Revision,
    advice,
    compose_insight,
    slot_facts,
)
from detector.insights.document import Reason
from detector.insights.scenario import RESET, SWITCHED_OVER
from detector.model import Cause, CauseKind, EvidenceRow, Redundancy, State
from tests.builders import (
    GATEWAY_ID,
    LYON,
    PARIS,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    an_outage,
    at,
)
from tests.memory import library

NO_BANDWIDTH = Comparison(
    peak_mbps=None,
    instance=None,
    at=None,
    benchmark_mbps=None,
    ratio=None,
    statement="The peak bandwidth is unknown.",
)
RESET_BY_KIM = Cause(kind=CauseKind.RESET, statement="It was reset.", at=at(-60), caller="kim")


def a_telling(**changes: Any) -> Revision:
    """A failover that is told for the first time."""
    parts: dict[str, Any] = {
        "failover": a_failover(),
        "diagnosis": a_diagnosis(outages=(an_outage(),), state=State.RECOVERED),
        "gateway": a_gateway(),
        "bandwidth": NO_BANDWIDTH,
        "reason": Reason.DETECTED,
        "revision": 1,
    }
    return Revision(**parts | changes)


def test_an_insight_holds_what_was_found_out_in_the_units_of_the_document() -> None:
    insight, problems = compose_insight(a_telling(), library())

    assert () == problems
    assert (GATEWAY_ID, "vnet-hub") == (insight.gateway.id, insight.gateway.virtual_network.name)
    assert [(PARIS, at(), at(14), 14.0)] == [
        (outage.remote_ip, outage.from_, outage.to, outage.seconds)
        for outage in insight.failover.outages
    ]
    assert insight.verdict.startswith("vpn-hub-weu failed over at 02:00:00Z")


def test_the_article_of_the_most_specific_scenario_tells_it() -> None:
    insight, _ = compose_insight(a_telling(diagnosis=a_diagnosis(cause=RESET_BY_KIM)), library())

    assert RESET == insight.diagnostic_scenario
    assert insight.article_id == insight.insight.id
    assert insight.insight.title == insight.insight.results.partition("\n")[0].lstrip("# ")


def test_without_an_article_the_diagnosis_tells_it_and_the_run_says_what_to_add() -> None:
    bare = Library(catalog=Catalog(_articles={}), cloud="AzureChinaCloud", portal=None)

    insight, problems = compose_insight(a_telling(), bare)

    assert (SWITCHED_OVER, "") == (insight.diagnostic_scenario, insight.article_id)
    assert insight.verdict == insight.insight.title
    assert 1 == len(problems)
    assert "AzureChinaCloud" in problems[0]
    assert SWITCHED_OVER in problems[0]


def test_the_slots_are_filled_with_what_is_known() -> None:
    failover = a_failover(a_switch_over(), a_switch_over(at(minutes=27)))
    gateway = a_gateway(vips=("203.0.113.10", "203.0.113.11"))

    facts = slot_facts(failover, a_diagnosis(cause=RESET_BY_KIM), gateway)

    assert "vnet-hub" == facts["virtualNetworkName"]
    assert "203.0.113.10, 203.0.113.11" == facts["gatewayVip"]
    assert "2026-11-22T02:27:00.000Z" == facts["preciseTimestamp"]
    assert "kim" == facts["caller"]


def test_the_tunnels_named_are_those_not_seen_to_come_back() -> None:
    found = a_diagnosis(outages=(an_outage(LYON, end=None), an_outage()))

    assert LYON == slot_facts(a_failover(), found, a_gateway())["TunnelName"]
    assert "none" == slot_facts(a_failover(), a_diagnosis(), a_gateway())["TunnelName"]


def test_a_fact_that_could_not_be_had_says_why() -> None:
    why = "the gateway no longer exists"
    gone = a_gateway(
        vips=(),
        virtual_network_name=None,
        unknown={"vips": why, "virtual_network_name": why},
    )

    facts = slot_facts(a_failover(), a_diagnosis(), gone)

    assert f"unknown ({why})" == facts["virtualNetworkName"]
    assert f"unknown ({why})" == facts["gatewayVip"]
    assert facts["caller"].startswith("unknown (")


def test_a_drill_says_so_in_title_and_verdict() -> None:
    insight, _ = compose_insight(a_telling(drill=True), library())

    assert insight.drill
    assert insight.verdict.startswith("DRILL: ")
    assert insight.insight.title.startswith("DRILL: ")


def test_of_very_many_rows_the_first_stand_in_the_document_and_a_line_says_how_many_more() -> None:
    rows = tuple(
        EvidenceRow(at=at(number), source="TunnelDiagnosticLog", text=f"row {number}")
        for number in range(MOST_ROWS + 5)
    )

    insight, _ = compose_insight(a_telling(diagnosis=a_diagnosis(evidence=rows)), library())

    assert MOST_ROWS + 1 == len(insight.evidence)
    assert "… and 5 more rows from here on" == insight.evidence[-1].text


def test_the_portal_link_leads_to_the_gateway_where_the_portal_is_public() -> None:
    public, _ = compose_insight(a_telling(), library())
    hidden, _ = compose_insight(
        a_telling(), Library(catalog=library().catalog, cloud="AzureCloud", portal=None)
    )

    assert f"https://portal.azure.com/#resource{GATEWAY_ID}" == public.links.portal
    assert "" == hidden.links.portal


class TestAdvice:
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            (State.ONGOING, "only where a tunnel stays down"),
            (State.RECOVERED, "No reset is called for"),
            (State.UNKNOWN, "which these logs do not tell"),
        ],
    )
    def test_a_reset_is_advised_only_where_a_tunnel_stays_down(
        self, state: State, said: str
    ) -> None:
        assert said in advice(a_diagnosis(state=state), a_gateway())

    def test_of_an_active_active_gateway_it_says_that_a_second_reset_hits_the_same_instance(
        self,
    ) -> None:
        gateway = a_gateway(active_active=True, vips=("203.0.113.10", "203.0.113.11"))

        said = advice(a_diagnosis(), gateway)

        assert "a second reset reboots the same one again" in said
        assert "203.0.113.10 and 203.0.113.11" in said

    def test_of_an_active_standby_gateway_it_says_that_a_second_reset_hits_the_other(self) -> None:
        assert "a second reset the other one" in advice(a_diagnosis(), a_gateway())

    def test_where_the_mode_is_unknown_it_says_why(self) -> None:
        gone = a_gateway(active_active=None, unknown={"active_active": "no permission"})

        assert "unknown (no permission)" in advice(a_diagnosis(), gone)


def test_redundancy_lost_is_told_in_seconds() -> None:
    lost = Redundancy(instance="GatewayTenantWorker_IN_0", start=at(), end=at() + timedelta(0, 61))

    insight, _ = compose_insight(a_telling(diagnosis=a_diagnosis(redundancy=(lost,))), library())

    assert 61.0 == insight.failover.redundancy_lost_seconds


def test_what_is_unknown_of_a_gateway_has_the_documents_names() -> None:
    unknown = dict.fromkeys(("active_active", "vips", "virtual_network_name", "vpn_type"), "why")
    insight, _ = compose_insight(a_telling(gateway=a_gateway(unknown=unknown)), library())

    assert {"activeActive", "vips", "virtualNetwork", "vpnType"} == set(insight.gateway.unknown)
