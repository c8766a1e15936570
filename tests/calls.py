"""The requests to Azure that SECURITY.md lists, and those that somebody made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

SECURITY: Final = (Path(__file__).parents[1] / "SECURITY.md").read_text(encoding="utf-8")

NAMED: Final = {
    "<identity endpoint>": r"/msi/token",
    "<group>": r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network",
    "<logs>": (
        r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.OperationalInsights"
    ),
    "<scope>": r"/subscriptions/.+",
    "<container>": r"/blob/[^/]+",
    "<queue>": r"/queue/[^/]+",
    "<blob>": r"(history|insights|fleet|runs|coverage)/.+",
    "<name>": r"[^/]+",
}
"""What the placeholders of the list stand for; a path of storage begins with its service."""

LISTED: Final = re.findall(r"^\| [^|]+ \| `([A-Z]+ [^`]+)` \|", SECURITY, re.MULTILINE)


def listed(method: str, path: str) -> str | None:
    """The line of the list that a request is one of; None where it has none."""
    return next((line for line in LISTED if _pattern(line).fullmatch(f"{method} {path}")), None)


def unlisted(requests: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The requests, by method and path, that are not in the list."""
    return {request for request in requests if listed(*request) is None}


def _pattern(line: str) -> re.Pattern[str]:
    parts = re.split(r"(<[^>]+>)", line)
    return re.compile("".join(NAMED.get(part, re.escape(part)) for part in parts), re.IGNORECASE)
