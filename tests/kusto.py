"""Microsoft's own analyser of KQL, over the files that ship."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

_ANALYSER: Final = Path(__file__).parent / "kql" / "analyse.mjs"


def analysed(
    tables: Mapping[str, Mapping[str, str]], queries: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """What it makes of each query where the tables have these columns: diagnostics and columns."""
    return _analysed(json.dumps({"tables": tables, "queries": queries}))


@cache
def _analysed(asked: str) -> dict[str, dict[str, Any]]:
    node = shutil.which("node")
    assert node, "Node 18 or newer is needed, and `npm ci`"
    done = subprocess.run(
        [node, str(_ANALYSER)], input=asked, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found
