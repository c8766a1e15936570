"""What an earlier run proved, beside what this one sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from detector.diagnosis.cause import HEALTH_ASKED
from detector.diagnosis.diagnosis import diagnose, judged
from detector.diagnosis.merge import carried, ended_by_arm, joined, lacks_rows
from detector.diagnosis.observation import Observation
from detector.diagnosis.outage import CARRIED
from detector.model import (
    AlreadyDown,
    Cause,
    CauseKind,
    Diagnosis,
    EndSource,
    EvidenceRow,
    Kind,
    LiveAnswer,
    Outage,
    Phase,
    Redundancy,
    Signal,
    SwitchOver,
    TunnelStatus,
)
from tests.builders import (
    GATEWAY_ID,
    LILLE,
    LYON,
    ONE,
    PARIS,
    ZERO,
    a_diagnosis,
    a_switch_over,
    an_examination,
    an_observation,
    an_outage,
    at,
    diagnosed,
    down,
    of_activity,
    up,
)

MOVED = (down(at()), up(at(14)))
SECOND = timedelta(seconds=1)
KNOWN = a_switch_over()
NOW = at(hours=1)
CUT_OFF = an_observation(since=at(1))


def a_judged(**changes: Any) -> Diagnosis:
    """What an earlier run proved."""
    return judged(a_diagnosis(**changes), now=NOW)


def both(
    fresh: Diagnosis,
    told: Diagnosis | None,
    observation: Observation | None = None,
    *,
    switch_overs: Sequence[SwitchOver] = (KNOWN,),
) -> Diagnosis:
    """What two runs proved of a failover with these switch-overs."""
    seen = observation or an_observation()
    return joined(fresh, told, seen, switch_overs=switch_overs, told=switch_overs)


def lost(*tunnels: Outage, instance: str = ZERO) -> Redundancy:
    """The redundancy that went with these tunnels."""
    ends = [tunnel.end for tunnel in tunnels if tunnel.end]
    end = max(ends) if len(ends) == len(tunnels) else None
    return Redundancy(instance=instance, start=tunnels[0].start, end=end, tunnels=tunnels)


class TestJoined:
    RESET = Cause(kind=CauseKind.RESET, statement="", at=at(-60), caller="kim")

    def test_the_first_run_proves_what_it_sees(self) -> None:
        assert diagnosed(*MOVED) == both(diagnosed(*MOVED), None)

    def test_an_outage_whose_rows_left_the_window_stays(self) -> None:
        told = a_judged(outages=(an_outage(),))

        assert (
            told.outages
            == both(a_diagnosis(), told, an_observation(since=at(SECOND.seconds))).outages
        )

    def test_an_outage_that_complete_rows_show_no_more_was_a_mistake(self) -> None:
        told = a_judged(outages=(an_outage(LYON), an_outage()))

        assert [PARIS] == [
            outage.remote_ip
            for outage in both(diagnosed(*MOVED), told, an_observation(since=at())).outages
        ]

    def test_where_a_scope_did_not_answer_nothing_is_taken_back(self) -> None:
        told = a_judged(outages=(an_outage(),))

        assert told.outages == both(a_diagnosis(), told, an_observation(complete=False)).outages

    def test_an_end_that_azure_told_stays_while_no_row_says_more(self) -> None:
        ended = replace(an_outage(end=None), end=at(minutes=20), end_source=EndSource.ARM)
        fresh = a_diagnosis(outages=(an_outage(end=None),))

        found = both(fresh, a_judged(outages=(ended,)))

        assert (ended,) == found.outages

    def test_a_tunnel_that_is_down_again_is_not_back_by_the_end_that_was_told_before(self) -> None:
        """Else its outage would end before it began, which no document can say."""
        fresh = a_diagnosis(outages=(an_outage(start=60, end=None),))

        found = both(fresh, a_judged(outages=(an_outage(end=14),)))

        assert [(at(60), None)] == [(out.start, out.end) for out in found.outages]

    def test_a_row_that_comes_later_says_better_than_azure_when_it_ended(self) -> None:
        ended = replace(an_outage(end=None), end=at(minutes=20), end_source=EndSource.ARM)

        found = both(diagnosed(*MOVED), a_judged(outages=(ended,)))

        assert [(at(14), EndSource.LOG)] == [(out.end, out.end_source) for out in found.outages]

    @pytest.mark.parametrize("kind", [CauseKind.NOT_RECORDED, CauseKind.MAINTENANCE])
    def test_while_rows_may_be_missing_none_is_given_up_for_one_that_is_believed_less(
        self, kind: CauseKind
    ) -> None:
        less = replace(self.RESET, kind=kind)

        for fresh, told in ((less, self.RESET), (self.RESET, less)):
            found = both(a_diagnosis(cause=fresh), a_diagnosis(cause=told), CUT_OFF)
            assert self.RESET == found.cause

    def test_of_two_records_of_one_kind_the_earlier_stays(self) -> None:
        earlier = replace(self.RESET, at=at(-90), caller="sam")

        for fresh, told in ((earlier, self.RESET), (self.RESET, earlier)):
            found = both(a_diagnosis(cause=fresh), a_diagnosis(cause=told), CUT_OFF)
            assert earlier == found.cause

    def test_what_was_seen_stays_seen(self) -> None:
        told = a_diagnosis(seen_until=at(hours=2), flapping=True)

        found = both(diagnosed(*MOVED), told)

        assert (at(hours=2), True) == (found.seen_until, found.flapping)

    def test_of_two_at_one_time_what_is_seen_now_stays(self) -> None:
        seen = replace(self.RESET, caller="sam")

        assert seen == both(a_diagnosis(cause=seen), a_diagnosis(cause=self.RESET), CUT_OFF).cause

    def test_what_an_earlier_release_told_without_the_cause_of_each_is_of_the_only_one(
        self,
    ) -> None:
        none = Cause(kind=CauseKind.NOT_RECORDED, statement="")

        found = both(
            a_diagnosis(cause=none, causes=(none,)), a_diagnosis(cause=self.RESET), CUT_OFF
        )

        assert (self.RESET,) == found.causes

    @pytest.mark.parametrize(("observation", "flapping"), [(None, False), (CUT_OFF, True)])
    def test_it_flaps_as_it_was_told_while_not_all_is_seen(
        self, *, observation: Observation | None, flapping: bool
    ) -> None:
        told = a_diagnosis(flapping=True)

        assert flapping is both(a_diagnosis(), told, observation).flapping

    @pytest.mark.parametrize(
        ("fresh", "told", "expected"),
        [
            (at(5), at(9), at(9)),
            (at(9), at(5), at(9)),
            (at(5), None, at(5)),
            (None, at(5), at(5)),
            (None, None, None),
        ],
    )
    def test_rows_of_tunnels_are_seen_until_the_later_time(
        self, fresh: datetime | None, told: datetime | None, expected: datetime | None
    ) -> None:
        found = both(a_diagnosis(tunnels_seen_until=fresh), a_diagnosis(tunnels_seen_until=told))

        assert expected == found.tunnels_seen_until

    @pytest.mark.parametrize(
        ("fresh", "expected"), [(None, at(hours=1)), (at(hours=2), at(hours=2))]
    )
    def test_when_resource_health_was_last_asked_stays_known(
        self, fresh: datetime | None, expected: datetime
    ) -> None:
        found = both(a_diagnosis(health_asked=fresh), a_diagnosis(health_asked=at(hours=1)))

        assert expected == found.health_asked

    def test_evidence_that_left_the_window_stays_and_stands_first(self) -> None:
        old, new = (EvidenceRow(at=at(second), source="log", text="a row") for second in (-60, 100))

        found = both(a_diagnosis(evidence=(new,)), a_diagnosis(evidence=(old,)), CUT_OFF)

        assert (old, new) == found.evidence

    def test_what_is_unclear_stays_so_while_not_all_is_seen(self) -> None:
        own = an_outage(PARIS, 0, 60)

        assert (own,) == both(a_diagnosis(), a_judged(unclear=(own,)), CUT_OFF).unclear

    def test_a_cause_whose_rows_are_all_seen_and_tell_otherwise_is_given_up(self) -> None:
        """The reset turned out to have failed."""
        fresh = a_diagnosis(cause=replace(self.RESET, kind=CauseKind.NOT_RECORDED))

        assert CauseKind.NOT_RECORDED is both(fresh, a_diagnosis(cause=self.RESET)).cause.kind

    @pytest.mark.parametrize("kind", [CauseKind.RESET, CauseKind.RESOURCE_HEALTH])
    def test_the_cause_of_each_switch_over_stays_with_it(self, kind: CauseKind) -> None:
        """The rows of the first have left the window; Resource Health is asked at times only."""
        known = (KNOWN, a_switch_over(at(minutes=40)))
        none = Cause(kind=CauseKind.NOT_RECORDED, statement="")
        own = replace(self.RESET, kind=kind)
        fresh = a_diagnosis(cause=none, causes=(none, none))
        told = a_diagnosis(cause=own, causes=(own, none))
        later = an_observation(since=at(minutes=30))

        found = both(fresh, told, later, switch_overs=known)

        assert (own, (own, none)) == (found.cause, found.causes)

    def test_a_switch_over_that_is_new_has_the_cause_that_is_seen(self) -> None:
        again = a_switch_over(at(minutes=40))
        fresh = a_diagnosis(cause=self.RESET, causes=(Cause(**NOTHING), self.RESET))

        found = joined(
            fresh,
            a_diagnosis(causes=(Cause(**NOTHING),)),
            an_observation(since=at(minutes=30)),
            switch_overs=[KNOWN, again],
            told=[KNOWN],
        )

        assert (self.RESET, self.RESET) == (found.cause, found.causes[1])

    def test_what_was_down_already_stays_so(self) -> None:
        known = AlreadyDown(remote_ip=LYON, instance=ZERO, since=at(hours=-4))

        later = an_observation(since=at(hours=-3))

        assert (known,) == both(
            a_diagnosis(), a_diagnosis(already_down=(known,)), later
        ).already_down

    def test_the_name_of_a_connection_stays_known(self) -> None:
        named = replace(an_outage(), connection="conn-paris")

        found = both(diagnosed(*MOVED), a_judged(outages=(named,)))

        assert ["conn-paris"] == [outage.connection for outage in found.outages]


class TestSameTunnel:
    """Which of the outages that were told is which of those that are seen."""

    def test_one_that_goes_down_again_soon_is_not_over_because_the_first_was(self) -> None:
        fresh = a_diagnosis(outages=(an_outage(), an_outage(PARIS, 60, None)))

        found = both(fresh, a_judged(outages=(an_outage(),)))

        assert [at(14), None] == [outage.end for outage in found.outages]

    def test_an_end_by_azure_is_better_than_the_mere_knowledge_that_it_came_back(self) -> None:
        by_arm = replace(an_outage(end=13), end_source=EndSource.ARM)
        unlogged = replace(an_outage(end=None), back_before=at(minutes=40))

        found = both(a_diagnosis(outages=(unlogged,)), a_judged(outages=(by_arm,)))

        assert [(at(13), None)] == [(out.end, out.back_before) for out in found.outages]

    @pytest.mark.parametrize(
        ("start", "name"), [(-180, "conn"), (-180.001, ""), (180, "conn"), (180.001, "")]
    )
    def test_one_that_began_up_to_three_minutes_from_it_is_it(
        self, start: float, name: str
    ) -> None:
        told = replace(an_outage(PARIS, start, 600), connection="conn")

        found = both(diagnosed(*MOVED), a_judged(outages=(told,)))

        assert [name or None] == [outage.connection for outage in found.outages]

    def test_of_two_the_nearer_is_it(self) -> None:
        told = [
            replace(an_outage(PARIS, start, start + 9), connection=name)
            for start, name in ((-100, "far"), (10, "near"))
        ]

        found = both(diagnosed(*MOVED), a_judged(outages=tuple(told)))

        assert ["near"] == [outage.connection for outage in found.outages]

    @pytest.mark.parametrize(
        ("end", "source", "expected"),
        [
            (11.999, EndSource.ARM, 11.999),
            (12, EndSource.ARM, 14),
            (15, EndSource.ARM, 14),
            (5, EndSource.LOG, 14),
        ],
    )
    def test_a_row_over_2_s_later_than_what_azure_said_did_not_end_it(
        self, end: float, source: EndSource, expected: float
    ) -> None:
        told = replace(an_outage(end=end), end_source=source)

        found = both(diagnosed(*MOVED), a_judged(outages=(told,)))

        assert [at(expected)] == [outage.end for outage in found.outages]

    def test_an_end_at_the_very_time_of_the_loss_stays(self) -> None:
        fresh = a_diagnosis(outages=(an_outage(PARIS, 14, None),))

        found = both(fresh, a_judged(outages=(an_outage(PARIS, 0, 14),)))

        assert [at(14)] == [outage.end for outage in found.outages]

    def test_what_azure_said_when_it_ended_stays_with_it(self) -> None:
        said = LiveAnswer(at=at(600), status=TunnelStatus.CONNECTED)
        told = replace(an_outage(end=600), end_source=EndSource.ARM, live=said)

        found = both(a_diagnosis(outages=(an_outage(end=None),)), a_judged(outages=(told,)))

        assert [said] == [outage.live for outage in found.outages]

    @pytest.mark.parametrize("known", [TunnelStatus.NOT_CONNECTED, TunnelStatus.UNKNOWN, None])
    def test_what_azure_said_last_stays_while_it_gives_no_answer(
        self, known: TunnelStatus | None
    ) -> None:
        """How often in a row it gave none is counted."""
        before = LiveAnswer(at=at(600), status=known, failures=0 if known else 1)
        silent = LiveAnswer(at=at(900), failures=1, refused=True, problem="needs a role")
        fresh = replace(an_outage(end=None), live=silent)

        found = both(
            a_diagnosis(outages=(fresh,)),
            a_judged(outages=(replace(an_outage(end=None), live=before),)),
        )

        [live] = [outage.live for outage in found.outages]
        assert live is not None
        assert (at(600) if known is TunnelStatus.NOT_CONNECTED else at(900)) == live.at
        assert (2 if known is None else 1, "needs a role", True) == (
            live.failures,
            live.problem,
            live.refused,
        )

    @pytest.mark.parametrize(("fresh", "told"), [(True, False), (False, True)])
    def test_the_only_answer_is_the_last(self, *, fresh: bool, told: bool) -> None:
        said = LiveAnswer(at=at(600), status=TunnelStatus.NOT_CONNECTED)
        now, before = (
            replace(an_outage(end=None), live=said if has else None) for has in (fresh, told)
        )

        found = both(a_diagnosis(outages=(now,)), a_judged(outages=(before,)))

        assert [said] == [outage.live for outage in found.outages]

    def test_a_row_that_says_that_it_was_lost_only_after_that_takes_the_end_away(self) -> None:
        by_arm = replace(an_outage(end=13), end_source=EndSource.ARM)
        later = an_outage(PARIS, 20, None)

        found = both(a_diagnosis(outages=(later,)), a_judged(outages=(by_arm,)))

        assert [None] == [outage.end for outage in found.outages]

    def test_the_tunnels_of_lost_redundancy_are_kept_by_instance(self) -> None:
        zero = lost(an_outage(PARIS, 0, 60), an_outage(LYON, 1, 90))
        one = lost(replace(an_outage(PARIS, 600, 660), instance=ONE), instance=ONE)
        fresh = a_diagnosis(redundancy=(lost(an_outage(LYON, 1, 90)), one))
        told = a_judged(redundancy=(zero,))

        seen = both(fresh, told)
        cut_off = both(replace(fresh, redundancy=(one,)), told, an_observation(since=at(100)))

        assert (lost(an_outage(LYON, 1, 90)), one) == seen.redundancy
        assert (zero, one) == cut_off.redundancy

    def test_a_loss_of_which_one_tunnel_is_still_seen_is_one(self) -> None:
        told = a_judged(redundancy=(lost(an_outage(), an_outage(LYON, 1, None)),))
        fresh = a_diagnosis(redundancy=(lost(an_outage(LYON, 1, 90)),))

        assert (lost(an_outage(), an_outage(LYON, 1, 90)),) == both(fresh, told, CUT_OFF).redundancy

    def test_what_the_other_instance_lost_at_the_same_time_is_another(self) -> None:
        one = lost(replace(an_outage(LYON), instance=ONE), instance=ONE)

        found = both(
            a_diagnosis(redundancy=(one,)), a_judged(redundancy=(lost(an_outage()),)), CUT_OFF
        )

        assert (lost(an_outage()), one) == found.redundancy

    @pytest.mark.parametrize(("seconds", "losses"), [(180, 1), (180.001, 2)])
    def test_losses_of_one_instance_are_one_where_tunnels_went_within_three_minutes(
        self, seconds: float, losses: int
    ) -> None:
        """Another of its tunnels went much later."""
        fresh = lost(an_outage(LYON, seconds, 600), an_outage(LILLE, 500, 600))

        found = both(
            a_diagnosis(redundancy=(fresh,)), a_judged(redundancy=(lost(an_outage()),)), CUT_OFF
        )

        assert losses == len(found.redundancy)

    @pytest.mark.parametrize(("observation", "expected"), [(CUT_OFF, 1), (None, 0)])
    def test_what_an_earlier_release_told_without_tunnels_stays_while_not_all_is_seen(
        self, observation: Observation | None, expected: int
    ) -> None:
        told = Redundancy(instance=ZERO, start=at(), end=at(60))

        found = both(a_diagnosis(), a_judged(redundancy=(told,)), observation)

        assert [told] * expected == list(found.redundancy)

    def test_and_is_the_loss_whose_tunnels_are_seen_now(self) -> None:
        told = Redundancy(instance=ZERO, start=at(), end=at(60))
        fresh = lost(an_outage(PARIS, 1, 60))

        found = both(a_diagnosis(redundancy=(fresh,)), a_judged(redundancy=(told,)), CUT_OFF)

        assert (fresh,) == found.redundancy

    def test_what_was_unclear_and_turns_out_redundant_is_told_once(self) -> None:
        own = an_outage(PARIS, 0, 60)
        fresh = a_diagnosis(redundancy=(lost(own),))

        found = both(fresh, a_judged(unclear=(own,)), an_observation(complete=False))

        assert ((), (lost(own),)) == (found.unclear, found.redundancy)


class TestLacksRows:
    """Whether the run that told saw rows that this one may not."""

    def evidence(self, *rows: EvidenceRow) -> Diagnosis:
        return a_diagnosis(evidence=rows)

    def test_nothing_is_lacking_where_all_of_its_evidence_is_seen(self) -> None:
        assert not lacks_rows(diagnosed(*MOVED), an_observation(*MOVED))

    def test_a_row_is_lacking_where_its_scope_is_asked_no_more(self) -> None:
        assert lacks_rows(diagnosed(*MOVED), an_observation(MOVED[0]))

    def test_at_the_very_start_of_what_is_seen_too(self) -> None:
        assert lacks_rows(diagnosed(*MOVED), an_observation(MOVED[1], since=at()))

    def test_a_row_that_left_the_window_is_not(self) -> None:
        assert not lacks_rows(diagnosed(*MOVED), an_observation(since=at(15)))

    def test_where_a_scope_did_not_answer_rows_are(self) -> None:
        assert lacks_rows(diagnosed(*MOVED), an_observation(*MOVED, complete=False))

    def test_where_a_clock_was_set_back_rows_are(self) -> None:
        assert lacks_rows(diagnosed(*MOVED), an_observation(*MOVED, seen_until=at(minutes=50)))

    def test_a_change_of_a_connection_is_seen_whosever_it_is(self) -> None:
        change = of_activity(
            Kind.CONNECTION_CHANGE, Phase.SUCCEEDED, at(-60), gateway_id="", connection="/paris"
        )
        seen = an_observation(*MOVED, connection_rows=(change,))
        examined = an_examination(seen, connections=frozenset({"/paris"}))
        told = diagnose(examined.switch_overs, examined, active_active=False)

        assert "change of the connection paris by kim@example.net succeeded" in [
            row.text for row in told.evidence
        ]
        assert not lacks_rows(told, seen)
        assert lacks_rows(told, an_observation(*MOVED))

    def test_what_resource_health_said_when_asked_is_no_row(self) -> None:
        said = EvidenceRow(at=at(), source=HEALTH_ASKED, text="restarted")

        assert not lacks_rows(self.evidence(said), an_observation(*MOVED))


NOTHING: Final[dict[str, Any]] = {"kind": CauseKind.NOT_RECORDED, "statement": ""}


class TestCarried:
    def diagnosed_with_what_is_carried(self, told: Diagnosis, *rows: Signal) -> Diagnosis:
        examined = replace(
            an_examination(an_observation(*rows)),
            carried=tuple(carried(told, GATEWAY_ID, rows)),
        )
        return diagnose([KNOWN], examined, active_active=False)

    def test_an_open_outage_whose_row_left_the_window_is_carried_to_its_end(self) -> None:
        told = a_judged(outages=(an_outage(end=None),))
        back = up(at(hours=8))

        found = self.diagnosed_with_what_is_carried(told, back)

        assert [(at(), at(hours=8))] == [(out.start, out.end) for out in found.outages]

    def test_tunnels_that_an_instance_lacks_are_carried_too(self) -> None:
        away = [replace(an_outage(peer, 0, None), instance=ONE) for peer in (LYON, PARIS)]

        rows = carried(a_diagnosis(redundancy=(lost(*away, instance=ONE),)), GATEWAY_ID, [])

        assert [(ONE, LYON, at()), (ONE, PARIS, at())] == [
            (row.instance, row.remote_ip, row.at) for row in rows
        ]

    @pytest.mark.parametrize("seconds", [-180, 180])
    def test_a_row_up_to_three_minutes_from_it_is_its_own(self, seconds: float) -> None:
        told = a_diagnosis(outages=(an_outage(end=None),))
        beyond = [up(at(-200)), down(at(200))]

        assert [] == carried(told, GATEWAY_ID, [down(at(seconds))])
        assert [
            Signal(
                at=at(),
                gateway_id=GATEWAY_ID,
                kind=Kind.DISCONNECTED,
                source=CARRIED,
                instance=ZERO,
                remote_ip=PARIS,
            )
        ] == carried(told, GATEWAY_ID, beyond)

    def test_a_tunnel_that_its_rows_call_down_before_needs_none(self) -> None:
        """By ARM's word it was told as down from later on than its late row says."""
        told = a_diagnosis(outages=(an_outage(end=None),))

        assert [] == carried(told, GATEWAY_ID, [down(at(-600)), up(at(100))])

    def test_what_is_still_in_the_window_or_was_ended_is_not_carried(self) -> None:
        told = a_diagnosis(outages=(an_outage(end=None), an_outage(LYON)))

        assert [] == carried(told, GATEWAY_ID, [down(at())])
        assert [] == carried(None, GATEWAY_ID, [])

    def test_a_tunnel_that_its_instance_lost_a_little_later_has_its_own_row(self) -> None:
        loss = lost(an_outage(PARIS, 0, None), an_outage(LYON, 0, None))
        rows = carried(
            a_diagnosis(redundancy=(loss,)), GATEWAY_ID, [down(at(20)), down(at(), ONE, LYON)]
        )

        assert [(LYON, ZERO)] == [(row.remote_ip, row.instance) for row in rows]

    def test_what_is_carried_is_evidence_of_nothing(self) -> None:
        told = a_diagnosis(outages=(an_outage(PARIS, 0, None),))
        back = up(at(minutes=5))
        found = self.diagnosed_with_what_is_carried(told, back)

        assert [at(minutes=5)] == [row.at for row in found.evidence]
        assert [at(minutes=5)] == [outage.end for outage in found.outages]


class TestEndedByArm:
    """Connected rows for what ended by ARM's word, where the log has none."""

    ENDED: Final = replace(an_outage(end=600), end_source=EndSource.ARM)
    ROW: Final = Signal(
        at=at(600),
        gateway_id=GATEWAY_ID,
        kind=Kind.CONNECTED,
        source=CARRIED,
        instance=ZERO,
        remote_ip=PARIS,
    )

    def rows(self, told: Diagnosis, *rows: Signal, active_active: bool = False) -> list[Signal]:
        return ended_by_arm([told], GATEWAY_ID, rows, active_active=active_active)

    def test_what_ended_by_arm_has_one_and_what_ended_by_the_log_has_not(self) -> None:
        told = a_diagnosis(outages=(self.ENDED, an_outage(LYON)))

        assert [self.ROW] == self.rows(told, down(at(100)), up(at(100), ZERO, LYON))

    @pytest.mark.parametrize("second", [0, 600, 602])
    def test_unless_the_log_has_one_from_its_loss_to_2_s_after(self, second: float) -> None:
        told = a_diagnosis(outages=(self.ENDED,))

        assert [] == self.rows(told, up(at(second)), up(at(hours=3)))

    @pytest.mark.parametrize("second", [-0.001, 602.001])
    def test_a_row_outside_that_is_another(self, second: float) -> None:
        assert [self.ROW] == self.rows(a_diagnosis(outages=(self.ENDED,)), up(at(second)))

    def test_of_an_active_active_gateway_only_what_one_instance_lost_has(self) -> None:
        peer_out = a_diagnosis(outages=(self.ENDED,))
        instance_lost = a_diagnosis(redundancy=(lost(self.ENDED),))

        assert [[], [self.ROW]] == [
            self.rows(told, active_active=True) for told in (peer_out, instance_lost)
        ]

    @pytest.mark.parametrize(("instance", "expected"), [(ZERO, []), (ONE, [ROW])])
    def test_and_a_row_of_the_other_instance_is_of_another_tunnel(
        self, instance: str, expected: list[Signal]
    ) -> None:
        told = a_diagnosis(redundancy=(lost(self.ENDED),))

        assert expected == self.rows(told, up(at(100), instance), active_active=True)

    def test_what_it_ends_has_ended_by_arm(self) -> None:
        told = a_diagnosis(outages=(self.ENDED,))
        examined = replace(
            an_examination(an_observation(down(at()))), carried=tuple(self.rows(told))
        )
        changed = a_switch_over(from_instance=None, to_instance=None)

        [outage] = diagnose([changed], examined, active_active=False).outages

        assert (at(600), EndSource.ARM) == (outage.end, outage.end_source)
