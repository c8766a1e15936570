"""The journal's promises, held by both of its stores: blobs on a real Azurite, and a folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContainerClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from detector.azure.blobs import BlobJournal
from detector.errors import JournalConflict, JournalUnavailable
from detector.journal.history import Delivery, History, Record
from detector.journal.layout import LAST_RUN, history_path
from detector.journal.ports import Journal
from detector.local.folder import FolderJournal
from detector.model import (
    Cause,
    CauseKind,
    Diagnosis,
    Evidence,
    Failover,
    Importance,
    State,
    SwitchOver,
)
from detector.signals import arm
from tests.azurite import Azurite
from tests.memory import due
from tests.sink_stand_in import an_insight

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GATEWAYS = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/rg-hub"
    "/providers/microsoft.network/virtualnetworkgateways/"
)


def a_history(name: str = "vpn-hub", *due: datetime, attempts: int = 0) -> History:
    """The entry of a gateway with one failover and a delivery outstanding for each of `due`."""
    gateway_id = f"{GATEWAYS}{name}"
    switch_over = SwitchOver(at=NOON - timedelta(hours=1), evidence=Evidence.HAND_OVER)
    record = Record(
        failover=Failover(id="f-1", gateway_id=gateway_id, switch_overs=(switch_over,)),
        diagnosis=Diagnosis(
            cause=Cause(kind=CauseKind.NOT_RECORDED, statement="No cause was recorded."),
            outages=(),
            redundancy=(),
            state=State.UNKNOWN,
            importance=Importance.INFORMATION,
            flapping=False,
            seen_until=NOON,
            evidence=(),
        ),
        gateway=arm.missing(gateway_id, "the gateway no longer exists"),
        insights=(an_insight(),),
        deliveries=tuple(
            Delivery(sink="storage-queue", revision=1, since=NOON, due=each, attempts=attempts)
            for each in due
        ),
    )
    return History(gateway_id=gateway_id, records=(record,))


class JournalContract:
    """What every journal promises; a subclass has the fixtures `journal` and `place`."""

    def put(self, place: object, path: str, text: str) -> None:
        """Write `text` to `path` in the store, behind the journal's back."""
        raise NotImplementedError

    def test_a_gateway_without_failovers_has_no_history(self, journal: Journal) -> None:
        assert (None, None) == journal.load("vpn-hub-0123456789abcdef")
        assert [] == due(journal, NOON)
        assert journal.last_run() is None

    def test_what_was_saved_is_loaded_with_the_tag_that_saving_gave(self, journal: Journal) -> None:
        history = a_history("vpn-hub", NOON)

        tag = journal.save(history, None)

        assert (history, tag) == journal.load(history.key)

    def test_a_saved_history_can_be_saved_again_over_its_tag(self, journal: Journal) -> None:
        first = journal.save(a_history(attempts=1), None)
        second = journal.save(a_history("vpn-hub", NOON), first)

        assert (a_history("vpn-hub", NOON), second) == journal.load(a_history().key)

    def test_a_history_that_another_run_saved_since_is_a_conflict(self, journal: Journal) -> None:
        tag = journal.save(a_history(), None)
        latest = a_history("vpn-hub", NOON)
        journal.save(latest, tag)

        with pytest.raises(JournalConflict, match="another run wrote it first"):
            journal.save(a_history("vpn-hub", NOON, attempts=9), tag)

        assert latest == journal.load(latest.key)[0]

    def test_of_two_runs_that_create_a_history_the_second_has_a_conflict(
        self, journal: Journal
    ) -> None:
        journal.save(a_history(), None)

        with pytest.raises(JournalConflict):
            journal.save(a_history("vpn-hub", NOON), None)

    def test_a_history_that_is_gone_is_not_saved_over_an_old_tag(self, journal: Journal) -> None:
        tag = journal.save(a_history("vpn-hub"), None)

        with pytest.raises(JournalConflict):
            journal.save(a_history("vpn-spoke"), tag)

        assert (None, None) == journal.load(a_history("vpn-spoke").key)

    def test_only_what_is_due_by_now_is_listed(self, journal: Journal) -> None:
        instant = timedelta(microseconds=1)
        for history in (
            a_history("a-past", NOON - timedelta(days=3), NOON + timedelta(days=1)),
            a_history("b-now", NOON),
            a_history("c-later", NOON + instant),
            a_history("d-never"),
        ):
            journal.save(history, None)
        journal.note_run({"ended": "2026-11-22T12:00:00.000Z"})

        assert [a_history("a-past").key, a_history("b-now").key] == due(journal, NOON)

    def test_what_was_delivered_is_no_longer_due(self, journal: Journal) -> None:
        tag = journal.save(a_history("vpn-hub", NOON), None)
        journal.save(a_history("vpn-hub"), tag)

        assert [] == due(journal, NOON)

    def test_the_due_are_listed_over_any_number_of_pages(self, journal: Journal) -> None:
        names = [f"vpn-{number}" for number in range(7)]
        for name in names:
            journal.save(a_history(name, NOON), None)

        assert [a_history(name).key for name in names] == due(journal, NOON)

    def test_the_latest_note_of_a_run_is_kept(self, journal: Journal) -> None:
        for number in (1, 2):
            journal.note_run({"run": number, "scopes": {"größe": None}})

        assert {"run": 2, "scopes": {"größe": None}} == journal.last_run()

    @pytest.mark.parametrize(
        "name", ["..", "../../etc", "%2f..%2f", "größe-网关", "a" * 300, "?x=1#y", ".", "con", "-"]
    )
    def test_no_name_of_a_gateway_leads_anywhere_else(self, journal: Journal, name: str) -> None:
        history = a_history(name, NOON)
        journal.save(a_history("vpn-hub", NOON), None)

        tag = journal.save(history, None)

        assert (history, tag) == journal.load(history.key)
        assert {history.key, a_history("vpn-hub").key} == set(due(journal, NOON))

    def test_of_many_writers_at_once_none_loses_an_update(self, journal: Journal) -> None:
        writers, rounds = 8, 5
        key = a_history().key
        journal.save(a_history("vpn-hub", NOON), None)

        def count(_: int) -> None:
            for _ in range(rounds):
                while True:
                    history, tag = journal.load(key)
                    assert history is not None
                    with suppress(JournalConflict):
                        journal.save(counted(history), tag)
                        break

        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(count, range(writers)))

        history, _ = journal.load(key)
        assert a_history("vpn-hub", NOON, attempts=writers * rounds) == history

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\udcff"])
    def test_a_history_that_cannot_be_read_is_named_and_stays_due(
        self, journal: Journal, place: object, text: str
    ) -> None:
        key = a_history().key
        journal.save(a_history("vpn-spoke", NOON), None)
        self.put(place, history_path(key), text)

        with pytest.raises(JournalUnavailable, match=key):
            journal.load(key)

        assert [key, a_history("vpn-spoke").key] == due(journal, NOON)

    @pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
    def test_a_note_that_cannot_be_read_is_named(
        self, journal: Journal, place: object, text: str
    ) -> None:
        self.put(place, LAST_RUN, text)

        with pytest.raises(JournalUnavailable, match=r"runs/last\.json.*delete it"):
            journal.last_run()


def counted(history: History) -> History:
    """The history with one more attempt of its delivery."""
    (record,) = history.records
    (delivery,) = record.deliveries
    delivery = replace(delivery, attempts=delivery.attempts + 1)
    return replace(history, records=(replace(record, deliveries=(delivery,)),))


class TestFolderJournal(JournalContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    @pytest.fixture
    def journal(self, place: Path) -> FolderJournal:
        return FolderJournal(place)

    def put(self, place: object, path: str, text: str) -> None:
        assert isinstance(place, Path)
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode(errors="surrogateescape"))


class TestBlobJournal(JournalContract):
    @pytest.fixture
    def place(self, azurite: Azurite) -> Iterator[ContainerClient]:
        with a_container(azurite) as container:
            yield container

    @pytest.fixture
    def journal(self, place: ContainerClient) -> BlobJournal:
        return BlobJournal(lambda: place, per_page=2)

    def put(self, place: object, path: str, text: str) -> None:
        assert isinstance(place, ContainerClient)
        with suppress(ResourceExistsError):
            place.create_container()
        content = text.encode(errors="surrogateescape")
        place.upload_blob(path, content, metadata={"due": "soon"})


def a_container(azurite: Azurite) -> ContainerClient:
    """The client of a container that is not there yet."""
    name = f"test-{uuid.uuid4().hex}"
    return ContainerClient.from_connection_string(azurite.connection_string, name)


NAMES = ("vpn-a", "vpn-b", "größe")


class JournalsAlike(RuleBasedStateMachine):
    """The two journals under the same calls, with tags of any age."""

    azurite: Azurite

    @initialize()
    def start(self) -> None:
        self.folder = TemporaryDirectory()
        self.container = a_container(self.azurite)
        self.journals: Sequence[Journal] = (
            BlobJournal(lambda: self.container),
            FolderJournal(Path(self.folder.name)),
        )
        # For each name the tags that a run may hold, as pairs: one of either journal.
        self.tags: dict[str, list[tuple[str | None, str | None]]] = {
            name: [(None, None)] for name in NAMES
        }
        self.saved = 0

    @rule(name=st.sampled_from(NAMES), age=st.integers(1, 3), due=st.sampled_from([-1, 0, 1, None]))
    def save(self, name: str, age: int, due: int | None) -> None:
        self.saved += 1  # no content comes twice, so that no digest does
        times = [] if due is None else [NOON + timedelta(hours=due)]
        history = a_history(name, *times)
        history = replace(
            history,
            records=(replace(history.records[0], insights=(an_insight(verdict=f"{self.saved}"),)),),
        )
        tags = self.tags[name][-age:][0]
        outcomes: list[str | None] = []
        for journal, tag in zip(self.journals, tags, strict=True):
            try:
                outcomes.append(journal.save(history, tag))
            except JournalConflict:
                outcomes.append(None)
        blob_tag, folder_tag = outcomes
        assert (blob_tag is None) == (folder_tag is None)
        if blob_tag is not None:
            self.tags[name].append((blob_tag, folder_tag))

    @rule(number=st.integers())
    def note(self, number: int) -> None:
        for journal in self.journals:
            journal.note_run({"number": number})

    @invariant()
    def both_hold_the_same(self) -> None:
        blobs, folder = self.journals
        for name in NAMES:
            key = a_history(name).key

            assert blobs.load(key)[0] == folder.load(key)[0]
        assert due(blobs, NOON) == due(folder, NOON)
        assert blobs.last_run() == folder.last_run()

    def teardown(self) -> None:
        self.folder.cleanup()
        self.container.close()


def test_both_journals_behave_alike(azurite: Azurite) -> None:
    """Whatever is saved with tags of whatever age, in whatever order."""
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("OnAzurite", (JournalsAlike,), {"azurite": azurite})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=8, stateful_step_count=8, deadline=None)
    )
