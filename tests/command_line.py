"""The command line as a user calls it, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from detector.app import cli

ROOT = Path(__file__).parent.parent
AFTERNOON = ROOT / "samples" / "afternoon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command left: its exit code, its results, and what it said beside them."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m detector` in this process, by the environment as it then is."""

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["detector", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Said(code=int(ended.value.code or 0), out=printed.out, err=printed.err)

    return call


def process(
    *arguments: object, environment: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[bytes]:
    """`python -m detector` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "detector", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
    )


def files(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
