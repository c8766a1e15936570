"""What became of each tunnel of a failover, as its page lists, draws and says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from detector.insights import Insight, document
from detector.model import EndSource, Evidence, TunnelStatus
from detector.text import count, day_and_month, instance_of, lasting


class Kind(StrEnum):
    """What is known of a tunnel's time down, and so how it is drawn."""

    OUT = "out"
    BOUND = "bound"
    LOST = "lost"
    MAYBE = "maybe"
    GONE = "gone"
    BEFORE = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One time down of a tunnel; `end` None: it was not seen to end.

    `length` says for how long, `back` how it ended or what is known of it instead, `served` whether
    another tunnel carried its traffic where that is the question. `seconds` compares lengths.
    """

    kind: Kind
    instance: str
    start: datetime
    end: datetime | None
    length: str
    back: str
    served: str = ""
    seconds: float = 0

    @property
    def order(self) -> tuple[bool, bool, int, float]:
        """What sorts bars: open ones first, then the longest; last what was down before."""
        is_past = self.kind in (Kind.GONE, Kind.BEFORE)
        is_over = self.end is not None
        return is_past, is_over, 0 if is_over else list(Kind).index(self.kind), -self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A tunnel by its peer's address, with all its times down in order, and what ARM answered."""

    remote_ip: str
    connection: str | None
    instance: str
    bars: tuple[Bar, ...]
    answers: tuple[document.TunnelFacts, ...] = ()

    @property
    def worst(self) -> Bar:
        """What matters most: what has not ended, else the longest."""
        return min(self.bars, key=lambda bar: bar.order)

    @property
    def name(self) -> str:
        """The name that people know it by."""
        return self.connection or self.remote_ip

    @property
    def place(self) -> str:
        """What stands below its name: its address, and its instance where that matters."""
        parts = [self.remote_ip if self.connection else "", self.instance]
        return ", ".join(filter(None, parts))

    @property
    def length(self) -> str:
        """For how long it was down, or since when; of several times how many there were."""
        if len(self.bars) == 1 or self.worst.end is None:
            return self.worst.length
        return count(len(self.bars), "time")

    @property
    def back(self) -> str:
        """How that ended; of several times the longest."""
        if len(self.bars) == 1 or self.worst.end is None:
            return self.worst.back
        return f"longest {self.worst.length}"


def moved(known: document.SwitchOverFacts) -> str:
    """What a switch-over did, as far as the rows tell: `IN_0 → IN_1`, `IN_1 lost its tunnels`."""
    if known.evidence is Evidence.BOTH_INSTANCES_LOST:
        return "both instances lost their tunnels"
    old, new = (instance_of(each or "") for each in (known.from_instance, known.to_instance))
    if known.evidence is Evidence.INSTANCE_LOST and old:
        return f"{old} lost its tunnels"
    if old and new:
        return f"{old} → {new}"
    return f"role moved from {old}" if old else f"role moved to {new}" if new else "role moved"


class Clock:
    """Instants in UTC to the second, with their date where it is not that of the failover."""

    def __init__(self, insight: Insight) -> None:
        self._day = insight.failover.first_at.astimezone(UTC).date()

    def __call__(self, instant: datetime) -> str:
        known = instant.astimezone(UTC)
        date = "" if known.date() == self._day else f"{day_and_month(known)} "
        return f"{date}{known:%H:%M:%S}"


def lanes_of(insight: Insight) -> list[Lane]:
    """Every tunnel that the failover is about, what matters most first."""
    bars: dict[tuple[str, str], list[Bar]] = {}
    connections: dict[str, str | None] = {}
    for remote_ip, connection, instance, bar in _bars(insight, Clock(insight)):
        bars.setdefault((remote_ip, instance), []).append(bar)
        connections[remote_ip] = connection or connections.get(remote_ip)
    lanes = [
        Lane(
            remote_ip=remote_ip,
            connection=connections[remote_ip],
            instance=instance,
            bars=tuple(sorted(own, key=lambda bar: bar.start)),
            answers=_answers(remote_ip, instance, insight),
        )
        for (remote_ip, instance), own in bars.items()
    ]
    return sorted(lanes, key=lambda lane: (*lane.worst.order, lane.name, lane.remote_ip))


def _answers(remote_ip: str, instance: str, insight: Insight) -> tuple[document.TunnelFacts, ...]:
    """What ARM answered of the tunnel; of one of two instances only where all answers agree.

    ARM speaks by VIP, and which instance has which VIP is not documented.
    """
    own = _told_by_arm(remote_ip, insight)
    return own if not instance or len({each.status for each in own}) == 1 else ()


def _told_by_arm(remote_ip: str, insight: Insight) -> tuple[document.TunnelFacts, ...]:
    """Every answer of ARM that is one: Unknown is none."""
    return tuple(
        each
        for each in insight.tunnels
        if each.remote_ip == remote_ip and each.status != TunnelStatus.UNKNOWN
    )


def _bars(insight: Insight, clock: Clock) -> Iterator[tuple[str, str | None, str, Bar]]:
    """Each time down, with the tunnel's address, connection and, where it matters, instance."""
    failover = insight.failover
    for outage in failover.outages:
        yield outage.remote_ip, outage.connection, "", _outage(outage, insight, clock)
    for lost in failover.redundancy_lost:
        for tunnel in lost.tunnels:
            bar = _loss(tunnel, lost.instance, Kind.LOST, insight, clock)
            yield tunnel.remote_ip, tunnel.connection, bar.instance, bar
    for perhaps in failover.maybe_out:
        bar = _loss(perhaps, perhaps.instance, Kind.MAYBE, insight, clock)
        yield perhaps.remote_ip, perhaps.connection, bar.instance, bar
    for known in failover.already_down:
        yield known.remote_ip, known.connection, "", _already_down(known, clock)


def _outage(outage: document.OutageFacts, insight: Insight, clock: Clock) -> Bar:
    start, end, kind = outage.from_, outage.to, Kind.OUT
    seconds = outage.seconds or outage.at_most or 0
    length, back = _lasting(seconds), clock(end) if end else ""
    if outage.is_open:
        length = f"since {clock(start)}"
        back = _not_back(outage.remote_ip, insight, clock)
    elif not outage.followed:
        kind = Kind.GONE
        length, back = f"since {clock(start)}", "connection deleted"
    elif outage.seconds is None or outage.end_source is EndSource.ARM:
        kind, length = Kind.BOUND, f"at most {_lasting(outage.at_most or seconds)}"
        if end is None:
            end = start + timedelta(seconds=outage.at_most or 0)
            back = f"by {clock(end)} (not logged)"
        else:
            back = f"by {clock(end)} (Azure)"
    return Bar(
        kind=kind,
        instance=instance_of(outage.instance),
        start=start,
        end=end,
        length=length,
        back=back,
        seconds=seconds,
    )


def _not_back(remote_ip: str, insight: Insight, clock: Clock) -> str:
    """What is known of a tunnel that the log does not show back: ARM's latest answer, if any."""
    answers = _told_by_arm(remote_ip, insight)
    if not answers:
        return f"not seen by {clock(insight.failover.seen_until)}"
    latest = max(answers, key=lambda each: each.as_of)
    contradicted = ", not by the log" if latest.status == TunnelStatus.CONNECTED else ""
    return f"{latest.status} at {clock(latest.as_of)} (Azure){contradicted}"


def _loss(
    tunnel: document.TunnelLossFacts | document.MaybeOutFacts,
    instance: str,
    kind: Kind,
    insight: Insight,
    clock: Clock,
) -> Bar:
    start, end = tunnel.from_, tunnel.to
    served = "peer served" if kind is Kind.LOST else "not known whether served"
    if end is None:
        seconds, length = 0.0, f"since {clock(start)}"
        back = f"not seen by {clock(insight.failover.seen_until)}"
    else:
        seconds = (end - start) / timedelta(seconds=1)
        length, back = _lasting(seconds), clock(end)
    return Bar(
        kind=kind,
        instance=instance_of(instance),
        start=start,
        end=end,
        length=length,
        back=back,
        served=served,
        seconds=seconds,
    )


def _already_down(known: document.AlreadyDownFacts, clock: Clock) -> Bar:
    return Bar(
        kind=Kind.BEFORE,
        instance="",
        start=known.since,
        end=None,
        length=f"since {clock(known.since)}",
        back="down before the failover",
    )


def _lasting(seconds: float) -> str:
    return lasting(timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at an instant, in words."""

    at: datetime
    text: str


def events_of(insight: Insight, lanes: Sequence[Lane]) -> list[Event]:
    """All that the timeline shows, in order."""
    return sorted(_events(insight, lanes), key=lambda event: event.at)


def _events(insight: Insight, lanes: Iterable[Lane]) -> Iterator[Event]:
    failover, clock = insight.failover, Clock(insight)
    causes = (failover.cause, *(each.cause for each in failover.switch_overs))
    for statement, at in {each.statement: each.at for each in causes if each}.items():
        if at is not None:
            yield Event(at=at, text=statement)
    for known in failover.switch_overs:
        earliest = f", not before {clock(known.not_before)}" if known.not_before else ""
        yield Event(at=known.at, text=f"Switch-over: {moved(known)} ({known.evidence}){earliest}")
    for lane in lanes:
        where = f"{lane.name} ({lane.place})" if lane.place else lane.name
        for bar in lane.bars:
            on = f" on {bar.instance}" if bar.instance else ""
            before = "already " if bar.kind is Kind.BEFORE else ""
            yield Event(at=bar.start, text=f"{where} {before}down{on}")
            if bar.end is not None:
                bound = " at the latest" if bar.kind is Kind.BOUND else ""
                yield Event(at=bar.end, text=f"{where} back{bound}, after {bar.length}")
    for answer in insight.tunnels:
        name = (
            f"{answer.connection} ({answer.remote_ip})" if answer.connection else answer.remote_ip
        )
        vip = f", VIP {answer.vip}" if answer.vip else ""
        text = f"Azure Resource Manager says {answer.status}: {name}{vip}"
        yield Event(at=answer.as_of, text=text)
    yield Event(at=failover.seen_until, text="Logs seen until here")
