"""Eight processes that run at once against one store: no update is lost, nothing is told twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from detector.azure.blobs import BlobJournal
from detector.insights.cloudevent import event_id
from detector.insights.document import Insight, Reason
from detector.journal.delivery import DEADLINE
from detector.journal.history import gateway_key
from detector.journal.ports import Journal
from detector.local.folder import FolderJournal
from detector.runs.run import run_once
from tests.azurite import Azurite
from tests.builders import GATEWAYS, ONE, ZERO, at, down, up
from tests.memory import MemoryLogs, a_world, plenty, seen

ROOT = Path(__file__).parent.parent
PROCESSES = 8
NAMES = [f"vpn-{number}" for number in range(6)]
STORY = (down(at()), up(at(12)), down(at(minutes=20), ONE), up(at(12, minutes=20), ZERO))
ROWS = [replace(row, gateway_id=f"{GATEWAYS}{name}") for name in NAMES for row in STORY]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A sink of one process, which appends what it is told to a file that all of them share."""

    file: Path
    name: str = "consumer"
    takes: frozenset[Reason] = frozenset(Reason)
    timeout: timedelta = DEADLINE

    def deliver(self, insight: Insight) -> None:
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{insight.gateway.name} {event_id(insight)}\n".encode())
        os.close(descriptor)


def journal_of(store: str, connection: str) -> Journal:
    """The journal in a folder, or in the container of that name."""
    if not connection:
        return FolderJournal(Path(store))
    return BlobJournal(lambda: ContainerClient.from_connection_string(connection, store))


def run_at_once(store: str, connection: str, consumer: str) -> None:
    """Fork processes that run at almost one time, after the first switch-over and the second.

    Print the problems in each one's report, a line of JSON for each process.
    """
    for minute in (5, 25):
        children = []
        for number in range(PROCESSES):
            reading, writing = os.pipe()
            process = os.fork()
            if process == 0:
                world = a_world(MemoryLogs(seen(*ROWS)), sinks=[Consumer(file=Path(consumer))])
                world = replace(world, journal=journal_of(store, connection))
                now = at(minutes=minute) + timedelta(milliseconds=number)
                report, _ = run_once(world, now=now, left=plenty)
                os.write(writing, json.dumps(report.problems).encode() + b"\n")
                os._exit(0)
            os.close(writing)
            children.append((process, reading))
        for process, reading in children:
            os.waitpid(process, 0)
            sys.stdout.write(os.read(reading, 65536).decode())


def problems_of_all(*arguments: str) -> Sequence[list[str]]:
    """What each process had to report; they are forked by a process that has no threads."""
    program = f"from tests.test_concurrency import run_at_once; run_at_once(*{arguments!r})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("place", ["folder", "container"])
def test_eight_processes_at_once_tell_each_failover_once_under_one_id(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    consumer = tmp_path / "events"
    store, connection = str(tmp_path / "store"), ""
    if place == "container":
        azurite: Azurite = request.getfixturevalue("azurite")
        store, connection = f"insights-{uuid4().hex[:8]}", azurite.connection_string

    problems = problems_of_all(store, connection, str(consumer))
    events = [line.split() for line in consumer.read_text().splitlines()]
    journal = journal_of(store, connection)
    histories = [journal.load(gateway_key(f"{GATEWAYS}{name}"))[0] for name in NAMES]
    records = [record for history in histories if history for record in history.records]

    assert [[]] * 2 * PROCESSES == problems
    assert NAMES == [record.gateway.name for record in records]
    assert {(2, ())} == {(record.revision, record.deliveries) for record in records}
    assert sorted(
        [record.gateway.name, f"{record.failover.id}:{revision}"]
        for record in records
        for revision in (1, 2)
    ) == sorted(events)
