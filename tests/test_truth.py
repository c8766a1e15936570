"""The truth of a story, as far as its rows tell it, and never anything else.

The stories are those of `generator`: what is told of one is compared with what happened in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from detector.diagnosis.switchover import NEAR
from detector.insights.document import Insight, Reason
from detector.journal.history import Record
from detector.model import CauseKind, Kind, Outage, Redundancy, Signal, SwitchOver
from detector.runs.run import run_once
from detector.signals import arm
from tests.builders import GATEWAY_ID, a_gateway, at
from tests.generator import Story, TrueFailover, a_story, arriving, doubled, with_losses
from tests.memory import (
    MemoryAzure,
    MemoryJournal,
    MemoryLogs,
    Row,
    a_world,
    hours,
    minutes,
    plenty,
)

ALL_OF_IT = hours(72)

Arrival = tuple[datetime, Signal]
randoms = st.randoms(use_true_random=False)


@dataclass(slots=True, kw_only=True)
class Night:
    """Runs over the rows of one story, each row from when it arrives."""

    story: Story
    arrivals: Iterable[Arrival]
    lookback: timedelta = ALL_OF_IT
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def run(self, now: datetime) -> list[Insight]:
        """What a run at `now` tells of the story's gateway."""
        gone = arm.missing(GATEWAY_ID, "the gateway no longer exists")
        known = a_gateway(active_active=self.story.active_active)
        world = a_world(
            MemoryLogs(rows=[Row(signal=row, arrived=arrived) for arrived, row in self.arrivals]),
            journal=self.journal,
            azure=MemoryAzure(gateways={GATEWAY_ID: known if self.story.known else gone}),
            lookback=self.lookback,
        )
        _, insights = run_once(world, now=now, left=plenty)
        return [insight for insight in insights if insight.gateway.id == GATEWAY_ID]

    @property
    def records(self) -> Sequence[Record]:
        """The failovers that were told, in time order."""
        histories = self.journal.histories
        return next((each.records for each in histories if each.gateway_id == GATEWAY_ID), ())


def told_at_once(story: Story, rows: Sequence[Signal]) -> Sequence[Record]:
    """What one run tells when all these rows are there."""
    night = Night(story=story, arrivals=[(row.at, row) for row in rows])
    night.run(story.over_at)
    return night.records


def agrees(told: Record, truth: TrueFailover) -> bool:
    """Whether a failover was told as it was; an instance may have been left unsaid."""
    cause, known = told.diagnosis.cause, told.failover.switch_overs
    return (
        [(one.at, one.evidence) for one in truth.switch_overs]
        == [(one.at, one.evidence) for one in known]
        and all(
            one.from_instance in (None, true.from_instance)
            and one.to_instance in (None, true.to_instance)
            for one, true in zip(known, truth.switch_overs, strict=True)
        )
        and truth.cause.kind is cause.kind
        and (truth.cause.at, truth.cause.caller) == (cause.at, cause.caller)
        and [(out.start, out.remote_ip, out.end) for out in truth.outages]
        == [(out.start, out.remote_ip, out.end) for out in told.diagnosis.outages]
        and redundancy_agrees(told.diagnosis.redundancy, truth)
    )


def redundancy_agrees(told: Sequence[Redundancy], truth: TrueFailover) -> bool:
    """Whether the redundancy was lost as told, unless one loss ran into another."""
    true = [one.redundancy for one in truth.switch_overs if one.redundancy]
    apart = all(end is not None for _, end in true)
    return not apart or sorted(true) == sorted((lost.start, lost.end) for lost in told)


@given(random=randoms)
def test_where_no_row_is_lost_the_truth_is_told(random: Random) -> None:
    story = a_story(random)

    told = told_at_once(story, doubled(story.rows, random))

    assert len(story.failovers) == len(told), story
    assert all(map(agrees, told, story.failovers)), story


@given(random=randoms)
def test_where_rows_are_lost_no_switch_over_is_made_up(random: Random) -> None:
    story = a_story(random)
    true = [known for failover in story.failovers for known in failover.switch_overs]

    for record in told_at_once(story, with_losses(story, random)):
        for told in record.failover.switch_overs:
            assert any(
                abs(told.at - known.at) <= NEAR
                and told.from_instance in (None, known.from_instance)
                and told.to_instance in (None, known.to_instance)
                for known in true
            ), (told, story)


@given(random=randoms)
def test_where_rows_are_lost_no_cause_is_made_up(random: Random) -> None:
    story = a_story(random)
    recorded = {
        (cause.kind, cause.caller) for failover in story.failovers for cause in failover.recorded
    }

    for record in told_at_once(story, with_losses(story, random)):
        cause = record.diagnosis.cause
        assert cause.kind is CauseKind.NOT_RECORDED or (cause.kind, cause.caller) in recorded, (
            cause,
            story,
        )


@given(random=randoms)
def test_where_rows_are_lost_no_outage_is_longer_or_shorter_than_its_rows_say(
    random: Random,
) -> None:
    story = a_story(random)
    rows = with_losses(story, random)
    own_rows = [row for row in rows if row.gateway_id == GATEWAY_ID]

    for record in told_at_once(story, rows):
        for outage in record.diagnosis.outages:
            own = [row for row in own_rows if row.remote_ip == outage.remote_ip]
            ups = {row.at for row in own if row.kind is Kind.CONNECTED}
            downs = {row.at for row in own if row.kind is Kind.DISCONNECTED}
            until = outage.end or outage.back_before or story.over_at

            assert outage.start in downs, (outage, story)
            assert outage.end is None or outage.end in ups, (outage, story)
            assert not any(outage.start < when < until for when in ups), (outage, story)


def by_and_by(
    story: Story, arrivals: Sequence[Arrival], every: timedelta
) -> tuple[Night, list[Insight]]:
    """A night of runs, each with the usual lookback, until all is over; and what they told."""
    night = Night(story=story, arrivals=arrivals, lookback=hours(6))
    told: list[Insight] = []
    now, over_at = at(hours=-1), max(arrived for arrived, _ in arrivals) + minutes(1)
    while now < over_at:
        now = min(now + every, over_at)
        told += night.run(now)
    assert [] == night.run(over_at)
    return night, told


def detected(told: Iterable[Insight]) -> list[str]:
    """The ids of the failovers that were told as detected."""
    return [insight.id for insight in told if insight.reason is Reason.DETECTED]


Content = tuple[Sequence[SwitchOver], object, Sequence[Outage], Sequence[Redundancy], object]


def content(record: Record) -> Content:
    """What was told of a failover at last, but for its id and when it was looked at."""
    diagnosis = record.diagnosis
    return (
        record.failover.switch_overs,
        (diagnosis.cause.kind, diagnosis.cause.at, diagnosis.cause.caller),
        diagnosis.outages,
        diagnosis.redundancy,
        (diagnosis.state, diagnosis.flapping),
    )


@given(random=randoms, every=st.sampled_from([minutes(5), minutes(13), minutes(40)]))
def test_any_order_repetition_and_split_over_runs_ends_in_the_same_histories(
    random: Random, every: timedelta
) -> None:
    story = a_story(random)
    arrivals = arriving(story, random, minutes(4))

    night, told = by_and_by(story, arrivals, every)

    at_once = told_at_once(story, story.rows)
    assert list(map(content, at_once)) == list(map(content, night.records)), story
    assert sorted(record.failover.id for record in night.records) == sorted(detected(told)), story


@given(random=randoms, every=st.sampled_from([minutes(13), minutes(40)]))
def test_rows_up_to_two_hours_late_end_in_the_same_switch_overs_and_outages(
    random: Random, every: timedelta
) -> None:
    """A failover that was told stays one, also when a late row shows it to be part of another."""
    story = a_story(random)
    arrivals = arriving(story, random, hours(2))

    night, told = by_and_by(story, arrivals, every)

    at_once = told_at_once(story, story.rows)
    assert switch_overs(at_once) == switch_overs(night.records), story
    assert outages(at_once) == outages(night.records), story
    assert sorted(record.failover.id for record in night.records) == sorted(detected(told)), story


def switch_overs(records: Iterable[Record]) -> list[SwitchOver]:
    """Those of all failovers, in time order."""
    known = (one for record in records for one in record.failover.switch_overs)
    return sorted(known, key=lambda one: one.at)


def outages(records: Iterable[Record]) -> list[Outage]:
    """Those of all failovers, in time order."""
    known = (outage for record in records for outage in record.diagnosis.outages)
    return sorted(known, key=lambda outage: (outage.start, outage.remote_ip))
