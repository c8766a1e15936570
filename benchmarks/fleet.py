"""How long the page of a fleet takes with 5,000 failovers, beyond what the SDK's listing takes.

    python -m benchmarks.fleet

A real Azurite holds one month of summaries, the note of the last run and that of the coverage
check. Printed are the requests that one page makes, and of each time the least of five, by the
clock and of this process alone: other work of the machine only adds to the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.storage.blob import ContainerClient

from detector.app.lookup import Lookup
from detector.app.site import Request, Site
from detector.azure.blobs import BlobArchive
from detector.insights.fleet import Summary, summary_to_text
from detector.journal.layout import LAST_COVERAGE, LAST_RUN, fleet_path
from detector.runs.schedule import Schedule
from tests.azurite import azurite
from tests.fleets import NOW, some

NUMBER = 5_000
TRIES = 5


def least(call: Callable[[], Any]) -> tuple[float, float]:
    """The least milliseconds that a call took, by the clock and of this process."""
    by_clock, of_process = [], []
    for _ in range(TRIES):
        clock, own = time.perf_counter(), time.process_time()
        call()
        by_clock.append(time.perf_counter() - clock)
        of_process.append(time.process_time() - own)
    return min(by_clock) * 1000, min(of_process) * 1000


def in_november(number: int, summary: Summary) -> Summary:
    """The summary as one of the month of `NOW`, under an id of its own."""
    first_at = NOW - timedelta(seconds=300 * number)
    return summary.model_copy(
        update={"id": f"{first_at:%Y%m%dT%H%M%S}000Z-{number:012x}", "first_at": first_at}
    )


def main() -> None:
    asked: list[str] = []

    def note(request: Any) -> None:
        parts = urlsplit(request.http_request.url)
        listed = parse_qs(parts.query).get("prefix")
        asked.append(f"list {listed[0]}" if listed else f"read {parts.path[-40:]}")

    summaries = [in_november(*each) for each in enumerate(some(NUMBER, 40))]
    with TemporaryDirectory() as folder, azurite(Path(folder)) as storage:
        container = ContainerClient.from_connection_string(
            storage.connection_string, "insights", raw_request_hook=note
        )
        container.create_container()
        archive = BlobArchive(lambda: container)
        archive.keep(LAST_RUN, {"completeUntil": {"w": NOW.isoformat()}}, None)
        archive.keep(LAST_COVERAGE, {"at": NOW.isoformat(), "gateways": 40, "blind": []}, None)

        def put(summary: Summary) -> None:
            metadata = {"revision": "1", "summary": summary_to_text(summary)}
            container.upload_blob(fleet_path(summary.id), b"", metadata=metadata)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, summaries))

        def listed() -> list[Any]:
            return list(
                container.list_blobs("fleet/2026/11/", include=["metadata"], results_per_page=5000)
            )

        site = Site(lookup=Lookup(archive=archive, schedule=Schedule.read("0 */5 * * * *")))
        request = Request(accept="text/html", query={"since": "2026-11-01"})

        def page(now: datetime = NOW) -> str:
            return site.failovers(request, now=now).body

        asked.clear()
        size = len(page())
        print(f"requests of one page: {len(asked)}")
        for each in asked:
            print(f"    {each}")
        pairs = zip(("by the clock", "of the process"), least(listed), least(page), strict=True)
    print(f"{NUMBER} failovers, {len(listed_ids(summaries))} of one month; {size / 1000:.0f} kB")
    for how, sdk, whole in pairs:
        print(f"{how}: the SDK's own listing {sdk:.0f} ms, the page {whole:.0f} ms, ", end="")
        print(f"which is {whole - sdk:.0f} ms more")


def listed_ids(summaries: list[Summary]) -> set[str]:
    """The ids of those in November."""
    return {each.id for each in summaries if each.id.startswith("202611")}


if __name__ == "__main__":
    main()
