"""EDGE: recordings stand in for Azure, a folder for the storage account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.local.folder import FolderArchive, FolderInsights, FolderJournal
    from detector.local.listener import Listener, Message
    from detector.local.recording import SCOPE, Recording

__all__ = [
    "SCOPE",
    "FolderArchive",
    "FolderInsights",
    "FolderJournal",
    "Listener",
    "Message",
    "Recording",
]

__getattr__ = lazily(
    __name__,
    folder=("FolderArchive", "FolderInsights", "FolderJournal"),
    listener=("Listener", "Message"),
    recording=("Recording", "SCOPE"),
)
