"""How the detector itself is, by its journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from detector.azure.blobs import BlobJournal
from detector.insights.document import timestamp
from detector.journal.history import Delivery, History, Record
from detector.journal.ports import Archive, Journal
from detector.local.folder import FolderJournal
from detector.model import Scope, State
from detector.runs.report import Report, ScopeReport
from detector.runs.schedule import Schedule
from detector.runs.status import Status, status_lines, status_of
from detector.runs.windows import run_note
from tests.azurite import Azurite
from tests.builders import GATEWAY_ID, a_diagnosis, a_failover, a_gateway, at
from tests.command_line import Command
from tests.fleet import MemoryArchive, a_coverage
from tests.sink_stand_in import an_insight

SCOPE = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
SCHEDULE = Schedule.read("0 */5 * * * *")
NOW = at(minutes=41)


@pytest.fixture(name="folder")
def a_folder_journal(tmp_path: Path) -> FolderJournal:
    return FolderJournal(tmp_path)


@pytest.fixture(name="journal", params=["folder", "container"])
def each_journal(
    request: pytest.FixtureRequest, folder: FolderJournal
) -> Iterator[FolderJournal | BlobJournal]:
    if request.param == "folder":
        yield folder
        return
    azurite: Azurite = request.getfixturevalue("azurite")
    with ContainerClient.from_connection_string(
        azurite.connection_string, f"status-{uuid4().hex[:8]}"
    ) as container:
        yield BlobJournal(lambda: container)


def state(journal: Journal, *scopes: str) -> Status:
    return status(journal, MemoryArchive(), *scopes)


def status(journal: Journal, archive: Archive, *scopes: str) -> Status:
    known = [Scope(id=each) for each in scopes or (SCOPE,)]
    return status_of(journal, archive, known, SCHEDULE, now=NOW)


def ran(journal: Journal, **complete_until: datetime) -> None:
    """A run noted that these scopes, without their dashes, were read in full until then."""
    until = {str(Scope(id=name)): end for name, end in complete_until.items()}
    journal.note_run(run_note(Report(at=NOW), complete_until=until, asked_since={}))


def a_record(*deliveries: Delivery, state: State = State.RECOVERED) -> Record:
    return Record(
        failover=a_failover(),
        diagnosis=a_diagnosis(state=state),
        gateway=a_gateway(),
        insights=(an_insight(),),
        deliveries=deliveries,
        following=state is State.ONGOING,
    )


def a_delivery(**changes: object) -> Delivery:
    delivery = Delivery(sink="queue", revision=1, since=at(), due=at(minutes=60), attempts=3)
    return replace(delivery, **changes)  # type: ignore[arg-type]


def test_before_the_first_run_it_is_not_well(journal: Journal) -> None:
    shown = state(journal)

    assert not shown.ok
    assert [
        f"logs         {SCOPE}, never read in full",
        f"problem      {SCOPE} was never read in full. Is the function running? See its log",
    ] == list(status_lines(shown))


def test_after_a_run_it_is_well(journal: Journal) -> None:
    ran(journal, **{SCOPE: NOW - timedelta(seconds=61)})

    shown = state(journal)

    assert shown.ok
    assert [
        f"logs         {SCOPE}, read in full 1 min 1 s ago",
        "well         nothing is open, nothing outstanding",
    ] == list(status_lines(shown))


def test_a_scope_without_logs_is_neither_a_problem_nor_well(folder: FolderJournal) -> None:
    scope = ScopeReport(
        scope=SCOPE,
        window_start=NOW - timedelta(hours=6),
        window_end=NOW,
        complete=True,
        signals=0,
        newest=None,
        problem="no logs here yet",
    )
    report = Report(at=NOW, scopes=(scope,))
    folder.note_run(run_note(report, complete_until={SCOPE: NOW}, asked_since={}))

    shown = state(folder)

    assert shown.ok
    assert [f"logs         {SCOPE}, read in full less than 1 s ago; no logs here yet"] == list(
        status_lines(shown)
    )


def test_what_kept_the_last_run_from_reading_a_scope_is_told_here_too(
    folder: FolderJournal,
) -> None:
    scope = ScopeReport(
        scope=SCOPE,
        window_start=NOW - timedelta(hours=6),
        window_end=NOW,
        complete=False,
        signals=0,
        newest=None,
        problem="refused; give the role Log Analytics Reader",
    )
    folder.note_run(run_note(Report(at=NOW, scopes=(scope,)), complete_until={}, asked_since={}))

    assert [
        f"{SCOPE} was never read in full. The last run: refused; give the role Log Analytics Reader"
    ] == list(state(folder).problems)


@pytest.mark.parametrize(("minutes", "problems"), [(29, 1), (30, 0), (36, 0)])
def test_three_periods_of_the_schedule_without_a_complete_run_are_too_many(
    folder: FolderJournal, minutes: int, problems: int
) -> None:
    """At 02:41 the timer was due at 02:40, 02:35 and 02:30."""
    ran(folder, **{SCOPE: at(minutes=minutes)})

    assert problems == len(state(folder).problems)


def test_each_scope_counts(folder: FolderJournal) -> None:
    ran(folder, **{SCOPE: NOW, OTHER: NOW - timedelta(hours=2)})

    shown = state(folder, SCOPE, OTHER)

    assert [0, 7200] == [scope.age_seconds for scope in shown.scopes]
    assert [OTHER] == [problem.split()[0] for problem in shown.problems]
    assert "was not read in full for 3 periods of the schedule" in shown.problems[0]


def test_a_run_from_the_future_has_no_negative_age(folder: FolderJournal) -> None:
    ran(folder, **{SCOPE: NOW + timedelta(minutes=5)})

    assert [0] == [scope.age_seconds for scope in state(folder).scopes]


def test_a_failover_that_is_not_over_is_shown_and_no_problem(journal: Journal) -> None:
    ran(journal, **{SCOPE: NOW})
    journal.save(History(gateway_id=GATEWAY_ID, records=(a_record(state=State.ONGOING),)), None)

    shown = state(journal)

    assert shown.ok
    assert [GATEWAY_ID] == [each.gateway for each in shown.open]
    assert (
        "open         vpn_hub_1 failed over for maintenance; to-branch was down for 1 min 23 s. "
        "(f-1)"
    ) == list(status_lines(shown))[-1]


def test_what_is_to_be_delivered_is_shown_and_no_problem(journal: Journal) -> None:
    ran(journal, **{SCOPE: NOW})
    journal.save(History(gateway_id=GATEWAY_ID, records=(a_record(a_delivery()),)), None)

    shown = state(journal)

    assert shown.ok
    assert "outstanding  queue: f-1 revision 1, tried 3 times" == list(status_lines(shown))[-1]


def test_what_was_given_up_is_a_problem_until_someone_looks(journal: Journal) -> None:
    ran(journal, **{SCOPE: NOW})
    given_up = a_delivery(given_up="HTTP 410\x1b[31m")
    journal.save(History(gateway_id=GATEWAY_ID, records=(a_record(given_up),)), None)

    shown = state(journal)

    assert not shown.ok
    assert 1 == len(shown.given_up)
    assert () == shown.outstanding
    assert (
        "problem      queue was not told of f-1 revision 1: HTTP 410 [31m"
        == (list(status_lines(shown))[-1])
    )


def test_a_history_that_cannot_be_read_is_a_problem_and_the_others_are_shown(
    folder: FolderJournal, tmp_path: Path
) -> None:
    ran(folder, **{SCOPE: NOW})
    folder.save(History(gateway_id=GATEWAY_ID, records=(a_record(a_delivery()),)), None)
    (tmp_path / "history" / "broken.json").write_text("{")

    shown = state(folder)

    assert 1 == len(shown.outstanding)
    [problem] = shown.problems
    assert "broken.json: cannot be read; restore an earlier version of it or delete it" in problem


@pytest.fixture(name="archive")
def an_archive() -> MemoryArchive:
    return MemoryArchive()


def checked(archive: MemoryArchive, **changes: object) -> None:
    """A check of coverage left this note, by default now, with nothing amiss."""
    archive.notes["coverage/last.json"] = {"at": timestamp(NOW), **changes}


class TestCoverage:
    """What the last check of coverage found."""

    def test_blind_gateways_need_somebody(self, journal: Journal, archive: MemoryArchive) -> None:
        ran(journal, **{SCOPE: NOW})
        checked(archive, blind=[{"id": GATEWAY_ID, "why": "TunnelDiagnosticLog is off"}])
        shown = status(journal, archive)

        assert ["a failover of 1 gateway would not be seen; `doctor` says how to mend that"] == (
            list(shown.problems)
        )
        assert [f"blind        {GATEWAY_ID}: TunnelDiagnosticLog is off"] == [
            line for line in status_lines(shown) if line.startswith("blind")
        ]

    def test_of_many_blind_gateways_a_person_sees_twenty(
        self, journal: Journal, archive: MemoryArchive
    ) -> None:
        checked(archive, blind=[{"id": f"/x/{n:02}", "why": "it is off"} for n in range(25)])
        shown = status(journal, archive)
        lines = [line for line in status_lines(shown) if line.startswith("blind")]

        assert (21, "blind        and 5 more; --json has them all") == (len(lines), lines[-1])

    def test_a_check_that_is_three_days_old_needs_somebody(
        self, journal: Journal, archive: MemoryArchive
    ) -> None:
        ran(journal, **{SCOPE: NOW})
        checked(archive, at=timestamp(NOW - timedelta(days=4)))

        assert [
            "coverage was last checked 4 d ago; is check_coverage running? See its log"
        ] == list(status(journal, archive).problems)

    def test_what_was_not_told_is_said(self, journal: Journal, archive: MemoryArchive) -> None:
        ran(journal, **{SCOPE: NOW})
        document = a_coverage("vpn-a").model_dump(mode="json")
        checked(archive, pending=[{"document": document, "sinks": ["webhook-1"]}])

        assert [
            "webhook-1 was not told what changed in coverage; the next check tries again"
        ] == list(status(journal, archive).problems)

    def test_a_note_that_no_check_wrote_is_said(
        self, journal: Journal, archive: MemoryArchive
    ) -> None:
        ran(journal, **{SCOPE: NOW})
        checked(archive, at="yesterday")
        [problem] = status(journal, archive).problems

        assert problem.startswith("coverage/last.json: cannot be read")

    def test_before_the_first_check_nobody_is_asked_for(
        self, journal: Journal, archive: MemoryArchive
    ) -> None:
        ran(journal, **{SCOPE: NOW})
        shown = status(journal, archive)

        assert (True, None) == (shown.ok, shown.coverage_at)


def test_a_history_that_meets_a_defect_is_a_problem_and_the_others_are_shown(
    tmp_path: Path,
) -> None:
    class Odd(FolderJournal):
        def load(self, key: str) -> tuple[History | None, str | None]:
            if key == "broken":
                raise ZeroDivisionError("a secret")
            return super().load(key)

    odd = Odd(tmp_path)
    ran(odd, **{SCOPE: NOW})
    odd.save(History(gateway_id=GATEWAY_ID, records=(a_record(a_delivery()),)), None)
    (tmp_path / "history" / "broken.json").write_text("{")

    shown = state(odd)

    assert 1 == len(shown.outstanding)
    [problem] = shown.problems
    assert "the history broken: failed unexpectedly (ZeroDivisionError" in problem
    assert "secret" not in problem


class TestCommand:
    """`status`, as a probe calls it."""

    @pytest.fixture(autouse=True)
    def _settings(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DETECTOR_SCOPES", SCOPE)
        monkeypatch.setenv("DETECTOR_STORE", f"file:{tmp_path / 'store'}")

    def test_exits_with_1_where_somebody_has_to_look(
        self, detector: Command, tmp_path: Path
    ) -> None:
        said = detector("status")

        assert (1, "") == (said.code, said.err)
        assert f"logs         {SCOPE}, never read in full\n" in said.out
        assert not (tmp_path / "store").exists()

    def test_exits_with_0_where_all_is_well(self, detector: Command, tmp_path: Path) -> None:
        journal = FolderJournal(tmp_path / "store")
        ran(journal, **{SCOPE: datetime.fromisoformat("2100-01-01T00:00:00Z")})

        said = detector("status")

        assert 0 == said.code
        assert "well         nothing is open, nothing outstanding\n" in said.out

    def test_json_is_one_object(self, detector: Command, tmp_path: Path) -> None:
        journal = FolderJournal(tmp_path / "store")
        journal.save(
            History(gateway_id=GATEWAY_ID, records=(a_record(a_delivery(given_up="gone")),)), None
        )

        said = detector("status", "--json")
        shown = json.loads(said.out)

        assert 1 == said.code
        assert [
            *("store", "at", "scopes", "open", "outstanding", "givenUp"),
            *("coverageAt", "blind", "problems"),
        ] == list(shown)
        assert [{"scope": SCOPE, "completeUntil": None, "ageSeconds": None, "note": None}] == shown[
            "scopes"
        ]
        assert ["gone"] == [each["why"] for each in shown["givenUp"]]
        assert 2 == len(shown["problems"])

    def test_a_store_that_does_not_answer_is_said(self, detector: Command, tmp_path: Path) -> None:
        (tmp_path / "store").touch()

        said = detector("status")

        assert (1, "") == (said.code, said.out)
        assert said.err.startswith(f"error: {tmp_path / 'store'}")

    def test_the_store_can_be_a_container(
        self, detector: Command, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = f"status-{uuid4().hex[:8]}"
        monkeypatch.setenv("DETECTOR_STORE", f"blob:{name}")
        monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)
        monkeypatch.setenv("DETECTOR_QUEUE", "")

        said = detector("status", "--json")

        assert (1, "") == (said.code, said.err)
        assert [] == json.loads(said.out)["open"]
        with ContainerClient.from_connection_string(azurite.connection_string, name) as container:
            assert not container.exists()
