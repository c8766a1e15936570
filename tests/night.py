"""A night of runs over the rows of a true story, each told of to a judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from detector.insights.document import Insight
from detector.insights.standing import News
from detector.journal.history import Record
from detector.model import Gateway
from detector.runs.run import run_once
from tests.builders import GATEWAY_ID, a_gateway
from tests.generator import VIPS, Arrival, Mode, Story
from tests.judge import Judge
from tests.memory import (
    ListReceiver,
    MemoryAzure,
    MemoryJournal,
    MemoryLogs,
    Row,
    a_world,
    hours,
    minutes,
    plenty,
)

BUSY: Final = minutes(75)
"""For so long after a row arrived runs may find something new by ARM's word."""


@dataclass(slots=True, kw_only=True)
class Night:
    """Runs over the rows of one story, each row from when it arrives.

    `arm_answers` says whether ARM tells of the connections and their tunnels. For `silent_for` from
    the first row on it does not answer for the gateway's mode, though it is known.
    """

    story: Story
    arrivals: Sequence[Arrival]
    arm_answers: bool = True
    lookback: timedelta = timedelta(hours=6)
    silent_for: timedelta = timedelta()
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    people: ListReceiver = field(default_factory=ListReceiver)
    _logs: MemoryLogs = field(init=False)

    def __post_init__(self) -> None:
        self._logs = MemoryLogs(
            rows=[Row(signal=row, arrived=arrived) for arrived, row in self.arrivals]
        )

    def run(self, now: datetime) -> list[Insight]:
        """What a run at `now` tells of the story's gateway."""
        azure = MemoryAzure(
            gateways={GATEWAY_ID: self._gateway(now)},
            connections={GATEWAY_ID: self.story.connections},
            tunnels=dict(self.story.live(now)),
            unknown=set() if self.arm_answers else {"connections", "tunnels"},
        )
        world = a_world(
            self._logs,
            journal=self.journal,
            sinks=[self.people],
            azure=azure,
            lookback=self.lookback,
        )
        _, insights = run_once(world, now=now, left=plenty)
        return [insight for insight in insights if insight.gateway.id == GATEWAY_ID]

    def _gateway(self, now: datetime) -> Gateway:
        known = a_gateway(active_active=self.story.active_active)
        if self.story.mode is Mode.ACTIVE:
            known = a_gateway(active_active=self.story.active_active, vips=VIPS)
        if self.story.known and now - self.story.rows[0].at >= self.silent_for:
            return known
        silent = {"active_active": "Azure did not answer"}
        return a_gateway(active_active=None, vips=known.vips, unknown=silent)

    @property
    def records(self) -> Sequence[Record]:
        """The failovers that were told, in time order."""
        histories = self.journal.histories
        return next((each.records for each in histories if each.gateway_id == GATEWAY_ID), ())

    @property
    def heard(self) -> dict[str, News]:
        """What people were last sent of each failover, by its id."""
        return {news.insight.id: news for _, sent in self.people.sent for news in sent}

    def times(self, every: timedelta) -> Iterator[datetime]:
        """When to run: so often while anything may change, and once when all is over."""
        arrivals = sorted(arrived for arrived, _ in self.arrivals)
        if not arrivals:
            return
        now = arrivals[0]
        while arrivals and now <= arrivals[-1] + BUSY:
            yield now
            now += every
            following = next((each for each in arrivals if each > now - every), None)
            latest = max((each for each in arrivals if each <= now), default=now)
            if following is not None and now > latest + BUSY and following > now:
                now = following
        yield max(now, self.story.over_at + hours(1))

    def judged(self, every: timedelta = timedelta(minutes=5)) -> Judge:
        """What a judge says of all that is told in runs so far apart, and in the end."""
        judge = Judge(story=self.story, arrivals=self.arrivals, connections_known=self.arm_answers)
        now = self.story.over_at
        for now in self.times(every):
            told = {insight.id for insight in self.run(now)}
            for record in self.records if told else ():
                if record.failover.id in told:
                    judge.hear(record, self.records, now)
        judge.left(self.records, self.heard, now)
        return judge
