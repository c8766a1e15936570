"""How much an insight's page weighs, and how long it takes to render.

    python -m benchmarks.page

Of each page the weight is printed, the first rendering of the process and the median of the next
ones, in CPU time, so that what else the machine does does not count.
"""

from __future__ import annotations

import time
from statistics import median

from tests.pages import CASES

REPEATS = 50


def main() -> None:
    """Render each page of the tests."""
    started = time.process_time()
    from detector.pages import to_page

    imported = time.process_time() - started
    print(f"imports {imported * 1e3:.0f} ms")
    for name, make in CASES.items():
        insight = make()
        times = []
        for _ in range(REPEATS):
            started = time.process_time()
            page = to_page(insight)
            times.append(time.process_time() - started)
        print(
            f"{name:14} {len(page.encode()) / 1e3:6.1f} kB   first {times[0] * 1e3:5.1f} ms   "
            f"median {median(times) * 1e3:5.1f} ms"
        )


if __name__ == "__main__":
    main()
