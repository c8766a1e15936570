"""A change of one history, written over the version that it was made from."""

from __future__ import annotations

import pytest

from detector.errors import JournalConflict
from detector.journal.commit import ATTEMPTS, commit_change
from detector.journal.history import History
from tests.builders import GATEWAY_ID
from tests.memory import MemoryJournal, a_history, a_record

EMPTY = History(gateway_id=GATEWAY_ID)


def with_a_record(history: History) -> tuple[History, int]:
    """One record more, and how many there were."""
    return a_history(*history.records, a_record()), len(history.records)


def test_a_change_is_written_and_what_it_says_comes_back() -> None:
    journal = MemoryJournal()

    history, tag, told = commit_change(journal, EMPTY, None, with_a_record)

    assert (history, tag) == journal.load(EMPTY.key)
    assert (1, 0) == (len(history.records), told)


def test_where_nothing_changes_nothing_is_written() -> None:
    journal = MemoryJournal()

    history, tag, told = commit_change(journal, EMPTY, None, lambda known: (known, "nothing"))

    assert (EMPTY, None, "nothing") == (history, tag, told)
    assert (None, None) == journal.load(EMPTY.key)


def test_what_another_run_wrote_first_is_changed_instead_and_stays() -> None:
    journal = MemoryJournal()
    journal.save(a_history(a_record()), None)

    history, _, told = commit_change(journal, EMPTY, None, with_a_record)

    assert (2, 1) == (len(history.records), told)


def test_a_history_that_others_write_all_the_time_is_left_to_the_next_run() -> None:
    journal = MemoryJournal()

    def overtaken(history: History) -> tuple[History, int]:
        known, tag = journal.load(EMPTY.key)
        journal.save(with_a_record(known or EMPTY)[0], tag)
        return with_a_record(history)

    with pytest.raises(JournalConflict, match=f"by other runs {ATTEMPTS} times in a row"):
        commit_change(journal, EMPTY, None, overtaken)
