"""The package that `pip install .` makes: whole, and the same command wherever it is run."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.command_line import AFTERNOON, ROOT, process


def tracked(*folders: str) -> set[str]:
    """The files of these folders that belong to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


@pytest.fixture(scope="module", name="wheel")
def a_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of a copy, since making it leaves files in the project."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked(
        "detector", "articles", "*.toml", "requirements.in", "README.md", "LICENSE"
    ):
        (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / name).write_bytes((ROOT / name).read_bytes())
    pip(
        *("wheel", "--no-deps", "--no-build-isolation", "--no-index"),
        *("--wheel-dir", folder, folder / "project"),
    )
    [wheel] = folder.glob("*.whl")
    return wheel


def pip(*arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        capture_output=True,
        text=True,
    )

    assert 0 == done.returncode, done.stderr


def test_the_package_has_every_file_of_the_detector_and_every_article(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    articles = {f"detector/articles/shipped/{Path(name).name}" for name in tracked("articles")}
    assert tracked("detector") | articles == packed


@pytest.mark.skipif(sys.platform == "win32", reason="names the folders of a POSIX environment")
def test_the_installed_command_replays_a_recording_from_any_folder(
    wheel: Path, tmp_path: Path
) -> None:
    """Its dependencies are those that the tests have; nothing is downloaded."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "tested.pth").write_text(sysconfig.get_path("purelib"))
    python = environment / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def call(*arguments: object, **settings: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [environment / "bin" / "gateway-failover-detector", *map(str, arguments)],
            cwd=elsewhere,
            env=own | settings,
            capture_output=True,
        )

    expected = process("replay", AFTERNOON, "--out", "out", cwd=tmp_path)
    replayed = call("replay", AFTERNOON, "--out", "out")

    assert (0, expected.stdout) == (replayed.returncode, replayed.stdout)
    assert expected.stderr == replayed.stderr
    assert [*(elsewhere / "out").glob("insights/**/*.md")]
    assert b"no problems\n" == call("articles").stdout
    (elsewhere / "own").mkdir()
    assert b"no article (*.md) in this folder" in call("articles", DETECTOR_ARTICLES="own").stdout
