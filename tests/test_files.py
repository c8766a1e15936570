"""What the files of a folder hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detector.files import content_of


def test_a_file_is_read_whole_through_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\r\n")
    (tmp_path / "link").symlink_to("file")

    assert b"\x00\r\n" == content_of(tmp_path / "file") == content_of(tmp_path / "link")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_pipe_and_a_device_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")

    for name in ("pipe", "device"):
        with pytest.raises(OSError, match="it is no file but a pipe or a device"):
            content_of(tmp_path / name)


def test_what_is_not_there_and_a_folder_are_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        content_of(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        content_of(tmp_path)
