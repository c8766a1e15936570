"""A change of one history, written by compare-and-swap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from detector.errors import JournalConflict
from detector.journal.history import History
from detector.journal.ports import Journal

ATTEMPTS: Final = 5
"""So often a change is made anew when another run wrote the history first."""

_Told = TypeVar("_Told")


def commit_change(
    journal: Journal,
    history: History,
    tag: str | None,
    change: Callable[[History], tuple[History, _Told]],
) -> tuple[History, str | None, _Told]:
    """The history as `change` makes it, its new tag, and what `change` has to say beside it.

    Where another run wrote first, its history is loaded and changed instead. Nothing is written if
    nothing changes. Raises JournalUnavailable, and JournalConflict after `ATTEMPTS` tries.
    """
    for _ in range(ATTEMPTS):
        changed, told = change(history)
        if changed == history:
            return history, tag, told
        try:
            return changed, journal.save(changed, tag), told
        except JournalConflict:
            loaded, tag = journal.load(history.key)
            history = loaded or History(gateway_id=history.gateway_id)
    raise JournalConflict(
        f"the history of {history.gateway_id} was written by other runs {ATTEMPTS} times in a row; "
        "the next run tries again"
    )
