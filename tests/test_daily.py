"""The daily check of coverage: what is noted, and who is told of what, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from detector.coverage.daily import check_coverage
from detector.errors import DeliveryFailed, FactUnknown, JournalConflict, JournalUnavailable
from tests.builders import GATEWAY_ID, SUBSCRIPTION, at
from tests.fleet import (
    BOTH,
    GONE,
    REFUSED,
    SILENT,
    Fleet,
    ListAnnouncer,
    MemoryArchive,
    a_body,
    a_logged,
    a_setting,
)
from tests.memory import SCOPE, ListSink, plenty

SCHEMA = Path(__file__).parent.parent / "docs/coverage.schema.json"


def day(number: int) -> timedelta:
    return timedelta(days=number)


@pytest.fixture(name="archive")
def an_archive() -> MemoryArchive:
    return MemoryArchive()


@pytest.fixture(name="sink")
def an_announcer() -> ListAnnouncer:
    return ListAnnouncer()


class TestCheck:
    """One check after the other."""

    def test_the_first_check_tells_what_there_is(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        report = Fleet().check(archive, sink)
        [document] = sink.announced

        assert (1, 0, True, 1, ()) == (
            report.gateways,
            report.blind,
            report.changed,
            report.delivered,
            report.problems,
        )
        assert ((GATEWAY_ID,), (), ()) == (document.added, document.blind, document.changes)

    def test_nothing_is_told_while_nothing_changes(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        Fleet().check(archive, sink)
        report = Fleet().check(archive, sink, now=at() + day(1))

        assert (False, 0) == (report.changed, report.delivered)
        assert 1 == len(sink.announced)
        assert at() + day(1) == archive.coverage.at

    def test_a_gateway_that_becomes_blind_is_told_once_and_again_when_it_sees(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        fleet = Fleet()
        fleet.check(archive, sink)
        fleet.settings[GATEWAY_ID] = []
        fleet.check(archive, sink, now=at() + day(1))
        fleet.check(archive, sink, now=at() + day(2))
        fleet.settings[GATEWAY_ID] = [a_setting()]
        report = fleet.check(archive, sink, now=at() + day(3))

        _, blind, seeing = sink.announced
        assert (GATEWAY_ID,) == tuple(each.id for each in blind.newly_blind)
        assert ("diagnostic-setting", "pass", "fail") == (
            blind.changes[0].check,
            blind.changes[0].before,
            blind.changes[0].now,
        )
        assert str(blind.changes[0].hint).startswith("az monitor diagnostic-settings create")
        assert ((GATEWAY_ID,), (), ()) == (seeing.seeing_again, seeing.newly_blind, seeing.blind)
        assert 0 == report.blind

    @pytest.mark.parametrize("answer", [SILENT, REFUSED])
    def test_what_could_not_be_asked_stands_as_it_stood(
        self, archive: MemoryArchive, sink: ListAnnouncer, answer: FactUnknown
    ) -> None:
        """Neither throttling nor a lost role makes anybody blind, or see."""
        fleet = Fleet(settings={GATEWAY_ID: []})
        fleet.check(archive, sink)
        fleet.settings[GATEWAY_ID] = answer
        report = fleet.check(archive, sink, now=at() + day(1))

        assert (1, ()) == (report.blind, sink.announced[-1].seeing_again)
        assert (answer is REFUSED) == report.changed
        assert ["it has no diagnostic setting, so it logs nothing"] == [
            each.why for each in archive.coverage.blind
        ]

    def test_a_gateway_that_was_never_answered_for_is_not_blind(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        report = Fleet(settings={GATEWAY_ID: SILENT}).check(archive, sink)

        assert 0 == report.blind

    def test_that_a_question_is_answered_for_the_first_time_is_no_change(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        Fleet(health=SILENT).check(archive, sink)
        report = Fleet().check(archive, sink, now=at() + day(1))

        assert not report.changed

    def test_rows_that_were_once_seen_are_remembered(self, archive: MemoryArchive) -> None:
        Fleet(logs={SCOPE: [a_logged()]}).check(archive)
        Fleet(logs={SCOPE: []}).check(archive, now=at() + day(40))
        note = archive.coverage

        assert {GATEWAY_ID: at()} == note.newest
        assert "pass" == note.statuses[GATEWAY_ID]["log-rows"]

    def test_the_note_keeps_what_did_not_pass(self, archive: MemoryArchive) -> None:
        Fleet(settings={GATEWAY_ID: []}).check(archive)
        note = archive.coverage

        assert {"diagnostic-setting": "fail"}.items() <= note.statuses[GATEWAY_ID].items()
        assert ["diagnostic-setting", "log-categories", "log-workspace"] == [
            each.id for each in note.checks
        ]


class TestAbsence:
    """A gateway that is not listed is gone only where Azure says so of it."""

    def test_one_that_is_gone_is_told_as_removed(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        Fleet(logs={SCOPE: []}).check(archive, sink)
        fleet = Fleet(logs={SCOPE: []}, unlisted={GATEWAY_ID: GONE})
        fleet.check(archive, sink, now=at() + day(1))

        assert (GATEWAY_ID,) == sink.announced[-1].removed
        assert () == archive.coverage.known

    @pytest.mark.parametrize("answer", [REFUSED, SILENT])
    def test_one_that_may_not_be_read_or_was_not_answered_for_stays(
        self, archive: MemoryArchive, sink: ListAnnouncer, answer: FactUnknown
    ) -> None:
        fleet = Fleet(settings={GATEWAY_ID: []})
        fleet.check(archive, sink)
        fleet.unlisted[GATEWAY_ID] = answer
        report = fleet.check(archive, sink, now=at() + day(1))

        assert (1, 1) == (report.gateways, report.blind)
        assert () == sink.announced[-1].removed

    def test_one_that_is_there_all_the_same_is_looked_at(self, archive: MemoryArchive) -> None:
        fleet = Fleet(unlisted={GATEWAY_ID: a_body()}, settings={GATEWAY_ID: []})

        assert (1, 1) == (fleet.check(archive).gateways, fleet.check(archive).blind)

    def test_one_of_another_type_is_none_of_ours(self, archive: MemoryArchive) -> None:
        fleet = Fleet(unlisted={GATEWAY_ID: a_body("ExpressRoute")})

        assert 0 == fleet.check(archive).gateways

    def test_where_resource_graph_does_not_answer_nobody_is_gone(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        fleet = Fleet()
        fleet.check(archive, sink)
        fleet.listing = SILENT
        report = fleet.check(archive, sink, now=at() + day(1))

        assert (1, False) == (report.gateways, report.changed)


def test_a_port_that_fails_as_nobody_thought_of_leaves_the_rest(archive: MemoryArchive) -> None:
    def fail(gateway_ids: Sequence[str]) -> Mapping[str, object]:
        raise ZeroDivisionError

    fleet = Fleet(settings={GATEWAY_ID: []})
    probes = replace(fleet.probes, health=fail)
    check_coverage(archive, probes, fleet.scopes, (), now=at(), left=plenty)

    assert [GATEWAY_ID] == [each.id for each in archive.coverage.blind]
    assert "resource-health" not in archive.coverage.statuses[GATEWAY_ID]


class TestWhoIsAsked:
    """Which subscriptions are looked through."""

    def test_for_a_workspace_all_that_may_be_read(self, archive: MemoryArchive) -> None:
        fleet = Fleet()
        fleet.check(archive)

        assert [None] == fleet.subscriptions_asked

    def test_for_scopes_of_resources_their_subscriptions(self, archive: MemoryArchive) -> None:
        from detector.model import Scope

        scopes = [Scope(id=f"{SUBSCRIPTION}/resourcegroups/rg-1"), Scope(id=SUBSCRIPTION)]
        fleet = Fleet(scopes=scopes, logs={})
        fleet.check(archive)

        assert [[SUBSCRIPTION.rpartition("/")[2]]] == fleet.subscriptions_asked


class TestDelivery:
    """What was noted is told, though it take days."""

    def test_what_a_sink_did_not_take_is_tried_again_by_the_next_check_under_the_same_id(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("webhook-1 answered 503")
        other = ListAnnouncer(name="queue")
        first = Fleet().check(archive, sink, other)
        sink.problem = None
        second = Fleet().check(archive, sink, other, now=at() + day(1))

        assert ("webhook-1 answered 503; the next check tries again",) == first.problems
        assert (1, 1, ()) == (first.delivered, second.delivered, second.problems)
        assert other.announced == sink.announced
        assert () == archive.coverage.pending

    def test_a_sink_with_a_defect_is_tried_again_and_gives_no_secret_away(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        sink.problem = ZeroDivisionError("a secret")
        first = Fleet().check(archive, sink)
        sink.problem = None
        Fleet().check(archive, sink, now=at() + day(1))

        assert "ZeroDivisionError" in first.problems[0]
        assert "a secret" not in first.problems[0]
        assert 1 == len(sink.announced)

    def test_documents_come_in_their_order(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("no")
        fleet = Fleet()
        fleet.check(archive, sink)
        fleet.settings[GATEWAY_ID] = []
        fleet.check(archive, sink, now=at() + day(1))
        sink.problem = None
        fleet.check(archive, sink, now=at() + day(2))

        assert [at(), at() + day(1)] == [each.at for each in sink.announced]

    def test_a_document_is_given_up_after_a_week(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("no")
        Fleet().check(archive, sink)
        report = Fleet().check(archive, sink, now=at() + day(7))

        assert ("no; given up after 7 days",) == report.problems
        assert () == archive.coverage.pending

    def test_a_sink_that_is_no_longer_set_is_not_waited_for(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("no")
        Fleet().check(archive, sink)
        report = Fleet().check(archive, now=at() + day(1))

        assert () == report.problems
        assert () == archive.coverage.pending

    def test_a_sink_that_takes_insights_alone_is_not_told(self, archive: MemoryArchive) -> None:
        sink = ListSink()
        Fleet().check(archive, sink)

        assert [] == sink.attempts
        assert () == archive.coverage.pending

    def test_it_is_noted_before_it_is_told(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        told: list[int] = []
        archive.hook = lambda: told.append(len(sink.announced))
        Fleet().check(archive, sink)

        assert [0, 1] == told

    def test_a_store_that_fails_before_lets_nothing_be_told(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        def fail() -> None:
            raise JournalUnavailable("no answer")

        archive.hook = fail

        with pytest.raises(JournalUnavailable):
            Fleet().check(archive, sink)
        assert [] == sink.announced

    def test_a_store_that_fails_afterwards_lets_it_be_told_again_under_the_same_id(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        def fail_once_told() -> None:
            if sink.announced:
                raise JournalUnavailable("no answer")

        archive.hook = fail_once_told
        report = Fleet().check(archive, sink)
        archive.hook = lambda: None
        Fleet().check(archive, sink, now=at() + day(1))

        assert ("no answer; what was delivered may be delivered again",) == report.problems
        assert sink.announced[0] == sink.announced[1]

    def test_two_checks_at_a_time_make_one_id(self) -> None:
        first, second = ListAnnouncer(), ListAnnouncer()
        Fleet(settings={GATEWAY_ID: []}).check(MemoryArchive(), first)
        Fleet(settings={GATEWAY_ID: []}).check(MemoryArchive(), second, now=at(minutes=3))

        assert first.announced[0].id == second.announced[0].id

    def test_a_check_that_meets_another_at_work_tells_nothing(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        other = ListAnnouncer()

        def another_first() -> None:
            archive.hook = lambda: None
            Fleet().check(archive, other)

        archive.hook = another_first

        with pytest.raises(JournalConflict):
            Fleet().check(archive, sink)
        assert (0, 1) == (len(sink.announced), len(other.announced))

    def test_with_no_time_left_nothing_is_sent_and_the_next_check_does(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        Fleet().check(archive, sink, left=timedelta(seconds=1))
        before = len(sink.announced)
        Fleet().check(archive, sink, now=at() + day(1))

        assert (0, 1) == (before, len(sink.announced))

    def test_a_note_that_no_check_wrote_is_told_with_how_to_mend_it(
        self, archive: MemoryArchive, sink: ListAnnouncer
    ) -> None:
        archive.notes["coverage/last.json"] = {"at": "yesterday"}

        with pytest.raises(JournalUnavailable, match="delete it"):
            Fleet().check(archive, sink)
        assert [] == sink.announced


def test_a_log_off_in_part_is_told_by_its_category(
    archive: MemoryArchive, sink: ListAnnouncer
) -> None:
    fleet = Fleet()
    fleet.check(archive, sink)
    fleet.settings[GATEWAY_ID] = [a_setting(categories=BOTH - {"tunneldiagnosticlog"})]
    fleet.check(archive, sink, now=at() + day(1))

    assert ["TunnelDiagnosticLog is off"] == [each.why for each in sink.announced[-1].blind]
