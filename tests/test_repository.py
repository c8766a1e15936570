"""The files around the code: what is published, installed and shipped."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from datetime import date, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pathspec import GitIgnoreSpec, PathSpec

from detector.version import VERSION

ROOT = Path(__file__).parents[1]

SEED = ROOT / "articles" / "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight.md"
SEED_SHA256 = "37003e8a08970ba78cd7a8916ace8adc741a528cf62bbf9a1010d18f53532d78"

REQUIREMENT = re.compile(r"[a-z0-9-]+>=[\d.]+,<[\d.]+( ; python_version (<|>=) \"3\.\d+\")?")


SETTINGS = {
    "DETECTOR_SCOPES", "DETECTOR_SCHEDULE", "DETECTOR_LOOKBACK", "DETECTOR_CATCH_UP",
    "DETECTOR_ARTICLES", "DETECTOR_CLOUD", "DETECTOR_LOGS_ENDPOINT", "DETECTOR_ARM_ENDPOINT",
    "DETECTOR_METRICS_ENDPOINT", "DETECTOR_STORE", "DETECTOR_QUEUE",
    "DETECTOR_EVENT_GRID_ENDPOINT", "DETECTOR_WEBHOOK_URLS", "DETECTOR_NOTIFY_URLS",
}  # fmt: skip


def requirements() -> list[tuple[str, str]]:
    """Each line of requirements.in that names a package, with the line before it."""
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    return [
        (before, line)
        for before, line in zip(["", *lines], lines, strict=False)
        if line and not line.startswith("#")
    ]


def pins(lock: str) -> list[tuple[Requirement, int]]:
    """What a lock pins, each with the number of its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.findall(
        r"^(\w\S*==[^\\\n]+)((?: \\\n +--hash=sha256:[0-9a-f]{64})*)$", text, re.MULTILINE
    )
    return [(Requirement(pin), hashes.count("--hash")) for pin, hashes in found]


def locked(lock: str, **environment: str) -> dict[str, str]:
    """The version of each package that a lock pins in an environment."""
    return {
        pin.name: str(pin.specifier).removeprefix("==")
        for pin, _ in pins(lock)
        if pin.marker is None or pin.marker.evaluate({**environment})
    }


PYTHONS = ("3.11.0", "3.12.0", "3.13.0")
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


Patterns = PathSpec[Any]

MADE = {
    "python3 -m venv .venv": (".venv/bin/python", ".venv/pyvenv.cfg"),
    "cp local.settings.sample.json local.settings.json": ("local.settings.json",),
    "npm ci --ignore-scripts": ("node_modules/azurite/package.json",),
    "npx azurite": (
        "__azurite_db_blob__.json",
        "__blobstorage__/1",
        "__queuestorage__/1",
    ),
    "--location .azurite": (".azurite/__azurite_db_blob__.json", ".azurite/__blobstorage__/1"),
    "func start": ("__pycache__/function_app.cpython-311.pyc",),
    "make demo": ("demo-output/insights/2026/11/19/1.json", "demo-output/.lock"),
    "make test": (
        "detector/azure/__pycache__/logs.pyc",
        ".pytest_cache/v/cache/lastfailed",
        ".hypothesis/examples/1/2",
    ),
    "make check": (".ruff_cache/1", ".mypy_cache/1", "tests/__pycache__/cloud.pyc"),
    "pip install .": ("build/lib/detector/text.py", "gateway_failover_detector.egg-info/PKG-INFO"),
    "pip wheel .": ("dist/gateway_failover_detector-1-py3-none-any.whl",),
    "an editor or a shell": (".env", ".env.local", ".envrc"),
    "azd up": (".azure/dev/.env", ".azure/config.json"),
}
"""What the commands of the README make, and others that people call here; each with its files."""

BESIDE = {"make check", "pip install .", "pip wheel .", "an editor or a shell", "azd up"}
"""Those that the README need not name."""

FUNCIGNORE = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()
KEPT_HOME: list[Patterns] = [
    GitIgnoreSpec.from_lines(FUNCIGNORE),
    PathSpec.from_lines("gitignore", FUNCIGNORE),
]
"""The files that `.funcignore` keeps from being published, as Core Tools and as azd read it."""


@pytest.mark.parametrize(("before", "line"), requirements())
def test_a_requirement_has_both_bounds_and_a_reason(before: str, line: str) -> None:
    assert REQUIREMENT.fullmatch(line)
    assert before.startswith("# ")


@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_deployed_is_what_the_requirements_admit(system: str, version: str) -> None:
    """For every Python and system; `make lock` mends it."""
    environment = {
        "python_version": version[:-2],
        "python_full_version": version,
        "sys_platform": system,
        "platform_system": SYSTEMS[system],
    }
    wanted = [Requirement(line) for _, line in requirements()]
    wanted = [each for each in wanted if each.marker is None or each.marker.evaluate(environment)]
    deployed = locked("requirements.txt", **environment)

    assert len({each.name for each in wanted}) == len(wanted)
    assert {each.name for each in wanted} <= set(deployed)
    assert all(each.specifier.contains(deployed[each.name]) for each in wanted)
    assert deployed.items() <= locked("requirements-dev.lock", **environment).items()


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.lock"])
def test_each_line_of_a_lock_is_a_pin_with_hashes(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()

    assert len(pins(lock)) == len([line for line in lines if re.match("[a-z]", line)])
    assert all(hashes for _, hashes in pins(lock))


def test_what_is_deployed_is_just_what_the_app_needs_and_all_that_that_brings() -> None:
    """By what the installed packages themselves say that they need, where the tests run."""
    deployed = locked("requirements.txt")
    waiting = [Requirement(line) for _, line in requirements()]
    needed: set[str] = set()
    while waiting:
        each = waiting.pop()
        name = canonicalize_name(each.name)
        extras = each.extras or {""}
        if each.marker is None or any(each.marker.evaluate({"extra": one}) for one in extras):
            if name not in needed:
                inner = metadata.requires(name) or []
                waiting += [
                    one
                    for one in map(Requirement, inner)
                    if one.marker is None
                    or any(one.marker.evaluate({"extra": extra}) for extra in extras)
                ]
            needed.add(name)

    assert set(deployed) == needed


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        (None, 0, "audit: nothing is known, since its data could not be had here"),
        ("", 0, "audit: nothing is known, since its data could not be had here"),
        ([{"name": "a", "version": "1", "vulns": []}], 0, "audit: 1 packages, 0 known vulnerabil"),
        (
            [{"name": "a", "skip_reason": "no such package"}],
            0,
            "audit: of 1 of 1 packages nothing is known, such as: no such package",
        ),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}],
            1,
            "audit: a 1: CVE-1, mended by 2",
        ),
    ],
)
def test_the_audit_fails_for_what_is_known_and_says_what_is_not(
    report: object, code: int, said: str, tmp_path: Path
) -> None:
    if report is not None:
        text = json.dumps({"dependencies": report}) if report else ""
        (tmp_path / "report.json").write_text(text)
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "audit.py", tmp_path / "report.json"],
        capture_output=True,
        text=True,
    )

    assert code == done.returncode
    assert said in done.stdout + done.stderr


def test_the_storage_import_stays_fast_without_aiohttp() -> None:
    """azure-storage imports aiohttp wherever it is installed, used or not."""

    assert "aiohttp" not in locked("requirements-dev.lock")


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.lock", "package-lock.json"])
def test_a_lock_names_no_registry_and_no_folder_of_one_machine(lock: str) -> None:
    """Everyone installs from the registry of their own settings."""
    text = (ROOT / lock).read_text(encoding="utf-8")

    assert [] == re.findall(r'index-url|find-links|"resolved"|file:|(?<=[ "])/\w+/\S*', text)


def test_a_run_ends_before_the_next_one_starts() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))

    assert timedelta(hours=hours, minutes=minutes, seconds=seconds) < timedelta(minutes=5)


def test_sampling_loses_no_line_of_a_run() -> None:
    """A run and an insight are one trace each, and a failed run is an exception."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    excluded = host["logging"]["applicationInsights"]["samplingSettings"]["excludedTypes"]

    assert {"Exception", "Trace"} <= set(excluded.split(";"))


def test_the_sample_settings_start_the_function_on_azurite() -> None:
    """The timer's schedule has no default that the host could read, so it must be set."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
    values = sample["Values"]

    assert sample["IsEncrypted"] is False
    assert "python" == values["FUNCTIONS_WORKER_RUNTIME"]
    assert "UseDevelopmentStorage=true" == values["AzureWebJobsStorage"]
    assert {"DETECTOR_SCOPES", "DETECTOR_SCHEDULE"} <= values.keys()
    assert str(UUID(values["DETECTOR_SCOPES"])) == values["DETECTOR_SCOPES"]
    assert 6 == len(values["DETECTOR_SCHEDULE"].split())


def test_the_sample_settings_name_only_what_the_detector_reads() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
    named = {name for name in sample["Values"] if name.startswith("DETECTOR_")}

    assert set() == named - SETTINGS


@pytest.mark.parametrize("home", KEPT_HOME)
def test_the_app_is_published_whole_and_nothing_else_is(home: Patterns) -> None:
    """Articles end in .md like the project's own pages, and must travel all the same."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True)
    files = listed.stdout.decode().splitlines()
    published = {path for path in files if not home.match_file(path)}
    app = {path for path in files if path.startswith(("articles/", "detector/"))}
    top = {"function_app.py", "host.json", "requirements.txt"} & set(files)

    assert SEED.relative_to(ROOT).as_posix() in published
    assert app | top == published


@pytest.mark.parametrize("home", KEPT_HOME)
@pytest.mark.parametrize("command", MADE)
def test_what_the_projects_own_commands_make_is_neither_published_nor_tracked(
    command: str, home: Patterns
) -> None:
    """Among it are settings with secrets, and a copy of storage."""
    pages = "".join((ROOT / page).read_text("utf-8") for page in ("README.md", "CONTRIBUTING.md"))
    ignored = GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text("utf-8").splitlines())

    assert command in pages or command in BESIDE
    assert set(MADE[command]) == set(filter(home.match_file, MADE[command]))
    assert set(MADE[command]) == set(filter(ignored.match_file, MADE[command]))


@pytest.mark.parametrize("home", KEPT_HOME)
def test_the_packages_that_a_local_build_installs_are_published(home: Patterns) -> None:
    assert not home.match_file(".python_packages/lib/site-packages/pydantic/main.py")


def test_the_seed_article_is_as_its_author_wrote_it() -> None:
    assert SEED_SHA256 == hashlib.sha256(SEED.read_bytes()).hexdigest()


def tracked() -> list[str]:
    """Every file of the project, by its path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    return listed.stdout.decode().rstrip("\0").split("\0")


def test_every_file_can_have_its_name_on_windows() -> None:
    """https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""
    paths = tracked()
    parts = {part for path in paths for part in path.split("/")}
    devices = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)

    assert [] == [each for each in parts if re.search(r'[<>:"|?*\\\x00-\x1f]|[. ]$', each)]
    assert [] == [each for each in parts if devices.fullmatch(each)]
    assert len(paths) == len({path.lower() for path in paths})
    assert max(map(len, paths)) < 160


def test_every_text_has_the_line_ends_of_linux_but_for_articles_as_they_came() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--eol"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    found = [line.split(maxsplit=3) for line in listed.stdout.splitlines()]
    others = [
        path for kept, here, _, path in found if "crlf" in kept + here or "mixed" in kept + here
    ]

    assert [] == [path for path in others if "articles/" not in path]


def loaded(path: str) -> Any:
    """A YAML file of the project."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


FORMS = sorted(path.stem for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


@pytest.mark.parametrize("name", [name for name in FORMS if name != "config"])
def test_each_issue_form_asks_by_fields_of_the_kinds_that_there_are(name: str) -> None:
    """https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema"""
    form = loaded(f".github/ISSUE_TEMPLATE/{name}.yml")
    fields = [each for each in form["body"] if each["type"] != "markdown"]
    kinds = {"textarea", "input", "dropdown", "checkboxes"}

    assert {"name", "description", "labels", "body"} == form.keys()
    assert kinds >= {each["type"] for each in fields}
    assert len(fields) == len({each["id"] for each in fields})
    assert all(each["attributes"].get("label") for each in fields if each["type"] != "checkboxes")


def test_a_wrong_verdict_is_reported_with_a_masked_recording() -> None:
    form = loaded(".github/ISSUE_TEMPLATE/verdict.yml")
    required = {each["id"] for each in form["body"] if each.get("validations", {}).get("required")}
    [asked] = [each["attributes"]["value"] for each in form["body"] if each["type"] == "markdown"]

    assert "recording" in required
    assert re.search(r"python -m detector record .* --mask$", asked, re.MULTILINE)


def test_commits_are_checked_by_what_make_check_runs() -> None:
    hooks = loaded(".pre-commit-config.yaml")["repos"][0]["hooks"]
    [runs] = re.findall(
        r"^check: setup (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )

    assert [f"make {target}" for target in runs.split()] == [hook["entry"] for hook in hooks]


def test_dependabot_looks_after_every_kind_of_pin() -> None:
    updates = loaded(".github/dependabot.yml")["updates"]

    assert {"pip", "npm", "github-actions"} == {each["package-ecosystem"] for each in updates}
    assert {"/"} == {each["directory"] for each in updates}


def test_each_supported_python_is_said_and_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = [each.rpartition(" ")[2] for each in project["classifiers"]]
    matrix = loaded(".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]

    assert [version[:-2] for version in PYTHONS] == said == matrix
    assert project["requires-python"] == f">={said[0]}"
    for page in ("README.md", "CONTRIBUTING.md"):
        assert "Python 3.11, 3.12 or 3.13" in (ROOT / page).read_text(encoding="utf-8")


def test_the_changelog_has_a_dated_section_for_the_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.*?)\](?: - (.*))?$", changes, re.MULTILINE)
    released = dict(sections)[VERSION]

    assert ("Unreleased", "") == sections[0]
    assert released == date.fromisoformat(released).isoformat()
