"""What a run sees of each gateway, made once from the answers of all scopes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from detector.boundary import contained
from detector.diagnosis import LATEST, Examination, Known, Observation, by_gateway, in_time
from detector.errors import DetectorError
from detector.journal import History
from detector.model import Answer, Kind, Signal, Window

_TUNNEL: Final = frozenset({Kind.DISCONNECTED, Kind.CONNECTED})

KEPT: Final = timedelta(days=7)
"""For so long a failover stays in the journal; rows may end its outages until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What a run sees of each gateway that has rows, and `blank` of every other.

    Whose rows nothing could be made of stands in `failed`, and nothing is known of it.
    """

    by_gateway: Mapping[str, Observation]
    blank: Observation
    failed: Mapping[str, DetectorError] = field(default_factory=dict)

    def of(self, gateway_id: str) -> Observation:
        """What the run sees of this gateway."""
        return self.by_gateway.get(gateway_id, self.blank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A gateway to look at: what the run sees of it, its history, and the tag to save that by."""

    observation: Observation
    history: History
    tag: str | None = None

    @property
    def gateway_id(self) -> str:
        """The gateway's id."""
        return self.history.gateway_id


def observe(answers: Sequence[Answer], *, asked: int, now: datetime) -> Observations:
    """What the answers, those of the `asked` scopes that gave one, show of each gateway.

    A row is seen by T: the newest row of the gateway's scopes, or 20 minutes ago, whichever is
    later; where a scope did not answer, only the newest row counts.
    """
    complete = len(answers) == asked
    holding: dict[str, list[tuple[Window, datetime | None]]] = defaultdict(list)
    ends = [(answer.window, answer.newest) for answer in answers]
    for answer, end in zip(answers, ends, strict=True):
        for gateway_id in {signal.gateway_id for signal in answer.signals}:
            holding[gateway_id].append(end)

    def observation(
        rows: Sequence[Signal], own: Sequence[tuple[Window, datetime | None]]
    ) -> Observation:
        newest = [at for _, at in own if at is not None]
        tunnels = [row.at for row in rows if row.kind in _TUNNEL]
        known = [*newest, now - LATEST] if complete else newest or [now - KEPT]
        start = max((window.start for window, _ in own), default=now)
        return Observation(
            rows=rows,
            window=Window(start=start, end=now),
            complete=complete,
            seen_until=min(max(known), now),
            tunnels_seen_until=min(max([*tunnels, now - LATEST]), now) if complete else None,
            connection_rows=connection_rows,
        )

    def observed(gateway_id: str) -> Observation:
        rows = by_gateway(rows_of[gateway_id])[gateway_id]
        return observation(rows, holding[gateway_id])

    connection_rows = tuple(
        sorted({row for answer in answers for row in answer.signals if row.connection}, key=in_time)
    )
    rows_of: dict[str, list[Signal]] = defaultdict(list)
    for answer in answers:
        for row in answer.signals:
            if row.gateway_id:
                rows_of[row.gateway_id].append(row)
    seen, failed = {}, {}
    for gateway_id in rows_of:
        own = contained(gateway_id, partial(observed, gateway_id))
        if isinstance(own, DetectorError):
            failed[gateway_id] = own
        else:
            seen[gateway_id] = own
    return Observations(by_gateway=seen, blank=observation((), ends), failed=failed)


def digest(gateway_id: str, observation: Observation) -> str:
    """What the rows are that tell of a gateway, and those of its subscription's connections.

    It is the same for the same rows, in whatever run and process.
    """
    subscription = "/".join(gateway_id.split("/")[:3])
    rows = [
        *observation.rows,
        *(each for each in observation.connection_rows if each.connection.startswith(subscription)),
    ]
    return hashlib.sha256("\n".join(map(_line, rows)).encode()).hexdigest()[:32]


def _line(row: Signal) -> str:
    health = "" if row.health is None else f"{row.health.state} {row.health.context}"
    told = (row.kind, row.instance, row.remote_ip, row.phase, row.caller, row.correlation_id)
    return "\t".join([row.at.isoformat(), *told, row.text, row.connection, health])


def shows_evidence(observation: Observation) -> bool:
    """Whether the rows hold evidence that may be of a switch-over, whatever the gateway's mode."""
    return bool(Examination(observation=observation, known=Known()).pieces)
