"""Histories as the store keeps them: made by whole nights, and kept for good by their version.

    python -m tests.histories

writes those of the version that the code writes today into `golden/histories/v<version>/`, each
with what it holds in words beside it, to be read. What stands there already is never written
again: an app that is updated, or rolled back, finds just such histories in its store.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from detector.app.bootstrap import of_recording
from detector.errors import DeliveryFailed, DeliveryRefused
from detector.insights.document import Insight
from detector.journal.history import Delivery, History, Record, history_from_json
from detector.journal.ports import Sink
from detector.local.recording import Recording
from detector.model import Gateway, Outage
from detector.runs.run import run_once
from detector.text import clock
from tests.command_line import AFTERNOON
from tests.goldens import FOLDER
from tests.memory import ARTICLES, ListSink
from tests.story import Story

HISTORIES: Final = FOLDER / "histories"
STORIES: Final = Path(__file__).with_name("stories")

NIGHTS: Final = {
    "ongoing": "one-of-four-never-comes-back",
    "ended-by-arm": "one-of-four-back-unlogged",
    "recovered-after-maintenance": "maintenance-there-and-back",
    "redundancy-back": "active-active-loss-and-return",
    "out-on-both-instances": "active-active-both-out",
    "flapping": "flapping",
    "back-before": "half-of-the-rows",
    "unknown-facts": "gateway-deleted",
    "policy-based": "policy-based",
}
"""Each history by the story that makes it; `others` has those that need more than a story."""

TAKEN_BACK: Final = """
```azure
gateway vpn-hub-weu active-standby
```

```rows
02:14:00.000 +30 vpn-hub-weu down IN_1 198.51.100.11
02:14:07.000 +3 vpn-hub-weu down IN_0 198.51.100.11
02:14:55.000 +3 vpn-hub-weu up IN_1 198.51.100.11
02:14:58.000 +30 vpn-hub-weu up IN_0 198.51.100.11
```

```runs
02:20 02:50
```
"""


def after(
    recording: Recording, *runs: datetime, sinks: Sequence[Sink] = ()
) -> Iterator[tuple[str, str]]:
    """Each gateway of the journal after these runs: its name, and its history as it is stored."""
    with tempfile.TemporaryDirectory() as folder:
        for now in runs:
            world = of_recording(recording, Path(folder), now=now, articles=ARTICLES)
            world = replace(world, sinks=(*world.sinks, *sinks))
            run_once(world, now=now, left=lambda: timedelta(minutes=4))
        for path in sorted(Path(folder).glob("history/*.json")):
            yield path.stem[:-17], path.read_text(encoding="utf-8")


def of_story(story: Story, sinks: Sequence[Sink] = ()) -> str:
    """The one history that a story leaves."""
    with tempfile.TemporaryDirectory() as folder:
        [(_, text)] = after(story.record(Path(folder)), *story.runs, sinks=sinks)
    return text


def others() -> Iterator[tuple[str, str]]:
    """The afternoon's, one with deliveries that failed, and one that was told and taken back."""
    afternoon = Recording.read(AFTERNOON)
    for name, text in after(afternoon, afternoon.newest + timedelta(milliseconds=1)):
        yield f"afternoon-{name}", text
    sinks = (
        ListSink(name="queue", fault=raising(DeliveryFailed("queue: 503"))),
        ListSink(name="webhook-0f0f0f0f", fault=raising(DeliveryRefused("webhook: 410 Gone"))),
    )
    yield "reset-and-deliveries", of_story(Story.read(STORIES / "reset-logged-late.md"), sinks)
    yield "taken-back", of_story(Story(given=TAKEN_BACK, told=""))


def raising(error: Exception) -> Callable[[Insight], None]:
    """A sink's fault."""

    def fault(insight: Insight) -> None:
        raise error

    return fault


def in_words(history: History) -> str:
    """Everything that a later run or a person may need of a history, a line each."""
    return "\n".join([history.gateway_id, *map("\n".join, map(_record, history.records)), ""])


def _record(record: Record) -> Iterator[str]:
    failover, diagnosis = record.failover, record.diagnosis
    yield ""
    yield f"{failover.id} {'is followed' if record.following else 'is no longer followed'}"
    for known in failover.switch_overs:
        yield f"  {known.at} {known.evidence}: {known.from_instance} to {known.to_instance}"
    cause = diagnosis.cause
    yield f"  {cause.kind} at {cause.at} by {cause.caller}: {cause.statement}"
    yield (
        f"  {diagnosis.importance}, {diagnosis.state}"
        f"{', flapping' if diagnosis.flapping else ''}"
        f"{'' if diagnosis.borne_out else ', not borne out'}, seen until {diagnosis.seen_until}"
    )
    yield from map(_outage, diagnosis.outages)
    for lost in diagnosis.redundancy:
        missing = tuple(tunnel.remote_ip for tunnel in lost.missing)
        yield f"  without {lost.instance} {lost.start} to {lost.end}, missing {missing}"
        yield from (_outage(tunnel) for tunnel in lost.tunnels if tunnel not in lost.missing)
    for row in diagnosis.evidence:
        yield f"  row {row.at} {row.source}: {row.text}"
    yield from _gateway(record.gateway)
    for insight in record.insights:
        yield f"  revision {insight.revision} {insight.reason}: {insight.verdict}"
        yield f"    by {insight.diagnostic_scenario}; {insight.bandwidth.statement}"
    for delivery in record.deliveries:
        yield _delivery(delivery)


def _outage(outage: Outage) -> str:
    ended = f"to {outage.end} ({outage.end_source})"
    if outage.back_before:
        ended = f"back before {outage.back_before}"
    return f"  {outage.remote_ip} {outage.connection} {outage.instance} {outage.start} {ended}"


def _gateway(gateway: Gateway) -> Iterator[str]:
    for field in fields(gateway):
        value = getattr(gateway, field.name)
        if value not in (None, (), {}):
            yield f"  {field.name} {value}"


def _delivery(delivery: Delivery) -> str:
    said = (
        f"  {delivery.sink} waits for revision {delivery.revision} since {clock(delivery.since)}, "
        f"due {clock(delivery.due)}, {delivery.attempts} attempts: {delivery.problem}"
    )
    return f"{said}; given up: {delivery.given_up}" if delivery.given_up else said


def main() -> None:
    """Write what is not there yet."""
    nights = {name: of_story(Story.read(STORIES / f"{file}.md")) for name, file in NIGHTS.items()}
    for name, text in {**nights, **dict(others())}.items():
        folder = HISTORIES / f"v{json.loads(text).get('version', 0)}"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / f"{name}.json").exists():
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
            words = in_words(history_from_json(text))
            (folder / f"{name}.txt").write_text(words, encoding="utf-8")


if __name__ == "__main__":
    main()
