"""A journal that is read and never written."""

from __future__ import annotations

from pathlib import Path

from detector.journal.history import History, Record
from detector.journal.readonly import ReadOnly
from detector.local.folder import FolderJournal
from detector.model import State
from tests.builders import GATEWAY_ID, a_diagnosis, a_failover, a_gateway, at
from tests.command_line import files
from tests.memory import due
from tests.sink_stand_in import an_insight

RECORD = Record(
    failover=a_failover(),
    diagnosis=a_diagnosis(state=State.ONGOING),
    gateway=a_gateway(),
    insights=(an_insight(),),
    following=True,
)


def test_it_answers_as_the_journal_beneath(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path)
    history = History(gateway_id=GATEWAY_ID, records=(RECORD,))
    journal.save(history, None)
    journal.note_run({"noted": True})

    readonly = ReadOnly(journal)

    assert journal.load(history.key) == readonly.load(history.key)
    assert history == readonly.load(history.key)[0]
    assert [history.key] == due(readonly, at(hours=1))
    assert {"noted": True} == readonly.last_run()


def test_nothing_is_written(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path)
    history = History(gateway_id=GATEWAY_ID, records=(RECORD,))
    tag = journal.save(History(gateway_id=GATEWAY_ID), None)
    before = files(tmp_path)

    readonly = ReadOnly(journal)
    saved = readonly.save(history, tag)
    readonly.note_run({"noted": True})

    assert saved != tag
    assert before == files(tmp_path)


def test_where_there_is_no_folder_none_is_made(tmp_path: Path) -> None:
    readonly = ReadOnly(FolderJournal(tmp_path / "none"))

    readonly.save(History(gateway_id=GATEWAY_ID), None)
    readonly.note_run({})

    assert (None, None) == readonly.load("key")
    assert not (tmp_path / "none").exists()
