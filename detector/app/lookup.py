"""What is asked of the list of failovers, and what the store answers: for pages and for `list`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel

from detector.errors import JournalUnavailable
from detector.insights import FLEET_DAYS, Choice, Fleet, Instant, Known, Summary, timestamp
from detector.journal import LAST_COVERAGE, LAST_RUN, Archive, insight_path, is_plausible
from detector.model import CauseKind, Scope, State
from detector.runs import Schedule, known_until, last_complete, late_before, watched, watches

Kind = TypeVar("Kind", CauseKind, State)

INDEX: Final = "index.html"
"""The page of all failovers in a folder that is a store."""

MOST_MONTHS: Final = 13
"""So many months are listed for one answer at most: a year, and the month that it began in."""


class BadQuestion(ValueError):
    """A parameter that says nothing that can be asked for; the text says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One store; without `scopes` those that its last run noted count."""

    archive: Archive
    schedule: Schedule
    scopes: Sequence[Scope] = ()

    def fleet(
        self, choice: Choice, *, now: datetime, page_of: Callable[[str], str], has_form: bool = True
    ) -> Fleet:
        """The fleet as of `now`, with the failovers of the choice. Raises JournalUnavailable."""
        noted, _ = self.archive.note(LAST_RUN)
        scopes = self.scopes or [Scope(id=each) for each in known_until(noted)]
        checked, known, number = _coverage(self.archive)
        first = now - timedelta(days=FLEET_DAYS)
        until = min(choice.until or now, now)
        months = {*_months(choice.since or first, until), *_months(first, now)}
        read = [self.archive.summaries(month) for month in sorted(months)]
        told = [each for summaries, _ in read for each in summaries if each.first_at <= now]
        newest = sorted(told, key=lambda each: (each.first_at, each.id), reverse=True)
        seen = watches(noted)
        return Fleet(
            now=now,
            choice=choice,
            listed=[each for each in newest if choice.admits(each)],
            recent=[
                each
                for each in newest
                if each.first_at >= first and choice.is_of(each.gateway, each.gateway_id)
            ],
            unreadable=sum(unreadable for _, unreadable in read),
            last_complete=last_complete(noted, scopes),
            late_before=late_before(self.schedule, now),
            watched=lambda gateway_id: watched(seen, scopes, gateway_id),
            known=[each for each in known if choice.is_of(each.name, each.id)],
            gateways=None if choice.gateway else number,
            checked_at=checked,
            page_of=page_of,
            has_form=has_form,
        )


def choice_of(query: Mapping[str, str], *, now: datetime) -> Choice:
    """What these parameters ask for, by default of the last days. Raises BadQuestion."""
    since = _instant(query, "since") or _midnight(now - timedelta(days=FLEET_DAYS - 1))
    until = _instant(query, "until", is_end=True)
    end = min(until or now, now)
    if since > end and until is not None:
        raise BadQuestion("`since` is not before `until`; turn them round")
    if len(_months(since, end)) > MOST_MONTHS:
        raise BadQuestion(f"give a `since` at most {MOST_MONTHS - 1} months before the end")
    return Choice(
        gateway=query.get("gateway", "").strip(),
        cause=_one_of(CauseKind, query, "cause"),
        state=_one_of(State, query, "state"),
        since=since,
        until=until,
    )


def _instant(query: Mapping[str, str], name: str, *, is_end: bool = False) -> datetime | None:
    """The time of a parameter, a date or an ISO 8601 time with its zone; a date ends after it."""
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        instant: datetime | None
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            instant = datetime.combine(date.fromisoformat(text), time(), UTC)
            instant += timedelta(days=1) if is_end else timedelta()
        else:
            instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        instant = None
    if instant is None or not is_plausible(instant):
        raise BadQuestion(f"`{name}` is a date, as 2026-11-22, or a time, as 2026-11-22T03:10:00Z")
    return instant.astimezone(UTC)


def _one_of(kinds: type[Kind], query: Mapping[str, str], name: str) -> Kind | None:
    text = query.get(name, "").strip()
    try:
        return kinds(text) if text else None
    except ValueError:
        raise BadQuestion(f"`{name}` is one of {', '.join(kinds)}") from None


def _midnight(instant: datetime) -> datetime:
    return datetime.combine(instant.astimezone(UTC).date(), time(), UTC)


def _months(since: datetime, until: datetime) -> Sequence[date]:
    """The first days of the months from `since` to `until`."""
    month, last = since.date().replace(day=1), until.date().replace(day=1)
    months: list[date] = []
    while month <= last and len(months) <= MOST_MONTHS:
        months.append(month)
        month = (month + timedelta(days=31)).replace(day=1)
    return months


def _coverage(archive: Archive) -> tuple[datetime | None, Sequence[Known], int | None]:
    """When the logs of the gateways were last checked, which there are, and how many."""
    try:
        noted, _ = archive.note(LAST_COVERAGE)
        document = _Coverage.model_validate(noted)
    except (JournalUnavailable, ValueError):  # without it the page says that nobody checked
        return None, (), None
    whys = dict.fromkeys(map(str.lower, document.known), "")
    whys |= {each.id.lower(): each.why for each in document.blind}
    known = [Known(id=each, name=each.rpartition("/")[2], blind=why) for each, why in whys.items()]
    return document.at, known, document.gateways


class _Blind(BaseModel):
    """A gateway that is blind, as the coverage check notes it."""

    id: str
    why: str


class _Coverage(BaseModel):
    """What the coverage check notes that a page shows; the rest of it is passed over."""

    at: Instant
    gateways: int
    known: tuple[str, ...] = ()
    blind: tuple[_Blind, ...] = ()


def list_of(
    now: datetime, last_complete: datetime | None, failovers: Sequence[Summary]
) -> dict[str, object]:
    """The list as JSON has it: `{asOf, lastComplete, failovers}`."""
    return {
        "asOf": timestamp(now),
        "lastComplete": None if last_complete is None else timestamp(last_complete),
        "failovers": [each.model_dump(mode="json") for each in failovers],
    }


def write_index(folder: Path, schedule: Schedule, *, now: datetime) -> Path:
    """Write the page of all failovers in `folder`, as of `now`, without a form."""
    from detector.local import FolderArchive, write_page
    from detector.pages import to_fleet_page

    lookup = Lookup(archive=FolderArchive(folder), schedule=schedule)
    fleet = lookup.fleet(
        choice_of({}, now=now),
        now=now,
        page_of=lambda each: f"./{insight_path(each, '.html')}",
        has_form=False,
    )
    return write_page(folder / INDEX, to_fleet_page(fleet))
