"""A drill: a synthetic failover of a real gateway, unmistakably marked, for the real sinks.

It goes through the same diagnosis, articles and facts as a real one, and leaves no trace in the
gateway's history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from detector.errors import FactUnknown, OperatorError
from detector.insights import Insight, Library, Reason, compose_insight
from detector.journal import History, Sink, attempt
from detector.model import Answer, Gateway, Kind, Scope, Signal, Window
from detector.runs.facts import Sources, look_up
from detector.runs.observation import Loaded, observe
from detector.runs.revise import revision_of

LASTED: Final = timedelta(seconds=12)
"""For so long each tunnel of a drill is down: as in a planned failover."""

LEAD: Final = timedelta(minutes=30)
"""So long before the other instance of an active-active gateway connected, in a drill."""

_NO_PEERS: Final = ("192.0.2.1", "192.0.2.2")  # for documentation, where no connection is known


def drill_insight(
    gateway_id: str, sources: Sources, library: Library, *, now: datetime
) -> tuple[Insight, tuple[str, ...]]:
    """The insight of a failover that did not happen, and problems with the articles.

    The gateway's facts and the names of its tunnels are the real ones.
    Raises OperatorError for an id that is no gateway's or a gateway that is not there.
    """
    gateway = sources.gateways([gateway_id])[gateway_id]
    if gateway.location is None:
        why = "; ".join(sorted(set(gateway.unknown.values())))
        raise OperatorError(
            f"{gateway_id}: {why}; a drill needs a gateway that you may read (the role Reader)"
        )
    window = Window(start=now - timedelta(hours=1), end=now)
    rows = _rows(gateway, _peers(gateway_id, sources), now - timedelta(minutes=1))
    answer = Answer(scope=Scope(id="drill"), window=window, signals=tuple(rows))
    observations = observe([answer], asked=1, now=now)
    history = History(gateway_id=gateway_id)
    loaded = Loaded(observation=observations.of(gateway_id), history=history)
    facts, [[failover]] = look_up(sources, [loaded], now=now)
    known = facts.gateway(failover) or gateway
    revision = revision_of(failover, known, facts, (Reason.DETECTED,))
    return compose_insight(replace(revision, drill=True), library)


def send_drill(insight: Insight, sinks: Iterable[Sink]) -> Iterator[tuple[str, str | None]]:
    """The name of each sink that takes it, with what went wrong, None where it was delivered."""
    for sink in sinks:
        if insight.reason in sink.takes:
            yield sink.name, attempt(sink, insight).problem


def _peers(gateway_id: str, sources: Sources) -> Sequence[str]:
    known = sources.connections([gateway_id])[gateway_id]
    peers = [] if isinstance(known, FactUnknown) else [each.remote_ip for each in known]
    return [peer for peer in peers if peer] or _NO_PEERS


def _rows(gateway: Gateway, peers: Sequence[str], at: datetime) -> Iterator[Signal]:
    """The primary changes; each peer's tunnel goes and comes back, on the other instance.

    Of an active-active gateway, whose instances have tunnels of their own, on the same; there the
    other one serves each peer meanwhile.
    """
    yield _row(gateway, Kind.PRIMARY_CHANGED, at)
    for peer in peers:
        if gateway.active_active:
            yield _row(gateway, Kind.CONNECTED, at - LEAD, instance=1, remote_ip=peer)
        yield _row(gateway, Kind.DISCONNECTED, at, instance=0, remote_ip=peer)
        target = 0 if gateway.active_active else 1
        yield _row(gateway, Kind.CONNECTED, at + LASTED, instance=target, remote_ip=peer)


def _row(
    gateway: Gateway, kind: Kind, at: datetime, *, instance: int | None = None, remote_ip: str = ""
) -> Signal:
    return Signal(
        at=at,
        gateway_id=gateway.id,
        kind=kind,
        source="drill",
        instance="" if instance is None else f"GatewayTenantWorker_IN_{instance}",
        remote_ip=remote_ip,
        text="drill",
    )
