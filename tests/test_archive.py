"""What was told can be looked up, in both stores alike: blobs on a real Azurite, and a folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from detector.azure.blobs import BlobArchive, BlobInsights
from detector.errors import JournalConflict, JournalUnavailable
from detector.insights.document import to_json
from detector.insights.fleet import summary_of
from detector.journal.ports import Archive, Sink
from detector.local.folder import FolderArchive, FolderInsights
from tests.azurite import Azurite
from tests.sink_stand_in import NOW, an_insight, closed_port
from tests.test_blobs import at

FIRST, SECOND, LATER = (
    f"{when}-1a2b3c4d5e6f"
    for when in ("20261101T000000000Z", "20261122T021407123Z", "20261201T000000000Z")
)
NOVEMBER = date(2026, 11, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store that holds nothing yet, how it is written to, and a way to spoil it."""

    archive: Archive
    sink: Sink
    container: ContainerClient | None
    folder: Path

    def spoil(self, path: str) -> None:
        """Put at `path` what nobody can read."""
        if self.container is not None:
            self.container.upload_blob(path, b"{", metadata={"summary": "{"}, overwrite=True)
        else:
            (self.folder / path).write_text("{")


@pytest.fixture(params=["blobs", "folder"])
def store(request: pytest.FixtureRequest, azurite: Azurite, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield Store(
            archive=FolderArchive(tmp_path),
            sink=FolderInsights(tmp_path, {}),
            container=None,
            folder=tmp_path,
        )
        return
    name = f"test-{uuid.uuid4().hex}"
    with ContainerClient.from_connection_string(azurite.connection_string, name) as container:
        yield Store(
            archive=BlobArchive(lambda: container, per_page=2),
            sink=BlobInsights(lambda: container, {}, now=lambda: NOW),
            container=container,
            folder=tmp_path,
        )


def test_before_the_first_failover_there_is_nothing_to_look_up(store: Store) -> None:
    assert ([], 0) == store.archive.summaries(NOVEMBER)
    assert store.archive.document(FIRST) is None
    assert (None, None) == store.archive.note("coverage/last.json")


def test_a_month_is_listed_oldest_first_with_what_was_told_last(store: Store) -> None:
    told = [an_insight(id=each) for each in (LATER, SECOND, FIRST)]
    told.append(an_insight(id=FIRST, revision=2, verdict="It is 100 % over: é."))
    for insight in told:
        store.sink.deliver(insight)

    assert ([summary_of(told[3]), summary_of(told[1])], 0) == store.archive.summaries(NOVEMBER)
    assert ([summary_of(told[0])], 0) == store.archive.summaries(date(2026, 12, 1))


def test_summaries_that_cannot_be_read_are_counted_and_the_others_listed(store: Store) -> None:
    store.sink.deliver(an_insight(id=FIRST))
    store.sink.deliver(an_insight(id=SECOND))
    store.spoil(f"fleet/2026/11/{FIRST}")

    summaries, unreadable = store.archive.summaries(NOVEMBER)

    assert ([SECOND], 1) == ([each.id for each in summaries], unreadable)


def test_a_summary_that_was_lost_is_written_again_when_its_delivery_is_repeated(
    store: Store,
) -> None:
    """As a run does that finds the delivery outstanding, since the one before it was cut off."""
    insight = an_insight(id=FIRST)
    store.sink.deliver(insight)
    path = f"fleet/2026/11/{FIRST}"
    if store.container is not None:
        store.container.delete_blob(path)
    else:
        (store.folder / path).unlink()

    store.sink.deliver(insight)

    assert ([summary_of(insight)], 0) == store.archive.summaries(NOVEMBER)


def test_a_document_is_the_one_that_was_told_last(store: Store) -> None:
    store.sink.deliver(an_insight(id=FIRST))
    store.sink.deliver(an_insight(id=FIRST, revision=2))

    document = store.archive.document(FIRST)

    assert to_json(an_insight(id=FIRST, revision=2)).encode() == document


def test_a_note_is_kept_only_over_the_one_that_was_read(store: Store) -> None:
    path = "runs/requested.json"
    store.archive.keep(path, {"number": 1}, None)
    note, tag = store.archive.note(path)
    store.archive.keep(path, {"number": 2}, tag)

    assert {"number": 1} == note
    assert {"number": 2} == store.archive.note(path)[0]
    for stale in (tag, None):
        with pytest.raises(JournalConflict):
            store.archive.keep(path, {"number": 3}, stale)


def test_a_note_that_cannot_be_read_is_said(store: Store) -> None:
    store.archive.keep("runs/last.json", {}, None)
    store.spoil("runs/last.json")

    with pytest.raises(JournalUnavailable, match=r"runs/last\.json.*cannot be read"):
        store.archive.note("runs/last.json")


def test_a_store_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "fleet").write_text("a file, where a folder is to be")
    archives: tuple[Archive, ...] = (BlobArchive(at(f"127.0.0.1:{closed_port()}")),)

    for archive in archives:
        with pytest.raises(JournalUnavailable):
            archive.summaries(datetime(2026, 11, 1, tzinfo=UTC).date())
        with pytest.raises(JournalUnavailable):
            archive.document(FIRST)
