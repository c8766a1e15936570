"""Signals become switch-overs: evidence that the active role moved or that an instance was lost.

The reading rule is the documented one: a tunnel that disconnects on one instance and then connects
on the other shows a failover; one that comes back on the same instance shows dead-peer detection,
a network glitch, or the peer. It does not hold for active-active gateways, whose instances have
tunnels of their own
(https://learn.microsoft.com/azure/vpn-gateway/troubleshoot-vpn-with-azure-diagnostics).

Everything here is linear in the number of signals, sorting aside.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from detector.model import Evidence, Kind, Signal, SwitchOver

NEAR: Final = timedelta(minutes=3)
"""Evidence this near is of one switch-over; an unplanned failover takes no longer, as a rule."""

WAY_BACK_WITHIN: Final = timedelta(minutes=60)
"""Further apart, two moves of one direction are two switch-overs: the way back was not logged."""

SLOWEST: Final = timedelta(minutes=10)
"""The slowest hand-over: a migration takes the tunnels down for so long at the most.

A tunnel that had left longer before the primary changed was down for another reason.
"""

SKEW: Final = timedelta(seconds=2)
"""The clocks of two instances differ by as much at the most."""

LOSS_WITHIN: Final = timedelta(seconds=30)
"""Tunnels that an instance loses together disconnect within this time."""

OUT_FOR: Final = timedelta(seconds=5)
"""A tunnel that was out for less was not lost with its instance: it blinked."""

NOT_BACK: Final = timedelta(minutes=5)
"""A tunnel that the logs do not show back for so long is taken for lost."""


class Reading(StrEnum):
    """How a tunnel that disconnected is read, in the words that `explain` prints."""

    HAND_OVER = "connected on the other instance: a hand-over"
    LATE_HAND_OVER = "connected on the other instance, only after more than 3 minutes: a hand-over"
    OWN_TUNNELS = "each instance of an active-active gateway has its own tunnels: no hand-over"
    SAME_INSTANCE = "came back on the same instance: no hand-over"
    TOO_LATE = (
        "connected on the other instance after more than 3 minutes; the gateway is not known to be "
        "active-standby: no hand-over"
    )
    BOTH_SERVE = "both instances connected at once: each has its own tunnel, no hand-over"
    NO_CONNECTED = "no Connected row follows"


HAND_OVERS: Final = frozenset({Reading.HAND_OVER, Reading.LATE_HAND_OVER})
_MAY_BE_MOVES: Final = HAND_OVERS | {Reading.TOO_LATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """Whether the gateway is active-active, and since when that is known; None: it is not.

    The facts say it as it is now; it holds back to `since`, the start of the last recorded write.
    A failover stays of the mode by which it was told: `told` has the begin, the end and the mode of
    such failovers, in time order.
    """

    active_active: bool | None = None
    since: datetime | None = None
    told: tuple[tuple[datetime, datetime, bool], ...] = ()

    def at(self, instant: datetime) -> bool | None:
        """The mode at `instant`."""
        begun = bisect_right(self.told, instant + NEAR, key=lambda told: told[0])
        if begun:
            _, end, mode = self.told[begun - 1]
            if instant <= end + NEAR:
                return mode
        is_known = self.since is None or instant >= self.since
        return self.active_active if is_known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A Disconnected row, the Connected row of the same remote IP that it goes with, and why."""

    disconnected: Signal
    connected: Signal | None
    reading: Reading


_Direction = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of evidence for a switch-over, from its first to its last row.

    `doubt` says why it proves none; then it is only suspected, or none at all.
    """

    at: datetime
    until: datetime
    evidence: Evidence
    from_instance: str | None = None
    to_instance: str | None = None
    remote_ip: str | None = None
    doubt: str | None = None

    @property
    def is_long(self) -> bool:
        """Whether it is a hand-over that leaves more than three minutes open."""
        return self.evidence is Evidence.HAND_OVER and self.until - self.at > NEAR

    @property
    def direction(self) -> _Direction:
        """From which instance to which; None where it does not tell."""
        return self.from_instance, self.to_instance


UNKNOWN_MODE: Final = "nothing says that the gateway is active-active"
UNKNOWN_STANDBY: Final = "nothing says that the gateway is active-standby"
NOT_SHOWN: Final = "nothing shows yet that it was out for five seconds"
STANDBY: Final = "the gateway is active-standby"
ONE_PEER: Final = "only one of its peers lost its tunnel"
NO_RECORD: Final = "no record of the gateway itself stands beside it"


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


def pairings(rows: Sequence[Signal], mode: Mode) -> list[Pairing]:
    """How each tunnel that disconnected is read; `rows` are one gateway's, in time order."""
    walks: dict[str, _TunnelWalk] = defaultdict(lambda: _TunnelWalk(mode))
    for row in rows:
        if row.kind is Kind.DISCONNECTED:
            walks[row.remote_ip].disconnected(row)
        elif row.kind is Kind.CONNECTED:
            walks[row.remote_ip].connected(row)
    found = [pairing for walk in walks.values() for pairing in walk.finish()]
    return sorted(found, key=lambda pairing: in_time(pairing.disconnected))


class _TunnelWalk:
    """One remote IP's rows, in time order: which Disconnected is open on which instance."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._open: dict[str, list[Signal]] = {}
        self._pairings: list[Pairing] = []
        self._moved: int | None = None  # where the newest hand-over stands, until it is settled
        self._serving: Signal | None = None  # the newest Connected
        self._arrived: Signal | None = None  # the same, where no Disconnected explains it yet

    def disconnected(self, row: Signal) -> None:
        mode = self._mode.at(row.at)
        arrived = self._arrived
        if (
            arrived is not None
            and arrived.instance != row.instance
            and row.at - arrived.at <= SKEW
            and mode is not True
            and not self._open
        ):
            self._arrived = None
            self._moved = len(self._pairings)
            self._pair(row, arrived, Reading.HAND_OVER)
            return
        if mode is False:
            self._forget_others(row)
        self._open.setdefault(row.instance, []).append(row)
        self._moved = None

    def _forget_others(self, row: Signal) -> None:
        """Close what is open on the other instance: a tunnel that is lost here had come up here.

        Of an active-standby gateway one instance serves a peer at a time. Within three minutes
        both may log the loss of one and the same tunnel.
        """
        serving = self._serving
        served = None if serving is None or serving.instance != row.instance else serving.at
        for instance, rows in list(self._open.items()):
            if instance == row.instance:
                continue
            if served is not None and rows[-1].at <= served + NEAR:
                del self._open[instance]  # it was logged late, after the tunnel had moved
            elif row.at - rows[-1].at > NEAR:
                self._pair(rows[0], None, Reading.NO_CONNECTED)
                del self._open[instance]

    def connected(self, row: Signal) -> None:
        self._serving, self._arrived = row, None
        if own := self._open.pop(row.instance, None):
            self._pair(own[0], row, Reading.SAME_INSTANCE)
            return
        if self._moved is not None:
            self._settle(self._moved, row)
            return
        if not self._open:
            self._arrived = row
            return
        instance = next(iter(self._open))
        self._moved = self._move(self._open.pop(instance), row)

    def _move(self, rows: Sequence[Signal], row: Signal) -> int | None:
        """Pair the newest outage in `rows` with `row`; where that stands, if it is a hand-over."""
        lost = _newest_outage(rows, row.at)
        mode = self._mode.at(lost.at)
        if mode is True:
            reading = Reading.OWN_TUNNELS
        elif row.at - lost.at <= NEAR:
            reading = Reading.HAND_OVER
        else:
            reading = Reading.LATE_HAND_OVER if mode is False else Reading.TOO_LATE
        self._pair(lost, row, reading)
        return len(self._pairings) - 1 if reading is Reading.HAND_OVER else None

    def finish(self) -> list[Pairing]:
        for rows in self._open.values():
            self._pair(rows[0], None, Reading.NO_CONNECTED)
        return self._pairings

    def _pair(self, disconnected: Signal, connected: Signal | None, reading: Reading) -> None:
        self._pairings.append(
            Pairing(disconnected=disconnected, connected=connected, reading=reading)
        )

    def _settle(self, index: int, row: Signal) -> None:
        """Take back a hand-over whose first instance connects too, with no disconnect between.

        The rows then show a tunnel on each instance, as active-active gateways have, where the
        documented rule does not apply; most likely a Disconnected row was lost. Much later it is
        more likely that of the role's way back, and of an active-standby gateway it always is.
        """
        moved = self._pairings[index]
        if moved.connected is None or row.instance != moved.disconnected.instance:
            return
        is_standby = self._mode.at(moved.disconnected.at) is False
        if row.at - moved.connected.at <= NEAR and not is_standby:
            self._pairings[index] = Pairing(
                disconnected=moved.disconnected,
                connected=moved.connected,
                reading=Reading.BOTH_SERVE,
            )
        self._moved = None


def _newest_outage(rows: Sequence[Signal], until: datetime) -> Signal:
    """The row that began the newest outage of a tunnel that disconnected several times.

    Rows no more than three minutes apart are of one outage. Of those within three minutes of
    `until` the first counts.
    """
    near = bisect_left(rows, until - NEAR, key=_at)
    if near < len(rows):
        return rows[near]
    index = len(rows) - 1
    while index and rows[index].at - rows[index - 1].at <= NEAR:
        index -= 1
    return rows[index]


def _at(row: Signal) -> datetime:
    return row.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is known of a gateway beside its tunnels' rows.

    `peers` maps each remote IP to its connection's name, as far as that is known; `complete` says
    that these are all. `recorded` tells whether a record of the gateway itself stands beside an
    instant. `out_by_arm` tells of a Disconnected row whether the tunnel was out for five seconds;
    None where Azure Resource Manager was not asked or does not know.
    """

    peers: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    recorded: Callable[[datetime], bool] = lambda _: False
    out_by_arm: Callable[[Signal], bool | None] = lambda _: None

    def peer(self, remote_ip: str) -> str:
        """The peer that a remote IP belongs to: those of one connection are one."""
        return self.peers.get(remote_ip, remote_ip)

    def is_only_peer(self, remote_ip: str) -> bool:
        """Whether the gateway has this peer and no other."""
        return self.complete and set(self.peers.values()) == {self.peer(remote_ip)}


def pieces(
    rows: Sequence[Signal],
    paired: Iterable[Pairing],
    mode: Mode,
    beside: Beside,
    *,
    seen_until: datetime,
) -> list[Piece]:
    """Every piece of evidence in one gateway's rows, in time order, the doubtful ones too."""
    found = [
        Piece(at=row.at, until=row.at, evidence=Evidence.PRIMARY_CHANGED)
        for row in rows
        if row.kind is Kind.PRIMARY_CHANGED
    ]
    found += [
        Piece(
            at=pairing.disconnected.at,
            until=max(pairing.connected.at, pairing.disconnected.at),
            evidence=Evidence.HAND_OVER,
            from_instance=pairing.disconnected.instance,
            to_instance=pairing.connected.instance,
            remote_ip=pairing.disconnected.remote_ip,
            doubt=None if pairing.reading in HAND_OVERS else UNKNOWN_STANDBY,
        )
        for pairing in paired
        if pairing.reading in _MAY_BE_MOVES and pairing.connected is not None
    ]
    tunnels = _Tunnels(rows, beside, seen_until=seen_until)
    found += _instances_lost(tunnels, mode, beside)
    found += _both_lost(tunnels, mode, beside)
    return sorted(found, key=lambda piece: (piece.at, -piece.evidence.strength))


class _Tunnels:
    """The rows of one gateway by tunnel: a remote IP on an instance."""

    def __init__(self, rows: Sequence[Signal], beside: Beside, *, seen_until: datetime) -> None:
        self._beside = beside
        self._seen_until = seen_until
        self.of: dict[str, dict[str, _Tunnel]] = defaultdict(lambda: defaultdict(_Tunnel))
        self.downs: list[Signal] = []
        for row in rows:
            if row.kind in (Kind.DISCONNECTED, Kind.CONNECTED):
                self.of[row.remote_ip][row.instance].add(row)
                if row.kind is Kind.DISCONNECTED:
                    self.downs.append(row)

    @cached_property
    def has_one_peer(self) -> bool:
        """Whether all rows are of one peer."""
        return len({self._beside.peer(remote_ip) for remote_ip in self.of}) == 1

    @cached_property
    def out(self) -> Mapping[Signal, bool | None]:
        """Whether the tunnel of each Disconnected row was out for five seconds."""
        return {row: self._was_out(row) for row in self.downs}

    def keeps_another(self, lost: Collection[tuple[str, str]], instant: datetime) -> bool:
        """Whether a tunnel, as remote IP and instance, that is not `lost` was not down.

        One that connects within an hour with no Disconnected row before was down, too.
        """
        return any(
            (remote_ip, instance) not in lost
            and not tunnel.was_down(instant)
            and not tunnel.appeared(instant, instant + WAY_BACK_WITHIN)
            for remote_ip, own in self.of.items()
            for instance, tunnel in own.items()
        )

    def _was_out(self, row: Signal) -> bool | None:
        """Whether the tunnel that disconnected was out for five seconds; None: not shown yet."""
        back = self.of[row.remote_ip][row.instance].back(row.at)
        if back is not None:
            return back - row.at >= OUT_FOR
        by_arm = self._beside.out_by_arm(row)
        if by_arm is not None:
            return by_arm
        return True if self._seen_until - row.at >= NOT_BACK else None

    def came_back_unlogged(self, row: Signal) -> bool:
        """Whether the tunnel disconnects again over three minutes later, with no return between."""
        tunnel = self.of[row.remote_ip][row.instance]
        back, again = tunnel.back(row.at), tunnel.again(row.at)
        return again is not None and (back is None or again < back)

    def lost_elsewhere(self, row: Signal) -> bool:
        """Whether another instance lost the same remote IP within three minutes either side.

        It did, too, where it connects with no Disconnected row before, at the latest three minutes
        after the tunnel is back: that row was lost. Not where a record of the gateway itself stands
        beside it, which may have made the tunnel.
        """
        own = self.of[row.remote_ip]
        others = [tunnel for instance, tunnel in own.items() if instance != row.instance]
        if any(tunnel.lost(row.at) for tunnel in others):
            return True
        until = (own[row.instance].back(row.at) or row.at) + NEAR
        return not self._beside.recorded(row.at) and any(
            tunnel.appeared(row.at - NEAR, until) for tunnel in others
        )


class _Tunnel:
    """When one remote IP's tunnel on one instance disconnected and connected, in time order."""

    def __init__(self) -> None:
        self.rows: list[Signal] = []
        self._downs: list[datetime] = []
        self._ups: list[datetime] = []
        self._strays: list[datetime] = []  # connected without having disconnected

    def add(self, row: Signal) -> None:
        if row.kind is Kind.DISCONNECTED:
            self._downs.append(row.at)
        else:
            self._ups.append(row.at)
            if not self.rows or self.rows[-1].kind is Kind.CONNECTED:
                self._strays.append(row.at)
        self.rows.append(row)

    def back(self, instant: datetime) -> datetime | None:
        """When it connected next, from `instant` on; None where it did not."""
        after = bisect_left(self._ups, instant)
        return self._ups[after] if after < len(self._ups) else None

    def again(self, instant: datetime) -> datetime | None:
        """When it disconnected next, over three minutes after `instant`; None where it did not."""
        after = bisect_right(self._downs, instant + NEAR)
        return self._downs[after] if after < len(self._downs) else None

    def lost(self, instant: datetime) -> bool:
        """Whether it disconnected within three minutes of `instant`."""
        return _any_within(self._downs, instant - NEAR, instant + NEAR)

    def appeared(self, since: datetime, until: datetime) -> bool:
        """Whether it connected then without having disconnected."""
        return _any_within(self._strays, since, until)

    def was_down(self, instant: datetime) -> bool:
        """Whether its last row before `instant` says that it was down already."""
        before = bisect_left(self.rows, instant, key=_at)
        return before > 0 and self.rows[before - 1].kind is Kind.DISCONNECTED


def _any_within(times: Sequence[datetime], first: datetime, last: datetime) -> bool:
    at = bisect_left(times, first)
    return at < len(times) and times[at] <= last


def _instances_lost(tunnels: _Tunnels, mode: Mode, beside: Beside) -> list[Piece]:
    """Where an instance lost tunnels that the other instance kept.

    Two peers that it loses within half a minute show it. One peer does where it is the gateway's
    only one, or where a record of the gateway itself stands beside it; the only one alone does not
    where nothing says when it was back.
    """
    out = tunnels.out
    alone: dict[str, list[Signal]] = defaultdict(list)
    by_both: dict[str, list[datetime]] = defaultdict(list)
    for row in tunnels.downs:
        if tunnels.lost_elsewhere(row):
            by_both[row.instance].append(row.at)
        elif out[row] is not False:
            alone[row.instance].append(row)
    found: list[Piece] = []
    for instance, lost in alone.items():
        # A tunnel to one instance only cannot show that the other kept what both lost then.
        own = [
            row
            for row in lost
            if len(tunnels.of[row.remote_ip]) > 1
            or not _any_within(by_both[instance], row.at - LOSS_WITHIN, row.at + LOSS_WITHIN)
        ]
        shown = [row for row in own if out[row]]
        joined = dict(zip(shown, _with_another_peer(shown, beside), strict=True))
        for row, may_be_joined in zip(own, _with_another_peer(own, beside), strict=True):
            doubt: str | None
            known = mode.at(row.at)
            is_recorded = beside.recorded(row.at)
            is_enough = is_recorded or (
                tunnels.has_one_peer if known is None else beside.is_only_peer(row.remote_ip)
            )
            is_shown = out[row] and (is_recorded or not tunnels.came_back_unlogged(row))
            if known is False:
                doubt = STANDBY
            elif not (is_enough or may_be_joined):
                doubt = ONE_PEER
            elif not (joined.get(row) or (is_enough and is_shown)):
                doubt = NOT_SHOWN
            else:
                doubt = UNKNOWN_MODE if known is None else None
            found.append(
                Piece(
                    at=row.at,
                    until=row.at,
                    evidence=Evidence.INSTANCE_LOST,
                    from_instance=instance,
                    remote_ip=row.remote_ip,
                    doubt=doubt,
                )
            )
    return found


def _with_another_peer(rows: Sequence[Signal], beside: Beside) -> list[bool]:
    """For each row whether one of another peer lies within half a minute of it."""
    earlier = _newest_of_another(rows, beside)
    later = _newest_of_another(rows[::-1], beside)[::-1]
    return [
        any(other is not None and abs(other.at - row.at) <= LOSS_WITHIN for other in pair)
        for row, *pair in zip(rows, earlier, later, strict=True)
    ]


def _newest_of_another(rows: Sequence[Signal], beside: Beside) -> list[Signal | None]:
    """For each row the last one before it that is of another peer."""
    found: list[Signal | None] = []
    before: Signal | None = None
    other: Signal | None = None
    for row in rows:
        if before is not None and beside.peer(before.remote_ip) != beside.peer(row.remote_ip):
            other = before
        found.append(other)
        before = row
    return found


def _both_lost(tunnels: _Tunnels, mode: Mode, beside: Beside) -> list[Piece]:
    """Where every tunnel that was seen was lost, on both instances, within three minutes.

    One peer that both lose is its own affair, unless a record of the gateway stands beside it.
    """
    found: list[Piece] = []
    downs = tunnels.downs
    first = 0
    while first < len(downs):
        last = bisect_right(downs, downs[first].at + NEAR, key=_at)
        piece = _lost_by_both(downs[first:last], tunnels, mode, beside)
        if piece is None:
            first += 1
        else:
            found.append(piece)
            first = last
    return found


def _lost_by_both(
    downs: Sequence[Signal], tunnels: _Tunnels, mode: Mode, beside: Beside
) -> Piece | None:
    """What these Disconnected rows, of three minutes, show of a loss of both instances."""
    begun = downs[0].at
    known = mode.at(begun)
    if known is False or len({row.instance for row in downs}) < 2:
        return None
    lost: dict[tuple[str, str], list[bool | None]] = defaultdict(list)
    for row in downs:
        lost[row.remote_ip, row.instance].append(tunnels.out[row])
    recorded = beside.recorded(begun)
    if (
        any(set(out) == {False} for out in lost.values())
        or (not recorded and len({beside.peer(remote_ip) for remote_ip, _ in lost}) == 1)
        or tunnels.keeps_another(lost.keys(), begun)
    ):
        return None
    doubt = UNKNOWN_MODE if known is None else None if recorded else NO_RECORD
    is_shown = all(True in out for out in lost.values())
    return Piece(
        at=begun,
        until=downs[-1].at,
        evidence=Evidence.BOTH_INSTANCES_LOST,
        doubt=doubt if is_shown else NOT_SHOWN,
    )


def switch_overs(
    found: Iterable[Piece], *, connected: Mapping[str, Sequence[datetime]] | None = None
) -> list[SwitchOver]:
    """The switch-overs that the pieces of one gateway prove, in time order.

    Hand-overs of one direction with no way back between them are one switch-over, and so is what
    has no direction within its interval or three minutes of it; what has the opposite direction
    never is. `connected` are the times at which any tunnel connected, by instance.
    """
    proven = [piece for piece in found if piece.doubt is None]
    both = _joined(p for p in proven if p.evidence is Evidence.BOTH_INSTANCES_LOST)
    directed = [p for p in proven if p.from_instance and not _is_part(p, both)]
    groups = sorted([*_by_direction(directed, connected or {}), *both], key=_begin)
    alone: list[Piece] = []
    near: list[_Group] = []
    begun = 0
    for piece in sorted(
        (p for p in proven if p.evidence is Evidence.PRIMARY_CHANGED), key=_at_first
    ):
        while begun < len(groups) and groups[begun].begin <= piece.at + NEAR:
            near.append(groups[begun])
            begun += 1
        near = [group for group in near if group.apart(piece) <= NEAR]
        if near:
            min(near, key=lambda group: group.apart(piece)).add(piece)
        else:
            alone.append(piece)
    known = [group.switch_over() for group in [*groups, *_joined(alone)]]
    return sorted(known, key=lambda switch_over: switch_over.at)


def _is_part(piece: Piece, both: Sequence[_Group]) -> bool:
    """Whether what one instance lost is a part of what both lost together."""
    if piece.evidence is not Evidence.INSTANCE_LOST:
        return False
    begun = bisect_right(both, piece.at + NEAR, key=_begin)
    return begun > 0 and both[begun - 1].apart(piece) <= NEAR


def connected_times(rows: Iterable[Signal]) -> dict[str, list[datetime]]:
    """When any tunnel connected, by instance, in time order."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        if row.kind is Kind.CONNECTED:
            times[row.instance].append(row.at)
    return times


class _Group:
    """The pieces of one switch-over, as far as they were gathered, from `begin` to `end`."""

    def __init__(self, piece: Piece) -> None:
        self.pieces = [piece]
        self.begin, self.end = piece.at, piece.until
        self.peers = {piece.remote_ip}

    @property
    def direction(self) -> _Direction:
        """From which instance to which, by its first piece."""
        return self.pieces[0].direction

    def add(self, piece: Piece) -> None:
        """Add a piece that is of this switch-over.

        Slow hand-overs that began long before the latest of them do not say when it was.
        """
        self.pieces.append(piece)
        self.begin, self.end = min(self.begin, piece.at), max(self.end, piece.until)
        if piece.is_long:
            self.begin = min(each.at for each in _latest(self.pieces))
        self.peers.add(piece.remote_ip)

    def apart(self, piece: Piece) -> timedelta:
        """How far `piece` lies from the interval of the group."""
        return max(self.begin - piece.until, piece.at - self.end, timedelta())

    def switch_over(self) -> SwitchOver:
        """The switch-over that its pieces prove."""
        tight = [piece for piece in self.pieces if not piece.is_long]
        shaping = tight
        if not any(piece.from_instance for piece in tight):
            latest = _latest(piece for piece in self.pieces if piece.is_long)
            shaping = tight + [
                piece for piece in latest if all(own.at - piece.at <= SLOWEST for own in tight)
            ]
        strongest = max(tight or shaping, key=lambda piece: piece.evidence.strength).evidence
        at = min(piece.at for piece in shaping if piece.evidence is strongest)
        begin = min(piece.at for piece in shaping)
        end = max(piece.until for piece in shaping)
        from_instance, to_instance = self.direction
        return SwitchOver(
            at=at,
            evidence=strongest,
            from_instance=from_instance,
            to_instance=to_instance,
            not_before=None if tight else max(piece.at for piece in shaping),
            first=None if begin == at else begin,
            last=None if end == at else end,
        )


def _latest(pieces_found: Iterable[Piece]) -> list[Piece]:
    """The pieces that began last, each within three minutes of the next, and ended first.

    A tunnel that had left the old instance before them does not say when the others did, nor does
    one that came up on the new instance over three minutes after the first of them.
    """
    found: list[Piece] = []
    for piece in sorted(pieces_found, key=_at_first, reverse=True):
        if found and found[-1].at - piece.at > NEAR:
            break
        found.append(piece)
    soonest = min((piece.until for piece in found), default=None)
    return [piece for piece in found if soonest is None or piece.until - soonest <= NEAR]


def _by_direction(
    pieces_found: Iterable[Piece], connected: Mapping[str, Sequence[datetime]]
) -> list[_Group]:
    """The pieces that have a direction, in groups of one switch-over each."""
    long: list[Piece] = []
    groups: list[_Group] = []
    for piece in sorted(pieces_found, key=_at_first):
        if piece.is_long:
            long.append(piece)
        elif groups and not _is_another(piece, groups[-1], connected):
            groups[-1].add(piece)
        else:
            groups.append(_Group(piece))
    by_direction: dict[_Direction, list[_Group]] = defaultdict(list)
    for group in groups:
        by_direction[group.direction].append(group)
    open_wide: dict[_Direction, _Group] = {}
    for piece in long:
        # The tunnel came up on the new instance after the switch-over that it is evidence of,
        # and adds nothing to those that show it more closely.
        own = by_direction[piece.direction]
        before = bisect_right(own, piece.until + NEAR, key=_begin)
        wide = open_wide.get(piece.direction)
        if before and own[before - 1].apart(piece) <= NEAR:
            continue
        if wide is not None and not wide.apart(piece):
            wide.add(piece)
        else:
            open_wide[piece.direction] = _Group(piece)
            groups.append(open_wide[piece.direction])
    return groups


def _at_first(piece: Piece) -> datetime:
    return piece.at


def _begin(group: _Group) -> datetime:
    return group.begin


def _is_another(piece: Piece, group: _Group, connected: Mapping[str, Sequence[datetime]]) -> bool:
    """Whether the role came back between the pieces of `group` and this one."""
    if group.direction != piece.direction:
        return True
    if piece.evidence is Evidence.INSTANCE_LOST:
        return group.apart(piece) > NEAR
    if piece.remote_ip in group.peers:
        return True
    back = connected.get(piece.from_instance or "", ())
    returned = bisect_right(back, piece.at) > bisect_right(back, group.end)
    return returned or piece.at - group.end > WAY_BACK_WITHIN


def _joined(found: Iterable[Piece]) -> list[_Group]:
    """Pieces without a direction in groups, each within three minutes of the others' interval."""
    groups: list[_Group] = []
    for piece in sorted(found, key=_at_first):
        if groups and groups[-1].apart(piece) <= NEAR:
            groups[-1].add(piece)
        else:
            groups.append(_Group(piece))
    return groups


def suspected(found: Sequence[Piece], known: Iterable[SwitchOver]) -> list[Piece]:
    """Of the doubtful pieces the first of each group that no switch-over stands beside.

    Where one peer alone loses its tunnel, or one instance at a time serves, there is nothing to
    suspect.
    """
    doubtful = [piece for piece in found if piece.doubt in (UNKNOWN_MODE, NO_RECORD)]
    proven = list(known)
    return [
        group.pieces[0]
        for evidence in (Evidence.INSTANCE_LOST, Evidence.BOTH_INSTANCES_LOST)
        for group in _joined(piece for piece in doubtful if piece.evidence is evidence)
        if not any(each.apart(group.begin, group.end) <= NEAR for each in proven)
    ]
