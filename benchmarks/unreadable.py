"""Whether rows that cannot be read cost more than others: processor seconds for 100,000 of each.

python -m benchmarks.unreadable [--rows 100000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from typing import Final

from detector.signals.row import read_rows
from tests.builders import GATEWAY_ID

GOOD: Final[Mapping[str, object]] = {
    "TimeGenerated": "2026-11-22T02:00:00.1234567Z",
    "ResourceId": GATEWAY_ID,
    "Source": "TunnelDiagnosticLog",
    "Operation": "TunnelDisconnected",
    "Instance": "GatewayTenantWorker_IN_0",
    "RemoteIp": "198.51.100.11",
}
ROWS: Final[Mapping[str, Mapping[str, object]]] = {
    "readable": GOOD,
    "without a time": {**GOOD, "TimeGenerated": None},
    "with a time that is none": {**GOOD, "TimeGenerated": "yesterday" * 1000},
    "without a tunnel": {**GOOD, "RemoteIp": ""},
    "without a gateway": {**GOOD, "ResourceId": "x" * 5000},
    "with a name without end": {**GOOD, "Instance": "x" * 100_000},
    "nested deeply": {**GOOD, "Additional": "[" * 3000 + "]" * 3000},
}


def seconds(rows: Sequence[Mapping[str, object]]) -> float:
    """The processor time that reading takes."""
    begun = time.process_time()
    read_rows(rows, origin="the workspace")
    return time.process_time() - begun


def main() -> None:
    """Print the seconds for each kind of row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    number = parser.parse_args().rows
    for name, row in ROWS.items():
        print(f"{seconds([row] * number):>7.2f} s  {name}")


if __name__ == "__main__":
    main()
