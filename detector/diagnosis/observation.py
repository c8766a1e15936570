"""What one run sees of one gateway, and what is known of it beside its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from detector.diagnosis.cause import BEFORE, LONGEST, Event, Records, events
from detector.diagnosis.live import ASK_AFTER, Live
from detector.diagnosis.outage import Walk
from detector.diagnosis.switchover import (
    NEAR,
    NOT_SHOWN,
    Beside,
    Mode,
    Pairing,
    Piece,
    connected_times,
    in_time,
    pairings,
    pieces,
    suspected,
    switch_overs,
)
from detector.errors import FactUnknown
from detector.model import (
    Connection,
    Evidence,
    HealthEvent,
    Kind,
    Signal,
    SwitchOver,
    Window,
)

EDGE: Final = BEFORE + NEAR
"""Nearer than this to the window's start a failover's rows may be cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one run sees of one gateway.

    `rows` are its signals, each once, in the order of `in_time`.
    `window` is the part of the time for which every scope that holds some of them was asked.
    `complete` says that every scope answered: then what is not seen was not logged.
    `seen_until` is the time up to which a row would have been seen, `tunnels_seen_until` that up
    to which a row of this gateway's tunnels would. `connection_rows` tell of changes of
    connections, whosever they are.
    """

    rows: Sequence[Signal]
    window: Window
    complete: bool
    seen_until: datetime
    tunnels_seen_until: datetime | None = None
    connection_rows: tuple[Signal, ...] = ()

    @property
    def now(self) -> datetime:
        """When the run looks."""
        return self.window.end

    @property
    def since(self) -> datetime:
        """From when on what belongs to a switch-over is not cut off by the window's start."""
        return self.window.start + EDGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a gateway beside its rows, by what Azure answered in this run or before.

    `is_vpn` is false where its facts say that it is of another type: then its rows are none of
    ours. `active_active` is its mode now, None where that is not known. `told` has, in time order,
    the begin and the end of each failover that was told by a mode, and that mode.
    `peers` maps remote IPs to the names of their connections, and `all_peers` says that these are
    all; `connections` are their ids. `live` holds what ARM says now of the connections to a remote
    IP. `health` are the entries of Resource Health, and `logs` names the sources that there are to
    look in; each is None where that was not asked. `migration` is the gateway's own word on one.
    """

    is_vpn: bool = True
    active_active: bool | None = None
    told: tuple[tuple[datetime, datetime, bool], ...] = ()
    peers: Mapping[str, str] = field(default_factory=dict)
    all_peers: bool = False
    live: Mapping[str, Sequence[Connection | FactUnknown]] = field(default_factory=dict)
    connections: frozenset[str] = frozenset()
    health: tuple[HealthEvent, ...] | None = None
    logs: Collection[str] | None = None
    migration: str | None = None


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached properties
class Examination:
    """What the rows of an observation mean for a gateway of which this is known.

    Everything is worked out once, when it is first asked for. `carried` are rows that continue
    what was told, where their own have left the window; they are no evidence of a switch-over.
    """

    observation: Observation
    known: Known
    carried: tuple[Signal, ...] = ()

    @cached_property
    def connection_rows(self) -> tuple[Signal, ...]:
        """The rows that tell of changes of this gateway's connections."""
        own = self.known.connections
        return tuple(row for row in self.observation.connection_rows if row.connection in own)

    @cached_property
    def events(self) -> Sequence[Event]:
        """What the logs and Resource Health recorded of possible causes, in time order."""
        rows = self.observation.rows
        if self.connection_rows:
            rows = sorted([*rows, *self.connection_rows], key=in_time)
        return events(rows, self.known.health or ())

    @cached_property
    def records(self) -> Records:
        """The same without operations that may have begun long before what is seen of them.

        Of those only the end is in the window, too near to its start to say when they began.
        """
        known_from = self.observation.since + LONGEST
        return Records(events=[e for e in self.events if e.has_start or e.at >= known_from])

    @cached_property
    def mode(self) -> Mode:
        """The gateway's mode: that of its facts, back to the start of its last recorded write.

        A write that failed changed nothing.
        """
        writes = [
            event.at
            for event in self.events
            if event.rows
            and event.rows[0].kind in (Kind.WRITE, Kind.CONFIGURATION)
            and event.failed_at is None
        ]
        return Mode(
            active_active=self.known.active_active,
            since=max(writes, default=None),
            told=self.known.told,
        )

    @cached_property
    def pairings(self) -> Sequence[Pairing]:
        """How each tunnel that disconnected is read."""
        return pairings(self.observation.rows, self.mode)

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        """Every piece of evidence for a switch-over, in time order, the doubtful ones too."""
        if not self.known.is_vpn:
            return ()
        return pieces(
            self.observation.rows,
            self.pairings,
            self.mode,
            Beside(
                peers=self.known.peers,
                complete=self.known.all_peers,
                recorded=self._is_recorded,
                out_by_arm=self.live.was_out,
            ),
            seen_until=self.observation.seen_until,
        )

    @cached_property
    def switch_overs(self) -> Sequence[SwitchOver]:
        """The switch-overs that the rows prove, in time order."""
        return switch_overs(self.pieces, connected=connected_times(self.observation.rows))

    @cached_property
    def suspected(self) -> Sequence[Piece]:
        """What may have been a switch-over and is not proven to be one."""
        return suspected(self.pieces, self.switch_overs)

    @cached_property
    def to_be_shown(self) -> frozenset[str]:
        """The remote IPs of whose tunnels ARM is to show whether they were lost with an instance.

        Those that went down five minutes ago or more, on a gateway known to be active-active.
        """
        pending = [
            piece
            for piece in self.pieces
            if piece.doubt == NOT_SHOWN
            and self.mode.at(piece.at) is True
            and self.observation.now - piece.at >= ASK_AFTER
        ]
        own = {piece.remote_ip for piece in pending if piece.remote_ip is not None}
        is_of_all = any(piece.remote_ip is None for piece in pending)
        return frozenset(self.walk.tunnels) if is_of_all else frozenset(own)

    @cached_property
    def walk(self) -> Walk:
        """What the rows say of the tunnels."""
        if not self.carried:
            return Walk(rows=self.observation.rows, paired=self.pairings)
        rows = sorted([*self.carried, *self.observation.rows], key=in_time)
        return Walk(rows=rows, paired=self.pairings)

    @cached_property
    def live(self) -> Live:
        """What ARM says of the tunnels, beside what the rows say of them."""
        return Live(
            at=self.observation.now,
            answers=self.known.live,
            walk=self.walk,
            active_active=self.known.active_active,
        )

    @cached_property
    def changes(self) -> Sequence[Signal]:
        """The rows that say that the primary instance changed, in time order."""
        return [row for row in self.observation.rows if row.kind is Kind.PRIMARY_CHANGED]

    def _is_recorded(self, instant: datetime) -> bool:
        """Whether a record of the gateway itself stands beside an instant."""
        at = SwitchOver(at=instant, evidence=Evidence.INSTANCE_LOST)
        return any(event.done and event.is_of_the_gateway for event in self.records.beside(at))
