from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from detector.articles.catalog import Catalog
from detector.diagnosis.bandwidth import Average, Comparison, Measured
from detector.insights.compose import (
    LONGEST_DOCUMENT,
    Library,
    Revision,
    compose_insight,
    slot_facts,
)
from detector.insights.document import MOST_LISTED, Reason
from detector.insights.scenario import RESET, SWITCHED_OVER
from detector.insights.summary import to_markdown
from detector.model import (
    AlreadyDown,
    Cause,
    CauseKind,
    EvidenceRow,
    LiveAnswer,
    Redundancy,
    State,
    TunnelStatus,
)
from detector.version import VERSION
from tests.builders import (
    GATEWAY_ID,
    LYON,
    ONE,
    PARIS,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    an_outage,
    at,
)
from tests.memory import library
from tests.sink_stand_in import an_insight

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
        "reasons": (Reason.DETECTED,),
        "revision": 1,
        "told_at": at(minutes=20),
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


def test_of_a_tunnel_that_arm_was_asked_of_twice_its_newest_answer_stands() -> None:
    """It came back and went down again."""
    up = LiveAnswer(at=at(300), status=TunnelStatus.CONNECTED, since=at(14))
    down = LiveAnswer(at=at(900), status=TunnelStatus.NOT_CONNECTED)
    outages = (replace(an_outage(), live=up), replace(an_outage(start=400, end=None), live=down))

    insight, _ = compose_insight(a_telling(diagnosis=a_diagnosis(outages=outages)), library())

    assert [("NotConnected", at(900))] == [(each.status, each.as_of) for each in insight.tunnels]


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


def test_of_very_many_rows_the_first_stand_in_the_document_which_says_how_many_more() -> None:
    rows = tuple(
        EvidenceRow(at=at(number), source="TunnelDiagnosticLog", text=f"row {number}")
        for number in range(MOST_LISTED + 5)
    )

    insight, _ = compose_insight(a_telling(diagnosis=a_diagnosis(evidence=rows)), library())

    assert MOST_LISTED == len(insight.evidence)
    assert 5 == insight.evidence_left_out


def test_of_very_many_outages_what_is_open_and_the_longest_stand_in_the_document() -> None:
    blinks = [replace(an_outage(LYON, number, number + 1)) for number in range(MOST_LISTED + 5)]
    found = (*blinks, an_outage(PARIS, 1, None), an_outage(LYON, 7, 700))

    insight, _ = compose_insight(a_telling(diagnosis=a_diagnosis(outages=found)), library())

    shown = insight.failover.outages
    assert (MOST_LISTED, 7) == (len(shown), insight.failover.outages_left_out)
    assert {None, 693.0} <= {outage.seconds for outage in shown}
    assert sorted(outage.from_ for outage in shown) == [outage.from_ for outage in shown]


def test_of_every_list_that_is_too_long_it_says_how_many_more_there_are() -> None:
    blinks = tuple(an_outage(LYON, number, number + 1) for number in range(MOST_LISTED + 5))
    lost = Redundancy(instance=ONE, start=at(), end=at(9), tunnels=blinks)
    down = AlreadyDown(remote_ip=LYON, instance=ONE, since=at(-900))
    short = replace(lost, tunnels=blinks[:1])
    found = a_diagnosis(
        redundancy=(*(short,) * (MOST_LISTED + 1), lost),
        unclear=blinks[:-1],
        already_down=(down,) * (MOST_LISTED + 3),
    )

    insight, _ = compose_insight(a_telling(diagnosis=found), library())

    failover = insight.failover
    assert (MOST_LISTED, 2) == (len(failover.redundancy_lost), failover.redundancy_lost_left_out)
    assert (MOST_LISTED, 4) == (len(failover.maybe_out), failover.maybe_out_left_out)
    assert (MOST_LISTED, 3) == (len(failover.already_down), failover.already_down_left_out)
    assert {0, 5} == {each.tunnels_left_out for each in failover.redundancy_lost}
    told = to_markdown(insight)
    assert f"- and 5 more tunnels that {ONE} lost\n" in told.replace("\\", "")
    assert "- and 2 earlier times without redundancy\n" in told
    assert "- and 4 more of which that is not known\n" in told
    assert "- and 3 more that were already down\n" in told


def test_the_portal_link_leads_to_the_gateway_where_the_portal_is_public() -> None:
    public, _ = compose_insight(a_telling(), library())
    hidden, _ = compose_insight(
        a_telling(), Library(catalog=library().catalog, cloud="AzureCloud", portal=None)
    )

    assert f"https://portal.azure.com/#resource{GATEWAY_ID}" == public.links.portal
    assert "" == hidden.links.portal


def test_redundancy_lost_is_told_in_seconds() -> None:
    lost = Redundancy(instance="GatewayTenantWorker_IN_0", start=at(), end=at() + timedelta(0, 61))

    insight, _ = compose_insight(a_telling(diagnosis=a_diagnosis(redundancy=(lost,))), library())

    assert 61.0 == insight.failover.redundancy_lost_seconds


def test_what_is_unknown_of_a_gateway_has_the_documents_names() -> None:
    unknown = dict.fromkeys(("active_active", "vips", "virtual_network_name", "vpn_type"), "why")
    insight, _ = compose_insight(a_telling(gateway=a_gateway(unknown=unknown)), library())

    assert {"activeActive", "vips", "virtualNetwork", "vpnType"} == set(insight.gateway.unknown)


def test_an_insight_tells_what_was_told_before_it_and_when() -> None:
    first, _ = compose_insight(a_telling(), library())
    again = {"reasons": (Reason.RECOVERED,), "revision": 2, "told_at": at(minutes=25)}

    second, _ = compose_insight(a_telling(before=first, **again), library())

    assert (at(minutes=20), at(minutes=25)) == (first.told_at, second.told_at)
    assert first.revisions == second.revisions[:1]
    assert [(1, (Reason.DETECTED,), at(minutes=20)), (2, (Reason.RECOVERED,), at(minutes=25))] == [
        (each.revision, each.reasons, each.at) for each in second.revisions
    ]
    assert second.verdict == second.revisions[-1].verdict


def test_what_an_earlier_release_told_stands_among_the_revisions_as_far_as_it_is_known() -> None:
    """It noted neither when it told something nor what it had told before."""
    older = an_insight(revision=3)

    insight, _ = compose_insight(a_telling(before=older, revision=4), library())

    assert [(3, None), (4, at(minutes=20))] == [
        (each.revision, each.at) for each in insight.revisions
    ]
    assert 2 == insight.revisions_left_out


def test_of_more_revisions_than_the_document_holds_the_latest_are_told() -> None:
    insight = None
    for revision in range(1, MOST_LISTED + 4):
        insight, _ = compose_insight(a_telling(before=insight, revision=revision), library())

    assert insight is not None
    assert (4, MOST_LISTED + 3) == tuple(insight.revisions[each].revision for each in (0, -1))
    assert 3 == insight.revisions_left_out


def test_the_bandwidth_of_each_instance_is_told_by_its_latest_averages() -> None:
    points = tuple(Average(at=at(minutes=5 * number), mbps=number) for number in range(203))
    series = (
        Measured(instance="IN_0", points=points),
        *(Measured(instance=f"IN_{number}", points=points[:1]) for number in range(1, 202)),
    )
    bandwidth = replace(NO_BANDWIDTH, series=series)

    told = compose_insight(a_telling(bandwidth=bandwidth), library())[0].bandwidth

    assert ("IN_0", 3, 3.0) == (
        told.series[0].instance,
        told.series[0].points_left_out,
        told.series[0].points[0].mbps,
    )
    assert (MOST_LISTED, 2) == (len(told.series), told.series_left_out)
    assert {1, MOST_LISTED} == {len(each.points) for each in told.series}


def test_a_document_that_would_be_too_long_has_shorter_lists_and_says_so() -> None:
    """What is open and what lasted longest stays."""
    blinks = tuple(an_outage(LYON, number, number + 1) for number in range(MOST_LISTED))
    gone = an_outage(PARIS, 5, None)
    lost = Redundancy(instance=ONE, start=at(), end=at(9), tunnels=blinks)
    found = a_diagnosis(outages=(*blinks, gone), redundancy=(lost,) * MOST_LISTED)

    insight, _ = compose_insight(a_telling(diagnosis=found), library())
    failover = insight.failover

    assert len(json.dumps(insight.model_dump(mode="json"))) <= LONGEST_DOCUMENT
    assert PARIS in {each.remote_ip for each in failover.outages if each.is_open}
    assert MOST_LISTED + 1 == len(failover.outages) + failover.outages_left_out
    assert MOST_LISTED == len(failover.redundancy_lost) + failover.redundancy_lost_left_out
    assert {MOST_LISTED} == {
        len(each.tunnels) + each.tunnels_left_out for each in failover.redundancy_lost
    }
    assert len(failover.outages) < MOST_LISTED


def test_switch_overs_that_are_only_counted_are_counted_in_every_form() -> None:
    switch_overs = tuple(a_switch_over(at(60 * number)) for number in range(3))
    failover = replace(a_failover(), switch_overs=switch_overs, earlier=1000)

    insight, _ = compose_insight(a_telling(failover=failover), library())

    assert 1000 == insight.failover.switch_overs_left_out
    assert "failed over 1003 times between" in insight.verdict
    assert "1000 times more after the first" in insight.facts["caseText"]
    assert "switchOversLeftOut" not in compose_insight(a_telling(), library())[0].model_dump_json()


def test_a_document_links_to_its_page_where_people_reach_one() -> None:
    served = replace(library(), web_url="https://failovers.example")
    insight, _ = compose_insight(a_telling(), served)
    bare, _ = compose_insight(a_telling(), library())

    assert f"https://failovers.example/api/failovers/{insight.id}" == insight.links.page
    assert "" == bare.links.page


def test_a_document_says_which_version_wrote_it() -> None:
    insight, _ = compose_insight(a_telling(), library())

    assert insight.generator is not None
    assert ("gateway-failover-detector", VERSION) == (
        insight.generator.name,
        insight.generator.version,
    )
