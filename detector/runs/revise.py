"""A case with its facts becomes the gateway's next history and the insights that it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from detector.insights import Insight, Library, Revision, compose_insight
from detector.journal import History, Record, Sink, outbox
from detector.model import Gateway
from detector.runs.facts import Facts
from detector.runs.observation import Case, follows, reason
from detector.runs.reconcile import Reconciled


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a gateway's history becomes, and what that tells.

    `failovers` is how many were seen, told or not; `problems` names articles that could not tell.
    """

    history: History
    failovers: int = 0
    insights: tuple[Insight, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """How insights are told: by which articles, to which sinks, and from when by another run."""

    library: Library
    sinks: Sequence[Sink]
    now: datetime
    claim: timedelta

    def draft(self, case: Case, facts: Facts) -> Draft:
        """The next history of the case's gateway; it equals the loaded one if nothing changed.

        Deliveries that are due are claimed, since the run that drafts this will try them.
        """
        records = {record.failover.id: record for record in case.pruned(now=self.now).records}
        insights: list[Insight] = []
        problems: list[str] = []
        seen_now = facts.seen(case)
        for seen in seen_now:
            gateway = facts.gateway(seen)
            if gateway is None:
                continue
            record, insight, told_badly = self._retold(seen, gateway, facts)
            problems += told_badly
            insights += [insight] if insight else []
            if record is not None:
                records[seen.failover.id] = record
        ordered = sorted(records.values(), key=lambda record: record.failover.first_at)
        history = replace(case.history, records=tuple(map(self._settled, ordered)))
        history = outbox.claimed(history, now=self.now, claim=self.claim)
        return Draft(
            history=history,
            failovers=len(seen_now),
            insights=tuple(insights),
            problems=tuple(problems),
        )

    def _retold(
        self, seen: Reconciled, gateway: Gateway, facts: Facts
    ) -> tuple[Record | None, Insight | None, tuple[str, ...]]:
        why = reason(seen, gateway)
        if why is None:
            return seen.recorded, None, ()
        insight, problems = compose_insight(
            Revision(
                failover=seen.failover,
                diagnosis=seen.diagnosis,
                gateway=gateway,
                bandwidth=facts.compared(seen, gateway),
                reason=why,
                revision=1 + (seen.recorded.revision if seen.recorded else 0),
            ),
            self.library,
        )
        record = Record(
            failover=seen.failover,
            diagnosis=seen.diagnosis,
            gateway=gateway,
            insights=seen.recorded.insights if seen.recorded else (),
            deliveries=seen.recorded.deliveries if seen.recorded else (),
        )
        posted = outbox.posted(record, insight, self.sinks, now=self.now, claim=self.claim)
        return posted, insight, problems

    def _settled(self, record: Record) -> Record:
        """`record` saying whether later runs have to look at it."""
        following = follows(record.failover, record.diagnosis, record.gateway, now=self.now)
        return replace(record, following=following)
