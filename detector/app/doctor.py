"""The doctor: every question whose answer decides whether a failover would be told, as checks.

Settings, articles and versions are looked at here; Azure, the store and the sinks are asked by real
calls. The part that concerns gateways is the daily check's own.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from detector.app import bootstrap, forms
from detector.app.forms import BlobStore
from detector.app.settings import Settings
from detector.articles import catalog
from detector.coverage import (
    READER,
    SEEN,
    Found,
    Probes,
    checks_of,
    grant,
    last_coverage,
    look,
    scope_id,
    shell_group,
)
from detector.errors import (
    CatalogError,
    DetectorError,
    FactUnknown,
    JournalConflict,
    JournalUnavailable,
    LogsRefused,
    SettingsError,
)
from detector.insights import Check
from detector.journal import PROBE, Reachable, probed
from detector.model import ACTIVITY, Logged, Scope, Window
from detector.signals import arm
from detector.text import count, day, listed

SET: Final = (
    'az functionapp config appsettings set --resource-group "<resource group>" --name "<app>" '
    '--settings "{}=<value>"'
)
INSTALL: Final = "pip install --requirement requirements.txt"
DRILL: Final = 'python -m detector drill "<gateway id>"'
INSIGHT_FILES: Final = "insight-files"
STOP: Final = 'az functionapp stop --resource-group "<resource group>" --name "<app>"'
ACCOUNT: Final = '"$(az storage account show --name "<storage account>" --query id --output tsv)"'
OLDEST_PYTHON: Final = (3, 11)
RECENT: Final = timedelta(days=2)
"""A detector that wrote a run within this is at work."""

# What is pinned for some platforms only is left aside.
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+) *\\?$", re.MULTILINE)


def doctor(
    environ: Mapping[str, str], *, now: datetime, left: Callable[[], timedelta]
) -> Iterator[Check]:
    """Every check, in the order in which they are made."""
    yield from _versions()
    try:
        settings = Settings.read(environ)
    except SettingsError as error:
        for name, problem in error.problems.items():
            yield Check.failed("settings", name, problem, SET.format(name))
        why = "the settings have to be mended first"
        for name in ("articles", "login", "logs", "gateways", "storage", "sink", "other-detectors"):
            yield Check.skipped(name, name, why)
        return
    yield Check.passed("settings", "environment", "they can be read")
    yield from _articles(settings)
    probes = bootstrap.probes_of(settings, left=left)
    login = _login(probes)
    yield login
    if login.status == "pass":
        yield from _azure(settings, probes, now=now, left=left)
    else:
        for name in ("logs", "gateways", "other-detectors"):
            yield Check.skipped(name, name, "there is no login to ask with")
    yield from _store(settings)
    yield from _sinks(settings, now=now)


def _versions() -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        yield Check.passed("versions", "Python", python)
    else:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        evidence = f"{python} is older than {oldest}"
        yield Check.failed("versions", "Python", evidence, f"python{oldest} -m venv .venv")
    lock = forms.APP / "requirements.txt"
    if not lock.is_file():
        yield Check.skipped("versions", "packages", "no requirements.txt stands beside the app")
        return
    pinned = dict(_PINNED.findall(lock.read_text(encoding="utf-8")))
    others = [
        f"{name} {there or 'is missing'} (pinned: {wanted})"
        for name, wanted in pinned.items()
        if (there := _installed(name)) != wanted
    ]
    if others:
        evidence = listed(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        yield Check.warned("versions", "packages", evidence, INSTALL)
    else:
        yield Check.passed("versions", "packages", f"{len(pinned)} are those that were tested")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _articles(settings: Settings) -> Iterator[Check]:
    subject = str(settings.articles)
    try:
        known = catalog.load(settings.articles)
    except CatalogError as error:
        for problem in error.problems:
            hint = "python -m detector articles"
            yield Check.failed("articles", subject, str(problem), hint)
        return
    yield Check.passed("articles", subject, count(len(known), "article"))


def _login(probes: Probes) -> Check:
    name, subject = "login", "Azure Resource Manager"
    answer = probes.bodies(["/subscriptions"])["/subscriptions"]
    if isinstance(answer, FactUnknown):
        return Check.failed(name, subject, answer.why, "az login")
    seen = answer.get("value") if isinstance(answer, Mapping) else None
    number = len(seen) if isinstance(seen, list) else 0
    return Check.passed(name, subject, f"it answers; {count(number, 'subscription')} can be seen")


def _azure(
    settings: Settings, probes: Probes, *, now: datetime, left: Callable[[], timedelta]
) -> Iterator[Check]:
    try:
        before, _ = last_coverage(bootstrap.archive_of(settings))
    except JournalUnavailable:  # the check of the store says so
        before = None
    found = look(probes, settings.scopes, before, now=now)
    yield from (_logs(scope, held) for scope, held in found.logs.items())
    yield from checks_of(found)
    yield from _permissions(probes, found)
    yield from _other_detectors(settings, now=now, left=left)


def _logs(scope: Scope, held: Sequence[Logged] | DetectorError) -> Check:
    """What a scope's logs hold: tables, the newest row, and the share of each category."""
    if isinstance(held, LogsRefused):
        return Check.failed("logs", scope.id, str(held), grant(READER, scope_id(scope)))
    if isinstance(held, DetectorError):
        return Check.skipped("logs", scope.id, str(held))
    if not held:
        evidence = f"no row of a gateway or of the Activity Log in {SEEN.days} days"
        hint = 'az monitor diagnostic-settings list --resource "<gateway id>"'
        return Check.warned("logs", scope.id, evidence, hint)
    rows: Counter[str] = Counter()
    for each in held:
        rows[each.source] += each.rows
    is_activity = {source.startswith(ACTIVITY) for source in rows}
    tables = [
        name
        for name, its in (("AzureActivity", True), ("AzureDiagnostics", False))
        if its in is_activity
    ]
    largest_first = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    shares = [f"{source} {number / rows.total():.0%}" for source, number in largest_first]
    newest = max(each.newest for each in held)
    return Check.passed(
        "logs",
        scope.id,
        f"{listed(tables)}, the newest row of {day(newest)}; {count(rows.total(), 'row')} in "
        f"{SEEN.days} days: {', '.join(shares)}",
    )


def _permissions(probes: Probes, found: Found) -> Iterator[Check]:
    """The other reads of a run, each tried on one gateway of each resource group.

    A role on the group or above is enough for all in it. What a gateway has none of is skipped.
    """
    by_group = {each.id.rpartition("/providers/")[0]: each.id for each in found.gateways.values()}
    for group, gateway_id in sorted(by_group.items()):
        listing = f"{gateway_id}/connections"
        answers = probes.bodies([gateway_id, listing])
        connection_id = arm.first_id(answers[listing])
        needed = {
            "its gateways": gateway_id,
            "their connections": listing,
            "a connection": connection_id,
            "a public IP": next(iter(arm.public_ips_of(answers[gateway_id])), None),
        }
        rest = [path for path in needed.values() if path and path not in answers]
        answers = {**answers, **probes.bodies(rest)}
        peer_id = arm.peer_needed(answers.get(connection_id or ""))
        if peer_id:
            needed["a peer"] = peer_id
            answers = {**answers, **probes.bodies([peer_id])}
        refused = {
            words: answer.why
            for words, path in needed.items()
            if isinstance(answer := answers.get(path or ""), FactUnknown)
            and answer.kind == "refused"
        }
        if refused:
            evidence = "; ".join(f"{words}: {why}" for words, why in refused.items())
            yield Check.failed("permissions", group, evidence, grant(READER, shell_group(group)))
        else:
            tried = [words for words, path in needed.items() if path]
            yield Check.passed("permissions", group, f"{listed(tried)} may be read")


def _other_detectors(
    settings: Settings, *, now: datetime, left: Callable[[], timedelta]
) -> Iterator[Check]:
    """Whether several apps write the runs of a detector into one workspace of the scopes."""
    window = Window(start=now - RECENT, end=now)
    for scope, apps in bootstrap.logs_of(settings, left=left).detectors(window).items():
        if isinstance(apps, DetectorError):
            why = "AppTraces, where a detector leaves its runs, may not be read"
            yield Check.skipped(
                "other-detectors", scope.id, why if isinstance(apps, LogsRefused) else str(apps)
            )
        elif len(apps) > 1:
            names = listed([f"{name} ({day(newest)})" for name, newest in sorted(apps.items())])
            evidence = f"several detectors run, and people hear twice: {names}"
            yield Check.warned("other-detectors", scope.id, evidence, STOP)
        else:
            evidence = f"{count(len(apps), 'detector')} wrote runs here in {RECENT.days} days"
            yield Check.passed("other-detectors", scope.id, evidence)


def _store(settings: Settings) -> Iterator[Check]:
    store = settings.store
    if isinstance(store, BlobStore):
        subject = f"container {store.container}"
        hint = grant("Storage Blob Data Owner", ACCOUNT)
    else:
        subject, hint = f"{store.folder}", SET.format("DETECTOR_STORE")
    archive = bootstrap.archive_of(settings)
    try:
        _, tag = archive.note(PROBE)
        with suppress(JournalConflict):  # another doctor wrote it just now: it can be written
            archive.keep(PROBE, {}, tag)
        yield Check.passed("storage", subject, f"wrote {PROBE}")
    except JournalUnavailable as error:
        yield Check.failed("storage", subject, str(error), hint)


def _sinks(settings: Settings, *, now: datetime) -> Iterator[Check]:
    for sink in bootstrap.sinks_of(settings, clock=lambda: now):
        if sink.name == INSIGHT_FILES:  # the store, which was looked at
            continue
        if not isinstance(sink, Reachable):
            yield Check.skipped("sink", sink.name, "only what it is sent can tell", DRILL)
            continue
        evidence, problem = probed(sink)
        if problem is not None:
            yield Check.failed("sink", sink.name, problem, _mend(sink.name))
        elif evidence is None:
            why = "Apprise does not say where it is; a drill sends it a message"
            yield Check.skipped("sink", sink.name, why, DRILL)
        else:
            yield Check.passed("sink", sink.name, evidence)


def _mend(name: str) -> str:
    if name == "storage-queue":
        return grant("Storage Queue Data Contributor", ACCOUNT)
    kinds = {"webhook": "DETECTOR_WEBHOOK_URLS", "event-grid": "DETECTOR_EVENT_GRID_ENDPOINT"}
    kind = name.rpartition("-")[0]
    return SET.format(kinds.get(kind, "DETECTOR_NOTIFY_URLS"))
