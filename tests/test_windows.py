"""From when on each scope is asked for its rows, and what the next run reads of that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from detector.journal.layout import note_from_json, note_to_json
from detector.runs.report import Report, ScopeReport
from detector.runs.windows import (
    complete_until,
    known_scopes,
    known_until,
    run_note,
    scope_notes,
    windows,
)
from detector.runs.world import World
from tests.builders import at
from tests.command_line import AFTERNOON, Command
from tests.memory import SCOPE, MemoryLogs, a_world, hours, minutes

OTHER = "/subscriptions/s"


def started(world: World, known: dict[str, datetime], now: datetime) -> timedelta:
    """How long before `now` the window begins."""
    return now - windows(world, known, now)[SCOPE].start


@pytest.mark.parametrize(
    ("last", "back"),
    [
        (hours(0.1), hours(6)),
        (hours(3), hours(6)),
        (hours(10), hours(10) + hours(2) + minutes(18)),
        (hours(47), hours(48)),
        (hours(90), hours(48)),
    ],
)
def test_after_downtime_the_window_reaches_back_to_the_last_complete_one(
    last: timedelta, back: timedelta
) -> None:
    """And 2 h 18 min further, of which the first 18 minutes may be cut off; 48 hours at most."""
    assert back == started(a_world(MemoryLogs()), {SCOPE.id: at() - last}, at())


def test_before_the_first_run_the_window_is_the_lookback() -> None:
    assert hours(6) == started(a_world(MemoryLogs()), {}, at())


def test_a_note_from_the_future_proves_nothing() -> None:
    """A clock was wrong between runs: whatever it noted, nothing is passed over."""
    assert hours(48) == started(a_world(MemoryLogs()), {SCOPE.id: at(hours=1)}, at())


def kept(noted: Mapping[str, object]) -> Mapping[str, object]:
    """What the store gives back."""
    return note_from_json(note_to_json(noted))


def test_the_next_run_reads_how_far_each_scope_is_known() -> None:
    noted = kept(
        run_note(
            Report(at=at(hours=1)),
            complete_until={SCOPE.id: at(minutes=30)},
            asked_since={SCOPE.id: at(hours=-6), OTHER: at(hours=-5)},
        )
    )

    assert {SCOPE.id: at(minutes=30)} == complete_until(noted)
    assert {SCOPE.id: at(minutes=30), OTHER: at(hours=-5)} == known_until(noted)
    assert "2026-11-22T03:00:00.000Z" == noted["report"]["at"]  # type: ignore[index]


@pytest.mark.parametrize(
    "noted",
    [
        None,
        {},
        {"completeUntil": None},
        {"completeUntil": {SCOPE.id: "soon"}},
        {"completeUntil": {SCOPE.id: "2026-11-22T02:14:07"}},
        {"completeUntil": {SCOPE.id: "0001-01-01T00:00:00Z", OTHER: "2026-11-22T02:14:07Z"}},
        {"completeUntil": {SCOPE.id: "9999-12-31T23:59:59Z"}},
        {"completeUntil": {SCOPE.id: 10**400}},
        {"completeUntil": 7},
    ],
)
def test_of_a_note_that_says_nothing_nothing_is_known(noted: Mapping[str, object] | None) -> None:
    assert {} == complete_until(noted) == known_until(noted)


def test_a_note_that_says_nothing_makes_the_run_look_back_as_far_as_it_may_and_say_so() -> None:
    problems: list[str] = []
    world = a_world(MemoryLogs())

    known = known_scopes(world, {"completeUntil": 7}, problems, now=at())

    assert {SCOPE.id: at(hours=-48)} == known
    assert ["this run looked back for 2 d"] == [line.split("; ")[1] for line in problems]


def test_before_the_first_run_nothing_is_known_and_nothing_is_wrong() -> None:
    problems: list[str] = []

    assert {} == known_scopes(a_world(MemoryLogs()), None, problems, now=at())
    assert [] == problems


def test_what_the_last_run_had_to_say_of_scopes_is_read_from_its_note() -> None:
    silent = ScopeReport(
        scope=SCOPE.id,
        window_start=at(hours=-6),
        window_end=at(),
        complete=False,
        signals=0,
        newest=None,
        problem="no answer",
    )
    quiet = silent.model_copy(update={"scope": OTHER, "problem": None})
    report = Report(at=at(), scopes=(silent, quiet))

    assert {SCOPE.id: "no answer"} == scope_notes(
        kept(run_note(report, complete_until={}, asked_since={}))
    )
    assert {} == scope_notes(None) == scope_notes({"report": "garbage"})


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("[" * 200_000, "runs/last.json: cannot be read"),
        ('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "runs/last.json: cannot be read"),
        (
            '{"completeUntil": {"recording": "0001-01-01T00:00:00Z"}}',
            "this run looked back for 2 d",
        ),
        (
            '{"completeUntil": {"recording": "9999-12-31T23:59:59Z"}}',
            "this run looked back for 2 d",
        ),
    ],
)
def test_a_note_that_cannot_be_stops_nothing_is_said_and_is_written_anew(
    note: str, said: str, detector: Command, tmp_path: Path
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "last.json").write_text(note)

    first = detector("replay", AFTERNOON, "--out", tmp_path)
    second = detector("replay", AFTERNOON, "--out", tmp_path)

    assert (1, 0) == (first.code, second.code)
    assert said in first.err
    assert "3 insights told" in first.err
