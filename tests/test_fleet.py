"""What a list of failovers says of one, within the bounds of a blob's metadata."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.insights.document import Insight, Reason
from detector.insights.fleet import (
    LONGEST_BYTES,
    Summary,
    summary_from_text,
    summary_of,
    summary_to_text,
)
from detector.model import CauseKind, State
from tests.sink_stand_in import an_insight

ID = "20261122T021407123Z-1a2b3c4d5e6f"


def a_summary(**changes: object) -> Summary:
    """The summary of a failover that is over; `changes` name its fields."""
    return summary_of(an_insight(id=ID)).model_copy(update=changes)


def with_failover(**changes: Any) -> Insight:
    """An insight whose failover differs by `changes`."""
    insight = an_insight(id=ID)
    return insight.model_copy(update={"failover": insight.failover.model_copy(update=changes)})


def test_a_failover_is_summed_up_by_what_a_list_shows() -> None:
    summary = summary_of(an_insight(id=ID))

    assert (ID, 1, "vpn_hub_1") == (summary.id, summary.revision, summary.gateway)
    assert (CauseKind.MAINTENANCE,) == summary.causes
    assert (2, 1, 0) == (summary.switch_overs, summary.peers, summary.down)
    assert (83, False) == (summary.longest_seconds, summary.bounded)
    assert ("back", False) == (summary.standing, summary.is_open)


def test_a_peer_that_is_still_out_makes_it_down_since_it_went() -> None:
    outage = (
        an_insight()
        .failover.outages[0]
        .model_copy(update={"to": None, "seconds": None, "end_source": None})
    )
    summary = summary_of(with_failover(outages=(outage,), state=State.ONGOING))

    assert ("down", True, 1) == (summary.standing, summary.is_open, summary.down)
    assert outage.from_ == summary.down_since
    assert summary.longest_seconds is None


def test_an_outage_of_which_only_a_bound_is_known_is_marked_as_one() -> None:
    outage = an_insight().failover.outages[0].model_copy(update={"seconds": None, "at_most": 90})
    summary = summary_of(with_failover(outages=(outage,)))

    assert (90, True) == (summary.longest_seconds, summary.bounded)


@pytest.mark.parametrize(
    ("standing", "changes"),
    [
        ("drill", {"drill": True, "state": State.ONGOING}),
        ("redundancy lost", {"state": State.ONGOING}),
        ("not known", {"state": State.UNKNOWN}),
        ("retracted", {"retracted": True}),
        ("back", {}),
    ],
)
def test_how_it_stands_is_said_in_a_word_or_two(standing: str, changes: dict[str, object]) -> None:
    assert standing == a_summary(**changes).standing


def test_what_was_taken_back_is_marked() -> None:
    assert summary_of(an_insight(id=ID, reason=Reason.RETRACTED)).retracted


@given(st.text(max_size=3000), st.text(max_size=3000), st.text(max_size=3000))
def test_whatever_its_texts_hold_it_is_ascii_of_4_kilobytes_on_one_line(
    gateway: str, gateway_id: str, verdict: str
) -> None:
    text = summary_to_text(a_summary(gateway=gateway, gateway_id=gateway_id, verdict=verdict))

    assert text.isascii()
    assert text.isprintable()
    assert text == text.strip()
    assert len(text) <= LONGEST_BYTES
    assert ID == summary_from_text(text).id


def test_texts_that_are_too_long_are_shortened_visibly() -> None:
    summary = summary_from_text(summary_to_text(a_summary(gateway="é" * 5000, verdict="x" * 900)))

    assert summary.gateway.endswith("é…")
    assert summary.verdict.endswith("x…")


def test_it_is_read_as_it_was_written_and_by_whoever_decodes_a_percent() -> None:
    summary = a_summary(gateway="vpn-100%<b>&")

    assert summary == summary_from_text(summary_to_text(summary))
    assert "vpn-100%<b>&" == json.loads(unquote(summary_to_text(summary)))["gateway"]
    assert not set("<>&") & set(summary_to_text(summary))


def test_what_a_newer_release_adds_is_passed_over() -> None:
    document = json.loads(unquote(summary_to_text(a_summary()))) | {"colour": "red"}

    assert a_summary() == summary_from_text(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{}", "null", "%ff", '{"id": 1}', "[" * 100_000])
def test_text_that_is_no_summary_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- of whatever kind
        summary_from_text(text)


def test_its_times_are_those_of_the_document() -> None:
    document = json.loads(unquote(summary_to_text(a_summary())))

    assert "2026-11-22T02:14:07.123Z" == document["firstAt"]
    assert datetime(2026, 11, 22, 2, 14, 7, 123000, UTC) == a_summary().first_at
