"""Whether what was told of a story is true: each statement beside what happened.

What is told at a time is held against the truth of that time. A row that was lost or is late
excuses nothing here; it is only noted whether one that bears on the statement is still to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from detector.diagnosis.diagnosis import open_tunnels
from detector.diagnosis.switchover import LOSS_WITHIN, NEAR
from detector.insights import message
from detector.insights.standing import News, Severity
from detector.journal.history import Record
from detector.model import (
    CauseKind,
    EndSource,
    Importance,
    Kind,
    Outage,
    Signal,
    State,
    SwitchOver,
)
from tests.builders import GATEWAY_ID, ONE, ZERO
from tests.generator import BEGINNING, Arrival, Mode, Span, Story, TrueSwitchOver

ASIDE: Final = timedelta(seconds=3)
"""Clocks of instances differ by two seconds, and ARM's times have no fractions of one."""

ROWS_LATER: Final = timedelta(seconds=28)
"""So long after the last tunnel the primary may be logged to have changed."""

GONE: Final = timedelta(minutes=5)
LONG_GONE: Final = timedelta(minutes=30)
LATEST: Final = timedelta(minutes=20)
AGAIN: Final = timedelta(minutes=60)
BEFORE: Final = timedelta(minutes=15)
AFTER: Final = timedelta(minutes=5)


class Falsehood(StrEnum):
    """What kind of false statement it is."""

    MADE_UP = "switch-over made up"
    TWICE = "switch-over told twice"
    INSTANT = "instant outside the switch-over"
    RETRACTED = "retracted, but it was one"
    FLAPPING = "flapping made up"
    SERVED = "outage claimed, peer was served"
    LENGTH = "length wrong by the rows"
    BACK_BY_ARM = "said back by ARM, was not by then"
    BACK_BEFORE = "said back before, was not"
    DOWN_BY_ARM = "said down by ARM, was up"
    NOT_BACK = "said not seen back, a row shows it"
    REDUNDANCY = "redundancy claimed, peer was out"
    REDUNDANCY_LENGTH = "redundancy's length wrong by the rows"
    REDUNDANCY_STANDBY = "redundancy of an active-standby gateway"
    REDUNDANCY_MADE_UP = "redundancy claimed, tunnel was up"
    ALREADY_DOWN = "said already down, was not"
    ALL_BACK = "said all back, is down"
    CRITICAL = "Critical while all is back"
    CAUSE = "cause made up"
    CAUSE_UNTOLD = "cause not told, its rows are there"
    UNTOLD = "untold, the rows left prove it"
    BETTER = "left with a better state"
    BETTER_UNLOGGED = "left with a better state, no row of the tunnel's loss"
    ONLY_REDUNDANCY = "left with redundancy lost, peer is out"
    WORSE = "left with down, is back"
    HEARD_BETTER = "people last heard better than is true"
    HEARD_BETTER_UNLOGGED = "people last heard better than is true, no row of the tunnel's loss"
    HEARD_WORSE = "people last heard Critical, all is back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A false statement, and what it is about; `awaits` that a row of it was still to come."""

    kind: Falsehood
    about: str
    awaits: bool = False


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges what is told of a story of whose rows these arrive."""

    story: Story
    arrivals: Sequence[Arrival]
    connections_known: bool
    statements: int = 0
    lengths: int = 0
    findings: list[Finding] = field(default_factory=list)

    def hear(self, record: Record, records: Sequence[Record], now: datetime) -> None:
        """Judge all that one revision says; `records` are those of all failovers, this one too."""
        self.findings += self._of(record, records, now)

    def left(self, records: Sequence[Record], heard: Mapping[str, News], now: datetime) -> None:
        """Judge what is left when all rows have arrived, what people heard, what is not told.

        `heard` is what people were last sent of each failover.
        """
        self.findings += self._untold(records)
        self.findings += self._left(records, now)
        self.findings += self._heard(records, heard, now)

    # One revision.

    def _of(self, record: Record, records: Sequence[Record], now: datetime) -> Iterator[Finding]:
        diagnosis, known = record.diagnosis, record.failover.switch_overs
        if diagnosis.borne_out:
            yield from self._of_switch_overs(known, now)
            yield from self._of_causes(record, now)
        elif all(self.matched(each) for each in known):
            yield self._finding(Falsehood.RETRACTED, str(known[0].at), now)
        for outage in diagnosis.outages:
            yield from self._of_outage(outage, self.story.outages(outage.remote_ip), now)
        for lost in diagnosis.redundancy:
            for tunnel in lost.tunnels:
                yield from self._of_redundancy(tunnel, now)
        for down in diagnosis.already_down:
            self.statements += 1
            begin = min(each.begin for each in known)
            gaps = (
                self.story.outages(down.remote_ip)
                if self.story.mode is Mode.STANDBY or not self.story.known
                else self.story.lost(down.remote_ip, down.instance)
            )
            if not any(
                gap.holds(down.since + ASIDE) and (gap.end is None or gap.end > begin - ASIDE)
                for gap in gaps
            ):
                yield self._finding(Falsehood.ALREADY_DOWN, f"{down}", now, down.remote_ip)
        self.statements += 2
        if diagnosis.importance is Importance.CRITICAL and not self._is_critical(now):
            yield self._finding(Falsehood.CRITICAL, f"{known[0].at} at {now}", now)
        if diagnosis.state is State.RECOVERED and diagnosis.borne_out:
            listed = self._listed(records)
            for remote_ip, is_logged in self._down_of([record], now):
                if is_logged and remote_ip not in listed:
                    yield self._finding(Falsehood.ALL_BACK, f"{remote_ip} at {now}", now, remote_ip)

    def _of_switch_overs(self, known: Sequence[SwitchOver], now: datetime) -> Iterator[Finding]:
        for each in known:
            self.statements += 1
            true = self.matched(each)
            if true is None:
                yield self._finding(Falsehood.MADE_UP, f"{each}", now)
            elif (each.not_before or each.at) > true.end + ROWS_LATER or (
                each.at if each.not_before is None else each.end
            ) < true.begin - ASIDE:
                yield self._finding(Falsehood.INSTANT, f"{each}", now)

    def _of_causes(self, record: Record, now: datetime) -> Iterator[Finding]:
        arrived = self.arrived(now)
        for known, cause in zip(
            record.failover.switch_overs, record.diagnosis.causes, strict=False
        ):
            self.statements += 1
            near = [
                each
                for each in self.story.records
                if each.took_place and known.begin - BEFORE - NEAR <= each.at <= known.end + AFTER
            ]
            if cause.kind is CauseKind.NOT_RECORDED:
                if any(
                    set(each.rows) <= arrived
                    and known.begin - BEFORE <= each.at <= known.end + AFTER
                    for each in near
                ):
                    yield self._finding(Falsehood.CAUSE_UNTOLD, f"{known.at}", now)
            elif cause.kind not in {each.kind for each in near}:
                yield self._finding(Falsehood.CAUSE, f"{known.at} {cause.kind}", now)
        if record.diagnosis.flapping:
            self.statements += 1
            last = max(each.end for each in record.failover.switch_overs)
            day = [
                each
                for each in self.story.switch_overs
                if last - timedelta(hours=24) <= each.begin <= last + NEAR
            ]
            if len(day) < 3:
                yield self._finding(Falsehood.FLAPPING, f"{last}", now)

    def _of_outage(
        self,
        outage: Outage,
        gaps: Sequence[Span],
        now: datetime,
        *,
        length: Falsehood = Falsehood.LENGTH,
        made_up: Falsehood = Falsehood.SERVED,
    ) -> Iterator[Finding]:
        self.statements += 1
        about = f"{outage.remote_ip} {outage.instance[-4:]} {outage.start} to {outage.end}"

        def false(kind: Falsehood) -> Finding:
            return self._finding(kind, about, now, outage.remote_ip)

        until = outage.end or outage.back_before or outage.start
        touched = [
            gap
            for gap in gaps
            if gap.start <= until + ASIDE and (gap.end is None or gap.end >= outage.start - ASIDE)
        ]
        if not touched:
            yield false(made_up)
            return
        own = min(touched, key=lambda gap: abs(gap.start - outage.start))
        if outage.end is not None and outage.end_source is EndSource.LOG:
            self.lengths += 1
            if (
                abs(own.start - outage.start) > ASIDE
                or own.end is None
                or abs(own.end - outage.end) > ASIDE
            ):
                yield false(length)
        elif outage.end is not None:
            if own.end is None or own.end > outage.end + ASIDE:
                yield false(Falsehood.BACK_BY_ARM)
        elif outage.back_before is not None:
            if own.end is None or own.end > outage.back_before + ASIDE:
                yield false(Falsehood.BACK_BEFORE)
        elif outage.live is not None and outage.live.is_down:
            at = outage.live.at
            if not any(
                gap.start <= at and (gap.end is None or gap.end >= at - ASIDE) for gap in gaps
            ):
                yield false(Falsehood.DOWN_BY_ARM)
        elif self.story.known and self._shows_back(outage, now):
            yield false(Falsehood.NOT_BACK)

    def _shows_back(self, outage: Outage, now: datetime) -> bool:
        """Whether a row that arrived shows that the tunnel had connected since."""
        rows = [
            row
            for row in self.arrived(now)
            if row.gateway_id == GATEWAY_ID
            and row.remote_ip == outage.remote_ip
            and (self.story.mode is Mode.STANDBY or row.instance == outage.instance)
        ]
        since = outage.start + ASIDE
        return any(row.kind is Kind.CONNECTED and row.at > since for row in rows)

    def _of_redundancy(self, tunnel: Outage, now: datetime) -> Iterator[Finding]:
        if self.story.mode is Mode.STANDBY:
            self.statements += 1
            yield self._finding(Falsehood.REDUNDANCY_STANDBY, f"{tunnel.start}", now)
            return
        gaps = self.story.lost(tunnel.remote_ip, tunnel.instance)
        yield from self._of_outage(
            tunnel,
            gaps,
            now,
            length=Falsehood.REDUNDANCY_LENGTH,
            made_up=Falsehood.REDUNDANCY_MADE_UP,
        )
        until = tunnel.end or tunnel.back_before or now
        if any(
            gap.start <= tunnel.start + ASIDE and (gap.end is None or gap.end >= until - ASIDE)
            for gap in self.story.outages(tunnel.remote_ip)
        ):
            yield self._finding(
                Falsehood.REDUNDANCY, f"{tunnel.remote_ip} {tunnel.start}", now, tunnel.remote_ip
            )

    # The truth.

    def matched(self, told: SwitchOver) -> TrueSwitchOver | None:
        """The switch-over that was told, if there was one."""
        return next(iter(self._matching(told)), None)

    def _matching(self, told: SwitchOver) -> list[TrueSwitchOver]:
        near = [
            true
            for true in self.story.switch_overs
            if told.apart(true.begin, true.end) <= NEAR
            and (
                None in (told.from_instance, true.from_instance)
                or told.from_instance == true.from_instance
            )
            and (
                None in (told.to_instance, true.to_instance) or told.to_instance == true.to_instance
            )
        ]
        return sorted(near, key=lambda true: abs(true.begin - told.at))

    def _is_critical(self, now: datetime) -> bool:
        """Whether a peer is out, or an instance has been without tunnels for half an hour."""
        if any(self.story.is_out(remote_ip, now) for remote_ip in self.story.instances):
            return True
        if self.story.mode is Mode.STANDBY:
            return False
        return any(
            all(
                any(gap.holds(now) and now - gap.start >= LONG_GONE for gap in gaps)
                for gaps in self._lost_on(instance)
            )
            for instance in (ZERO, ONE)
            if any(self._lost_on(instance))
        )

    def _is_anything_down(self, now: datetime) -> bool:
        return any(
            gap.holds(now) and gap.start > BEGINNING
            for remote_ip, instances in self.story.instances.items()
            for gaps in (
                [self.story.outages(remote_ip)]
                if self.story.mode is Mode.STANDBY
                else [self.story.lost(remote_ip, instance) for instance in instances]
            )
            for gap in gaps
        )

    def _lost_on(self, instance: str) -> list[list[Span]]:
        return [
            self.story.lost(remote_ip, instance)
            for remote_ip, own in self.story.instances.items()
            if instance in own
        ]

    def _down_of(self, records: Iterable[Record], now: datetime) -> Iterator[tuple[str, bool]]:
        """The peers that are out since one of the switch-overs that were told.

        With each whether a row says that it went down, which has arrived, each time since.
        """
        true = {
            matched
            for record in records
            for told in record.failover.switch_overs
            if (matched := self.matched(told))
        }
        for remote_ip in self.story.instances:
            returned: datetime | None = None
            is_logged = True
            for gap in self.story.outages(remote_ip):
                near = {
                    known
                    for known in self.story.switch_overs
                    if known.begin - NEAR <= gap.start <= known.end + NEAR
                }
                is_again = returned is not None and gap.start - returned <= AGAIN
                is_of = bool(near & true) or (is_again and not near)
                if is_of:
                    is_logged = (is_logged or not is_again) and self._is_logged(
                        remote_ip, gap.start, now
                    )
                    if gap.holds(now):
                        yield remote_ip, is_logged
                    returned = gap.end

    def _is_logged(self, remote_ip: str, start: datetime, now: datetime) -> bool:
        return any(
            row.kind is Kind.DISCONNECTED
            and row.gateway_id == GATEWAY_ID
            and row.remote_ip == remote_ip
            and abs(row.at - start) <= ASIDE
            for row in self.arrived(now)
        )

    # The rows.

    def arrived(self, now: datetime) -> set[Signal]:
        """The rows that are there at `now`."""
        return {row for when, row in self.arrivals if when <= now}

    def _finding(
        self, kind: Falsehood, about: str, now: datetime, remote_ip: str | None = None
    ) -> Finding:
        there = self.arrived(now)
        awaits = any(
            row not in there and row.at <= now and remote_ip in (None, row.remote_ip)
            for _, row in self.arrivals
        )
        return Finding(kind=kind, about=about, awaits=awaits)

    # What is told in the end.

    def _left(self, records: Sequence[Record], now: datetime) -> Iterator[Finding]:
        told = [record for record in records if record.diagnosis.borne_out]
        listed = self._listed(records)
        for remote_ip, is_logged in self._down_of(told, now):
            self.statements += 1
            if remote_ip not in listed:
                kind = Falsehood.BETTER if is_logged else Falsehood.BETTER_UNLOGGED
                yield self._finding(kind, f"{remote_ip} at {now}", now, remote_ip)
            elif self.story.known and self.story.mode is Mode.ACTIVE:
                out = {o.remote_ip for r in records for o in r.diagnosis.outages if o.is_open}
                if remote_ip not in out:
                    yield self._finding(
                        Falsehood.ONLY_REDUNDANCY, f"{remote_ip} at {now}", now, remote_ip
                    )
        for record in records:
            for outage in record.diagnosis.outages:
                if outage.is_open and not self.story.is_out(outage.remote_ip, now):
                    about = f"{outage.remote_ip} {outage.start}"
                    yield self._finding(Falsehood.WORSE, about, now, outage.remote_ip)

    def _heard(
        self, records: Sequence[Record], heard: Mapping[str, News], now: datetime
    ) -> Iterator[Finding]:
        """What people last heard, by the severity of the message and by its title.

        News of a cause is no worse than information, also while a tunnel is down; its title says
        what is down all the same.
        """
        if not any(map(_says_that_something_is_amiss, heard.values())):
            told = [record for record in records if record.diagnosis.borne_out]
            for remote_ip, is_logged in self._down_of(told, now):
                kind = Falsehood.HEARD_BETTER if is_logged else Falsehood.HEARD_BETTER_UNLOGGED
                yield self._finding(kind, f"{remote_ip} at {now}", now, remote_ip)
        is_failure = any(news.severity is Severity.FAILURE for news in heard.values())
        if is_failure and not self._is_anything_down(now):
            yield self._finding(Falsehood.HEARD_WORSE, f"at {now}", now)

    def _listed(self, records: Iterable[Record]) -> set[str]:
        """The peers of which a tunnel is told as not seen back.

        Of a gateway of unknown mode a slow hand-over is none, and its tunnels were down before.
        """
        listed = {tunnel.remote_ip for each in records for tunnel in open_tunnels(each.diagnosis)}
        if not self.story.known:
            listed |= {each.remote_ip for r in records for each in r.diagnosis.already_down}
        return listed

    def _untold(self, records: Sequence[Record]) -> Iterator[Finding]:
        told: list[TrueSwitchOver] = []
        for record in records:
            if record.diagnosis.borne_out:
                for each in record.failover.switch_overs:
                    free = [true for true in self._matching(each) if true not in told]
                    if free:
                        told.append(free[0])
                    elif self._matching(each):
                        yield Finding(kind=Falsehood.TWICE, about=f"{each}")
        rows = sorted(
            {row for _, row in self.arrivals if row.gateway_id == GATEWAY_ID},
            key=lambda row: row.at,
        )
        for true in self.story.switch_overs:
            self.statements += 1
            if true not in told and self._is_proven(true, rows, told):
                yield Finding(kind=Falsehood.UNTOLD, about=f"{true}")

    def _is_proven(
        self, true: TrueSwitchOver, rows: Sequence[Signal], told: Sequence[TrueSwitchOver]
    ) -> bool:
        """Whether the rows that are left show this switch-over, and as one of its own."""
        others = [each for each in self.story.switch_overs if each is not true]
        is_alone = all(
            max(each.begin - true.end, true.begin - each.end) > 2 * NEAR for each in others
        )
        if is_alone and any(
            row.kind is Kind.PRIMARY_CHANGED and row.at in true.changed for row in rows
        ):
            return True
        if self.story.mode is Mode.STANDBY:
            return self._is_distinct(true, told) and any(
                self._hands_over(true, [row for row in rows if row.remote_ip == remote_ip], rows)
                for remote_ip in self.story.instances
            )
        if not self._knows_mode(true.begin, rows):
            return False
        if true.from_instance is None:
            return self._both_are_shown(true, rows)
        return is_alone and self._loss_is_shown(true, rows)

    def _knows_mode(self, instant: datetime, rows: Sequence[Signal]) -> bool:
        """Whether the facts of today hold then: no change of the gateway was recorded since."""
        changes = (Kind.WRITE, Kind.CONFIGURATION)
        return self.story.known and not any(
            row.kind in changes and row.at > instant for row in rows
        )

    def _is_distinct(self, true: TrueSwitchOver, told: Sequence[TrueSwitchOver]) -> bool:
        """Whether it is not the same as one of its direction, whose way back nothing shows."""
        for other in told:
            if other.from_instance != true.from_instance:
                continue
            first, last = sorted((other, true), key=lambda each: each.begin)
            if last.begin - first.end > AGAIN:
                continue
            if not any(
                first.begin < each.begin < last.begin and each.to_instance == true.from_instance
                for each in told
            ):
                return False
        return True

    def _hands_over(
        self, true: TrueSwitchOver, own: Sequence[Signal], rows: Sequence[Signal]
    ) -> bool:
        """Whether a peer's Disconnected and Connected of it are there, and nothing blurs them."""
        span = (true.begin - ASIDE, true.end + ASIDE)
        for lost, came in pairwise(own):
            if (
                lost.kind is Kind.DISCONNECTED
                and came.kind is Kind.CONNECTED
                and lost.instance == true.from_instance
                and came.instance == true.to_instance
                and span[0] <= lost.at <= came.at <= span[1]
            ):
                before = [row for row in own if row.at < lost.at]
                on_other = [row for row in before if row.instance == came.instance]
                if on_other and on_other[-1].kind is Kind.DISCONNECTED:
                    continue  # the Connected may end an outage that the other instance had
                if self._knows_mode(lost.at, rows):
                    return True
                after = [row for row in own if row.at > came.at]
                if came.at - lost.at <= NEAR and not (
                    after and after[0].kind is Kind.CONNECTED and after[0].at - came.at <= NEAR
                ):
                    return True
        return False

    def _loss_is_shown(self, true: TrueSwitchOver, rows: Sequence[Signal]) -> bool:
        lost: list[Signal] = []
        for remote_ip in self.story.instances:
            own = [row for row in rows if row.remote_ip == remote_ip]
            for row, following in pairwise(own):
                if (
                    row.kind is Kind.DISCONNECTED
                    and row.instance == true.from_instance
                    and true.begin - ASIDE <= row.at <= true.end + ASIDE
                    and following.kind is Kind.CONNECTED
                    and following.instance == row.instance
                    and following.at - row.at >= timedelta(seconds=5)
                    and not any(
                        each.instance != row.instance and abs(each.at - row.at) <= 2 * NEAR
                        for each in own
                    )
                ):
                    lost.append(row)
        if len(lost) >= 2:
            return abs(lost[0].at - lost[1].at) <= LOSS_WITHIN
        return bool(lost) and (
            (len(self.story.instances) == 1 and self.connections_known)
            or any(
                row.kind is Kind.MAINTENANCE and abs(row.at - true.begin) <= NEAR for row in rows
            )
        )

    def _both_are_shown(self, true: TrueSwitchOver, rows: Sequence[Signal]) -> bool:
        """Whether every row of it is there, and of the write, and none was lost before."""
        span = (true.begin - NEAR, true.end + timedelta(minutes=12))
        everything = [
            row
            for row in self.story.rows
            if row.gateway_id == GATEWAY_ID and span[0] <= row.at <= span[1]
        ]
        return self.story.rows == tuple(rows) or (
            set(everything) <= set(rows) and len(self.story.rows) == len(rows)
        )


def _says_that_something_is_amiss(news: News) -> bool:
    times = message.Times(now=news.insight.failover.seen_until)
    title = message.title([news], message.TITLE_LENGTH, times)
    return news.severity in (Severity.FAILURE, Severity.WARNING) or "DOWN" in title.split(":")[0]
