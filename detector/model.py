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

    `unreadable` names each row that could not be used, and why.
    `no_logs` says that there is no table to look in yet; it is None where there was one.
    """

    scope: Scope
    window: Window
    signals: tuple[Signal, ...] = ()
    unreadable: tuple[str, ...] = ()
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
    """Evidence that a gateway's active role moved, at one instant.

    An instance is None where the rows do not tell it.
    """

    at: datetime
    evidence: Evidence
    from_instance: str | None = None
    to_instance: str | None = None


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
    """The recorded cause of a failover; `at` and `caller` are None where no record has them."""

    kind: CauseKind
    statement: str
    at: datetime | None = None
    caller: str | None = None


class EndSource(StrEnum):
    """Who said that an outage had ended."""

    LOG = "log"
    ARM = "arm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One remote IP's time without a connected tunnel, by the logs; `end` None: not seen to end.

    `back_before` is set where no reconnect was logged but a later Disconnected row was: the tunnel
    had a later life, so this outage is not open, and nobody knows how long it was.
    """

    remote_ip: str
    instance: str
    start: datetime
    end: datetime | None = None
    end_source: EndSource | None = None
    connection: str | None = None
    back_before: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing was seen of the tunnel since."""
        return self.end is None and self.back_before is None

    @property
    def length(self) -> timedelta | None:
        """From the first Disconnected to what ended it."""
        return None if self.end is None else self.end - self.start


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

    `missing` holds the remote IPs that were not seen to come back on it.
    """

    instance: str
    start: datetime
    end: datetime | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the records prove of one failover, up to `seen_until`.

    `borne_out` is no longer true where the failover was told and rows that came later show none.
    """

    cause: Cause
    outages: tuple[Outage, ...]
    redundancy: tuple[Redundancy, ...]
    state: State
    importance: Importance
    flapping: bool
    seen_until: datetime
    evidence: tuple[EvidenceRow, ...]
    borne_out: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """One or more switch-overs of a gateway, each within 60 minutes of the one before."""

    id: str
    gateway_id: str
    switch_overs: tuple[SwitchOver, ...]

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
    where none was begun.
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


class TunnelStatus(StrEnum):
    """What ARM says of a tunnel, in its own words."""

    CONNECTED = "Connected"
    CONNECTING = "Connecting"
    NOT_CONNECTED = "NotConnected"
    UNKNOWN = "Unknown"


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
