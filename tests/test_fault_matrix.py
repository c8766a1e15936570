"""Each part of the world failing in each way, over real clients and real servers on loopback.

A run meets a part that fails, and the next one, ten minutes later, finds it well: what was told,
what the report said, what stood in the journal, and that the failover is told once and completed.
The part that fails is real; the others are in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import ContainerClient
from azure.storage.blob import LinearRetry as BlobRetry
from azure.storage.queue import LinearRetry as QueueRetry
from azure.storage.queue import QueueClient

from detector.azure.blobs import BlobJournal
from detector.azure.clouds import Endpoint
from detector.azure.eventgrid import EventGrid
from detector.azure.ingestion import LogsIngestion
from detector.azure.logs import Logs
from detector.azure.logs_client import LogsClient
from detector.azure.metrics import Metrics, metrics_client
from detector.azure.network import Network
from detector.azure.queue import QueueSink
from detector.azure.resource_manager import ResourceManager
from detector.insights.document import Insight, Reason
from detector.journal.history import Delivery, History, Mark
from detector.journal.ports import Journal, Sink
from detector.runs.facts import Sources
from detector.runs.report import Report
from detector.runs.run import run_once
from detector.runs.world import World
from detector.sinks.people import People
from detector.sinks.webhook import Webhook
from tests.azure_stand_in import AzureStandIn
from tests.azurite import ACCOUNT, KEY, Azurite
from tests.builders import GATEWAY_ID, PARIS, SUBSCRIPTION, at, down, up
from tests.memory import (
    SCOPE,
    ListSink,
    MemoryAzure,
    MemoryJournal,
    MemoryLogs,
    a_world,
    plenty,
    seen,
)
from tests.sink_stand_in import (
    FAULTS,
    Answer,
    SinkStandIn,
    ca_file,
    closed_port,
    over_tls,
    replying,
    saying,
)

SHORT: Final = timedelta(seconds=0.3)
FIRST, NEXT = at(minutes=5), at(minutes=15)
SECRET: Final = "s3cret"
HAND_OVER: Final = (down(at()), up(at(12)))
JSON: Final = "Content-Type: application/json"

BAD: Final[Mapping[str, Answer]] = {
    **{name: FAULTS[name].answer for name in ("reset", "hang", "garbage", "truncated")},
    **{name: FAULTS[name].answer for name in ("429", "500", "503", "401", "403", "404", "413")},
    "slow drip": FAULTS["slow drip"].answer,
    "429 with Retry-After": replying(429, "Retry-After: 600"),
    "garbage body": replying(200, JSON, "Content-Range: bytes 0-1/2", body=b"\xff{"),
    "truncated body": saying(
        f"HTTP/1.1 200 OK\r\n{JSON}\r\nContent-Range: bytes 0-98/99\r\n"
        "Content-Length: 99\r\n\r\n{".encode()
    ),
}
"""What a server may answer with; one that refuses connections is no server at all."""

FAULT_NAMES: Final = ("refused", *BAD)


class AnyToken:
    """A credential with a token for everything."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken("stand-in", int(time.time()) + 10**6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Azure as it should be, and two servers that fail, one of them over TLS."""

    azure: AzureStandIn
    bad: SinkStandIn
    bad_tls: SinkStandIn
    storage: Azurite

    def failing(self, fault: str) -> Servers:
        """These servers, with the ones that fail set to fail so."""
        self.bad.answer = self.bad_tls.answer = BAD.get(fault, replying(500))
        return self


@pytest.fixture(scope="module", name="servers")
def all_servers(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as until_exit:
        azure = until_exit.enter_context(AzureStandIn())
        azure.tables["AzureDiagnostics"] = [a_row(n, state) for n, state in enumerate(STATES)]
        azure.arm[GATEWAY_ID] = GATEWAY_BODY
        azure.arm[f"{GATEWAY_ID}/connections"] = {"value": []}
        authorities = tmp_path_factory.mktemp("tls") / "authorities.pem"
        own = Path(azure.environment()["REQUESTS_CA_BUNDLE"]).read_text()
        sinks = Path(until_exit.enter_context(ca_file())).read_text()
        authorities.write_text(own + sinks)
        patch = until_exit.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("REQUESTS_CA_BUNDLE", str(authorities))
        yield Servers(
            azure=azure,
            bad=until_exit.enter_context(SinkStandIn()),
            bad_tls=until_exit.enter_context(over_tls()),
            storage=azurite,
        )


@pytest.fixture(name="opened")
def closed_at_the_end() -> Iterator[ExitStack]:
    """Takes the clients of a test, and closes them."""
    with ExitStack() as opened:
        yield opened


STATES: Final = ("Disconnected", "Connected")
GATEWAY_BODY: Final[Mapping[str, object]] = {
    "id": GATEWAY_ID,
    "name": "vpn-hub-weu",
    "location": "westeurope",
    "properties": {
        "gatewayType": "Vpn",
        "vpnType": "RouteBased",
        "activeActive": False,
        "vpnGatewayGeneration": "Generation1",
        "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
        "ipConfigurations": [
            {
                "id": f"{GATEWAY_ID}/ipConfigurations/default",
                "properties": {
                    "subnet": {
                        "id": f"{SUBSCRIPTION}/resourceGroups/rg-network/providers"
                        "/Microsoft.Network/virtualNetworks/vnet-hub/subnets/GatewaySubnet"
                    }
                },
            }
        ],
        "bgpSettings": {
            "bgpPeeringAddresses": [
                {
                    "ipconfigurationId": f"{GATEWAY_ID}/ipConfigurations/default",
                    "tunnelIpAddresses": ["203.0.113.10"],
                }
            ]
        },
    },
}


def a_row(number: int, state: str) -> dict[str, str]:
    """The row of a tunnel that moves to the other instance, as the table has it."""
    return {
        "TimeGenerated": at(12 * number).isoformat(),
        "Category": "TunnelDiagnosticLog",
        "OperationName": f"Tunnel{state}",
        "ResourceType": "VIRTUALNETWORKGATEWAYS",
        "_ResourceId": GATEWAY_ID,
        "instance_s": f"GatewayTenantWorker_IN_{number}",
        "remoteIP_s": PARIS,
    }


def endpoint(servers: Servers, fault: str | None) -> Endpoint:
    """Where Azure is, or what stands in its place."""
    host = f"127.0.0.1:{closed_port()}" if fault == "refused" else servers.bad_tls.at
    url = servers.azure.url if fault is None else f"https://{host}"
    return Endpoint(url=url, audience="https://example.net")


def within_short() -> Callable[[], timedelta]:
    """How much is left of a time in which a client gives up a server that hangs."""
    until = time.monotonic() + SHORT.total_seconds()
    return lambda: timedelta(seconds=until - time.monotonic())


def unpaused(seconds: float) -> None:
    """A pause between two tries that takes no time."""


def run_twice(
    world: Callable[[str | None], World], fault: str
) -> tuple[tuple[Report, list[Insight]], tuple[Report, list[Insight]]]:
    """What came of the run that met the fault, and of the next one, where all is well."""
    return run_once(world(fault), now=FIRST, left=plenty), run_once(
        world(None), now=NEXT, left=plenty
    )


def reasons(sink: ListSink) -> list[tuple[int, str]]:
    """The revisions that a sink took, with why they were told."""
    return [(insight.revision, insight.reason.value) for insight in sink.taken]


@pytest.mark.parametrize("fault", FAULT_NAMES)
def test_logs_that_fail_are_asked_again_by_the_next_run(
    servers: Servers, opened: ExitStack, fault: str
) -> None:
    sink, journal = ListSink(), MemoryJournal()
    servers.failing(fault)

    def world(fault: str | None) -> World:
        place = endpoint(servers, fault)
        left = plenty if fault is None else within_short()
        client = LogsClient(AnyToken(), place, sleep=unpaused)
        opened.callback(client.close)
        logs = Logs(lambda: client, [SCOPE], left=left)
        return replace(a_world(MemoryLogs(), journal=journal, sinks=[sink]), signals=logs.signals)

    (bad, told), (good, _) = run_twice(world, fault)
    [problem] = bad.problems

    assert [] == told
    assert problem.startswith(str(SCOPE))
    assert [False] == [scope.complete for scope in bad.scopes]
    assert good.ok
    assert [(1, "detected")] == reasons(sink)


@pytest.mark.parametrize("fault", FAULT_NAMES)
def test_arm_that_fails_holds_nothing_back_and_the_facts_are_told_later(
    servers: Servers, opened: ExitStack, fault: str
) -> None:
    sink, journal = ListSink(), MemoryJournal()
    servers.failing(fault)

    def world(fault: str | None) -> World:
        place = endpoint(servers, fault)
        left = plenty if fault is None else within_short()
        client = ResourceManager(AnyToken(), place, sleep=unpaused)
        opened.callback(client.close)
        network = Network(lambda: client, lambda *_: (), left=left)
        sources = replace(
            MemoryAzure().sources, gateways=network.gateways, connections=network.connections
        )
        known = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink])
        return replace(known, sources=sources)

    (bad, _), (good, _) = run_twice(world, fault)

    assert bad.ok
    assert good.ok
    assert [(1, "detected"), (2, "completed")] == reasons(sink)
    assert sink.taken[0].facts["gatewayVip"].startswith("unknown (")
    assert "203.0.113.10" == sink.taken[1].facts["gatewayVip"]
    assert {} == sink.taken[1].gateway.unknown


@pytest.mark.parametrize("fault", FAULT_NAMES)
def test_metrics_that_fail_hold_nothing_back_and_are_said(
    servers: Servers, opened: ExitStack, fault: str
) -> None:
    sink, journal = ListSink(), MemoryJournal()
    servers.failing(fault)

    def world(fault: str | None) -> World:
        place = endpoint(servers, fault)
        left = plenty if fault is None else within_short()
        client = metrics_client(AnyToken(), "westeurope", place, sleep=unpaused)
        opened.callback(client.close)
        arm = ResourceManager(AnyToken(), place, sleep=unpaused)
        opened.callback(arm.close)
        metrics = Metrics(lambda _: client, lambda: arm, left=left)
        sources: Sources = replace(MemoryAzure().sources, bandwidth=metrics.bandwidth)
        known = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink])
        return replace(known, sources=sources)

    (bad, _), (good, _) = run_twice(world, fault)
    detected, completed = sink.taken

    assert bad.ok
    assert good.ok
    assert detected.bandwidth.peak_mbps is None
    assert detected.gateway.unknown["bandwidth"] in detected.bandwidth.statement
    assert (Reason.COMPLETED, {}) == (completed.reason, completed.gateway.unknown)


class FailingAt:
    """A journal of which one operation meets a store that fails, and the others one that works."""

    def __init__(self, operation: str, *, works: Journal, fails: Journal) -> None:
        self._operation, self._works, self._fails = operation, works, fails

    def _journal(self, operation: str) -> Journal:
        return self._fails if operation == self._operation else self._works

    def load(self, key: str) -> tuple[History | None, str | None]:
        return self._journal("load").load(key)

    def save(self, history: History, tag: str | None) -> str:
        operation = "commit" if tag is None else "note"
        return self._journal(operation).save(history, tag)

    def marks(self) -> Mapping[str, Mark]:
        return self._journal("due").marks()

    def last_run(self) -> Mapping[str, object] | None:
        return self._journal("last_run").last_run()

    def note_run(self, note: Mapping[str, object]) -> None:
        self._journal("note_run").note_run(note)


DELIVERED: Final = {
    **dict.fromkeys(("due", "load", "commit"), (0, 1)),
    **dict.fromkeys(("last_run", "note_run"), (1, 1)),
    "note": (1, 2),
}
"""By the operation that fails: how often the sink was told in that run, and in all."""


def storage(servers: Servers, fault: str | None) -> str:
    """The connection string of a storage account that works, or fails so."""
    if fault is None:
        return servers.storage.connection_string
    host = f"127.0.0.1:{closed_port()}" if fault == "refused" else servers.bad.at
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"BlobEndpoint=http://{host}/{ACCOUNT};QueueEndpoint=http://{host}/{ACCOUNT};"
    )


def a_container(
    servers: Servers, name: str, fault: str | None, opened: ExitStack
) -> ContainerClient:
    timeout = 30 if fault is None else SHORT.total_seconds()
    return opened.enter_context(
        ContainerClient.from_connection_string(
            storage(servers, fault),
            name,
            connection_timeout=timeout,
            read_timeout=timeout,
            retry_policy=BlobRetry(retry_total=0),
        )
    )


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (operation, fault)
        for operation in DELIVERED
        for fault in FAULT_NAMES
        if operation not in {"due", "last_run", "load"} or fault != "404"  # nothing is there yet
        if operation not in {"last_run", "load"} or fault != "slow drip"  # leaves a socket open
    ],
)
def test_a_journal_that_fails_loses_nothing_at_whatever_operation(
    servers: Servers, opened: ExitStack, operation: str, fault: str
) -> None:
    sink, name = ListSink(), f"insights-{uuid4().hex[:8]}"
    servers.failing(fault)

    def world(fault: str | None) -> World:
        works = BlobJournal(lambda: a_container(servers, name, None, opened))
        known = a_world(MemoryLogs(seen(*HAND_OVER)), sinks=[sink])
        if fault is None:
            return replace(known, journal=works)
        fails = BlobJournal(lambda: a_container(servers, name, fault, opened), timeout=2 * SHORT)
        return replace(known, journal=FailingAt(operation, works=works, fails=fails))

    if operation == "load":  # what is not listed is not loaded
        world(None).journal.save(History(gateway_id=GATEWAY_ID), None)
    bad, _ = run_once(world(fault), now=FIRST, left=plenty)
    delivered = [len(sink.taken)]
    good, _ = run_once(world(None), now=NEXT, left=plenty)
    delivered.append(len(sink.taken))

    assert bad.problems
    assert good.ok
    assert list(DELIVERED[operation]) == delivered
    assert 1 == len(set(sink.revisions))


def a_sink(
    kind: str, servers: Servers, receiver: SinkStandIn, fault: str | None, opened: ExitStack
) -> Sink:
    """A sink whose server works or fails; its name is the same."""
    refused = f"127.0.0.1:{closed_port()}"
    timeout = plenty() if fault is None or fault in REFUSALS else SHORT
    if kind == "queue":
        queue = opened.enter_context(
            QueueClient.from_connection_string(
                storage(servers, fault), QUEUE, retry_policy=QueueRetry(retry_total=0)
            )
        )
        return QueueSink(lambda: queue, now=lambda: FIRST, timeout=timeout)
    server = receiver if fault is None else servers.bad_tls
    host = refused if fault == "refused" else server.at
    if kind == "event grid":
        return EventGrid(f"https://{host}/{SECRET}", AnyToken, now=lambda: FIRST, timeout=timeout)
    if kind == "logs ingestion":
        rows = Endpoint(url=f"https://{host}/{SECRET}", audience="https://monitor.azure.com")
        return LogsIngestion(rows, "dcr-0", AnyToken, now=lambda: FIRST, timeout=timeout)
    if kind == "webhook":
        return Webhook(url=f"https://{host}/{SECRET}", now=lambda: FIRST, timeout=timeout)
    return People(url=f"jsons://{host}/{SECRET}", timeout=timeout)


class Renamed:
    """A sink under a name that does not change with the port of its server."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.name = "faulty"
        self.takes = sink.takes
        self.timeout = sink.timeout
        self.deliver = sink.deliver


QUEUE: Final = f"insights-{uuid4().hex[:8]}"
SINKS: Final = ("queue", "event grid", "webhook", "notification", "logs ingestion")
REFUSALS: Final = {"401", "403", "404", "413"}
TAKEN: Final = {
    *((kind, f"{fault} body") for kind in SINKS[1:3] for fault in ("garbage", "truncated")),
    ("notification", "garbage body"),
}
"""Where a body that makes no sense does not matter, since the status says that it was taken."""


@pytest.mark.parametrize("fault", FAULT_NAMES)
@pytest.mark.parametrize("kind", SINKS)
def test_a_sink_that_fails_stops_no_other_and_is_told_later_or_given_up(
    servers: Servers, opened: ExitStack, kind: str, fault: str
) -> None:
    good, journal = ListSink("good"), MemoryJournal()
    servers.failing(fault)
    with over_tls() as receiver:
        receiver.answer = replying(204 if kind == "logs ingestion" else 200)

        def world(fault: str | None) -> World:
            faulty = Renamed(a_sink(kind, servers, receiver, fault, opened))
            return a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[faulty, good])

        bad, _ = run_once(world(fault), now=FIRST, left=plenty)
        waiting = deliveries(journal)
        next_time = at(minutes=16)
        well, _ = run_once(world(None), now=next_time, left=plenty)
        left = deliveries(journal)

    assert [(1, "detected")] == reasons(good)
    if (kind, fault) in TAKEN:
        assert bad.ok
        return
    [problem] = bad.problems
    assert problem.startswith("faulty: ")
    assert SECRET not in bad.model_dump_json()
    if fault in REFUSALS and not (kind == "queue" and fault == "404"):
        assert waiting == left
        assert [each.given_up for each in left] == [each.why for each in well.given_up]
        assert [] == receiver.received
    else:
        assert [(1, None)] == [(each.attempts, each.given_up) for each in waiting]
        assert [] == left
        assert well.ok
        assert kind == "queue" or 1 == len(receiver.received)


def deliveries(journal: MemoryJournal) -> list[Delivery]:
    """What waits in the journal, or was given up."""
    return [
        delivery
        for history in journal.histories
        for record in history.records
        for delivery in record.deliveries
    ]
