"""One gateway in one run: what the rows show, what its history knows, what is to be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from detector.diagnosis import (
    BEFORE,
    LATEST,
    NEAR,
    Pairing,
    Piece,
    View,
    by_gateway,
    pairings,
    pieces,
    suspected,
    switch_overs,
    to_ask,
)
from detector.insights import Reason
from detector.journal import History
from detector.model import (
    ACTIVITY,
    Answer,
    CauseKind,
    Diagnosis,
    Evidence,
    Failover,
    Gateway,
    Signal,
    State,
    SwitchOver,
    Window,
)
from detector.runs.reconcile import Reconciled, reconcile
from detector.signals import NOT_SET

EDGE: Final = BEFORE + NEAR
"""Nearer than this to the window's start a failover's rows may be cut off."""

FOLLOWED: Final = timedelta(hours=24)
"""For so long after a failover Azure is asked again for what is still unknown or open."""

CONNECTIONS: Final = "connections"
BANDWIDTH: Final = "bandwidth"
"""The fact that is had from the gateway's connections, beside those of its own body."""

SETTLED: Final = timedelta(hours=2)
"""For so long after a failover late rows are looked at even if they show no switch-over."""

KEPT: Final = timedelta(days=7)
"""For so long a failover stays in the journal; rows may end its outages until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the rows of one gateway show; `since` is from when on they are not cut off."""

    rows: Sequence[Signal] = ()
    paired: Sequence[Pairing] = ()
    found: Sequence[Piece] = ()
    window: Window
    since: datetime
    seen_until: datetime
    complete: bool


def sightings(answers: Sequence[Answer], *, asked: int, now: datetime) -> Sightings:
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

    def seen(gateway_id: str, rows: Sequence[Signal]) -> Sighting:
        own = holding.get(gateway_id, ends)
        newest = [at for _, at in own if at is not None]
        known = [*newest, now - LATEST] if complete else newest or [now - KEPT]
        start = max((window.start for window, _ in own), default=now)
        paired = pairings(rows)
        return Sighting(
            rows=rows,
            paired=paired,
            found=pieces(rows, paired),
            window=Window(start=start, end=now),
            since=start + EDGE,
            seen_until=min(max(known), now),
            complete=complete,
        )

    rows_of = by_gateway(signal for answer in answers for signal in answer.signals)
    return Sightings(
        of={gateway_id: seen(gateway_id, rows) for gateway_id, rows in rows_of.items()},
        blank=seen("", ()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What a run sees of each gateway; `blank` stands for one without rows."""

    of: Mapping[str, Sighting]
    blank: Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A gateway with its history as loaded, and the tag to save it by."""

    sighting: Sighting
    history: History
    tag: str | None

    @property
    def gateway_id(self) -> str:
        """The gateway's id."""
        return self.history.gateway_id

    def recorded(self, piece: Piece) -> bool:
        """Whether a recorded switch-over is within reach of this piece of evidence."""
        return any(
            abs(known.at - piece.at) <= NEAR
            for record in self.history.records
            for known in record.failover.switch_overs
        )

    def lacks_facts(self, *, now: datetime) -> bool:
        """Whether Azure is to be asked for the gateway's facts: news, or a fact still unknown."""
        standby = self.active_active(None) is False  # then losing tunnels together is no evidence
        news = any(
            piece.at >= self.sighting.since
            and not self.recorded(piece)
            and not (standby and piece.evidence is Evidence.INSTANCE_LOST)
            for piece in self.sighting.found
        )
        return news or any(
            may_be_completed(record.gateway) and now - record.failover.last_at <= FOLLOWED
            for record in self.history.records
        )

    def active_active(self, gateway: Gateway | None) -> bool | None:
        """The gateway's mode by the facts of this run, else by those last told."""
        if gateway is not None and gateway.active_active is not None:
            return gateway.active_active
        told = [record.gateway.active_active for record in self.history.records]
        return next((mode for mode in reversed(told) if mode is not None), None)

    def seen(
        self, gateway: Gateway | None, logs: Collection[str] | None = None
    ) -> list[Reconciled]:
        """Every failover that this run can say something about."""
        mode = self.active_active(gateway)
        view = View(
            rows=self.sighting.rows,
            paired=self.sighting.paired,
            since=self.sighting.since,
            complete=self.sighting.complete,
            seen_until=self.sighting.seen_until,
            active_active=mode,
            logs=logs,
        )
        found = switch_overs(self.sighting.found, active_active=mode)
        return reconcile(self.history, found, view)

    def suspected(self, gateway: Gateway | None) -> list[SwitchOver]:
        """Losses of an instance that are not told: nothing says that the gateway has two active."""
        if self.active_active(gateway) is not None:
            return []
        return suspected(self.sighting.found)

    def pruned(self, *, now: datetime) -> History:
        """The history without what is old, beyond the window, and has nothing left to deliver."""
        oldest = min(now - KEPT, self.sighting.since - FOLLOWED)
        kept = tuple(
            record
            for record in self.history.records
            if record.failover.last_at >= oldest or record.outstanding
        )
        return replace(self.history, records=kept)


def asks_connections(seen: Reconciled, *, now: datetime) -> bool:
    """Whether the gateway's connections are to be asked: to name tunnels, or for open ones.

    Names are only looked up for what is told; open outages, and names that could not be had then,
    are followed for a day.
    """
    lacking = seen.recorded is not None and CONNECTIONS in seen.recorded.gateway.unknown
    open_for_long = to_ask(seen.diagnosis, now=now)
    followed = now - seen.failover.last_at <= FOLLOWED
    return ((open_for_long or lacking) and followed) or (
        seen.reason is not None and bool(seen.diagnosis.outages)
    )


def asks_bandwidth(seen: Reconciled, *, now: datetime) -> bool:
    """Whether the metrics are to be asked: for what is told, or as they could not be had before."""
    lacking = seen.recorded is not None and BANDWIDTH in seen.recorded.gateway.unknown
    return seen.reason is not None or (lacking and now - seen.failover.last_at <= FOLLOWED)


def asks_coverage(seen: Reconciled) -> bool:
    """Whether it matters which logs there are: for what is told without a recorded cause."""
    return seen.reason is not None and seen.diagnosis.cause.kind is CauseKind.NOT_RECORDED


def logs_of(gateway_id: str, coverage: frozenset[tuple[str, str]]) -> frozenset[str]:
    """The sources among `coverage` that could tell of this gateway."""
    subscription = "/".join(gateway_id.split("/")[:3])
    return frozenset(
        source
        for source, resource in coverage
        if resource == (subscription if source == ACTIVITY else gateway_id)
    )


def reason(seen: Reconciled, gateway: Gateway) -> Reason | None:
    """Why something is to be told, with the gateway's facts known; None: what was told holds."""
    by_rows = seen.reason
    if seen.recorded is None or by_rows not in (None, Reason.REVISED):
        return by_rows
    had = set(seen.recorded.gateway.unknown) - set(gateway.unknown)
    return Reason.COMPLETED if had else by_rows


def may_be_completed(gateway: Gateway) -> bool:
    """Whether a fact is unknown that another answer may have: not one that Azure has not set."""
    return any(why != NOT_SET for why in gateway.unknown.values())


def follows(failover: Failover, diagnosis: Diagnosis, gateway: Gateway, *, now: datetime) -> bool:
    """Whether later runs should look at this failover even if they see no switch-over."""
    age = now - failover.last_at
    incomplete = may_be_completed(gateway) and age <= FOLLOWED
    return age <= SETTLED or incomplete or (diagnosis.state is State.ONGOING and age <= KEPT)
