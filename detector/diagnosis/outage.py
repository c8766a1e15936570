"""Which tunnels of a failover were down, on which instance, from when to when.

These are tunnel states in logs, not packets.
A remote IP is served by one instance at a time, except where the gateway is active-active and its
rows show no tunnel that moved: there each instance has its own, and a remote IP is out only while
a row says so of both.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from detector.diagnosis.switchover import NEAR, Pairing, Reading
from detector.model import EndSource, Kind, Outage, Redundancy, Signal, SwitchOver

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A tunnel's time without a Connected row, from a Disconnected row.

    `up` is the Connected row that ended it, `again` the next Disconnected row where that one came
    first: the Connected row between them was not logged.
    """

    down: Signal
    up: Signal | None = None
    again: Signal | None = None

    @property
    def is_open(self) -> bool:
        """Whether no row says anything after it."""
        return self.up is None and self.again is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnels:
    """What a failover did to its tunnels, and the rows that say so."""

    outages: tuple[Outage, ...]
    redundancy: tuple[Redundancy, ...]
    rows: tuple[Signal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """All times without a tunnel in one gateway's rows, whatever they belong to, in time order.

    `out` are those of a remote IP that one instance at a time serves, `lost` those of one instance
    of two, and `beside` the latter by remote IP and instance.
    `moved` are the Disconnected rows of tunnels that were handed over.
    """

    out: Sequence[Down]
    lost: Sequence[Down]
    beside: Mapping[str, Mapping[str, Sequence[Down]]]
    moved: Collection[Signal]


def walk(rows: Iterable[Signal], paired: Sequence[Pairing], *, active_active: bool | None) -> Walk:
    """What the rows of one gateway, in time order, say of its tunnels.

    `paired` is what `switchover.pairings` made of them.
    """
    moved = {pairing.disconnected for pairing in paired if pairing.outcome is Reading.HAND_OVER}
    moving = {row.remote_ip for row in moved}
    by_peer: dict[str, list[Signal]] = defaultdict(list)
    for row in rows:
        if row.kind in (Kind.DISCONNECTED, Kind.CONNECTED):
            by_peer[row.remote_ip].append(row)
    out: list[Down] = []
    beside: dict[str, dict[str, list[Down]]] = {}
    for remote_ip, peer_rows in by_peer.items():
        if active_active and remote_ip not in moving:
            beside[remote_ip] = _of_each_instance(peer_rows)
        else:
            out += _over_all_instances(peer_rows, moved)
    lost = [down for own in beside.values() for downs in own.values() for down in downs]
    return Walk(
        out=sorted(out, key=_begin), lost=sorted(lost, key=_begin), beside=beside, moved=moved
    )


def tunnels(switch_overs: Sequence[SwitchOver], walked: Walk) -> Tunnels:
    """The outages and the redundancy lost that belong to these switch-overs of one gateway."""
    losses = list(_belonging(walked.lost, switch_overs, walked.moved))
    downs = [
        *_belonging(walked.out, switch_overs, walked.moved),
        *dict.fromkeys(common for loss in losses for common in _common(loss, walked.beside)),
    ]
    downs.sort(key=_begin)
    return Tunnels(
        outages=tuple(_outage(down) for down in downs),
        redundancy=_redundancy(losses),
        rows=tuple(_rows([*downs, *losses])),
    )


def _begin(down: Down) -> tuple[datetime, str, str]:
    return down.down.at, down.down.remote_ip, down.down.instance


def _over_all_instances(rows: Iterable[Signal], moved: Collection[Signal] = ()) -> list[Down]:
    """One remote IP's outages where one instance at a time serves it.

    A Disconnected row of the one instance just after a Connected one of the other was logged late,
    unless the tunnel then `moved`.
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
            late = (
                served is not None
                and served.instance != row.instance
                and row.at - served.at <= NEAR
                and row not in moved
            )
            if not late:
                current, latest = Down(down=row), row
        else:
            if latest is not None and row.at - latest.at > NEAR:
                found.append(replace(current, again=row))
                current = Down(down=row)
            latest = row
    return found if current is None else [*found, current]


def _of_each_instance(rows: Iterable[Signal]) -> dict[str, list[Down]]:
    """One remote IP's times without a tunnel on one instance and on the other."""
    instances: dict[str, list[Signal]] = defaultdict(list)
    for row in rows:
        instances[row.instance].append(row)
    return {instance: _over_all_instances(own) for instance, own in instances.items()}


def _common(loss: Down, beside: Mapping[str, Mapping[str, Sequence[Down]]]) -> Iterator[Down]:
    """The times within `loss` in which the other instance had no tunnel to the peer either.

    Where the end of one was not logged nobody knows how long they lasted together.
    """
    for instance, downs in beside[loss.down.remote_ip].items():
        if instance == loss.down.instance or loss.again is not None:
            continue
        first = bisect_left(downs, loss.down.at, key=_until)
        for other in downs[first:]:
            if other.down.at >= _until(loss):
                break
            if other.again is None and _until(other) > loss.down.at:
                later = max(loss, other, key=_begin)
                ups = [down.up for down in (loss, other) if down.up is not None]
                yield Down(down=later.down, up=min(ups, key=lambda up: up.at, default=None))


def _until(down: Down) -> datetime:
    """When the next row of the tunnel was logged; the end of time where none was."""
    last = down.up or down.again
    return _NEVER if last is None else last.at


def _belonging(
    downs: Sequence[Down], switch_overs: Iterable[SwitchOver], moved: Collection[Signal]
) -> Iterable[Down]:
    """Those of `downs` that began with a switch-over, on the instance that lost the role.

    What ended before a switch-over is not of it, unless it is itself evidence of one.
    """
    found: dict[Down, None] = {}
    for known in switch_overs:
        first = bisect_left(downs, known.at - NEAR, key=lambda down: down.down.at)
        last = bisect_right(downs, known.at + NEAR, key=lambda down: down.down.at)
        for down in downs[first:last]:
            lost_there = known.from_instance in (None, down.down.instance)
            lasting = down.up is None or down.up.at >= known.at
            if down.down in moved or (lost_there and lasting):
                found[down] = None
    return found


def _outage(down: Down) -> Outage:
    return Outage(
        remote_ip=down.down.remote_ip,
        instance=down.down.instance,
        start=down.down.at,
        end=None if down.up is None else down.up.at,
        end_source=None if down.up is None else EndSource.LOG,
        back_before=None if down.again is None else down.again.at,
    )


def _redundancy(losses: Iterable[Down]) -> tuple[Redundancy, ...]:
    """Each time in which an instance was without tunnels it had, until the last was back on it."""
    groups: dict[str, list[list[Down]]] = defaultdict(list)
    for down in sorted(losses, key=_begin):
        own = groups[down.down.instance]
        if own and _is_of(down, own[-1]):
            own[-1].append(down)
        else:
            own.append([down])
    found = [
        Redundancy(
            instance=instance,
            start=downs[0].down.at,
            end=_last_up(downs),
            missing=tuple(sorted({down.down.remote_ip for down in downs if down.is_open})),
        )
        for instance, own in groups.items()
        for downs in own
    ]
    return tuple(sorted(found, key=lambda lost: (lost.start, lost.instance)))


def _is_of(down: Down, loss: Sequence[Down]) -> bool:
    """Whether a tunnel was lost with those of `loss`, or before all of them were back."""
    begun = down.down.at
    return begun - loss[0].down.at <= NEAR or any(begun <= _until(known) for known in loss)


def _last_up(downs: Sequence[Down]) -> datetime | None:
    """When the last came back; None while one has not, or where its return was not logged."""
    ups = [down.up.at for down in downs if down.up is not None]
    return max(ups) if len(ups) == len(downs) else None


def _rows(downs: Iterable[Down]) -> Iterable[Signal]:
    for down in downs:
        yield from (row for row in (down.down, down.up, down.again) if row is not None)
