"""True stories of a gateway: what happened, and the rows that Azure would have logged of it.

A story is made by the rules by which gateways behave, and not by reading rows: whoever reads its
rows should come to its truth. Rows may then be lost, doubled and late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from random import Random

from detector.model import CauseKind, Evidence, Kind, Phase, Signal
from tests.builders import (
    GATEWAYS,
    LILLE,
    LYON,
    NICE,
    ONE,
    PARIS,
    ZERO,
    at,
    down,
    of_activity,
    of_gateway,
    up,
)

FOREIGN = f"{GATEWAYS}vpn-branch"
CAUSES = (CauseKind.RESET, CauseKind.MAINTENANCE, CauseKind.CONFIGURATION)
HOUR = timedelta(hours=1)


class Mode(Enum):
    """How the gateway works; what ARM says of it is `known`."""

    STANDBY = "active-standby"
    ACTIVE = "active-active"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TrueOutage:
    """A remote IP without any tunnel; `end` None where it never came back."""

    start: datetime
    remote_ip: str
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueSwitchOver:
    """The active role moved, or an instance was lost, and what that did to the tunnels."""

    at: datetime
    evidence: Evidence
    from_instance: str | None
    to_instance: str | None
    outages: tuple[TrueOutage, ...] = ()
    redundancy: tuple[datetime, datetime | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCause:
    """What was recorded beside a failover, by the first row of the record that is believed."""

    kind: CauseKind
    at: datetime | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueFailover:
    """The switch-overs of one story that people tell, and its cause."""

    switch_overs: tuple[TrueSwitchOver, ...]
    cause: TrueCause
    recorded: tuple[TrueCause, ...]

    @property
    def outages(self) -> tuple[TrueOutage, ...]:
        """The outages of all its switch-overs, in time order."""
        return tuple(sorted(out for known in self.switch_overs for out in known.outages))


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened at one gateway, and all rows of it.

    `known` says whether ARM tells the mode. `over_at` is when nothing more happens.
    `bundles` are rows that are true only together: one tunnel of two, or half an operation, says
    something else.
    """

    mode: Mode
    known: bool
    failovers: tuple[TrueFailover, ...]
    rows: tuple[Signal, ...]
    bundles: tuple[tuple[Signal, ...], ...]
    over_at: datetime

    @property
    def active_active(self) -> bool | None:
        """What ARM says of the mode."""
        return (self.mode is Mode.ACTIVE) if self.known else None


@dataclass(slots=True, kw_only=True)
class _Teller:
    """Makes one story up, event by event, along one clock that never overlaps two events."""

    random: Random
    mode: Mode
    known: bool
    peers: list[str]
    active: str = ZERO
    clock: datetime = field(default_factory=at)
    rows: list[Signal] = field(default_factory=list)
    bundles: list[tuple[Signal, ...]] = field(default_factory=list)
    switch_overs: list[TrueSwitchOver] = field(default_factory=list)

    def seconds(self, least: float, most: float) -> timedelta:
        return timedelta(milliseconds=self.random.randint(int(least * 1000), int(most * 1000)))

    def chance(self, of_ten: int) -> bool:
        return self.random.randint(1, 10) <= of_ten

    def pause(self) -> None:
        """Let time pass: to another switch-over of the same failover, or to another failover."""
        if self.chance(6):
            self.clock += self.seconds(5 * 60, 40 * 60)
        else:
            self.clock += self.seconds(61 * 60, 4 * 3600)

    def fail_over(self) -> None:
        """The active role moves; each peer's tunnel moves with it, some late, some never."""
        start, source, target = self.clock, self.active, _other(self.active)
        downs: dict[str, datetime] = {}
        ups: dict[str, datetime | None] = {}
        for peer in self.peers:
            downs[peer] = start + self.seconds(0, 20)
            fate = self.random.randint(1, 20)
            if fate == 1 and peer != self.peers[0]:
                ups[peer] = None
            elif fate == 2 and peer != self.peers[0]:
                ups[peer] = downs[peer] + self.seconds(181, 20 * 60)
            else:
                ups[peer] = downs[peer] + self.seconds(0, 150)
        for peer, went in downs.items():
            self.rows.append(down(went, source, peer))
            came = ups[peer]
            if came is not None:
                self.rows.append(up(came, target, peer))
        moved = [
            went
            for peer, went in downs.items()
            if (came := ups[peer]) is not None and came - went <= timedelta(minutes=3)
        ]
        primary = self._primary_changed(start)
        self.switch_overs.append(
            TrueSwitchOver(
                at=primary or min(moved),
                evidence=Evidence.PRIMARY_CHANGED if primary else Evidence.HAND_OVER,
                from_instance=source,
                to_instance=target,
                outages=tuple(
                    TrueOutage(start=went, remote_ip=peer, end=ups[peer])
                    for peer, went in downs.items()
                ),
            )
        )
        self.active = target
        self._gone(ups)

    def lose_an_instance(self) -> None:
        """One instance of two active ones goes down with its tunnels, and comes back."""
        start, instance = self.clock, self.random.choice((ZERO, ONE))
        downs = {peer: start + self.seconds(0, 25) for peer in self.peers}
        ups: dict[str, datetime | None] = {
            peer: None if self.chance(1) and peer != self.peers[0] else went + self.seconds(21, 900)
            for peer, went in downs.items()
        }
        for peer, went in downs.items():
            self.rows.append(down(went, instance, peer))
            came = ups[peer]
            if came is not None:
                self.rows.append(up(came, instance, peer))
        primary = self._primary_changed(start) if self.chance(3) else None
        back = [came for came in ups.values() if came is not None]
        if (self.known and len(downs) > 1) or primary:
            self.switch_overs.append(
                TrueSwitchOver(
                    at=primary or min(downs.values()),
                    evidence=Evidence.PRIMARY_CHANGED if primary else Evidence.INSTANCE_LOST,
                    from_instance=instance,
                    to_instance=None,
                    outages=()
                    if self.known
                    else tuple(
                        TrueOutage(start=went, remote_ip=peer, end=ups[peer])
                        for peer, went in downs.items()
                    ),
                    redundancy=(
                        min(downs.values()),
                        max(back) if len(back) == len(ups) else None,
                    )
                    if self.known
                    else None,
                )
            )
        self._gone(ups)

    def flap(self) -> None:
        """Dead-peer detection: one tunnel drops and comes back on the same instance."""
        instance = self.active if self.mode is Mode.STANDBY else self.random.choice((ZERO, ONE))
        self._drops(self.random.choice(self.peers), (instance,))

    def glitch(self) -> None:
        """The internet hiccups: every tunnel drops and comes back where it was."""
        instances = (self.active,) if self.mode is Mode.STANDBY else (ZERO, ONE)
        start, before = self.clock, len(self.rows)
        for peer in self.peers:
            self.clock = start
            self._drops(peer, instances)
        self.clock = max(row.at for row in self.rows[before:])
        self.bundles.append(tuple(self.rows[before:]))

    def lose_a_peer(self) -> None:
        """A peer reboots: every tunnel that it has drops, and comes back where it was."""
        instances = (self.active,) if self.mode is Mode.STANDBY else (ZERO, ONE)
        before = len(self.rows)
        self._drops(self.random.choice(self.peers), instances)
        self.bundles.append(tuple(self.rows[before:]))

    def _drops(self, peer: str, instances: Iterable[str]) -> None:
        start = self.clock
        back = start + self.seconds(2, 900)
        for instance in instances:
            self.rows.append(down(start + self.seconds(0, 2), instance, peer))
            self.rows.append(up(back + self.seconds(0, 20), instance, peer))
        self.clock = back + timedelta(seconds=20)

    def _primary_changed(self, start: datetime) -> datetime | None:
        """The first of the rows that say that the primary changed, where there are any."""
        times = sorted(start + self.seconds(0, 20) for _ in range(self.random.choice((0, 0, 1, 2))))
        self.rows += [of_gateway(Kind.PRIMARY_CHANGED, when) for when in times]
        return times[0] if times else None

    def _gone(self, ups: dict[str, datetime | None]) -> None:
        """Go on when all is settled, without the peers that never came back."""
        self.clock = max([self.clock, *(came for came in ups.values() if came is not None)])
        self.clock += timedelta(minutes=4)
        self.peers = [peer for peer in self.peers if ups[peer] is not None]

    def failovers(self) -> Iterator[TrueFailover]:
        """The switch-overs by failover, each with what is recorded around it."""
        chains: list[list[TrueSwitchOver]] = []
        for known in sorted(self.switch_overs, key=lambda known: known.at):
            if chains and known.at - chains[-1][-1].at <= HOUR:
                chains[-1].append(known)
            else:
                chains.append([known])
        for chain in chains:
            recorded = tuple(self._recorded(chain))
            believed = min(
                recorded,
                key=lambda cause: (CAUSES.index(cause.kind), cause.at),
                default=TrueCause(kind=CauseKind.NOT_RECORDED),
            )
            yield TrueFailover(switch_overs=tuple(chain), cause=believed, recorded=recorded)

    def _recorded(self, chain: Sequence[TrueSwitchOver]) -> Iterator[TrueCause]:
        """Records that count, among others that do not."""
        for kind in CAUSES:
            if self.chance(3):
                when = self.random.choice(chain).at - timedelta(minutes=15)
                when += self.seconds(0, 20 * 60)
                yield self._record(kind, when)
        near = self.random.choice(chain).at - timedelta(minutes=2)
        for decoy in (self._failed, self._attempted, self._foreign, self._stale):
            if self.chance(3):
                decoy(near)

    def _record(self, kind: CauseKind, when: datetime) -> TrueCause:
        if kind is CauseKind.MAINTENANCE:
            self.rows.append(of_gateway(Kind.MAINTENANCE, when, text="Upgrade gateway started"))
            return TrueCause(kind=kind, at=when)
        if kind is CauseKind.CONFIGURATION and self.chance(5):
            self.rows.append(of_gateway(Kind.CONFIGURATION, when, phase=Phase.SUCCEEDED))
            return TrueCause(kind=kind, at=when)
        operation = Kind.RESET if kind is CauseKind.RESET else Kind.WRITE
        caller = self._operation(operation, when, Phase.SUCCEEDED)
        return TrueCause(kind=kind, at=when, caller=caller)

    def _operation(self, kind: Kind, when: datetime, end: Phase | None) -> str:
        """The rows of an operation: its start, perhaps its acceptance, and how it ended."""
        before = number = len(self.rows)
        caller = f"user{number}@example.net"
        named = {"caller": caller, "correlation_id": f"c-{number}" if self.chance(7) else ""}
        row = of_activity(kind, Phase.STARTED, when, **named)
        self.rows.append(row)
        if self.chance(5):
            self.rows.append(replace(row, at=when + self.seconds(0, 60)))
        if end is not None:
            later = self.seconds(5, 600) if self.chance(8) else self.seconds(600, 2 * 3600)
            self.rows.append(replace(row, at=when + later, phase=end))
        self.bundles.append(tuple(self.rows[before:]))
        return caller

    def _failed(self, near: datetime) -> None:
        self._operation(self.random.choice((Kind.RESET, Kind.WRITE)), near, Phase.FAILED)

    def _attempted(self, near: datetime) -> None:
        self._operation(self.random.choice((Kind.RESET, Kind.WRITE)), near, None)

    def _foreign(self, near: datetime) -> None:
        """A maintenance and a reset of another gateway, and a tunnel that it has."""
        before, bundles = len(self.rows), len(self.bundles)
        self._record(self.random.choice(CAUSES), near)
        self.rows += [down(near, ZERO, PARIS), up(near + self.seconds(1, 60), ZERO, PARIS)]
        self.rows[before:] = [replace(row, gateway_id=FOREIGN) for row in self.rows[before:]]
        del self.bundles[bundles:]

    def _stale(self, near: datetime) -> None:
        """A reset or a maintenance that no switch-over lies near enough to."""
        when = near + self.random.choice((-1, 1)) * self.seconds(16 * 60, 40 * 60)
        reach = (timedelta(minutes=15, seconds=1), timedelta(minutes=5, seconds=1))
        if all(not -reach[1] < known.at - when < reach[0] for known in self.switch_overs):
            self._record(self.random.choice(CAUSES), when)


def a_story(random: Random) -> Story:
    """A story that `random` makes up."""
    mode = random.choice((Mode.STANDBY, Mode.ACTIVE))
    peers = [PARIS, LYON, LILLE, NICE][: random.randint(1, 4)]
    teller = _Teller(random=random, mode=mode, known=random.randint(1, 4) > 1, peers=peers)
    moves = teller.fail_over if mode is Mode.STANDBY else teller.lose_an_instance
    events: tuple[Callable[[], None], ...] = (moves, moves, moves, teller.flap, teller.lose_a_peer)
    if mode is Mode.STANDBY or len(peers) > 1:
        events += (teller.glitch,)
    for _ in range(random.randint(1, 5)):
        random.choice(events)()
        teller.pause()
    failovers = tuple(teller.failovers())
    rows = tuple(sorted(teller.rows, key=lambda row: row.at))
    return Story(
        mode=mode,
        known=teller.known,
        failovers=failovers,
        rows=rows,
        bundles=tuple(teller.bundles),
        over_at=max(row.at for row in rows) + timedelta(minutes=1),
    )


def with_losses(story: Story, random: Random) -> list[Signal]:
    """The story's rows without some of them: resource logs are not lossless.

    Of rows that are true only together no more than one is lost; two could tell of anything. An
    operation's first row stays: who sees only its end cannot know when it began.
    """
    lost = {row for row in story.rows if random.randint(1, 5) == 1}
    for bundle in story.bundles:
        lost -= set([row for row in bundle if row in lost][1:])
        if bundle[0].caller:
            lost.discard(bundle[0])
    return [row for row in story.rows if row not in lost]


def arriving(story: Story, random: Random, most: timedelta) -> list[tuple[datetime, Signal]]:
    """Every row, some twice, with when it arrives: at most so long after it was logged."""
    delays = {row: random.random() * most for row in story.rows}
    for bundle in story.bundles:
        together = max(row.at + delays[row] for row in bundle)
        delays |= {row: together - row.at for row in bundle}
    return [(row.at + delays[row], row) for row in doubled(story.rows, random)]


def doubled(rows: Sequence[Signal], random: Random) -> list[Signal]:
    """`rows`, some of them twice, in any order."""
    twice = [*rows, *(row for row in rows if random.randint(1, 4) == 1)]
    random.shuffle(twice)
    return twice


def _other(instance: str) -> str:
    return ONE if instance == ZERO else ZERO
