"""What it costs to import the app, and what an idle run imports beside it.

    python -m benchmarks.imports

Each program runs in fresh processes, in turn; printed are the medians, and their ratios to
`import azure.functions` alone. The idle run looks at a stand-in for Azure on this machine, and its
time is not measured: only what it imported counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.azure_stand_in import AzureStandIn

ROUNDS = 15
ROOT = Path(__file__).parent.parent

ALONE = "import azure.functions"
APP = "import function_app"
IDLE = "function_app.detect(azure.functions.timer.TimerRequest())"
PROGRAMS = {ALONE: ("", ALONE), APP: ("", APP), f"{APP}, after that": (ALONE, APP)}
"""What is imported first, and what is timed then."""

TIMED = """
import time
{before}
start = time.perf_counter()
{program}
print(time.perf_counter() - start)
"""
LISTED = """
import sys
{program}
print(*sys.modules)
"""


def said(program: str, environment: Mapping[str, str]) -> Sequence[str]:
    """The words that `program` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()


def main() -> None:
    """Print the medians, their ratios, and the packages of an idle run."""
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):
        for name, (before, program) in PROGRAMS.items():
            [seconds] = said(TIMED.format(before=before, program=program), {})
            times[name].append(float(seconds))
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, median in medians.items():
        print(f"{name:32} {1000 * median:7.1f} ms  {median / medians[ALONE]:6.3f}")
    with AzureStandIn() as azure, tempfile.TemporaryDirectory() as folder:
        environment = {
            **azure.environment(),
            "DETECTOR_SCOPES": "11111111-2222-4333-8444-555555555555",
            "DETECTOR_STORE": f"file:{folder}",
        }
        app = set(said(LISTED.format(program=f"{ALONE}; {APP}"), environment))
        idle = set(said(LISTED.format(program=f"{ALONE}; {APP}; {IDLE}"), environment))
    packages = Counter(
        ".".join(name.split(".")[: 2 if name.startswith("azure.") else 1])
        for name in idle - app
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("_")
    )
    print(f"an idle run imports {len(idle - app)} modules more, of these packages:")
    for package, number in packages.most_common():
        print(f"  {number:4}  {package}")


if __name__ == "__main__":
    main()
