"""A recording: a folder with what Azure said about some gateways, to be replayed without Azure.

It has log rows under `logs/`, the bodies of resources under `gateways/`, `publicIPAddresses/`,
`connections/` and `localNetworkGateways/`, and those of metrics under `metrics/`; there may be
folders below. What cannot be read is named, and stops nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from detector.errors import FactUnknown, LogsRefused, LogsUnavailable, RecordingError
from detector.local.bodies import read_metrics, read_resources
from detector.local.exports import RECEIVED, Row, read_export
from detector.model import (
    ACTIVITY,
    RESOURCE_HEALTH,
    Answer,
    Connection,
    Gateway,
    Scope,
    Series,
    Signal,
    Window,
)
from detector.signals import UnreadableRow, arm, instant, read_row

SCOPE: Final = Scope(id="recording")
"""The one scope whose logs a recording holds."""

NOT_RECORDED: Final = "it is not in the recording"

_LOGS: Final = (".json", ".ndjson", ".jsonl", ".csv")
_GRAIN: Final = timedelta(minutes=5)
_GATEWAY_TYPE: Final = "/virtualnetworkgateways/"


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
    if that was later. `unreadable` names every file and row that could not be used, and why.
    `rows` and the bodies by folder and lower-case id are as they were read.
    """

    oldest: datetime
    newest: datetime
    unreadable: tuple[str, ...]
    unreadable_rows: tuple[str, ...]
    rows: _Rows
    bodies: Mapping[str, Mapping[str, object]]
    series: Mapping[str, Sequence[Series]]
    now: datetime | None = None

    @classmethod
    def read(cls, folder: Path) -> Recording:
        """The recording in `folder`; raises RecordingError where it has no logs."""
        if not folder.is_dir():
            raise RecordingError(f"{folder} is no folder: a recording is a folder with logs/ in it")
        rows, unreadable_rows = _read_logs(folder)
        if rows.oldest is None or rows.newest is None:
            lines = "".join(f"\n  {line}" for line in unreadable_rows[:10])
            raise RecordingError(
                f"{folder} has no log rows that can be read: put what"
                " `az monitor log-analytics query -o json` prints, the portal's CSV or resource-log"
                f" blobs into {folder / 'logs'}{lines}"
            )
        unreadable = list(unreadable_rows)
        bodies = {}
        for name in ("gateways", "publicIPAddresses", "connections", "localNetworkGateways"):
            bodies[name], unusable = read_resources(_files(folder, name))
            unreadable += unusable
        series, unusable = read_metrics(_files(folder, "metrics"))
        return cls(
            oldest=rows.oldest,
            newest=rows.newest,
            unreadable=(*unreadable, *unusable),
            unreadable_rows=tuple(unreadable_rows),
            rows=rows,
            bodies=bodies,
            series=series,
        )

    def seen_by(self, now: datetime) -> Recording:
        """This recording as it could be seen at `now`.

        Rows and averages that were not there yet are left out, and so is the state of connections
        unless every row had been seen: the bodies were recorded after the rows.
        """
        return replace(self, now=now)

    def signals(
        self, asked: Mapping[Scope, Window]
    ) -> Sequence[Answer | LogsRefused | LogsUnavailable]:
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
                unreadable=self.unreadable_rows,
            )
            for scope, window in asked.items()
        ]

    def coverage(self, window: Window) -> frozenset[tuple[str, str]]:
        """The logs that hold a row in `window`."""
        return frozenset(
            pair
            for pair, rows in self.rows.coverage.items()
            if any(self._is_in(window, at, seen) for at, seen in rows)
        )

    def gateways(self, ids: Sequence[str]) -> Mapping[str, Gateway]:
        """The facts of each gateway by its recorded body."""
        return {gateway_id: self._gateway(gateway_id) for gateway_id in ids}

    def connections(self, gateway_id: str) -> Sequence[Connection]:
        """The connections of one gateway, as far as they were recorded."""
        peers = self.bodies["localNetworkGateways"]
        found = [
            arm.connection(body, peers)
            for body in self.bodies["connections"].values()
            if gateway_id.lower() in arm.gateways_of(body)
        ]
        if self.now is not None and self.now <= self.newest:
            return [replace(connection, status=None) for connection in found]
        return found

    def bandwidth(
        self, gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]:
        """The recorded averages of each gateway in `window`."""
        return {gateway.id: self._bandwidth(gateway.id, window) for gateway in gateways}

    def _is_in(self, window: Window, at: datetime, seen: datetime) -> bool:
        return at in window and seen < min(window.end, self.now or window.end)

    def _gateway(self, gateway_id: str) -> Gateway:
        body = self.bodies["gateways"].get(gateway_id.lower())
        if body is None:
            return arm.missing(gateway_id, NOT_RECORDED)
        public_ips = self.bodies["publicIPAddresses"]
        needed = [public_ip.lower() for public_ip in arm.public_ips_needed(body)]
        addresses = {
            public_ip: arm.address(public_ips[public_ip])
            if public_ip in public_ips
            else FactUnknown("its public IP is not in the recording")
            for public_ip in needed
        }
        return arm.gateway(gateway_id, body, addresses)

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


def _read_logs(folder: Path) -> tuple[_Rows, list[str]]:
    rows, unreadable = _Rows(), []
    for path, name in _files(folder, "logs"):
        if path.suffix.lower() not in _LOGS:
            unreadable.append(
                f"{name}: it was not read, its name ends in none of {', '.join(_LOGS)}"
            )
            continue
        try:
            content = path.read_bytes()
        except OSError as error:
            unreadable.append(f"{name}: it cannot be opened: {error.strerror}")
            continue
        for place, row in read_export(content):
            try:
                if isinstance(row, UnreadableRow):
                    raise row
                rows.add(row)
            except UnreadableRow as error:
                where = name if place == "the file" else f"{name}, {place}"
                unreadable.append(f"{where}: {error}")
    return rows, unreadable


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
        if path.is_file() and not path.name.startswith("."):
            yield path, path.relative_to(folder).as_posix()
