"""Everything that an engineer needs stands on the page, in the order in which it is needed."""

from __future__ import annotations

import re

from detector.pages.page import to_page
from tests.builders import a_failover, a_gateway, a_switch_over, at
from tests.pages import active_active, an_insight_to_look_at, three_days, tunnels


def test_they_stand_in_the_order_of_their_use() -> None:
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", to_page(active_active()))

    assert [
        "What to do now",
        "Tunnels",
        "What happened when",
        "Gateway",
        "Bandwidth of each instance",
        "Redundancy lost",
        "What was told",
        "Text for a support case",
    ] == headings[:8]


def test_the_command_of_the_advice_can_be_copied() -> None:
    command = "az network vnet-gateway reset -g rg-network -n vpn-hub-weu"

    assert f"<code>{command}</code>" in to_page(tunnels(3))


def test_a_table_has_no_column_that_is_empty() -> None:
    assert "Connection</th>" in to_page(tunnels(3))
    assert "Connection</th>" not in to_page(three_days())


def test_of_tunnels_that_were_down_often_each_time_is_listed_behind_a_click() -> None:
    page = to_page(three_days())

    assert "<summary>Each time down</summary>" in page
    assert 174 + 2 == page.count('<tr role="row"><td')


def test_of_many_tunnels_the_rest_is_behind_a_click() -> None:
    assert "<summary>8 more tunnels</summary>" in to_page(tunnels(20))


def test_what_the_document_left_out_is_counted() -> None:
    told = tunnels(3)
    failover = told.failover.model_copy(update={"outages_left_out": 7})
    changes = {"failover": failover, "evidence_left_out": 5, "revisions_left_out": 2}
    page = to_page(told.model_copy(update=changes))

    assert "Not listed: 7 outages." in page
    assert "5 are not listed." in page
    assert "and 2 updates before these." in page


def test_the_causes_of_each_switch_over_are_told_beside_its_time() -> None:
    insight = an_insight_to_look_at(
        failover=a_failover(a_switch_over(), a_switch_over(at(minutes=30))),
    )
    switch_overs = tuple(
        known.model_copy(
            update={
                "cause": insight.failover.cause.model_copy(
                    update={"at": known.at, "statement": f"Recorded at {known.at:%H:%M}."}
                )
            }
        )
        for known in insight.failover.switch_overs
    )
    failover = insight.failover.model_copy(update={"switch_overs": switch_overs})
    page = to_page(insight.model_copy(update={"failover": failover}))

    assert "<time>02:30:00</time><span>Recorded at 02:30.</span>" in page


def test_a_fact_that_could_not_be_had_says_why() -> None:
    unknown = a_gateway(sku=None, vips=(), unknown={"vips": "no right to read it"})
    page = to_page(an_insight_to_look_at(gateway=unknown))

    assert "<dd>unknown (no right to read it)</dd>" in page
    assert "<dd>unknown (Azure does not say)</dd>" in page


def test_the_revisions_are_told_latest_first() -> None:
    page = to_page(tunnels(3))

    assert ["update 2", "update 1"] == re.findall(r"update \d(?=</span>)", page)


def test_a_revision_whose_time_was_not_noted_says_so() -> None:
    told = tunnels(3)
    older = told.revisions[0].model_copy(update={"at": None})

    assert "time not noted" in to_page(told.model_copy(update={"revisions": (older,)}))


def test_earlier_revisions_are_behind_a_click() -> None:
    told = tunnels(3)

    assert "<summary>3 earlier updates</summary>" in to_page(
        told.model_copy(update={"revisions": told.revisions * 4})
    )


def test_links_to_the_portal_lead_to_this_gateway_in_this_clouds_portal() -> None:
    told = tunnels(3)
    portal = "https://portal.azure.us/#resource/subscriptions/s/vpn-hub-weu"
    article = told.insight.model_copy(
        update={"results": "# T\n\n[portal](http://portal.azure.com) [Blade](data-blade:x)\n"}
    )
    links = told.links.model_copy(update={"portal": portal})
    page = to_page(told.model_copy(update={"insight": article, "links": links}))

    assert 3 == page.count(f'href="{portal}"')
    assert "portal.azure.com" not in page


def test_all_failovers_are_linked_where_the_page_knows_them() -> None:
    assert '<a href="../failovers">All failovers</a>' in to_page(tunnels(1), fleet="../failovers")
    assert "All failovers" not in to_page(tunnels(1))


def test_where_nothing_is_known_to_be_down_the_page_says_what_the_logs_say() -> None:
    assert "No tunnel was logged as down." in to_page(tunnels(0))
