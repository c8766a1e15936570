"""The README is true: its settings, its commands, its links, and what it says comes out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from detector.app.cli import app
from detector.app.settings import DEFAULTS, Settings
from tests.screenshots import PICTURES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def rows(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [cells(line) for line in table[2:]]


def test_the_settings_table_names_every_setting_and_its_default() -> None:
    told = {name.strip("`"): default.strip("`") for name, _, default in rows("Settings")}
    known = {str(field.alias) for field in Settings.model_fields.values()}
    defaults = {name: told[name] for name, default in DEFAULTS.items() if default}

    assert {name for name in known if name.startswith("DETECTOR_")} | {"DETECTOR_QUEUE"} == set(
        told
    )
    assert {name: default for name, default in DEFAULTS.items() if default} == defaults


def test_the_command_table_names_every_command_with_its_options() -> None:
    told = {}
    for usage, _ in rows("The command line"):
        name, *rest = usage.strip("`").split()
        told[name] = set(re.findall(r"--[\w-]+", " ".join(rest)))
    group = typer.main.get_group(app)
    known = {
        name: {
            option
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }
        for name, command in group.commands.items()
    }

    assert known == told


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)\b", README)) - {"all"}))
def test_each_make_target_that_the_readme_names_is_there(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_files_that_the_readme_names_are_there() -> None:
    steps = " ".join(where for _, where in rows("How it works"))
    folder = ROOT / "detector"
    for name in re.findall(r"`([^`]+)`", steps):
        found = [place / name for place in (ROOT, folder, folder / "azure")]

        assert any(path.exists() for path in found), name


def test_the_pictures_of_the_readme_are_those_that_make_screenshots_makes() -> None:
    shown = set(re.findall(r'"(docs/images/[^"]+)"', README))
    made = {f"docs/images/{name}.png" for name, _, _ in PICTURES}

    assert shown <= made
    assert all((ROOT / picture).read_bytes().startswith(b"\x89PNG") for picture in made)


def test_the_rows_and_the_verdict_of_the_readme_are_those_of_the_demo(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    out = str(tmp_path / "out")
    shown = CliRunner().invoke(app, ["replay", str(ROOT / "samples/afternoon"), "--out", out])
    [verdict] = re.findall(r"^> (.*)$", README, re.MULTILINE)
    [article] = re.findall(r"^    (We have identified .*)$", README, re.MULTILINE)
    [title] = re.findall(r"A lock screen shows `([^`]+)`", README)
    [*shown_rows] = re.findall(r"^    (\d\d:\d\d:\d\d\.\d{3})Z  (\w+)", README, re.MULTILINE)
    logs = (ROOT / "samples/afternoon/logs/AzureDiagnostics.json").read_text(encoding="utf-8")

    as_json = CliRunner().invoke(app, ["replay", str(ROOT / "samples/afternoon"), "--json"]).stdout

    assert f"# {verdict}\n" in shown.stdout
    assert article in shown.stdout
    assert f'"title": "{title}"' in as_json
    assert len(shown_rows) == 3
    for time, operation in shown_rows:
        assert re.search(rf'T{time}Z"[^}}]*"OperationName": "{operation}"', logs), time
