"""What a run says of itself."""

from __future__ import annotations

import json

from detector.errors import LogsUnavailable
from detector.insights.document import Reason
from detector.model import Answer, Scope, Window
from detector.runs.report import Report, scope_report, told_line
from tests.builders import at, down
from tests.sink_stand_in import an_insight

SCOPE = Scope(id="11111111-2222-4333-8444-555555555555")
WINDOW = Window(start=at(hours=-6), end=at())


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


def test_a_scope_says_what_it_answered_for_its_window() -> None:
    answer = Answer(scope=SCOPE, window=WINDOW, signals=(down(at(-9)), down(at(-5))))
    said = scope_report(SCOPE, WINDOW, answer)

    assert (SCOPE.id, WINDOW) == (said.scope, Window(start=said.window_start, end=said.window_end))
    assert (True, 2, at(-5), None) == (said.complete, said.signals, said.newest, said.problem)


def test_a_scope_that_did_not_answer_or_has_no_logs_yet_says_why() -> None:
    silent = scope_report(SCOPE, WINDOW, LogsUnavailable("no answer", scope=SCOPE.id))
    empty = scope_report(SCOPE, WINDOW, Answer(scope=SCOPE, window=WINDOW, no_logs="no table yet"))

    assert (False, 0, None, "no answer") == (
        silent.complete,
        silent.signals,
        silent.newest,
        silent.problem,
    )
    assert (True, "no table yet") == (empty.complete, empty.problem)
