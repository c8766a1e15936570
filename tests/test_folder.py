"""The journal and the insight files in a folder, where several processes may write."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from pathlib import Path

import pytest

from detector.errors import DeliveryFailed, JournalConflict, JournalUnavailable
from detector.insights.document import Insight, Reason, to_json
from detector.journal.history import History
from detector.local.folder import FolderInsights, FolderJournal
from tests.memory import due
from tests.sink_stand_in import an_insight
from tests.test_journal import NOON, a_history, counted

ID = "20261122T021407123Z-1a2b3c4d5e6f"


def markdown(insight: Insight) -> str:
    return f"# {insight.verdict} ü {insight.revision}\n"


def count(folder: Path, rounds: int) -> None:
    """Note so many attempts, each over whatever other processes wrote meanwhile."""
    journal = FolderJournal(folder)
    for _ in range(rounds):
        while True:
            history, tag = journal.load(a_history().key)
            assert history is not None
            with suppress(JournalConflict):
                journal.save(counted(history), tag)
                break


def test_of_several_processes_none_loses_an_update(tmp_path: Path) -> None:
    FolderJournal(tmp_path).save(a_history("vpn-hub", NOON), None)
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=count, args=(tmp_path, 10)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [0, 0] == [process.exitcode for process in processes]
    assert (
        a_history("vpn-hub", NOON, attempts=20) == FolderJournal(tmp_path).load(a_history().key)[0]
    )


def test_what_a_crash_left_half_written_is_not_read_and_is_in_nobodys_way(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path)
    history = a_history("vpn-hub", NOON)
    (tmp_path / "history").mkdir()
    (tmp_path / f"history/{history.key}.json.new").write_text('{"gateway_id": ')

    assert [] == due(journal, NOON)
    tag = journal.save(history, None)
    assert (history, tag) == journal.load(history.key)
    assert [f"{history.key}.json"] == [path.name for path in (tmp_path / "history").iterdir()]


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path / "store")

    journal.last_run()
    journal.marks()
    journal.load(a_history().key)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_history_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    os.mkfifo(tmp_path / "history" / "vpn-hub-1.json")
    journal = FolderJournal(tmp_path)

    assert ["vpn-hub-1"] == due(journal, NOON)
    with pytest.raises(JournalUnavailable, match="it is no file but a pipe"):
        journal.load("vpn-hub-1")


def test_a_store_that_is_no_folder_is_named(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.write_text("")
    journal = FolderJournal(place)

    for call in (
        journal.last_run,
        lambda: journal.note_run({}),
        lambda: journal.load("vpn-hub"),
        lambda: journal.save(History(gateway_id="/x"), None),
    ):
        with pytest.raises(JournalUnavailable, match=str(place)):
            call()
    with pytest.raises(DeliveryFailed, match=str(place)):
        FolderInsights(place, {}).deliver(an_insight(id=ID))


def test_an_insight_stands_by_the_day_in_its_id_in_each_form(tmp_path: Path) -> None:
    sink = FolderInsights(tmp_path, {".md": markdown})
    insight = an_insight(id=ID)

    sink.deliver(insight)

    folder = tmp_path / "insights/2026/11/22"
    assert [folder / f"{ID}.json", folder / f"{ID}.md"] == list(sink.paths(insight))
    assert to_json(insight) == (folder / f"{ID}.json").read_text(encoding="utf-8")
    assert markdown(insight) == (folder / f"{ID}.md").read_text(encoding="utf-8")


def test_a_later_revision_replaces_an_earlier_one_and_never_the_other_way_round(
    tmp_path: Path,
) -> None:
    sink = FolderInsights(tmp_path, {".md": markdown})

    told = []
    for revision in (1, 3, 2, 1):
        insight = an_insight(id=ID, revision=revision)
        sink.deliver(insight)
        told.append(sink.paths(insight)[1].read_text(encoding="utf-8").split()[-1])

    assert ["1", "3", "3", "3"] == told


def test_a_delivery_that_was_cut_off_is_completed_when_it_is_repeated(tmp_path: Path) -> None:
    insight = an_insight(id=ID)
    FolderInsights(tmp_path, {}).deliver(insight)
    sink = FolderInsights(tmp_path, {".md": markdown})

    sink.deliver(insight)

    assert markdown(insight) == sink.paths(insight)[1].read_text(encoding="utf-8")


def test_an_insight_file_that_cannot_be_read_is_written_again(tmp_path: Path) -> None:
    sink = FolderInsights(tmp_path, {})
    insight = an_insight(id=ID)
    sink.deliver(insight)
    sink.paths(insight)[0].write_text("{")

    sink.deliver(insight)

    assert to_json(insight) == sink.paths(insight)[0].read_text(encoding="utf-8")


def test_the_files_take_every_reason(tmp_path: Path) -> None:
    assert set(Reason) == FolderInsights(tmp_path, {}).takes
