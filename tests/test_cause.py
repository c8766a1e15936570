from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from detector.diagnosis.cause import AFTER, BEFORE, counting, events, not_recorded, recorded_cause
from detector.diagnosis.switchover import in_time
from detector.model import ACTIVITY, Cause, CauseKind, Kind, Phase, Signal
from tests.builders import GATEWAY_LOG, a_switch_over, at, of_activity, of_gateway

MILLISECOND = timedelta(milliseconds=1)
LATER = at(minutes=40)


def found(*rows: Signal) -> Cause:
    """The cause of a failover with one switch-over, at the start of the night's clock."""
    known = [a_switch_over()]
    counted = counting(events(sorted(rows, key=in_time)), known)
    return recorded_cause(counted, known, seen_until=LATER)


def silence(logs: Collection[str] | None, seen_until: datetime = LATER) -> str:
    """What is said of the cause of that failover where these logs show none."""
    return not_recorded([a_switch_over()], seen_until=seen_until, logs=logs).statement


def an_operation(kind: Kind, start: datetime, *ends: Phase, **changes: object) -> list[Signal]:
    """An operation of the Activity Log: its start, and how it ended a minute later."""
    rows = [of_activity(kind, Phase.STARTED, start, **changes)]
    return rows + [of_activity(kind, end, start + timedelta(minutes=1), **changes) for end in ends]


class TestKinds:
    def test_a_reset_that_succeeded_names_its_caller_and_its_first_row(self) -> None:
        recorded = found(*an_operation(Kind.RESET, at(minutes=-2), Phase.SUCCEEDED))

        assert (CauseKind.RESET, at(minutes=-2), "kim@example.net") == (
            recorded.kind,
            recorded.at,
            recorded.caller,
        )
        assert (
            "A reset of the gateway by kim@example.net at 01:58:00Z was recorded."
            == recorded.statement
        )

    def test_a_maintenance_event_is_planned_maintenance(self) -> None:
        recorded = found(of_gateway(Kind.MAINTENANCE, at(-70)))

        assert CauseKind.MAINTENANCE is recorded.kind
        assert "Planned maintenance at 01:58:50Z was recorded." == recorded.statement

    def test_a_write_that_succeeded_is_a_configuration_change(self) -> None:
        rows = an_operation(Kind.WRITE, at(minutes=-2), Phase.SUCCEEDED)

        assert CauseKind.CONFIGURATION is found(*rows).kind

    def test_a_configuration_row_that_succeeded_is_a_configuration_change(self) -> None:
        row = of_gateway(Kind.CONFIGURATION, at(-9), phase=Phase.SUCCEEDED)

        assert (CauseKind.CONFIGURATION, at(-9)) == (found(row).kind, found(row).at)

    @pytest.mark.parametrize("phase", [Phase.FAILED, Phase.STARTED, Phase.UNSTATED])
    def test_a_configuration_row_that_did_not_is_no_cause(self, phase: Phase) -> None:
        row = of_gateway(Kind.CONFIGURATION, at(-9), phase=phase)

        assert CauseKind.NOT_RECORDED is found(row).kind


class TestOrder:
    def test_a_reset_is_believed_before_maintenance_and_that_before_a_change(self) -> None:
        reset = an_operation(Kind.RESET, at(), Phase.SUCCEEDED)
        maintenance = of_gateway(Kind.MAINTENANCE, at(minutes=-3))
        change = of_gateway(Kind.CONFIGURATION, at(minutes=-9), phase=Phase.SUCCEEDED)

        assert CauseKind.RESET is found(change, maintenance, *reset).kind
        assert CauseKind.MAINTENANCE is found(change, maintenance).kind

    def test_the_statement_names_all_that_was_recorded(self) -> None:
        reset = an_operation(Kind.RESET, at(), Phase.SUCCEEDED)
        maintenance = of_gateway(Kind.MAINTENANCE, at(minutes=-3))

        assert (
            "A reset of the gateway by kim@example.net at 02:00:00Z and planned maintenance at "
            "01:57:00Z were recorded."
        ) == found(maintenance, *reset).statement

    def test_of_several_maintenance_rows_the_first_is_named(self) -> None:
        rows = [of_gateway(Kind.MAINTENANCE, at(second)) for second in (-90, -60, -30)]

        assert "Planned maintenance at 01:58:30Z was recorded." == found(*rows).statement


class TestWindow:
    @pytest.mark.parametrize("when", [at() - BEFORE, at() + AFTER])
    def test_its_ends_belong_to_it(self, when: datetime) -> None:
        assert CauseKind.MAINTENANCE is found(of_gateway(Kind.MAINTENANCE, when)).kind

    @pytest.mark.parametrize("when", [at() - BEFORE - MILLISECOND, at() + AFTER + MILLISECOND])
    def test_what_lies_outside_is_no_cause(self, when: datetime) -> None:
        assert CauseKind.NOT_RECORDED is found(of_gateway(Kind.MAINTENANCE, when)).kind

    def test_it_lies_around_every_switch_over(self) -> None:
        known = [a_switch_over(at(minutes=-40)), a_switch_over()]
        recorded = events([of_gateway(Kind.MAINTENANCE, at(minutes=-50))])

        assert recorded == counting(recorded, known)

    def test_an_operation_that_began_in_it_counts_however_late_it_succeeds(self) -> None:
        start = of_activity(Kind.RESET, Phase.STARTED, at(minutes=-2))
        end = of_activity(Kind.RESET, Phase.SUCCEEDED, at(hours=3))

        assert (CauseKind.RESET, at(minutes=-2)) == (found(start, end).kind, found(start, end).at)

    def test_an_operation_that_began_before_it_does_not(self) -> None:
        start = of_activity(Kind.RESET, Phase.STARTED, at(minutes=-16))
        end = of_activity(Kind.RESET, Phase.SUCCEEDED, at(minutes=-2))

        assert CauseKind.NOT_RECORDED is found(start, end).kind

    def test_an_operation_whose_start_was_not_logged_counts_only_near_by(self) -> None:
        near = of_activity(Kind.RESET, Phase.SUCCEEDED, at(minutes=-5))
        far = of_activity(Kind.RESET, Phase.SUCCEEDED, at(minutes=-14))

        assert CauseKind.RESET is found(near).kind
        assert CauseKind.NOT_RECORDED is found(far).kind


class TestOperations:
    @pytest.mark.parametrize("ends", [(), (Phase.FAILED,), (Phase.UNSTATED,)])
    def test_one_that_failed_or_was_merely_attempted_is_no_cause(
        self, ends: tuple[Phase, ...]
    ) -> None:
        rows = an_operation(Kind.RESET, at(minutes=-2), *ends)

        assert CauseKind.NOT_RECORDED is found(*rows).kind

    def test_rows_are_paired_by_correlation_id(self) -> None:
        mine = an_operation(Kind.RESET, at(-90), caller="kim", correlation_id="c-1")
        theirs = an_operation(
            Kind.RESET, at(-80), Phase.SUCCEEDED, caller="kim", correlation_id="c-2"
        )

        assert at(-80) == found(*mine, *theirs).at

    def test_without_one_they_are_paired_by_operation_and_caller(self) -> None:
        kim = an_operation(Kind.RESET, at(-90), caller="kim", correlation_id="")
        sam = an_operation(Kind.RESET, at(-80), Phase.SUCCEEDED, caller="Sam", correlation_id="")

        assert (at(-80), "Sam") == (found(*kim, *sam).at, found(*kim, *sam).caller)

    def test_without_one_an_attempt_that_failed_is_not_ended_by_the_next(self) -> None:
        first = an_operation(Kind.RESET, at(minutes=-9), Phase.FAILED, correlation_id="")
        second = an_operation(Kind.RESET, at(minutes=-4), Phase.SUCCEEDED, correlation_id="")

        assert at(minutes=-4) == found(*first, *second).at

    def test_start_and_accept_begin_one_operation(self) -> None:
        rows = an_operation(Kind.RESET, at(-90), Phase.STARTED, Phase.SUCCEEDED, correlation_id="")

        assert [at(-90)] == [record.at for record in events(sorted(rows, key=in_time))]

    def test_a_hostile_caller_stays_on_one_line(self) -> None:
        rows = an_operation(Kind.RESET, at(), Phase.SUCCEEDED, caller="kim\n# Ha\u202e" + "x" * 999)

        assert "\n" not in found(*rows).statement
        assert len(found(*rows).statement) < 200


class TestNotRecorded:
    BOTH = (GATEWAY_LOG, ACTIVITY)

    @pytest.mark.parametrize(
        ("logs", "told"),
        [
            (None, "could not be asked"),
            (BOTH, "and the Activity Log show no maintenance, reset or configuration change"),
            ((GATEWAY_LOG,), "so a reset by a user would not show"),
            ((ACTIVITY,), "so maintenance might not show"),
            ((), "a maintenance or a reset would not show"),
        ],
    )
    def test_the_statement_says_which_logs_there_were_to_look_in(
        self, logs: Collection[str] | None, told: str
    ) -> None:
        statement = silence(logs)

        assert statement.startswith("No cause was recorded by 02:40:00Z")
        assert told in statement

    def test_while_the_activity_log_may_be_late_the_statement_says_so(self) -> None:
        early = silence(self.BOTH, at(minutes=5))

        assert "so far (the Activity Log can be 20 minutes late)" in early
        assert "so far" not in silence(self.BOTH)

    def test_until_the_logs_are_asked_for_it_is_not_known_which_there_are(self) -> None:
        assert silence(None) == found().statement

    @pytest.mark.parametrize("logs", [None, BOTH, (ACTIVITY,), ()])
    def test_it_never_says_unplanned(self, logs: Collection[str] | None) -> None:
        assert "unplanned" not in silence(logs).lower()
