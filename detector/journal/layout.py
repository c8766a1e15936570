"""Where things stand in the store, be it a container or a folder.

history/<gateway key>.json
insights/<yyyy>/<mm>/<dd>/<failover id>.json, .md, .html
fleet/<yyyy>/<mm>/<failover id>
runs/last.json, runs/requested.json
coverage/last.json
coverage/probe.json     what the doctor writes to see that it may
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Final

HISTORIES: Final = "history/"
LAST_RUN: Final = "runs/last.json"
LAST_REQUEST: Final = "runs/requested.json"
LAST_COVERAGE: Final = "coverage/last.json"
PROBE: Final = "coverage/probe.json"
_FLEET: Final = "fleet/"


def history_path(key: str) -> str:
    """Where the history under `key` stands."""
    return f"{HISTORIES}{key}.json"


def history_key(path: str) -> str:
    """The key of the history that stands at `path`."""
    return path.removeprefix(HISTORIES).removesuffix(".json")


def insight_path(failover_id: str, suffix: str) -> str:
    """Where the insight of that failover stands in the form of `suffix` (`.json`), for life.

    By the day in its id: late evidence may move its first switch-over over midnight, and its files
    stay where they are.
    """
    day = failover_id[:8]
    return f"insights/{day[:4]}/{day[4:6]}/{day[6:8]}/{failover_id}{suffix}"


def fleet_path(failover_id: str) -> str:
    """Where the summary of that failover stands, by the month in its id, for life."""
    return f"{_FLEET}{failover_id[:4]}/{failover_id[4:6]}/{failover_id}"


def fleet_month(day: date) -> str:
    """What the paths of the summaries of that day's month begin with."""
    return f"{_FLEET}{day:%Y/%m}/"


def is_failover_id(text: str) -> bool:
    """Whether a text may be a failover's id, and so be part of a path."""
    return re.fullmatch(r"[0-9]{8}T[0-9]{9}Z-[0-9a-f]{12}", text) is not None


def note_to_json(note: Mapping[str, object]) -> str:
    """The note of a run as JSON text, as the store keeps it."""
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
