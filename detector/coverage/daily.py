"""The daily check of coverage: which gateways could fail over unseen, and who is told of a change.

What is to be told is noted in the store before it is sent, and crossed out after it was taken. A
sink that did not take it is tried again by the next check, with the same document under the same
id, for a week; so a sink may get a document twice and never misses one in that time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from detector.boundary import contained
from detector.coverage.checks import BLINDING, SEEN, Found, blind_of, checks_of, subscription_of
from detector.coverage.ports import Probes
from detector.errors import DetectorError, FactUnknown, JournalConflict, JournalUnavailable
from detector.insights import (
    BlindGateway,
    Check,
    CheckChange,
    CheckStatus,
    Coverage,
    Instant,
    Part,
    bounded,
)
from detector.journal import LAST_COVERAGE, Announcer, Archive, Sink, announced
from detector.model import DiagnosticSetting, Gateway, Logged, Scope, Window
from detector.signals import UNREADABLE, arm, is_gateway_id, settings_of
from detector.text import fingerprint

KEEP_TRYING: Final = timedelta(days=7)
MARGIN: Final = timedelta(seconds=15)
"""With less than this left nothing more is sent."""

MOST_LOGGED: Final = 20
"""So many gateways that became blind stand in the line of the log; the document has the rest."""

MOST_KEPT: Final = 1_000
"""So many checks that found something are kept in the note; the statuses of all are."""

_SETTINGS: Final = "/providers/Microsoft.Insights/diagnosticSettings"
_GATEWAYS: Final = "/providers/Microsoft.Network/virtualNetworkGateways"
_RANK: Final[Mapping[CheckStatus | None, int]] = {"fail": 0, "warn": 1, None: 2, "pass": 3}


class Pending(Part):
    """A document that these sinks have not taken yet."""

    document: Coverage
    sinks: tuple[str, ...]


class CoverageNote(Part):
    """What a check leaves for the next one: `coverage/last.json`.

    `gateways` is how many there are, and `known` are their ids. `statuses` are by subject and
    check, without those that were skipped; `newest` has the newest row that was seen of each
    gateway. `checks` are those that did not pass.
    """

    at: Instant
    gateways: int = 0
    known: tuple[str, ...] = ()
    blind: tuple[BlindGateway, ...] = ()
    statuses: dict[str, dict[str, CheckStatus]] = Field(default_factory=dict)
    newest: dict[str, Instant] = Field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    pending: tuple[Pending, ...] = ()


class CoverageReport(Part):
    """What a check did, for the log."""

    at: Instant
    gateways: int
    blind: int
    newly_blind: tuple[str, ...] = ()
    changed: bool = False
    delivered: int = 0
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything could be told."""
        return not self.problems


def last_coverage(archive: Archive) -> tuple[CoverageNote | None, str | None]:
    """What the last check noted, None before the first, and its tag. Raises JournalUnavailable."""
    kept, tag = archive.note(LAST_COVERAGE)
    if kept is None:
        return None, tag
    try:
        return CoverageNote.model_validate(kept), tag
    except ValueError as error:
        raise JournalUnavailable(
            f"{LAST_COVERAGE}: cannot be read; delete it, and the next check tells all anew"
        ) from error


def check_coverage(
    archive: Archive,
    probes: Probes,
    scopes: Sequence[Scope],
    sinks: Sequence[Sink],
    *,
    now: datetime,
    left: Callable[[], timedelta],
) -> CoverageReport:
    """Look at every gateway, note what is blind, and tell what changed.

    Raises JournalUnavailable, or JournalConflict where another check is at work, before anything
    is told.
    """
    before, tag = last_coverage(archive)
    found = look(probes, scopes, before, now=now)
    checks = checks_of(found)
    note = noted(before, found, checks, now=now)
    document = changed(before, note, checks, now=now)
    announcers = {sink.name: sink for sink in sinks if isinstance(sink, Announcer)}
    pending = list(before.pending if before else ())
    if document is not None and announcers:
        pending.append(Pending(document=document, sinks=tuple(announcers)))
    note = note.model_copy(update={"pending": tuple(pending)})
    archive.keep(LAST_COVERAGE, note.model_dump(mode="json"), tag)

    problems: list[str] = []
    remaining, delivered = _deliver(note.pending, announcers, problems, now=now, left=left)
    if remaining != note.pending:
        _cross_out(archive, note, remaining, problems)
    newly_blind = document.newly_blind if document else ()
    return CoverageReport(
        at=now,
        gateways=note.gateways,
        blind=len(note.blind),
        newly_blind=tuple(each.id for each in newly_blind[:MOST_LOGGED]),
        changed=document is not None,
        delivered=delivered,
        problems=tuple(problems),
    )


def _cross_out(
    archive: Archive, note: CoverageNote, remaining: Sequence[Pending], problems: list[str]
) -> None:
    """Note what is still to be told, if the note is still this check's."""
    try:
        kept, tag = archive.note(LAST_COVERAGE)
        if kept == note.model_dump(mode="json"):
            left_over = note.model_copy(update={"pending": tuple(remaining)})
            archive.keep(LAST_COVERAGE, left_over.model_dump(mode="json"), tag)
            return
        why = f"{LAST_COVERAGE}: another check wrote it"
    except (JournalUnavailable, JournalConflict) as error:
        why = str(error)
    problems.append(f"{why}; what was delivered may be delivered again")


def look(
    probes: Probes, scopes: Sequence[Scope], before: CoverageNote | None, *, now: datetime
) -> Found:
    """Ask Azure for every gateway in the subscriptions of the scopes, and where its logs go.

    For a workspace all gateways are looked at that the identity may read. One that logged, or was
    there before, and is not listed is asked for by its id: only a 404 says that it is gone.
    """
    named = sorted({subscription_of(each.id) for each in scopes if not each.is_workspace})
    asked = None if any(each.is_workspace for each in scopes) else named
    listing: FactUnknown | None = None
    gateways: dict[str, Gateway] = {}
    try:
        subscriptions = None if asked is None else [each.rpartition("/")[2] for each in asked]
        gateways = {each.id: each for each in probes.listing(subscriptions)}
    except FactUnknown as error:
        listing = error
    logs = probes.contents(Window(start=now - SEEN, end=now))
    unread = _unreadable(probes, scopes)
    rows = _by_resource(logs)
    missing = sorted(
        {*filter(is_gateway_id, rows), *(before.known if before else ())} - gateways.keys()
    )
    for gateway_id, body in probes.bodies(missing).items():
        if not isinstance(body, FactUnknown):
            gateway = arm.gateway(gateway_id, body, {})
            if gateway.gateway_type == "Vpn":
                gateways[gateway_id] = gateway
        elif body.kind != "gone":
            unread[gateway_id] = body
    ids = sorted({*gateways, *named, *map(subscription_of, gateways)})
    settings = _settings(probes, ids)
    return Found(
        scopes=scopes,
        listing=listing,
        gateways=gateways,
        unread=unread,
        settings=settings,
        workspaces=_workspaces(probes, settings),
        logs=logs,
        rows=rows,
        metrics=_tried(
            gateways,
            lambda: probes.metrics(
                list(gateways.values()), Window(start=now - timedelta(hours=1), end=now)
            ),
        ),
        health=_tried(gateways, lambda: probes.health(list(gateways))),
        seen_before=before.newest if before else {},
    )


def _tried(
    gateways: Mapping[str, Gateway], ask: Callable[[], Mapping[str, object]]
) -> Mapping[str, object]:
    """The answers of a port; what it raises that nobody thought of is why none is known."""
    answers = contained("what is asked of all gateways", ask)
    if isinstance(answers, DetectorError):
        return dict.fromkeys(gateways, FactUnknown(str(answers)))
    return answers


def _unreadable(probes: Probes, scopes: Sequence[Scope]) -> dict[str, FactUnknown]:
    """The scopes, those that are no workspaces, that may not be read or are not there."""
    paths = {
        f"{each.id}{_GATEWAYS}" if each.id.count("/") == 4 else each.id: each.id
        for each in scopes
        if not each.is_workspace
    }
    answers = probes.bodies(list(paths))
    return {
        paths[path]: answer for path, answer in answers.items() if isinstance(answer, FactUnknown)
    }


def _by_resource(
    logs: Mapping[Scope, Sequence[Logged] | DetectorError],
) -> Mapping[str, Sequence[Logged]]:
    """What the scopes hold, by the resource that it is of."""
    rows: dict[str, list[Logged]] = defaultdict(list)
    for held in logs.values():
        if not isinstance(held, DetectorError):
            for each in held:
                rows[each.resource_id].append(each)
    return rows


def _settings(
    probes: Probes, ids: Sequence[str]
) -> dict[str, Sequence[DiagnosticSetting] | FactUnknown]:
    answers = probes.bodies([f"{each}{_SETTINGS}" for each in ids])
    settings: dict[str, Sequence[DiagnosticSetting] | FactUnknown] = {}
    for each in ids:
        answer = answers[f"{each}{_SETTINGS}"]
        try:
            settings[each] = answer if isinstance(answer, FactUnknown) else settings_of(answer)
        except FactUnknown as error:
            settings[each] = error
    return settings


def _workspaces(
    probes: Probes, settings: Mapping[str, Sequence[DiagnosticSetting] | FactUnknown]
) -> dict[str, str | FactUnknown]:
    """The customer id, lower case, of each workspace that settings name, by its ARM id."""
    named = {
        setting.workspace_id
        for known in settings.values()
        if not isinstance(known, FactUnknown)
        for setting in known
        if setting.workspace_id
    }
    return {
        workspace_id: body if isinstance(body, FactUnknown) else _customer_id(body)
        for workspace_id, body in probes.bodies(sorted(named)).items()
    }


def _customer_id(body: object) -> str | FactUnknown:
    properties = body.get("properties") if isinstance(body, Mapping) else None
    customer_id = properties.get("customerId") if isinstance(properties, Mapping) else None
    return customer_id.lower() if isinstance(customer_id, str) else FactUnknown(UNREADABLE)


def noted(
    before: CoverageNote | None, found: Found, checks: Sequence[Check], *, now: datetime
) -> CoverageNote:
    """The note of a check; what could not be asked stands as it stood before."""
    earlier = before.statuses if before else {}
    statuses: dict[str, dict[str, CheckStatus]] = {
        subject: dict(earlier[subject]) for subject in found.unread if subject in earlier
    }
    for check in checks:
        own = statuses.setdefault(check.subject, {})
        if check.status != "skip":
            own[check.id] = check.status
        elif (before_status := earlier.get(check.subject, {}).get(check.id)) is not None:
            own[check.id] = before_status
    told = {each.id: each.why for each in before.blind} if before else {}
    now_blind = blind_of(checks)
    blind = tuple(
        BlindGateway(id=each, why=now_blind.get(each) or told.get(each, "its logs are not seen"))
        for each, own in sorted(statuses.items())
        if any(own.get(name) == "fail" for name in BLINDING)
    )
    remembered = {each for each in (before.known if before else ()) if each in found.unread}
    known = sorted({*found.gateways, *remembered})
    return CoverageNote(
        at=now,
        gateways=len(known),
        known=tuple(known),
        blind=blind,
        statuses=statuses,
        newest={each: seen for each in known if (seen := found.newest_row(each)) is not None},
        checks=tuple(each for each in checks if each.status != "pass")[:MOST_KEPT],
    )


def changed(
    before: CoverageNote | None, note: CoverageNote, checks: Sequence[Check], *, now: datetime
) -> Coverage | None:
    """The document that tells what is otherwise than before; None where nothing is."""
    earlier = before or CoverageNote(at=now)
    made = {(each.subject, each.id): each for each in checks}
    changes = sorted(
        _changes(earlier, note, made), key=lambda each: (_RANK[each.now], each.subject, each.check)
    )
    was_blind, is_blind = ({each.id for each in known.blind} for known in (earlier, note))
    document = Coverage(
        id="",
        at=now,
        gateways=note.gateways,
        blind=note.blind,
        newly_blind=tuple(each for each in note.blind if each.id not in was_blind),
        seeing_again=tuple(sorted((was_blind - is_blind) & set(note.known))),
        added=tuple(sorted(set(note.known) - set(earlier.known))),
        removed=tuple(sorted(set(earlier.known) - set(note.known))),
        changes=tuple(changes),
    )
    if not (document.changes or document.added or document.removed):
        return None
    # Of two checks that find the same at a time, both make the same id.
    content = document.model_dump_json(include={"blind", "added", "removed", "changes"})
    return bounded(document.model_copy(update={"id": f"{now:%Y%m%d}-{fingerprint(content)}"}))


def _changes(
    before: CoverageNote, note: CoverageNote, made: Mapping[tuple[str, str], Check]
) -> Iterator[CheckChange]:
    """The checks that came out otherwise; that one passes which was never made is no change."""
    for subject in sorted({*before.statuses, *note.statuses}):
        was, now = before.statuses.get(subject, {}), note.statuses.get(subject, {})
        for name in sorted({*was, *now}):
            before_, after = was.get(name), now.get(name)
            if before_ == after or (before_ in (None, "pass") and after in (None, "pass")):
                continue
            check = made.get((subject, name))
            yield CheckChange(
                check=name,
                subject=subject,
                before=before_,
                now=after,
                evidence=check.evidence if check else "it is not there any more",
                hint=check.hint if check else None,
            )


def _deliver(
    pending: Sequence[Pending],
    announcers: Mapping[str, Announcer],
    problems: list[str],
    *,
    now: datetime,
    left: Callable[[], timedelta],
) -> tuple[tuple[Pending, ...], int]:
    """What is still pending after each document was tried, and how many deliveries were taken.

    A sink gets documents in their order: one that it did not take holds the later ones back.
    """
    delivered = 0
    waiting: set[str] = set()
    remaining: list[Pending] = []
    for each in pending:
        kept: list[str] = []
        for name in each.sinks:
            if name not in announcers:
                continue
            if name in waiting or left() < MARGIN:
                kept.append(name)
                continue
            problem = announced(announcers[name], each.document)
            if problem is None:
                delivered += 1
                continue
            waiting.add(name)
            if now - each.document.at < KEEP_TRYING:
                kept.append(name)
                problems.append(f"{problem}; the next check tries again")
            else:
                problems.append(f"{problem}; given up after {KEEP_TRYING.days} days")
        if kept:
            remaining.append(each.model_copy(update={"sinks": tuple(kept)}))
    return tuple(remaining), delivered
