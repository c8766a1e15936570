from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from detector.diagnosis.cause import (
    AFTER,
    BEFORE,
    HEALTH_ASKED,
    Records,
    causes_of,
    events,
)
from detector.diagnosis.switchover import in_time
from detector.model import (
    ACTIVITY,
    CUSTOMER_INITIATED,
    PLATFORM_INITIATED,
    RESOURCE_HEALTH,
    Cause,
    CauseKind,
    HealthEvent,
    Kind,
    Phase,
    Signal,
    SwitchOver,
)
from tests.builders import GATEWAY_LOG, a_switch_over, at, of_activity, of_gateway

MILLISECOND = timedelta(milliseconds=1)
LATER = at(minutes=40)
KNOWN: Final = a_switch_over()


def causes(
    *rows: Signal,
    known: Iterable[SwitchOver] = (KNOWN,),
    health: Iterable[HealthEvent] = (),
    now: datetime = LATER,
    logs: Collection[str] | None = None,
    migration: str | None = None,
) -> tuple[Cause, tuple[Cause, ...]]:
    """The cause of a failover, and that of each of its switch-overs."""
    recorded = Records(events=events(sorted(rows, key=in_time), health))
    return causes_of(
        tuple(known), recorded, now=now, seen_until=now, logs=logs, migration=migration
    )


def found(*rows: Signal, **changes: Any) -> Cause:
    """The cause of a failover with one switch-over, at the start of the night's clock."""
    whole, _ = causes(*rows, **changes)
    return whole


def an_operation(kind: Kind, start: datetime, *ends: Phase, **changes: object) -> list[Signal]:
    """An operation of the Activity Log: its start, and how it ended a minute later."""
    rows = [of_activity(kind, Phase.STARTED, start, **changes)]
    return rows + [of_activity(kind, end, start + timedelta(minutes=1), **changes) for end in ends]


def an_entry(begun: datetime, ended: datetime | None = None, **changes: Any) -> HealthEvent:
    """An entry of Resource Health: the gateway was unavailable."""
    entry = HealthEvent(
        at=begun,
        resolved_at=ended,
        state="Unavailable",
        title="VPN gateway restarted",
        summary="",
        reason_type="Unplanned",
        context=PLATFORM_INITIATED,
        category="",
    )
    return replace(entry, **changes)


MAINTENANCE: Final = of_gateway(Kind.MAINTENANCE, at(minutes=-3))
QUOTED: Final = "\u201cVPN gateway restarted\u201d in Resource Health"
RESET: Final = an_operation(Kind.RESET, at(minutes=-2), Phase.SUCCEEDED)


class TestKinds:
    def test_a_reset_that_succeeded_names_its_caller_its_first_row_and_the_distance(self) -> None:
        recorded = found(*RESET)

        assert (CauseKind.RESET, at(minutes=-2), "kim@example.net") == (
            recorded.kind,
            recorded.at,
            recorded.caller,
        )
        assert (
            "A reset of the gateway by kim@example.net was recorded at 01:58:00Z, 2 min before."
            == recorded.statement
        )
        assert (
            "with a reset of the gateway by kim@example.net recorded at 01:58:00Z, 2 min before"
            == recorded.clause
        )

    def test_a_maintenance_row_is_maintenance_and_nobody_calls_it_planned(self) -> None:
        recorded = found(of_gateway(Kind.MAINTENANCE, at(-70)))

        assert CauseKind.MAINTENANCE is recorded.kind
        assert "Maintenance was recorded at 01:58:50Z, 1 min 10 s before." == recorded.statement

    @pytest.mark.parametrize(
        ("row", "kind", "said"),
        [
            (
                of_gateway(Kind.MIGRATION, at(-9)),
                CauseKind.MIGRATION,
                "A migration of the gateway was",
            ),
            (
                of_gateway(Kind.CONFIGURATION, at(-9), phase=Phase.SUCCEEDED),
                CauseKind.CONFIGURATION,
                "A configuration change was",
            ),
            (
                of_gateway(Kind.CONNECTION_CHANGE, at(-9), phase=Phase.SUCCEEDED),
                CauseKind.CONFIGURATION,
                "A change of a connection was",
            ),
        ],
    )
    def test_a_row_of_the_gateways_own_log(self, row: Signal, kind: CauseKind, said: str) -> None:
        assert (kind, at(-9)) == (found(row).kind, found(row).at)
        assert found(row).statement.startswith(said)

    @pytest.mark.parametrize(
        ("kind", "changes", "cause", "said"),
        [
            (Kind.WRITE, {}, CauseKind.CONFIGURATION, "A configuration change by kim"),
            (Kind.MIGRATION, {}, CauseKind.MIGRATION, "A migration of the gateway by kim"),
            (
                Kind.CONNECTION_CHANGE,
                {"connection": "/subscriptions/s/connections/conn-paris"},
                CauseKind.CONFIGURATION,
                "A change of the connection conn-paris by kim",
            ),
        ],
    )
    def test_an_operation_that_succeeded(
        self, kind: Kind, changes: dict[str, Any], cause: CauseKind, said: str
    ) -> None:
        recorded = found(*an_operation(kind, at(minutes=-2), Phase.SUCCEEDED, **changes))

        assert cause is recorded.kind
        assert recorded.statement.startswith(said)

    @pytest.mark.parametrize("phase", [Phase.FAILED, Phase.STARTED, Phase.UNSTATED])
    @pytest.mark.parametrize("kind", [Kind.CONFIGURATION, Kind.CONNECTION_CHANGE])
    def test_a_configuration_row_that_did_not_succeed_is_no_cause(
        self, kind: Kind, phase: Phase
    ) -> None:
        assert CauseKind.NOT_RECORDED is found(of_gateway(kind, at(-9), phase=phase)).kind

    @pytest.mark.parametrize("words", ["planned", "because", "during"])
    def test_what_is_recorded_is_never_called_the_reason(self, words: str) -> None:
        recorded = found(MAINTENANCE, *RESET)

        assert words not in f"{recorded.statement} {recorded.clause}".lower()

    @pytest.mark.parametrize(
        ("status", "is_open"),
        [
            ("ExecuteSucceeded/Succeeded", True),
            ("CommitSucceeded/Succeeded", False),
            ("AbortSucceeded/Succeeded", False),
            (None, False),
        ],
    )
    def test_a_migration_that_is_not_committed_says_so_by_the_gateways_own_status(
        self, *, status: str | None, is_open: bool
    ) -> None:
        rows = an_operation(Kind.MIGRATION, at(minutes=-2), Phase.SUCCEEDED)

        assert is_open is ("not yet committed" in found(*rows, migration=status).statement)
        assert "committed" not in found(*RESET, migration=status).statement


class TestOrder:
    def test_which_is_believed_before_which(self) -> None:
        migration = of_gateway(Kind.MIGRATION, at(minutes=-3))
        change = of_gateway(Kind.CONFIGURATION, at(minutes=-9), phase=Phase.SUCCEEDED)
        entry = an_entry(at(minutes=-12))
        every = [*RESET, migration, MAINTENANCE, change]

        kinds = [found(*every[number:], health=[entry]) for number in (0, 2, 3, 4)]

        assert [
            CauseKind.RESET,
            CauseKind.MIGRATION,
            CauseKind.MAINTENANCE,
            CauseKind.CONFIGURATION,
        ] == [cause.kind for cause in kinds]
        assert CauseKind.RESOURCE_HEALTH is found(health=[entry]).kind
        assert tuple(CauseKind)[1:5] == kinds[0].others

    def test_the_statement_names_all_that_was_recorded_and_how_far_away(self) -> None:
        late = of_gateway(Kind.CONFIGURATION, at(minutes=4), phase=Phase.SUCCEEDED)

        assert (
            "A reset of the gateway by kim@example.net was recorded at 01:58:00Z, 2 min before; "
            "maintenance was recorded at 01:57:00Z, 3 min before; "
            "a configuration change was recorded at 02:04:00Z, 4 min after."
        ) == found(late, MAINTENANCE, *RESET).statement

    def test_of_several_rows_of_one_maintenance_the_first_is_named(self) -> None:
        rows = [of_gateway(Kind.MAINTENANCE, at(second)) for second in (-270, -150, -30)]

        assert "Maintenance was recorded at 01:55:30Z, 4 min 30 s before." == found(*rows).statement
        assert ((), 1) == (found(*rows).others, found(*rows).records)

    def test_of_two_changes_the_one_that_says_who_asked_is_named_first(self) -> None:
        write = an_operation(Kind.WRITE, at(minutes=-9), Phase.SUCCEEDED)
        row = of_gateway(Kind.CONFIGURATION, at(-5), phase=Phase.SUCCEEDED)

        assert ("kim@example.net", 2) == (found(row, *write).caller, found(row, *write).records)

    @pytest.mark.parametrize(("second", "others"), [(-90, 0), (-89.999, 1)])
    def test_rows_of_one_kind_no_more_than_three_minutes_apart_are_one(
        self, second: float, others: int
    ) -> None:
        rows = [of_gateway(Kind.MAINTENANCE, at(when)) for when in (-270, second)]

        assert others == len(found(*rows).others)

    @pytest.mark.parametrize(("seconds", "others"), [(-180, 0), (-180.001, 1)])
    def test_a_row_up_to_three_minutes_before_a_write_is_of_that(
        self, seconds: float, others: int
    ) -> None:
        write = an_operation(Kind.WRITE, at(), Phase.SUCCEEDED)
        row = of_gateway(Kind.CONFIGURATION, at(seconds), phase=Phase.SUCCEEDED)

        assert others == len(found(*write, row).others)

    def test_a_row_just_after_the_end_of_a_long_write_is_of_that(self) -> None:
        start, end = at(minutes=-9), at(minutes=-1)
        write = [
            of_activity(Kind.WRITE, phase, when)
            for phase, when in ((Phase.STARTED, start), (Phase.SUCCEEDED, end))
        ]

        assert (
            () == found(*write, of_gateway(Kind.CONFIGURATION, at(), phase=Phase.SUCCEEDED)).others
        )

    def test_what_was_recorded_on_another_day_has_its_date(self) -> None:
        known = a_switch_over(at(hours=-2, minutes=1))

        recorded = found(of_gateway(Kind.MAINTENANCE, at(hours=-2, minutes=-1)), known=[known])

        assert (
            "Maintenance was recorded at 2026-11-21 23:59:00Z, 2 min before." == recorded.statement
        )

    def test_a_further_one_of_the_same_kind_is_named_as_well(self) -> None:
        rows = [of_gateway(Kind.MAINTENANCE, at(minutes=minute)) for minute in (-14, 4)]

        assert (
            "Maintenance was recorded at 01:46:00Z, 14 min before; "
            "maintenance was recorded at 02:04:00Z, 4 min after."
        ) == found(*rows).statement
        assert (CauseKind.MAINTENANCE,) == found(*rows).others

    def test_two_resets_are_two_however_near(self) -> None:
        second = an_operation(Kind.RESET, at(-90), Phase.SUCCEEDED, correlation_id="c-2")

        assert 2 == found(*RESET, *second).statement.count("reset of the gateway")

    def test_a_write_and_the_rows_that_it_leaves_are_one_change(self) -> None:
        write = an_operation(Kind.WRITE, at(minutes=-2), Phase.SUCCEEDED)
        row = of_gateway(Kind.CONFIGURATION, at(-30), phase=Phase.SUCCEEDED)

        assert () == found(*write, row).others

    def test_changes_of_two_connections_are_two(self) -> None:
        rows = [
            row
            for name in ("paris", "lyon")
            for row in an_operation(
                Kind.CONNECTION_CHANGE,
                at(minutes=-2),
                Phase.SUCCEEDED,
                connection=f"/connections/{name}",
                correlation_id=name,
            )
        ]

        assert "the connection paris" in found(*rows).statement
        assert "the connection lyon" in found(*rows).statement


class TestEachSwitchOver:
    """The cause is that of each switch-over of its own; which has which is said."""

    AT: Final = tuple(a_switch_over(at(minutes=minute)) for minute in (0, 55, 110, 165))

    def test_one_row_before_the_first_of_four_is_recorded_beside_the_first_only(self) -> None:
        whole, each = causes(MAINTENANCE, known=self.AT, now=at(hours=4))

        assert [CauseKind.MAINTENANCE, *[CauseKind.NOT_RECORDED] * 3] == [c.kind for c in each]
        assert (CauseKind.MAINTENANCE, at(minutes=-3)) == (whole.kind, whole.at)
        assert (
            "Beside the switch-over at 02:00:00Z: maintenance was recorded at 01:57:00Z, "
            "3 min before. Beside those at 02:55:00Z, 03:50:00Z and 04:45:00Z nothing was recorded."
        ) == whole.statement
        assert "with maintenance recorded at 01:57:00Z, 3 min before the first" == whole.clause

    def test_beside_each_the_nearest_is_named(self) -> None:
        minutes = (-10, -1, 54, 109)
        rows = [of_gateway(Kind.MAINTENANCE, at(minutes=minute)) for minute in minutes]

        whole, _ = causes(*rows, known=self.AT[:3], now=at(hours=4))

        assert (
            "with maintenance recorded beside each, at 01:59:00Z, 02:54:00Z and 03:49:00Z"
            == whole.clause
        )

    def test_one_other_that_nothing_stands_beside_is_named(self) -> None:
        whole, _ = causes(MAINTENANCE, known=self.AT[:2], now=at(hours=4))

        assert whole.statement.endswith("Beside that at 02:55:00Z nothing was recorded.")

    def test_one_beside_another_than_the_first_says_which(self) -> None:
        row = of_gateway(Kind.MAINTENANCE, at(minutes=54))
        whole, _ = causes(row, known=self.AT[:2], now=at(hours=4))

        assert (
            "with maintenance recorded at 02:54:00Z, 1 min before that at 02:55:00Z" == whole.clause
        )

    @pytest.mark.parametrize(
        ("number", "said"),
        [(0, "at the time of the first"), (1, "at the time of that at 02:55:00Z")],
    )
    def test_one_at_the_very_time_says_so(self, number: int, said: str) -> None:
        row = of_gateway(Kind.MAINTENANCE, self.AT[number].at)
        whole, each = causes(row, known=self.AT[:2], now=at(hours=4))

        assert whole.clause.endswith(f", {said}")
        assert each[number].clause.endswith(", at the same time")

    def test_one_beside_each_says_so(self) -> None:
        rows = [of_gateway(Kind.MAINTENANCE, known.at - timedelta(minutes=1)) for known in self.AT]
        two, _ = causes(*rows, known=self.AT[:2], now=at(hours=4))
        four, _ = causes(*rows, known=self.AT, now=at(hours=4))

        assert "with maintenance recorded beside each, at 01:59:00Z and 02:54:00Z" == two.clause
        assert (
            "with maintenance recorded beside each, between 01:59:00Z and 04:44:00Z" == four.clause
        )
        assert "nothing was recorded" not in four.statement

    def test_resets_by_two_people_are_not_told_as_by_one(self) -> None:
        kim = an_operation(Kind.RESET, at(minutes=-2), Phase.SUCCEEDED)
        sam = an_operation(
            *(Kind.RESET, at(minutes=53), Phase.SUCCEEDED),
            caller="sam@example.net",
            correlation_id="c-2",
        )
        whole, each = causes(*kim, *sam, known=self.AT[:2], now=at(hours=4))

        assert ["kim@example.net", "sam@example.net"] == [cause.caller for cause in each]
        assert whole.clause.endswith(
            "by kim@example.net recorded at 01:58:00Z, 2 min before the first"
        )

    def test_of_very_many_the_statement_stays_readable(self) -> None:
        known = [a_switch_over(at(minutes=50 * number)) for number in range(60)]
        rows = [of_gateway(Kind.MAINTENANCE, each.at) for each in known[:50]]

        whole, _ = causes(*rows, known=known, now=at(hours=60))

        assert len(whole.statement) < 3000
        assert "Beside 30 more switch-overs something was recorded, too." in whole.statement
        assert whole.statement.endswith("Beside the other 10 nothing was recorded.")


class TestResourceHealth:
    """An entry that is Unavailable or Degraded counts where its time touches the cause window."""

    @pytest.mark.parametrize(
        ("begun", "ended", "counts"),
        [
            (at(minutes=-16), None, False),
            (at(minutes=-16), at(minutes=-15), True),
            (at(hours=-9), at(minutes=30), True),
            (at(hours=-9), at(minutes=-15) - MILLISECOND, False),
            (at(minutes=-15), None, True),
            (at(minutes=5), at(minutes=9), True),
            (at(minutes=5) + MILLISECOND, None, False),
        ],
    )
    def test_its_time_touches_the_window(
        self, *, begun: datetime, ended: datetime | None, counts: bool
    ) -> None:
        kind = found(health=[an_entry(begun, ended)]).kind

        assert counts is (kind is CauseKind.RESOURCE_HEALTH)

    @pytest.mark.parametrize(
        ("state", "counts"),
        [("Unavailable", True), ("degraded", True), ("Available", False), ("Unknown", False)],
    )
    def test_only_what_was_unavailable_or_degraded_counts(
        self, *, state: str, counts: bool
    ) -> None:
        kind = found(health=[an_entry(at(), state=state)]).kind

        assert counts is (kind is CauseKind.RESOURCE_HEALTH)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            (
                {},
                f"{QUOTED} (platform initiated, unplanned)",
            ),
            (
                {"context": CUSTOMER_INITIATED, "reason_type": ""},
                f"{QUOTED} (customer initiated)",
            ),
            (
                {"reason_type": "", "category": "Planned"},
                f"{QUOTED} (platform initiated, planned)",
            ),
            (
                {"context": "", "reason_type": "", "title": ""},
                "\u201cUnavailable\u201d in Resource Health",
            ),
        ],
    )
    def test_it_is_quoted_with_its_title_and_its_time(
        self, changes: dict[str, Any], said: str
    ) -> None:
        entry = an_entry(at(-60), **changes)

        assert f"{said} was recorded at 01:59:00Z, 1 min before." == found(health=[entry]).statement

    @pytest.mark.parametrize("reason", ["Planned", "Unplanned"])
    @pytest.mark.parametrize(
        ("context", "said"), [("", QUOTED), (CUSTOMER_INITIATED, f"{QUOTED} (customer initiated)")]
    )
    def test_planned_and_unplanned_are_said_only_of_what_the_platform_began(
        self, context: str, said: str, reason: str
    ) -> None:
        entry = an_entry(at(), context=context, reason_type=reason)

        assert f"{said} was recorded at 02:00:00Z, at the same time." == (
            found(health=[entry]).statement
        )

    def test_a_row_of_the_log_and_the_entry_that_was_asked_for_are_one(self) -> None:
        entry = an_entry(at(-60))
        row = of_gateway(
            Kind.HEALTH, at(-60), source=RESOURCE_HEALTH, health=replace(entry, summary="more")
        )

        assert () == found(row, health=[entry]).others
        assert CauseKind.RESOURCE_HEALTH is found(row).kind


class TestNotEndedYet:
    """What was started and has no end yet is said, as not recorded yet."""

    STARTED: Final = an_operation(Kind.RESET, at(minutes=-2))

    def test_it_is_named_with_its_caller_and_is_no_cause(self) -> None:
        recorded = found(*self.STARTED)

        assert (CauseKind.NOT_RECORDED, True, at(minutes=-2), "kim@example.net") == (
            recorded.kind,
            recorded.started,
            recorded.at,
            recorded.caller,
        )
        assert recorded.statement.startswith(
            "A reset of the gateway by kim@example.net was started at 01:58:00Z and has no end yet."
        )
        assert recorded.clause.endswith("started at 01:58:00Z, no end of it recorded yet")

    @pytest.mark.parametrize("ends", [(), (Phase.FAILED,)])
    def test_each_of_several_is_named(self, ends: tuple[Phase, ...]) -> None:
        other = an_operation(
            Kind.RESET, at(-30), *ends, caller="sam@example.net", correlation_id="c-2"
        )
        recorded = found(*an_operation(Kind.RESET, at(minutes=-2), *ends), *other)

        assert "by kim@example.net" in recorded.statement
        assert "by sam@example.net" in recorded.statement

    def test_a_row_that_does_not_say_how_it_went_ends_nothing(self) -> None:
        assert found(*self.STARTED, of_activity(Kind.RESET, Phase.UNSTATED, at(60))).started

    def test_its_success_makes_it_the_cause(self) -> None:
        done = found(*RESET)

        assert (CauseKind.RESET, False) == (done.kind, done.started)

    def test_its_failure_makes_it_nothing(self) -> None:
        failed = found(*self.STARTED, of_activity(Kind.RESET, Phase.FAILED, at(60)))

        assert (CauseKind.NOT_RECORDED, False) == (failed.kind, failed.started)
        assert "started at 01:58:00Z, failed at 02:01:00Z." in failed.statement
        assert "(a reset of the gateway by kim@example.net failed at 02:01:00Z)" in failed.clause

    def test_beside_a_cause_it_is_told_as_well(self) -> None:
        recorded = found(MAINTENANCE, *self.STARTED)

        assert (CauseKind.MAINTENANCE, True) == (recorded.kind, recorded.started)
        assert recorded.statement.endswith("was started at 01:58:00Z and has no end yet.")


class TestWindow:
    @pytest.mark.parametrize("when", [at() - BEFORE, at() + AFTER])
    def test_its_ends_belong_to_it(self, when: datetime) -> None:
        assert CauseKind.MAINTENANCE is found(of_gateway(Kind.MAINTENANCE, when)).kind

    @pytest.mark.parametrize("when", [at() - BEFORE - MILLISECOND, at() + AFTER + MILLISECOND])
    def test_what_lies_outside_is_no_cause(self, when: datetime) -> None:
        assert CauseKind.NOT_RECORDED is found(of_gateway(Kind.MAINTENANCE, when)).kind

    def test_it_lies_around_every_switch_over(self) -> None:
        known = [a_switch_over(at(minutes=-40)), a_switch_over()]
        recorded = Records(events=events([of_gateway(Kind.MAINTENANCE, at(minutes=-50))]))

        assert recorded.events == recorded.counting(known)

    @pytest.mark.parametrize("when", [at(minutes=-16), at(minutes=8)])
    def test_it_lies_around_the_interval_of_a_switch_over(self, when: datetime) -> None:
        known = a_switch_over(first=at(minutes=-1), last=at(minutes=3))

        assert (
            CauseKind.MAINTENANCE is found(of_gateway(Kind.MAINTENANCE, when), known=[known]).kind
        )

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

    def test_without_one_the_next_attempt_may_follow_at_once(self) -> None:
        """The first was started, accepted and failed."""
        phases = (Phase.STARTED, Phase.STARTED, Phase.FAILED, Phase.STARTED, Phase.SUCCEEDED)
        rows = [
            of_activity(Kind.RESET, phase, at(10 * number), correlation_id="")
            for number, phase in enumerate(phases)
        ]

        assert at(30) == found(*rows).at

    @pytest.mark.parametrize(
        ("seconds", "phases", "operations"),
        [
            ((0, 180), (Phase.STARTED, Phase.STARTED), 1),
            ((0, 180.001), (Phase.STARTED, Phase.STARTED), 2),
            ((0, 600), (Phase.STARTED, Phase.SUCCEEDED), 1),
            ((0, 30, 60, 240), (Phase.STARTED,) * 2 + (Phase.SUCCEEDED,) * 2, 1),
            ((0, 30, 60, 240.001), (Phase.STARTED,) * 2 + (Phase.SUCCEEDED,) * 2, 2),
        ],
    )
    def test_without_one_the_same_row_over_three_minutes_later_begins_another(
        self, seconds: tuple[float, ...], phases: tuple[Phase, ...], operations: int
    ) -> None:
        rows = [
            of_activity(Kind.RESET, phase, at(second), correlation_id="")
            for second, phase in zip(seconds, phases, strict=True)
        ]

        assert operations == len(events(rows))

    def test_start_and_accept_begin_one_operation(self) -> None:
        rows = an_operation(Kind.RESET, at(-90), Phase.STARTED, Phase.SUCCEEDED, correlation_id="")

        assert [at(-90)] == [record.at for record in events(sorted(rows, key=in_time))]

    def test_of_a_long_name_120_characters_are_told_and_of_a_connection_80(self) -> None:
        rows = an_operation(
            *(Kind.CONNECTION_CHANGE, at(), Phase.SUCCEEDED),
            caller="k" * 121,
            connection=f"/connections/{'c' * 81}",
        )

        assert f"{'c' * 79}… by {'k' * 119}… was recorded" in found(*rows).statement

    def test_of_a_long_title_120_characters_are_quoted_and_of_the_rest_80(self) -> None:
        entry = an_entry(at(), title="t" * 121, reason_type="", context="c" * 81)

        assert f"{'t' * 119}…” in Resource Health ({'c' * 79}…)" in (
            found(health=[entry]).statement
        )

    def test_a_hostile_caller_stays_on_one_line(self) -> None:
        rows = an_operation(Kind.RESET, at(), Phase.SUCCEEDED, caller="kim\n# Ha\u202e" + "x" * 999)

        assert "\n" not in found(*rows).statement
        assert len(found(*rows).statement) < 200


class TestNotRecorded:
    """It lists exactly what was searched, and says what could not have shown."""

    GATEWAY: Final = "the gateway's diagnostic log (maintenance, configuration changes, moves)"
    ADMINISTRATIVE: Final = (
        "the Activity Log (resets, migrations, changes of the gateway and its connections)"
    )
    NO_GATEWAY: Final = (
        "o row of the gateway's diagnostic log was found, so a maintenance would not show"
    )
    NO_ADMINISTRATIVE: Final = (
        "o administrative row of its subscription's Activity Log was found, so a reset by a user "
        "would not show"
    )

    @pytest.mark.parametrize(
        ("logs", "told"),
        [
            (None, "; which logs there are to look in could not be asked."),
            (
                {GATEWAY_LOG, ACTIVITY, HEALTH_ASKED},
                f". Searched: {GATEWAY}, {ADMINISTRATIVE} and Resource Health.",
            ),
            ({GATEWAY_LOG}, f". Searched: {GATEWAY}. N{NO_ADMINISTRATIVE}."),
            (
                {ACTIVITY, RESOURCE_HEALTH},
                f". Searched: {ADMINISTRATIVE} and Resource Health. N{NO_GATEWAY}.",
            ),
            (
                {RESOURCE_HEALTH},
                f". Searched: Resource Health. N{NO_GATEWAY}. N{NO_ADMINISTRATIVE}.",
            ),
            ((), f": n{NO_GATEWAY}; n{NO_ADMINISTRATIVE}."),
        ],
    )
    def test_it_says_which_logs_were_searched_for_what(
        self, logs: Collection[str] | None, told: str
    ) -> None:
        assert f"No cause was recorded by 02:40:00Z{told}" == found(logs=logs).statement

    @pytest.mark.parametrize(("minutes", "yet"), [(19.99, True), (20, False)])
    def test_until_20_minutes_have_passed_it_is_not_recorded_yet(
        self, *, minutes: float, yet: bool
    ) -> None:
        recorded = found(now=at(minutes=minutes), logs={GATEWAY_LOG, ACTIVITY})

        assert yet is recorded.statement.startswith("No cause was recorded yet by")
        assert yet is recorded.statement.endswith(" Logs can be 20 minutes late.")
        assert (
            "with no recorded cause yet" if yet else "with no recorded cause"
        ) == recorded.clause

    def test_the_time_counts_from_the_latest_switch_over(self) -> None:
        known = [KNOWN, a_switch_over(at(minutes=40))]
        whole, each = causes(known=known, now=at(minutes=45))

        assert "yet" in whole.clause
        assert [False, True] == ["yet" in cause.clause for cause in each]

    @pytest.mark.parametrize("logs", [None, (GATEWAY_LOG, ACTIVITY), (ACTIVITY,), ()])
    def test_it_never_says_unplanned(self, logs: Collection[str] | None) -> None:
        assert "unplanned" not in found(logs=logs).statement.lower()
