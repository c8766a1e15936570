"""What a gateway's journal knows, and how new switch-overs change it.

A `History` is one gateway's entry in the journal: its failovers, what was told of each, and what is
still to be delivered. `fold` compares what a run sees with what was told and names the reason for
telling something; it never forgets what was told.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from detector.insight import Insight
from detector.model import Diagnosis, Failover, State

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One revision that one sink has not taken yet.

    It is not tried before `due`. `given_up` says why it will not be tried again.
    """

    sink: str
    revision: int
    since: datetime
    due: datetime
    attempts: int = 0
    given_up: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A failover as it was last told.

    `insights` holds the latest revision, and earlier ones that a sink has yet to take, in order.
    `following` says that later rows may still add to it: it is not over, or a fact is missing.
    """

    failover: Failover
    diagnosis: Diagnosis
    insights: tuple[Insight, ...]
    deliveries: tuple[Delivery, ...] = ()
    following: bool = False

    @property
    def revision(self) -> int:
        """The latest revision's number."""
        return self.insights[-1].revision

    @property
    def outstanding(self) -> tuple[Delivery, ...]:
        """The deliveries that are still to be tried, earlier revisions first."""
        waiting = (delivery for delivery in self.deliveries if delivery.given_up is None)
        return tuple(sorted(waiting, key=lambda delivery: delivery.revision))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One gateway's entry in the journal: its failovers, in time order."""

    gateway_id: str
    records: tuple[Record, ...] = ()

    @property
    def key(self) -> str:
        """The name of this entry in the store."""
        return key(self.gateway_id)

    @property
    def due(self) -> datetime | None:
        """From when on a run should look at this entry even if no new switch-over is seen."""
        times = [delivery.due for record in self.records for delivery in record.outstanding]
        times += [record.failover.last_at for record in self.records if record.following]
        return min(times, default=None)


def key(gateway_id: str) -> str:
    """A gateway's key in the store: its name, made safe, and a digest of its id."""
    name = re.sub(r"[^a-z0-9-]+", "-", gateway_id.rsplit("/", 1)[-1])[:40].strip("-")
    digest = hashlib.sha256(gateway_id.encode()).hexdigest()[:16]
    return f"{name}-{digest}" if name else digest


def to_json(history: History) -> str:
    """The entry as JSON text, as the store keeps it."""
    return _adapter().dump_json(history, indent=1, by_alias=True).decode()


def from_json(text: str) -> History:
    """The entry that `to_json` wrote. Raises ValueError for text that is no entry."""
    return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[History]:
    from pydantic import TypeAdapter

    return TypeAdapter(History)
