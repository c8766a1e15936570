"""EDGE: recordings stand in for Azure, a folder for the storage account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.local.capture import Capture
    from detector.local.folder import FolderArchive, FolderInsights, FolderJournal, write_page
    from detector.local.listener import Listener, Message
    from detector.local.new_recording import NewRecording
    from detector.local.recording import SCOPE, Recording

__all__ = [
    "SCOPE",
    "Capture",
    "FolderArchive",
    "FolderInsights",
    "FolderJournal",
    "Listener",
    "Message",
    "NewRecording",
    "Recording",
    "write_page",
]

__getattr__ = lazily(
    __name__,
    capture=("Capture",),
    folder=("FolderArchive", "FolderInsights", "FolderJournal", "write_page"),
    listener=("Listener", "Message"),
    new_recording=("NewRecording",),
    recording=("Recording", "SCOPE"),
)
