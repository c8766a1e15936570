"""Texts that a person is to read, kept as files: `UPDATE_GOLDEN=1` writes them anew, to be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("golden")


def golden(name: str, text: str, folder: Path = FOLDER) -> str:
    """What the file `name` holds, which is `text` itself where it is being written anew."""
    path = folder / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")
