"""The command line: the same code without the Functions host.

Results go to stdout, progress to stderr. Exit codes: 0 done; 1 it failed, and the error says what
and how to mend it; 2 the command was not called as it has to be.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from detector.app import arguments
from detector.app.console import (
    check_lines,
    print_json,
    print_text,
    say,
    say_notes,
    say_of,
    show,
    show_json,
    speak_utf8,
    to_tell,
    told,
)
from detector.errors import DetectorError, OperatorError

app = typer.Typer(
    name="detector",
    help="Tells what happened when an Azure VPN gateway switched over to its other instance.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

RecordingFolder = Annotated[
    Path, typer.Argument(metavar="RECORDING", help="The folder of the recording.")
]
Now = Annotated[
    str | None,
    typer.Option(metavar="T", help="When it is (ISO 8601, UTC); default: after the newest row."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Format(StrEnum):
    """How an article is printed."""

    MARKDOWN = "markdown"
    HTML = "html"
    TEXT = "text"


def main() -> None:
    """Run the command line; ends the process with one of the exit codes."""
    speak_utf8()
    # A run logs one JSON line for machines; here a person reads the same in words.
    logging.getLogger("detector").addHandler(logging.NullHandler())
    try:
        app()
    except DetectorError as error:
        say(f"error: {error}")
        sys.exit(1)
    except OSError as error:  # what Python was printing, or a folder of ours
        say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        sys.exit(1)


@app.command()
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be told; write and send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """One run against Azure, with your own `az login`."""
    from detector.app import invocation
    from detector.app.settings import Settings
    from detector.local import Listener

    settings = Settings.read(arguments.environment())
    once = invocation.rehearse_with if dry_run else invocation.invoke_with
    report, insights = once(settings)
    if as_json:
        listener = Listener(zone=settings.time_zone)
        listener.hear(insights, now=report.at)
        show_json(report, insights, listener.sent)
    else:
        show(insights)
    say_of(report, closing=to_tell(report) if dry_run else told(report))


@app.command()
def replay(
    recording: RecordingFolder,
    now: Now = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the journal and the insights in this folder."),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="With --out: how long messages to people are gathered; default: as the settings.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One run against a recording, without Azure."""
    from detector.app import bootstrap
    from detector.local import FolderInsights, Listener, Recording
    from detector.runs import run_once

    at = None if now is None else arguments.time(now)
    # What is not remembered cannot wait.
    gathered = arguments.digest(digest) if out else timedelta()
    listener = Listener(digest=gathered, zone=arguments.time_zone())
    recorded = Recording.read(recording)
    at = at or recorded.newest + timedelta(milliseconds=1)
    with _folder(out) as folder:
        world = bootstrap.of_recording(
            recorded, folder, now=at, articles=arguments.articles(), cloud=arguments.cloud()
        )
        world = replace(world, sinks=(*world.sinks, listener))
        report, insights = run_once(world, now=at, left=lambda: timedelta(minutes=4))
        files = FolderInsights(folder, bootstrap.FOLDER_FORMATS)
        written = [path for insight in insights for path in files.paths(insight)] if out else []
    if as_json:
        show_json(report, insights, listener.sent)
    else:
        show(insights)
    say_of(report, closing=told(report), written=written)


@app.command()
def articles(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Articles or folders; default: those of the settings."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check articles, and say what to mend."""
    from detector.articles import catalog, visible
    from detector.text import count

    problems = catalog.check(paths or [arguments.articles()])
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
        print_json({"problems": listed})
    else:
        for problem in problems:
            typer.echo(visible(str(problem)))
        typer.echo(count(len(mistakes), "problem") if mistakes else "no problems")
    raise typer.Exit(1 if mistakes else 0)


@app.command()
def render(
    article: Annotated[Path, typer.Argument(metavar="ARTICLE", help="The article's file.")],
    fact: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What fills a slot; once for each slot."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.MARKDOWN,
) -> None:
    """One article with facts in its slots."""
    from detector.articles import catalog
    from detector.insights import to_html, to_text

    facts = arguments.facts(fact or [])
    read = catalog.read(article)
    rendered = read.render(facts)
    for problem in read.problems:
        if not problem.is_note:
            say(f"note: {problem}")
    page = arguments.portal_page(facts)
    if format_ is Format.HTML:
        rendered = to_html(rendered, resource_page=page)
    elif format_ is Format.TEXT:
        rendered = to_text(rendered, resource_page=page)
    print_text(rendered)


@app.command()
def explain(
    recording: RecordingFolder,
    gateway: Annotated[
        str | None,
        typer.Argument(metavar="[GATEWAY]", help="A gateway's name or id; default: every one."),
    ] = None,
    now: Now = None,
) -> None:
    """How the verdict on a recording came about."""
    from detector.app import bootstrap
    from detector.insights import timestamp
    from detector.local import Recording
    from detector.runs import explain_recording

    at = None if now is None else arguments.time(now)
    recorded = Recording.read(recording)
    at = at or recorded.newest + timedelta(milliseconds=1)
    with _folder(None) as folder:
        world = bootstrap.of_recording(
            recorded, folder, now=at, articles=arguments.articles(), cloud=arguments.cloud()
        )
        text = explain_recording(world, gateway, now=at)
    say_notes(recorded.unusable.lines, more=recorded.unusable.more)
    if not text:
        whose = f"gateway {gateway}" if gateway else "any gateway"
        raise OperatorError(
            f"{recording} has no rows of {whose} before {timestamp(at)}; without a name and "
            "without --now, explain shows every gateway that has rows"
        )
    print_text(text)


@app.command()
def status(as_json: AsJson = False) -> None:
    """How the detector is; exit code 1 if it needs you."""
    from detector.app import bootstrap
    from detector.app.invocation import utc_now
    from detector.app.settings import Settings
    from detector.runs import status_lines, status_of

    settings = Settings.read(arguments.environment())
    journal = bootstrap.journal_of(settings)
    archive = bootstrap.archive_of(settings)
    shown = status_of(journal, archive, settings.scopes, settings.schedule, now=utc_now())
    if as_json:
        print_json(shown.model_dump(mode="json"))
    else:
        for line in status_lines(shown):
            typer.echo(line)
    raise typer.Exit(0 if shown.ok else 1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Ask all that decides whether a failover would be told; exit code 1 where something fails."""
    from detector.app import invocation

    checks = list(invocation.examine(arguments.environment()))
    if as_json:
        print_json({"checks": [check.model_dump(mode="json") for check in checks]})
    else:
        for line in check_lines(checks):
            typer.echo(line)
    raise typer.Exit(1 if any(check.status == "fail" for check in checks) else 0)


@app.command()
def drill(
    gateway_id: Annotated[
        str, typer.Argument(metavar="GATEWAY_ID", help="The ARM id of a gateway that is there.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the insight; send nothing.")
    ] = False,
) -> None:
    """Send a made-up failover of a real gateway."""
    from detector.app.invocation import utc_now, world_of
    from detector.app.settings import Settings
    from detector.runs import drill_insight, send_drill

    gateway_id = arguments.gateway_id(gateway_id)
    world = world_of(Settings.read(arguments.environment()))
    insight, problems = drill_insight(gateway_id, world.sources, world.library, now=utc_now())
    show([insight])
    for unusable in problems:
        say(f"error: {unusable}")
    failed = bool(problems)
    for sink, problem in () if dry_run else send_drill(insight, world.sinks):
        say(f"{sink}: {problem or 'delivered'}")
        failed = failed or problem is not None
    if dry_run:
        say("dry run, nothing sent")
    if failed:
        raise typer.Exit(1)


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    start: Annotated[str, typer.Option("--from", metavar="T", help="From when (ISO 8601, UTC).")],
    end: Annotated[str, typer.Option("--to", metavar="T", help="Until when, not included.")],
    gateway: Annotated[
        str | None,
        typer.Option(metavar="ID", help="One gateway's id; default: every one that has rows."),
    ] = None,
    mask: Annotated[
        bool,
        typer.Option("--mask", help="Replace ids, names, addresses and people by random ones."),
    ] = False,
    mask_table: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --mask: keep here, and only here, what was what."),
    ] = None,
) -> None:
    """A recording of Azure, to be replayed without it."""
    from random import SystemRandom

    from detector.app.invocation import utc_now
    from detector.app.record import parts_of_azure
    from detector.app.settings import Settings
    from detector.local import NewRecording

    window = arguments.window(start, end)
    gateway_id = None if gateway is None else arguments.gateway_id(gateway)
    if mask_table and not mask:
        raise typer.BadParameter("--mask-table needs --mask")
    # Nothing is kept in a store, so none has to be set.
    unused = {"DETECTOR_STORE": "file:unused", "DETECTOR_QUEUE": ""}
    settings = Settings.read(arguments.environment() | unused)
    recording = NewRecording(folder, mask_table)
    parts, problems = parts_of_azure(settings, window, gateway_id, clock=utc_now, say=say)
    written = recording.write_masked(parts, SystemRandom()) if mask else recording.write(parts)
    for path in written:
        say(f"wrote {path}")
    for problem in problems:
        say(f"error: {problem}")
    if problems:
        raise typer.Exit(1)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """`out`, made where it is not there yet, or a folder that is gone afterwards."""
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"--out {out}: {error.strerror}; name a folder that can be written to"
        ) from error
    yield out
