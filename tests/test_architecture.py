"""Who may import what: values in the middle, Azure at the edge, and one place that joins them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent

PARTS: Final = {
    "nouns": {"", "errors", "model", "words"},
    "articles": {"inline", "literal", "header", "slots", "markdown", "article", "catalog"},
    "rules": {
        *("row", "arm", "benchmark", "switchover", "outage", "cause", "diagnosis", "recorded"),
        *("verdict", "scenario"),
    },
    "documents": {
        *("insight", "compose", "summary", "plain", "page", "message", "cloudevent"),
        "layout",
    },
    "runs": {
        *("ports", "history", "commit", "fold", "case", "lookup", "telling", "outbox", "delivery"),
        *("report", "run", "status", "drill", "explain", "readonly"),
    },
    "replies": {"reply", "fingerprint"},
    "settings": {"forms", "settings"},
    "people": {"notify"},
    "webhook": {"webhook"},
    "azure": {
        *("azure", "azure.blobs", "azure.clouds", "azure.eventgrid", "azure.facts_errors"),
        *("azure.logs", "azure.logs_client", "azure.logs_errors", "azure.metrics"),
        *("azure.network", "azure.queue", "azure.retry", "azure.storage"),
    },
    "local": {"local", "local.bodies", "local.exports", "local.folder", "local.recording"},
    "wiring": {"wiring"},
    "entry": {"invocation", "cli", "console", "given", "__main__"},
}
"""The modules of `detector` by what they are part of."""

CORE: Final = {"nouns", "articles", "rules", "documents", "runs"}
EDGES: Final = {"people", "webhook", "azure", "local"}

MAY_IMPORT: Final = {
    "nouns": {"nouns"},
    "articles": {"nouns", "articles"},
    "rules": {"nouns", "rules"},
    "documents": {"nouns", "articles", "rules", "documents"},
    "runs": CORE,
    "replies": {"nouns", "replies"},
    "settings": {"nouns", "settings"},
    **{edge: CORE | {"replies", "settings", edge} for edge in EDGES},
    "wiring": PARTS.keys() - {"entry"},
    "entry": PARTS.keys() - {"azure", "people", "webhook"},
}
"""Which parts each part may import: an edge no other edge, and nobody but the wiring Azure's."""

IMPURE: Final = {
    *("os", "io", "logging", "time", "random", "uuid", "secrets", "socket", "subprocess"),
    *("threading", "concurrent", "asyncio", "requests", "urllib3", "apprise", "azure"),
}
"""What the core does without, since it is all arguments and results."""

CLOCKS: Final = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns"}


def module_files() -> Iterator[tuple[str, Path]]:
    """Every module of `detector` by its name below it, the package itself as ``."""
    package = ROOT / "detector"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


MODULES: Final = dict(module_files())
PART_OF: Final = {module: part for part, modules in PARTS.items() for module in modules}


def imported(path: Path) -> Iterator[str]:
    """The full name of every module that the file imports anywhere, for typing or not."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write the whole name of what is imported"
            assert node.module is not None
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner.removeprefix("detector.") in MODULES else node.module


def own_imports(module: str) -> set[str]:
    """The modules of `detector` that a module imports, by their names below it."""
    names = (name for name in imported(MODULES[module]) if name.partition(".")[0] == "detector")
    return {name.partition(".")[2] for name in names}


def test_every_module_is_part_of_something_and_of_one_thing_alone() -> None:
    listed = [module for modules in PARTS.values() for module in modules]

    assert len(set(listed)) == len(listed)
    assert set(listed) == MODULES.keys(), "bring PARTS up to date"


def test_every_part_says_what_it_may_import() -> None:
    assert PARTS.keys() == MAY_IMPORT.keys()
    assert PARTS.keys() >= set().union(*MAY_IMPORT.values())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_the_parts_that_its_own_part_may(module: str) -> None:
    part = PART_OF[module]

    assert set() == {
        name for name in own_imports(module) if PART_OF[name] not in MAY_IMPORT[part] | {part}
    }


@pytest.mark.parametrize("module", [each for each in MODULES if PART_OF[each] in CORE])
def test_the_core_imports_nothing_that_touches_the_world(module: str) -> None:
    assert set() == {name.partition(".")[0] for name in imported(MODULES[module])} & IMPURE


@pytest.mark.parametrize("module", [each for each in MODULES if PART_OF[each] not in EDGES])
def test_only_the_azure_edge_and_the_wiring_name_azures_packages(module: str) -> None:
    azures = {name for name in imported(MODULES[module]) if name.partition(".")[0] == "azure"}

    assert not azures or PART_OF[module] == "wiring"


@pytest.mark.parametrize("module", [each for each in MODULES if PART_OF[each] != "entry"])
def test_nobody_reads_the_clock_but_whoever_starts_a_run(module: str) -> None:
    read = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and ast.unparse(node.func.value) in {"datetime", "date", "time", "datetime.datetime"}
    }

    assert set() == read


def test_the_function_app_imports_nothing_of_the_detector_until_it_runs() -> None:
    """The host imports it to find the functions; everything heavy comes with the first run."""
    tree = ast.parse((ROOT / "function_app.py").read_text("utf-8"))
    at_import = {ast.unparse(node) for node in tree.body if isinstance(node, ast.Import)}
    others = [node for node in tree.body if isinstance(node, ast.ImportFrom)]

    assert {"import azure.functions as func"} == at_import
    assert [] == others
