"""What a command prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from detector.articles import visible
from detector.insights import Check, Insight, Summary
from detector.model import Importance
from detector.runs import Report
from detector.text import count, one_line, visible_json

if TYPE_CHECKING:
    from detector.local import Message

NO_NEWS: Final = "nothing new to tell"
LONGEST_LINE: Final = 2000
MOST_PASSED: Final = 5
"""As many checks of a kind that passed are printed; of more, how many there are."""

_COLOURS: Final = {
    Importance.CRITICAL: typer.colors.RED,
    Importance.WARNING: typer.colors.YELLOW,
    Importance.INFORMATION: typer.colors.GREEN,
}
MOST_NOTES: Final = 20
"""As many notes are printed; of more, how many there are."""


def speak_utf8() -> None:
    """Make both streams UTF-8 with plain line ends: what is printed may hold any name or text."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def say(text: str) -> None:
    """Print lines about the work on stderr, with nothing in them that acts on a terminal."""
    typer.echo(_lines(text), err=True)


def print_text(text: str) -> None:
    """Print a text on stdout: as it is to a file or a pipe, to a terminal with nothing that acts.

    It ends with one line end.
    """
    shown = _lines(text) if sys.stdout.isatty() else text
    typer.echo(shown, nl=not shown.endswith("\n"), color=True)  # without it, marks are taken out


def _lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def show(insights: Iterable[Insight]) -> None:
    """Print insights as a person reads them."""
    from detector.insights import to_markdown

    for insight in insights:
        print_text(f"{to_markdown(insight)}\n")


def show_briefly(insights: Iterable[Insight], *, rest: str) -> None:
    """Print one line for each insight, in the colour of its importance, and where the rest is."""
    from detector.insights import summary_of

    shown = False
    for insight in insights:
        shown = True
        print_line(summary_of(insight))
    if shown:
        say(rest)


def print_line(summary: Summary, *more: str) -> None:
    """Print a failover as a line: state, gateway, `more`, and its verdict.

    In colour to a terminal, unless NO_COLOR is set (https://no-color.org).
    """
    verdict = summary.verdict.removeprefix(f"{summary.gateway} ")
    state = typer.style(f"{summary.standing:<15}", fg=_COLOURS[summary.importance], bold=True)
    rest = [one_line(each, 300) for each in (summary.gateway, *more, verdict)]
    is_plain = bool(os.environ.get("NO_COLOR")) or not sys.stdout.isatty()
    typer.echo("  ".join((state, *rest)), color=not is_plain)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Say on stderr what is being done while it is, if that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def show_json(report: Report, insights: Iterable[Insight], messages: Iterable[Message]) -> None:
    """Print a run as one JSON object, with what people would be sent."""
    print_json(
        {
            "report": report.model_dump(mode="json"),
            "insights": [insight.model_dump(mode="json") for insight in insights],
            "messages": [message.model_dump(mode="json") for message in messages],
        }
    )


def print_json(document: object) -> None:
    """Print one JSON object; what would not be seen in it, or would act, is escaped."""
    typer.echo(visible_json(json.dumps(document, indent=2, ensure_ascii=False)))


def check_lines(checks: Sequence[Check]) -> Iterator[str]:
    """The doctor's checks in words, what has to be mended last; of many that pass, how many."""
    passed = Counter(check.id for check in checks if check.status == "pass")
    for status in ("pass", "skip", "warn", "fail"):
        for check in (each for each in checks if each.status == status):
            if status == "pass" and passed[check.id] > MOST_PASSED:
                continue
            yield f"{status}  {check.id}  {_one_line(check.subject)}: {_one_line(check.evidence)}"
            if check.hint:
                yield f"      mend: {_one_line(check.hint)}"
        if status == "pass":
            many = {name: number for name, number in passed.items() if number > MOST_PASSED}
            yield from (f"pass  {name}  {number} times" for name, number in many.items())
    counts = Counter(check.status for check in checks)
    yield ", ".join(f"{counts[status]} {status}" for status in ("fail", "warn", "skip", "pass"))


def _one_line(text: str) -> str:
    return one_line(text, LONGEST_LINE)


def say_of(report: Report, *, closing: str, written: Sequence[Path] = ()) -> None:
    """Say what came of a run, the worst last; ends the command with 1 where a part failed."""
    for path in written:
        say(f"wrote {path}")
    left_out = sum(report.more.get(name, 0) for name in ("unreadable", "suspected", "givenUp"))
    say_notes(list(_notes(report)), more=left_out)
    for line in report.problems:
        say(f"error: {line}")
    if more := report.more.get("problems"):
        say(f"error: and {more} more")
    say(f"{closing}; {_seen(report)}")
    if not report.ok:
        raise typer.Exit(1)


def _seen(report: Report) -> str:
    """What was seen; where no logs were read, nothing is known, and nothing was seen."""
    signals = sum(scope.signals for scope in report.scopes)
    read = sum(scope.complete for scope in report.scopes)
    if not read:
        return "no logs were read, so of failovers nothing is known"
    seen = (
        f"{count(report.failovers, 'failover')} seen in {count(signals, 'row')} of "
        f"{count(report.gateways, 'gateway')}"
    )
    if read < len(report.scopes):
        seen += f", with the logs of {read} of {len(report.scopes)} scopes"
    return seen


def say_notes(lines: Sequence[str], *, more: int = 0) -> None:
    """Say what did not fail, and yet somebody might want to know; of many, how many there are.

    There are `more` than `lines` names.
    """
    for line in lines[:MOST_NOTES]:
        say(f"note: {line}")
    more += max(0, len(lines) - MOST_NOTES)
    if more:
        say(f"note: and {more} more")


def told(report: Report) -> str:
    """How much a run told."""
    return f"{count(_told(report), 'insight')} told" if report.told else NO_NEWS


def to_tell(report: Report) -> str:
    """How much a dry run would have told."""
    insights = f"{count(_told(report), 'insight')} to tell" if report.told else NO_NEWS
    return f"dry run, nothing written; {insights}"


def _told(report: Report) -> int:
    return len(report.told) + report.more.get("told", 0)


def _notes(report: Report) -> Iterator[str]:
    """What did not fail, and yet somebody might want to know."""
    for scope in report.scopes:
        if scope.complete and scope.problem:
            yield f"{scope.scope}: {scope.problem}"
    yield from report.unreadable
    yield from report.suspected
    for each in report.given_up:
        yield f"{each.sink}: {each.id} revision {each.revision} was given up: {each.why}"
