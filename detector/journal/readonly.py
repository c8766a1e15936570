"""A journal that is read and never written, for a run that only says what it would tell."""

from __future__ import annotations

from collections.abc import Mapping

from detector.journal.history import History, Mark
from detector.journal.ports import Journal


class ReadOnly:
    """A Journal that answers as the one it is given does, and keeps nothing."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def load(self, key: str) -> tuple[History | None, str | None]:
        """The history under `key` with its tag."""
        return self._journal.load(key)

    def save(self, history: History, tag: str | None) -> str:
        """A tag for what was not saved."""
        return f"{tag}, {len(history.records)} record(s) not saved"

    def marks(self) -> Mapping[str, Mark]:
        """What each history says of itself."""
        return self._journal.marks()

    def last_run(self) -> Mapping[str, object] | None:
        """What the last run noted."""
        return self._journal.last_run()

    def note_run(self, note: Mapping[str, object]) -> None:
        """Nothing: a rehearsal is no run."""
