"""A recording is replayed into a folder, with pages of what came of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from detector.app.lookup import INDEX
from detector.app.replay import replay_into
from tests.command_line import AFTERNOON


def test_each_insight_has_its_forms_and_all_have_a_page(tmp_path: Path) -> None:
    replayed = replay_into(tmp_path, AFTERNOON, at=None, digest=timedelta())

    assert [".json", ".md", ".html"] * 3 + [".html"] == [each.suffix for each in replayed.written]
    assert tmp_path / INDEX == replayed.written[-1]
    assert all(each.is_file() for each in replayed.written)
    assert [1, 1, 1] == [each.revision for each in replayed.insights]


def test_the_page_is_as_of_the_replay_and_not_late_by_then(tmp_path: Path) -> None:
    replay_into(tmp_path, AFTERNOON, at=None, digest=timedelta())
    page = (tmp_path / INDEX).read_text(encoding="utf-8")

    assert "<h1>1 failover is open: vpn-hub-sec</h1>" in page
    assert "19 Nov 2026 15:38:20 UTC" in page
