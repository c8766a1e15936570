"""What a run has to ask Azure about the gateways it will tell of, and the answers.

Everything is asked at most once a run, and only for what is told, is not known yet, or is open.
What cannot be had is an unknown fact and never holds an insight back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from detector.diagnosis import (
    NEAR,
    Comparison,
    Observation,
    Piece,
    compare,
    switch_overs,
    to_ask,
    with_connections,
    with_logs,
)
from detector.errors import FactUnknown
from detector.journal import History
from detector.model import (
    ACTIVITY,
    CauseKind,
    Connection,
    Diagnosis,
    Evidence,
    Gateway,
    Series,
    Window,
)
from detector.runs.observation import Loaded
from detector.runs.ports import Bandwidth, Connections, Coverage, Gateways, Health, Tunnels
from detector.runs.reconcile import Reconciled, reconcile
from detector.signals import NOT_SET

AROUND: Final = timedelta(minutes=30)
"""Bandwidth is looked at from this long before a failover until this long after."""

FOLLOWED: Final = timedelta(hours=24)
"""For so long after a failover Azure is asked again for what is still unknown or open."""

CONNECTIONS: Final = "connections"
BANDWIDTH: Final = "bandwidth"
"""The facts that are had from elsewhere, beside those of the gateway's own body."""


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

    def active_active(self, history: History) -> bool | None:
        """The gateway's mode by the facts of this run, else by those last recorded."""
        gateway = self.gateways.get(history.gateway_id)
        if gateway is not None and gateway.active_active is not None:
            return gateway.active_active
        return _recorded_mode(history)

    def reconcile(self, observation: Observation, history: History) -> list[Reconciled]:
        """The failovers of a gateway, by its rows, by its history and by what was answered."""
        mode = self.active_active(history)
        found = switch_overs(observation.pieces, active_active=mode)
        reconciled = reconcile(history, found, observation, active_active=mode)
        return self.completed(reconciled, observation)

    def completed(
        self, reconciled: Iterable[Reconciled], observation: Observation
    ) -> list[Reconciled]:
        """The failovers with what connections and logs add to what `observation` shows of them.

        The connections name tunnels and may say that one is back. Which logs there are is said
        where no cause is recorded.
        """
        return [replace(each, diagnosis=self._completed(each, observation)) for each in reconciled]

    def _completed(self, reconciled: Reconciled, observation: Observation) -> Diagnosis:
        diagnosis = reconciled.diagnosis
        connections = self.connections.get(reconciled.gateway_id)
        if connections is not None and not isinstance(connections, FactUnknown):
            diagnosis = with_connections(diagnosis, connections, asked_at=self.now)
        if self.coverage is not None:
            diagnosis = with_logs(
                diagnosis,
                reconciled.failover.switch_overs,
                logs_of(reconciled.gateway_id, self.coverage),
                seen_until=observation.seen_until,
            )
        return diagnosis

    def gateway(self, reconciled: Reconciled) -> Gateway | None:
        """The gateway's facts: of this run, and for what is unknown now those recorded.

        `connections` and `bandwidth` stand in its `unknown`, too, where they could not be had. None
        where neither this run nor an earlier one asked.
        """
        fresh = self.gateways.get(reconciled.gateway_id)
        recorded = None if reconciled.recorded is None else reconciled.recorded.gateway
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

    def compared(self, reconciled: Reconciled, gateway: Gateway) -> Comparison:
        """The peak bandwidth around a failover against the benchmark of its gateway's SKU."""
        series = self.bandwidth.get(gateway.id, FactUnknown("it was not asked for"))
        return compare(gateway, series, around([reconciled], now=self.now))


def look_up(
    sources: Sources, loaded: Sequence[Loaded], *, now: datetime
) -> tuple[Facts, list[list[Reconciled]]]:
    """The failovers of each of these gateways, and the facts for all that is to be told of them.

    Facts that rows or history call for are asked first, since the mode decides what a gateway's
    rows prove. Then each gateway is reconciled once; again only if a fact that is asked for later,
    because there is something to tell, gives it another mode.
    """
    facts = Facts(now=now)
    ask_gateways(facts, sources, [each.gateway_id for each in loaded if lacks_facts(each, now=now)])
    modes = [facts.active_active(each.history) for each in loaded]
    failovers = [facts.reconcile(each.observation, each.history) for each in loaded]
    _ask_connections(facts, sources, chain(*failovers))
    failovers = [
        facts.completed(own, each.observation) for own, each in zip(failovers, loaded, strict=True)
    ]
    _ask_for_telling(facts, sources, list(chain(*failovers)))
    _ask_coverage(facts, sources, chain(*failovers), loaded)
    return facts, [
        facts.completed(own, each.observation)
        if facts.active_active(each.history) is mode
        else facts.reconcile(each.observation, each.history)
        for own, each, mode in zip(failovers, loaded, modes, strict=True)
    ]


def ask_gateways(facts: Facts, sources: Sources, gateway_ids: Iterable[str]) -> None:
    """Add the facts of those gateways that were not asked for yet."""
    missing = [gateway_id for gateway_id in gateway_ids if gateway_id not in facts.gateways]
    if missing:
        facts.gateways.update(sources.gateways(missing))


def _ask_connections(facts: Facts, sources: Sources, found: Iterable[Reconciled]) -> None:
    for gateway_id in _ids(each for each in found if asks_connections(each, now=facts.now)):
        try:
            facts.connections[gateway_id] = sources.connections(gateway_id)
        except FactUnknown as unknown:
            facts.connections[gateway_id] = unknown


def _ask_for_telling(facts: Facts, sources: Sources, found: Collection[Reconciled]) -> None:
    """Ask for what an insight says beside the diagnosis: its gateway's facts and bandwidth."""
    measured = [each for each in found if asks_bandwidth(each, now=facts.now)]
    ask_gateways(facts, sources, _ids(measured))
    if measured:
        gateways = [facts.gateways[gateway_id] for gateway_id in _ids(measured)]
        window = around(measured, now=facts.now)
        facts.bandwidth.update(sources.bandwidth(gateways, window))


def _ask_coverage(
    facts: Facts, sources: Sources, found: Iterable[Reconciled], loaded: Iterable[Loaded]
) -> None:
    if any(asks_coverage(each) for each in found):
        windows = [each.observation.window for each in loaded]
        start, end = min(each.start for each in windows), max(each.end for each in windows)
        with suppress(FactUnknown):
            facts.coverage = sources.coverage(Window(start=start, end=end))


def _ids(found: Iterable[Reconciled]) -> list[str]:
    return list(dict.fromkeys(each.gateway_id for each in found))


def around(found: Collection[Reconciled], *, now: datetime) -> Window:
    """From half an hour before the first of these failovers until half an hour after the last.

    It ends now where that is still to come.
    """
    return Window(
        start=min(each.failover.first_at for each in found) - AROUND,
        end=min(max(each.failover.last_at for each in found) + AROUND, now),
    )


def lacks_facts(loaded: Loaded, *, now: datetime) -> bool:
    """Whether Azure is to be asked for the gateway's facts: news, or a fact still unknown."""
    standby = _recorded_mode(loaded.history) is False
    news = any(
        piece.at >= loaded.observation.since
        and not _is_recorded(piece, loaded.history)
        # Where one instance at a time serves, losing tunnels together is no evidence.
        and not (standby and piece.evidence is Evidence.INSTANCE_LOST)
        for piece in loaded.observation.pieces
    )
    return news or any(
        may_be_completed(record.gateway) and now - record.failover.last_at <= FOLLOWED
        for record in loaded.history.records
    )


def _is_recorded(piece: Piece, history: History) -> bool:
    """Whether a recorded switch-over is within reach of this piece of evidence."""
    return any(
        abs(known.at - piece.at) <= NEAR
        for record in history.records
        for known in record.failover.switch_overs
    )


def _recorded_mode(history: History) -> bool | None:
    modes = [record.gateway.active_active for record in history.records]
    return next((mode for mode in reversed(modes) if mode is not None), None)


def may_be_completed(gateway: Gateway) -> bool:
    """Whether a fact is unknown that another answer may have: not one that Azure has not set."""
    return any(why != NOT_SET for why in gateway.unknown.values())


def asks_connections(reconciled: Reconciled, *, now: datetime) -> bool:
    """Whether the gateway's connections are to be asked: to name tunnels, or for open ones.

    Names are only looked up for what is told; open outages, and names that could not be had then,
    are followed for a day.
    """
    lacking = reconciled.recorded is not None and CONNECTIONS in reconciled.recorded.gateway.unknown
    open_for_long = to_ask(reconciled.diagnosis, now=now)
    followed = now - reconciled.failover.last_at <= FOLLOWED
    return ((open_for_long or lacking) and followed) or (
        reconciled.reason is not None and bool(reconciled.diagnosis.outages)
    )


def asks_bandwidth(reconciled: Reconciled, *, now: datetime) -> bool:
    """Whether the metrics are to be asked: for what is told, or as they could not be had before."""
    lacking = reconciled.recorded is not None and BANDWIDTH in reconciled.recorded.gateway.unknown
    return reconciled.reason is not None or (
        lacking and now - reconciled.failover.last_at <= FOLLOWED
    )


def asks_coverage(reconciled: Reconciled) -> bool:
    """Whether it matters which logs there are: for what is told without a recorded cause."""
    kind = reconciled.diagnosis.cause.kind
    return reconciled.reason is not None and kind is CauseKind.NOT_RECORDED


def logs_of(gateway_id: str, coverage: frozenset[tuple[str, str]]) -> frozenset[str]:
    """The sources among `coverage` that could tell of this gateway."""
    subscription = "/".join(gateway_id.split("/")[:3])
    return frozenset(
        source
        for source, resource in coverage
        if resource == (subscription if source == ACTIVITY else gateway_id)
    )
