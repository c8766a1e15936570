"""What the journal knows of a gateway: its failovers, as told, and what is undelivered."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from detector.insights import Insight, Standing
from detector.model import Diagnosis, Failover, Gateway

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One revision that one sink has not taken yet.

    It is not tried before `due`. `problem` is what went wrong at the last try; `given_up` says why
    it will not be tried again. What people are told of later, in a digest, is `held_until` then.
    """

    sink: str
    revision: int
    since: datetime
    due: datetime
    held_until: datetime | None = None
    attempts: int = 0
    problem: str | None = None
    given_up: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one receiver was last sent of a failover, at `at`; `standing` None: nothing yet.

    `changes` are the remote IPs that it was told of within the last hour, each with when: that they
    had gone down or come back. `unsteady` are those it was told to keep going up and down.
    """

    receiver: str
    standing: Standing | None = None
    revision: int = 0
    at: datetime | None = None
    changes: tuple[tuple[str, datetime], ...] = ()
    unsteady: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A failover as it was last told.

    `insights` holds the latest revision, and earlier ones that a sink has yet to take, in order.
    `heard` is what each receiver of people's messages was last sent of it.
    `following` says that later rows may still add to it: it is not over, or a fact is missing.
    `again` holds when a run should look at it then even if it sees no new row, if ever; it is None
    where a release before this one wrote it, for which that was in every run.
    """

    failover: Failover
    diagnosis: Diagnosis
    gateway: Gateway
    insights: tuple[Insight, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    following: bool = False
    heard: tuple[Heard, ...] = ()
    again: tuple[datetime, ...] | None = None

    @property
    def revision(self) -> int:
        """The latest revision's number; 0 before the first."""
        return self.insights[-1].revision if self.insights else 0

    @property
    def outstanding(self) -> tuple[Delivery, ...]:
        """The deliveries that are still to be tried, earlier revisions first."""
        waiting = (delivery for delivery in self.deliveries if delivery.given_up is None)
        return tuple(sorted(waiting, key=lambda delivery: delivery.revision))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a history says of itself where all are listed, so that few have to be loaded.

    It is to be looked at from `due` on; before that where rows show evidence of a switch-over, or
    while it is `followed`, but not if they are the rows whose digest is `seen`.
    """

    due: datetime | None = None
    followed: bool = False
    seen: str = ""

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be looked at whatever the rows are."""
        return self.due is not None and self.due <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One gateway's entry in the journal: its failovers, in time order.

    `seen` is the digest of the rows that it was reconciled with, where they leave nothing open.
    """

    gateway_id: str
    records: tuple[Record, ...] = ()
    seen: str = ""

    @property
    def key(self) -> str:
        """The name of this entry in the store."""
        return gateway_key(self.gateway_id)

    @property
    def due(self) -> datetime | None:
        """From when on a run should look at this entry even if no new switch-over is seen."""
        times = [
            delivery.due if delivery.given_up is None else delivery.since  # reported by every run
            for record in self.records
            for delivery in record.deliveries
        ]
        for record in self.records:
            if record.following:
                times += [record.failover.last_at] if record.again is None else record.again
        return min(times, default=None)

    @property
    def mark(self) -> Mark:
        """What it says of itself where it is listed."""
        followed = any(record.following for record in self.records)
        return Mark(due=self.due, followed=followed, seen=self.seen)


def gateway_key(gateway_id: str) -> str:
    """A gateway's key in the store: its name, made safe, and a digest of its id."""
    name = re.sub(r"[^a-z0-9-]+", "-", gateway_id.rsplit("/", 1)[-1])[:40].strip("-")
    digest = hashlib.sha256(gateway_id.encode()).hexdigest()[:16]
    return f"{name}-{digest}" if name else digest


NO_EARLIER: Final = datetime(2015, 1, 1, tzinfo=UTC)
NO_LATER: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""No stored time is before or after these: gateways log no earlier, and clocks err by less."""

VERSION: Final = 2
"""The version of the form in which histories are stored now.

Each later form reads the ones before it. A text without a version is of version 0, which has the
same members as version 1 beside it. These two named of lost redundancy only the remote IPs whose
tunnels were `missing`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A history as the store keeps it: its version first."""

    version: int = 0
    gateway_id: str
    records: tuple[Record, ...] = ()
    seen: str = ""


def history_to_json(history: History) -> str:
    """The entry as JSON text, as the store keeps it."""
    stored = _Stored(
        version=VERSION,
        gateway_id=history.gateway_id,
        records=history.records,
        seen=history.seen,
    )
    return _adapter().dump_json(stored, indent=1, by_alias=True).decode()


def history_from_json(text: str, *, key: str | None = None) -> History:
    """The entry of a text of any version, under `key` where that is given.

    Members that this release does not know are passed over wherever they stand, and a newer
    version is read as far as it fits: after a rollback every gateway is still told of. Raises
    ValueError for text that is no entry, or one that no run can have written.
    """
    stored = _adapter().validate_json(_in_this_form(text), extra="ignore")
    history = History(gateway_id=stored.gateway_id, records=stored.records, seen=stored.seen)
    if key is not None and history.key != key:
        raise ValueError("it is the history of another gateway")
    for record in history.records:
        _check(record, history.gateway_id)
    if not all(map(is_plausible, _times(history))):
        raise ValueError("it holds a time without a zone, or one that cannot be")
    return history


def _check(record: Record, gateway_id: str) -> None:
    if record.failover.gateway_id != gateway_id:
        raise ValueError("it holds a failover of another gateway")
    if not record.failover.switch_overs:
        raise ValueError("it holds a failover without a switch-over")
    if not record.insights:
        raise ValueError("it holds a failover of which nothing was told")
    # Of what was given up the insight is not kept.
    awaited = {each.revision for each in record.outstanding}
    if not awaited <= {each.revision for each in record.insights}:
        raise ValueError("it holds a delivery of a revision that is not there")


def is_plausible(time: datetime) -> bool:
    """Whether a stored time has a zone, and is near enough for a run to count from it."""
    return time.tzinfo is not None and NO_EARLIER <= time < NO_LATER


def newest_time(history: History) -> datetime:
    """The latest time that stands anywhere in a history; NO_EARLIER where there is none."""
    return max(_times(history), default=NO_EARLIER)


def _times(value: object) -> Iterator[datetime]:
    """Every time that stands anywhere in a history."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _times(each)
    elif is_dataclass(value):
        for member in fields(value):
            yield from _times(getattr(value, member.name))
    elif isinstance(value, BaseModel):
        for _, each in value:
            yield from _times(each)


def _in_this_form(text: str) -> str:
    """A text of an earlier version in the form of this one; any other text as it is."""
    if '"missing"' not in text:
        return text
    try:
        return json.dumps(json.loads(text, object_hook=_with_tunnels))
    except (ValueError, RecursionError):
        return text  # what is wrong with it, the validation says


def _with_tunnels(members: dict[str, object]) -> dict[str, object]:
    """Of lost redundancy the tunnels that were missing: they were lost when it was."""
    missing = members.get("missing")
    if not isinstance(missing, list) or "tunnels" in members:
        return members
    lost = {"instance": members.get("instance"), "start": members.get("start")}
    return {**members, "tunnels": [{"remote_ip": remote_ip, **lost} for remote_ip in missing]}


@cache
def _adapter() -> TypeAdapter[_Stored]:
    from pydantic import TypeAdapter

    return TypeAdapter(_Stored)
