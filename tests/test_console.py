"""What is printed cannot act on a terminal, and says what matters in few lines."""

from __future__ import annotations

import json
import sys

import pytest
import typer

from detector.app.console import print_json, print_text, say, say_of, to_tell, told
from detector.journal.delivery import DeliveryReport
from detector.runs.report import Report, ScopeReport
from tests.builders import at

HOSTILE = "a\x1b[2J\x9b\u202e\u200b\ud800\U000e0041 caf\u00e9 \U0001f600"


def test_json_holds_hostile_text_and_none_of_it_acts(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": HOSTILE})
    printed = capsys.readouterr().out

    assert {"name": HOSTILE} == json.loads(printed)
    assert printed.replace("\n", "").isprintable()
    assert "caf\u00e9 \U0001f600" in printed


def test_what_is_said_keeps_its_lines_and_nothing_in_them_acts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("error: two lines\n  and \x1b[2J\r\u202e this")

    assert "error: two lines\n  and \u241b[2J \ufffd this\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("is_terminal", "shown"),
    [(True, "# A\u241b[2J\n b \n\ufffdc\n"), (False, "# A\x1b[2J\n\tb\r\n\u202ec\n")],
)
def test_no_text_acts_on_a_terminal_and_a_file_gets_it_as_it_is(
    is_terminal: bool,  # noqa: FBT001
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)

    print_text("# A\x1b[2J\n\tb\r\n\u202ec")

    assert shown == capsys.readouterr().out


def test_a_report_is_said_with_the_worst_last_before_the_closing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scope = ScopeReport(
        scope="w",
        window_start=at(),
        window_end=at(hours=1),
        complete=True,
        signals=0,
        newest=None,
        problem="there are no logs yet",
    )
    given_up = DeliveryReport(
        sink="queue", id="f-1", revision=2, attempts=9, given_up=True, why="HTTP 410"
    )
    report = Report(
        at=at(),
        scopes=(scope,),
        suspected=("a loss",),
        unreadable=("a row",),
        given_up=(given_up,),
        problems=("a part failed",),
    )

    with pytest.raises(typer.Exit) as ended:
        say_of(report, closing=told(report))

    assert 1 == ended.value.exit_code
    assert [
        "note: w: there are no logs yet",
        "note: a row",
        "note: a loss",
        "note: queue: f-1 revision 2 was given up: HTTP 410",
        "error: a part failed",
        "nothing new to tell; 0 failovers seen in 0 rows of 0 gateways",
    ] == capsys.readouterr().err.splitlines()


def test_a_dry_run_says_that_it_is_one() -> None:
    assert "dry run, nothing written; nothing new to tell" == to_tell(Report(at=at()))
