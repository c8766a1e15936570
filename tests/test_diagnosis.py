from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import pytest

from detector.diagnosis.diagnosis import all_tunnels, evidence_row, judged, named, with_logs
from detector.diagnosis.live import TRIES
from detector.model import (
    ACTIVITY,
    CauseKind,
    Diagnosis,
    EndSource,
    HealthEvent,
    Importance,
    Kind,
    LiveAnswer,
    Outage,
    Phase,
    Redundancy,
    Signal,
    State,
    TunnelStatus,
)
from tests.builders import (
    GATEWAY_LOG,
    LYON,
    NICE,
    PARIS,
    ZERO,
    a_diagnosis,
    an_examination,
    an_observation,
    an_outage,
    at,
    diagnosed,
    down,
    of_activity,
    of_gateway,
    up,
)

MOVED = (down(at()), up(at(14)))
OPEN = an_outage(end=None)
UP, NOT_UP = TunnelStatus.CONNECTED, TunnelStatus.NOT_CONNECTED


NOW = at(hours=1)


def answered(outage: Outage, after: float, **answer: Any) -> Outage:
    """The outage as ARM was asked of it so many seconds after the start of the night's clock."""
    return replace(outage, live=LiveAnswer(at=at(after), **answer))


def found(*outages: Outage, now: datetime = NOW, **changes: Any) -> Diagnosis:
    """The diagnosis with these outages, judged."""
    return judged(a_diagnosis(outages=outages, **changes), now=now)


def a_loss(*tunnels: Outage) -> Redundancy:
    """The redundancy that went with these tunnels of the first instance."""
    ends = [tunnel.end for tunnel in tunnels if tunnel.end]
    end = max(ends) if len(ends) == len(tunnels) else None
    return Redundancy(instance=ZERO, start=tunnels[0].start, end=end, tunnels=tunnels)


class TestState:
    @pytest.mark.parametrize(
        ("tunnel", "state"),
        [
            (an_outage(), State.RECOVERED),
            (replace(an_outage(), end_source=EndSource.ARM), State.RECOVERED),
            (replace(OPEN, back_before=at(minutes=30)), State.RECOVERED),
            (OPEN, State.ONGOING),
            (answered(OPEN, 400, status=UP, contradicts=True), State.ONGOING),
            (answered(OPEN, 400, gone=True), State.UNKNOWN),
        ],
        ids=["back", "back by ARM", "back unlogged", "open", "disputed", "gone"],
    )
    def test_it_is_that_of_what_was_lost_whether_a_peer_was_out_or_not(
        self, tunnel: Outage, state: State
    ) -> None:
        loss = judged(a_diagnosis(redundancy=(a_loss(tunnel),)), now=NOW)
        unclear = judged(a_diagnosis(unclear=(tunnel,)), now=NOW)

        assert {state} == {found(tunnel).state, loss.state, unclear.state}
        assert state is found(an_outage(LYON), tunnel).state

    def test_without_rows_of_tunnels_it_is_unknown(self) -> None:
        known = diagnosed(of_gateway(Kind.PRIMARY_CHANGED, at()))

        assert (State.UNKNOWN, Importance.INFORMATION) == (known.state, known.importance)

    @pytest.mark.parametrize(("hours", "state"), [(25, State.ONGOING), (25.01, State.UNKNOWN)])
    def test_after_a_day_of_asking_it_is_unknown(self, hours: float, state: State) -> None:
        assert state is found(OPEN, now=at(hours=hours)).state

    def test_what_was_down_before_counts_for_nothing(self) -> None:
        known = diagnosed(*MOVED, down(at(minutes=-20), ZERO, LYON))

        assert (State.RECOVERED, Importance.INFORMATION) == (known.state, known.importance)


class TestImportance:
    @pytest.mark.parametrize(
        ("seconds", "importance"), [(180, Importance.INFORMATION), (181, Importance.WARNING)]
    )
    def test_an_outage_of_more_than_three_minutes_is_a_warning(
        self, seconds: float, importance: Importance
    ) -> None:
        assert importance is found(an_outage(end=seconds)).importance

    def test_an_end_by_arm_is_an_upper_bound_and_makes_no_long_outage(self) -> None:
        by_arm = replace(an_outage(end=3000), end_source=EndSource.ARM)

        assert Importance.INFORMATION is found(by_arm).importance

    @pytest.mark.parametrize(
        ("seconds", "importance"), [(299, Importance.WARNING), (300, Importance.CRITICAL)]
    )
    def test_a_peer_that_arm_shows_out_for_five_minutes_is_critical(
        self, seconds: float, importance: Importance
    ) -> None:
        assert importance is found(answered(OPEN, seconds, status=NOT_UP)).importance

    @pytest.mark.parametrize(
        ("seen", "importance"), [(299, Importance.WARNING), (300, Importance.CRITICAL)]
    )
    def test_or_one_out_for_so_long_by_the_tunnels_rows_where_arm_cannot_be_asked(
        self, seen: float, importance: Importance
    ) -> None:
        refused = answered(OPEN, 900, refused=True, failures=TRIES, problem="no permission")

        assert importance is found(refused, tunnels_seen_until=at(seen)).importance

    @pytest.mark.parametrize(
        "tunnel",
        [
            OPEN,
            answered(OPEN, 900, failures=TRIES - 1, problem="throttled"),
            answered(OPEN, 900, status=UP, contradicts=True),
            answered(OPEN, 900, status=TunnelStatus.UNKNOWN, failures=1),
        ],
        ids=["not asked yet", "may still answer", "contradicts", "does not know"],
    )
    def test_arm_is_asked_before_critical_is_said_and_never_after(self, tunnel: Outage) -> None:
        assert Importance.WARNING is found(tunnel, tunnels_seen_until=NOW).importance

    def test_lost_redundancy_is_a_warning_also_when_it_is_back(self) -> None:
        known = judged(a_diagnosis(redundancy=(a_loss(an_outage(end=60)),)), now=NOW)

        assert (State.RECOVERED, Importance.WARNING) == (known.state, known.importance)

    @pytest.mark.parametrize(
        ("minutes", "others", "importance"),
        [
            (29.9, (), Importance.WARNING),
            (30, (), Importance.CRITICAL),
            (30, (an_outage(LYON, 0, 60),), Importance.WARNING),
        ],
    )
    def test_an_instance_that_stays_without_tunnels_is_critical_after_half_an_hour(
        self, minutes: float, others: tuple[Outage, ...], importance: Importance
    ) -> None:
        away = answered(OPEN, minutes * 60, status=NOT_UP)

        known = judged(a_diagnosis(redundancy=(a_loss(away, *others),)), now=NOW)

        assert importance is known.importance

    def test_an_instance_whose_tunnels_bounced_and_stay_away_is_critical_all_the_same(self) -> None:
        """They were back for a moment; the instance has had none for half an hour."""
        again = answered(an_outage(PARIS, 90, None), 1900, status=NOT_UP)

        known = judged(a_diagnosis(redundancy=(a_loss(an_outage(end=60), again),)), now=NOW)

        assert Importance.CRITICAL is known.importance


class TestFlapping:
    @pytest.mark.parametrize(("hours", "flapping"), [(-24, True), (-24.001, False)])
    def test_three_switch_overs_within_24_hours_are_flapping(
        self, *, hours: float, flapping: bool
    ) -> None:
        found = diagnosed(*MOVED, others=[at(hours=hours), at(hours=-2)])

        assert flapping is found.flapping

    def test_what_comes_after_the_failover_does_not_make_it_flap(self) -> None:
        assert not diagnosed(*MOVED, others=[at(hours=-2), at(hours=3)]).flapping

    def test_flapping_is_a_warning(self) -> None:
        assert Importance.WARNING is judged(a_diagnosis(flapping=True), now=NOW).importance


class TestEvidence:
    def test_the_rows_that_it_rests_on_stand_in_time_order_in_words(self) -> None:
        reset = of_activity(Kind.RESET, Phase.STARTED, at(-90))
        done = replace(reset, at=at(-30), phase=Phase.SUCCEEDED)
        primary = of_gateway(Kind.PRIMARY_CHANGED, at(1), text="as Azure wrote it")

        found = diagnosed(*MOVED, reset, done, primary)

        assert [
            "reset of the gateway by kim@example.net started",
            "reset of the gateway by kim@example.net succeeded",
            "198.51.100.11 disconnected on GatewayTenantWorker_IN_0",
            "the gateway's primary instance changed: as Azure wrote it",
            "198.51.100.11 connected on GatewayTenantWorker_IN_1",
        ] == [row.text for row in found.evidence]
        assert [ACTIVITY, ACTIVITY] == [row.source for row in found.evidence[:2]]

    def test_what_does_not_bear_on_it_is_left_out(self) -> None:
        flap = [down(at(hours=-2), ZERO, LYON), up(at(9, hours=-2), ZERO, LYON)]
        failed = of_activity(Kind.RESET, Phase.FAILED, at(-90))

        assert diagnosed(*MOVED).evidence == diagnosed(*MOVED, *flap, failed).evidence

    def test_a_hostile_message_stays_on_one_line_and_is_cut(self) -> None:
        row = of_gateway(Kind.MAINTENANCE, at(), text="a\n# b\u202e" + "x" * 999)

        assert evidence_row(row).text.startswith("maintenance: a # bxxx")
        assert len(evidence_row(row).text) < 450


class TestNames:
    def test_a_tunnel_gets_the_name_of_the_connection_that_leads_there(self) -> None:
        lyon = (down(at(minutes=-20), ZERO, LYON),)

        found = diagnosed(*MOVED, *lyon, peers={PARIS: "conn-paris", LYON: "conn-lyon"})

        assert ["conn-paris"] == [outage.connection for outage in found.outages]
        assert ["conn-lyon"] == [known.connection for known in found.already_down]

    def test_where_none_is_known_it_keeps_the_one_that_it_has(self) -> None:
        known = a_diagnosis(outages=(replace(an_outage(), connection="conn-paris"),))

        assert known == named(known, {NICE: "conn-nice"})

    def test_the_tunnels_of_lost_redundancy_and_unclear_ones_are_named_too(self) -> None:
        own = an_outage()
        found = named(a_diagnosis(redundancy=(a_loss(own),), unclear=(own,)), {PARIS: "conn-paris"})

        assert ["conn-paris"] * 2 == [tunnel.connection for tunnel in all_tunnels(found)]


class TestSearched:
    """Where no cause is recorded, the diagnosis says what was searched, once that is asked."""

    LOGS: Final = frozenset({GATEWAY_LOG, ACTIVITY})

    def searched(self, diagnosis: Diagnosis, *rows: Signal, **known: Any) -> str:
        """The statement of the cause, once the logs are known."""
        examined = an_examination(an_observation(*MOVED, *rows), logs=self.LOGS, **known)
        return with_logs(diagnosis, examined.switch_overs, examined).cause.statement

    def test_until_then_it_is_not_known(self) -> None:
        assert "could not be asked" in diagnosed(*MOVED).cause.statement
        assert "Searched: the gateway's diagnostic log" in self.searched(diagnosed(*MOVED))

    def test_resource_health_was_searched_if_any_run_asked_it(self) -> None:
        asked = diagnosed(*MOVED, health=())

        assert at(hours=1) == asked.health_asked
        assert "Resource Health" in self.searched(asked)
        assert "Resource Health" not in self.searched(diagnosed(*MOVED))

    def test_what_was_recorded_is_left_as_it_is(self) -> None:
        rows = (of_gateway(Kind.MAINTENANCE, at(-60)),)
        known = diagnosed(*MOVED, *rows)

        assert known.cause.statement == self.searched(known, *rows)

    def test_what_resource_health_says_is_evidence(self) -> None:
        entry = HealthEvent(
            at=at(-60),
            resolved_at=None,
            state="Unavailable",
            title="restarted",
            summary="",
            reason_type="",
            context="",
            category="",
        )

        found = diagnosed(*MOVED, health=(entry,))

        assert CauseKind.RESOURCE_HEALTH is found.cause.kind
        assert ("Resource Health", "\u201crestarted\u201d in Resource Health") == (
            found.evidence[0].source,
            found.evidence[0].text,
        )


def test_the_end_of_an_operation_counts_only_where_its_start_would_have_been_seen() -> None:
    """At the window's start it may be the end of what began hours before."""
    end = of_activity(Kind.RESET, Phase.SUCCEEDED, at(-60))

    assert CauseKind.RESET is diagnosed(*MOVED, end).cause.kind
    assert CauseKind.NOT_RECORDED is diagnosed(*MOVED, end, since=at(minutes=-30)).cause.kind
