"""A recording is written to a new folder, and the table of its masks elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import pytest

from detector.errors import OperatorError
from detector.local.capture import LOGS
from detector.local.masking import Parts
from detector.local.new_recording import NewRecording
from tests.cloud import GATEWAY

ROW = {"TimeGenerated": "2026-11-22T03:14:15Z", "ResourceId": GATEWAY, "Message": "Ümlaut\n"}
PARTS: Parts = {LOGS: [ROW, ROW], "gateways/gateways.json": [{"id": GATEWAY}]}


def test_rows_stand_a_line_each_and_bodies_in_a_list(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "case"
    written = NewRecording(folder).write(PARTS)
    rows = (folder / LOGS).read_text("utf-8").splitlines()

    assert [folder / path for path in PARTS] == written
    assert [ROW, ROW] == list(map(json.loads, rows))
    assert [{"id": GATEWAY}] == json.loads((folder / "gateways/gateways.json").read_text("utf-8"))


def test_no_path_has_a_character_that_a_system_refuses(tmp_path: Path) -> None:
    written = NewRecording(tmp_path / "case").write(PARTS)
    names = {part for path in written for part in path.relative_to(tmp_path).parts}

    assert not set('<>:"|?*\\') & set("".join(names))


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert NewRecording(tmp_path).write(PARTS)


def test_two_recordings_are_never_mixed(tmp_path: Path) -> None:
    NewRecording(tmp_path).write(PARTS)

    with pytest.raises(OperatorError, match="not empty; name a new folder"):
        NewRecording(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "case").write_text("x")

    with pytest.raises(OperatorError, match="name a new folder"):
        NewRecording(tmp_path / "case")


def test_what_became_what_stands_only_in_the_file_for_it(tmp_path: Path) -> None:
    table = tmp_path / "masks.json"
    written = NewRecording(tmp_path / "case", table).write_masked(PARTS, Random(1))
    kept = json.loads(table.read_text("utf-8"))

    assert {table, *(tmp_path / "case" / path for path in PARTS)} == set(written)
    assert kept["gateway"]["vpn-hub-weu"] in (tmp_path / "case" / LOGS).read_text("utf-8")
    assert sys.platform == "win32" or 0o600 == table.stat().st_mode & 0o777


def test_without_one_nothing_tells_what_became_what(tmp_path: Path) -> None:
    NewRecording(tmp_path / "case").write_masked(PARTS, Random(1))

    assert ["case"] == [path.name for path in tmp_path.iterdir()]
    assert "vpn-hub-weu" not in "".join(
        path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()
    )


def test_the_table_never_lies_in_the_recording(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="name a file outside of it"):
        NewRecording(tmp_path / "case", tmp_path / "x" / ".." / "case" / "masks.json")


def test_a_table_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "masks.json").write_text("{}")

    with pytest.raises(OperatorError, match="is there; name a new file"):
        NewRecording(tmp_path / "case", tmp_path / "masks.json")
