"""An idle run in a fresh process, against the least that asks the same of Azure.

    python -m benchmarks.idle

The least is a script written by hand: a credential, one query, and the three requests to storage,
by Azure's own clients, of which it imports what it needs and no more. Both run in turn against
`benchmarks.stand_in` without gateways; printed are medians of CPU and of wall time, their ratios,
and what the run imports that the script does not.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from benchmarks.stand_in import ROOT, StandIn

ROUNDS: Final = 15

LEAST: Final = """
import json, os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from azure.core.exceptions import ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.monitor.query import LogsQueryClient
from azure.storage.blob import ContainerClient

blobs = ContainerClient.from_connection_string(os.environ["AzureWebJobsStorage"], "insights")
try:
    blobs.download_blob("runs/least.json").readall()
except ResourceNotFoundError:
    pass
list(blobs.list_blobs("history/", include=["metadata"]))
url = os.environ["DETECTOR_LOGS_ENDPOINT"]
logs = LogsQueryClient(DefaultAzureCredential(), endpoint=url)
now = datetime.now(timezone.utc)
answer = logs.query_workspace(
    os.environ["DETECTOR_SCOPES"],
    Path("detector/azure/signals.kql").read_text(),
    timespan=(now - timedelta(hours=6), now),
)
rows = len(answer.tables[0].rows)
blobs.upload_blob("runs/least.json", json.dumps({"rows": rows}), overwrite=True)
"""

RUN: Final = "from detector.app import invoke; invoke()"

LISTED: Final = "\nimport sys; print(*sys.modules)"


def spent(program: str, environment: Mapping[str, str]) -> tuple[float, float]:
    """The seconds of CPU and of wall time that a program takes in a process of its own."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


def modules(program: str, environment: Mapping[str, str]) -> set[str]:
    """What a program has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", program + LISTED],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return set(done.stdout.split())


def main() -> None:
    """Print both, and their ratios."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with StandIn.started(0) as azure:
        environment = {**os.environ, **azure.environment, "DETECTOR_QUEUE": ""}
        times: dict[str, list[tuple[float, float]]] = {LEAST: [], RUN: []}
        for program in times:
            spent(program, environment)  # compiled files, and the note of a first run
        azure.counts()
        for _ in range(ROUNDS):
            for program, own in times.items():
                own.append(spent(program, environment))
        print(f"requests of both together, a round: {_requests(azure.counts())}")
        cpu, wall = (
            [statistics.median(each[kind] for each in own) for own in times.values()]
            for kind in (0, 1)
        )
        for name, (least, run) in (("CPU", cpu), ("wall", wall)):
            print(f"{name}: {1000 * least:.0f} ms, {1000 * run:.0f} ms, ratio {run / least:.2f}")
        own_modules, run_modules = (modules(program, environment) for program in times)
    packages = Counter(
        ".".join(name.split(".")[: 2 if name.startswith(("azure.", "detector.")) else 1])
        for name in run_modules - own_modules
    )
    print(f"the run imports {len(run_modules - own_modules)} modules more:")
    print("  " + ", ".join(f"{name} {number}" for name, number in packages.most_common(40)))


def _requests(counts: Mapping[str, object]) -> str:
    told = {name: n for name, n in counts.items() if isinstance(n, int)}
    return ", ".join(f"{name} {number / ROUNDS:g}" for name, number in sorted(told.items()))


if __name__ == "__main__":
    main()
