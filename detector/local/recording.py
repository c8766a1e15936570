"""A recording: a folder with what Azure said about some gateways, to be replayed without Azure.

It has log rows under `logs/`, the bodies of resources under `gateways/`, `publicIPAddresses/`,
`connections/` and `localNetworkGateways/`, those of metrics under `metrics/`, of Resource Health
under `health/`, and under `coverage/` which logs there were; there may be folders below. What
cannot be read is named, and stops nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Final

from detector.boundary import contained
from detector.errors import FactUnknown, RecordingError
from detector.files import content_of
from detector.local.bodies import (
    Bodies,
    Coverage,
    read_coverage,
    read_metrics,
    read_resources,
)
from detector.local.exports import RECEIVED, Row, read_export
from detector.model import (
    ACTIVITY,
    RESOURCE_HEALTH,
    Answer,
    Connection,
    Gateway,
    HealthEvent,
    Scope,
    Series,
    Signal,
    Window,
)
from detector.signals import UnreadableRow, Unusable, arm, instant, read_row

SCOPE: Final = Scope(id="recording")
"""The one scope whose logs a recording holds."""

NOT_RECORDED: Final = "it is not in the recording"

_BODIES: Final = (
    "gateways",
    "publicIPAddresses",
    "connections",
    "localNetworkGateways",
    "health",
)
_LOGS: Final = (".json", ".ndjson", ".jsonl", ".csv")
_GRAIN: Final = timedelta(minutes=5)
_GATEWAY_TYPE: Final = "/virtualnetworkgateways/"
# A gateway's availability status has the gateway's id with this before its own name.
_HEALTH_PROVIDER: Final = "/providers/microsoft.resourcehealth/"


@dataclass(slots=True)
class _Rows:
    """What the log rows hold, gathered one by one; each with the instant it could be seen from."""

    signals: list[tuple[Signal, datetime]] = field(default_factory=list)
    coverage: dict[tuple[str, str], list[tuple[datetime, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    oldest: datetime | None = None
    newest: datetime | None = None

    def add(self, row: Row) -> None:
        """Take in one row; raises UnreadableRow."""
        row["TimeGenerated"] = at = instant(row["TimeGenerated"])
        received = row[RECEIVED]
        seen = at if received is None else max(at, instant(received))
        signal = read_row(row)
        if signal is not None:
            self.signals.append((signal, seen))
        pair = _covered(row)
        if pair is not None:
            self.coverage[pair].append((at, seen))
        self.oldest = at if self.oldest is None else min(self.oldest, at)
        self.newest = seen if self.newest is None else max(self.newest, seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a recording holds; its methods are the ports of a run.

    `oldest` is the time of its oldest row; `newest` that of its newest, or when it was received
    if that was later. `unusable` says which rows and files of rows could not be used, and why, and
    `unusable_bodies` which bodies and files of bodies.
    `rows` and the bodies by folder are as they were read.
    """

    oldest: datetime
    newest: datetime
    unusable: Unusable
    unusable_bodies: Unusable
    rows: _Rows
    bodies: Mapping[str, Bodies]
    series: Mapping[str, Sequence[Series]]
    covered: Coverage
    now: datetime | None = None

    @classmethod
    def read(cls, folder: Path) -> Recording:
        """The recording in `folder`; raises RecordingError where it has no logs."""
        if not folder.is_dir():
            raise RecordingError(f"{folder} is no folder: a recording is a folder with logs/ in it")
        rows, unusable = _read_logs(folder)
        if rows.oldest is None or rows.newest is None:
            lines = "".join(f"\n  {line}" for line in unusable.lines[:10])
            raise RecordingError(
                f"{folder} has no log rows that can be read: put what"
                " `az monitor log-analytics query -o json` prints, the portal's CSV or resource-log"
                f" blobs into {folder / 'logs'}{lines}"
            )
        bodies = {}
        unusable_bodies = Unusable()
        for name in _BODIES:
            bodies[name], unusable_own = read_resources(_files(folder, name))
            unusable_bodies.extend(unusable_own)
        series, unusable_metrics = read_metrics(_files(folder, "metrics"))
        unusable_bodies.extend(unusable_metrics)
        covered, unusable_coverage = read_coverage(_files(folder, "coverage"))
        unusable_bodies.extend(unusable_coverage)
        return cls(
            oldest=rows.oldest,
            newest=rows.newest,
            unusable=unusable,
            unusable_bodies=unusable_bodies,
            rows=rows,
            bodies=bodies,
            series=series,
            covered=covered,
        )

    def seen_by(self, now: datetime) -> Recording:
        """This recording as it could be seen at `now`.

        Rows, averages and events that were not there yet are left out, and so is the state of
        connections. A body without `_AsOf` was recorded after the rows, so its state counts once
        every row had been seen.
        """
        return replace(self, now=now)

    def signals(self, asked: Mapping[Scope, Window]) -> Sequence[Answer]:
        """The signals in each window, as far as they had been received when the window ended."""
        return [
            Answer(
                scope=scope,
                window=window,
                signals=tuple(
                    signal
                    for signal, seen in self.rows.signals
                    if self._is_in(window, signal.at, seen)
                ),
                unreadable=tuple(self.unusable.lines),
                more_unreadable=self.unusable.more,
                failures=(*self.unusable.failures, *self.unusable_bodies.failures),
            )
            for scope, window in asked.items()
        ]

    def coverage(self, window: Window) -> frozenset[tuple[str, str]]:
        """The logs that hold a row in `window`, or of which it was recorded that they hold some."""
        return frozenset(
            pair
            for pair in self.rows.coverage.keys() | self.covered.keys()
            if any(self._is_in(window, at, seen) for at, seen in self.rows.coverage[pair])
            or any(
                each.start < window.end and window.start < each.end
                for each in self.covered.get(pair, ())
            )
        )

    def gateways(self, ids: Sequence[str]) -> Mapping[str, Gateway]:
        """The facts of each gateway by its recorded body."""
        return {gateway_id: self._gateway(gateway_id) for gateway_id in ids}

    def connections(self, gateway_id: str) -> Sequence[Connection]:
        """The connections of one gateway, as far as they were recorded."""
        found = map(self._connection, self.bodies["connections"])
        return [connection for connection, owners in found if gateway_id.lower() in owners]

    def tunnels(self, connection_ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]:
        """Each connection by the body that tells of now, or that there is none."""
        return {connection_id: self._live(connection_id) for connection_id in connection_ids}

    def health(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[HealthEvent] | FactUnknown]:
        """The events of each gateway that had been told by now, the newest first."""
        return {gateway_id: self._health(gateway_id) for gateway_id in gateway_ids}

    def bandwidth(
        self, gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        """The recorded averages of each gateway in `window`."""
        return {gateway.id: self._bandwidth(gateway.id, window) for gateway in gateways}

    def _is_in(self, window: Window, at: datetime, seen: datetime) -> bool:
        return at in window and seen < min(window.end, self.now or window.end)

    def _body(self, folder: str, resource_id: str) -> tuple[object, bool]:
        """A resource's body, None where there is none, and whether it was recorded by now.

        Of several the newest counts that was; where none was, the oldest.
        """
        after_rows = self.newest + timedelta.resolution
        recorded = [
            (as_of or after_rows, body)
            for as_of, body in reversed(self.bodies[folder].get(resource_id.lower(), ()))
        ]
        by_now = [each for each in recorded if self.now is None or each[0] <= self.now]
        if by_now:
            return max(by_now, key=itemgetter(0))[1], True
        return min(recorded, key=itemgetter(0), default=(None, None))[1], False

    def _connection(self, connection_id: str) -> tuple[Connection, frozenset[str]]:
        """A recorded connection, without a state that is not of now, and whose it is."""
        body, is_of_now = self._body("connections", connection_id)
        peer_id = arm.peer_needed(body)
        peers = (
            {}
            if peer_id is None
            else {peer_id.lower(): self._body("localNetworkGateways", peer_id)[0]}
        )
        connection = arm.connection(body, peers)
        if not is_of_now:
            connection = replace(connection, status=None, tunnels=())
        return connection, arm.gateways_of(body)

    def _live(self, connection_id: str) -> Connection | FactUnknown:
        body, is_of_now = self._body("connections", connection_id)
        if body is None:
            return FactUnknown(NOT_RECORDED)
        if not is_of_now:
            return FactUnknown("its state was recorded later")
        return self._connection(connection_id)[0]

    def _health(self, gateway_id: str) -> Sequence[HealthEvent] | FactUnknown:
        own = f"{gateway_id.lower()}{_HEALTH_PROVIDER}"
        recorded = self.bodies["health"].items()
        entries = [each for entry_id, each in recorded if entry_id.startswith(own)]
        if not entries:
            return FactUnknown(NOT_RECORDED)
        told = [event for each in entries for event in self._told(each)]
        return sorted(told, key=lambda event: event.at, reverse=True)

    def _told(self, entry: Sequence[tuple[datetime | None, object]]) -> Sequence[HealthEvent]:
        """The event that an entry told of by now, by the newest of its bodies; none before.

        A body without `_AsOf` told of it from its beginning on, and of its end from then on.
        """
        events = [
            (as_of or event.at, event)
            for as_of, body in entry
            for event in arm.health_events([body])
            if self.now is None or (as_of or event.at) <= self.now
        ]
        if not events:
            return ()
        _, event = max(events, key=itemgetter(0))
        ends_later = self.now and event.resolved_at and event.resolved_at > self.now
        return (replace(event, resolved_at=None) if ends_later else event,)

    def _gateway(self, gateway_id: str) -> Gateway:
        body, _ = self._body("gateways", gateway_id)
        if body is None:
            return arm.missing(gateway_id, NOT_RECORDED)
        return arm.gateway(
            gateway_id,
            body,
            {
                public_ip.lower(): self._address(public_ip)
                for public_ip in arm.public_ips_needed(body)
            },
        )

    def _address(self, public_ip_id: str) -> str | FactUnknown:
        body, _ = self._body("publicIPAddresses", public_ip_id)
        if body is None:
            return FactUnknown("its public IP is not in the recording")
        return arm.address(body)

    def _bandwidth(self, gateway_id: str, window: Window) -> Sequence[Series] | FactUnknown:
        recorded = self.series.get(gateway_id.lower(), ())
        return [
            replace(
                one,
                points=tuple(
                    point
                    for point in one.within(window)
                    if self.now is None or point[0] + _GRAIN <= self.now
                ),
            )
            for one in recorded
        ]


def _read_logs(folder: Path) -> tuple[_Rows, Unusable]:
    rows, unusable = _Rows(), Unusable()
    for path, name in _files(folder, "logs"):
        failed = contained(name, partial(_read_file, path, name, rows, unusable))
        if failed is not None:
            unusable.add(name, failed)
    return rows, unusable


def _read_file(path: Path, name: str, rows: _Rows, unusable: Unusable) -> None:
    """Take in the rows of one file; raises UnreadableRow where it is none with rows."""
    if path.suffix.lower() not in _LOGS:
        raise UnreadableRow(f"it was not read, its name ends in none of {', '.join(_LOGS)}")
    try:
        content = content_of(path)
    except OSError as error:
        raise UnreadableRow(f"it cannot be opened: {error.strerror}") from error
    for place, row in read_export(content):
        where = name if place == "the file" else f"{name}, {place}"
        failed = row if isinstance(row, UnreadableRow) else contained(where, partial(rows.add, row))
        if failed is not None:
            unusable.add(where, failed)


def _covered(row: Row) -> tuple[str, str] | None:
    """The source of a row and the resource whose log it is, as the port `Coverage` pairs them."""
    resource = str(row["ResourceId"] or "").lower()
    source = str(row["Source"] or "")
    if source.startswith(ACTIVITY):
        subscription = arm.segment(resource, "subscriptions")
        shows = subscription and source in (ACTIVITY, RESOURCE_HEALTH)
        return (source, f"/subscriptions/{subscription}") if shows else None
    return (source, resource.rstrip("/")) if source and _GATEWAY_TYPE in resource else None


def _files(folder: Path, name: str) -> Iterator[tuple[Path, str]]:
    """The files anywhere under `folder/name`, with their names as they are told, but for hidden."""
    for path in sorted((folder / name).rglob("*")):
        if not path.is_dir() and not path.name.startswith("."):
            yield path, path.relative_to(folder).as_posix()
