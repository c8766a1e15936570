"""The documentation is true: its links, commands and examples, and the numbers in its rules."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import typer

from detector.app.cli import app
from detector.diagnosis import bandwidth, cause, diagnosis, live, outage, switchover
from detector.insights import scenario
from detector.insights.compose import slot_facts
from detector.model import CauseKind, Evidence
from tests.builders import a_diagnosis, a_failover, a_gateway
from tests.command_line import ROOT, process
from tests.memory import ARTICLES

DOCS: Final = ROOT / "docs"
DOCUMENTS: Final = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / ".github").rglob("*.md")])
}
EXECUTED: Final = ("docs/how-it-works.md", "docs/articles.md")
"""The pages whose examples are run, and compared with what they show."""

NO_COMMANDS: Final = {"COMMAND", "--version", "--help"}
"""What stands for a command, or is none."""

HOW: Final = DOCUMENTS["docs/how-it-works.md"]
ON_ARTICLES: Final = DOCUMENTS["docs/articles.md"]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_relative_link_leads_to_a_file_and_a_heading(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[name]):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), target


def commands(text: str) -> Iterator[list[str]]:
    """Every call of the command line in a page, as words."""
    found = re.findall(r"python -m detector ([^`\n|]+)", text)
    return (shlex.split(each.replace("<", "'<").replace(">", ">'")) for each in found)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_call_of_the_command_line_names_a_command_and_its_options(name: str) -> None:
    group = typer.main.get_group(app)
    for command, *words in commands(DOCUMENTS[name]):
        if command in NO_COMMANDS:
            continue
        known = {opt for each in group.commands[command].params for opt in each.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}

        assert set() == given - known - {"--help"}, command


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_target_of_make_is_there(name: str) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"`make ([a-z]+)`|^    make ([a-z]+)$", DOCUMENTS[name], re.MULTILINE)

    assert {one or other for one, other in named} <= set(targets)


def test_the_index_names_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w.-]+)\)", DOCUMENTS["docs/README.md"]))

    assert {path.name for path in DOCS.iterdir() if path.is_file()} - {"README.md"} == linked


def examples() -> Iterator[tuple[str, str, list[str]]]:
    """Each example of the pages that are executed: page, command, and the lines that it shows."""
    for name in EXECUTED:
        for block in re.findall(r"(?:^    .*\n)+", DOCUMENTS[name], re.MULTILINE):
            first, *shown = [line[4:] for line in block.splitlines()]
            if first.startswith("$ "):
                yield name, first[2:], shown


@pytest.fixture(name="own_articles")
def a_folder_with_the_article_of_the_page(tmp_path: Path) -> Path:
    [article] = re.findall(r"```markdown\n(.*?)```", ON_ARTICLES, re.DOTALL)
    folder = tmp_path / "my-articles"
    shutil.copytree(ARTICLES, folder)
    (folder / "maintenance.md").write_text(article, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("name", "command", "shown"), list(examples()))
def test_an_example_prints_what_it_shows(
    name: str, command: str, shown: list[str], own_articles: Path
) -> None:
    words = shlex.split(command.replace("my-articles", own_articles.as_posix()))
    variables = dict(word.split("=", 1) for word in words if re.match("DETECTOR_", word))
    assert ["python", "-m", "detector"] == words[len(variables) : len(variables) + 3]
    done = process(*words[len(variables) + 3 :], environment=variables)
    printed = iter(line.lstrip("# ").strip() for line in done.stdout.decode().splitlines())

    assert (0, b"error" not in done.stderr) == (done.returncode, True)
    assert shown
    for line in shown:
        assert line == "…" or line.strip() in printed, line


def minutes(length: timedelta) -> int:
    return length // timedelta(minutes=1)


def test_the_numbers_of_the_rules_are_those_of_the_code() -> None:
    assert switchover.NEAR == diagnosis.LONG
    assert switchover.WAY_BACK_WITHIN == outage.AGAIN
    assert live.ASK_AFTER == diagnosis.GONE == switchover.NOT_BACK
    for said in (
        f"connected to the other within {minutes(switchover.NEAR)} minutes",
        f"one instance within {switchover.LOSS_WITHIN.seconds} seconds",
        f"stayed away for {switchover.OUT_FOR.seconds} seconds",
        f"differ by up to {switchover.SKEW.seconds} seconds",
        f"within {minutes(switchover.WAY_BACK_WITHIN)} minutes of each other",
        f"{diagnosis.FLAPS} or more within {diagnosis.FLAP_WITHIN // timedelta(hours=1)} hours",
        f"from {minutes(cause.BEFORE)} minutes before a switch-over",
        f"to {minutes(cause.AFTER)} minutes after it",
        f"arrive within {minutes(cause.LATEST)} minutes",
        f"not show back after {minutes(live.ASK_AFTER)} minutes",
        f"out for {minutes(diagnosis.GONE)} minutes or more",
        f"no tunnels for {minutes(diagnosis.LOST_FOR_LONG)} minutes",
        f"took more than {minutes(diagnosis.LONG)} minutes",
        f"from {bandwidth.BUSY_PERCENT} % on",
    ):
        assert said in HOW, said


def test_every_kind_of_evidence_and_cause_is_explained_in_its_order() -> None:
    evidence = re.findall(r"^\| `([\w-]+)` \|", HOW, re.MULTILINE)
    [order] = re.findall(r"In the order of belief: (.*)\.$", HOW, re.MULTILINE)

    assert [each.value for each in reversed(Evidence)] == evidence
    assert [each.value for each in CauseKind] == order.replace("`", "").split(", ")


def table(heading: str) -> dict[str, str]:
    """The first and the last cell of each row under a heading of the page on articles."""
    section = ON_ARTICLES.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| `(\w+)` \| (?:.*\| )?(.*) \|$", section, re.MULTILINE)
    return {name: last for name, last in found if name != "diagnosticScenario"}


def test_the_scenarios_are_those_of_the_table_and_what_is_shipped_is_said() -> None:
    told = table("The scenarios")
    known = (
        scenario.TUNNEL_DOWN,
        scenario.BOTH_LOST,
        scenario.RESET,
        scenario.MAINTENANCE,
        scenario.SWITCHED_OVER,
    )

    assert list(known) == list(told)
    assert {path.stem for path in ARTICLES.glob("*.md")} == {
        name for name, shipped in told.items() if shipped == "yes"
    }


def test_the_facts_are_those_that_fill_slots() -> None:
    assert table("The facts").keys() == slot_facts(a_failover(), a_diagnosis(), a_gateway()).keys()
