"""Logs Ingestion: the row that a table is sent, and every way in which that fails."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from detector.azure.clouds import Endpoint
from detector.azure.ingestion import LONGEST_DOCUMENT, STREAM, LogsIngestion, row
from detector.errors import DeliveryRefused
from detector.insights.document import Insight, Reason
from tests.command_line import ROOT
from tests.sink_contract import IdentityContract
from tests.sink_stand_in import LONG, NOW, SinkStandIn, an_insight, replying
from tests.test_eventgrid import TOKEN, Identity

RULE: Final = "dcr-00000000000000000000000000000001"
TABLE: Final[dict[str, Any]] = json.loads(
    (ROOT / "infra" / "failovers-table.json").read_text(encoding="utf-8")
)
RESERVED: Final = {"id", "type", "title", "tenantid", "uniqueid", "_resourceid", "rawdata"}


class IdentityForRows(Identity):
    """Its tokens are for Azure Monitor."""

    audience = "https://monitor.azure.com"


def a_table(at: str, *, token: str = TOKEN, timeout: timedelta = LONG) -> LogsIngestion:
    return LogsIngestion(
        Endpoint(url=f"https://{at}", audience=IdentityForRows.audience),
        RULE,
        lambda: IdentityForRows(token=token),
        now=lambda: NOW,
        timeout=timeout,
    )


class TestFaults(IdentityContract):
    secrets = (TOKEN,)

    def a_sink(self, address: str, timeout: timedelta) -> LogsIngestion:
        return a_table(address, timeout=timeout)

    def a_sink_without_token(self, address: str) -> LogsIngestion:
        return a_table(address, token="")


def a_row(**changes: object) -> dict[str, object]:
    return row(an_insight(**changes), told_at=NOW)


def test_a_rule_is_sent_one_row_for_a_revision(
    receiver: SinkStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = replying(204)
    insight = an_insight(verdict="Ümlaut and more\n", told_at="2026-11-22T02:59:00Z")

    a_table(receiver.at).deliver(insight)
    [request] = receiver.received

    assert "POST" == request.method
    assert f"/dataCollectionRules/{RULE}/streams/{STREAM}?api-version=2023-01-01" == request.path
    assert f"Bearer {TOKEN}" == request.headers["authorization"]
    told_at = insight.told_at
    assert told_at
    assert [row(insight, told_at=told_at)] == json.loads(gzip.decompress(request.body))
    assert [] == caplog.records


def test_a_row_says_what_a_list_of_failovers_needs() -> None:
    told = a_row(reason=Reason.RECOVERED, revision=3)

    assert {
        "TimeGenerated": "2026-11-22T03:00:00.000Z",
        "FailoverId": "f-1",
        "Revision": 3,
        "Reason": "recovered",
        "Gateway": an_insight().gateway.id,
        "Verdict": an_insight().verdict,
        "Cause": "maintenance",
        "State": "recovered",
        "Importance": "Warning",
        "LongestOutageSeconds": 83,
    } == {name: value for name, value in told.items() if name != "Document"}
    assert an_insight(reason=Reason.RECOVERED, revision=3) == Insight.model_validate(
        told["Document"]
    )


def test_a_revision_of_which_nobody_noted_the_time_is_told_now(receiver: SinkStandIn) -> None:
    receiver.answer = replying(204)

    a_table(receiver.at).deliver(an_insight(told_at=None))
    [told] = json.loads(gzip.decompress(receiver.received[0].body))

    assert NOW == datetime.fromisoformat(told["TimeGenerated"])


def test_the_columns_of_a_row_are_those_of_the_table() -> None:
    kinds = {"datetime": str, "string": str, "int": int, "real": float, "dynamic": dict}
    told = a_row()

    assert [column["name"] for column in TABLE["columns"]] == list(told)
    assert (STREAM, "Custom-" + TABLE["table"]) == (TABLE["stream"], TABLE["stream"])
    for column in TABLE["columns"]:
        assert isinstance(told[column["name"]], kinds[column["type"]]), column["name"]


def test_no_column_has_a_name_that_a_table_keeps_for_itself() -> None:
    """https://learn.microsoft.com/azure/azure-monitor/logs/create-custom-table"""
    names = {column["name"] for column in TABLE["columns"]}

    assert not RESERVED & {name.lower() for name in names}
    assert not [name for name in names if not name.isidentifier() or name.startswith("_")]


def test_without_an_outage_there_is_no_longest_one() -> None:
    failover = an_insight().failover.model_copy(update={"outages": ()})

    assert a_row(failover=failover)["LongestOutageSeconds"] is None


def test_a_document_is_shortened_to_what_a_value_may_hold_and_says_so() -> None:
    article = {"id": "a", "title": "T", "results": "ü" * 100_000, "importance_level": "Warning"}
    document: Any = a_row(insight=article)["Document"]
    size = len(json.dumps(document, ensure_ascii=False).encode())

    assert LONGEST_DOCUMENT - 100 < size <= LONGEST_DOCUMENT
    assert "shortened to fit into a row of a table" in document["insight"]["results"][-120:]


def test_a_document_that_fits_at_no_length_is_refused() -> None:
    facts = {f"fact-{number}": "x" * 60 for number in range(2_000)}

    with pytest.raises(DeliveryRefused, match="too many facts for a row of a table"):
        a_row(facts=facts)


def test_a_table_is_named_by_a_fingerprint_of_its_endpoint_and_rule() -> None:
    sink = a_table("example.com")

    assert "logs-ingestion-" == sink.name[:-8]
    assert sink.name != a_table("example.org").name
