"""What a run has to ask Azure about the gateways it will tell of, and the answers.

Everything is asked at most once a run, and only for what is told, is not known yet, or is open.
What cannot be had is an unknown fact and never holds an insight back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from detector.diagnosis import (
    AFTER,
    BEFORE,
    HEALTH_ASKED,
    NEAR,
    ONE_PEER,
    STANDBY,
    Comparison,
    Examination,
    Known,
    Observation,
    Piece,
    all_tunnels,
    compare,
    named,
    open_tunnels,
    peers_to_ask,
    with_logs,
)
from detector.errors import FactUnknown
from detector.journal import History, Record
from detector.model import (
    ACTIVITY,
    RESOURCE_HEALTH,
    CauseKind,
    Connection,
    Diagnosis,
    Gateway,
    HealthEvent,
    Importance,
    Kind,
    Series,
    Window,
)
from detector.runs.observation import Loaded
from detector.runs.ports import (
    Bandwidth,
    Connections,
    Coverage,
    Gateways,
    Health,
    Inventory,
    LiveTunnels,
    Notes,
)
from detector.runs.reconcile import Reconciled, reconcile
from detector.signals import NOT_SET
from detector.text import listed

AROUND: Final = timedelta(minutes=30)
"""Bandwidth is looked at from this long before a failover until this long after."""

FOLLOWED: Final = timedelta(hours=24)
"""For so long after a failover Azure is asked again for what is still unknown or open."""

FRESH: Final = timedelta(hours=1)
"""For so long a doubtful piece of evidence is looked into with further facts."""

HEALTH_AFTER: Final = (
    timedelta(minutes=20),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""So long after a failover Resource Health is asked while nothing is recorded."""

CHANGED_SINCE: Final = "the gateway's configuration was changed since"
"""Why the mode of a gateway is not known that was written to after a failover."""

CONNECTIONS: Final = "connections"
BANDWIDTH: Final = "bandwidth"
BESIDE: Final = frozenset({CONNECTIONS, BANDWIDTH})
"""The facts that are had from elsewhere, beside those of the gateway's own body."""

_CHANGES: Final = frozenset({Kind.WRITE, Kind.CONFIGURATION, Kind.MIGRATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The ports that answer for facts."""

    gateways: Gateways
    connections: Connections
    inventory: Inventory
    tunnels: LiveTunnels
    health: Health
    bandwidth: Bandwidth
    coverage: Coverage
    notes: Notes


@dataclass(slots=True, kw_only=True)
class Facts:
    """What Azure answered in this run; a gateway or a fact that was not asked for is absent.

    `tunnels` holds what ARM says live of a gateway's connections, by remote IP. Of the gateways in
    `inventoried` there may be connections beside those that are known.
    """

    now: datetime
    gateways: dict[str, Gateway] = field(default_factory=dict)
    connections: dict[str, Sequence[Connection] | FactUnknown] = field(default_factory=dict)
    inventoried: set[str] = field(default_factory=set)
    tunnels: dict[str, Mapping[str, Sequence[Connection | FactUnknown]]] = field(
        default_factory=dict
    )
    health: dict[str, Sequence[HealthEvent] | FactUnknown] = field(default_factory=dict)
    bandwidth: dict[str, Sequence[Series] | FactUnknown] = field(default_factory=dict)
    coverage: frozenset[tuple[str, str]] | None = None
    _examined: dict[str, Examination] = field(default_factory=dict)

    def examine(self, observation: Observation, history: History) -> Examination:
        """What the observation means for the gateway of this history, by what was answered.

        It is worked out anew only where something was answered since.
        """
        known = self._known(history)
        before = self._examined.get(history.gateway_id)
        if before is not None and before.observation is observation and before.known == known:
            return before
        examined = Examination(observation=observation, known=known)
        self._examined[history.gateway_id] = examined
        return examined

    def reconcile(self, observation: Observation, history: History) -> list[Reconciled]:
        """The failovers of a gateway, by its rows, by its history and by what was answered."""
        return reconcile(history, self.examine(observation, history))

    def _known(self, history: History) -> Known:
        gateway_id = history.gateway_id
        gateway = self.gateways.get(gateway_id)
        connections = self.connections.get(gateway_id)
        listing = () if isinstance(connections, FactUnknown) else connections
        health = self.health.get(gateway_id)
        return Known(
            is_vpn=_is_vpn(gateway, history),
            active_active=_mode(gateway, history),
            told=tuple(
                (
                    min(each.begin for each in record.failover.switch_overs),
                    max(each.end for each in record.failover.switch_overs),
                    record.gateway.active_active,
                )
                for record in history.records
                if record.gateway.active_active is not None
            ),
            peers=self.peers(gateway_id),
            all_peers=bool(listing) and gateway_id not in self.inventoried,
            live=self.tunnels.get(gateway_id, {}),
            connections=frozenset(each.id for each in listing or () if each.id),
            health=None if health is None or isinstance(health, FactUnknown) else tuple(health),
            logs=self.logs(gateway_id),
            migration=None if gateway is None else gateway.migration,
        )

    def peers(self, gateway_id: str) -> dict[str, str]:
        """The names of the connections that lead to each remote IP, as far as they are known."""
        connections = self.connections.get(gateway_id, ())
        if isinstance(connections, FactUnknown):
            return {}
        names: dict[str, list[str]] = defaultdict(list)
        for each in connections:
            if each.remote_ip is not None:
                names[each.remote_ip].append(each.name)
        return {remote_ip: listed(sorted(own)) for remote_ip, own in names.items()}

    def logs(self, gateway_id: str) -> frozenset[str] | None:
        """The sources that there are to look in for this gateway; None where nobody asked."""
        if self.coverage is None:
            return None
        asked = self.health.get(gateway_id)
        is_asked = asked is not None and not isinstance(asked, FactUnknown)
        return logs_of(gateway_id, self.coverage) | ({HEALTH_ASKED} if is_asked else set())

    def is_settled(self, observation: Observation, history: History) -> bool:
        """Whether the same rows, seen again, would lead to the same: all that they show is told."""
        pieces = self.examine(observation, history).pieces
        return observation.complete and all(
            _is_recorded(piece, history) for piece in pieces if piece.at >= observation.since
        )

    def completed(self, reconciled: Iterable[Reconciled], loaded: Loaded) -> list[Reconciled]:
        """The failovers with the names of their tunnels, and with which logs were searched."""
        examined = self.examine(loaded.observation, loaded.history)
        return [replace(each, diagnosis=_completed(each, examined)) for each in reconciled]

    def gateway(self, reconciled: Reconciled) -> Gateway | None:
        """The gateway's facts: of this run, and for what is unknown now those recorded.

        Its mode is the one that the failover is told by.

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
        known = replace(known, **kept)
        if known.active_active is not None and reconciled.active_active is None:
            unknown["active_active"] = CHANGED_SINCE
        names = self.peers(known.id) if known.id not in self.inventoried else {}
        peers = len(set(names.values())) if names else None if recorded is None else recorded.peers
        return replace(known, active_active=reconciled.active_active, unknown=unknown, peers=peers)

    def compared(self, reconciled: Reconciled, gateway: Gateway) -> Comparison:
        """The peak bandwidth around a failover against the benchmark of its gateway's SKU."""
        series = self.bandwidth.get(gateway.id, FactUnknown("it was not asked for"))
        return compare(gateway, series, around([reconciled], now=self.now))


def look_up(
    sources: Sources, loaded: Sequence[Loaded], *, now: datetime
) -> tuple[Facts, list[list[Reconciled]]]:
    """The failovers of each of these gateways, and the facts for all that is to be told of them.

    Facts that rows or history call for are asked first, since the mode decides what a gateway's
    rows prove. Then each gateway is reconciled once; again only where what is asked for later
    changes the result: its mode, what ARM says live of its tunnels, or Resource Health.
    """
    facts = Facts(now=now)
    ask_gateways(facts, sources, [each for each in loaded if lacks_facts(each, now=now)])
    _ask_connections(
        facts, sources, [each.gateway_id for each in loaded if lacks_peers(each, facts)]
    )
    known = [facts.examine(each.observation, each.history) for each in loaded]
    failovers = [
        reconcile(each.history, examined) for each, examined in zip(loaded, known, strict=True)
    ]
    _ask_live(facts, sources, loaded, known, failovers)
    _ask_health(facts, sources, failovers)
    failovers = _again(facts, loaded, known, failovers)
    known = [facts.examine(each.observation, each.history) for each in loaded]
    every = list(chain(*failovers))
    changed = [
        each for each, own in zip(loaded, failovers, strict=True) if _may_be_changed(each, own)
    ]
    _ask_connections(facts, sources, [each.gateway_id for each in changed])
    _ask_names(facts, sources, [each for each in every if asks_names(each, now=now)])
    _ask_bandwidth(
        facts, sources, loaded, [each for each in every if asks_bandwidth(each, now=now)]
    )
    failovers = _again(facts, loaded, known, failovers)
    _ask_coverage(facts, sources, chain(*failovers), loaded)
    return facts, [facts.completed(own, each) for own, each in zip(failovers, loaded, strict=True)]


def _completed(reconciled: Reconciled, examined: Examination) -> Diagnosis:
    diagnosis = named(reconciled.diagnosis, examined.known.peers)
    return with_logs(diagnosis, reconciled.failover.switch_overs, examined)


def _again(
    facts: Facts,
    loaded: Sequence[Loaded],
    before: Sequence[Examination],
    failovers: Sequence[list[Reconciled]],
) -> list[list[Reconciled]]:
    """The failovers of each gateway, reconciled anew where its mode or ARM's word has changed."""
    found = []
    for each, examined, own in zip(loaded, before, failovers, strict=True):
        now_known = facts.examine(each.observation, each.history)
        is_same = _decisive(now_known) == _decisive(examined)
        found.append(own if is_same else reconcile(each.history, now_known))
    return found


def _decisive(examined: Examination) -> tuple[object, ...]:
    """What decides which failovers there are and how they go, beside names and logs."""
    known = examined.known
    return known.active_active, known.live, known.health, known.migration, examined.connection_rows


def ask_gateways(facts: Facts, sources: Sources, loaded: Iterable[Loaded]) -> None:
    """Add the facts of those gateways that were not asked for yet."""
    missing = [each for each in loaded if each.gateway_id not in facts.gateways]
    if missing:
        ids = [each.gateway_id for each in missing]
        written = {each.gateway_id for each in missing if _is_written(each.observation)}
        facts.gateways.update(sources.gateways(ids, written))


def _is_written(observation: Observation) -> bool:
    """Whether the rows tell of a change of the gateway itself."""
    return any(row.kind in _CHANGES for row in observation.rows)


def _ask_connections(facts: Facts, sources: Sources, gateway_ids: Iterable[str]) -> None:
    """Add all connections of those gateways that were not asked for yet."""
    missing = [each for each in gateway_ids if each not in facts.connections]
    if missing:
        facts.connections.update(sources.connections(missing))


def _ask_names(facts: Facts, sources: Sources, found: Iterable[Reconciled]) -> None:
    """Add the connections that the tunnels of these failovers are of.

    An inventory is enough where it names each of them.
    """
    remote_ips: dict[str, set[str]] = defaultdict(set)
    for each in found:
        own = remote_ips[each.gateway_id]
        own |= {tunnel.remote_ip for tunnel in all_tunnels(each.diagnosis)}
        own |= {tunnel.remote_ip for tunnel in each.diagnosis.already_down}
    missing = [each for each in remote_ips if each not in facts.connections]
    for gateway_id, known in (sources.inventory(missing) if missing else {}).items():
        if remote_ips[gateway_id] <= {each.remote_ip for each in known}:
            facts.connections[gateway_id] = known
            facts.inventoried.add(gateway_id)
    _ask_connections(facts, sources, missing)


def _ask_live(
    facts: Facts,
    sources: Sources,
    loaded: Sequence[Loaded],
    known: Sequence[Examination],
    failovers: Sequence[Sequence[Reconciled]],
) -> None:
    """Ask ARM live of the tunnels that the logs do not show back, and of lost instances'.

    Between the hours it is asked again where Critical is about to be said of something else.
    """
    wanted: dict[str, set[str]] = {}
    for each, examined, own in zip(loaded, known, failovers, strict=True):
        peers = {
            ip
            for failover in own
            for ip in peers_to_ask(
                failover.diagnosis, active_active=failover.active_active, now=facts.now
            )
        }
        peers |= examined.to_be_shown
        if peers or any(failover.reasons for failover in own):
            peers |= {
                tunnel.remote_ip
                for failover in own
                if failover.diagnosis.importance is Importance.CRITICAL
                for tunnel in open_tunnels(failover.diagnosis)
            }
        if peers:
            wanted[each.gateway_id] = peers
    _ask_connections(facts, sources, wanted)
    ids: dict[str, None] = {}
    for gateway_id, peers in wanted.items():
        ids |= dict.fromkeys(each.id for each in _leading(facts, gateway_id, peers) if each.id)
    answers = sources.tunnels(list(ids)) if ids else {}
    for each, own in zip(loaded, failovers, strict=True):
        if each.gateway_id in wanted:
            names = {
                tunnel.remote_ip: tunnel.connection
                for failover in own
                for tunnel in all_tunnels(failover.diagnosis)
                if tunnel.connection
            }
            facts.tunnels[each.gateway_id] = {
                remote_ip: _live(facts, each.gateway_id, remote_ip, names.get(remote_ip), answers)
                for remote_ip in sorted(wanted[each.gateway_id])
            }


def _leading(facts: Facts, gateway_id: str, peers: Collection[str]) -> list[Connection]:
    """The gateway's connections that lead to one of these remote IPs."""
    connections = facts.connections[gateway_id]
    if isinstance(connections, FactUnknown):
        return []
    return [each for each in connections if each.remote_ip in peers]


def _live(
    facts: Facts,
    gateway_id: str,
    remote_ip: str,
    name: str | None,
    answers: Mapping[str, Connection | FactUnknown],
) -> Sequence[Connection | FactUnknown]:
    """What ARM says of the connections to one remote IP, or why it says nothing.

    `name` is that of the connection which led there before, if one is known to have.
    """
    connections = facts.connections[gateway_id]
    if isinstance(connections, FactUnknown):
        return (connections,)
    own = _leading(facts, gateway_id, {remote_ip})
    if not own and name is not None:
        return (FactUnknown("no connection of the gateway leads there any more", kind="gone"),)
    if not own:
        return (FactUnknown("no connection of the gateway is known to lead there"),)
    return [answers.get(each.id, each) for each in own]


def _ask_health(facts: Facts, sources: Sources, failovers: Iterable[Iterable[Reconciled]]) -> None:
    asked = _ids(each for own in failovers for each in own if asks_health(each, now=facts.now))
    if asked:
        facts.health.update(sources.health(asked))


def _ask_bandwidth(
    facts: Facts, sources: Sources, loaded: Iterable[Loaded], measured: Collection[Reconciled]
) -> None:
    """Ask for the bandwidth, and for the facts of gateways of which something is to be told."""
    told = {each.gateway_id for each in measured if each.reasons or facts.gateway(each) is None}
    ask_gateways(facts, sources, [each for each in loaded if each.gateway_id in told])
    gateways = {each.gateway_id: facts.gateway(each) for each in measured}
    if measured:
        known = [each for each in gateways.values() if each is not None]
        facts.bandwidth.update(sources.bandwidth(known, around(measured, now=facts.now)))


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
    records = loaded.history.records
    recorded = _mode(None, loaded.history)
    examined = Examination(observation=loaded.observation, known=Known(active_active=recorded))
    news = any(
        piece.at >= loaded.observation.since
        and not _is_recorded(piece, loaded.history)
        and _calls_for_facts(piece, now=now)
        for piece in examined.pieces
    )
    return news or any(
        lacking(record.gateway) - BESIDE and now - record.failover.last_at <= FOLLOWED
        for record in records
    )


def _calls_for_facts(piece: Piece, *, now: datetime) -> bool:
    """Whether the mode decides what this evidence proves, or what it proves is to be told.

    A tunnel that one instance lost alone is looked into while it is fresh: most are a peer's own.
    """
    if piece.doubt == STANDBY:
        return False
    return piece.doubt != ONE_PEER or now - piece.at <= FRESH


def lacks_peers(loaded: Loaded, facts: Facts) -> bool:
    """Whether it matters that a peer, whose tunnel one instance lost, is the gateway's only one."""
    examined = facts.examine(loaded.observation, loaded.history)
    return any(
        piece.doubt == ONE_PEER
        and examined.mode.at(piece.at) is True
        and facts.now - piece.at <= FRESH
        and not _is_recorded(piece, loaded.history)
        for piece in examined.pieces
    )


def _is_recorded(piece: Piece, history: History) -> bool:
    """Whether a recorded switch-over is within reach of this piece of evidence."""
    return any(
        known.apart(piece.at, piece.until) <= NEAR
        for record in history.records
        for known in record.failover.switch_overs
    )


def _mode(gateway: Gateway | None, history: History) -> bool | None:
    """The gateway's mode by its facts, else by those last recorded."""
    if gateway is not None and gateway.active_active is not None:
        return gateway.active_active
    modes = [record.gateway.active_active for record in history.records]
    return next((mode for mode in reversed(modes) if mode is not None), None)


def _is_vpn(gateway: Gateway | None, history: History) -> bool:
    """Whether nothing says that the gateway is of another type than Vpn."""
    known = [gateway, *(record.gateway for record in history.records)]
    types = {each.gateway_type.lower() for each in known if each and each.gateway_type}
    return types <= {"vpn"}


def lacking(gateway: Gateway) -> set[str]:
    """The facts that are unknown, and that another answer may have.

    What Azure has not set, and how a gateway was before it was changed, no answer has.
    """
    return {fact for fact, why in gateway.unknown.items() if why not in (NOT_SET, CHANGED_SINCE)}


def asks_names(reconciled: Reconciled, *, now: datetime) -> bool:
    """Whether the gateway's connections are to be asked for their names: for what is told.

    Names that could not be had then are asked for again for a day.
    """
    unknown = reconciled.recorded is not None and CONNECTIONS in reconciled.recorded.gateway.unknown
    followed = now - reconciled.failover.last_at <= FOLLOWED
    diagnosis = reconciled.diagnosis
    tunnels = (diagnosis.outages, diagnosis.redundancy, diagnosis.unclear, diagnosis.already_down)
    return (unknown and followed) or (bool(reconciled.reasons) and any(tunnels))


def _may_be_changed(loaded: Loaded, failovers: Iterable[Reconciled]) -> bool:
    """Whether a change of a connection was recorded that may be one of this gateway's."""
    subscription = "/".join(loaded.gateway_id.split("/")[:3])
    rows = [
        row
        for row in loaded.observation.connection_rows
        if row.connection.startswith(f"{subscription}/")
    ]
    return any(
        each.failover.first_at - BEFORE <= row.at <= each.failover.last_at + NEAR + AFTER
        for row in rows
        for each in failovers
    )


def asks_health(reconciled: Reconciled, *, now: datetime) -> bool:
    """Whether Resource Health is to be asked: while nothing is recorded, at times after a failover.

    It is asked 20 minutes, 1 hour, 6 hours and 24 hours after the latest switch-over.
    """
    diagnosis = reconciled.diagnosis
    if diagnosis.cause.kind is not CauseKind.NOT_RECORDED:
        return False
    times = [reconciled.failover.last_at + after for after in HEALTH_AFTER]
    passed = [at for at in times if at <= now]
    if not passed or now > times[-1] + FRESH:
        return False
    return diagnosis.health_asked is None or diagnosis.health_asked < passed[-1]


def asks_again(record: Record) -> tuple[datetime, ...]:
    """When Azure is to be asked of a failover though no new row is seen, if ever.

    At once for what is open or unknown, and else when Resource Health may say why.
    """
    failover, diagnosis = record.failover, record.diagnosis
    if open_tunnels(diagnosis) or lacking(record.gateway):
        return (failover.last_at,)
    if diagnosis.cause.kind is not CauseKind.NOT_RECORDED:
        return ()
    times = [failover.last_at + after for after in HEALTH_AFTER]
    asked = diagnosis.health_asked
    return tuple(at for at in times if asked is None or at > asked)[:1]


def asks_bandwidth(reconciled: Reconciled, *, now: datetime) -> bool:
    """Whether the metrics are to be asked: for what is told, or as they could not be had before."""
    unknown = reconciled.recorded is not None and BANDWIDTH in reconciled.recorded.gateway.unknown
    return bool(reconciled.reasons) or (unknown and now - reconciled.failover.last_at <= FOLLOWED)


def asks_coverage(reconciled: Reconciled) -> bool:
    """Whether it matters which logs there are: for what is told without a recorded cause."""
    kind = reconciled.diagnosis.cause.kind
    return bool(reconciled.reasons) and kind is CauseKind.NOT_RECORDED


def logs_of(gateway_id: str, coverage: frozenset[tuple[str, str]]) -> frozenset[str]:
    """The sources among `coverage` that could tell of this gateway."""
    subscription = "/".join(gateway_id.split("/")[:3])
    return frozenset(
        source
        for source, resource in coverage
        if resource == (subscription if source in (ACTIVITY, RESOURCE_HEALTH) else gateway_id)
    )
