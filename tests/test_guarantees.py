"""docs/guarantees.md says what the code does."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from detector.app import bootstrap
from detector.app.settings import DEFAULTS
from detector.diagnosis import EDGE, extent
from detector.insights import compose
from detector.journal import delivery, hearing, outbox
from detector.journal.reply import REFUSALS
from detector.runs import observation, report, run, windows

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/guarantees.md").read_text("utf-8")


def test_every_test_that_it_names_is_there() -> None:
    named = set(re.findall(r"`(tests/\w+\.py)`", TEXT))

    assert 8 < len(named)
    assert set() == {name for name in named if not (ROOT / name).is_file()}


def test_its_windows_are_those_of_a_run() -> None:
    lookback, catch_up = timedelta(hours=6), timedelta(hours=48)
    back = windows.LATENESS + EDGE

    assert ("PT6H", "P2D") == (DEFAULTS["DETECTOR_LOOKBACK"], DEFAULTS["DETECTOR_CATCH_UP"])
    assert f"asks for {lookback // timedelta(hours=1)} hours" in TEXT
    assert f"never more than {catch_up // timedelta(hours=1)} hours ago" in TEXT
    assert "2 hours and 18 minutes" in TEXT
    assert timedelta(hours=2, minutes=18) == back
    assert timedelta(hours=5, minutes=42) == lookback - EDGE
    assert "more than 5 hours and 42 minutes late" in TEXT
    assert f"kept for {observation.KEPT.days} days" in TEXT


def test_its_deadlines_are_those_of_a_run() -> None:
    for length in (bootstrap.AFTER_LOGS, bootstrap.AFTER_FACTS, run.MARGIN, delivery.DEADLINE):
        assert f"{length.total_seconds():g} seconds" in TEXT
    assert delivery.DEADLINE < 2 * run.MARGIN


def test_its_pauses_and_refusals_are_those_of_the_outbox() -> None:
    pauses = [4, 8, 16, 32, 64]

    assert outbox.FIRST_PAUSE == timedelta(minutes=pauses[0])
    assert all(later == 2 * earlier for earlier, later in pairwise(pauses))
    assert timedelta(minutes=pauses[-1]) < outbox.LAST_PAUSE < timedelta(minutes=128)
    assert "after 4, 8, 16, 32 and 64 minutes and then every 2 hours" in TEXT
    assert timedelta(hours=24) == outbox.KEEP_TRYING
    assert f"({', '.join(map(str, sorted(REFUSALS)))})" in TEXT


def test_what_it_says_of_messages_is_what_a_receiver_hears() -> None:
    waits = hearing.DIGEST // timedelta(minutes=1)

    assert f"waits for {waits} minutes (`DETECTOR_DIGEST`)" in TEXT
    assert f"PT{waits}M" == DEFAULTS["DETECTOR_DIGEST"]
    assert (4, 2) == (hearing.TOGETHER, hearing.CHANGES)
    assert f"steady for {hearing.STEADY // timedelta(minutes=1)} minutes" in TEXT


def test_its_bounds_are_those_of_the_code() -> None:
    assert f"A report names {report.EXAMPLES} of what is alike" in TEXT
    assert f"no line of the log exceeds {report.LONGEST_LINE:,} characters" in TEXT
    assert (100, 300) == (extent.SWITCH_OVERS, extent.OUTAGES)
    assert "the latest hundred" in TEXT
    assert f"what was last, {extent.OUTAGES} in all" in TEXT
    assert f"A document has {compose.LONGEST_DOCUMENT // 1000} kB at most" in TEXT
    assert f"where together they exceed {outbox.ROOM // 1000} kB" in TEXT
    assert f"was down for {hearing.MOMENT // timedelta(minutes=1)} minutes" in TEXT
