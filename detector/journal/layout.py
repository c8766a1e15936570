"""Where things stand in the store, be it a container or a folder.

history/<gateway key>.json
insights/<yyyy>/<mm>/<dd>/<failover id>.json, .md, .html
runs/last.json
coverage/last.json
coverage/probe.json     what the doctor writes to see that it may
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from detector.insights import Insight

HISTORIES: Final = "history/"
LAST_RUN: Final = "runs/last.json"
LAST_COVERAGE: Final = "coverage/last.json"
PROBE: Final = "coverage/probe.json"


def history_path(key: str) -> str:
    """Where the history under `key` stands."""
    return f"{HISTORIES}{key}.json"


def history_key(path: str) -> str:
    """The key of the history that stands at `path`."""
    return path.removeprefix(HISTORIES).removesuffix(".json")


def insight_path(insight: Insight, suffix: str) -> str:
    """Where the insight stands in the form of `suffix` (`.json`), for life.

    By the day in its id: late evidence may move its first switch-over over midnight, and its files
    stay where they are.
    """
    day = insight.id[:8]
    return f"insights/{day[:4]}/{day[4:6]}/{day[6:8]}/{insight.id}{suffix}"


def note_to_json(note: Mapping[str, object]) -> str:
    """A note as JSON text, as the store keeps it."""
    return json.dumps(note, indent=1)


def note_from_json(text: str) -> Mapping[str, object]:
    """The note that `note_to_json` wrote. Raises ValueError for text that is none."""
    try:
        note = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(note, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 -- as for any other malformed text
    return note
