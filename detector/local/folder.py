"""EDGE: the journal and the insight files in a folder, which several processes may share.

A file is replaced whole: a reader sees the old text or the new, and a crash leaves one of them.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from detector.boundary import contained
from detector.errors import DeliveryFailed, DetectorError, JournalConflict, JournalUnavailable
from detector.files import content_of
from detector.insights import (
    Insight,
    Reason,
    summary_from_text,
    summary_of,
    summary_to_text,
    to_json,
)
from detector.journal import (
    DEADLINE,
    HISTORIES,
    LAST_RUN,
    NO_EARLIER,
    Mark,
    fleet_month,
    fleet_path,
    history_from_json,
    history_path,
    history_to_json,
    insight_path,
    is_failover_id,
    note_from_json,
    note_to_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from detector.insights import Summary
    from detector.journal import History


class _Files:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _read(self, path: str) -> bytes | None:
        with self._working(path):
            try:
                return content_of(self._folder / path)
            except FileNotFoundError:
                return None

    def _note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
        content = self._read(path)
        if content is None:
            return None, None
        try:
            return note_from_json(content.decode()), _digest(content)
        except ValueError as error:
            raise self._unreadable(path) from error

    def _write(self, path: str, content: bytes, tag: str | None) -> None:
        """Write the file, if it is still as `tag` says. Raises JournalConflict."""
        with self._working(path), _locked(self._folder):
            there = self._read(path)
            if tag != (None if there is None else _digest(there)):
                raise JournalConflict(f"{self._folder / path}: another run wrote it first")
            _replace(self._folder / path, content)

    def _unreadable(self, path: str) -> JournalUnavailable:
        return JournalUnavailable(
            f"{self._folder / path}: cannot be read; restore an earlier version of it or delete it"
        )

    @contextmanager
    def _working(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalUnavailable(f"{self._folder / path}: {error.strerror}") from error


class FolderJournal(_Files):
    """Histories as files, each saved only over the content that it was loaded with."""

    def load(self, key: str) -> tuple[History | None, str | None]:
        """The history under `key`, with a digest of its content."""
        content = self._read(history_path(key))
        if content is None:
            return None, None
        try:
            return history_from_json(content.decode(), key=key), _digest(content)
        except ValueError as error:
            raise self._unreadable(history_path(key)) from error

    def save(self, history: History, tag: str | None) -> str:
        """Write `history`, if it is still as `tag` says; its new tag. Raises JournalConflict."""
        content = history_to_json(history).encode()
        self._write(history_path(history.key), content, tag)
        return _digest(content)

    def marks(self) -> Mapping[str, Mark]:
        """What each history says of itself, in the order of their names."""
        with self._working(HISTORIES):
            paths = sorted((self._folder / HISTORIES).glob("*.json"))
        return {path.stem: self._mark(path.stem) for path in paths}

    def last_run(self) -> Mapping[str, object] | None:
        """What the last run noted, or None."""
        return self._note(LAST_RUN)[0]

    def note_run(self, note: Mapping[str, object]) -> None:
        """Keep `note` as the last run's."""
        with self._working(LAST_RUN), _locked(self._folder):
            _replace(self._folder / LAST_RUN, note_to_json(note).encode())

    def _mark(self, key: str) -> Mark:
        loaded = contained(key, partial(self.load, key))
        if isinstance(loaded, DetectorError):  # due, so that a run loads it and tells why it cannot
            return Mark(due=NO_EARLIER)
        history, _ = loaded
        return Mark() if history is None else history.mark


class FolderArchive(_Files):
    """The insights in a folder, and the notes beside them."""

    def summaries(self, month: date) -> tuple[Sequence[Summary], int]:
        """The summaries of a month, each a file of its own."""
        path = fleet_month(month)
        with self._working(path):
            files = sorted((self._folder / path).glob("*"))
            texts = [content_of(each) for each in files if is_failover_id(each.name)]
        read: list[Summary] = []
        for text in texts:
            with suppress(ValueError):
                read.append(summary_from_text(text.decode()))
        return read, len(texts) - len(read)

    def document(self, failover_id: str) -> bytes | None:
        """The JSON of that failover's latest insight, or None."""
        return self._read(insight_path(failover_id, ".json"))

    def note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
        """The JSON object at `path`, None where there is none, with a digest of its text."""
        return self._note(path)

    def keep(self, path: str, note: Mapping[str, object], tag: str | None) -> None:
        """Write `note` to `path`, if it is still as `tag` says. Raises JournalConflict."""
        self._write(path, note_to_json(note).encode(), tag)


class FolderInsights:
    """The sink that keeps each insight as a JSON file and one more for each of `formats`.

    `formats` maps a suffix (`.md`) to the rendering that stands under it. Its summary is a file of
    its own, for whoever lists a month. A later revision replaces an earlier one and never the other
    way round.
    """

    name: Final = "insight-files"
    takes: Final = frozenset(Reason)
    timeout: Final = DEADLINE

    def __init__(self, folder: Path, formats: Mapping[str, Callable[[Insight], str]]) -> None:
        self._folder = folder
        self._formats = {".json": to_json, **formats}

    def paths(self, insight: Insight) -> Sequence[Path]:
        """Where the forms of `insight` stand, the JSON file first."""
        return [self._folder / insight_path(insight.id, suffix) for suffix in self._formats]

    def deliver(self, insight: Insight) -> None:
        """Return when every form stands there; raises DeliveryFailed."""
        paths = self.paths(insight)
        try:
            with _locked(self._folder):
                if _revision(paths[0]) > insight.revision:
                    return
                for path, rendering in zip(paths, self._formats.values(), strict=True):
                    _replace(path, rendering(insight).encode())
                listed = summary_to_text(summary_of(insight))
                _replace(self._folder / fleet_path(insight.id), listed.encode())
        except OSError as error:
            raise DeliveryFailed(f"{paths[0]}: {error.strerror}") from error


def write_page(path: Path, page: str) -> Path:
    """Write a page beside what was told, whole or not at all; raises JournalUnavailable."""
    try:
        with _locked(path.parent):
            _replace(path, page.encode())
    except OSError as error:
        raise JournalUnavailable(f"{path}: {error.strerror}") from error
    return path


def _revision(path: Path) -> int:
    """The revision of the insight at `path`, 0 where none can be read."""
    try:
        return Insight.model_validate_json(content_of(path)).revision
    except (FileNotFoundError, ValueError):
        return 0


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; only under the lock of the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which ends with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as file:
        _lock(file.fileno())
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        """Wait for the lock; raises OSError after ten seconds."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """Wait for the lock."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)
