"""The journal and the insight files in a container, on a real Azurite, and when storage fails."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import ContainerClient

from detector.azure.blobs import BlobInsights, BlobJournal
from detector.errors import DeliveryFailed, JournalConflict, JournalUnavailable
from detector.insights.document import Insight, to_json
from detector.journal.history import History
from tests.azurite import ACCOUNT, KEY, Azurite
from tests.memory import due
from tests.sink_contract import SinkContract
from tests.sink_stand_in import (
    FAULTS,
    NOW,
    Fault,
    SinkStandIn,
    an_insight,
    closed_port,
    everything_told_of,
    replying,
)

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest

GATEWAY = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/rg-hub"
    "/providers/microsoft.network/virtualnetworkgateways/vpn-hub"
)
ID = "20261122T021407123Z-1a2b3c4d5e6f"
FOLDER = "insights/2026/11/22"


@pytest.fixture
def requests() -> list[str]:
    """What the container's client asked: method, and what comes after the container's name."""
    return []


@pytest.fixture
def container(azurite: Azurite, requests: list[str]) -> Iterator[ContainerClient]:
    """A container that is not there yet, whose requests are kept."""

    def note(request: PipelineRequest[Any]) -> None:
        _, _, rest = request.http_request.url.partition(f"{ACCOUNT}/")
        requests.append(f"{request.http_request.method} {rest.partition('/')[2] or rest}")

    with ContainerClient.from_connection_string(
        azurite.connection_string, f"test-{uuid.uuid4().hex}", raw_request_hook=note
    ) as client:
        yield client


def a_sink(container: ContainerClient) -> BlobInsights:
    return BlobInsights(lambda: container, {".md": markdown}, now=lambda: NOW)


def markdown(insight: Insight) -> str:
    return f"# {insight.verdict}\n"


def content(container: ContainerClient, path: str) -> str:
    return container.download_blob(path).readall().decode()


def test_an_idle_run_takes_three_requests(container: ContainerClient, requests: list[str]) -> None:
    journal = BlobJournal(lambda: container)
    journal.note_run({"ended": "2026-11-22T12:00:00.000Z"})
    journal.save(History(gateway_id=GATEWAY), None)
    requests.clear()

    journal.last_run()
    journal.marks()
    journal.note_run({"ended": "2026-11-22T12:05:00.000Z"})

    assert ["GET runs/last.json", "PUT runs/last.json"] == requests[::2]
    assert 3 == len(requests)
    assert "comp=list" in requests[1]


def test_the_container_is_made_by_the_first_write_and_by_no_other(
    container: ContainerClient, requests: list[str]
) -> None:
    journal = BlobJournal(lambda: container)

    journal.last_run()
    journal.marks()
    reading = [request.partition(" ")[0] for request in requests]
    requests.clear()
    journal.note_run({})
    journal.note_run({})
    journal.save(History(gateway_id=GATEWAY), None)

    assert ["GET", "GET"] == reading
    assert 5 == len(requests)
    assert [f"PUT {container.container_name}?restype=container"] == requests[1:2]
    assert ["PUT runs/last.json"] * 3 == [requests[0], *requests[2:4]]


def test_an_insight_stands_by_the_day_in_its_id_in_each_form_with_its_type(
    container: ContainerClient,
) -> None:
    insight = an_insight(id=ID)

    a_sink(container).deliver(insight)

    blobs = {
        blob.name: blob.content_settings.content_type
        for blob in container.list_blobs(include=["metadata"])
    }
    assert {
        f"{FOLDER}/{ID}.json": "application/json",
        f"{FOLDER}/{ID}.md": "text/markdown; charset=utf-8",
        f"fleet/2026/11/{ID}": "text/plain",
    } == blobs
    assert to_json(insight) == content(container, f"{FOLDER}/{ID}.json")
    assert markdown(insight) == content(container, f"{FOLDER}/{ID}.md")


def test_the_first_revision_takes_one_request_for_each_form_and_one_for_its_summary(
    container: ContainerClient, requests: list[str]
) -> None:
    container.create_container()
    requests.clear()

    a_sink(container).deliver(an_insight(id=ID))

    expected = [f"PUT {FOLDER}/{ID}.json", f"PUT {FOLDER}/{ID}.md", f"PUT fleet/2026/11/{ID}"]
    assert expected == requests


def test_a_later_revision_takes_two_requests_and_one_that_is_there_takes_one(
    container: ContainerClient, requests: list[str]
) -> None:
    sink = BlobInsights(lambda: container, {}, now=lambda: NOW)
    sink.deliver(an_insight(id=ID))
    requests.clear()

    sink.deliver(an_insight(id=ID, revision=2))
    sink.deliver(an_insight(id=ID, revision=2))

    asked = [request.partition(" ")[0] for request in requests]
    assert ["HEAD", "PUT"] * 2 + ["HEAD"] * 2 == asked


def test_a_later_revision_replaces_an_earlier_one_and_never_the_other_way_round(
    container: ContainerClient,
) -> None:
    sink = a_sink(container)
    revisions = [an_insight(id=ID, revision=each, verdict=f"revision {each}") for each in (1, 2, 3)]

    told = []
    for insight in (revisions[0], revisions[2], revisions[1], revisions[0]):
        sink.deliver(insight)
        told.append(content(container, f"{FOLDER}/{ID}.md"))

    assert ["# revision 1\n", *["# revision 3\n"] * 3] == told
    assert to_json(revisions[2]) == content(container, f"{FOLDER}/{ID}.json")


def test_a_delivery_that_was_cut_off_is_completed_when_it_is_repeated(
    container: ContainerClient,
) -> None:
    def failing(_: Insight) -> str:
        raise DeliveryFailed("cut off")

    insight = an_insight(id=ID)
    with pytest.raises(DeliveryFailed):
        BlobInsights(lambda: container, {".md": failing}, now=lambda: NOW).deliver(insight)

    a_sink(container).deliver(insight)

    assert markdown(insight) == content(container, f"{FOLDER}/{ID}.md")


def at(address: str) -> Callable[[], ContainerClient]:
    """A client for a storage account at `address` that is tried once."""
    connection = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint=http://{address}/{ACCOUNT};"
    client = ContainerClient.from_connection_string(
        connection, "insights", retry_total=0, read_timeout=0.5
    )
    return lambda: client


CALLS: dict[str, Callable[[BlobJournal], object]] = {
    "load": lambda journal: journal.load("vpn-hub-0123456789abcdef"),
    "save": lambda journal: journal.save(History(gateway_id=GATEWAY), None),
    "save again": lambda journal: journal.save(History(gateway_id=GATEWAY), "0x1"),
    "marks": lambda journal: journal.marks(),
    "last_run": lambda journal: journal.last_run(),
    "note_run": lambda journal: journal.note_run({}),
}
# Of the rest, a drip outlasts any time-out of a socket, and a 404 stands for nothing being there.
UNANSWERED = [name for name in FAULTS if name not in ("slow drip", "404")]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("fault", [FAULTS[name] for name in UNANSWERED], ids=UNANSWERED)
def test_whatever_storage_answers_the_journal_is_unavailable(
    fault: Fault, call: Callable[[BlobJournal], object]
) -> None:
    with SinkStandIn() as storage:
        storage.answer = fault.answer

        with pytest.raises(JournalUnavailable, match="in container insights: ") as caught:
            call(BlobJournal(at(storage.at)))

    assert KEY not in everything_told_of(caught.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_storage_account_that_refuses_connections_is_unavailable(
    call: Callable[[BlobJournal], object],
) -> None:
    with pytest.raises(JournalUnavailable, match="no answer"):
        call(BlobJournal(at(f"127.0.0.1:{closed_port()}")))


def test_a_missing_role_is_named() -> None:
    with SinkStandIn() as storage:
        storage.answer = replying(403, "x-ms-error-code: AuthorizationPermissionMismatch")

        with pytest.raises(
            JournalUnavailable, match=r"AuthorizationPermissionMismatch.*Storage Blob Data Owner"
        ):
            BlobJournal(at(storage.at)).last_run()


def test_a_container_that_is_being_deleted_is_no_conflict() -> None:
    with SinkStandIn() as storage:
        storage.answer = replying(409, "x-ms-error-code: ContainerBeingDeleted")

        with pytest.raises(JournalUnavailable, match="ContainerBeingDeleted"):
            BlobJournal(at(storage.at)).save(History(gateway_id=GATEWAY), None)


@pytest.mark.parametrize("code", ["409 BlobAlreadyExists", "412 ConditionNotMet"])
def test_a_condition_that_did_not_hold_is_a_conflict(code: str) -> None:
    status, _, name = code.partition(" ")
    with SinkStandIn() as storage:
        storage.answer = replying(int(status), f"x-ms-error-code: {name}")

        with pytest.raises(JournalConflict):
            BlobJournal(at(storage.at)).save(History(gateway_id=GATEWAY), None)


class TestFaults(SinkContract):
    """A container that is missing is made, so that no 404 is final, nor is a redirection."""

    secrets = (KEY,)
    may_pass = frozenset({"404", "redirect"})

    def a_sink(self, address: str, timeout: timedelta) -> BlobInsights:
        return BlobInsights(at(address), {}, now=lambda: NOW, timeout=timeout)


def test_writers_that_always_come_first_do_not_hold_a_delivery_for_ever() -> None:
    with SinkStandIn() as storage:
        storage.answer = replying(412, "x-ms-error-code: ConditionNotMet")

        with pytest.raises(DeliveryFailed):
            BlobInsights(at(storage.at), {}, now=lambda: NOW).deliver(an_insight(id=ID))


def test_a_time_is_compared_in_its_zone(container: ContainerClient) -> None:
    """A due time in another zone than UTC, as a value, is the same instant in the metadata."""
    journal = BlobJournal(lambda: container)
    container.create_container()
    container.upload_blob("history/a.json", b"", metadata={"due": "2026-11-22T05:00:00+02:00"})
    container.upload_blob("history/b.json", b"", metadata={"due": "2026-11-22T05:00:01+02:00"})

    assert ["a"] == due(journal, datetime(2026, 11, 22, 3, tzinfo=UTC))
    assert ["a", "b"] == due(journal, datetime(2026, 11, 22, 3, tzinfo=UTC) + timedelta(1))
