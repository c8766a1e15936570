"""Whether the detector does its work, in words without a name: for whoever may ask anonymously."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from detector.insights import Part, timestamp
from detector.journal import DeliveryReport, is_plausible
from detector.model import Scope
from detector.runs.report import Report
from detector.runs.schedule import Schedule
from detector.runs.status import PERIODS, late_before
from detector.runs.windows import complete_until
from detector.text import count, lasting

_MORE: Final = "givenUp"  # the deliveries that a report counts and does not name

RECENT: Final = timedelta(hours=24)
"""For so long a delivery that was given up counts."""


class Heartbeat(Part):
    """The state in a word, and each reason why it is not `healthy`."""

    status: Literal["healthy", "unhealthy"]
    reasons: tuple[str, ...] = ()


def heartbeat_of(
    noted: Mapping[str, object] | None,
    scopes: Sequence[Scope],
    schedule: Schedule,
    *,
    now: datetime,
) -> Heartbeat:
    """The state at `now`, by the last run's note alone.

    It is bad if a scope was not read in full for three periods of `schedule`, as for `status`, or
    if a delivery was given up within 24 hours.
    """
    known = complete_until(noted)
    reasons = (*_late(known, scopes, late_before(schedule, now), now), *_given_up(noted, now))
    return Heartbeat(status="unhealthy" if reasons else "healthy", reasons=reasons)


def last_complete(noted: Mapping[str, object] | None, scopes: Sequence[Scope]) -> datetime | None:
    """Up to when every scope was read in full; None where one never was."""
    known = complete_until(noted)
    ends = [known.get(scope.id) for scope in scopes]
    return min((end for end in ends if end), default=None) if all(ends) else None


def _late(
    known: Mapping[str, datetime], scopes: Sequence[Scope], oldest: datetime, now: datetime
) -> Iterator[str]:
    never = [scope for scope in scopes if scope.id not in known]
    late = [known[scope.id] for scope in scopes if known.get(scope.id, oldest) < oldest]
    of_all = f"of {count(len(scopes), 'scope')}"
    if never:
        yield f"never read in full: {len(never)} {of_all}"
    if late:
        yield (
            f"not read in full for {lasting(now - min(late))}, which is more than {PERIODS} "
            f"periods of the schedule: {len(late)} {of_all}"
        )


def _given_up(noted: Mapping[str, object] | None, now: datetime) -> Iterator[str]:
    at = _last_given_up(noted)
    if at is not None and at > now - RECENT:
        yield "a delivery was given up within the last 24 hours"


def given_up_after(noted: Mapping[str, object] | None, report: Report) -> dict[str, object]:
    """What the next note says: when a delivery was last given up that the note before lacks."""
    before = _report(noted)
    known = set(map(_key, before.given_up)) if before else set()
    is_new = not set(map(_key, report.given_up)) <= known
    is_more = before is not None and report.more.get(_MORE, 0) > before.more.get(_MORE, 0)
    at = report.at if is_new or is_more else _last_given_up(noted)
    return {"lastGivenUp": None if at is None else timestamp(at)}


def _report(noted: Mapping[str, object] | None) -> Report | None:
    try:
        return Report.model_validate((noted or {}).get("report"))
    except ValueError:
        return None


def _key(given_up: DeliveryReport) -> tuple[str, str, int]:
    return given_up.sink, given_up.id, given_up.revision


def _last_given_up(noted: Mapping[str, object] | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(str((noted or {}).get("lastGivenUp")))
    except ValueError:
        return None
    return at if is_plausible(at) else None
