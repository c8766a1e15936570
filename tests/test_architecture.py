"""Who may import whom: values in the middle, Azure at the edge, and one room that joins them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent

CORE: Final = {
    *("signals", "diagnosis", "articles", "insights", "pages", "journal", "coverage", "runs"),
}
EDGES: Final = {"azure", "local", "sinks"}

MAY_IMPORT: Final[dict[str, set[str]]] = {
    "signals": set(),
    "diagnosis": set(),
    "articles": set(),
    "insights": {"diagnosis", "articles"},
    "pages": {"insights"},
    "journal": {"insights"},
    "coverage": {"signals", "insights", "journal"},
    "runs": CORE - {"runs"},
    "azure": CORE,
    "local": CORE,
    "sinks": CORE,
    "app": CORE | EDGES,
}
"""The rooms whose faces each room may use, beside the modules at the top: never one above it."""

AT_THE_TOP: Final = {"boundary", "errors", "face", "files", "model", "text", "version"}
"""The modules in no room, which all may import and which import no room."""

MOST_MODULES: Final = 16

IMPURE: Final = {
    *("os", "io", "logging", "time", "random", "uuid", "secrets", "socket", "subprocess"),
    *("asyncio", "requests", "urllib3", "apprise", "azure"),
}
"""What the core does without: it is given all that comes from the world."""

HEAVY: Final = (
    *("azure.core", "azure.identity", "azure.mgmt.network", "azure.monitor", "azure.storage"),
    *("apprise", "markdown_it", "nh3", "pydantic", "requests", "typer"),
)

MAY_LOAD_PYDANTIC: Final = {"insights", "pages", "journal", "coverage", "runs", *EDGES, "app"}
"""The rooms whose modules, once imported, may have loaded what defines the document.

Those of the other rooms and at the top load nothing heavy, and neither does any face.
"""

MUST_LOAD: Final[dict[str, tuple[set[str], str]]] = {
    "articles.places": ({"markdown_it"}, "it is imported when an article is rendered"),
    "azure.facts_errors": ({"azure.core"}, "it tells the errors of Azure's clients apart"),
    "azure.logs_errors": ({"azure.core"}, "so does it"),
    "azure.retry": ({"azure.core"}, "so does it"),
    "azure.logs_client": ({"azure.core", "azure.monitor"}, "it is imported when logs are asked"),
    "app.arguments": ({"typer"}, "it belongs to the command line"),
    "app.cli": ({"typer"}, "it is the command line"),
    "app.console": ({"typer"}, "it belongs to the command line"),
    "app.replay": ({"typer"}, "so does it"),
    "app.store_cli": ({"typer"}, "it is the other half of the command line"),
}
"""What a module loads beside that, and why: others import these when they first need them."""

LOADING: Final = """
import json, os, sys
from importlib import import_module
heavy, *stages = json.loads(sys.argv[1])
for before, modules in stages:
    for name in before:
        import_module(name)
    for module in modules:
        if not os.fork():
            import_module(f"detector.{module}")
            loaded = [name for name in heavy if name in sys.modules]
            os.write(1, (" ".join([module, *loaded]) + "\\n").encode())  # in one piece
            os._exit(0)
    for _ in modules:
        os.wait()
"""
"""Each module is imported in a process of its own, which says what is heavy and loaded then.

The processes of a stage share what it imports before, to be quick; were that too heavy, all would
say so.
"""

TESTED_BY: Final = {
    "face": ("architecture", "the faces of the rooms are its tests"),
    "app.arguments": ("cli", "arguments are given as a person gives them"),
    "app.forms": ("settings", "a setting is told by its name"),
    "articles.header": ("article", "a header is read as part of its article"),
    "articles.slots": ("article", "a slot is filled as part of its article"),
    "azure.facts_errors": ("network", "each error is answered at its edge"),
    "azure.logs_client": ("logs", "logs are asked for over the wire"),
    "azure.logs_errors": ("logs", "each error is answered at its edge"),
    "azure.resource_manager": ("network", "bodies are asked for over the wire"),
    "azure.query": ("logs", "it holds the types of what is asked and answered"),
    "coverage.ports": ("daily", "the daily check stands on fakes of them"),
    "journal.layout": ("journal", "both stores keep to it"),
    "journal.ports": ("journal", "both stores keep the contract of the port"),
    "local.bodies": ("recording", "bodies are read as part of a recording"),
    "local.exports": ("recording", "exports are read as part of a recording"),
    "runs.ports": ("run", "whole runs stand on fakes of the ports"),
    "runs.world": ("run", "it holds what a whole run is given"),
    "signals.fields": ("arm", "fields are read as part of a body"),
    "signals.resource_health": (
        "arm",
        "an event is read as part of a body, and in test_row of a row",
    ),
    "version": ("package", "the package has it from there"),
}
"""The modules without a `test_<module>.py` of their own: what tests them, and why there."""

CLOCKS: Final = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns"}


def module_files() -> Iterator[tuple[str, Path]]:
    """Every module of `detector` by its name below it; a room's face by the room's name."""
    package = ROOT / "detector"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name and name != "__main__":
            yield name, path


MODULES: Final = dict(module_files())
INNER: Final = [name for name in MODULES if name not in MAY_IMPORT]
"""The modules that are no faces."""


def room_of(module: str) -> str:
    """The room of a module; empty for one at the top."""
    head = module.partition(".")[0]
    return head if head in MAY_IMPORT else ""


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """What the file imports anywhere, for typing or not, as pairs of module and name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((name.name, "") for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write the whole name of what is imported"
            assert node.module is not None
            assert not any(name.asname for name in node.names if node.module[:8] == "detector"), (
                f"{path}: a name that needs an alias is not the right one"
            )
            yield from ((node.module, name.name) for name in node.names)


def own_imports(module: str) -> Iterator[tuple[str, str]]:
    """What a module imports of `detector`: pairs of a module below it and a name."""
    for source, name in imported(MODULES[module]):
        if source.partition(".")[0] == "detector":
            yield source.removeprefix("detector").removeprefix("."), name


def offered(room: str) -> dict[str, str]:
    """The names of a room's face, each with the module that it comes from."""
    face = import_module(f"detector.{room}")
    return {
        name: module.removeprefix("detector.") if module != f"detector.{room}" else f"{room}.{name}"
        for module, name in imported(MODULES[room])
        if name in face.__all__
    }


def test_every_module_stands_in_a_room_or_is_one_of_those_at_the_top() -> None:
    assert AT_THE_TOP == {module for module in INNER if not room_of(module)}


@pytest.mark.parametrize("module", INNER)
def test_a_module_uses_only_the_faces_of_rooms_that_its_own_room_may(module: str) -> None:
    own = room_of(module)
    rooms = {room_of(source) for source, _ in own_imports(module)} - {"", own}

    assert set() == rooms - MAY_IMPORT.get(own, set())


@pytest.mark.parametrize("module", INNER)
def test_nobody_reaches_past_the_face_of_another_room(module: str) -> None:
    past = {
        f"{source}: {name}"
        for source, name in own_imports(module)
        if room_of(source) not in ("", room_of(module))
        and (source not in MAY_IMPORT or name not in offered(source))
    }

    assert set() == past


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_face_says_what_lives_there_and_offers_only_what_others_use(room: str) -> None:
    face = import_module(f"detector.{room}")
    users = [module for module in INNER if room_of(module) != room]
    used = {name for user in users for source, name in own_imports(user) if source == room}
    if room == "app":  # used by function_app.py and __main__.py
        used |= {"invoke", "look_round", "main", "web"}

    assert face.__doc__
    assert used == set(face.__all__)
    assert offered(room).keys() == set(face.__all__)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_each_name_of_a_face_is_what_its_typing_says(room: str) -> None:
    face = import_module(f"detector.{room}")

    for name, module in offered(room).items():
        found = import_module(f"detector.{module}")
        assert (found if module == f"{room}.{name}" else getattr(found, name)) is getattr(
            face, name
        )


def test_a_name_that_no_face_offers_is_an_error() -> None:
    face = import_module("detector.journal")

    with pytest.raises(AttributeError, match="offers no Filing"):
        _ = face.Filing


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_room_is_too_full_to_be_taken_in_at_a_glance(room: str) -> None:
    assert len([module for module in INNER if room_of(module) == room]) <= MOST_MODULES


def test_no_module_leads_back_to_itself() -> None:
    def needed(module: str) -> Iterator[str]:
        for source, name in own_imports(module):
            if source in MAY_IMPORT and room_of(module) != source:
                yield offered(source)[name]
            elif f"{source}.{name}".lstrip(".") in MODULES:
                yield f"{source}.{name}".lstrip(".")
            else:
                yield source

    order = TopologicalSorter({module: set(needed(module)) for module in INNER}).static_order()

    assert set(INNER) == set(order)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, to be quick")
def test_what_is_heavy_is_loaded_when_it_is_first_needed() -> None:
    others = {module for module in INNER if room_of(module) in MAY_LOAD_PYDANTIC}
    light = MODULES.keys() - others
    stages = [(["detector.model"], sorted(light)), (["detector.runs.run"], sorted(others))]

    done = subprocess.run(
        [sys.executable, "-c", LOADING, json.dumps([HEAVY, *stages])],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    loaded = {module: set(heavy) for module, *heavy in map(str.split, done.stdout.splitlines())}
    expected = {module: {"pydantic"} if module in others else set() for module in MODULES}
    expected |= {module: expected[module] | more for module, (more, _) in MUST_LOAD.items()}

    assert (0, "") == (done.returncode, done.stderr)
    assert expected == loaded


def test_each_module_has_its_tests() -> None:
    files = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}

    assert TESTED_BY.keys() == {each for each in INNER if each.rpartition(".")[2] not in files}
    assert {name for name, _ in TESTED_BY.values()} <= files


@pytest.mark.parametrize("module", [each for each in INNER if room_of(each) in CORE])
def test_the_core_imports_nothing_that_touches_the_world(module: str) -> None:
    assert set() == {source.partition(".")[0] for source, _ in imported(MODULES[module])} & IMPURE


@pytest.mark.parametrize("module", [each for each in INNER if room_of(each) != "azure"])
def test_only_the_azure_edge_and_the_bootstrap_name_azures_packages(module: str) -> None:
    azures = {source for source, _ in imported(MODULES[module]) if source[:6] == "azure."}

    assert not azures or module == "app.bootstrap"


@pytest.mark.parametrize("module", MODULES)
def test_nobody_changes_a_class_or_a_module_of_others(module: str) -> None:
    """What a library's class does is the same for all that use it, Azure's clients included."""
    names = {name or source for source, name in imported(MODULES[module])}
    changed = {
        ast.unparse(node)
        for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }

    assert set() == {each for each in changed if each.rpartition(".")[0] in names}


@pytest.mark.parametrize("module", [each for each in INNER if room_of(each) != "app"])
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

    assert {"import os", "import azure.functions as func"} == at_import
    assert [] == others
