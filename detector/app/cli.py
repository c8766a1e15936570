"""The command line: the same code without the Functions host.

Results go to stdout, progress to stderr. Exit codes: 0 done; 1 it failed, and the error says what
and how to mend it; 2 the command was not called as it has to be.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.app import arguments, store_cli
from detector.app.console import (
    check_lines,
    print_json,
    print_text,
    say,
    say_notes,
    say_of,
    show,
    show_briefly,
    show_json,
    speak_utf8,
    to_tell,
    told,
    waiting,
)
from detector.errors import DetectorError, JournalUnavailable, OperatorError
from detector.version import VERSION

if TYPE_CHECKING:
    from detector.app.settings import Settings
    from detector.insights import Insight

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
Full = Annotated[
    bool, typer.Option("--full", help="Print all of it; to a file or a pipe it always is.")
]


class Format(StrEnum):
    """How an article is printed."""

    MARKDOWN = "markdown"
    HTML = "html"
    TEXT = "text"


def _print_version(wanted: bool) -> None:
    if wanted:
        print_text(VERSION)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Tells what happened when an Azure VPN gateway switched over to its other instance."""


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
    except BrokenPipeError:  # whoever read along has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # what Python was printing, or a folder of ours
        say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        sys.exit(1)


@app.command()
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be told; write and send nothing.")
    ] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Ask this scope, and others so named, instead of those set."),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Look back so far, such as P1D, instead of as set."),
    ] = None,
    as_json: AsJson = False,
    full: Full = False,
) -> None:
    """One run against Azure, with your own `az login`."""
    from detector.app import invocation
    from detector.app.settings import Settings
    from detector.local import Listener

    given = arguments.to_run(scope or (), last)
    with _folder(None) as empty, waiting("Asking Azure"):
        if dry_run:
            settings = _that_answers(arguments.rehearsal(given, empty), empty)
            report, insights = invocation.rehearse_with(settings)
        else:
            settings = Settings.read(given)
            report, insights = invocation.invoke_with(settings)
    if as_json:
        listener = Listener(zone=settings.time_zone)
        listener.hear(insights, now=report.at)
        show_json(report, insights, listener.sent)
    else:
        _show(insights, full, rest="--full prints all of it")
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
    full: Full = False,
) -> None:
    """One run against a recording, without Azure."""
    from detector.app.lookup import INDEX
    from detector.app.replay import replay_into

    at = None if now is None else arguments.time(now)
    # What is not remembered cannot wait.
    gathered = arguments.digest(digest) if out else timedelta()
    with _folder(out) as folder, waiting("Replaying"):
        replayed = replay_into(folder, recording, at=at, digest=gathered)
    if as_json:
        show_json(replayed.report, replayed.insights, replayed.messages)
    else:
        whole = "--full prints all of it"
        _show(replayed.insights, full, rest=f"{whole}; {out / INDEX} shows it" if out else whole)
    say_notes(replayed.aside)
    say_of(replayed.report, closing=told(replayed.report), written=replayed.written if out else ())


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
    with _folder(None) as folder, waiting("Explaining"):
        world = bootstrap.of_recording(
            recorded, folder, now=at, articles=arguments.articles(), cloud=arguments.cloud()
        )
        text = explain_recording(world, gateway, now=at)
    say_notes(recorded.unusable.lines, more=recorded.unusable.more)
    for line in recorded.unusable_bodies.lines:
        say(f"error: {line}")
    if not text:
        whose = f"gateway {gateway}" if gateway else "any gateway"
        raise OperatorError(
            f"{recording} has no rows of {whose} before {timestamp(at)}; without a name and "
            "without --now, explain shows every gateway that has rows"
        )
    print_text(text)
    if recorded.unusable_bodies.lines:
        raise typer.Exit(1)


app.command("list")(store_cli.list_)
for command in (store_cli.show, store_cli.page, store_cli.serve, store_cli.status):
    app.command()(command)


@app.command()
def doctor(
    as_json: AsJson = False,
    app_name: store_cli.App = None,
    group: store_cli.Group = None,
) -> None:
    """What would keep a failover from being told, and how to mend it."""
    from detector.app import invocation

    checks = list(invocation.examine(arguments.environment_of(app_name, group)))
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
    app_name: store_cli.App = None,
    group: store_cli.Group = None,
) -> None:
    """Send a made-up failover of a real gateway."""
    from detector.app.invocation import utc_now, world_of
    from detector.runs import drill_insight, send_drill

    gateway_id = arguments.gateway_id(gateway_id)
    world = world_of(arguments.settings(app_name, group))
    with waiting("Asking Azure"):
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


def _show(insights: Sequence[Insight], full: bool, *, rest: str) -> None:
    """Print insights: in short to a terminal that was not asked for all, else all of each."""
    if full or not sys.stdout.isatty():
        show(insights)
    else:
        show_briefly(insights, rest=rest)


def _that_answers(settings: Settings, folder: Path) -> Settings:
    """The settings with a store that answers: their own, or an empty one in `folder`."""
    from detector.app import bootstrap
    from detector.app.forms import FolderStore

    try:
        bootstrap.journal_of(settings).last_run()
    except JournalUnavailable as error:
        say(f"note: {error}")
        say("note: so what was told before is not known, and all that is seen is shown")
        return settings.model_copy(update={"store": FolderStore(folder=folder)})
    return settings


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
