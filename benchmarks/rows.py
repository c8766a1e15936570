"""What 500,000 rows of one answer cost beside Azure's own client: time, and the peak of memory.

    python -m benchmarks.rows [ROWS]

Both read the same answer from a server on this machine, each in a process of its own: Azure's
client up to its table, and the detector up to the signals of the gateways.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.stand_in import ROOT, WORKSPACE, StandIn

PER_GATEWAY: Final = 8

PROGRAM: Final = """
import json, os, resource, time
from datetime import UTC, datetime, timedelta
from azure.identity import DefaultAzureCredential
now = datetime.now(UTC)
url = os.environ["DETECTOR_LOGS_ENDPOINT"]
credential = DefaultAzureCredential()
{before}
began, cpu = time.perf_counter(), time.process_time()
{asked}
spent = time.process_time() - cpu
print(json.dumps([rows, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""

CLIENT: Final = PROGRAM.format(
    before="""
from azure.monitor.query import LogsQueryClient
client = LogsQueryClient(credential, endpoint=url)
""",
    asked="""
answer = client.query_workspace(
    os.environ["DETECTOR_SCOPES"], "rows", timespan=(now - timedelta(hours=6), now)
)
rows = len(answer.tables[0].rows)
""",
)

DETECTOR: Final = PROGRAM.format(
    before="""
from detector.azure import Endpoint, Logs, LogsClient
from detector.model import Scope, Window
client = LogsClient(credential, Endpoint(url=url, audience=url), row_limit=10**9)
scope = Scope(id=os.environ["DETECTOR_SCOPES"])
logs = Logs(lambda: client, [scope], left=lambda: timedelta(minutes=10))
""",
    asked="""
[answer] = logs.signals({scope: Window(start=now - timedelta(hours=6), end=now)})
rows = len(answer.signals)
""",
)


def said(program: str, environment: dict[str, str]) -> tuple[int, float, float]:
    """The rows, the seconds of CPU and the peak in MB of a program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    rows, seconds, peak = json.loads(done.stdout)
    return rows, seconds, peak


@contextmanager
def answering(rows: int) -> Iterator[dict[str, str]]:
    """A stand-in whose logs hold so many rows."""
    with StandIn.started(rows // PER_GATEWAY) as azure:
        yield dict(azure.environment)


def main(rows: int) -> None:
    """Print both, and their ratios."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with answering(rows) as environment:
        environment["DETECTOR_SCOPES"] = WORKSPACE
        alone, whole = said(CLIENT, environment), said(DETECTOR, environment)
    for name, (number, seconds, peak) in (("the client", alone), ("the detector", whole)):
        print(f"{name}: {number} rows, {seconds:.1f} s of CPU, peak {peak:.0f} MB")
    print(
        f"on top {whole[1] / alone[1] - 1:.2f} of the client's time, peak {whole[2] / alone[2]:.2f}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
