"""Which tunnels of a failover were down, on which instance, from when to when.

These are tunnel states in logs, not packets.
Of an active-standby gateway one instance at a time serves a remote IP. Of an active-active one each
instance has tunnels of its own: a peer is out only while nothing serves it, and what one instance
alone lost is redundancy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from detector.diagnosis.switchover import HAND_OVERS, NEAR, SKEW, Pairing
from detector.model import AlreadyDown, EndSource, Kind, Outage, Redundancy, Signal, SwitchOver

AGAIN: Final = timedelta(minutes=60)
"""A tunnel that goes down again so soon after its return is still of the failover."""

CARRIED: Final = "journal"
"""The source of a row that continues what was told, where its own is not there."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)

Serves = Callable[[str, str, datetime], bool | None]
"""Whether another tunnel served a remote IP when an instance lost its own; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A tunnel's time without a Connected row, from a Disconnected row.

    `up` is the Connected row that ended it, `again` a later row that shows that it had come back,
    where none says when.
    """

    down: Signal
    up: Signal | None = None
    again: Signal | None = None

    @property
    def is_open(self) -> bool:
        """Whether no row says anything after it."""
        return self.up is None and self.again is None

    @property
    def until(self) -> datetime:
        """When the next row of the tunnel was logged; the end of time where none was."""
        last = self.up or self.again
        return _NEVER if last is None else max(last.at, self.down.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnels:
    """What a failover did to its tunnels, and the rows that say so."""

    outages: tuple[Outage, ...]
    redundancy: tuple[Redundancy, ...]
    unclear: tuple[Outage, ...]
    already_down: tuple[AlreadyDown, ...]
    rows: tuple[Signal, ...]


@dataclass(frozen=True, kw_only=True)  # without slots, for its cached properties
class Walk:
    """All times without a tunnel in one gateway's rows, in time order, whatever they belong to."""

    rows: Sequence[Signal]
    paired: Sequence[Pairing]

    @cached_property
    def tunnels(self) -> Mapping[str, Mapping[str, Sequence[Signal]]]:
        """The tunnels' rows of each remote IP, by instance."""
        return {remote_ip: _by_instance(rows) for remote_ip, rows in self._peers.items()}

    @cached_property
    def out(self) -> Downs:
        """Each remote IP's times without a tunnel, where one instance at a time serves it."""
        moved = {each.disconnected for each in self.paired if each.reading in HAND_OVERS}
        return Downs([_over_all_instances(rows, moved) for rows in self._peers.values()])

    @cached_property
    def beside(self) -> Mapping[str, Mapping[str, Sequence[Down]]]:
        """The times without a tunnel of each remote IP on each instance that logged of it."""
        return {
            remote_ip: {instance: _over_all_instances(rows) for instance, rows in own.items()}
            for remote_ip, own in self.tunnels.items()
        }

    @cached_property
    def lost(self) -> Downs:
        """Those of all tunnels, where each instance has tunnels of its own."""
        return Downs([found for own in self.beside.values() for found in own.values()])

    @cached_property
    def _peers(self) -> Mapping[str, Sequence[Signal]]:
        peers: dict[str, list[Signal]] = defaultdict(list)
        for row in self.rows:
            if row.kind in (Kind.DISCONNECTED, Kind.CONNECTED):
                peers[row.remote_ip].append(row)
        return peers

    def last_before(self, remote_ip: str, instance: str, instant: datetime) -> Signal | None:
        """The newest row of a tunnel before `instant`."""
        own = self.tunnels.get(remote_ip, {}).get(instance, ())
        index = bisect_left(own, instant, key=lambda row: row.at)
        return own[index - 1] if index else None


class Downs:
    """Times without a tunnel: `each` of them in time order, and those `of_one` tunnel together."""

    def __init__(self, of_one: Sequence[Sequence[Down]]) -> None:
        self.of_one = of_one
        self.each = sorted((down for downs in of_one for down in downs), key=_begin)


def tunnels(
    switch_overs: Sequence[SwitchOver],
    walk: Walk,
    *,
    active_active: bool | None,
    others: Sequence[SwitchOver] = (),
    serves: Serves = lambda _ip, _instance, _at: None,
) -> Tunnels:
    """The outages and the redundancy lost that belong to these switch-overs of one gateway.

    `others` are the gateway's other switch-overs. `serves` is asked where the rows do not tell
    whether another tunnel served a peer. Of a gateway of unknown mode a tunnel that moved shows
    that one instance at a time serves.
    """
    if active_active:
        return _of_both_instances(
            switch_overs, walk, others, lambda loss: _served(loss, walk, serves)
        )
    if active_active is None and not any(known.to_instance for known in switch_overs):
        return _of_unknown_mode(switch_overs, walk, others, serves)
    downs = _belonging(walk.out, switch_overs, others, _peer)
    every = sorted([*switch_overs, *others], key=lambda known: known.begin)
    told = [_of_unknown_length(down) if _lacks_rows(down, every) else down for down in downs]
    before = _down_before(walk.out, switch_overs, set(downs))
    return Tunnels(
        outages=tuple(_outage(down) for down in told),
        redundancy=(),
        unclear=(),
        already_down=tuple(before),
        rows=tuple(_rows(told)),
    )


def _of_both_instances(
    switch_overs: Sequence[SwitchOver],
    walk: Walk,
    others: Sequence[SwitchOver],
    was_served: Callable[[Down], bool | None],
) -> Tunnels:
    losses = _belonging(walk.lost, switch_overs, others, _tunnel)
    out: dict[Down, None] = {}
    spared: list[Down] = []
    unclear: list[Down] = []
    for loss in losses:
        common = list(_common(loss, walk.beside))
        out |= dict.fromkeys(common)
        served = was_served(loss)
        if served is False and not common:
            out[loss] = None
        elif _is_spared(loss, common):
            (unclear if served is None and not common else spared).append(loss)
    downs = sorted(out, key=_begin)
    return Tunnels(
        outages=tuple(_outage(down) for down in downs),
        redundancy=redundancy_of([_outage(down) for down in spared]),
        unclear=tuple(_outage(down) for down in sorted(unclear, key=_begin)),
        already_down=tuple(_down_before(walk.lost, switch_overs, set(losses))),
        rows=tuple(_rows([*downs, *losses])),
    )


def _of_unknown_mode(
    switch_overs: Sequence[SwitchOver], walk: Walk, others: Sequence[SwitchOver], serves: Serves
) -> Tunnels:
    """What is known where each instance may have tunnels of its own, or one serves at a time.

    Only ARM tells whether another tunnel served a peer. One that is up since on either instance
    serves it now, in whichever mode.
    """
    found = _of_both_instances(
        switch_overs,
        walk,
        others,
        lambda loss: serves(loss.down.remote_ip, loss.down.instance, loss.down.at),
    )
    lost = {(row.remote_ip, row.at) for row in found.rows}
    spared = [
        tunnel
        for each in found.redundancy
        for tunnel in each.tunnels
        if serves(tunnel.remote_ip, tunnel.instance, tunnel.start)
    ]
    return replace(
        found,
        redundancy=redundancy_of(spared),
        unclear=tuple(_served_since(outage, walk) for outage in found.unclear),
        already_down=tuple(
            each
            for each in _down_before(walk.out, switch_overs, ())
            if (each.remote_ip, each.since) not in lost
        ),
    )


def _served_since(outage: Outage, walk: Walk) -> Outage:
    rows = [row for own in walk.tunnels[outage.remote_ip].values() for row in own]
    ups = [row.at for row in rows if row.kind is Kind.CONNECTED and row.at > outage.start]
    return replace(outage, back_before=min(ups)) if outage.is_open and ups else outage


def _begin(down: Down) -> tuple[datetime, str, str]:
    return down.down.at, down.down.remote_ip, down.down.instance


def _peer(down: Down) -> tuple[str, ...]:
    return (down.down.remote_ip,)


def _tunnel(down: Down) -> tuple[str, ...]:
    return down.down.remote_ip, down.down.instance


def _by_instance(rows: Iterable[Signal]) -> dict[str, list[Signal]]:
    instances: dict[str, list[Signal]] = defaultdict(list)
    for row in rows:
        instances[row.instance].append(row)
    return instances


def _over_all_instances(rows: Iterable[Signal], moved: Collection[Signal] = ()) -> list[Down]:
    """One remote IP's outages where one instance at a time serves it.

    A Disconnected row of the one instance just after a Connected one of the other was logged late,
    unless the tunnel then `moved`; by clocks that differ it may have moved before.
    """
    found: list[Down] = []
    current: Down | None = None
    latest: Signal | None = None  # the newest Disconnected of the current outage
    served: Signal | None = None  # the newest Connected
    for row in rows:
        if row.kind is Kind.CONNECTED:
            if current is not None:
                found.append(replace(current, up=row))
            current, served = None, row
        elif current is None:
            is_other = served is not None and served.instance != row.instance
            since = timedelta.max if served is None else row.at - served.at
            if is_other and row in moved and since <= SKEW:
                found.append(Down(down=row, up=served))
            elif row in moved or not (is_other and since <= NEAR):
                current, latest = Down(down=row), row
        else:
            if latest is not None and row.at - latest.at > NEAR:
                found.append(replace(current, again=row))
                current = Down(down=row)
            latest = row
    return found if current is None else [*found, current]


def _lacks_rows(down: Down, switch_overs: Sequence[SwitchOver]) -> bool:
    """Whether rows of the tunnel must have been lost between its Disconnected and its Connected.

    So it is where the role left meanwhile the instance on which the tunnel came back, or moved more
    often than the two rows show: once where they are of two instances, and else not at all. What
    moved within three minutes of the Disconnected is what the tunnel was lost by.
    """
    lost, back = down.down, down.up
    if back is None:
        return False
    first = bisect_left(switch_overs, lost.at - NEAR, key=lambda known: known.begin)
    last = bisect_left(switch_overs, back.at, key=lambda known: known.begin)
    moves = [known for known in switch_overs[first:last] if known.end + SKEW < back.at]
    had_left = any(
        known.from_instance == back.instance
        and not (known.begin <= lost.at and known.to_instance == lost.instance)
        for known in moves
    )
    later = sum(known.begin > lost.at + NEAR for known in moves)
    return had_left or later > (0 if back.instance == lost.instance else 1)


def _of_unknown_length(down: Down) -> Down:
    return replace(down, up=None, again=down.up)


def _served(loss: Down, walk: Walk, serves: Serves) -> bool | None:
    """Whether the peer of a lost tunnel had another one when that was lost; None: not known.

    By the rows it had one whose last row before is a Connected, unless the next is one, too: then
    it was down between them, and its Disconnected row was lost. One whose first row, later, is a
    Disconnected was up once, whatever ARM has of it.
    """
    row = loss.down
    own = walk.tunnels[row.remote_ip]
    others = [rows for instance, rows in own.items() if instance != row.instance]
    around = [_around(rows, row.at) for rows in others]
    up = [after for before, after in around if before and before.kind is Kind.CONNECTED]
    lacking = [after for after in up if after and after.kind is Kind.CONNECTED]
    if len(lacking) < len(up):
        return True
    by_arm = serves(row.remote_ip, row.instance, row.at)
    if lacking:
        return by_arm or None
    if any(before is not None for before, _ in around):
        return bool(by_arm)
    if any(rows[0].kind is Kind.DISCONNECTED for rows in others):
        return by_arm or None
    return by_arm


def _around(rows: Sequence[Signal], instant: datetime) -> tuple[Signal | None, Signal | None]:
    """A tunnel's newest row before `instant`, and its next one within an hour."""
    index = bisect_left(rows, instant, key=lambda row: row.at)
    following = rows[index] if index < len(rows) and rows[index].at - instant <= AGAIN else None
    return (rows[index - 1] if index else None), following


def _common(loss: Down, beside: Mapping[str, Mapping[str, Sequence[Down]]]) -> Iterator[Down]:
    """The times within `loss` in which the other instance had no tunnel to the peer either.

    Where the end of one was not logged nobody knows how long they lasted together.
    """
    for instance, downs in beside[loss.down.remote_ip].items():
        if instance == loss.down.instance or loss.again is not None:
            continue
        first = bisect_right(downs, loss.down.at, key=_until)
        last = bisect_left(downs, loss.until, key=_start)
        for other in downs[first:last]:
            if other.again is None:
                later = max(loss, other, key=_begin)
                ups = [down.up for down in (loss, other) if down.up is not None]
                yield Down(down=later.down, up=min(ups, key=lambda up: up.at, default=None))


def _until(down: Down) -> datetime:
    return down.until


def _is_spared(loss: Down, common: Sequence[Down]) -> bool:
    """Whether the peer of a lost tunnel had another one for more than a moment meanwhile."""
    if not common:
        return True
    out = sum((down.until - down.down.at for down in common if not down.is_open), timedelta())
    if any(down.is_open for down in common):
        first = min(down.down.at for down in common)
        return first - loss.down.at > NEAR
    return loss.is_open or loss.until - loss.down.at - out > NEAR


def _belonging(
    downs: Downs,
    switch_overs: Sequence[SwitchOver],
    others: Sequence[SwitchOver],
    place: Callable[[Down], tuple[str, ...]],
) -> list[Down]:
    """Those of `downs` that began within three minutes of a switch-over, and what followed soon.

    A tunnel that goes down again within an hour of its return is still of the failover, unless
    that is of another one. `place` says which downs are of one tunnel.
    """
    begun: dict[Down, None] = {}
    for known in switch_overs:
        first = bisect_left(downs.each, known.begin - NEAR, key=_start)
        last = bisect_right(downs.each, known.end + NEAR, key=_start)
        near = downs.each[first:last]
        begun |= dict.fromkeys(down for down in near if _may_be_of(down, known, place))
    if not begun:
        return []
    starts = [down.down.at for down in begun]
    horizon = max(starts)
    latest: dict[tuple[str, ...], Down] = {}
    for down in downs.each[bisect_left(downs.each, min(starts), key=_start) :]:
        if down.down.at > horizon:
            break
        own = latest.get(place(down))
        again = own is not None and _is_again(down, own) and not _is_of_another(down, others)
        if again or down in begun:
            begun[down] = None
            latest[place(down)] = down
            if not down.is_open:
                horizon = max(horizon, down.until + AGAIN)
    return sorted(begun, key=_begin)


def _is_again(down: Down, before: Down) -> bool:
    """Whether a tunnel went down within an hour of its return.

    Where nobody knows when it came back, within an hour of its loss, or for good.
    """
    if before.up is None:
        return down.is_open or down.down.at - before.down.at <= AGAIN
    return down.down.at - before.until <= AGAIN


def _may_be_of(down: Down, known: SwitchOver, place: Callable[[Down], tuple[str, ...]]) -> bool:
    """Whether a tunnel that went down then is of the switch-over.

    Of an active-active gateway only the lost instance's tunnels are, where that is known.
    """
    return place is _peer or known.from_instance in (None, down.down.instance)


def _is_of_another(down: Down, others: Sequence[SwitchOver]) -> bool:
    return any(known.apart(down.down.at, down.down.at) <= NEAR for known in others)


def _start(down: Down) -> datetime:
    return down.down.at


def _down_before(
    downs: Downs, switch_overs: Sequence[SwitchOver], own: Collection[Down]
) -> list[AlreadyDown]:
    """The tunnels that were down when the failover began, and had been for over three minutes.

    One that disconnects again had come back, and nobody knows when.
    """
    first = min(known.begin for known in switch_overs)
    before = [
        of_one[index - 1]
        for of_one in downs.of_one
        if (index := bisect_left(of_one, first - NEAR, key=_start))
    ]
    return [
        AlreadyDown(remote_ip=down.down.remote_ip, instance=down.down.instance, since=down.down.at)
        for down in sorted(before, key=_begin)
        if down.until > first and down.again is None and down not in own
    ]


def _outage(down: Down) -> Outage:
    source = EndSource.ARM if down.up and down.up.source == CARRIED else EndSource.LOG
    return Outage(
        remote_ip=down.down.remote_ip,
        instance=down.down.instance,
        start=down.down.at,
        end=None if down.up is None else max(down.up.at, down.down.at),
        end_source=None if down.up is None else source,
        back_before=None if down.again is None else down.again.at,
    )


def redundancy_of(lost: Iterable[Outage]) -> tuple[Redundancy, ...]:
    """The redundancy that the loss of these tunnels took, in time order.

    Each is a time in which an instance was without tunnels it had, until the last was back on it.
    """
    groups: dict[str, list[list[Outage]]] = defaultdict(list)
    for tunnel in sorted(lost, key=lambda tunnel: (tunnel.start, tunnel.remote_ip)):
        own = groups[tunnel.instance]
        if own and _is_of(tunnel, own[-1]):
            own[-1].append(tunnel)
        else:
            own.append([tunnel])
    found = [_lost_together(tunnels) for own in groups.values() for tunnels in own]
    return tuple(sorted(found, key=lambda lost: (lost.start, lost.instance)))


def _lost_together(tunnels: Sequence[Outage]) -> Redundancy:
    ends = [tunnel.end for tunnel in tunnels if tunnel.end is not None]
    return Redundancy(
        instance=tunnels[0].instance,
        start=tunnels[0].start,
        end=max(ends) if len(ends) == len(tunnels) else None,
        tunnels=tuple(tunnels),
    )


def _is_of(tunnel: Outage, together: Sequence[Outage]) -> bool:
    """Whether a tunnel was lost with these, or before all of them were back."""
    return tunnel.start - together[0].start <= NEAR or any(
        tunnel.start <= (known.end or known.back_before or _NEVER) for known in together
    )


def _rows(downs: Iterable[Down]) -> Iterable[Signal]:
    for down in downs:
        yield from (row for row in (down.down, down.up, down.again) if row is not None)
