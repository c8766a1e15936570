"""The bad night: gateways that all fail over, and how soon, and at what cost, all are told of.

    python -m benchmarks.night [--azurite] [--runs N] 100 1000 10000

A run of the function in a fresh process against `benchmarks.stand_in`, with a queue as its sink;
then the runs after it, which is the morning after. Printed are, for each number of gateways, the
seconds to the first and to the last delivery, the requests a gateway by service, the CPU a gateway
and the peak of the memory, all of the detector's process alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.stand_in import ROOT, StandIn
from tests.azurite import azurite

RUN: Final = """
import json, logging, os, resource, sys
from detector.app.invocation import invoke_with
from detector.app.settings import Settings
report, insights = invoke_with(Settings.read(os.environ))
used = resource.getrusage(resource.RUSAGE_SELF)
unknown = sum(bool(each.gateway.unknown) for each in insights)
print(json.dumps({
    "told": len(insights), "incomplete": unknown, "delivered": report.delivered,
    "problems": report.problems[:5],
    "cpu_seconds": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024,
}))
"""


BARE: Final = """
import os, resource, sys
from concurrent.futures import ThreadPoolExecutor
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient
blobs = ContainerClient.from_connection_string(os.environ["AzureWebJobsStorage"], "bare")
queue = QueueClient.from_connection_string(os.environ["AzureWebJobsStorage"], "bare")
def tell(number):
    for part in range(5):
        blobs.upload_blob(f"{number}/{part}", b"x" * 8000, overwrite=True, metadata={"a": "b"})
    queue.send_message("x" * 4000)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(tell, range(int(sys.argv[1]))))
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
"""
"""The requests to storage that a gateway costs, by Azure's own clients and with nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run did, and what it cost."""

    began: float
    seconds: float
    said: Mapping[str, Any]
    counts: Mapping[str, Any]

    def requests(self, service: str) -> int:
        """How often a service was asked."""
        return int(self.counts.get(service, 0))


def one_run(azure: StandIn, environment: Mapping[str, str]) -> Outcome:
    """One run in a process of its own."""
    azure.counts()
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds = time.time() - began
    return Outcome(
        began=began, seconds=seconds, said=json.loads(done.stdout), counts=azure.counts()
    )


def bare(gateways: int, environment: Mapping[str, str]) -> float:
    """The milliseconds of CPU a gateway that Azure's clients take for what is written of it."""
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(gateways)],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return 1000 * float(done.stdout) / gateways


def shown(outcome: Outcome, gateways: int) -> str:
    """One run in two lines."""
    said, counts = outcome.said, dict(outcome.counts)
    times = [at - outcome.began for at in counts.pop("delivered")]
    total = sum(counts.values())
    delivered = f"first {min(times):.1f} s, last {max(times):.1f} s" if times else "none counted"
    by_service = ", ".join(f"{name} {n / gateways:.3f}" for name, n in sorted(counts.items()))
    return (
        f"  run {outcome.seconds:.1f} s; told {said['told']}, {said['incomplete']} with a fact "
        f"unknown; delivered {said['delivered']}: {delivered}\n"
        f"  requests {total} ({total / gateways:.2f} a gateway: {by_service})\n"
        f"  CPU {said['cpu_seconds']:.1f} s, {1000 * said['cpu_seconds'] / gateways:.1f} ms a "
        f"gateway; peak {said['peak_mb']:.0f} MB; problems {said['problems']}"
    )


def night(gateways: int, *, runs: int, with_azurite: bool) -> Outcome:
    """The first of the runs of one night, all of which are printed."""
    with ExitStack() as stack:
        azure = stack.enter_context(StandIn.started(gateways))
        environment = dict(azure.environment)
        if with_azurite:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            storage = stack.enter_context(azurite(folder))
            environment["AzureWebJobsStorage"] = storage.connection_string
        print(f"{gateways} gateways" + (", storage is Azurite" if with_azurite else ""))
        if not with_azurite:
            alone = bare(gateways, environment)
            print(f"  CPU of Azure's clients alone, writing as much: {alone:.1f} ms a gateway")
        outcomes = []
        for _ in range(runs):
            outcomes.append(one_run(azure, environment))
            print(shown(outcomes[-1], gateways), flush=True)
    return outcomes[0]


def main() -> None:
    """Print the nights, and how the time grows from one to the next."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("gateways", nargs="+", type=int)
    arguments.add_argument("--azurite", action="store_true")
    arguments.add_argument("--runs", type=int, default=2)
    given = arguments.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    before: tuple[int, Outcome] | None = None
    for gateways in given.gateways:
        outcome = night(gateways, runs=given.runs, with_azurite=given.azurite)
        if before is not None:
            fewer, earlier = before
            growth = math.log(outcome.seconds / earlier.seconds) / math.log(gateways / fewer)
            print(f"  the time grows with the gateways to the power of {growth:.2f}")
        before = gateways, outcome


if __name__ == "__main__":
    main()
