"""True stories of a gateway: what happened, the rows that Azure would have logged, and ARM's word.

A story is made by the rules by which gateways behave, and not by reading rows: whoever reads its
rows should come to its truth. Rows may then be lost, doubled and late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from random import Random
from typing import Final

from detector.model import (
    CauseKind,
    Connection,
    Kind,
    Phase,
    Signal,
    TunnelState,
    TunnelStatus,
)
from tests.builders import (
    GATEWAYS,
    LILLE,
    LYON,
    NICE,
    ONE,
    PARIS,
    SUBSCRIPTION,
    ZERO,
    at,
    down,
    of_activity,
    of_gateway,
    up,
)

FOREIGN: Final = f"{GATEWAYS}vpn-branch"
NAMES: Final = {PARIS: "conn-paris", LYON: "conn-lyon", LILLE: "conn-lille", NICE: "conn-nice"}
VIPS: Final = ("203.0.113.10", "203.0.113.11")
BOTH: Final = (ZERO, ONE)
CAUSES: Final = (CauseKind.RESET, CauseKind.MAINTENANCE, CauseKind.CONFIGURATION)
BEGINNING: Final = at(hours=-30)
"""Since then the tunnels are up that nothing is told of before the story."""


class Mode(Enum):
    """How the gateway works; whether ARM tells it is another matter."""

    STANDBY = "active-standby"
    ACTIVE = "active-active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time; `end` is None where it goes on beyond the story."""

    start: datetime
    end: datetime | None = None

    def holds(self, instant: datetime) -> bool:
        """Whether `instant` lies in it; its start does, its end does not."""
        return self.start <= instant and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueSwitchOver:
    """The active role moved, or an instance was lost, or both were; from first to last tunnel.

    `changed` are the times of its rows that say that the primary changed.
    """

    begin: datetime
    end: datetime
    from_instance: str | None
    to_instance: str | None
    changed: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueRecord:
    """What was recorded of a possible cause: all its rows, and whether it took place."""

    kind: CauseKind
    rows: tuple[Signal, ...]
    took_place: bool = True

    @property
    def at(self) -> datetime:
        """When its first row was logged."""
        return self.rows[0].at


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened at one gateway, and all rows of it.

    `known` says whether ARM tells the mode. `instances` are those that each peer has a tunnel to:
    of an active-standby gateway both, one at a time. `connected` holds when each tunnel was
    connected, by remote IP and instance. `vips` is the assignment that nobody documents.
    `keeps_times` says whether ARM still has the time of a last connection when a tunnel is down.
    `over_at` is when nothing more happens.
    """

    mode: Mode
    known: bool
    instances: Mapping[str, tuple[str, ...]]
    switch_overs: tuple[TrueSwitchOver, ...]
    records: tuple[TrueRecord, ...]
    rows: tuple[Signal, ...]
    connected: Mapping[tuple[str, str], tuple[Span, ...]]
    vips: Mapping[str, str]
    keeps_times: bool
    over_at: datetime

    @property
    def active_active(self) -> bool | None:
        """What ARM says of the mode."""
        return (self.mode is Mode.ACTIVE) if self.known else None

    def outages(self, remote_ip: str) -> list[Span]:
        """When the peer had no connected tunnel, in time order."""
        spans = [
            span for instance in BOTH for span in self.connected.get((remote_ip, instance), ())
        ]
        return list(_gaps(spans))

    def lost(self, remote_ip: str, instance: str) -> list[Span]:
        """When the peer had no connected tunnel to that instance, in time order."""
        return list(_gaps(self.connected.get((remote_ip, instance), ())))

    def is_out(self, remote_ip: str, instant: datetime) -> bool:
        """Whether the peer had no connected tunnel then."""
        return any(span.holds(instant) for span in self.outages(remote_ip))

    @property
    def connections(self) -> list[Connection]:
        """What a list of the gateway's connections says."""
        return [
            Connection(name=NAMES[ip], remote_ip=ip, status="Unknown", id=connection_id(ip))
            for ip in self.instances
        ]

    def live(self, now: datetime) -> dict[str, Connection]:
        """What ARM says of each connection at `now`, with its tunnels."""
        return {
            each.id: replace(each, tunnels=tuple(self._tunnels(ip, now)))
            for each in self.connections
            if (ip := each.remote_ip)
        }

    def _tunnels(self, remote_ip: str, now: datetime) -> Iterator[TunnelState]:
        if self.mode is Mode.STANDBY:
            spans = [each for instance in BOTH for each in self.connected[remote_ip, instance]]
            yield self._state(VIPS[0], spans, now)
            return
        for instance in self.instances[remote_ip]:
            yield self._state(self.vips[instance], self.connected[remote_ip, instance], now)

    def _state(self, vip: str, spans: Iterable[Span], now: datetime) -> TunnelState:
        begun = sorted((span for span in spans if span.start <= now), key=_start)
        since = begun[-1].start.replace(microsecond=0) if begun else None
        if any(span.holds(now) for span in begun):
            status = TunnelStatus.CONNECTED
        else:
            is_trying = now.minute % 2 == 0
            status = TunnelStatus.CONNECTING if is_trying else TunnelStatus.NOT_CONNECTED
            since = since if self.keeps_times else None
        return TunnelState(vip=vip, status=status, connected_since=since)


def connection_id(remote_ip: str) -> str:
    """The id of the connection that leads to a remote IP."""
    return (
        f"{SUBSCRIPTION}/resourcegroups/rg-network/providers/microsoft.network/connections/"
        f"{NAMES[remote_ip]}"
    )


def _gaps(spans: Iterable[Span]) -> Iterator[Span]:
    until: datetime | None = BEGINNING
    for span in sorted(spans, key=_start):
        if until is None:
            return
        if span.start > until:
            yield Span(start=until, end=span.start)
        until = None if span.end is None else max(until, span.end)
    if until is not None:
        yield Span(start=until)


@dataclass(slots=True, kw_only=True)
class _Teller:
    """Makes one story up, event by event, along one clock that never overlaps two events."""

    random: Random
    mode: Mode
    known: bool
    instances: dict[str, tuple[str, ...]]
    skew: timedelta
    active: str = ZERO
    clock: datetime = field(default_factory=at)
    rows: list[Signal] = field(default_factory=list)
    records: list[TrueRecord] = field(default_factory=list)
    spans: dict[tuple[str, str], list[Span]] = field(default_factory=lambda: defaultdict(list))
    switch_overs: list[TrueSwitchOver] = field(default_factory=list)

    def seconds(self, least: float, most: float) -> timedelta:
        return timedelta(milliseconds=self.random.randint(int(least * 1000), int(most * 1000)))

    def chance(self, of_ten: int) -> bool:
        return self.random.randint(1, 10) <= of_ten

    # What happens to one tunnel, and the row of it.

    def connects(self, peer: str, instance: str, when: datetime) -> None:
        self.spans[peer, instance].append(Span(start=when))
        self.rows.append(up(self.logged(instance, when), instance, peer))

    def disconnects(self, peer: str, instance: str, when: datetime) -> None:
        spans = self.spans[peer, instance]
        spans[-1] = replace(spans[-1], end=when)
        self.rows.append(down(self.logged(instance, when), instance, peer))

    def logged(self, instance: str, when: datetime) -> datetime:
        """When an instance's own clock says that it is."""
        return when + self.skew if instance == ONE else when

    def is_up(self, peer: str, instance: str) -> bool:
        spans = self.spans[peer, instance]
        return bool(spans) and spans[-1].end is None

    def up_on(self, instance: str) -> list[str]:
        """The peers with a connected tunnel to an instance."""
        return [peer for peer in self.instances if self.is_up(peer, instance)]

    @property
    def is_one_sided(self) -> bool:
        """Whether an active-active gateway has tunnels to one instance only.

        Then nothing tells the loss of that from one of all its peers at once.
        """
        used = {i for own in self.instances.values() for i in own}
        return self.mode is Mode.ACTIVE and len(used) < 2

    # How it was before.

    def begin(self) -> None:
        """Everything is up, except perhaps a tunnel that went down before, or never was up."""
        for peer, instances in self.instances.items():
            for instance in (self.active,) if self.mode is Mode.STANDBY else instances:
                self.spans[peer, instance].append(Span(start=BEGINNING))
        last = list(self.instances)[-1]
        others = len(self.instances) > 1
        if others and self.chance(1):
            where = self.active if self.mode is Mode.STANDBY else self.instances[last][-1]
            self.disconnects(last, where, self.clock - self.seconds(30 * 60, 9 * 3600))
        elif self.chance(1) and (others or len(self.instances[last]) > 1):
            if self.mode is Mode.ACTIVE:
                self.spans[last, self.instances[last][-1]].clear()
            else:
                self.spans[last, self.active].clear()

    # Events of an active-standby gateway.

    def fail_over(self) -> None:
        """The active role moves; each peer's tunnel moves with it, some late, some never.

        A hand-over takes seconds, or as long as ten minutes for all of them.
        """
        start, source, target = self.clock, self.active, _other(self.active)
        slow = self.seconds(185, 590) if self.chance(2) else timedelta()
        times = [start]
        up_before = self.up_on(source)
        for number, peer in enumerate(up_before):
            went = start + self.seconds(0, 20)
            self.disconnects(peer, source, went)
            times.append(went)
            fate = 20 if number == 0 else self.random.randint(1, 20)
            if fate <= 2:
                continue
            came = went + slow + self.seconds(0.5, 15 if self.chance(7) else 150)
            if fate == 3:
                came += self.seconds(181, 20 * 60)
            self.connects(peer, target, came)
            times.append(came)
        for peer in self.instances:
            if peer not in up_before and self.chance(4):
                self.connects(peer, target, max(times) + self.seconds(0, 20))
        self.active = target
        if not up_before:
            self.clock = start + timedelta(minutes=4)
            return
        self.switch_overs.append(
            TrueSwitchOver(
                begin=start,
                end=max(times[: len(times)]),
                from_instance=source,
                to_instance=target,
                changed=self.primary_changed(start + slow),
            )
        )
        self.clock = max([*times, *(span.start for own in self.spans.values() for span in own)])

    def primary_changed(self, near: datetime) -> tuple[datetime, ...]:
        """The rows that say that the primary changed, where there are any."""
        number = self.random.choice((0, 0, 1, 2))
        times = sorted(near + self.seconds(0, 20) for _ in range(number))
        self.rows += [of_gateway(Kind.PRIMARY_CHANGED, when) for when in times]
        return tuple(times)

    def there_and_back(self) -> None:
        """The role moves and moves back, minutes later, or an hour."""
        self.fail_over()
        self.clock += self.seconds(60, 170) if self.chance(2) else self.seconds(200, 50 * 60)
        self.fail_over()

    def flap(self) -> None:
        """The role moves three times or more within hours."""
        for _ in range(self.random.randint(3, 5)):
            self.fail_over()
            self.clock += self.seconds(200, 45 * 60)

    # Events of an active-active gateway.

    def lose_an_instance(self) -> None:
        """One instance goes down with its tunnels, and comes back; perhaps the other one, too.

        A maintenance of both instances is recorded before each. Of a single peer the loss is only
        shown by its being the gateway's only one, or by a record.
        """
        first = self.random.choice(BOTH)
        serviced = self.chance(5)
        for instance in (first, _other(first)) if self.chance(4) else (first,):
            if not self.up_on(instance):
                continue
            if serviced:
                row = of_gateway(Kind.MAINTENANCE, self.clock - self.seconds(0, 60))
                self.record(CauseKind.MAINTENANCE, row)
            self.switch_overs.append(self.instance_goes(instance))
            self.clock += self.seconds(4 * 60, 15 * 60)

    def instance_goes(self, instance: str) -> TrueSwitchOver:
        start = self.clock
        times = [start]
        for number, peer in enumerate(self.up_on(instance)):
            went = start + self.seconds(0, 25)
            self.disconnects(peer, instance, went)
            times.append(went)
            if number == 0 or not self.chance(1):
                self.connects(peer, instance, came := went + self.seconds(21, 900))
                self.clock = max(self.clock, came)
        return TrueSwitchOver(
            begin=start,
            end=max(times),
            from_instance=instance,
            to_instance=None,
            changed=self.primary_changed(start) if self.chance(2) else (),
        )

    def lose_both(self) -> None:
        """A write to the gateway takes both instances with all tunnels for minutes."""
        start = self.clock
        self.operation(Kind.WRITE, start - self.seconds(10, 120), Phase.SUCCEEDED)
        times = [start]
        for peer, instances in self.instances.items():
            for instance in instances:
                if self.is_up(peer, instance):
                    went = start + self.seconds(0, 90)
                    self.disconnects(peer, instance, went)
                    times.append(went)
                    self.connects(peer, instance, start + self.seconds(110, 700))
        self.clock = start + timedelta(seconds=700)
        self.switch_overs.append(
            TrueSwitchOver(begin=start, end=max(times), from_instance=None, to_instance=None)
        )

    # Events of the peers, and of what lies between.

    def serving(self) -> tuple[str, ...]:
        return (self.active,) if self.mode is Mode.STANDBY else BOTH

    def dead_peer(self) -> None:
        """Dead-peer detection: one tunnel drops and comes back on the same instance."""
        instance = self.random.choice(self.serving())
        own = self.up_on(instance)
        if own:
            self._drops(self.random.choice(own), (instance,), self.seconds(6, 900))

    def bounce(self) -> None:
        """One tunnel goes down and comes back again and again."""
        instance = self.random.choice(self.serving())
        own = self.up_on(instance)
        if not own:
            return
        peer = self.random.choice(own)
        for _ in range(self.random.randint(2, 6)):
            self._drops(peer, (instance,), self.seconds(6, 200))
            self.clock += self.seconds(60, 300)

    def glitch(self) -> None:
        """The internet hiccups: every tunnel drops and comes back where it was."""
        start, last = self.clock, self.clock
        length = self.seconds(1, 3) if self.chance(5) or self.is_one_sided else self.seconds(6, 600)
        for peer in self.instances:
            self.clock = start
            self._drops(peer, self.serving(), length)
            last = max(last, self.clock)
        self.clock = last

    def blink(self) -> None:
        """All tunnels of one instance drop for a second, in step."""
        instance = self.random.choice(self.serving())
        start = self.clock
        for peer in self.up_on(instance):
            self.clock = start
            self._drops(peer, (instance,), self.seconds(0.5, 1.5))

    def lose_a_peer(self) -> None:
        """A peer reboots: every tunnel that it has drops, and comes back where it was."""
        peer = self.random.choice(list(self.instances))
        length = self.seconds(2, 3) if self.is_one_sided else self.seconds(6, 900)
        self._drops(peer, self.serving(), length)

    def peer_dies(self) -> None:
        """A peer is gone for good, or for as long as the story goes."""
        peer = self.random.choice(list(self.instances))
        for instance in self.serving():
            if self.is_up(peer, instance) and len(self.instances) > 1:
                self.disconnects(peer, instance, self.clock + self.seconds(0, 2))
        self.clock += timedelta(minutes=6)

    def _drops(self, peer: str, instances: Iterable[str], length: timedelta) -> None:
        start = self.clock
        for instance in instances:
            if self.is_up(peer, instance):
                went = start + self.seconds(0, 0.4)
                self.disconnects(peer, instance, went)
                self.connects(peer, instance, came := went + length)
                self.clock = max(self.clock, came)

    # What is recorded.

    def record(self, kind: CauseKind, *rows: Signal, took_place: bool = True) -> None:
        self.rows += rows
        self.records.append(TrueRecord(kind=kind, rows=rows, took_place=took_place))

    def recorded(self) -> None:
        """Records beside some switch-overs, among others that do not count."""
        for known in self.switch_overs:
            for kind in CAUSES:
                if self.chance(1):
                    self.take_place(
                        kind, known.begin - timedelta(minutes=14) + self.seconds(0, 1000)
                    )
            near = known.begin - timedelta(minutes=2)
            for decoy in (self._failed, self._attempted, self._foreign):
                if self.chance(1):
                    decoy(near)

    def take_place(self, kind: CauseKind, when: datetime) -> None:
        if kind is CauseKind.MAINTENANCE:
            self.record(kind, of_gateway(Kind.MAINTENANCE, when, text="Upgrade gateway started"))
        elif kind is CauseKind.CONFIGURATION and self.chance(5):
            self.record(kind, of_gateway(Kind.CONFIGURATION, when, phase=Phase.SUCCEEDED))
        else:
            is_reset = kind is CauseKind.RESET
            self.operation(Kind.RESET if is_reset else Kind.WRITE, when, Phase.SUCCEEDED)

    def operation(self, kind: Kind, when: datetime, end: Phase | None) -> None:
        """The rows of an operation: its start, perhaps its acceptance, and how it ended."""
        number = len(self.rows)
        named = {
            "caller": f"user{number}@example.net",
            "correlation_id": f"c-{number}" if self.chance(7) else "",
        }
        rows = [of_activity(kind, Phase.STARTED, when, **named)]
        if self.chance(5):
            rows.append(replace(rows[0], at=when + self.seconds(1, 60)))
        if end is not None:
            rows.append(replace(rows[0], at=when + self.seconds(65, 600), phase=end))
        self.record(
            CauseKind.RESET if kind is Kind.RESET else CauseKind.CONFIGURATION,
            *rows,
            took_place=end is Phase.SUCCEEDED,
        )

    def _failed(self, near: datetime) -> None:
        self.operation(Kind.RESET, near, Phase.FAILED)

    def _attempted(self, near: datetime) -> None:
        self.operation(Kind.RESET, near, None)

    def _foreign(self, near: datetime) -> None:
        """A maintenance of another gateway, and a tunnel that it has."""
        rows = (
            of_gateway(Kind.MAINTENANCE, near),
            down(near, ZERO, PARIS),
            up(near + self.seconds(1, 60), ZERO, PARIS),
        )
        self.rows += [replace(row, gateway_id=FOREIGN) for row in rows]


def a_story(random: Random) -> Story:
    """A story that `random` makes up."""
    mode = random.choice((Mode.STANDBY, Mode.ACTIVE))
    peers = [PARIS, LYON, LILLE, NICE][: random.randint(1, 4)]
    reach = [BOTH] * 4 + [(random.choice(BOTH),)]
    if mode is Mode.ACTIVE and random.randint(1, 8) == 1:
        reach = [(random.choice(BOTH),)]  # the second tunnels were never made
    teller = _Teller(
        random=random,
        mode=mode,
        known=random.randint(1, 4) > 1,
        instances={peer: BOTH if mode is Mode.STANDBY else random.choice(reach) for peer in peers},
        skew=timedelta(milliseconds=random.choice((0, 0, random.randint(-1900, 1900)))),
        active=random.choice(BOTH),
    )
    teller.begin()
    for _ in range(random.randint(1, 4)):
        happens = random.choice(_events(teller))
        happens()
        teller.clock += _pause(random, mode)
    teller.recorded()
    rows = tuple(sorted(teller.rows, key=lambda row: row.at))
    vips = VIPS if random.randint(0, 1) else VIPS[::-1]
    return Story(
        mode=mode,
        known=teller.known,
        instances=teller.instances,
        switch_overs=tuple(sorted(teller.switch_overs, key=lambda known: known.begin)),
        records=tuple(teller.records),
        rows=rows,
        connected={
            (peer, instance): tuple(teller.spans[peer, instance])
            for peer in peers
            for instance in BOTH
        },
        vips=dict(zip(BOTH, vips, strict=True)),
        keeps_times=random.randint(0, 1) == 1,
        over_at=max([at(), *(row.at for row in rows)]) + timedelta(minutes=1),
    )


def _events(teller: _Teller) -> Sequence[Callable[[], None]]:
    """What may happen, the more often the more often it stands here.

    Of a gateway with one peer nothing tells the loss of an instance from that of its one tunnel
    there, so neither dead-peer detection nor a bounce happens to that.
    """
    several = len(teller.instances) > 1
    if teller.mode is Mode.STANDBY:
        moves = [teller.fail_over] * 4 + [teller.there_and_back, teller.flap]
        return [*moves, teller.dead_peer, teller.bounce, teller.glitch, teller.peer_dies]
    moves = [teller.lose_an_instance] * 4 + [teller.lose_both] * 2
    others = [teller.lose_a_peer, teller.blink, teller.peer_dies]
    return [*moves, *others, *([teller.glitch, teller.dead_peer, teller.bounce] if several else [])]


def _pause(random: Random, mode: Mode) -> timedelta:
    """Time passes: to another event of the same failover, or to another failover.

    Of an active-active gateway a record stands beside whatever one tunnel does in the next 20
    minutes; nothing tells that from the loss of an instance.
    """
    if random.randint(1, 10) <= 5:
        return timedelta(seconds=random.randint(300 if mode is Mode.STANDBY else 1600, 40 * 60))
    return timedelta(seconds=random.randint(61 * 60, 3 * 3600))


def in_whole_seconds(story: Story) -> Story:
    """The story as it is where the logs leave out the fractions of a second: rows coincide."""

    def cut(row: Signal) -> Signal:
        return replace(row, at=_second(row.at))

    return replace(
        story,
        rows=tuple(sorted(map(cut, story.rows), key=lambda row: row.at)),
        records=tuple(replace(each, rows=tuple(map(cut, each.rows))) for each in story.records),
        switch_overs=tuple(
            replace(each, changed=tuple(map(_second, each.changed))) for each in story.switch_overs
        ),
    )


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def with_losses(rows: Sequence[Signal], random: Random, percent: int) -> list[Signal]:
    """The rows without so many of a hundred: resource logs are not lossless."""
    return [row for row in rows if random.randint(1, 100) > percent]


Arrival = tuple[datetime, Signal]


def arriving(rows: Iterable[Signal], random: Random, most: timedelta) -> list[Arrival]:
    """Every row, some twice, with when it arrives: soon as a rule, and at most so late."""
    found = [(row.at + min(most, most * random.expovariate(5)), row) for row in rows]
    return [*found, *((when + most / 9, row) for when, row in found if random.randint(1, 9) == 1)]


def _other(instance: str) -> str:
    return ONE if instance == ZERO else ZERO


def _start(span: Span) -> datetime:
    return span.start
