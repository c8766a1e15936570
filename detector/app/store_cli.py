"""The commands that look up what was told: list, show, page, serve and status."""

from __future__ import annotations

import csv
import io
import sys
import tempfile
import webbrowser
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from detector.app import arguments
from detector.app.console import print_json, print_line, print_text, say, waiting
from detector.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.app.lookup import Lookup
    from detector.insights import Summary

App = Annotated[
    str | None,
    typer.Option("--app", metavar="NAME", help="Take the settings of this deployed app, by `az`."),
]
Group = Annotated[str | None, typer.Option(metavar="GROUP", help="With --app: its resource group.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

CSV_TITLE: Final = "# downtime by failover, not availability"
_COLUMNS: Final = (
    *("id", "gateway", "gatewayId", "firstAt", "lastAt", "state", "importance", "causes"),
    *("peersOut", "peersDown", "longestOutSeconds", "isUpperBound", "redundancyLostSeconds"),
    *("drill", "verdict"),
)


class DocumentFormat(StrEnum):
    """How an insight is printed."""

    JSON = "json"
    MD = "md"
    HTML = "html"


def status(as_json: AsJson = False, app: App = None, group: Group = None) -> None:
    """How the detector is; exit code 1 if it needs you."""
    from detector.app import bootstrap
    from detector.app.invocation import utc_now
    from detector.runs import status_lines, status_of

    settings = arguments.settings(app, group)
    journal, archive = bootstrap.journal_of(settings), bootstrap.archive_of(settings)
    with waiting("Asking the store"):
        shown = status_of(journal, archive, settings.scopes, settings.schedule, now=utc_now())
    if as_json:
        print_json({"store": bootstrap.store_name(settings), **shown.model_dump(mode="json")})
    else:
        print_text(f"{'store':<11}  {bootstrap.store_name(settings)}")
        for line in status_lines(shown):
            typer.echo(line)
    raise typer.Exit(0 if shown.ok else 1)


def list_(
    since: Annotated[
        str | None,
        typer.Option(metavar="D", help="A date, a time, or how far back (P7D); default: 30 days."),
    ] = None,
    gateway: Annotated[
        str | None, typer.Option(metavar="G", help="Only this gateway, by name or id.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table for spreadsheets.")] = False,
    as_json: AsJson = False,
    app: App = None,
    group: Group = None,
) -> None:
    """The failovers that were told, the open ones first."""
    from detector.app.invocation import utc_now
    from detector.app.lookup import BadQuestion, choice_of, list_of

    if as_csv and as_json:
        raise typer.BadParameter("give --csv or --json, not both")
    now = utc_now()
    lookup = _lookup(app, group)
    try:
        choice = choice_of(
            {"since": arguments.since(since, now=now), "gateway": gateway or ""}, now=now
        )
    except BadQuestion as error:
        raise typer.BadParameter(str(error)) from error
    with waiting("Listing the failovers"):
        fleet = lookup.fleet(choice, now=now, page_of=str)
    if as_json:
        print_json(list_of(now, fleet.last_complete, fleet.listed))
        return
    if as_csv:
        print_text(_csv(fleet.listed))
        return
    for each in sorted(fleet.listed, key=lambda each: not each.is_open):
        print_line(each, f"{each.first_at:%Y-%m-%d %H:%M:%SZ}", each.id)
    if not fleet.listed:
        say("no failovers")
    if fleet.unreadable:
        say(f"note: {fleet.unreadable} more cannot be read")
    if fleet.is_late:
        say("note: the logs were not read in full for too long; `status` says more")


def _csv(failovers: Iterable[Summary]) -> str:
    """The failovers as a table, under a title that says what its figures are not."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for each in failovers:
        document = each.model_dump(mode="json")
        longest = None if each.down else each.longest_seconds  # what is down has no length yet
        values = (
            *(document[name] for name in ("id", "gateway", "gatewayId", "firstAt", "lastAt")),
            *(each.standing, each.importance, " ".join(each.causes), each.peers, each.down),
            *(longest, each.bounded, each.redundancy_lost_seconds, each.drill),
            each.verdict,
        )
        rows.writerow(map(_cell, values))
    return f"{CSV_TITLE}\n{text.getvalue()}"


def _cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula else value


def show(
    failover_id: Annotated[str, typer.Argument(metavar="ID", help="The failover's id.")],
    format_: Annotated[
        DocumentFormat, typer.Option("--format", help="How to print it.")
    ] = DocumentFormat.MD,
    app: App = None,
    group: Group = None,
) -> None:
    """One failover, as it was last told."""
    print_text(_rendered(_lookup(app, group), failover_id, format_))


def page(
    what: Annotated[
        str, typer.Argument(metavar="ID|RECORDING", help="A failover's id, or a recording.")
    ],
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Pages as files: of one failover, or of all of a recording."""
    from detector.app.lookup import INDEX
    from detector.app.replay import replay_into

    folder = Path(tempfile.mkdtemp(prefix="gateway-failovers-"))
    if Path(what).is_dir():
        with waiting("Replaying the recording"):
            replay_into(folder, Path(what), at=None, digest=timedelta())
        made = folder / INDEX
    else:
        made = folder / "failover.html"
        made.write_text(_rendered(_lookup(None, None), what, DocumentFormat.HTML), encoding="utf-8")
    print_text(str(made))
    if open_:
        webbrowser.open(made.as_uri())


def serve(
    port: Annotated[int, typer.Option(help="The port on this machine's loopback.")] = 8080,
) -> None:
    """The pages of the store, for this machine alone."""
    from detector.app.invocation import utc_now
    from detector.app.server import LOOPBACK, server
    from detector.app.site import Site

    lookup = _lookup(None, None)
    try:
        running = server(Site(lookup=lookup), port, clock=utc_now)
    except (OSError, OverflowError) as error:
        raise OperatorError(f"--port {port}: {error}; name another") from error
    with running:
        print_text(f"http://{LOOPBACK}:{running.server_port}/")
        sys.stdout.flush()
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            say("ended")


def _rendered(lookup: Lookup, failover_id: str, format_: DocumentFormat) -> str:
    from detector.app.site import rendered, text_of
    from detector.journal import is_failover_id

    if not is_failover_id(failover_id):
        raise typer.BadParameter(f"{failover_id!r} is no failover's id; `list` shows them")
    document = lookup.archive.document(failover_id)
    if document is None:
        raise OperatorError(f"{failover_id} is not in the store; `list` shows what is")
    return rendered(text_of(document), format_.value)


def _lookup(app: str | None, group: str | None) -> Lookup:
    """What the store of the settings holds, and its name said first."""
    from detector.app import bootstrap
    from detector.app.lookup import Lookup

    settings, scopes = arguments.store_settings(app, group)
    say(f"store: {bootstrap.store_name(settings)}")
    return Lookup(archive=bootstrap.archive_of(settings), schedule=settings.schedule, scopes=scopes)
