"""Whether the detector does its work, by the note of its last run, without a name in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from detector.journal.delivery import DeliveryReport
from detector.model import Scope
from detector.runs.heartbeat import given_up_after, heartbeat_of, last_complete
from detector.runs.report import Report
from detector.runs.schedule import Schedule
from tests.builders import GATEWAY_ID, at
from tests.memory import SCOPE

SCOPES = (SCOPE, Scope(id=GATEWAY_ID))
EVERY_FIVE = Schedule.read("0 */5 * * * *")


def a_note(**minutes_ago: float) -> dict[str, object]:
    """What was noted of runs that read each scope so long before the night began."""
    ids = {"workspace": SCOPE.id, "gateway": GATEWAY_ID}
    return {
        "completeUntil": {
            ids[name]: at(minutes=-ago).isoformat() for name, ago in minutes_ago.items()
        }
    }


def reasons(noted: Mapping[str, object] | None, *, now: datetime | None = None) -> list[str]:
    return list(heartbeat_of(noted, SCOPES, EVERY_FIVE, now=now or at()).reasons)


def given_up(revision: int = 1) -> Report:
    lost = DeliveryReport(
        sink="webhook-1", id="f-1", revision=revision, attempts=9, given_up=True, why="refused"
    )
    return Report(at=at(), given_up=(lost,))


def after(noted: Mapping[str, object] | None, report: Report) -> dict[str, object]:
    """The note of the next run: its report, and when something was last given up."""
    recent = a_note(workspace=0, gateway=0)
    return {**recent, "report": report.model_dump(mode="json"), **given_up_after(noted, report)}


def test_it_is_healthy_while_every_scope_is_read_in_full() -> None:
    noted = a_note(workspace=2, gateway=10)

    assert "healthy" == heartbeat_of(noted, SCOPES, EVERY_FIVE, now=at()).status
    assert at(minutes=-10) == last_complete(noted, SCOPES)


def test_a_scope_that_is_late_is_counted_and_not_named() -> None:
    assert [
        "not read in full for 16 min, which is more than 3 periods of the schedule: 1 of 2 scopes"
    ] == reasons(a_note(workspace=16, gateway=1))


@pytest.mark.parametrize("noted", [None, {}, {"completeUntil": 7}])
def test_before_the_first_complete_run_it_is_not_healthy(
    noted: Mapping[str, object] | None,
) -> None:
    assert ["never read in full: 2 of 2 scopes"] == reasons(noted)
    assert last_complete(noted, SCOPES) is None


def test_one_scope_that_was_never_read_leaves_nothing_complete() -> None:
    assert ["never read in full: 1 of 2 scopes"] == reasons(a_note(workspace=1))
    assert last_complete(a_note(workspace=1), SCOPES) is None


def test_a_delivery_that_was_given_up_counts_for_a_day() -> None:
    noted = after(None, given_up())

    assert ["a delivery was given up within the last 24 hours"] == reasons(noted)
    later = {**noted, **a_note(workspace=-24 * 60, gateway=-24 * 60)}
    assert [] == reasons(later, now=at() + timedelta(hours=24))


def test_one_that_every_later_run_reports_again_was_given_up_once() -> None:
    first = after(None, given_up())
    again = after(first, given_up().model_copy(update={"at": at(hours=30)}))
    another = after(again, given_up(revision=2).model_copy(update={"at": at(hours=40)}))

    assert first["lastGivenUp"] == again["lastGivenUp"] == "2026-11-22T02:00:00.000Z"
    assert "2026-11-23T18:00:00.000Z" == another["lastGivenUp"]


@pytest.mark.parametrize("at_last", [None, 7, "soon", "0001-01-01T00:00:00Z", "2026-11-22"])
def test_a_note_that_makes_no_sense_says_nothing_of_deliveries(at_last: object) -> None:
    noted = a_note(workspace=0, gateway=0) | {"lastGivenUp": at_last, "report": {"at": 7}}

    assert [] == reasons(noted)
    assert {"lastGivenUp": None} == given_up_after(noted, Report(at=at()))
