"""docs/architecture.md is true: its files, its names, and what becomes of its row at each stop."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from detector.app import bootstrap
from detector.diagnosis.observation import Examination, Known
from detector.insights.document import timestamp
from detector.journal.history import History, gateway_key
from detector.local.recording import Recording
from detector.model import Answer
from detector.runs.facts import look_up
from detector.runs.observation import Loaded, observe
from detector.runs.run import run_once
from detector.runs.windows import windows
from tests.command_line import AFTERNOON, ROOT, files
from tests.memory import ARTICLES, plenty

TEXT = (ROOT / "docs/architecture.md").read_text("utf-8")
STOPS = re.split(r"^### ", TEXT.split("\n## Words", 1)[0], flags=re.MULTILINE)[1:]
FILE = re.compile(r"`([\w./]+\.(?:py|json|md))`")
NAME = re.compile(r"`([A-Za-z_]+)`")


def values(stop: str) -> list[str]:
    """The lines that a stop shows, each with single spaces."""
    return [" ".join(line.split()) for line in re.findall(r"^    (\S.*)$", stop, re.MULTILINE)]


def test_each_file_and_folder_that_it_names_is_there() -> None:
    named = {*FILE.findall(TEXT), *re.findall(r"`([\w./]+/)`", TEXT)}

    assert 15 < len(named)
    assert set() == {name for name in named if not (ROOT / name).exists()}


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.partition("\n")[0])
def test_each_name_of_a_stop_stands_in_a_file_that_the_stop_names(stop: str) -> None:
    source = "".join((ROOT / name).read_text("utf-8") for name in FILE.findall(stop))
    names = set(NAME.findall(stop))

    assert names or stop.startswith("1.")
    assert set() == {name for name in names if not re.search(rf"(def|class) {name}\b", source)}


def test_its_words_are_twenty_at_most_and_its_stops_seven() -> None:
    words = re.findall(r"^\| ([\w-]+) \|", TEXT.split("\n## Words", 1)[1], re.MULTILINE)

    assert len(words) - 1 <= 20  # the first is the heading
    assert [str(number) for number in range(1, 8)] == [stop[0] for stop in STOPS]


def test_the_rooms_of_its_picture_are_those_of_the_detector() -> None:
    [picture] = re.findall(r"```mermaid\n(.*?)```", TEXT, re.DOTALL)
    rooms = {path.parent.name for path in (ROOT / "detector").glob("*/__init__.py")}

    assert rooms - {"app"} == set(re.findall(r"\b([a-z]+)/(?!>)", picture))


def test_each_stop_shows_what_becomes_of_the_row(tmp_path: Path) -> None:
    shown = [values(stop) for stop in STOPS]
    recording = Recording.read(AFTERNOON)
    now = recording.newest + timedelta(milliseconds=1)
    world = bootstrap.of_recording(recording, tmp_path, now=now, articles=ARTICLES)

    rows = json.loads((AFTERNOON / "logs/AzureDiagnostics.json").read_text("utf-8"))
    [row] = [
        row
        for row in rows
        if row["TimeGenerated"] == "2026-11-19T14:14:07.123Z"
        and row.get("remoteIP_s") == "198.51.100.11"
    ]
    columns = ("TimeGenerated", "OperationName", "instance_s", "remoteIP_s")
    assert [f"{name} {row[name]}" for name in columns] == shown[0]

    [answer] = [each for each in world.signals(windows(world, {}, now)) if isinstance(each, Answer)]
    [signal] = [
        each
        for each in answer.signals
        if timestamp(each.at) == row["TimeGenerated"] and each.remote_ip == row["remoteIP_s"]
    ]
    assert [
        f"at {timestamp(signal.at)}",
        f"kind {signal.kind}",
        f"instance {signal.instance}",
        f"remote_ip {signal.remote_ip}",
    ] == shown[1]

    observation = observe([answer], asked=1, now=now).of(signal.gateway_id)
    known = Known(active_active=False)
    examined = Examination(observation=observation, known=known)
    [pairing] = [each for each in examined.pairings if each.disconnected == signal]
    [piece] = [
        each
        for each in examined.pieces
        if (each.at, each.to_instance) == (signal.at, "GatewayTenantWorker_IN_1")
    ]
    assert pairing.connected is not None
    assert [
        f"disconnected {timestamp(signal.at)} on {signal.instance}",
        f"connected {timestamp(pairing.connected.at)} on {pairing.connected.instance}",
        f"reading {pairing.reading}",
        f"evidence {piece.evidence}",
    ] == shown[2]
    assert f"the gateway's {len(observation.rows)} rows" in STOPS[2]
    assert f"one of the {len(answer.signals)} rows" in TEXT

    loaded = Loaded(observation=observation, history=History(gateway_id=signal.gateway_id))
    facts, [[failover]] = look_up(world.sources, [loaded], now=now)
    outage = failover.diagnosis.outages[0]
    switch_over = failover.failover.switch_overs[0]
    seconds = (outage.length or timedelta()).total_seconds()
    assert [
        f"id {failover.failover.id}",
        f"switch-over {timestamp(switch_over.at)}, {switch_over.evidence}",
        f"outage {outage.remote_ip} ({outage.connection}), {seconds} s, by the {outage.end_source}",
        f"VIP {facts.gateways[signal.gateway_id].vips[0]}",
    ] == shown[3]

    _, [insight, *_] = run_once(world, now=now, left=plenty)
    assert [
        f"reason {insight.reason}",
        f"revision {insight.revision}",
        f"verdict {insight.verdict}",
    ] == shown[4]
    assert [f"history/{gateway_key(signal.gateway_id)}.json"] == shown[5]
    assert {*shown[5], *shown[6]} <= set(files(tmp_path))
