"""What a run says of itself, and what the next one reads of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from detector.insights.document import Reason
from detector.journal.layout import note_from_json, note_to_json
from detector.runs.report import Report, complete_until, known_until, note, told_line
from tests.builders import at
from tests.sink_stand_in import an_insight

SCOPE, OTHER = "11111111-2222-4333-8444-555555555555", "/subscriptions/s"


def kept(noted: Mapping[str, object]) -> Mapping[str, object]:
    """What the store gives back."""
    return note_from_json(note_to_json(noted))


def test_a_run_is_ok_if_no_part_of_it_failed() -> None:
    assert Report(at=at()).ok
    assert not Report(at=at(), problems=("the queue: no answer",)).ok


def test_the_line_of_an_insight_says_what_was_told_of_whom_and_why() -> None:
    line = told_line(an_insight(revision=2, reason=Reason.RECOVERED))

    assert ("f-1", 2, "recovered", "Warning") == (
        line.id,
        line.revision,
        line.reason,
        line.importance,
    )
    assert line.verdict.startswith("vpn_hub_1 failed over")


def test_a_report_is_one_line_of_json_whatever_it_says() -> None:
    line = Report(at=at(), problems=("first\r\nsecond",)).model_dump_json()

    assert set("\r\n").isdisjoint(line)
    assert "2026-11-22T02:00:00.000Z" == json.loads(line)["at"]


def test_the_next_run_reads_how_far_each_scope_is_known() -> None:
    noted = kept(
        note(
            Report(at=at(hours=1)),
            complete_until={SCOPE: at(minutes=30)},
            asked_since={SCOPE: at(hours=-6), OTHER: at(hours=-5)},
        )
    )

    assert {SCOPE: at(minutes=30)} == complete_until(noted)
    assert {SCOPE: at(minutes=30), OTHER: at(hours=-5)} == known_until(noted)
    assert "2026-11-22T03:00:00.000Z" == noted["report"]["at"]  # type: ignore[index]


@pytest.mark.parametrize(
    "noted",
    [None, {}, {"completeUntil": None}, {"completeUntil": {SCOPE: "soon"}}, {"completeUntil": 7}],
)
def test_of_a_note_that_says_nothing_nothing_is_known(noted: Mapping[str, object] | None) -> None:
    assert {} == complete_until(noted) == known_until(noted)
