"""A row of the logs becomes a Signal, or the reason why it cannot.

The rows have the columns that `azure/signals.kql` projects, whether they come from Log Analytics
or from a recording. Values may be typed or text. What the columns hold in Azure is documented at
https://learn.microsoft.com/azure/vpn-gateway/monitor-vpn-gateway-reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from sys import intern
from typing import Final

from detector.boundary import contained
from detector.errors import DetectorError, Unforeseen
from detector.model import RESOURCE_HEALTH, HealthEvent, Kind, Phase, Signal
from detector.signals.fields import fields_of, written
from detector.signals.resource_health import health_event

COLUMNS: Final = (
    "TimeGenerated",
    "ResourceId",
    "Source",
    "Operation",
    "Status",
    "Instance",
    "RemoteIp",
    "Reason",
    "Message",
    "Caller",
    "CorrelationId",
    "Additional",
    "Properties",
)
"""The columns of a row, in the order in which the query projects them.

`ResourceId` is the gateway's id, or that of the connection which an operation changed.
`Properties` is JSON, and is there only for rows of Resource Health.
"""

_KINDS: Final = {
    "tunnelconnected": Kind.CONNECTED,
    "tunneldisconnected": Kind.DISCONNECTED,
    "gatewaytenantprimarychanged": Kind.PRIMARY_CHANGED,
    "hostmaintenanceevent": Kind.MAINTENANCE,
    "setgatewayconfiguration": Kind.CONFIGURATION,
    "setconnectionconfiguration": Kind.CONNECTION_CHANGE,
    "migratecustomersubscription": Kind.MIGRATION,
    "gatewayresourcemove": Kind.MIGRATION,
    "microsoft.network/virtualnetworkgateways/reset/action": Kind.RESET,
    "microsoft.network/virtualnetworkgateways/write": Kind.WRITE,
    "microsoft.network/connections/write": Kind.CONNECTION_CHANGE,
    "microsoft.network/connections/delete": Kind.CONNECTION_CHANGE,
    "microsoft.network/connections/sharedkey/write": Kind.CONNECTION_CHANGE,
    "microsoft.network/connections/resetconnection/action": Kind.CONNECTION_CHANGE,
}
# prepareMigration, executeMigration and so on; invokeExecuteMigration occurs, too.
_MIGRATION: Final = re.compile(r"microsoft\.network/virtualnetworkgateways/\S*migration/action")
_STATES: Final = {"connected": Kind.CONNECTED, "disconnected": Kind.DISCONNECTED}
_TUNNEL: Final = frozenset({Kind.CONNECTED, Kind.DISCONNECTED})
_OPERATIONS: Final = frozenset(
    {Kind.CONFIGURATION, Kind.RESET, Kind.WRITE, Kind.MIGRATION, Kind.CONNECTION_CHANGE}
)
_PHASES: Final = (
    ("start", Phase.STARTED),
    ("accept", Phase.STARTED),
    ("succe", Phase.SUCCEEDED),
    ("fail", Phase.FAILED),
)
EXAMPLES: Final = 20
"""So many of the rows that cannot be used are named."""

_LONGEST_NAME: Final = 100
# A subscription, a group of 90 characters, and a gateway or a connection of 80.
_LONGEST_ID: Final = 400
# A cell of Log Analytics has 32 kB; what is cut off here was no JSON of Azure's.
_LONGEST_OBJECT: Final = 1_000_000
_LONGEST_CALLER: Final = 320  # as long as an e-mail address can be
_NETWORK: Final = r"/subscriptions/[^/\s]+/resourcegroups/[^/]+/providers/microsoft\.network"
_GATEWAY_ID: Final = re.compile(rf"{_NETWORK}/virtualnetworkgateways/[^/]+")
_CONNECTION_ID: Final = re.compile(rf"{_NETWORK}/connections/[^/]+")
# "Upgrade gateway started" is the Message that older gateways log when they are serviced.
_UPGRADE_STARTED: Final = re.compile(r"\bupgrade\b.{0,80}\bstarted\b", re.IGNORECASE | re.DOTALL)
_OVERFLOW: Final = {
    "Instance": "instance",
    "RemoteIp": "remoteIP",
    "Status": "status",
    "Reason": "stateChangeReason",
    "Message": "message",
}
_DAYS: Final = timedelta(days=30)
# Azure writes seven digits of a second's fraction; a datetime holds six.
_FRACTION: Final = re.compile(r"(\.\d{6})\d+")


class UnreadableRow(DetectorError, ValueError):
    """A row that cannot become a signal; the text says what it lacks."""


@dataclass(slots=True)
class Unusable:
    """What could not be used of rows or bodies: `EXAMPLES` by name, and how many `more` there are.

    `failures` are the defects among them, as many at most.
    """

    lines: list[str] = field(default_factory=list)
    failures: list[Unforeseen] = field(default_factory=list)
    more: int = 0

    def add(self, place: str, error: DetectorError) -> None:
        """Take in why what stands at `place` could not be used."""
        if isinstance(error, Unforeseen):
            if len(self.failures) < EXAMPLES:
                self.failures.append(error)
                return
        elif len(self.lines) < EXAMPLES:
            self.lines.append(f"{place}: {error}")
            return
        self.more += 1

    def extend(self, others: Unusable) -> None:
        """Take in what could not be used elsewhere."""
        lines, failures = self.lines + others.lines, self.failures + others.failures
        self.lines, self.failures = lines[:EXAMPLES], failures[:EXAMPLES]
        over = len(lines) - len(self.lines) + len(failures) - len(self.failures)
        self.more += others.more + over


def read_rows(
    rows: Iterable[Mapping[str, object]], *, origin: str
) -> tuple[list[Signal], Unusable]:
    """The signals of `rows`, and what could not be read.

    A row of an operation that does not bear on failovers is neither.
    `origin` names where the rows come from; a line reads `<origin>, row <n>: <why>`.
    """
    signals: list[Signal] = []
    unusable = Unusable()
    for number, row in enumerate(rows, start=1):
        place = f"{origin}, row {number}"
        signal = contained(place, partial(read_row, row))
        if isinstance(signal, DetectorError):
            unusable.add(place, signal)
        elif signal is not None:
            signals.append(signal)
    return signals, unusable


def read_row(row: Mapping[str, object]) -> Signal | None:
    """The signal of one row, or None for an operation that does not bear on failovers.

    Raises UnreadableRow for a row without a time, without a gateway's or a connection's id, or,
    where it tells of a tunnel, without an instance and a remote IP that can be such.
    """
    row = _with_overflow(row)
    kind = _kind(row)
    if kind is None:
        return None
    at = instant(row.get("TimeGenerated"))
    gateway_id, connection = _resource(row, kind)
    instance, remote_ip = _text(row, "Instance"), _text(row, "RemoteIp")
    if kind in _TUNNEL and not (instance and remote_ip):
        lacking = "instance_s" if not instance else "remoteIP_s"
        raise UnreadableRow(f"it tells of a tunnel and has no {lacking}")
    if max(len(gateway_id), len(connection)) > _LONGEST_ID:
        raise UnreadableRow(f"its _ResourceId has over {_LONGEST_ID} characters")
    if max(len(instance), len(remote_ip)) > _LONGEST_NAME:
        raise UnreadableRow(f"its instance_s or remoteIP_s has over {_LONGEST_NAME} characters")
    health = _health(row, at) if kind is Kind.HEALTH else None
    # Many rows say the same of the same: each text is kept once.
    return Signal(
        at=at,
        gateway_id=intern(gateway_id),
        kind=kind,
        source=intern(_text(row, "Source")[:_LONGEST_NAME]),
        instance=intern(instance),
        remote_ip=intern(remote_ip),
        phase=_phase(_text(row, "Status")) if kind in _OPERATIONS else Phase.UNSTATED,
        caller=_text(row, "Caller")[:_LONGEST_CALLER],
        correlation_id=_text(row, "CorrelationId").lower()[:_LONGEST_NAME],
        text=health.title if health else _text(row, "Message") or _text(row, "Reason"),
        connection=connection,
        health=health,
    )


def _kind(row: Mapping[str, object]) -> Kind | None:
    if _text(row, "Source") == RESOURCE_HEALTH:  # it tells of every kind of resource
        return Kind.HEALTH if _GATEWAY_ID.match(_text(row, "ResourceId").lower()) else None
    operation = _text(row, "Operation").lower()
    if _MIGRATION.fullmatch(operation):
        return Kind.MIGRATION
    kind = _KINDS.get(operation) or _by_status(row)
    in_words = kind in (None, Kind.CONFIGURATION, Kind.CONNECTION_CHANGE)
    if in_words and _UPGRADE_STARTED.search(_text(row, "Message")):
        return Kind.MAINTENANCE
    return kind


def _resource(row: Mapping[str, object], kind: Kind) -> tuple[str, str]:
    """The ids, lower case, of the gateway and of the connection that a row names: one is empty.

    An id may go on behind that of the resource: with a shared key's, or a health event's.
    """
    resource_id = _text(row, "ResourceId").lower()
    if gateway := _GATEWAY_ID.match(resource_id):
        return gateway.group(), ""
    if kind is not Kind.CONNECTION_CHANGE:
        raise UnreadableRow("it has no gateway id (_ResourceId)")
    if connection := _CONNECTION_ID.match(resource_id):
        return "", connection.group()
    raise UnreadableRow("it has neither a gateway's nor a connection's id (_ResourceId)")


def _health(row: Mapping[str, object], at: datetime) -> HealthEvent:
    fields = fields_of(_object(row.get("Properties")))
    if not fields:
        raise UnreadableRow("it tells of the gateway's health and has no Properties")
    return health_event(fields, at=at, resolved_at=None)


def is_gateway_id(text: str) -> bool:
    """Whether `text`, in lower case, is the ARM id of a virtual network gateway."""
    return _GATEWAY_ID.fullmatch(text) is not None


def instant(value: object) -> datetime:
    """The aware UTC instant that a typed or ISO 8601 value means; without an offset it is UTC."""
    if not value:
        raise UnreadableRow("it has no TimeGenerated")
    try:
        time = value if isinstance(value, datetime) else _from_text(written(value))
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        _ = time - _DAYS, time + _DAYS  # a run looks at what is around it
    except (ValueError, OverflowError) as error:
        raise UnreadableRow(f"its TimeGenerated is not a time: {written(value)[:40]!r}") from error
    return time


def _from_text(text: str) -> datetime:
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text.strip()))


def _by_status(row: Mapping[str, object]) -> Kind | None:
    """What a row of the tunnel log says by its status alone, where it names no operation."""
    if _text(row, "Operation") or _text(row, "Source").lower() != "tunneldiagnosticlog":
        return None
    return _STATES.get(_text(row, "Status").lower())


def _phase(status: str) -> Phase:
    lowered = status.lower()
    return next((phase for stem, phase in _PHASES if lowered.startswith(stem)), Phase.UNSTATED)


def _text(row: Mapping[str, object], column: str) -> str:
    return written(row.get(column)).strip()


def _with_overflow(row: Mapping[str, object]) -> Mapping[str, object]:
    """`row` with the values that a workspace of over 500 columns keeps in AdditionalFields."""
    lowered = {name.lower(): value for name, value in _object(row.get("Additional")).items()}
    if not lowered:
        return row
    found = {
        column: lowered[name.lower()]
        for column, name in _OVERFLOW.items()
        if not row.get(column) and name.lower() in lowered
    }
    status = lowered.get("operationstatus")
    if not row.get("Status") and not found.get("Status") and status:
        found["Status"] = status
    return {**row, **found}


def _object(value: object) -> Mapping[str, object]:
    """The object that a dynamic value is, typed or as JSON text; empty where it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value[:_LONGEST_OBJECT])
        except (ValueError, RecursionError):
            return {}
    return {str(name): inner for name, inner in value.items()} if isinstance(value, Mapping) else {}
