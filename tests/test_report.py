"""What a run says of itself."""

from __future__ import annotations

import json

import pytest

from detector.errors import LogsUnavailable, Unforeseen
from detector.insights.document import Reason
from detector.journal.delivery import DeliveryReport
from detector.model import Answer, Scope, Window
from detector.runs.report import (
    LONGEST_LINE,
    Report,
    log_line,
    scope_report,
    shortened,
    told_line,
)
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


# However much there is to say


def much(text: str, number: int = 50_000) -> Report:
    """A report that could say no more: every list is full, of the longest texts."""
    given_up = DeliveryReport(
        sink=text, id=text, revision=1, attempts=9, given_up=True, why=text * 3
    )
    scope = scope_report(SCOPE, WINDOW, LogsUnavailable(text, scope=SCOPE.id))
    well = scope_report(SCOPE, WINDOW, Answer(scope=SCOPE, window=WINDOW))
    told = told_line(an_insight()).model_copy(update={"verdict": text, "gateway": text})
    return Report(
        at=at(),
        scopes=(well,) * 400 + (scope,) * 40,
        told=(told,) * 300,
        suspected=(text,) * number,
        unreadable=(text,) * 20,
        outstanding=(given_up,) * 300,
        given_up=(given_up,) * 300,
        problems=(text,) * number,
        traces=(text,) * number,
    )


def test_a_report_names_twenty_of_each_and_says_how_many_more_there_are() -> None:
    report = shortened(much("x" * 5000, 1000), unreadable=99_980)

    lists = (report.told, report.suspected, report.unreadable, report.outstanding, report.problems)
    assert {20} == {len(each) for each in (*lists, report.given_up, report.traces)}
    assert {
        "told": 280,
        "suspected": 980,
        "unreadable": 99_980,
        "outstanding": 280,
        "givenUp": 280,
        "problems": 980,
    } == report.more
    assert max(map(len, report.problems)) <= 1000
    assert 440 == len(report.scopes)


def test_a_report_that_names_all_counts_no_more() -> None:
    report = Report(at=at(), problems=("the queue: no answer",))

    assert report == shortened(report, unreadable=0)
    assert {} == json.loads(log_line(report))["more"]


@pytest.mark.parametrize(
    "text",
    ["x" * 5000, "\u202e" * 5000, "\U000e0041" * 5000, '"\\' * 5000, "\x00\n" * 5000, "é" * 5000],
    ids=ascii,
)
def test_no_line_of_the_log_is_longer_than_it_may_be(text: str) -> None:
    """Whatever is escaped in it; of the scopes those that did not answer are named first."""
    for report in (much(text), shortened(much(text, 1000), unreadable=7)):
        line = log_line(report)
        said = json.loads(line)

        assert len(line) <= LONGEST_LINE
        assert "\n" not in line
        assert said["problems"]
        assert len(report.problems) + report.more.get("problems", 0) == (
            len(said["problems"]) + said["more"]["problems"]
        )
        assert {False} == {scope["complete"] for scope in said["scopes"]}
        assert 440 == len(said["scopes"]) + said["more"]["scopes"]


def test_the_line_of_what_was_told_is_not_longer_either() -> None:
    told = told_line(an_insight()).model_copy(update={"verdict": "\u202e" * 100_000})

    assert len(log_line(told)) <= LONGEST_LINE


def test_where_a_defect_was_stands_in_no_json() -> None:
    report = Report(at=at()).with_failure(Unforeseen("vpn-hub", "KeyError", trace="a:1 in b"))

    assert ("a:1 in b",) == report.traces
    assert "a:1 in b" not in report.model_dump_json() + log_line(report)
    assert not report.ok
