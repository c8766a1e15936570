"""A recording is written to a new folder, masked or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import OperatorError
from detector.local.capture import LOGS
from detector.local.masking import Parts, masked

if TYPE_CHECKING:
    from random import Random


class NewRecording:
    """The folder of a recording to be, and beside it perhaps the file for the table of its masks.

    Raises OperatorError where there is something already, so that no two recordings mix, and where
    the table would lie in the folder, which is made to be given away.
    """

    def __init__(self, folder: Path, table: Path | None = None) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OperatorError(f"{folder} is there and not empty; name a new folder")
        if table is not None and table.exists():
            raise OperatorError(f"{table} is there; name a new file for the table of masks")
        if table is not None and folder.resolve() in table.resolve().parents:
            raise OperatorError(
                f"{table} is in the recording, which is given away; name a file outside of it"
            )
        self._folder = folder
        self._table = table

    def write(self, parts: Parts) -> list[Path]:
        """Write these files as they are; their paths. Raises OSError."""
        written = []
        for path, values in parts.items():
            lines = "\n".join(map(json.dumps, values))
            place = self._folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            text = lines if path == LOGS else json.dumps(values, indent=1)
            place.write_text(f"{text}\n", encoding="utf-8", newline="\n")
            written.append(place)
        return written

    def write_masked(self, parts: Parts, random: Random) -> list[Path]:
        """Write these files with masks for identities, and the table if there is one to be."""
        hidden, table = masked(parts, random)
        kept = []
        if self._table is not None:
            self._table.touch(mode=0o600, exist_ok=False)  # for nobody else to read
            self._table.write_text(json.dumps(table, indent=1), encoding="utf-8", newline="\n")
            kept.append(self._table)
        return kept + self.write(hidden)
