"""The nouns of the detector: plain values that know nothing of Azure's clients, files or clocks.

Instants are aware `datetime`s in UTC, lengths of time are `timedelta`s.
Ids of Azure resources are lower case, made so where they enter; names stay as Azure writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from detector.errors import Unforeseen

ACTIVITY: Final = "AzureActivity"
"""The source of a row of the Activity Log that tells of an operation (category Administrative)."""

RESOURCE_HEALTH: Final = "AzureActivity/ResourceHealth"
"""The source of a row of the Activity Log's category ResourceHealth."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """A half-open stretch of time: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def halves(self) -> tuple[Window, Window]:
        """The two windows that meet in the middle of this one and together are this one."""
        middle = self.start + (self.end - self.start) / 2
        return Window(start=self.start, end=middle), Window(start=middle, end=self.end)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Scope:
    """What one Log Analytics query is asked of: a workspace (GUID) or an ARM id, lower case."""

    id: str

    @property
    def is_workspace(self) -> bool:
        """Whether this is a workspace, and not a resource, resource group or subscription."""
        return not self.id.startswith("/")

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What a scope's logs hold of one source and one resource: how many rows, and the newest.

    `source` is that of a Signal, or another category of AzureDiagnostics; `resource_id` is a
    gateway's id, or `/subscriptions/<id>` for the Activity Log.
    """

    source: str
    resource_id: str
    rows: int
    newest: datetime


ALL_LOGS: Final = "alllogs"
"""The group of all categories, as a setting may name it instead of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticSetting:
    """Which logs a resource or a subscription sends where.

    `workspace_id` is the ARM id of a workspace, None where they go somewhere else. `categories` are
    those that are switched on, lower case, with ALL_LOGS for the group.
    """

    name: str
    workspace_id: str | None
    categories: frozenset[str]


class Kind(StrEnum):
    """What a row of the logs says happened."""

    DISCONNECTED = "tunnel disconnected"
    CONNECTED = "tunnel connected"
    PRIMARY_CHANGED = "primary changed"
    MAINTENANCE = "maintenance"
    CONFIGURATION = "configuration"
    RESET = "reset"
    WRITE = "write"
    MIGRATION = "migration"
    CONNECTION_CHANGE = "connection change"
    HEALTH = "health"


class Phase(StrEnum):
    """How far the operation had come that a row tells of."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNSTATED = "unstated"


PLATFORM_INITIATED: Final = "Platform Initiated"
CUSTOMER_INITIATED: Final = "Customer Initiated"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEvent:
    """One entry of what Resource Health says of a gateway; text that is absent is empty.

    `at` is when it began, `resolved_at` when it ended, where that is said. `state` is Available,
    Unavailable, Degraded or Unknown; `reason_type` and `category` are Planned, Unplanned or others
    of Azure's words. `context` is PLATFORM_INITIATED, CUSTOMER_INITIATED or another text.
    """

    at: datetime
    resolved_at: datetime | None
    state: str
    title: str
    summary: str
    reason_type: str
    context: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One row of the logs that bears on a failover.

    Two rows with the same content are one signal, whichever scope or run they came from.
    `source` is the category of AzureDiagnostics, `AzureActivity` or `AzureActivity/ResourceHealth`.
    `text` is what the row says in words (its Message or reason), hostile until escaped.
    A row of the Activity Log that tells of a connection names it in `connection`, by its id, and
    leaves `gateway_id` empty: whose connection it is, the row does not say. `health` is what a row
    of Resource Health says.
    """

    at: datetime
    gateway_id: str
    kind: Kind
    source: str
    instance: str = ""
    remote_ip: str = ""
    phase: Phase = Phase.UNSTATED
    caller: str = ""
    correlation_id: str = ""
    text: str = ""
    connection: str = ""
    health: HealthEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one scope's logs hold for a window, in full.

    `unreadable` names rows that could not be used, and why; `more_unreadable` counts those that it
    does not name. `failures` are the defects that a row met with: the scope is to be asked again.
    `no_logs` says that there is no table to look in yet; it is None where there was one.
    """

    scope: Scope
    window: Window
    signals: tuple[Signal, ...] = ()
    unreadable: tuple[str, ...] = ()
    more_unreadable: int = 0
    failures: tuple[Unforeseen, ...] = ()
    no_logs: str | None = None

    @property
    def newest(self) -> datetime | None:
        """When the newest signal of the scope was logged."""
        return max((signal.at for signal in self.signals), default=None)


class Evidence(StrEnum):
    """What a switch-over was recognised by, weakest first."""

    BOTH_INSTANCES_LOST = "both-instances-lost"
    INSTANCE_LOST = "instance-lost"
    HAND_OVER = "hand-over"
    PRIMARY_CHANGED = "primary-changed"

    @property
    def strength(self) -> int:
        """A greater number for stronger evidence."""
        return list(Evidence).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOver:
    """Evidence that a gateway's active role moved, or that an instance was lost.

    `at` is its instant; `not_before` is set where the evidence leaves more than three minutes open:
    the newest time at which a tunnel was connected on the old instance.
    `first` and `last` are the times of the first and the last evidence, None where they are `at`.
    An instance is None where the rows do not tell it.
    """

    at: datetime
    evidence: Evidence
    from_instance: str | None = None
    to_instance: str | None = None
    not_before: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None

    @property
    def begin(self) -> datetime:
        """When its evidence begins."""
        return self.at if self.first is None else min(self.first, self.at)

    @property
    def end(self) -> datetime:
        """When its evidence ends."""
        return self.at if self.last is None else max(self.last, self.at)

    def apart(self, begin: datetime, end: datetime) -> timedelta:
        """How far its interval lies from that one; nothing where they touch."""
        return max(self.begin - end, begin - self.end, timedelta())


class CauseKind(StrEnum):
    """What the records show beside a failover, in the order in which they are believed."""

    RESET = "reset"
    MIGRATION = "migration"
    MAINTENANCE = "maintenance"
    CONFIGURATION = "configuration"
    RESOURCE_HEALTH = "resource-health"
    NOT_RECORDED = "not-recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The recorded cause of a switch-over; `at` and `caller` are None where no record has them.

        `clause` says it within a sentence about the switch-over: `with a reset by … recorded at …`.
        `others` are the kinds of the other records, each of one thing, in the order of belief.
    `records` is how many records it rests on. `started` says that an operation was started and has
    no end yet; then the kind is not recorded.
    """

    kind: CauseKind
    statement: str
    at: datetime | None = None
    caller: str | None = None
    clause: str = ""
    others: tuple[CauseKind, ...] = ()
    started: bool = False
    records: int = 0


class EndSource(StrEnum):
    """Who said that an outage had ended."""

    LOG = "log"
    ARM = "arm"


class TunnelStatus(StrEnum):
    """What ARM says of a tunnel, in its own words."""

    CONNECTED = "Connected"
    CONNECTING = "Connecting"
    NOT_CONNECTED = "NotConnected"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAnswer:
    """What Azure Resource Manager said of a tunnel when it was last asked, at `at`.

    `status` is None where it could not be asked, for `problem`; `failures` counts how often in a
    row, and `refused` says that a permission is missing. `since` is when the tunnel last connected,
    and `vip` the gateway's address that it has.
    `contradicts` says that it does not agree with the log, and `gone` that the connection is there
    no more.
    """

    at: datetime
    status: TunnelStatus | None = None
    since: datetime | None = None
    contradicts: bool = False
    gone: bool = False
    refused: bool = False
    problem: str | None = None
    failures: int = 0
    vip: str | None = None

    @property
    def is_down(self) -> bool:
        """Whether the tunnel was down when it was asked."""
        return not self.contradicts and self.status in (
            TunnelStatus.NOT_CONNECTED,
            TunnelStatus.CONNECTING,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One remote IP's time without a connected tunnel, by the logs; `end` None: not seen to end.

    `back_before` is set where a later row shows that the tunnel had come back, and none says when:
    the outage is not open, and nobody knows how long it was.
    An end that ARM gave is an upper bound. `live` is what ARM said of the tunnel.
    """

    remote_ip: str
    instance: str
    start: datetime
    end: datetime | None = None
    end_source: EndSource | None = None
    connection: str | None = None
    back_before: datetime | None = None
    live: LiveAnswer | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing was seen of the tunnel since, and it is still followed."""
        return self.end is None and self.back_before is None and not self.is_given_up

    @property
    def is_given_up(self) -> bool:
        """Whether it is followed no more, since its connection is gone before it was seen back."""
        is_back = self.end is not None or self.back_before is not None
        return not is_back and self.live is not None and self.live.gone

    @property
    def is_disputed(self) -> bool:
        """Whether ARM does not agree with the log that it went down."""
        return self.is_open and self.live is not None and self.live.contradicts

    @property
    def is_down_by_arm(self) -> bool:
        """Whether ARM said that it was down when it was last asked, and nothing was seen since."""
        return self.is_open and self.live is not None and self.live.is_down

    @property
    def length(self) -> timedelta | None:
        """From the first Disconnected to the Connected that ended it, by the rows."""
        if self.end is None or self.end_source is EndSource.ARM:
            return None
        return max(self.end - self.start, timedelta())

    @property
    def at_most(self) -> timedelta | None:
        """The length that it cannot have exceeded, where only that is known."""
        if self.end is None or self.end_source is not EndSource.ARM:
            return None
        return max(self.end - self.start, timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyDown:
    """A tunnel that was down when the failover began, and had been since before."""

    remote_ip: str
    instance: str
    since: datetime
    connection: str | None = None


class State(StrEnum):
    """Whether a failover is over, as far as the records show."""

    ONGOING = "ongoing"
    RECOVERED = "recovered"
    UNKNOWN = "unknown"


class Importance(StrEnum):
    """The three levels of an insight."""

    CRITICAL = "Critical"
    WARNING = "Warning"
    INFORMATION = "Information"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """A row that the diagnosis rests on, in words."""

    at: datetime
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redundancy:
    """The time in which one instance of an active-active gateway was without tunnels it had.

    `tunnels` are the times of each; `end` is None while one has not come back, or where it is not
    known when.
    """

    instance: str
    start: datetime
    end: datetime | None = None
    tunnels: tuple[Outage, ...] = ()

    @property
    def missing(self) -> tuple[Outage, ...]:
        """The tunnels that were not seen to come back on it."""
        return tuple(tunnel for tunnel in self.tunnels if tunnel.is_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the records prove of one failover, up to `seen_until`.

    `causes` are those of its switch-overs, in their order, and `cause` that of the whole.
    `unclear` are tunnels of one instance of which it is not known whether the other served their
    peers meanwhile. `tunnels_seen_until` is the time up to which a tunnel's row would be seen.
    `health_asked` is when Resource Health was last asked.
    The counts of what is `left_out` of what goes on for days are the least that there were.
    `borne_out` is no longer true where the failover was told and rows that came later show none.
    """

    cause: Cause
    causes: tuple[Cause, ...] = ()
    outages: tuple[Outage, ...]
    outages_left_out: int = 0
    redundancy: tuple[Redundancy, ...]
    redundancy_left_out: int = 0
    unclear: tuple[Outage, ...] = ()
    unclear_left_out: int = 0
    already_down: tuple[AlreadyDown, ...] = ()
    state: State
    importance: Importance
    flapping: bool
    seen_until: datetime
    tunnels_seen_until: datetime | None = None
    evidence: tuple[EvidenceRow, ...]
    evidence_left_out: int = 0
    borne_out: bool = True
    health_asked: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """One or more switch-overs of a gateway, each within 60 minutes of the one before.

    Of one that goes on for days, `earlier` switch-overs right after the first are only counted.
    """

    id: str
    gateway_id: str
    switch_overs: tuple[SwitchOver, ...]
    earlier: int = 0

    @property
    def times(self) -> int:
        """How often the gateway switched over."""
        return len(self.switch_overs) + self.earlier

    @property
    def first_at(self) -> datetime:
        """The instant of its first switch-over."""
        return self.switch_overs[0].at

    @property
    def last_at(self) -> datetime:
        """The instant of its latest switch-over."""
        return self.switch_overs[-1].at


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A virtual network gateway's facts; a fact that could not be had stands in `unknown` with why.

    The keys of `unknown` are this class's field names.
    `generation` is `Generation1` or `Generation2`; `vpn_type` is `RouteBased` or `PolicyBased`.
    `vips` are all its public addresses, in the order of its ipConfigurations.
    The last three facts may be None without standing in `unknown`: `gateway_type` is `Vpn`,
    `ExpressRoute` or `LocalGateway`; `point_to_site` says whether clients get addresses of it;
    `migration` is `<phase>/<state>` in Azure's words, as `ExecuteSucceeded/Succeeded`, and None
    where none was begun. `peers` counts those of its connections, where they were asked.
    """

    id: str
    name: str
    resource_group: str
    subscription_id: str
    location: str | None = None
    sku: str | None = None
    generation: str | None = None
    vpn_type: str | None = None
    active_active: bool | None = None
    vips: tuple[str, ...] = ()
    virtual_network_id: str | None = None
    virtual_network_name: str | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
    gateway_type: str | None = None
    point_to_site: bool | None = None
    migration: str | None = None
    peers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelState:
    """One tunnel of a connection, as ARM says it is now.

    `vip` is the gateway's address, None where the tunnel's name does not end in one.
    `connected_since` is when it last connected, None where ARM has no time; one that is there and
    cannot be read makes `since_unreadable` true.
    """

    vip: str | None
    status: TunnelStatus
    connected_since: datetime | None
    since_unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A gateway's connection: its name, its peer's address, and ARM's `connectionStatus`.

    `id` is empty where its body has none. `tunnels` is empty where ARM does not tell of them, as
    in every list of connections.
    """

    name: str
    remote_ip: str | None
    status: str | None
    id: str = ""
    tunnels: tuple[TunnelState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One instance's bandwidth: five-minute averages in bytes per second, at their start."""

    instance: str
    points: tuple[tuple[datetime, float], ...]

    def within(self, window: Window) -> Iterator[tuple[datetime, float]]:
        """The points whose five minutes begin in `window`."""
        return (point for point in self.points if point[0] in window)
