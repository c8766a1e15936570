"""The daily check of coverage: what is noted, and who is told of what, and when."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from detector.errors import DeliveryFailed, FactUnknown, JournalUnavailable
from detector.insights import message
from detector.insights.coverage import (
    blind_body,
    blind_title,
    bounded,
    schema,
    to_coverage_event,
)
from detector.runs.coverage import last_coverage
from tests.builders import GATEWAY_ID, SUBSCRIPTION, at
from tests.fleet import (
    BOTH,
    GONE,
    REFUSED,
    SILENT,
    Fleet,
    ListAnnouncer,
    a_body,
    a_coverage,
    a_logged,
    a_setting,
)
from tests.memory import SCOPE, ListSink, MemoryJournal

SCHEMA = Path(__file__).parent.parent / "docs/coverage.schema.json"


def day(number: int) -> timedelta:
    return timedelta(days=number)


@pytest.fixture(name="journal")
def a_journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(name="sink")
def an_announcer() -> ListAnnouncer:
    return ListAnnouncer()


class TestDocument:
    """The document, and the forms in which it goes out."""

    def test_the_published_schema_is_the_documents(self) -> None:
        """If not: python -m detector.insights.coverage > docs/coverage.schema.json."""
        assert schema() == SCHEMA.read_text(encoding="utf-8")

    def test_what_is_sent_keeps_to_the_schema(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        Fleet(settings={GATEWAY_ID: []}).check(journal, sink)
        event = json.loads(json.dumps(to_coverage_event(sink.announced[0])))

        jsonschema.validate(event["data"], json.loads(SCHEMA.read_text(encoding="utf-8")))
        assert {
            "specversion": "1.0",
            "id": sink.announced[0].id,
            "source": "gateway-failover-detector/coverage",
            "type": "GatewayFailover.Coverage.Changed",
            "subject": "coverage",
            "time": "2026-11-22T02:00:00.000Z",
            "datacontenttype": "application/json",
        } == {name: value for name, value in event.items() if name != "data"}

    def test_lists_are_bounded_and_say_how_many_are_left_out(self) -> None:
        document = bounded(bounded(a_coverage(*map(str, range(250)))), 150)

        assert (150, 100) == (len(document.blind), document.blind_left_out)
        assert (150, 100) == (len(document.newly_blind), document.newly_blind_left_out)
        assert (0, 0) == (len(document.changes), document.changes_left_out)

    @pytest.mark.parametrize(
        ("blind", "title"),
        [
            (["vpn-a"], "BLIND 1 gateway: vpn-a"),
            (["vpn-a", "vpn-b"], "BLIND 2 gateways: vpn-a, vpn-b"),
            (["vpn-a", "vpn-b", "vpn-c"], "BLIND 3 gateways: vpn-a, vpn-b and 1 more"),
            (["@everyone <b>"], "BLIND 1 gateway: @\u200beveryone ＜b＞"),  # noqa: RUF001
        ],
    )
    def test_a_lock_screen_shows_which_are_blind(self, blind: list[str], title: str) -> None:
        assert title == blind_title(a_coverage(*blind), 100)

    def test_a_long_title_is_cut_visibly(self) -> None:
        title = blind_title(a_coverage("v" * 90, "w" * 90), 100)

        assert 100 == len(title)
        assert title.endswith("…")

    def test_a_message_says_what_to_do_and_names_nine_at_most(self) -> None:
        document = a_coverage(*(f"vpn-{number}" for number in range(12)))
        lines = blind_body(document, message.MARKUPS["text"], lambda text: True).splitlines()

        assert (
            "Their failovers would not be seen. To mend it: python -m detector doctor" == lines[0]
        )
        assert "vpn-0: it logs nothing" == lines[1]
        assert (11, "and 3 more") == (len(lines), lines[-1])

    def test_a_message_has_as_many_lines_as_fit(self) -> None:
        document = a_coverage(*(f"vpn-{number}" for number in range(12)))
        text = blind_body(document, message.MARKUPS["markdown"], lambda text: len(text) < 160)

        assert len(text) < 160
        assert text.endswith("and 10 more")


class TestCheck:
    """One check after the other."""

    def test_the_first_check_tells_what_there_is(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        report = Fleet().check(journal, sink)
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
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        Fleet().check(journal, sink)
        report = Fleet().check(journal, sink, now=at() + day(1))

        assert (False, 0) == (report.changed, report.delivered)
        assert 1 == len(sink.announced)
        assert at() + day(1) == last_coverage(journal).at  # type: ignore[union-attr]

    def test_a_gateway_that_becomes_blind_is_told_once_and_again_when_it_sees(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        fleet = Fleet()
        fleet.check(journal, sink)
        fleet.settings[GATEWAY_ID] = []
        fleet.check(journal, sink, now=at() + day(1))
        fleet.check(journal, sink, now=at() + day(2))
        fleet.settings[GATEWAY_ID] = [a_setting()]
        report = fleet.check(journal, sink, now=at() + day(3))

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

    def test_what_could_not_be_asked_stands_as_it_stood(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        """Throttling makes nobody blind, and nobody see."""
        fleet = Fleet(settings={GATEWAY_ID: []})
        fleet.check(journal, sink)
        fleet.settings[GATEWAY_ID] = SILENT
        report = fleet.check(journal, sink, now=at() + day(1))

        assert (1, False) == (report.blind, report.changed)
        assert {GATEWAY_ID: "it has no diagnostic setting, so it logs nothing"} == (
            last_coverage(journal).blind  # type: ignore[union-attr]
        )

    def test_a_gateway_that_was_never_answered_for_is_not_blind(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        report = Fleet(settings={GATEWAY_ID: SILENT}).check(journal, sink)

        assert 0 == report.blind

    def test_that_a_question_is_answered_for_the_first_time_is_no_change(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        Fleet(health=SILENT).check(journal, sink)
        report = Fleet().check(journal, sink, now=at() + day(1))

        assert not report.changed

    def test_rows_that_were_once_seen_are_remembered(self, journal: MemoryJournal) -> None:
        Fleet(logs={SCOPE: [a_logged()]}).check(journal)
        Fleet(logs={SCOPE: []}).check(journal, now=at() + day(40))
        note = last_coverage(journal)

        assert note is not None
        assert {GATEWAY_ID: at()} == note.newest
        assert "pass" == note.statuses[GATEWAY_ID]["log-rows"]

    def test_the_note_keeps_what_did_not_pass(self, journal: MemoryJournal) -> None:
        Fleet(settings={GATEWAY_ID: []}).check(journal)
        note = last_coverage(journal)

        assert note is not None
        assert {"diagnostic-setting": "fail"}.items() <= note.statuses[GATEWAY_ID].items()
        assert ["diagnostic-setting", "log-categories", "log-workspace"] == [
            each.id for each in note.checks
        ]


class TestAbsence:
    """A gateway that is not listed is gone only where Azure says so of it."""

    def test_one_that_is_gone_is_told_as_removed(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        Fleet(logs={SCOPE: []}).check(journal, sink)
        fleet = Fleet(logs={SCOPE: []}, unlisted={GATEWAY_ID: GONE})
        fleet.check(journal, sink, now=at() + day(1))

        assert (GATEWAY_ID,) == sink.announced[-1].removed
        assert () == last_coverage(journal).gateways  # type: ignore[union-attr]

    @pytest.mark.parametrize("answer", [REFUSED, SILENT])
    def test_one_that_may_not_be_read_or_was_not_answered_for_stays(
        self, journal: MemoryJournal, sink: ListAnnouncer, answer: FactUnknown
    ) -> None:
        fleet = Fleet(settings={GATEWAY_ID: []})
        fleet.check(journal, sink)
        fleet.unlisted[GATEWAY_ID] = answer
        report = fleet.check(journal, sink, now=at() + day(1))

        assert (1, 1) == (report.gateways, report.blind)
        assert () == sink.announced[-1].removed

    def test_one_that_is_there_all_the_same_is_looked_at(self, journal: MemoryJournal) -> None:
        fleet = Fleet(unlisted={GATEWAY_ID: a_body()}, settings={GATEWAY_ID: []})

        assert (1, 1) == (fleet.check(journal).gateways, fleet.check(journal).blind)

    def test_one_of_another_type_is_none_of_ours(self, journal: MemoryJournal) -> None:
        fleet = Fleet(unlisted={GATEWAY_ID: a_body("ExpressRoute")})

        assert 0 == fleet.check(journal).gateways

    def test_where_resource_graph_does_not_answer_nobody_is_gone(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        fleet = Fleet()
        fleet.check(journal, sink)
        fleet.listing = SILENT
        report = fleet.check(journal, sink, now=at() + day(1))

        assert (1, False) == (report.gateways, report.changed)


class TestWhoIsAsked:
    """Which subscriptions are looked through."""

    def test_for_a_workspace_all_that_may_be_read(self, journal: MemoryJournal) -> None:
        fleet = Fleet()
        fleet.check(journal)

        assert [None] == fleet.subscriptions_asked

    def test_for_scopes_of_resources_their_subscriptions(self, journal: MemoryJournal) -> None:
        from detector.model import Scope

        scopes = [Scope(id=f"{SUBSCRIPTION}/resourcegroups/rg-1"), Scope(id=SUBSCRIPTION)]
        fleet = Fleet(scopes=scopes, logs={})
        fleet.check(journal)

        assert [[SUBSCRIPTION.rpartition("/")[2]]] == fleet.subscriptions_asked


class TestDelivery:
    """What was noted is told, though it take days."""

    def test_what_a_sink_did_not_take_is_tried_again_by_the_next_check_under_the_same_id(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("webhook-1 answered 503")
        other = ListAnnouncer(name="queue")
        first = Fleet().check(journal, sink, other)
        sink.problem = None
        second = Fleet().check(journal, sink, other, now=at() + day(1))

        assert ("webhook-1 answered 503; the next check tries again",) == first.problems
        assert (1, 1, ()) == (first.delivered, second.delivered, second.problems)
        assert other.announced == sink.announced
        assert () == last_coverage(journal).pending  # type: ignore[union-attr]

    def test_documents_come_in_their_order(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("no")
        fleet = Fleet()
        fleet.check(journal, sink)
        fleet.settings[GATEWAY_ID] = []
        fleet.check(journal, sink, now=at() + day(1))
        sink.problem = None
        fleet.check(journal, sink, now=at() + day(2))

        assert [at(), at() + day(1)] == [each.at for each in sink.announced]

    def test_a_document_is_given_up_after_a_week(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("no")
        Fleet().check(journal, sink)
        report = Fleet().check(journal, sink, now=at() + day(7))

        assert ("no; given up after 7 days",) == report.problems
        assert () == last_coverage(journal).pending  # type: ignore[union-attr]

    def test_a_sink_that_is_no_longer_set_is_not_waited_for(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        sink.problem = DeliveryFailed("no")
        Fleet().check(journal, sink)
        report = Fleet().check(journal, now=at() + day(1))

        assert () == report.problems
        assert () == last_coverage(journal).pending  # type: ignore[union-attr]

    def test_a_sink_that_takes_insights_alone_is_not_told(self, journal: MemoryJournal) -> None:
        sink = ListSink()
        Fleet().check(journal, sink)

        assert [] == sink.attempts
        assert () == last_coverage(journal).pending  # type: ignore[union-attr]

    def test_it_is_noted_before_it_is_told(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        told: list[int] = []
        journal.hook = lambda name: told.append(len(sink.announced)) if "note" in name else None
        Fleet().check(journal, sink)

        assert [0, 1] == told

    def test_a_store_that_fails_before_lets_nothing_be_told(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        def fail(name: str) -> None:
            if name == "before note_coverage":
                raise JournalUnavailable("no answer")

        journal.hook = fail

        with pytest.raises(JournalUnavailable):
            Fleet().check(journal, sink)
        assert [] == sink.announced

    def test_a_store_that_fails_afterwards_lets_it_be_told_again_under_the_same_id(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        def fail_once_told(name: str) -> None:
            if name == "before note_coverage" and sink.announced:
                raise JournalUnavailable("no answer")

        journal.hook = fail_once_told
        report = Fleet().check(journal, sink)
        journal.hook = lambda name: None
        Fleet().check(journal, sink, now=at() + day(1))

        assert ("no answer; what was delivered may be delivered again",) == report.problems
        assert sink.announced[0] == sink.announced[1]

    def test_two_checks_at_a_time_make_one_id(self) -> None:
        first, second = ListAnnouncer(), ListAnnouncer()
        Fleet(settings={GATEWAY_ID: []}).check(MemoryJournal(), first)
        Fleet(settings={GATEWAY_ID: []}).check(MemoryJournal(), second, now=at(minutes=3))

        assert first.announced[0].id == second.announced[0].id

    def test_with_no_time_left_nothing_is_sent_and_the_next_check_does(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        Fleet().check(journal, sink, left=timedelta(seconds=1))
        before = len(sink.announced)
        Fleet().check(journal, sink, now=at() + day(1))

        assert (0, 1) == (before, len(sink.announced))

    def test_a_note_that_no_check_wrote_is_told_with_how_to_mend_it(
        self, journal: MemoryJournal, sink: ListAnnouncer
    ) -> None:
        journal.coverage = {"at": "yesterday"}

        with pytest.raises(JournalUnavailable, match="delete it"):
            Fleet().check(journal, sink)
        assert [] == sink.announced


def test_a_log_off_in_part_is_told_by_its_category(
    journal: MemoryJournal, sink: ListAnnouncer
) -> None:
    fleet = Fleet()
    fleet.check(journal, sink)
    fleet.settings[GATEWAY_ID] = [a_setting(categories=BOTH - {"tunneldiagnosticlog"})]
    fleet.check(journal, sink, now=at() + day(1))

    assert ["TunnelDiagnosticLog is off"] == [each.why for each in sink.announced[-1].blind]
