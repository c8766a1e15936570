"""What a run has to ask Azure about the gateways it will tell of, and the answers.

Everything is asked at most once a run, and only for what is told, is not known yet, or is open.
What cannot be had is an unknown fact and never holds an insight back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from detector.diagnosis import Comparison, compare, with_connections
from detector.errors import FactUnknown
from detector.model import Connection, Gateway, Series, Window
from detector.runs.observation import (
    BANDWIDTH,
    CONNECTIONS,
    Case,
    asks_bandwidth,
    asks_connections,
    asks_coverage,
    logs_of,
)
from detector.runs.ports import Bandwidth, Connections, Coverage, Gateways, Health, Tunnels
from detector.runs.reconcile import Reconciled

AROUND: Final = timedelta(minutes=30)
"""Bandwidth is looked at from this long before a failover until this long after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The ports that answer for facts."""

    gateways: Gateways
    connections: Connections
    tunnels: Tunnels
    health: Health
    bandwidth: Bandwidth
    coverage: Coverage


@dataclass(slots=True, kw_only=True)
class Facts:
    """What Azure answered in this run; a gateway or a fact that was not asked for is absent."""

    now: datetime
    gateways: dict[str, Gateway] = field(default_factory=dict)
    connections: dict[str, Sequence[Connection] | FactUnknown] = field(default_factory=dict)
    bandwidth: dict[str, Sequence[Series] | FactUnknown] = field(default_factory=dict)
    coverage: frozenset[tuple[str, str]] | None = None

    def seen(self, case: Case) -> list[Reconciled]:
        """The failovers of a case, by its rows and by what was answered."""
        return [self._with_connections(each) for each in self._by_rows(case)]

    def gateway(self, seen: Reconciled) -> Gateway | None:
        """The gateway's facts: of this run, and for what is unknown now those recorded.

        `connections` and `bandwidth` stand in its `unknown`, too, where they could not be had. None
        where neither this run nor an earlier one asked.
        """
        fresh = self.gateways.get(seen.failover.gateway_id)
        recorded = None if seen.recorded is None else seen.recorded.gateway
        known = fresh or recorded
        if known is None:
            return None
        kept = (
            {}
            if recorded is None
            else {f: getattr(recorded, f) for f in known.unknown if f not in recorded.unknown}
        )
        unknown = {fact: why for fact, why in known.unknown.items() if fact not in kept}
        for fact, answer in (
            (CONNECTIONS, self.connections.get(known.id)),
            (BANDWIDTH, self.bandwidth.get(known.id)),
        ):
            if isinstance(answer, FactUnknown):
                unknown[fact] = answer.why
            elif answer is not None:
                unknown.pop(fact, None)
            elif recorded is not None and fact in recorded.unknown:
                unknown[fact] = recorded.unknown[fact]
        return replace(known, **kept, unknown=unknown)

    def compared(self, seen: Reconciled, gateway: Gateway) -> Comparison:
        """The peak bandwidth around a failover against the benchmark of its gateway's SKU."""
        series = self.bandwidth.get(gateway.id, FactUnknown("it was not asked for"))
        return compare(gateway, series, around([seen], now=self.now))

    def _by_rows(self, case: Case) -> list[Reconciled]:
        logs = None if self.coverage is None else logs_of(case.gateway_id, self.coverage)
        return case.seen(self.gateways.get(case.gateway_id), logs)

    def _with_connections(self, seen: Reconciled) -> Reconciled:
        connections = self.connections.get(seen.failover.gateway_id)
        if connections is None or isinstance(connections, FactUnknown):
            return seen
        told = with_connections(seen.diagnosis, connections, asked_at=self.now)
        return replace(seen, diagnosis=told)


def look_up(sources: Sources, cases: Sequence[Case], *, now: datetime) -> Facts:
    """The facts for all that these cases will tell."""
    facts = Facts(now=now)
    _ask_gateways(facts, sources, [c.gateway_id for c in cases if c.lacks_facts(now=now)])
    seen = [each for case in cases for each in facts.seen(case)]
    for gateway_id in _ids(each for each in seen if asks_connections(each, now=now)):
        try:
            facts.connections[gateway_id] = sources.connections(gateway_id)
        except FactUnknown as unknown:
            facts.connections[gateway_id] = unknown
    if facts.connections:
        seen = [each for case in cases for each in facts.seen(case)]
    news = [each for each in seen if each.reason is not None]
    measured = [each for each in seen if asks_bandwidth(each, now=now)]
    _ask_gateways(facts, sources, _ids([*news, *measured]))
    if measured:
        gateways = [facts.gateways[gateway_id] for gateway_id in _ids(measured)]
        facts.bandwidth.update(sources.bandwidth(gateways, around(measured, now=now)))
    if any(asks_coverage(each) for each in news):
        try:
            facts.coverage = sources.coverage(_all(cases))
        except FactUnknown:
            facts.coverage = None
    return facts


def _ask_gateways(facts: Facts, sources: Sources, ids: Iterable[str]) -> None:
    missing = [gateway_id for gateway_id in ids if gateway_id not in facts.gateways]
    if missing:
        facts.gateways.update(sources.gateways(missing))


def _ids(seen: Iterable[Reconciled]) -> list[str]:
    return list(dict.fromkeys(each.failover.gateway_id for each in seen))


def around(seen: Collection[Reconciled], *, now: datetime) -> Window:
    """From half an hour before the first of these failovers until half an hour after the last.

    It ends now where that is still to come.
    """
    return Window(
        start=min(each.failover.first_at for each in seen) - AROUND,
        end=min(max(each.failover.last_at for each in seen) + AROUND, now),
    )


def _all(cases: Iterable[Case]) -> Window:
    """The window in which all these cases were looked at."""
    windows = [case.sighting.window for case in cases]
    return Window(
        start=min(window.start for window in windows), end=max(window.end for window in windows)
    )
