"""The version of the detector, which the package, the pages and `--version` tell."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
