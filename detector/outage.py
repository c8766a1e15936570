"""Which tunnels of a failover were down, on which instance, from when to when.

These are tunnel states in logs, not packets.
A remote IP is served by one instance at a time, except where the gateway is active-active and its
rows show no tunnel that moved: there each instance has its own, and a remote IP is out only while
a row says so of both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from detector.model import EndSource, Kind, Outage, Redundancy, Signal, SwitchOver
from detector.switchover import NEAR, Outcome, Pairing

_MOVED: Final = frozenset({Outcome.HAND_OVER, Outcome.TOO_LATE})


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


def tunnels(
    switch_overs: Sequence[SwitchOver],
    rows: Sequence[Signal],
    paired: Sequence[Pairing],
    *,
    active_active: bool | None,
) -> Tunnels:
    """The outages and the redundancy lost that belong to the switch-overs of one gateway.

    `rows` are the gateway's in time order, `paired` what `switchover.pairings` made of them.
    """
    moved = {pairing.disconnected for pairing in paired if pairing.outcome is Outcome.HAND_OVER}
    moving = {p.disconnected.remote_ip for p in paired if p.outcome in _MOVED}
    by_peer: dict[str, list[Signal]] = defaultdict(list)
    for row in rows:
        if row.kind in (Kind.DISCONNECTED, Kind.CONNECTED):
            by_peer[row.remote_ip].append(row)
    outages: list[tuple[Outage, Down]] = []
    losses: list[Down] = []
    for remote_ip, peer_rows in by_peer.items():
        if active_active and remote_ip not in moving:
            downs = _of_each_instance(peer_rows)
            losses += [down for down in downs if _belongs(down, switch_overs, moved)]
            served_by_none = _common(downs)
        else:
            served_by_none = _over_all_instances(peer_rows)
        outages += [
            (_outage(down), down) for down in served_by_none if _belongs(down, switch_overs, moved)
        ]
    outages.sort(key=lambda found: (found[0].start, found[0].remote_ip))
    downs = [down for _, down in outages] + losses
    return Tunnels(
        outages=tuple(outage for outage, _ in outages),
        redundancy=_redundancy(losses),
        rows=tuple(_rows(downs)),
    )


def _over_all_instances(rows: Iterable[Signal]) -> list[Down]:
    """One remote IP's outages where one instance at a time serves it."""
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
            stray = served is not None and served.instance != row.instance
            if not (stray and served is not None and row.at - served.at <= NEAR):
                current, latest = Down(down=row), row
        else:
            if latest is not None and row.at - latest.at > NEAR:
                found.append(replace(current, again=row))
                current = Down(down=row)
            latest = row
    return found if current is None else [*found, current]


def _of_each_instance(rows: Iterable[Signal]) -> list[Down]:
    """One remote IP's times without a tunnel on one instance or the other."""
    instances: dict[str, list[Signal]] = defaultdict(list)
    for row in rows:
        instances[row.instance].append(row)
    return [down for own in instances.values() for down in _over_all_instances(own)]


def _common(downs: Sequence[Down]) -> list[Down]:
    """The times that lie in the `downs` of two instances: no instance served the remote IP then."""
    found: list[Down] = []
    for down in downs:
        for other in downs:
            later = other.down.instance != down.down.instance and (
                (other.down.at, other.down.instance) < (down.down.at, down.down.instance)
            )
            if not later or other.again is not None or down.again is not None:
                continue
            if other.up is not None and other.up.at <= down.down.at:
                continue
            ups = [up for up in (other.up, down.up) if up is not None]
            found.append(Down(down=down.down, up=min(ups, key=lambda up: up.at, default=None)))
    return found


def _belongs(down: Down, switch_overs: Iterable[SwitchOver], moved: Collection[Signal]) -> bool:
    """Whether `down` began with one of the switch-overs, on the instance that lost the role.

    What ended before a switch-over is not of it, unless it is itself evidence of one.
    """
    return any(
        abs(down.down.at - known.at) <= NEAR
        and (
            down.down in moved
            or (
                known.from_instance in (None, down.down.instance)
                and (down.up is None or down.up.at >= known.at)
            )
        )
        for known in switch_overs
    )


def _outage(down: Down) -> Outage:
    return Outage(
        remote_ip=down.down.remote_ip,
        instance=down.down.instance,
        start=down.down.at,
        end=None if down.up is None else down.up.at,
        end_source=None if down.up is None else EndSource.LOG,
        back_before=None if down.again is None else down.again.at,
    )


def _redundancy(losses: Sequence[Down]) -> tuple[Redundancy, ...]:
    """For each instance: from its first lost tunnel until the last of them was back on it."""
    instances: dict[str, list[Down]] = defaultdict(list)
    for down in losses:
        instances[down.down.instance].append(down)
    return tuple(
        Redundancy(
            instance=instance,
            start=min(down.down.at for down in downs),
            end=_last_up(downs),
            missing=tuple(sorted({down.down.remote_ip for down in downs if down.is_open})),
        )
        for instance, downs in sorted(instances.items())
    )


def _last_up(downs: Sequence[Down]) -> datetime | None:
    """When the last came back; None while one has not, or where its return was not logged."""
    ups = [down.up.at for down in downs if down.up is not None]
    return max(ups) if len(ups) == len(downs) else None


def _rows(downs: Iterable[Down]) -> Iterable[Signal]:
    for down in downs:
        yield from (row for row in (down.down, down.up, down.again) if row is not None)
