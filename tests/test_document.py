"""The insight document: its published schema, and how its values are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from detector.insights.document import Insight, Reason, schema, timestamp, to_json
from tests.sink_stand_in import an_insight

SCHEMA = Path(__file__).parent.parent / "docs/insight.schema.json"


def test_the_published_schema_is_the_documents() -> None:
    """If not: python -m detector.insights.document > docs/insight.schema.json."""
    assert schema() == SCHEMA.read_text(encoding="utf-8")


def test_the_schema_is_one_and_the_document_keeps_to_it() -> None:
    published = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    document = json.loads(to_json(an_insight()))

    jsonschema.validate(document, published)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"severity": "high"}, published)


def test_a_document_is_read_back_as_it_was_written() -> None:
    insight = an_insight()

    assert insight == Insight.model_validate_json(to_json(insight))


def test_an_insight_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        an_insight().revision = 2  # type: ignore[misc]


def test_names_are_in_camel_case_and_times_in_utc_with_milliseconds() -> None:
    document = json.loads(to_json(an_insight()))

    assert "1" == document["schemaVersion"]
    assert "2026-11-22T02:14:07.123Z" == document["failover"]["firstAt"]
    assert "2026-11-22T02:14:07.000Z" == document["failover"]["outages"][0]["from"]
    assert {"id", "title", "results", "importanceLevel"} == set(document["insight"])


def test_a_time_in_another_zone_is_told_in_utc_and_cut_to_milliseconds() -> None:
    instant = datetime(2026, 11, 22, 3, 14, 7, 123999, tzinfo=timezone(timedelta(hours=1)))

    assert "2026-11-22T02:14:07.123Z" == timestamp(instant) == timestamp(instant.astimezone(UTC))


def test_the_reasons_of_a_document_are_at_least_the_one_that_names_it() -> None:
    several = (Reason.RECOVERED, Reason.CAUSE_CHANGED)

    assert (Reason.DETECTED,) == an_insight().reasons
    assert several == an_insight(reason=Reason.RECOVERED, reasons=several).reasons
    with pytest.raises(ValidationError, match="named by the first of its reasons"):
        an_insight(reasons=several)


def test_a_stored_document_may_call_a_cause_that_changed_one_that_was_found() -> None:
    text = to_json(an_insight(reason=Reason.CAUSE_CHANGED)).replace("cause-changed", "cause-found")

    assert Reason.CAUSE_CHANGED is Insight.model_validate_json(text).reason
    with pytest.raises(ValidationError):
        an_insight(reason="cause-guessed")


@pytest.mark.parametrize("edge", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00"])
def test_a_time_without_a_date_in_every_zone_is_no_time(edge: str) -> None:
    document = json.loads(to_json(an_insight()))
    document["failover"]["seenUntil"] = edge

    with pytest.raises(ValidationError, match="no date in every zone"):
        Insight.model_validate_json(json.dumps(document))
