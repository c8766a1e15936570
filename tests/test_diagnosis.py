from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import pytest

from detector.diagnosis.diagnosis import (
    all_tunnels,
    diagnose,
    evidence_row,
    judged,
    named,
    served_as_told,
    with_logs,
)
from detector.diagnosis.live import NOT_KNOWN_WHICH, TRIES
from detector.errors import FactUnknown
from detector.model import (
    ACTIVITY,
    AlreadyDown,
    CauseKind,
    Connection,
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
    TunnelState,
    TunnelStatus,
)
from tests.builders import (
    GATEWAY_LOG,
    LYON,
    NICE,
    ONE,
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

    @pytest.mark.parametrize(
        ("tunnel", "seen", "importance"),
        [
            (answered(OPEN, 181, status=NOT_UP), at(100), Importance.WARNING),
            (answered(OPEN, 180, status=NOT_UP), at(900), Importance.INFORMATION),
            (answered(OPEN, 900, status=TunnelStatus.UNKNOWN), at(180), Importance.INFORMATION),
            (answered(OPEN, 900, status=TunnelStatus.UNKNOWN), at(181), Importance.WARNING),
        ],
    )
    def test_how_long_it_is_down_is_seen_until_arm_called_it_down_or_else_in_the_rows(
        self, tunnel: Outage, seen: datetime, importance: Importance
    ) -> None:
        assert importance is found(tunnel, tunnels_seen_until=seen).importance

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

    @pytest.mark.parametrize(
        ("seconds", "importance"), [(1799, Importance.WARNING), (1800, Importance.CRITICAL)]
    )
    def test_or_for_so_long_by_the_tunnels_rows_where_arm_cannot_be_asked(
        self, seconds: float, importance: Importance
    ) -> None:
        refused = answered(OPEN, 900, refused=True, failures=TRIES, problem="no permission")

        known = judged(
            a_diagnosis(redundancy=(a_loss(refused),), tunnels_seen_until=at(seconds)), now=NOW
        )

        assert importance is known.importance

    @pytest.mark.parametrize(
        ("peer_out", "importance"),
        [
            (an_outage(LYON, 0, 60), Importance.WARNING),
            (an_outage(LYON, -180, 60), Importance.WARNING),
            (an_outage(LYON, -180.001, 60), Importance.CRITICAL),
            (an_outage(LYON, 0, None), Importance.CRITICAL),
            (replace(an_outage(LYON, 0, 60), instance=ONE), Importance.CRITICAL),
            (an_outage(PARIS, -60, -30), Importance.CRITICAL),
        ],
        ids=["back", "3 minutes before", "before that", "open", "other instance", "down again"],
    )
    def test_it_is_not_where_a_tunnel_came_back_whose_peer_had_no_other(
        self, peer_out: Outage, importance: Importance
    ) -> None:
        away = answered(OPEN, 1800, status=NOT_UP)

        known = judged(a_diagnosis(outages=(peer_out,), redundancy=(a_loss(away),)), now=NOW)

        assert importance is known.importance

    def test_an_instance_whose_tunnels_bounced_and_stay_away_is_critical_all_the_same(self) -> None:
        """They were back for a moment; the instance has had none for half an hour."""
        again = answered(an_outage(PARIS, 90, None), 1900, status=NOT_UP)

        known = judged(a_diagnosis(redundancy=(a_loss(an_outage(end=60), again),)), now=NOW)

        assert Importance.CRITICAL is known.importance

    @pytest.mark.parametrize("kind", ["outages", "unclear"])
    def test_a_tunnel_of_it_that_is_back_shows_that_it_has_some(self, kind: str) -> None:
        """Its peer was out with it, or may have been."""
        away = answered(OPEN, 1900, status=NOT_UP)
        others = {kind: (an_outage(LYON, 0, 60),)}

        known = judged(a_diagnosis(redundancy=(a_loss(away),), **others), now=NOW)

        assert Importance.WARNING is known.importance

    def test_it_is_not_where_which_tunnel_azure_speaks_of_is_not_known(self) -> None:
        unclear = answered(OPEN, 1900, problem=NOT_KNOWN_WHICH, failures=3)

        known = judged(a_diagnosis(redundancy=(a_loss(unclear),)), now=NOW)

        assert Importance.WARNING is known.importance


class TestServed:
    """Whether another tunnel served a peer stays as it was told, unless ARM knows better."""

    LOSS: Final = tuple(
        row for peer in (PARIS, LYON) for row in (down(at(), ZERO, peer), up(at(60), ZERO, peer))
    )

    @pytest.mark.parametrize("start", [-180, 180])
    def test_it_is_that_tunnel_if_it_was_lost_within_three_minutes(self, start: float) -> None:
        out = a_diagnosis(outages=(an_outage(LYON, start), an_outage(PARIS, start)))
        spared = a_diagnosis(redundancy=(a_loss(an_outage(LYON, start), an_outage(PARIS, start)),))

        for moment, expected in ((0, True), (start * -0.001, None)):
            assert expected is served_as_told(spared, PARIS, at(moment))
            assert (None if expected is None else False) is served_as_told(out, PARIS, at(moment))
        assert None is served_as_told(spared, NICE, at(start))
        assert None is served_as_told(out, NICE, at(start))
        assert None is served_as_told(None, PARIS, at())

    @pytest.mark.parametrize("told", ["outages", "redundancy"])
    def test_what_was_told_stays_while_nothing_says_otherwise(self, told: str) -> None:
        lost = (an_outage(PARIS, 0, 60), an_outage(LYON, 0, 60))
        known = {"outages": lost, "redundancy": (a_loss(*lost),)}[told]
        examined = an_examination(an_observation(*self.LOSS), active_active=True)

        found = diagnose(
            examined.switch_overs,
            examined,
            active_active=True,
            recorded=a_diagnosis(**{told: known}),
        )

        kinds = ("outages", "redundancy", "unclear")
        assert [told] == [kind for kind in kinds if getattr(found, kind)]

    def test_what_was_told_to_be_spared_is_not_asked_again(self) -> None:
        """The connection has lost its other tunnel since."""
        only = Connection(
            name="conn",
            remote_ip=PARIS,
            status=None,
            tunnels=(TunnelState(vip=None, status=UP, connected_since=at(60)),),
        )
        examined = an_examination(
            an_observation(*self.LOSS), active_active=True, live={PARIS: [only], LYON: [only]}
        )
        lost = a_loss(an_outage(PARIS, 0, 60), an_outage(LYON, 0, 60))

        found = diagnose(
            examined.switch_overs,
            examined,
            active_active=True,
            recorded=a_diagnosis(redundancy=(lost,)),
        )

        assert ((), 1) == (found.outages, len(found.redundancy))

    def test_azure_is_asked_of_the_instance_that_was_lost(self) -> None:
        """Its other tunnel was up long before, and its own is since."""
        states = tuple(
            TunnelState(vip=vip, status=UP, connected_since=since)
            for vip, since in (("203.0.113.10", at(60)), ("203.0.113.11", at(hours=-9)))
        )
        live = {
            peer: [Connection(name="conn", remote_ip=peer, status=None, tunnels=states)]
            for peer in (PARIS, LYON)
        }

        found = diagnosed(*self.LOSS, active_active=True, live=live)

        assert ((), (), 1) == (found.outages, found.unclear, len(found.redundancy))

    def test_where_it_cannot_be_known_the_tunnels_are_unclear_with_what_azure_said(self) -> None:
        gone = FactUnknown("no such connection", kind="gone")

        found = diagnosed(*self.LOSS, active_active=True, live={PARIS: [gone]})

        assert [True, False] == [
            tunnel.live is not None and tunnel.live.gone for tunnel in found.unclear
        ]

    @pytest.mark.parametrize(
        ("until", "expected"), [(at(minutes=40), at(minutes=40)), (None, at(hours=1))]
    )
    def test_rows_of_tunnels_are_seen_until_the_newest_or_as_all_rows_are(
        self, until: datetime | None, expected: datetime
    ) -> None:
        examined = an_examination(an_observation(*MOVED, tunnels_seen_until=until))

        found = diagnose(examined.switch_overs, examined, active_active=False)

        assert expected == found.tunnels_seen_until

    def test_what_is_of_another_failover_is_not_lost_by_this(self) -> None:
        again = (down(at(minutes=50), ONE), up(at(9, minutes=50), ONE))

        assert 2 == len(diagnosed(*MOVED, *again).outages)
        assert 1 == len(diagnosed(*MOVED, *again, others=[at(minutes=50)]).outages)


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

    def test_nor_does_what_the_primary_instance_did_hours_before(self) -> None:
        primary = of_gateway(Kind.PRIMARY_CHANGED, at(hours=-2))
        examined = an_examination(an_observation(*MOVED, primary))

        found = diagnose(examined.switch_overs[-1:], examined, active_active=False)

        assert diagnosed(*MOVED).evidence == found.evidence

    @pytest.mark.parametrize(
        ("row", "text"),
        [
            (
                of_gateway(Kind.CONFIGURATION, at(), phase=Phase.SUCCEEDED),
                "configuration of the gateway succeeded",
            ),
            (of_gateway(Kind.HEALTH, at(), text="restarted"), "Resource Health: restarted"),
            (
                of_activity(
                    Kind.CONNECTION_CHANGE,
                    Phase.SUCCEEDED,
                    at(),
                    connection="/resourcegroups/g/connections/paris",
                ),
                "change of the connection paris by kim@example.net succeeded",
            ),
            (
                of_activity(
                    Kind.CONNECTION_CHANGE,
                    Phase.SUCCEEDED,
                    at(),
                    connection="c" * 81,
                    caller="k" * 121,
                ),
                f"change of the connection {'c' * 79}… by {'k' * 119}… succeeded",
            ),
            (
                replace(down(at()), remote_ip="1" * 81, instance="i" * 81, text="t" * 401),
                f"{'1' * 79}… disconnected on {'i' * 79}…: {'t' * 399}…",
            ),
        ],
        ids=["configuration", "health", "connection", "long names", "long text"],
    )
    def test_a_row_is_told_in_words_and_what_is_long_in_it_is_cut(
        self, row: Signal, text: str
    ) -> None:
        assert text == evidence_row(row).text

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
        before = AlreadyDown(remote_ip=LYON, instance=ZERO, since=at(), connection="conn-lyon")
        known = a_diagnosis(
            outages=(replace(an_outage(), connection="conn-paris"),), already_down=(before,)
        )

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

    def test_the_first_run_may_know_it_already(self) -> None:
        assert "Searched: the" in diagnosed(*MOVED, logs=self.LOGS).cause.statement

    def test_the_cause_of_each_switch_over_says_so_too(self) -> None:
        examined = an_examination(an_observation(*MOVED), logs=self.LOGS)

        [each] = with_logs(diagnosed(*MOVED), examined.switch_overs, examined).causes

        assert "Searched: the gateway's diagnostic log" in each.statement

    def test_what_was_recorded_in_rows_that_are_gone_is_left_as_it_is(self) -> None:
        known = diagnosed(*MOVED, of_gateway(Kind.MAINTENANCE, at(-60)))

        assert known.cause.statement == self.searched(known)

    def test_so_is_what_was_started(self) -> None:
        known = diagnosed(*MOVED, of_activity(Kind.RESET, Phase.STARTED, at(-60)))

        assert known.cause.statement == self.searched(known)

    def test_a_migration_that_is_not_committed_says_so(self) -> None:
        row = of_gateway(Kind.MIGRATION, at(-60))

        found = diagnosed(*MOVED, row, migration="ExecuteSucceeded")

        assert "not yet committed" in found.cause.statement

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
