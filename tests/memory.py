"""The world in memory: rows that are seen once they have arrived, a journal, and sinks.

    world = a_world(logs=MemoryLogs([seen(row, after=minutes(4))]), sinks=[sink := ListSink()])
    report, insights = run(world, now=at(minutes=5), left=plenty)
    assert insights == sink.taken

Each fake holds its state in the open, and calls a hook where a test may fail, look or interleave.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Final

from detector.articles import catalog
from detector.errors import FactUnknown, JournalConflict, LogsRefused, LogsUnavailable
from detector.insights.compose import Library
from detector.insights.document import Insight, Reason
from detector.insights.standing import PEOPLE_HEAR, News, news_of
from detector.journal import history
from detector.journal.delivery import DEADLINE, DeliverySummary, Outgoing, Posted
from detector.journal.hearing import Hearing
from detector.journal.history import Delivery, History, Record
from detector.journal.ports import Journal, Sink
from detector.model import (
    Answer,
    Connection,
    Gateway,
    HealthEvent,
    Scope,
    Series,
    Signal,
    Window,
)
from detector.runs.facts import Sources
from detector.runs.reconcile import reconcile
from detector.runs.world import World
from tests.builders import GATEWAY_ID, a_diagnosis, a_failover, a_gateway, at
from tests.sink_stand_in import an_insight

ARTICLES: Final = Path(__file__).parent.parent / "articles"
SCOPE: Final = Scope(id="11111111-2222-4333-8444-555555555555")


def plenty() -> timedelta:
    """The time left of a run that has only begun."""
    return timedelta(minutes=4)


@contextmanager
def reconciles() -> Iterator[Callable[[], int]]:
    """How often a gateway is reconciled in the block, in whatever thread."""
    frames: list[FrameType] = []

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is reconcile.__code__:
            frames.append(frame)

    threading.setprofile(called)
    sys.setprofile(called)
    try:
        yield lambda: len(frames)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@cache
def library() -> Library:
    """The articles that are shipped."""
    return Library(catalog=catalog.load(ARTICLES), cloud="AzureCloud", portal="portal.azure.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the logs of `scope`, which answers with it from `arrived` on."""

    signal: Signal
    arrived: datetime
    scope: Scope = SCOPE


def seen(*signals: Signal, after: timedelta = timedelta(), scope: Scope = SCOPE) -> list[Row]:
    """Rows that arrive so long after what they tell of."""
    return [Row(signal=signal, arrived=signal.at + after, scope=scope) for signal in signals]


@dataclass(slots=True)
class MemoryLogs:
    """The port Signals over `rows`; the scopes in `down` do not answer. `asked` holds the windows.

    A window ends now, so its end says which rows have arrived.
    """

    rows: list[Row] = field(default_factory=list)
    down: set[Scope] = field(default_factory=set)
    asked: list[Mapping[Scope, Window]] = field(default_factory=list)

    def __call__(
        self, asked: Mapping[Scope, Window]
    ) -> Sequence[Answer | LogsRefused | LogsUnavailable]:
        self.asked.append(asked)
        return [
            LogsUnavailable(f"{scope}: no answer", scope=scope.id)
            if scope in self.down
            else Answer(scope=scope, window=window, signals=tuple(self._signals(scope, window)))
            for scope, window in asked.items()
        ]

    def _signals(self, scope: Scope, window: Window) -> Iterable[Signal]:
        return (
            row.signal
            for row in self.rows
            if row.scope == scope and row.signal.at in window and row.arrived <= window.end
        )


@dataclass(slots=True)
class MemoryJournal:
    """A journal of JSON texts, as a store would keep them; a tag is the number of a write.

    `hook` is called before and after each operation with its name (`before save`, `after save`).
    """

    entries: dict[str, tuple[str, int]] = field(default_factory=dict)
    note: Mapping[str, object] | None = None
    hook: Callable[[str], None] = lambda name: None
    writes: int = 0

    def load(self, key: str) -> tuple[History | None, str | None]:
        self.hook("before load")
        text, tag = self.entries.get(key, (None, None))
        self.hook("after load")
        return (None, None) if text is None else (_read(text), str(tag))

    def save(self, entry: History, tag: str | None) -> str:
        self.hook("before save")
        _, there = self.entries.get(entry.key, (None, None))
        if tag != (None if there is None else str(there)):
            raise JournalConflict(f"{entry.key}: another run wrote it first")
        self.writes += 1
        self.entries[entry.key] = (history.history_to_json(entry), self.writes)
        written = str(self.writes)
        self.hook("after save")
        return written

    def marks(self) -> Mapping[str, history.Mark]:
        self.hook("before marks")
        return {entry.key: entry.mark for entry in self.histories}

    def last_run(self) -> Mapping[str, object] | None:
        self.hook("before last_run")
        return self.note

    def note_run(self, note: Mapping[str, object]) -> None:
        self.hook("before note_run")
        self.note = note
        self.hook("after note_run")

    @property
    def histories(self) -> list[History]:
        """Every entry."""
        return [_read(text) for text, _ in self.entries.values()]


_read = cache(history.history_from_json)


@dataclass(slots=True)
class ListSink:
    """A sink that keeps what it takes; `attempts` holds that and what it failed to take.

    `fault` may raise instead of taking it.
    """

    name: str = "list"
    fault: Callable[[Insight], None] = lambda insight: None
    takes: frozenset[Reason] = frozenset(Reason)
    timeout: timedelta = DEADLINE
    taken: list[Insight] = field(default_factory=list)
    attempts: list[Insight] = field(default_factory=list)

    def deliver(self, insight: Insight) -> None:
        self.attempts.append(insight)
        self.fault(insight)
        self.taken.append(insight)

    @property
    def revisions(self) -> list[tuple[str, int]]:
        """What it took, by id and revision."""
        return [(insight.id, insight.revision) for insight in self.taken]


@dataclass(slots=True)
class ListReceiver:
    """A receiver of people's messages; `sent` holds each with when it was sent.

    `fault` may raise instead of taking one.
    """

    name: str = "people"
    hears: Hearing = field(default_factory=Hearing)
    fault: Callable[[Sequence[News]], None] = lambda news: None
    takes: frozenset[Reason] = PEOPLE_HEAR
    timeout: timedelta = DEADLINE
    sent: list[tuple[datetime, Sequence[News]]] = field(default_factory=list)
    attempts: int = 0

    def deliver(self, insight: Insight) -> None:
        self.send([news_of(insight)], now=insight.failover.seen_until)

    def send(self, news: Sequence[News], *, now: datetime) -> None:
        self.attempts += 1
        self.fault(news)
        self.sent.append((now, news))


def due(journal: Journal, now: datetime) -> list[str]:
    """The keys of the histories that are due by `now`."""
    return [key for key, mark in journal.marks().items() if mark.is_due(now)]


def deliver(
    journal: Journal,
    sinks: Sequence[Sink],
    posts: Sequence[Posted],
    *,
    now: datetime,
    has_time: Callable[[], bool],
) -> DeliverySummary:
    """Deliver what a run posted, to machines and to people."""
    outgoing = Outgoing(journal=journal, sinks=sinks, now=now, has_time=has_time)
    outgoing.to_machines(posts)
    outgoing.to_people()
    return outgoing.summary


@dataclass(slots=True)
class MemoryAzure:
    """The ports that answer for facts. A gateway that is not in `gateways` is like any other.

    What is in `unknown` cannot be had, be it `gateways` or `connections`; `asked` holds each
    question, by port and gateway, or connection for `tunnels`, and `written` the gateways that were
    said to be. A connection that is not in `tunnels` is gone; of a gateway that is not in `health`,
    nothing is said. `inventory` need not have all of `connections`.
    """

    gateways: dict[str, Gateway] = field(default_factory=dict)
    connections: dict[str, Sequence[Connection]] = field(default_factory=dict)
    inventory: dict[str, Sequence[Connection]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    tunnels: dict[str, Connection | FactUnknown] = field(default_factory=dict)
    health: dict[str, Sequence[HealthEvent] | FactUnknown] = field(default_factory=dict)
    coverage: frozenset[tuple[str, str]] | None = None
    unknown: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def sources(self) -> Sources:
        """The ports."""
        return Sources(
            gateways=self._gateways,
            connections=self._connections,
            inventory=self._inventory,
            tunnels=self._tunnels,
            health=self._health,
            bandwidth=self._bandwidth,
            coverage=self._coverage,
            notes=tuple,
        )

    def _gateways(self, ids: Sequence[str], written: Collection[str] = ()) -> Mapping[str, Gateway]:
        self.asked += [("gateways", gateway_id) for gateway_id in ids]
        self.written |= {*written}
        return {gateway_id: self._gateway(gateway_id) for gateway_id in ids}

    def _gateway(self, gateway_id: str) -> Gateway:
        name = gateway_id.rsplit("/", 1)[-1]
        known = self.gateways.get(gateway_id, a_gateway(id=gateway_id, name=name))
        if "gateways" not in self.unknown:
            return known
        lacking = ("vips", "virtual_network_id", "virtual_network_name")
        return replace(
            known,
            vips=(),
            virtual_network_id=None,
            virtual_network_name=None,
            unknown=dict.fromkeys(lacking, "Azure did not answer"),
        )

    def _connections(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Connection] | FactUnknown]:
        self.asked += [("connections", gateway_id) for gateway_id in gateway_ids]
        if "connections" in self.unknown:
            return dict.fromkeys(gateway_ids, FactUnknown("Azure did not answer"))
        return {gateway_id: self.connections.get(gateway_id, ()) for gateway_id in gateway_ids}

    def _inventory(self, gateway_ids: Sequence[str]) -> Mapping[str, Sequence[Connection]]:
        self.asked += [("inventory", each) for each in gateway_ids if each in self.inventory]
        return {each: self.inventory[each] for each in gateway_ids if each in self.inventory}

    def _tunnels(self, connection_ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]:
        self.asked += [("tunnels", connection_id) for connection_id in connection_ids]
        gone = FactUnknown("the connection no longer exists", kind="gone")
        silent = FactUnknown("Azure did not answer", kind="no answer")
        return {
            connection_id: silent
            if "tunnels" in self.unknown
            else self.tunnels.get(connection_id, gone)
            for connection_id in connection_ids
        }

    def _health(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[HealthEvent] | FactUnknown]:
        self.asked += [("health", gateway_id) for gateway_id in gateway_ids]
        silent = FactUnknown("Azure did not answer", kind="no answer")
        return {
            gateway_id: silent if "health" in self.unknown else self.health.get(gateway_id, ())
            for gateway_id in gateway_ids
        }

    def _bandwidth(
        self, gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        self.asked += [("bandwidth", gateway.id) for gateway in gateways]
        if "bandwidth" in self.unknown:
            why = FactUnknown("Azure did not answer")
            return {gateway.id: why for gateway in gateways}
        return {gateway.id: () for gateway in gateways}

    def _coverage(self, window: Window) -> frozenset[tuple[str, str]]:
        if self.coverage is None:
            raise FactUnknown("Azure did not answer")
        return self.coverage


def a_world(
    logs: MemoryLogs,
    *,
    journal: MemoryJournal | None = None,
    sinks: Sequence[Sink] = (),
    azure: MemoryAzure | None = None,
    scopes: Sequence[Scope] = (SCOPE,),
    lookback: timedelta = timedelta(hours=6),
    catch_up: timedelta = timedelta(hours=48),
) -> World:
    """A world of these parts; what is not given is empty."""
    return World(
        scopes=scopes,
        lookback=lookback,
        catch_up=catch_up,
        signals=logs,
        sources=(azure or MemoryAzure()).sources,
        journal=journal or MemoryJournal(),
        sinks=sinks,
        library=library(),
    )


def a_record(*deliveries: Delivery, insights: Sequence[Insight] = (), **changes: Any) -> Record:
    """A failover that was told in as many revisions as there are `insights`, by default one."""
    record = Record(
        failover=a_failover(),
        diagnosis=a_diagnosis(),
        gateway=a_gateway(),
        insights=tuple(insights) or (an_insight(),),
        deliveries=deliveries,
    )
    return replace(record, **changes)


def a_history(*records: Record) -> History:
    """The entry of the gateway with these failovers."""
    return History(gateway_id=GATEWAY_ID, records=records)


def a_delivery(revision: int = 1, **changes: Any) -> Delivery:
    """A delivery that was noted at the beginning of the night and is due since."""
    delivery = Delivery(sink="list", revision=revision, since=at(), due=at())
    return replace(delivery, **changes)


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=number)
