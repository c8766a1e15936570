"""The CloudEvent of an insight."""

from __future__ import annotations

import json

import pytest

from detector.insights.cloudevent import to_cloudevent
from detector.insights.document import Reason, to_json
from tests.sink_stand_in import GATEWAY_ID, an_insight


def test_the_attributes_tell_which_revision_of_which_failover_of_which_gateway() -> None:
    event = to_cloudevent(an_insight(id="f-1", revision=3, reason=Reason.CAUSE_CHANGED))

    assert {
        "specversion": "1.0",
        "id": "f-1:3",
        "source": GATEWAY_ID,
        "type": "GatewayFailover.Insight.Updated",
        "subject": "VpnGatewayFailover",
        "time": "2026-11-22T02:44:07.500Z",
        "datacontenttype": "application/json",
    } == {name: value for name, value in event.items() if name != "data"}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("vpn-hub_(weu).1", "vpn-hub_(weu).1"),
        ("vpn hub", "vpn%20hub"),
        ("100%", "100%25"),
        ("wär?x#y", "w%C3%A4r%3Fx%23y"),
        ('a"b<c>', "a%22b%3Cc%3E"),
    ],
)
def test_the_source_is_the_gateways_id_as_a_uri_reference(name: str, written: str) -> None:
    insight = an_insight()
    gateway = insight.gateway.model_copy(update={"id": f"/subscriptions/s/{name}"})

    event = to_cloudevent(insight.model_copy(update={"gateway": gateway}))

    assert f"/subscriptions/s/{written}" == event["source"]


def test_the_data_is_the_document_as_it_is_stored() -> None:
    insight = an_insight()

    event = json.loads(json.dumps(to_cloudevent(insight)))

    assert json.loads(to_json(insight)) == event["data"]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Reason.DETECTED, "Detected"),
        (Reason.SWITCHED_AGAIN, "Updated"),
        (Reason.CAUSE_CHANGED, "Updated"),
        (Reason.WORSENED, "Updated"),
        (Reason.RECOVERED, "Recovered"),
        (Reason.RETRACTED, "Retracted"),
        (Reason.COMPLETED, "Updated"),
        (Reason.REVISED, "Updated"),
    ],
)
def test_each_reason_has_a_type_to_subscribe_to(reason: Reason, kind: str) -> None:
    event = to_cloudevent(an_insight(reason=reason))

    assert f"GatewayFailover.Insight.{kind}" == event["type"]


def test_a_drill_is_marked_outside_and_inside_of_its_data() -> None:
    event = to_cloudevent(an_insight(drill=True))
    data = event["data"]

    assert isinstance(data, dict)
    assert (True, True) == (event["drill"], data["drill"])


def test_hostile_text_stays_inside_of_the_strings_of_valid_json() -> None:
    hostile = 'x"},"drill":true,{"\n\r\t\x00\u202e@everyone <b>' + "a" * 100_000
    insight = an_insight(verdict=hostile)

    event = json.loads(json.dumps(to_cloudevent(insight)))

    assert ("drill" in event, hostile) == (False, event["data"]["verdict"])
