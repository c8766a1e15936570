"""The command line: the same code without the Functions host.

Results go to stdout, progress to stderr. Exit codes: 0 done; 1 it failed, and the error says what
and how to mend it; 2 the command was not called as it has to be.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from detector.errors import DetectorError, OperatorError
from detector.insight import Insight
from detector.report import Report

app = typer.Typer(
    name="detector",
    help="Tells what happened when an Azure VPN gateway switched over to its other instance.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ARTICLES = Path(__file__).parent.parent / "articles"


class Format(StrEnum):
    """How an article is printed."""

    MARKDOWN = "markdown"
    HTML = "html"
    TEXT = "text"


def main() -> None:
    """Run the command line; ends the process with one of the exit codes."""
    try:
        app()
    except DetectorError as error:
        say(f"error: {error}")
        sys.exit(1)


@app.command()
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be told; write and send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """One run against Azure with your own `az login`, by the settings in the environment."""
    from detector import invocation
    from detector.settings import Settings

    settings = Settings.read(environment())
    once = invocation.rehearse_with if dry_run else invocation.invoke_with
    report, insights = once(settings)
    show(report, insights, as_json=as_json)


@app.command()
def replay(
    recording: Annotated[Path, typer.Argument(help="The folder of the recording.")],
    now: Annotated[
        str | None,
        typer.Option(metavar="T", help="When the run takes place (ISO 8601); default: at its end."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the journal and the insights here."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One run against a recording; Azure is not asked."""
    from detector import wiring
    from detector.local.folder import FolderInsights
    from detector.local.recording import Recording
    from detector.run import run as run_once

    recorded = Recording.read(recording)
    at = _instant(now) if now else recorded.newest + timedelta(milliseconds=1)
    with _folder(out) as folder:
        world = wiring.of_recording(recorded, folder, now=at, articles=ARTICLES)
        report, insights = run_once(world, now=at, left=lambda: timedelta(minutes=4))
        unused = tuple(line for line in recorded.unreadable if line not in report.unreadable)
        report = report.model_copy(update={"unreadable": (*report.unreadable, *unused)})
        files = FolderInsights(folder, wiring.FORMATS)
        written = {insight.id: files.paths(insight) for insight in insights} if out else {}
    show(report, insights, as_json=as_json, written=written)


@app.command()
def articles(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Articles or folders; default: those shipped.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check articles: every problem with file, line and what to do."""
    from detector import catalog

    problems = catalog.check(paths or [ARTICLES])
    mistakes = [problem for problem in problems if not problem.is_note]
    if as_json:
        listed = [
            {
                "path": str(problem.path),
                "line": problem.line,
                "code": problem.code,
                "message": problem.message,
                "note": problem.is_note,
            }
            for problem in problems
        ]
        typer.echo(json.dumps({"problems": listed}, indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(str(problem))
        typer.echo("no problems" if not mistakes else f"{len(mistakes)} problem(s)")
    raise typer.Exit(1 if mistakes else 0)


@app.command()
def render(
    article: Annotated[Path, typer.Argument(help="The article's file.")],
    fact: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="What fills a slot.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.MARKDOWN,
) -> None:
    """One article, rendered with facts."""
    from detector import catalog
    from detector.page import to_html, to_text

    rendered = catalog.read(article).render(_facts(fact or []))
    if format_ is Format.HTML:
        rendered = to_html(rendered)
    elif format_ is Format.TEXT:
        rendered = to_text(rendered)
    typer.echo(rendered, nl=not rendered.endswith("\n"))


@app.command()
def explain(
    recording: Annotated[Path, typer.Argument(help="The folder of the recording.")],
    gateway: Annotated[
        str | None, typer.Argument(help="A gateway's name or id; default: every one.")
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(metavar="T", help="When one looks (ISO 8601); default: at its end."),
    ] = None,
) -> None:
    """How the verdict on a recording came about: rows, pairs, evidence, cause, reason."""
    from detector import wiring
    from detector.explain import explained
    from detector.local.recording import Recording

    recorded = Recording.read(recording)
    at = _instant(now) if now else recorded.newest + timedelta(milliseconds=1)
    with _folder(None) as folder:
        world = wiring.of_recording(recorded, folder, now=at, articles=ARTICLES)
        text = explained(world, gateway, now=at)
    if not text:
        raise OperatorError(
            f"{recording} has no rows of {gateway or 'any gateway'} before {at.isoformat()}"
        )
    typer.echo(text, nl=False)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Whether the detector runs, what is open, what was not delivered; exit 1 if it needs you."""
    from detector import wiring
    from detector.invocation import clock
    from detector.settings import Settings
    from detector.status import lines
    from detector.status import status as state_of

    settings = Settings.read(environment())
    journal = wiring.journal_of(settings)
    shown = state_of(journal, settings.scopes, settings.schedule, now=clock())
    if as_json:
        typer.echo(shown.model_dump_json(indent=2, by_alias=True))
    else:
        for line in lines(shown):
            typer.echo(line)
    raise typer.Exit(0 if shown.ok else 1)


@app.command()
def drill(
    gateway_id: Annotated[str, typer.Argument(help="The ARM id of a gateway that is there.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the insight; send nothing.")
    ] = False,
) -> None:
    """Send a synthetic failover of a real gateway to every sink, marked as a drill."""
    from detector.drill import rehearse, send
    from detector.invocation import clock, world_of
    from detector.settings import Settings
    from detector.summary import summary

    world = world_of(Settings.read(environment()))
    insight, problems = rehearse(_gateway_id(gateway_id), world.sources, world.library, now=clock())
    typer.echo(summary(insight))
    for problem in problems:
        say(f"error: {problem}")
    failed = bool(problems)
    for delivered in () if dry_run else send(insight, world.sinks):
        say(f"{delivered.sink}: {delivered.problem or 'delivered'}")
        failed = failed or delivered.problem is not None
    if dry_run:
        say("nothing was sent")
    if failed:
        raise typer.Exit(1)


def show(
    report: Report,
    insights: Sequence[Insight],
    *,
    as_json: bool,
    written: Mapping[str, Sequence[Path]] | None = None,
) -> None:
    """Print a run's insights and report; leaves with 1 where a part of the run failed."""
    from detector.summary import summary

    if as_json:
        shown = {
            "report": report.model_dump(mode="json"),
            "insights": [insight.model_dump(mode="json") for insight in insights],
        }
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        for insight in insights:
            typer.echo(summary(insight))
        for insight in insights:
            for path in (written or {}).get(insight.id, ()):
                say(f"wrote {path}")
        for line in (*report.unreadable, *report.suspected):
            say(f"note: {line}")
        for line in report.problems:
            say(f"error: {line}")
        say(_closing(report))
    if not report.ok:
        raise typer.Exit(1)


def _closing(report: Report) -> str:
    from detector.words import count

    told = count(len(report.told), "insight") if report.told else "nothing new"
    signals = sum(scope.signals for scope in report.scopes)
    return (
        f"{told} told; {count(report.failovers, 'failover')} seen in {count(signals, 'row')} of "
        f"{count(report.gateways, 'gateway')}"
    )


def say(line: str) -> None:
    """Print a line of progress, on stderr."""
    typer.echo(line, err=True)


def environment() -> dict[str, str]:
    """The environment, over what `local.settings.json` gives, as the Functions tools do it."""
    path = Path("local.settings.json")
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))["Values"] if path.exists() else {}
        local = {str(name): str(value) for name, value in values.items()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise OperatorError(f"{path}: no JSON object with `Values` in it; mend it") from error
    return local | dict(os.environ)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """`out`, or a folder that is gone afterwards."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _instant(text: str) -> datetime:
    from detector.row import UnreadableRow, instant

    try:
        return instant(text)
    except UnreadableRow as error:
        raise typer.BadParameter(
            f"{text!r} is no ISO 8601 time, as 2026-11-22T03:10:00Z"
        ) from error


def _gateway_id(text: str) -> str:
    from detector.row import is_gateway_id

    gateway_id = text.strip().lower().rstrip("/")
    if not is_gateway_id(gateway_id):
        raise typer.BadParameter(
            f"{text!r} is no gateway's id; give /subscriptions/…/virtualNetworkGateways/<name>"
        )
    return gateway_id


def _facts(given: Sequence[str]) -> dict[str, str]:
    facts = {}
    for fact in given:
        name, separator, value = fact.partition("=")
        if not separator or not name.strip():
            raise typer.BadParameter(f"--fact {fact!r} is not of the form name=value")
        facts[name.strip()] = value
    return facts
