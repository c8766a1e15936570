"""What the files of a folder hold, whatever lies in it."""

from __future__ import annotations

import errno
from pathlib import Path


def content_of(path: Path) -> bytes:
    """The content of a file. Raises OSError, and does so for a pipe or a device: it may not end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "it is no file but a pipe or a device", str(path))
    return path.read_bytes()
