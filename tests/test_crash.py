"""A run that is killed anywhere is completed by the next one.

A real process runs over a journal and insight files in a folder and is killed by SIGKILL: before
the first operation on a file, before the second (which is after the first), and so on until a run
lives to its end. The consumer is a file to which each event that is delivered is appended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from detector.insights.cloudevent import event_id
from detector.insights.document import Insight, Reason
from detector.insights.summary import to_markdown
from detector.journal.delivery import DEADLINE
from detector.journal.layout import insight_path
from detector.local.folder import FolderInsights, FolderJournal
from detector.runs.run import run_once
from detector.runs.world import World
from tests.builders import GATEWAYS, ONE, ZERO, at, down, up
from tests.memory import MemoryLogs, a_world, minutes, plenty, seen

ROOT = Path(__file__).parent.parent
PERIOD = minutes(5)
OPERATIONS = ("open", "os.mkdir", "os.rename")
AWAY = (down(at()), up(at(12)))
BACK = (down(at(minutes=20), ONE), up(at(12, minutes=20), ZERO))
AT_ANOTHER = [
    replace(row, gateway_id=f"{GATEWAYS}vpn-other") for row in (down(at(minutes=21)), up(at(1273)))
]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork and SIGKILL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A sink that appends the id of each event to a file."""

    file: Path
    name: str = "consumer"
    takes: frozenset[Reason] = frozenset(Reason)
    timeout: timedelta = DEADLINE

    def deliver(self, insight: Insight) -> None:
        with self.file.open("a") as file:
            file.write(f"{event_id(insight)}\n")


def a_world_in(folder: Path) -> World:
    sinks = (FolderInsights(folder, {".md": to_markdown}), Consumer(file=folder / "events"))
    world = a_world(MemoryLogs(seen(*AWAY, *BACK, *AT_ANOTHER)), sinks=sinks)
    return replace(world, journal=FolderJournal(folder))


def die_before(operation: int, folder: Path) -> None:
    """Have this process killed before the operation of that number on a file of `folder`."""
    countdown = iter(range(operation, -1, -1))

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        is_here = event in OPERATIONS and str(arguments[0]).startswith(str(folder))
        if is_here and next(countdown, None) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


def lives(folder: Path, now: datetime, operation: int | None = None) -> bool:
    """Whether a process of its own ran to its end, killed or not before that operation."""
    process = os.fork()
    if process == 0:
        if operation is not None:
            die_before(operation, folder)
        report, _ = run_once(a_world_in(folder), now=now, left=plenty)
        os._exit(len(report.problems))
    return os.waitpid(process, 0)[1] == 0


def state(folder: Path, before: Path) -> dict[str, object]:
    """What stands in a folder: the journal, the files, the events since it was like `before`."""
    histories = [
        json.loads(path.read_text()) for path in sorted((folder / "history").glob("*.json"))
    ]
    return {
        "events": _events(folder)[len(_events(before)) :],
        "outstanding": [each["deliveries"] for h in histories for each in h["records"]],
        "told": [
            (each["failover"]["id"], each["insights"][-1]["revision"])
            for h in histories
            for each in h["records"]
        ],
        "insights": sorted(
            (insight.id, insight.revision)
            for path in folder.glob("insights/**/*.json")
            for insight in [Insight.model_validate_json(path.read_text())]
            if (folder / insight_path(insight.id, ".md")).read_text() == to_markdown(insight)
        ),
    }


def _events(folder: Path) -> list[str]:
    return (folder / "events").read_text().splitlines()


def crash_everywhere(root: Path, *, crashes: int) -> None:
    """Print the state after runs that crashed at each operation, and of the run that completed it.

    The last line is of a run that lived, since it had fewer operations.
    """
    before = root / "before"
    run_once(a_world_in(before), now=at(minutes=5), left=plenty)
    for operation in count():
        folder = root / str(operation)
        shutil.copytree(before, folder)
        times = [at(minutes=25) + PERIOD * number for number in range(crashes + 1)]
        lived, *_ = [lives(folder, now, operation) for now in times[:-1]]
        assert lives(folder, times[-1])
        sys.stdout.write(json.dumps(state(folder, before)) + "\n")
        if lived:
            return


def after_crashes(folder: Path, *, crashes: int) -> Iterator[dict[str, Any]]:
    """The states, from a process that has no threads, so that it may fork."""
    program = (
        "from pathlib import Path; from tests.test_crash import crash_everywhere; "
        f"crash_everywhere(Path({str(folder)!r}), crashes={crashes})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return map(json.loads, done.stdout.splitlines())


@pytest.mark.parametrize("crashes", [1, 2])
def test_a_run_that_is_killed_anywhere_is_completed_by_the_next(
    tmp_path: Path, crashes: int
) -> None:
    """A consumer that drops repeated ids has seen each revision exactly once.

    A failover is told again (a second revision) and another gateway's for the first time.
    """
    *crashed, lived = after_crashes(tmp_path, crashes=crashes)

    assert 30 < len(crashed)
    assert 2 == len(lived["events"]) == len(set(lived["events"]))
    assert any(len(each["events"]) > 2 for each in crashed)  # at least once: some were repeated
    for each in crashed:
        assert set(lived["events"]) == set(each["events"])
        assert lived["told"] == each["told"]
        assert lived["insights"] == each["insights"]
        assert [[], []] == each["outstanding"]
