"""Signals become switch-overs: evidence that a gateway's active role moved, and what is none.

The reading rule is the documented one: a tunnel that disconnects on one instance and within seconds
connects on the other shows a failover; one that comes back on the same instance shows dead-peer
detection, a network glitch, or the peer
(https://learn.microsoft.com/azure/vpn-gateway/troubleshoot-vpn-with-azure-diagnostics).

Everything here is linear in the number of signals, sorting aside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Final

from detector.model import Evidence, Kind, Signal, SwitchOver

NEAR: Final = timedelta(minutes=3)
"""Evidence this near is of one switch-over, and a hand-over takes no longer."""

LOSS_WITHIN: Final = timedelta(seconds=30)
"""Tunnels that an instance loses together disconnect within this time."""


class Reading(StrEnum):
    """What became of a tunnel that disconnected, in the words that `explain` prints."""

    HAND_OVER = "connected on the other instance: a hand-over"
    SAME_INSTANCE = "came back on the same instance: no hand-over"
    TOO_LATE = "connected on the other instance after more than 3 minutes: no hand-over"
    BOTH_SERVE = "both instances connected at once: each has its own tunnel, no hand-over"
    NO_CONNECTED = "no Connected row follows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A Disconnected row, the Connected row of the same remote IP that it goes with, and why."""

    disconnected: Signal
    connected: Signal | None
    outcome: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of evidence for a switch-over."""

    at: datetime
    evidence: Evidence
    from_instance: str | None = None
    to_instance: str | None = None

    def proves(self, *, active_active: bool | None) -> bool:
        """Whether it is evidence for a gateway of this mode, None where that is not known.

        The loss of an instance is one only for a gateway that is active-active.
        """
        return active_active is True or self.evidence is not Evidence.INSTANCE_LOST


def by_gateway(signals: Iterable[Signal]) -> dict[str, list[Signal]]:
    """The signals of each gateway in time order, each once; not those that name none."""
    gateways: dict[str, list[Signal]] = defaultdict(list)
    for signal in dict.fromkeys(signals):
        if signal.gateway_id:
            gateways[signal.gateway_id].append(signal)
    for rows in gateways.values():
        rows.sort(key=in_time)
    return dict(gateways)


def in_time(signal: Signal) -> tuple[datetime, bool, str, str, str]:
    """The order of signals: at one instant a Disconnected before the Connected that answers it."""
    connected = signal.kind is Kind.CONNECTED
    return signal.at, connected, signal.instance, signal.remote_ip, signal.source


def pairings(rows: Sequence[Signal]) -> list[Pairing]:
    """What became of each tunnel that disconnected; `rows` are one gateway's, in time order."""
    walks: dict[str, _TunnelWalk] = defaultdict(_TunnelWalk)
    for row in rows:
        if row.kind is Kind.DISCONNECTED:
            walks[row.remote_ip].disconnected(row)
        elif row.kind is Kind.CONNECTED:
            walks[row.remote_ip].connected(row)
    found = [pairing for walk in walks.values() for pairing in walk.finish()]
    return sorted(found, key=lambda pairing: in_time(pairing.disconnected))


class _TunnelWalk:
    """One remote IP's rows, in time order: which Disconnected is open on which instance."""

    def __init__(self) -> None:
        self._open: dict[str, list[Signal]] = {}
        self._pairings: list[Pairing] = []
        self._moved: int | None = None  # where the newest hand-over stands, until it is settled

    def disconnected(self, row: Signal) -> None:
        self._open.setdefault(row.instance, []).append(row)
        self._moved = None

    def connected(self, row: Signal) -> None:
        if own := self._open.pop(row.instance, None):
            self._pair(own[0], row, Reading.SAME_INSTANCE)
            return
        if self._moved is not None:
            self._settle(self._moved, row)
            return
        for instance, rows in self._open.items():
            first = bisect_left(rows, row.at - NEAR, key=attrgetter("at"))
            if first < len(rows):
                self._moved = len(self._pairings)
                self._pair(rows[first], row, Reading.HAND_OVER)
            else:
                self._pair(rows[0], row, Reading.TOO_LATE)
            del self._open[instance]
            return

    def finish(self) -> list[Pairing]:
        for rows in self._open.values():
            self._pair(rows[0], None, Reading.NO_CONNECTED)
        return self._pairings

    def _pair(self, disconnected: Signal, connected: Signal | None, outcome: Reading) -> None:
        self._pairings.append(
            Pairing(disconnected=disconnected, connected=connected, outcome=outcome)
        )

    def _settle(self, index: int, row: Signal) -> None:
        """Take back a hand-over whose first instance connects too, with no disconnect between.

        The rows then show a tunnel on each instance, as active-active gateways have, where the
        documented rule does not apply; most likely a Disconnected row was lost. Much later it is
        more likely that of the role's way back.
        """
        moved = self._pairings[index]
        if moved.connected is None or row.instance != moved.disconnected.instance:
            return
        if row.at - moved.connected.at <= NEAR:
            self._pairings[index] = replace(moved, outcome=Reading.BOTH_SERVE)
        self._moved = None


def pieces(rows: Sequence[Signal], paired: Sequence[Pairing]) -> list[Piece]:
    """Every piece of evidence in one gateway's rows, in time order.

    An instance-lost piece is only suspected until the gateway is known to be active-active.
    """
    found = [
        Piece(at=row.at, evidence=Evidence.PRIMARY_CHANGED)
        for row in rows
        if row.kind is Kind.PRIMARY_CHANGED
    ]
    found += [
        Piece(
            at=pairing.disconnected.at,
            evidence=Evidence.HAND_OVER,
            from_instance=pairing.disconnected.instance,
            to_instance=pairing.connected.instance,
        )
        for pairing in paired
        if pairing.outcome is Reading.HAND_OVER and pairing.connected is not None
    ]
    found += _losses(rows)
    return sorted(found, key=lambda piece: (piece.at, -piece.evidence.strength))


def _losses(rows: Sequence[Signal]) -> list[Piece]:
    """Where an instance lost two remote IPs or more that the other instance kept.

    The other instance lost one, too, where it connects with no Disconnected row before, at the
    latest 3 minutes after the tunnel is back: that row was lost.
    """
    tunnels: dict[str, dict[str, _Tunnel]] = defaultdict(lambda: defaultdict(_Tunnel))
    for row in rows:
        if row.kind in (Kind.DISCONNECTED, Kind.CONNECTED):
            tunnels[row.remote_ip][row.instance].add(row)
    alone: dict[str, list[Signal]] = defaultdict(list)
    for row in rows:
        if row.kind is Kind.DISCONNECTED:
            own = tunnels[row.remote_ip]
            until = own[row.instance].settled(row.at) + NEAR
            others = (tunnel for instance, tunnel in own.items() if instance != row.instance)
            if not any(tunnel.lost(row.at, until) for tunnel in others):
                alone[row.instance].append(row)
    return [
        Piece(at=row.at, evidence=Evidence.INSTANCE_LOST, from_instance=instance)
        for instance, own in alone.items()
        for row, another in zip(own, _next_of_another_peer(own), strict=True)
        if another is not None and another.at - row.at <= LOSS_WITHIN
    ]


class _Tunnel:
    """When one remote IP's tunnel on one instance disconnected and connected, in time order."""

    def __init__(self) -> None:
        self._downs: list[datetime] = []
        self._ups: list[datetime] = []
        self._strays: list[datetime] = []  # connected without having disconnected
        self._is_down = False

    def add(self, row: Signal) -> None:
        if row.kind is Kind.DISCONNECTED:
            self._downs.append(row.at)
        else:
            self._ups.append(row.at)
            if not self._is_down:
                self._strays.append(row.at)
        self._is_down = row.kind is Kind.DISCONNECTED

    def settled(self, instant: datetime) -> datetime:
        """When it connected next after `instant`; that instant itself where it did not."""
        after = bisect_left(self._ups, instant)
        return self._ups[after] if after < len(self._ups) else instant

    def lost(self, instant: datetime, until: datetime) -> bool:
        """Whether it was lost about `instant`, and back by `until` where only that was logged."""
        since = instant - NEAR
        return _any_within(self._downs, since, instant + NEAR) or _any_within(
            self._strays, since, until
        )


def _any_within(times: Sequence[datetime], first: datetime, last: datetime) -> bool:
    at = bisect_left(times, first)
    return at < len(times) and times[at] <= last


def _next_of_another_peer(rows: Sequence[Signal]) -> list[Signal | None]:
    """For each row the first later one of another remote IP."""
    following: list[Signal | None] = [None] * len(rows)
    for index in range(len(rows) - 2, -1, -1):
        neighbour = rows[index + 1]
        differs = neighbour.remote_ip != rows[index].remote_ip
        following[index] = neighbour if differs else following[index + 1]
    return following


def switch_overs(found: Sequence[Piece], *, active_active: bool | None) -> list[SwitchOver]:
    """The switch-overs that the pieces of one gateway prove, in time order.

    Pieces within 3 minutes of the first are one switch-over, of the strongest kind and at that
    kind's first instant.
    """
    proven = [piece for piece in found if piece.proves(active_active=active_active)]
    groups: list[list[Piece]] = []
    for piece in proven:
        if groups and piece.at - groups[-1][0].at <= NEAR:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [_switch_over(group) for group in groups]


def suspected(found: Sequence[Piece]) -> list[SwitchOver]:
    """The losses of an instance that no stronger evidence stands beside."""
    proven = switch_overs(found, active_active=False)
    return [
        loss
        for loss in switch_overs(found, active_active=True)
        if loss.evidence is Evidence.INSTANCE_LOST
        and not any(abs(loss.at - known.at) <= NEAR for known in proven)
    ]


def _switch_over(group: Sequence[Piece]) -> SwitchOver:
    strongest = max(piece.evidence.strength for piece in group)
    told = next(piece for piece in group if piece.evidence.strength == strongest)
    known = sorted(group, key=lambda piece: -piece.evidence.strength)
    return SwitchOver(
        at=told.at,
        evidence=told.evidence,
        from_instance=next((p.from_instance for p in known if p.from_instance), None),
        to_instance=next((p.to_instance for p in known if p.to_instance), None),
    )
