"""A fleet of gateways in memory, as the check of coverage finds it.

fleet = Fleet()
fleet.settings[GATEWAY_ID] = [a_setting(categories={"gatewaydiagnosticlog"})]
checks = checks_of(fleet.found())
report = fleet.check(MemoryArchive(), sink)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from detector.coverage.checks import Found
from detector.coverage.daily import (
    CoverageNote,
    CoverageReport,
    check_coverage,
    last_coverage,
    look,
)
from detector.coverage.ports import Probes
from detector.errors import DetectorError, FactUnknown, JournalConflict
from detector.insights.coverage import BlindGateway, Check, Coverage
from detector.insights.document import Insight, Reason
from detector.insights.fleet import Summary
from detector.journal.ports import Sink
from detector.model import DiagnosticSetting, Gateway, Logged, Scope, Window
from tests.builders import GATEWAY_ID, GATEWAY_LOG, SUBSCRIPTION, TUNNEL_LOG, a_gateway, at
from tests.memory import SCOPE, plenty

REFUSED: Final = FactUnknown("no permission to read it", kind="refused")
SILENT: Final = FactUnknown("Azure did not answer", kind="no answer")
GONE: Final = FactUnknown("the gateway no longer exists", kind="gone")

WORKSPACE_ID: Final = (
    f"{SUBSCRIPTION}/resourcegroups/rg-logs/providers"
    "/microsoft.operationalinsights/workspaces/log-hub"
)
BOTH: Final = frozenset({GATEWAY_LOG.lower(), TUNNEL_LOG.lower()})
EXPORTED: Final = frozenset({"administrative", "resourcehealth"})
SETTINGS: Final = "/providers/Microsoft.Insights/diagnosticSettings"


def a_setting(**changes: object) -> DiagnosticSetting:
    """Both logs of a gateway to the workspace of the scopes."""
    setting = DiagnosticSetting(name="to-logs", workspace_id=WORKSPACE_ID, categories=BOTH)
    return replace(setting, **changes)  # type: ignore[arg-type]


def a_logged(source: str = TUNNEL_LOG, **changes: object) -> Logged:
    """Ten rows of the gateway's tunnels, the newest of the night."""
    logged = Logged(source=source, resource_id=GATEWAY_ID, rows=10, newest=at())
    return replace(logged, **changes)  # type: ignore[arg-type]


def fleet_gateway(gateway_id: str = GATEWAY_ID, **changes: object) -> Gateway:
    """A route-based gateway of that id."""
    gateway = replace(
        a_gateway(), id=gateway_id, name=gateway_id.rpartition("/")[2], vpn_type="RouteBased"
    )
    return replace(gateway, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class MemoryArchive:
    """The notes of a store, each kept by compare-and-swap; a tag counts the writes.

    `hook` is called before each write. It holds no insights.
    """

    notes: dict[str, Mapping[str, object]] = field(default_factory=dict)
    writes: int = 0
    hook: Callable[[], None] = lambda: None

    def summaries(self, month: date) -> tuple[Sequence[Summary], int]:
        return (), 0

    def document(self, failover_id: str) -> bytes | None:
        return None

    def note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
        there = self.notes.get(path)
        return there, None if there is None else f"{self.writes}"

    def keep(self, path: str, note: Mapping[str, object], tag: str | None) -> None:
        self.hook()
        if tag != self.note(path)[1]:
            raise JournalConflict(f"{path}: another run wrote it first")
        self.writes += 1
        self.notes[path] = json.loads(json.dumps(note))

    @property
    def coverage(self) -> CoverageNote:
        """What the last check noted."""
        note, _ = last_coverage(self)
        assert note is not None
        return note


@dataclass(slots=True)
class Fleet:
    """What Azure would say; one gateway that is seen well, until a test changes it.

    A gateway is listed unless it is in `unlisted`, which has what a GET of it says.
    """

    scopes: Sequence[Scope] = (SCOPE,)
    gateways: dict[str, Gateway] = field(default_factory=lambda: {GATEWAY_ID: fleet_gateway()})
    listing: FactUnknown | None = None
    unlisted: dict[str, object] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    workspaces: dict[str, object] = field(default_factory=lambda: {WORKSPACE_ID: SCOPE.id})
    logs: dict[Scope, Sequence[Logged] | DetectorError] = field(
        default_factory=lambda: {SCOPE: [a_logged()]}
    )
    metrics: object = ()
    health: object = ()
    subscriptions_asked: list[Sequence[str] | None] = field(default_factory=list)

    def add(self, name: str, **changes: object) -> str:
        """One more gateway; its id."""
        gateway_id = f"{GATEWAY_ID.rpartition('/')[0]}/{name}"
        self.gateways[gateway_id] = fleet_gateway(gateway_id, **changes)
        return gateway_id

    @property
    def probes(self) -> Probes:
        """The ports that answer so."""
        return Probes(
            listing=self._listing,
            bodies=lambda paths: {path: self._body(path) for path in paths},
            contents=lambda window: self.logs,
            health=self._health,
            metrics=self._metrics,
        )

    def found(self, archive: MemoryArchive | None = None, *, now: datetime | None = None) -> Found:
        """What one look finds."""
        before = last_coverage(archive)[0] if archive else None
        return look(self.probes, self.scopes, before, now=now or at())

    def check(
        self,
        archive: MemoryArchive,
        *sinks: Sink,
        now: datetime | None = None,
        left: timedelta | None = None,
    ) -> CoverageReport:
        """One whole check."""
        return check_coverage(
            archive,
            self.probes,
            self.scopes,
            sinks,
            now=now or at(),
            left=plenty if left is None else lambda: left,
        )

    def _listing(self, subscriptions: Sequence[str] | None) -> Sequence[Gateway]:
        self.subscriptions_asked.append(subscriptions)
        if self.listing is not None:
            raise self.listing
        return [each for each in self.gateways.values() if each.id not in self.unlisted]

    def _body(self, path: str) -> object:
        if path.endswith(SETTINGS):
            return self._settings_of(path.removesuffix(SETTINGS))
        if path in self.workspaces:
            known = self.workspaces[path]
            return (
                known if isinstance(known, FactUnknown) else {"properties": {"customerId": known}}
            )
        if path in self.unlisted:
            return self.unlisted[path]
        return a_body() if path in self.gateways else {}

    def _settings_of(self, resource_id: str) -> object:
        usual = [a_setting(categories=BOTH | EXPORTED)]
        known = self.settings.get(resource_id, usual)
        if isinstance(known, FactUnknown):
            return known
        assert isinstance(known, list)
        return {"value": [_written(each) for each in known]}

    def _health(self, gateway_ids: Sequence[str]) -> Mapping[str, object]:
        return dict.fromkeys(gateway_ids, self.health)

    def _metrics(self, gateways: Sequence[Gateway], window: Window) -> Mapping[str, object]:
        return dict.fromkeys((each.id for each in gateways), self.metrics)


def a_body(gateway_type: str = "Vpn") -> dict[str, object]:
    """What a GET of a gateway answers."""
    return {"properties": {"gatewayType": gateway_type, "vpnType": "RouteBased"}}


def _written(setting: DiagnosticSetting) -> dict[str, object]:
    logs = [{"category": each, "enabled": True} for each in sorted(setting.categories)]
    properties = {"workspaceId": setting.workspace_id, "logs": logs}
    return {"name": setting.name, "properties": properties}


def a_coverage(*blind: str, **changes: object) -> Coverage:
    """A document in which the gateways of these names became blind."""
    gateways = tuple(BlindGateway(id=f"/x/{each}", why="it logs nothing") for each in blind)
    document = Coverage(
        id="20261122-1a2b3c4d",
        at=at(),
        gateways=len(blind),
        blind=gateways,
        newly_blind=gateways,
        seeing_again=(),
        added=(),
        removed=(),
        changes=(),
    )
    return document.model_copy(update=changes)


@dataclass(slots=True)
class ListAnnouncer:
    """A sink that keeps what is announced; `problem` may be raised instead."""

    name: str = "webhook-1"
    timeout: timedelta = timedelta(seconds=5)
    takes: frozenset[Reason] = frozenset()
    problem: Exception | None = None
    announced: list[Coverage] = field(default_factory=list)

    def announce(self, coverage: Coverage) -> None:
        if self.problem is not None:
            raise self.problem
        self.announced.append(coverage)

    def deliver(self, insight: Insight) -> None:
        raise AssertionError("no insight is delivered by a check of coverage")


def of(checks: Sequence[Check], name: str, subject: str = GATEWAY_ID) -> Check:
    """The one check of that name."""
    [found] = [each for each in checks if (each.id, each.subject) == (name, subject)]
    return found
