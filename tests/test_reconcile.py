"""What a gateway's history makes of what a run sees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.diagnosis.observation import Examination, Known, Observation
from detector.diagnosis.switchover import NEAR, NOT_SHOWN, ONE_PEER, UNKNOWN_MODE, Piece
from detector.errors import FactUnknown
from detector.insights.document import Reason
from detector.journal.history import History, Record
from detector.model import (
    CauseKind,
    Connection,
    Evidence,
    Gateway,
    Kind,
    Phase,
    Signal,
    State,
    SwitchOver,
    TunnelState,
    TunnelStatus,
)
from detector.runs.reconcile import TOGETHER_WITHIN, Reconciled, new_id, reconcile
from tests.builders import (
    GATEWAY_ID,
    LYON,
    ONE,
    PARIS,
    ZERO,
    a_gateway,
    a_switch_over,
    an_observation,
    at,
    down,
    of_activity,
    of_gateway,
    up,
)
from tests.memory import a_history, minutes
from tests.sink_stand_in import an_insight

EMPTY = History(gateway_id=GATEWAY_ID)


def seen(*rows: Signal, **changes: Any) -> Observation:
    """What a run sees in the morning, with all rows of the night so far."""
    return an_observation(*rows, **{"seen_until": at(hours=8), **changes})


@dataclass(frozen=True, kw_only=True)
class Finding(Examination):
    """An examination that finds these switch-overs, whatever the rows are."""

    found: Sequence[SwitchOver]
    doubtful: Sequence[Piece] | None = None

    @cached_property
    def switch_overs(self) -> Sequence[SwitchOver]:
        return self.found

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        return super().pieces if self.doubtful is None else self.doubtful


def reconciled(
    history: History,
    found: Sequence[SwitchOver],
    observation: Observation | None = None,
    known: Known | None = None,
    doubtful: Sequence[Piece] | None = None,
) -> list[Reconciled]:
    """The failovers of the gateway, of which nothing says whether it is active-active."""
    examined = Finding(
        observation=observation or seen(),
        known=known or Known(),
        found=tuple(found),
        doubtful=doubtful,
    )
    return reconcile(history, examined)


def switched(*instants: float) -> list[SwitchOver]:
    """Switch-overs at these minutes of the night."""
    return [a_switch_over(at(minutes=minute)) for minute in instants]


def told(each: Reconciled, gateway: Gateway | None = None) -> Record:
    """What a run would write of a failover."""
    return Record(
        failover=each.failover,
        diagnosis=each.diagnosis,
        gateway=gateway or a_gateway(),
        insights=(an_insight(id=each.failover.id),),
    )


def after(
    *instants: float, observation: Observation | None = None, gateway: Gateway | None = None
) -> History:
    """The history in which these switch-overs were told."""
    failovers = reconciled(EMPTY, switched(*instants), observation)
    return a_history(*(told(each, gateway) for each in failovers))


def minutes_of(failovers: Iterable[Reconciled]) -> list[list[float]]:
    """For each failover the minutes of the night at which it switched over."""
    return [
        [(known.at - at()) / minutes(1) for known in each.failover.switch_overs]
        for each in failovers
    ]


def reason_of(each: Reconciled) -> Reason | None:
    """Its first reason to be told; None where there is none."""
    return next(iter(each.reasons), None)


def only_reason(
    history: History, found: Sequence[SwitchOver], observation: Observation | None = None
) -> Reason | None:
    [only] = reconciled(history, found, observation)
    return reason_of(only)


# Which failover a switch-over belongs to


def test_switch_overs_each_within_an_hour_of_the_one_before_are_one_failover() -> None:
    failovers = reconciled(EMPTY, switched(0, 60, 120, 181))

    assert [[0, 60, 120], [181]] == minutes_of(failovers)
    assert {Reason.DETECTED} == {reason_of(each) for each in failovers}


def test_the_id_is_made_of_the_gateway_and_the_first_instant_and_stays() -> None:
    history = after(0)

    [only] = reconciled(history, switched(-30, 0, 45))

    assert new_id(GATEWAY_ID, at()) == history.records[0].failover.id == only.failover.id
    assert re.fullmatch("20261122T020000000Z-[0-9a-f]{12}", only.failover.id)
    assert new_id(GATEWAY_ID, at(0.999)).startswith("20261122T020000999Z-")
    assert [[-30, 0, 45]] == minutes_of([only])
    assert (GATEWAY_ID, GATEWAY_ID) == (only.gateway_id, only.failover.gateway_id)


@pytest.mark.parametrize("other", [GATEWAY_ID + "-2", GATEWAY_ID.replace("weu", "neu")])
def test_two_gateways_at_one_instant_have_two_ids(other: str) -> None:
    assert new_id(GATEWAY_ID, at()) != new_id(other, at())


@pytest.mark.parametrize("moved", [timedelta(), timedelta(milliseconds=1), NEAR, -NEAR])
def test_a_switch_over_within_3_minutes_of_a_recorded_one_is_that_one(moved: timedelta) -> None:
    [only] = reconciled(after(0), [a_switch_over(at() + moved)])

    assert [at()] == [known.at for known in only.failover.switch_overs]
    assert after(0).records[0].failover.id == only.failover.id


def test_one_that_is_further_away_is_another_of_the_same_failover() -> None:
    assert [[0, 3.5]] == minutes_of(reconciled(after(0), switched(0, 3.5)))


def test_one_that_is_more_than_an_hour_away_begins_another_failover() -> None:
    assert [[0], [60.1]] == minutes_of(reconciled(after(0), switched(0, 60.1)))


def test_better_evidence_refines_a_recorded_switch_over_at_the_instant_that_was_told() -> None:
    primary = SwitchOver(at=at(5), evidence=Evidence.PRIMARY_CHANGED)

    [only] = reconciled(after(0), [primary])

    assert (
        a_switch_over(evidence=Evidence.PRIMARY_CHANGED, last=at(5)),
    ) == only.failover.switch_overs


def test_weaker_or_later_evidence_of_a_recorded_switch_over_only_widens_it() -> None:
    weaker = SwitchOver(at=at(-9), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO)

    [earlier] = reconciled(after(0), [weaker])
    [later] = reconciled(after(0), [a_switch_over(at(20))])

    assert (a_switch_over(first=at(-9)),) == earlier.failover.switch_overs
    assert (a_switch_over(last=at(20)),) == later.failover.switch_overs


def test_what_was_told_without_a_direction_gets_that_of_what_is_found() -> None:
    primary = SwitchOver(at=at(), evidence=Evidence.PRIMARY_CHANGED)
    history = a_history(*map(told, reconciled(EMPTY, [primary])))

    [only] = reconciled(history, [a_switch_over(at(5))])

    assert [(ZERO, ONE)] == [
        (known.from_instance, known.to_instance) for known in only.failover.switch_overs
    ]


def test_what_both_instances_lost_has_no_direction_and_its_own_interval() -> None:
    one = SwitchOver(at=at(5), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO)
    both = SwitchOver(at=at(), evidence=Evidence.BOTH_INSTANCES_LOST, last=at(170))
    history = a_history(*map(told, reconciled(EMPTY, [one])))

    [only] = reconciled(history, [both])

    assert (replace(both, at=at(5), first=at()),) == only.failover.switch_overs


@pytest.mark.parametrize(
    ("recorded", "found", "expected"),
    [(None, at(4), None), (at(2), at(4), at(4)), (at(2), None, at(2))],
)
def test_how_much_was_left_open_is_never_more_than_was_told(
    recorded: datetime | None, found: datetime | None, expected: datetime | None
) -> None:
    history = a_history(*map(told, reconciled(EMPTY, [a_switch_over(not_before=recorded)])))

    [only] = reconciled(history, [a_switch_over(not_before=found)])

    assert [expected] == [known.not_before for known in only.failover.switch_overs]


def test_one_that_shows_two_recorded_ones_to_be_one_is_that_of_the_earlier() -> None:
    """While not all rows are seen neither is taken back."""
    wide = a_switch_over(at(minutes=4), first=at(minutes=1))

    assert [[0]] == minutes_of(reconciled(after(0, 4), [wide], seen(complete=False)))


def test_a_second_finding_near_a_recorded_one_does_not_move_it_either() -> None:
    assert [[0]] == minutes_of(reconciled(after(0), switched(-2.9, -0.5)))


@pytest.mark.parametrize(
    ("recorded", "minute"),
    [
        (a_switch_over(last=at(minutes=30)), 29),
        (a_switch_over(last=at(minutes=30)), 33),
        (a_switch_over(at(minutes=10), first=at()), -1),
        (a_switch_over(at(minutes=10), first=at()), -3),
    ],
)
def test_a_recorded_one_is_found_by_either_end_of_its_interval(
    recorded: SwitchOver, minute: float
) -> None:
    """Whatever else was recorded, and however short that was."""
    other = a_switch_over(at(hours=3))
    history = a_history(*map(told, reconciled(EMPTY, [recorded, other])))

    failovers = reconciled(history, [*switched(minute), other])

    assert [[recorded.at], [other.at]] == [
        [known.at for known in each.failover.switch_overs] for each in failovers
    ]


def test_the_opposite_direction_never_stands_for_a_recorded_one() -> None:
    back = a_switch_over(at(30), from_instance=ONE, to_instance=ZERO)

    [only] = reconciled(after(0), [back])

    assert (back,) == only.failover.switch_overs


def test_one_of_the_opposite_direction_is_another_however_near() -> None:
    back = a_switch_over(at(30), from_instance=ONE, to_instance=ZERO)

    [only] = reconciled(after(0), [a_switch_over(), back])

    assert Reason.SWITCHED_AGAIN is reason_of(only)
    assert (a_switch_over(), back) == only.failover.switch_overs


def test_a_recorded_switch_over_is_recognised_by_its_interval() -> None:
    """The row of the primary's change comes late and lies 200 s after the instant that was told."""
    wide = a_switch_over(last=at(150))
    history = a_history(*map(told, reconciled(EMPTY, [wide])))
    late = a_switch_over(at(200), evidence=Evidence.PRIMARY_CHANGED, first=at())

    [only] = reconciled(history, [late])

    assert [at()] == [known.at for known in only.failover.switch_overs]
    assert Reason.SWITCHED_AGAIN is not reason_of(only)


def test_an_instant_that_was_told_as_open_stays_so_where_evidence_says_when() -> None:
    open_wide = a_switch_over(not_before=at(2), last=at(230))
    history = a_history(*map(told, reconciled(EMPTY, [open_wide])))
    primary = SwitchOver(at=at(210), evidence=Evidence.PRIMARY_CHANGED)

    [same] = reconciled(history, [open_wide])
    [settled] = reconciled(history, [primary])

    assert [(at(), at(2))] == [(known.at, known.not_before) for known in same.failover.switch_overs]
    assert [(at(), at(2), Evidence.PRIMARY_CHANGED)] == [
        (known.at, known.not_before, known.evidence) for known in settled.failover.switch_overs
    ]


def test_two_findings_near_one_recorded_switch_over_begin_no_failover_of_their_own() -> None:
    [only] = reconciled(after(0), switched(-1, 2.5))

    assert after(0).records[0].failover.id == only.failover.id


@pytest.mark.parametrize(("minute", "nearer"), [(1, 0), (3, 4)])
def test_one_that_lies_near_two_recorded_ones_is_the_nearer_at_the_instant_that_was_told(
    minute: float, nearer: float
) -> None:
    """Nothing shows the other one any more."""
    assert [[nearer]] == minutes_of(reconciled(after(0, 4), switched(minute)))


def test_two_recorded_ones_that_are_both_seen_stay_two() -> None:
    assert [[0, 4]] == minutes_of(reconciled(after(0, 4), switched(0, 4)))


def test_one_that_reaches_two_recorded_failovers_joins_the_nearer() -> None:
    near_first = reconciled(after(0, 100), switched(0, 45, 100))
    near_second = reconciled(after(0, 100), switched(0, 55, 100))

    assert [[0, 45], [100]] == minutes_of(near_first)
    assert [[0], [55, 100]] == minutes_of(near_second)


def test_failovers_stand_in_time_order_also_where_an_early_one_comes_to_light_late() -> None:
    assert [[0], [100]] == minutes_of(reconciled(after(100), switched(0, 100)))


def test_recorded_failovers_whose_switch_overs_lie_between_one_another_stay_as_they_are() -> None:
    """They were told as two failovers; neither takes a switch-over from the other."""
    first, second = after(0, 50).records[0], after(40, 90).records[0]

    failovers = reconciled(a_history(first, second), switched(0, 40, 50, 90))

    assert [[0, 50], [40, 90]] == minutes_of(failovers)


def test_three_switch_overs_in_a_day_are_flapping_of_whichever_failovers_they_are() -> None:
    failovers = reconciled(EMPTY, switched(*range(-240, 241, 80)))

    assert [False, False, True, True, True, True, True] == [
        each.diagnosis.flapping for each in failovers
    ]


# Why something is told


def test_an_instant_that_is_anothers_does_not_stay_with_the_one_that_was_told_with_it() -> None:
    """The primary's row came before the rows which show that the role came back by then."""
    told_with = a_switch_over(
        at(160),
        evidence=Evidence.PRIMARY_CHANGED,
        from_instance=ZERO,
        to_instance=ONE,
        first=at(),
    )
    history = a_history(*map(told, reconciled(EMPTY, [told_with])))
    there = a_switch_over(at(), from_instance=ZERO, to_instance=ONE, last=at(12))
    back = a_switch_over(
        at(160),
        evidence=Evidence.PRIMARY_CHANGED,
        from_instance=ONE,
        to_instance=ZERO,
        first=at(155),
    )

    [only] = reconciled(history, [there, back])

    assert (there, back) == only.failover.switch_overs
    assert Reason.SWITCHED_AGAIN is reason_of(only)


def test_what_was_told_and_still_holds_is_not_told_again() -> None:
    rows = (down(at()), up(at(12)))
    history = after(0, observation=seen(*rows))

    assert only_reason(history, switched(0), seen(*rows)) is None


def test_a_failover_that_later_rows_do_not_bear_out_is_retracted() -> None:
    """Both instances lost the peer; the rows of one came late."""
    rows = (down(at()), up(at(12)))
    late = (down(at(3), ONE), up(at(9), ZERO))
    history = after(0, observation=seen(*rows))
    for since in (None, at()):
        [only] = reconciled(history, [], seen(*rows, *late, since=since))

        assert Reason.RETRACTED is reason_of(only)
        assert not only.diagnosis.borne_out


@pytest.mark.parametrize(
    ("seconds", "instance", "doubt", "all_peers", "stays"),
    [
        ((180, 180), ZERO, NOT_SHOWN, True, True),
        ((180.001, 190), ZERO, NOT_SHOWN, True, False),
        ((-400, -180), ZERO, NOT_SHOWN, True, True),
        ((0, 0), ONE, NOT_SHOWN, True, False),
        ((0, 0), ZERO, ONE_PEER, False, True),
        ((0, 0), ZERO, ONE_PEER, True, False),
        ((0, 0), ZERO, UNKNOWN_MODE, False, False),
    ],
)
def test_a_loss_stays_told_while_what_showed_it_was_not_asked_for(
    *,
    seconds: tuple[float, float],
    instance: str,
    doubt: str,
    all_peers: bool,
    stays: bool,
) -> None:
    loss = SwitchOver(at=at(), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO)
    history = a_history(*map(told, reconciled(EMPTY, [loss])))
    piece = Piece(
        at=at(seconds[0]),
        until=at(seconds[1]),
        evidence=Evidence.INSTANCE_LOST,
        from_instance=instance,
        doubt=doubt,
    )

    [only] = reconciled(history, [], known=Known(all_peers=all_peers), doubtful=[piece])

    assert stays is only.diagnosis.borne_out


def test_a_failover_whose_rows_are_gone_is_left_as_it_was_told() -> None:
    """The scope that held them is asked no more, or did not answer."""
    rows = (down(at()), up(at(12)))
    history = after(0, observation=seen(*rows))

    for observation in (seen(), seen(rows[0]), seen(*rows, complete=False)):
        assert only_reason(history, [], observation) is None


def test_what_was_not_borne_out_is_so_again_once_its_evidence_is_seen() -> None:
    rows = (down(at()), up(at(12)))
    history = after(0, observation=seen(*rows))
    [record] = history.records
    doubted = replace(record, diagnosis=replace(record.diagnosis, borne_out=False))
    [only] = reconciled(replace(history, records=(doubted,)), switched(0), seen(*rows))

    assert only.diagnosis.borne_out
    assert Reason.DETECTED is reason_of(only)


def test_what_was_not_borne_out_stays_so_while_its_rows_cannot_all_be_seen() -> None:
    """Else a scope that does not answer would be news."""
    rows = (down(at()), up(at(12)))
    history = after(0, observation=seen(*rows))
    [record] = history.records
    doubted = replace(record, diagnosis=replace(record.diagnosis, borne_out=False))

    assert only_reason(a_history(doubted), [], seen(*rows, complete=False)) is None


def test_another_switch_over_is_told_as_switched_again() -> None:
    assert Reason.SWITCHED_AGAIN == only_reason(after(0), switched(0, 20))


def test_a_failover_is_borne_out_by_a_later_switch_over_alone() -> None:
    """What began it turned out to be none; who was told of that hears of the one that was."""
    [only] = reconciled(after(0), switched(20))

    assert [[20]] == minutes_of([only])
    assert (Reason.SWITCHED_AGAIN, True) == (reason_of(only), only.diagnosis.borne_out)


def test_a_cause_that_is_recorded_late_is_told_as_found() -> None:
    maintenance = of_gateway(Kind.MAINTENANCE, at(-60))

    assert Reason.CAUSE_CHANGED == only_reason(after(0), switched(0), seen(maintenance))


def test_a_stronger_cause_is_told_as_found_and_a_weaker_one_changes_nothing() -> None:
    maintenance = of_gateway(Kind.MAINTENANCE, at(-60))
    reset = [of_activity(Kind.RESET, phase, at(-30)) for phase in (Phase.STARTED, Phase.SUCCEEDED)]
    by_maintenance = after(0, observation=seen(maintenance))
    by_reset = after(0, observation=seen(*reset))

    assert Reason.CAUSE_CHANGED == only_reason(by_maintenance, switched(0), seen(*reset))
    assert only_reason(by_reset, switched(0), seen(maintenance)) is None


def test_the_return_of_a_tunnel_is_told_as_recovered() -> None:
    history = after(0, observation=seen(down(at())))

    assert State.ONGOING == history.records[0].diagnosis.state
    assert Reason.RECOVERED == only_reason(history, switched(0), seen(down(at()), up(at(hours=1))))


def test_another_tunnel_that_was_down_is_told_as_revised() -> None:
    paris = (down(at()), up(at(12)))
    lyon = (down(at(2), remote_ip=LYON), up(at(14), remote_ip=LYON))

    assert Reason.REVISED == only_reason(
        after(0, observation=seen(*paris)), switched(0), seen(*paris, *lyon)
    )


def test_that_time_passes_is_nothing_to_tell() -> None:
    """An open outage becomes critical once, and then only its end is news."""
    rows = [down(at())]
    first = after(0, observation=seen(*rows, seen_until=at(minutes=20)))

    assert only_reason(first, switched(0), seen(*rows, seen_until=at(hours=3))) is None


def test_what_was_recorded_without_the_cause_of_each_switch_over_is_not_told_again() -> None:
    """As a release before did, of a failover with two switch-overs."""
    history = after(0, 30)
    [record] = history.records
    before = replace(record, diagnosis=replace(record.diagnosis, causes=()))

    assert only_reason(a_history(before), switched(0, 30)) is None


def test_a_cause_beside_another_switch_over_is_told_as_found() -> None:
    first = of_gateway(Kind.MAINTENANCE, at(-60))
    second = of_gateway(Kind.MAINTENANCE, at(-60, minutes=30))
    history = after(0, 30, observation=seen(first))

    assert Reason.CAUSE_CHANGED is only_reason(history, switched(0, 30), seen(first, second))


def test_the_cause_of_a_switch_over_whose_rows_have_left_the_window_stays_with_it() -> None:
    history = after(0, 40, observation=seen(of_gateway(Kind.MAINTENANCE, at(-60))))

    [only] = reconciled(history, switched(0, 40), seen(since=at(minutes=20)))

    assert [CauseKind.MAINTENANCE, CauseKind.NOT_RECORDED] == [
        cause.kind for cause in only.diagnosis.causes
    ]


def test_that_azure_may_not_be_asked_of_an_open_tunnel_is_told() -> None:
    refused = Known(live={LYON: [FactUnknown("needs a role", kind="refused")]})
    observation = seen(down(at(), remote_ip=LYON), seen_until=at(minutes=4))

    [only] = reconciled(after(0, observation=observation), switched(0), observation, refused)

    assert (Reason.REVISED,) == only.reasons


def test_that_the_cause_stands_beside_another_switch_over_is_told() -> None:
    """The whole failover has the same one as before."""
    observation = seen(of_gateway(Kind.MAINTENANCE, at(-60)))
    history = after(0, 30, observation=observation)
    [record] = history.records
    swapped = replace(record.diagnosis, causes=record.diagnosis.causes[::-1])

    [only] = reconciled(a_history(replace(record, diagnosis=swapped)), switched(0, 30), observation)

    assert () != only.reasons


def test_a_cause_that_turns_out_failed_is_told() -> None:
    reset = [of_activity(Kind.RESET, phase, at(-30)) for phase in (Phase.STARTED, Phase.FAILED)]
    history = after(0, observation=seen(reset[0]))

    assert history.records[0].diagnosis.cause.started
    assert Reason.CAUSE_CHANGED is only_reason(history, switched(0), seen(*reset))


def test_the_return_of_a_tunnel_whose_state_was_unknown_is_told_as_recovered() -> None:
    """It was asked of for a day; then its row came all the same."""
    history = after(0, observation=seen(down(at())))
    [record] = history.records
    unknown = replace(record, diagnosis=replace(record.diagnosis, state=State.UNKNOWN))

    assert Reason.RECOVERED is only_reason(
        a_history(unknown), switched(0), seen(down(at()), up(at(hours=7)))
    )


# By which mode it is told


@pytest.mark.parametrize("recorded", [True, False])
def test_a_failover_stays_of_the_mode_that_it_was_told_by(*, recorded: bool) -> None:
    record = replace(
        told(reconciled(EMPTY, switched(0))[0]), gateway=a_gateway(active_active=recorded)
    )

    [only] = reconciled(a_history(record), switched(0), known=Known(active_active=not recorded))

    assert recorded is only.active_active


@pytest.mark.parametrize("mode", [True, False, None])
def test_one_that_was_told_by_no_mode_gets_that_of_the_facts(*, mode: bool | None) -> None:
    history = after(0, gateway=a_gateway(active_active=None))

    [only] = reconciled(history, switched(0), known=Known(active_active=mode))

    assert mode is only.active_active


def test_one_that_lies_before_a_write_of_the_gateway_is_of_no_known_mode() -> None:
    write = [
        of_activity(Kind.WRITE, phase, at(minutes=9)) for phase in (Phase.STARTED, Phase.SUCCEEDED)
    ]

    before, after_ = reconciled(
        EMPTY, switched(0, 90), seen(*write), known=Known(active_active=True)
    )

    assert (None, True) == (before.active_active, after_.active_active)


def test_rows_of_a_gateway_that_is_no_vpn_gateway_tell_of_no_failover() -> None:
    rows = (down(at()), up(at(12)), of_gateway(Kind.PRIMARY_CHANGED, at(5)))

    assert [] == reconcile(EMPTY, Examination(observation=seen(*rows), known=Known(is_vpn=False)))
    assert 1 == len(reconcile(EMPTY, Examination(observation=seen(*rows), known=Known())))


def test_what_an_instance_of_an_active_active_gateway_lost_is_redundancy_as_it_was_told() -> None:
    """Azure said of the other tunnels that they were up; the next run does not ask again."""
    rows = [down(at(), ZERO, peer) for peer in (PARIS, LYON)]
    rows += [up(at(60), ZERO, peer) for peer in (PARIS, LYON)]
    states = tuple(
        TunnelState(vip=vip, status=TunnelStatus.CONNECTED, connected_since=since)
        for vip, since in (("203.0.113.10", at(60)), ("203.0.113.11", at(hours=-9)))
    )
    live = {
        peer: [Connection(name="conn", remote_ip=peer, status=None, tunnels=states)]
        for peer in (PARIS, LYON)
    }

    def looked(history: History, known: Known) -> Reconciled:
        [only] = reconcile(history, Examination(observation=seen(*rows), known=known))
        return only

    first = looked(EMPTY, Known(active_active=True, live=live))
    again = looked(a_history(told(first, a_gateway(active_active=True))), Known(active_active=True))

    for each in (first, again):
        assert ((), (), 1) == (
            each.diagnosis.outages,
            each.diagnosis.unclear,
            len(each.diagnosis.redundancy),
        )
    assert () == again.reasons


# What cannot be seen


def test_nothing_begins_in_the_part_of_the_window_that_may_be_cut_off() -> None:
    assert [] == reconciled(EMPTY, switched(0), seen(since=at(1)))
    assert 1 == len(reconciled(EMPTY, switched(0), seen(since=at())))


def test_a_failover_in_that_part_is_left_as_recorded() -> None:
    history = after(0, observation=seen(down(at()), up(at(12))))

    assert [] == reconciled(history, switched(0), seen(since=at(minutes=1)))


def test_a_failover_that_only_began_in_that_part_is_looked_at_and_not_taken_back() -> None:
    [only] = reconciled(after(0, 40), [], seen(since=at(minutes=20)))

    assert only.diagnosis.borne_out
    assert [[0]] == minutes_of([only])


def test_a_failover_that_is_followed_is_looked_at_however_old_it_is() -> None:
    history = after(0, observation=seen(down(at())))
    [record] = history.records
    followed = a_history(replace(record, following=True))
    later = seen(up(at(hours=30)), since=at(hours=24), seen_until=at(hours=30))

    [only] = reconciled(followed, [], later)

    assert (Reason.RECOVERED, at(hours=30)) == (reason_of(only), only.diagnosis.outages[0].end)


def test_an_incomplete_answer_takes_nothing_back_and_still_finds_what_is_new() -> None:
    rows = (down(at()), up(at(12)), of_gateway(Kind.MAINTENANCE, at(-60)))
    history = after(0, observation=seen(*rows))
    half = seen(down(at()), complete=False)

    assert only_reason(history, switched(0), half) is None
    assert Reason.SWITCHED_AGAIN == only_reason(history, switched(0, 9), half)


def test_a_second_disconnect_whose_first_row_is_missing_does_not_move_an_outage() -> None:
    """The first row stands in the scope that does not answer, or has just left the window."""
    history = after(0, observation=seen(down(at()), down(at(60)), up(at(90))))
    rest = (down(at(60)), up(at(90)))

    for observation in (seen(*rest, complete=False), seen(*rest, since=at(50))):
        [record] = history.records
        followed = a_history(replace(record, following=True))
        assert only_reason(followed, [], observation) is None


@given(
    offsets=st.lists(st.integers(0, 400), min_size=1, max_size=8, unique=True),
    cuts=st.lists(st.integers(0, 400), max_size=4),
)
def test_switch_overs_that_come_to_light_in_time_order_make_one_history_in_any_number_of_runs(
    offsets: list[int], cuts: list[int]
) -> None:
    """Offsets of 4 minutes, so that no two are one switch-over."""
    found = switched(*(4 * offset for offset in sorted(offsets)))
    at_once = [told(each) for each in reconciled(EMPTY, found)]
    history = EMPTY

    for cut in [*sorted(cuts), 400]:
        visible = [known for known in found if known.at <= at(minutes=4 * cut)]
        for each in reconciled(history, visible):
            others = [r for r in history.records if r.failover.id != each.failover.id]
            history = a_history(*sorted([*others, told(each)], key=_first_at))

    assert [record.failover for record in at_once] == [r.failover for r in history.records]
    for record in at_once:
        instants = [known.at for known in record.failover.switch_overs]
        assert all(b - a <= TOGETHER_WITHIN for a, b in pairwise(instants))


def _first_at(record: Record) -> datetime:
    return record.failover.first_at


# What is not found again and is not disproved either


def only_peer_lost() -> tuple[Signal, ...]:
    """The only peer of an active-active gateway, gone from one instance for a minute."""
    return (up(at(hours=-4), ONE), down(at()), up(at(60), ZERO))


LOSS = a_switch_over(evidence=Evidence.INSTANCE_LOST, to_instance=None)
ACTIVE = Known(active_active=True)


def test_the_loss_of_an_only_peer_stays_while_nobody_asked_for_the_peers() -> None:
    observation = seen(*only_peer_lost())
    told_before = reconciled(EMPTY, [LOSS], observation, ACTIVE)
    history = a_history(*(told(each, a_gateway(active_active=True)) for each in told_before))

    [same] = reconciled(history, [], observation, ACTIVE)
    several = replace(ACTIVE, peers={LYON: "conn-lyon"}, all_peers=True)
    [taken_back] = reconciled(history, [], observation, several)

    assert (True, False) == (same.diagnosis.borne_out, taken_back.diagnosis.borne_out)


def test_what_azure_showed_to_be_lost_stays_while_no_row_shows_otherwise() -> None:
    """Nobody asks in each run whether the tunnels are down."""
    lost = (down(at()), down(at(1), ZERO, LYON))
    observation = seen(*lost, seen_until=at(60))
    history = a_history(
        *(
            told(each, a_gateway(active_active=True))
            for each in reconciled(EMPTY, [LOSS], observation, ACTIVE)
        )
    )
    back = seen(*lost, up(at(3), ZERO), up(at(4), ZERO, LYON))

    [same] = reconciled(history, [], observation, ACTIVE)
    [taken_back] = reconciled(history, [], back, ACTIVE)

    assert (True, False) == (same.diagnosis.borne_out, taken_back.diagnosis.borne_out)


def test_of_several_switch_overs_those_that_rows_disprove_are_left_out() -> None:
    rows = (down(at()), up(at(12)))
    history = after(0, 40, observation=seen(*rows))

    [only] = reconciled(history, switched(0), seen(*rows))

    assert only.diagnosis.borne_out
    assert [[0]] == minutes_of([only])


def test_what_one_instance_was_told_to_have_lost_is_a_part_of_what_both_lost() -> None:
    both = SwitchOver(at=at(-20), evidence=Evidence.BOTH_INSTANCES_LOST, last=at(60))
    history = a_history(*map(told, reconciled(EMPTY, [LOSS])))

    [only] = reconciled(history, [both])

    assert [(at(), Evidence.BOTH_INSTANCES_LOST, None)] == [
        (known.at, known.evidence, known.from_instance) for known in only.failover.switch_overs
    ]
