from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from detector.diagnosis.outage import CARRIED, Serves, Tunnels, tunnels
from detector.diagnosis.switchover import NEAR
from detector.model import (
    AlreadyDown,
    EndSource,
    Evidence,
    Kind,
    Outage,
    Redundancy,
    Signal,
    SwitchOver,
)
from tests.builders import (
    LILLE,
    LYON,
    NICE,
    ONE,
    PARIS,
    ZERO,
    a_switch_over,
    an_examination,
    an_observation,
    an_outage,
    at,
    down,
    of_gateway,
    up,
)

Span = tuple[str, datetime, datetime | None]
MILLISECOND = timedelta(milliseconds=1)
CHANGED = SwitchOver(at=at(), evidence=Evidence.PRIMARY_CHANGED)
LOST_ZERO = SwitchOver(at=at(), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO, last=at(1))


def lost(
    *rows: Signal,
    mode: bool | None = False,
    known: Sequence[SwitchOver] | None = None,
    others: Sequence[SwitchOver] = (),
    serves: Serves = lambda _ip, _instance, _at: None,
) -> Tunnels:
    """What the switch-overs in these rows, or those `known`, did to the tunnels."""
    examined = an_examination(an_observation(*rows), active_active=mode)
    return tunnels(
        examined.switch_overs if known is None else known,
        examined.walk,
        active_active=mode,
        others=others,
        serves=serves,
    )


def spans(found: Tunnels) -> list[Span]:
    """Each outage with its tunnel, its start and its end."""
    return [(outage.remote_ip, outage.start, outage.end) for outage in found.outages]


class TestOneInstanceServes:
    """Active-standby gateways, and those whose mode is not known."""

    def test_an_outage_lasts_until_the_tunnel_connects_on_the_other_instance(self) -> None:
        expected = Outage(
            remote_ip=PARIS, instance=ZERO, start=at(), end=at(14), end_source=EndSource.LOG
        )

        assert (expected,) == lost(down(at()), up(at(14))).outages

    def test_rows_in_any_order_and_twice_are_the_same(self) -> None:
        rows = [down(at()), up(at(14)), down(at(2), ZERO, LYON), up(at(9), ONE, LYON)]

        assert lost(*rows) == lost(*reversed(rows), *rows)

    def test_a_tunnel_without_a_connected_row_is_open(self) -> None:
        found = lost(down(at()), up(at(14)), down(at(2), ZERO, LYON))

        assert [(PARIS, at(), at(14)), (LYON, at(2), None)] == spans(found)
        assert [EndSource.LOG, None] == [outage.end_source for outage in found.outages]
        assert found.outages[1].is_open

    def test_what_continues_what_was_told_ended_by_azure_resource_managers_word(self) -> None:
        told = replace(up(at(14)), source=CARRIED)

        [outage] = lost(down(at()), told).outages

        assert (at(14), EndSource.ARM) == (outage.end, outage.end_source)

    def test_a_tunnel_that_moves_late_ends_when_it_connects(self) -> None:
        rows = [down(at()), up(at(14)), down(at(2), ZERO, LYON), up(at(minutes=9), ONE, LYON)]

        assert (LYON, at(2), at(minutes=9)) in spans(lost(*rows))

    def test_a_connected_row_without_a_disconnected_one_is_no_outage(self) -> None:
        assert [PARIS] == [
            outage.remote_ip
            for outage in lost(down(at()), up(at(14)), up(at(15), ONE, LYON)).outages
        ]

    def test_a_repeated_disconnect_counts_from_the_first(self) -> None:
        assert [(PARIS, at(), at(70))] == spans(lost(down(at()), down(at(60)), up(at(70))))

    @pytest.mark.parametrize(
        ("second", "expected"),
        [
            (180, [(PARIS, at(), at(190))]),
            (180.001, [(PARIS, at(), None), (PARIS, at(180.001), at(190))]),
        ],
    )
    def test_one_over_three_minutes_later_shows_that_it_had_come_back(
        self, second: float, expected: list[Span]
    ) -> None:
        rows = [down(at()), down(at(second)), up(at(190), ZERO)]

        assert expected == spans(lost(*rows, known=[CHANGED]))

    def test_it_counts_from_the_one_before_it(self) -> None:
        rows = [down(at()), down(at(100)), down(at(281)), up(at(290), ZERO)]

        assert [(PARIS, at(), None), (PARIS, at(281), at(290))] == spans(
            lost(*rows, known=[replace(CHANGED, last=at(120))])
        )

    def test_a_tunnel_that_blinks_twice_on_one_instance_was_out_twice(self) -> None:
        rows = [down(at()), up(at(9), ZERO), down(at(20)), up(at(30), ZERO)]

        assert [(PARIS, at(), at(9)), (PARIS, at(20), at(30))] == spans(
            lost(*rows, known=[CHANGED])
        )

    def test_a_later_life_of_the_tunnel_shows_that_it_was_back_but_not_when(self) -> None:
        way_there = [down(at()), up(at(14)), down(at(1), ZERO, LYON)]
        way_back = [down(at(minutes=30), ONE, LYON), up(at(9, minutes=30), ZERO, LYON)]

        outage = lost(*way_there, *way_back).outages[1]

        assert (LYON, at(1), None) == (outage.remote_ip, outage.start, outage.end)
        assert at(minutes=30) == outage.back_before
        assert not outage.is_open

    def test_a_disconnect_that_is_logged_after_the_tunnel_moved_is_no_outage(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), up(at(5), ONE), down(at(8), ZERO)]

        assert () == lost(*rows).outages

    @pytest.mark.parametrize(("seconds", "outages"), [(180, 0), (180.001, 1)])
    def test_so_it_is_up_to_three_minutes_after(self, seconds: float, outages: int) -> None:
        rows = [up(at(), ONE), down(at(seconds), ZERO)]

        assert outages == len(lost(*rows, known=[a_switch_over(last=at(9))]).outages)

    @pytest.mark.parametrize("seconds", [1, 2])
    def test_by_clocks_that_differ_it_moved_and_how_long_it_was_out_cannot_be_seen(
        self, seconds: float
    ) -> None:
        assert [timedelta()] == [
            outage.length for outage in lost(up(at(5), ONE), down(at(5 + seconds), ZERO)).outages
        ]

    def test_a_tunnel_that_moves_back_at_once_was_out_twice(self) -> None:
        rows = [down(at()), up(at(5)), down(at(60), ONE), up(at(75), ZERO)]

        assert (PARIS, at(), at(5)) in spans(lost(*rows))

    def test_a_tunnel_that_moves_just_after_its_peer_was_back_was_out(self) -> None:
        peer = [down(at(), ZERO), down(at(), ONE), up(at(9), ONE), up(at(10), ZERO)]

        assert (PARIS, at(100), at(114)) in spans(
            lost(*peer, down(at(100), ONE), up(at(114), ZERO))
        )


class TestWhatBelongs:
    def test_dead_peer_detection_hours_before_is_not_of_the_failover(self) -> None:
        flap = [down(at(hours=-2), ZERO, LYON), up(at(40, hours=-2), ZERO, LYON)]

        assert [(PARIS, at(), at(14))] == spans(lost(*flap, down(at()), up(at(14))))

    @pytest.mark.parametrize(
        ("seconds", "belongs"), [(-180.001, False), (-180, True), (194, True), (194.001, False)]
    )
    def test_it_began_within_3_minutes_of_the_interval_on_whichever_instance(
        self, *, seconds: float, belongs: bool
    ) -> None:
        """The interval ends with the Connected row at 14 s."""
        flap = [down(at(seconds), ONE, LYON), up(at(seconds + 2), ONE, LYON)]

        assert belongs is (LYON in [ip for ip, *_ in spans(lost(down(at()), up(at(14)), *flap))])

    @pytest.mark.parametrize(("minutes", "belongs"), [(60, True), (60.001, False)])
    def test_or_again_within_60_minutes_of_its_return(
        self, *, minutes: float, belongs: bool
    ) -> None:
        again = at(14, minutes=minutes)
        rows = [down(at()), up(at(14)), down(again, ONE), up(again + timedelta(seconds=9), ONE)]

        assert belongs is ((PARIS, again, again + timedelta(seconds=9)) in spans(lost(*rows)))

    def test_a_tunnel_that_goes_down_every_40_minutes_is_of_it_all_the_time(self) -> None:
        again = [
            row
            for minutes in (40, 80, 120)
            for row in (down(at(minutes=minutes), ONE), up(at(9, minutes=minutes), ONE))
        ]

        assert 4 == len(lost(down(at()), up(at(14)), *again).outages)

    def test_another_tunnel_an_hour_later_is_not(self) -> None:
        rows = [down(at()), up(at(14)), down(at(minutes=20), ONE, LYON)]

        assert [PARIS] == [ip for ip, *_ in spans(lost(*rows))]

    def test_what_is_of_another_failover_is_not_again_of_this_one(self) -> None:
        again = [down(at(minutes=50), ONE), up(at(9, minutes=50), ZERO)]
        other = a_switch_over(at(minutes=50), from_instance=ONE, to_instance=ZERO)

        found = lost(
            down(at()), up(at(14)), *again, known=[a_switch_over(last=at(14))], others=[other]
        )

        assert [(PARIS, at(), at(14))] == spans(found)

    @pytest.mark.parametrize(("seconds", "outages"), [(180, 1), (180.001, 2)])
    def test_nor_is_what_went_down_up_to_three_minutes_from_that(
        self, seconds: float, outages: int
    ) -> None:
        again = [down(at(minutes=50), ONE), up(at(9, minutes=50), ONE)]
        other = a_switch_over(at(seconds, minutes=50), from_instance=ONE, to_instance=ZERO)

        found = lost(
            down(at()), up(at(14)), *again, known=[a_switch_over(last=at(14))], others=[other]
        )

        assert outages == len(found.outages)

    @pytest.mark.parametrize(("minutes", "belongs"), [(60, True), (60.001, False)])
    def test_where_its_return_was_not_logged_within_60_minutes_of_its_loss(
        self, *, minutes: float, belongs: bool
    ) -> None:
        again = (down(at(minutes=minutes), ZERO), up(at(minutes=61), ZERO))

        found = lost(down(at()), *again, known=[a_switch_over()])

        assert belongs is ((PARIS, at(minutes=minutes), at(minutes=61)) in spans(found))

    def test_each_tunnel_may_go_down_again_however_late_it_began(self) -> None:
        rows = [down(at()), down(at(100), ZERO, LYON), up(at(160), ZERO, LYON)]
        again = (LYON, at(600), None)

        assert again in spans(lost(*rows, down(at(600), ZERO, LYON), known=[CHANGED]))

    def test_the_tunnels_of_a_slow_switch_over_belong(self) -> None:
        """They left at 0 s and came up at 230 s, 20 s after the primary instance changed."""
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at(210)), down(at()), up(at(230))]

        assert [(PARIS, at(), at(230))] == spans(lost(*rows))

    def test_a_tunnel_that_is_down_again_at_the_end_is_open(self) -> None:
        rows = [down(at()), up(at(14)), down(at(minutes=5), ONE)]

        assert [(PARIS, at(), at(14)), (PARIS, at(minutes=5), None)] == spans(lost(*rows))

    def test_beside_a_primary_change_any_instance_may_have_lost_the_role(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(2), ONE), up(at(9), ONE)]

        assert [(PARIS, at(2), at(9))] == spans(lost(*rows))

    def test_the_rows_that_say_so_are_handed_on(self) -> None:
        assert (down(at()), up(at(14))) == lost(down(at()), up(at(14))).rows


class TestAlreadyDown:
    """A tunnel that was down before is told as that, and is no outage of the failover."""

    OLD: Final = down(at(minutes=-20), ZERO, LYON)
    MOVED: Final = (down(at()), up(at(14)))
    EXPECTED: Final = AlreadyDown(remote_ip=LYON, instance=ZERO, since=at(minutes=-20))

    def test_one_that_is_still_down(self) -> None:
        found = lost(self.OLD, *self.MOVED)

        assert ((self.EXPECTED,), [PARIS]) == (found.already_down, [ip for ip, *_ in spans(found)])

    def test_one_that_came_up_by_the_failover(self) -> None:
        found = lost(self.OLD, up(at(20), ONE, LYON), *self.MOVED)

        assert ((self.EXPECTED,), [PARIS]) == (found.already_down, [ip for ip, *_ in spans(found)])

    def test_several_stand_in_the_order_of_their_loss(self) -> None:
        """One of them had been down before, and had come back."""
        before = (down(at(minutes=-60), ZERO, LYON), up(at(minutes=-50), ZERO, LYON))
        older = down(at(minutes=-30), ZERO, NICE)

        found = lost(*before, self.OLD, older, *self.MOVED).already_down

        assert [(NICE, at(minutes=-30)), (LYON, at(minutes=-20))] == [
            (tunnel.remote_ip, tunnel.since) for tunnel in found
        ]

    def test_one_that_went_down_between_two_switch_overs_is_not(self) -> None:
        known = [CHANGED, replace(CHANGED, at=at(minutes=40))]

        assert () == lost(down(at(minutes=20), ZERO, LYON), known=known).already_down

    def test_one_that_is_back_as_it_begins_is_not(self) -> None:
        assert () == lost(self.OLD, up(at(), ZERO, LYON), known=[CHANGED]).already_down

    def test_one_that_the_other_instance_lost_just_after_is_not(self) -> None:
        rows = [*TestBothInstancesServe.LOSS, down(at(60), ONE, LILLE)]

        assert () == lost(*rows, mode=True, known=[LOST_ZERO]).already_down

    def test_one_that_was_back_before_is_not(self) -> None:
        assert () == lost(self.OLD, up(at(-10), ZERO, LYON), *self.MOVED).already_down

    def test_one_that_disconnects_with_the_failover_had_come_back_nobody_knows_when(self) -> None:
        found = lost(self.OLD, down(at(1), ZERO, LYON), up(at(9), ONE, LYON), *self.MOVED)

        assert ((), [PARIS, LYON]) == (found.already_down, [ip for ip, *_ in spans(found)])

    def test_one_that_went_down_within_three_minutes_of_it_is_of_it(self) -> None:
        found = lost(down(at() - NEAR, ZERO, LYON), *self.MOVED)

        assert ((), [LYON, PARIS]) == (found.already_down, [ip for ip, *_ in spans(found)])

    def test_of_an_active_active_gateway_it_is_told_by_tunnel(self) -> None:
        rows = [self.OLD, *TestBothInstancesServe.LOSS[:1], down(at(1), ZERO, LILLE)]

        assert (self.EXPECTED,) == lost(*rows, mode=True, known=[LOST_ZERO]).already_down


class TestLostRows:
    """What lies between a Disconnected and a Connected row may have been lost; then no length."""

    THERE: Final = (down(at()), up(at(9)))
    BACK: Final = (down(at(minutes=40), ONE), up(at(9, minutes=40), ZERO))

    def lyon(self, *rows: Signal) -> list[tuple[datetime | None, datetime | None]]:
        """When the outages of Lyon ended, or before when they had, beside Paris there and back."""
        outages = lost(*self.THERE, *self.BACK, *rows).outages
        return [(out.end, out.back_before) for out in outages if out.remote_ip == LYON]

    def test_away_and_back_with_one_disconnected_and_one_connected_row(self) -> None:
        """It came up on the second instance and left it again, or was down for 40 minutes."""
        back = at(10, minutes=40)

        assert [(None, back)] == self.lyon(down(at(1), ZERO, LYON), up(back, ZERO, LYON))

    def test_a_tunnel_that_came_up_only_on_the_way_back_on_the_other_instance(self) -> None:
        """The role left the second instance, on which the tunnel is seen to connect."""
        back = at(minutes=50)

        assert [(None, back)] == self.lyon(down(at(1), ZERO, LYON), up(back, ONE, LYON))

    def test_a_return_before_the_role_moves_again_has_its_length(self) -> None:
        back = at(minutes=39)

        assert [(back, None)] == self.lyon(down(at(1), ZERO, LYON), up(back, ONE, LYON))

    def test_what_the_tunnel_was_lost_by_and_what_it_came_back_by_have_moved_once_each(
        self,
    ) -> None:
        assert [(at(minutes=40, seconds=20), None)] == self.lyon(
            down(at(minutes=40, seconds=1), ONE, LYON), up(at(20, minutes=40), ZERO, LYON)
        )

    @pytest.mark.parametrize(("seconds", "has_length"), [(2411, True), (2411.001, False)])
    def test_up_to_2_s_after_it_ended_a_switch_over_is_what_the_tunnel_came_back_by(
        self, *, seconds: float, has_length: bool
    ) -> None:
        """The way back ends at 2409 s."""
        back = at(seconds)
        expected = (back, None) if has_length else (None, back)

        assert [expected] == self.lyon(down(at(1), ZERO, LYON), up(back, ONE, LYON))

    def test_one_that_begins_with_the_loss_is_what_the_tunnel_was_lost_by(self) -> None:
        assert [(at(2420), None)] == self.lyon(down(at(2400), ZERO, LYON), up(at(2420), ONE, LYON))

    @pytest.mark.parametrize(
        ("moves", "back", "has_length"),
        [
            ([(180, ONE)], ZERO, True),
            ([(180.001, ONE)], ZERO, False),
            ([(200, ZERO)], ONE, True),
            ([(200, ZERO), (500, ZERO)], ONE, False),
            ([(-181, ZERO)], ZERO, True),
        ],
    )
    def test_the_role_moves_once_between_rows_of_two_instances_and_else_not_at_all(
        self, *, moves: list[tuple[float, str]], back: str, has_length: bool
    ) -> None:
        """The tunnel is lost on the first instance, just after the primary changed."""
        others = [
            a_switch_over(at(second), from_instance=left, to_instance=ONE if left is ZERO else ZERO)
            for second, left in moves
        ]

        [outage] = lost(
            down(at()), up(at(minutes=20), back), known=[CHANGED], others=others
        ).outages

        assert has_length is (outage.end is not None)

    def test_a_switch_over_of_another_failover_counts_as_well(self) -> None:
        other = a_switch_over(at(minutes=30), from_instance=ONE, to_instance=ZERO)
        rows = [down(at()), up(at(9)), down(at(1), ZERO, LYON), up(at(hours=1), ONE, LYON)]

        found = lost(*rows, known=[a_switch_over(last=at(9))], others=[other])

        assert [None, at(9)] == sorted((out.end for out in found.outages), key=str, reverse=True)


class TestBothInstancesServe:
    """Active-active gateways, where each instance has its own tunnels."""

    LOSS: Final = (
        down(at(), ZERO, PARIS),
        down(at(1), ZERO, LYON),
        up(at(60), ZERO, PARIS),
        up(at(90), ZERO, LYON),
    )
    THIRD: Final = (down(at(2), ZERO, LILLE), up(at(70), ZERO, LILLE))

    SERVED: Final = (up(at(hours=-4), ONE, PARIS), up(at(hours=-4), ONE, LYON))
    """The other instance's tunnels, up since long before."""

    def by_tunnel(self, found: Tunnels) -> list[list[Span]]:
        """The tunnels of each loss of redundancy, with their times."""
        return [
            [(tunnel.remote_ip, tunnel.start, tunnel.end) for tunnel in each.tunnels]
            for each in found.redundancy
        ]

    def test_tunnels_whose_peers_the_other_instance_serves_are_redundancy_lost(self) -> None:
        found = lost(*self.SERVED, *self.LOSS, mode=True)
        expected = Redundancy(
            instance=ZERO,
            start=at(),
            end=at(90),
            tunnels=(an_outage(PARIS, 0, 60), an_outage(LYON, 1, 90)),
        )

        assert ((), (), (expected,)) == (found.outages, found.unclear, found.redundancy)

    def test_redundancy_is_not_back_before_every_tunnel_is(self) -> None:
        [found] = lost(*self.SERVED, *self.LOSS[:3], mode=True).redundancy

        assert (None, [LYON]) == (found.end, [tunnel.remote_ip for tunnel in found.missing])

    def test_without_a_row_of_another_tunnel_nobody_knows_whether_it_served(self) -> None:
        found = lost(*self.LOSS, mode=True)

        assert ((), ()) == (found.outages, found.redundancy)
        assert [PARIS, LYON] == [tunnel.remote_ip for tunnel in found.unclear]

    @pytest.mark.parametrize("served", [True, False])
    def test_then_azure_resource_manager_may_know(self, *, served: bool) -> None:
        asked: list[tuple[str, str, datetime]] = []

        def serves(*tunnel: Any) -> bool:
            asked.append(tunnel)
            return served

        found = lost(*self.LOSS, mode=True, serves=serves)

        assert [(PARIS, ZERO, at()), (LYON, ZERO, at(1))] == asked
        expected: tuple[list[str], int] = ([], 1) if served else ([PARIS, LYON], 0)
        assert expected == ([ip for ip, *_ in spans(found)], len(found.redundancy))

    def test_rows_are_believed_before_azure_resource_manager(self) -> None:
        found = lost(*self.SERVED, *self.LOSS, mode=True, serves=lambda *_: False)

        assert ([], 1) == (spans(found), len(found.redundancy))

    def test_a_tunnel_that_was_down_already_serves_nobody(self) -> None:
        """Its last row before is a Disconnected one: the peer is cut off."""
        rows = [down(at(hours=-4), ONE, PARIS), self.SERVED[1], *self.LOSS]

        found = lost(*rows, mode=True)

        assert ([(PARIS, at(), at(60))], [[(LYON, at(1), at(90))]]) == (
            spans(found),
            self.by_tunnel(found),
        )

    def test_a_peer_is_out_while_both_instances_lack_its_tunnel(self) -> None:
        other = [down(at(20), ONE, PARIS), up(at(100), ONE, PARIS)]
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), *self.SERVED, *self.LOSS, *other]

        found = lost(*rows, mode=True)

        assert [(PARIS, at(20), at(60))] == spans(found)
        assert [[(LYON, at(1), at(90))]] == self.by_tunnel(found)

    def test_a_peer_whose_other_tunnel_goes_as_the_first_comes_back_is_not_out(self) -> None:
        other = [down(at(60), ONE, PARIS), up(at(100), ONE, PARIS)]

        assert [] == spans(lost(*self.SERVED, *self.LOSS, *other, mode=True, known=[LOST_ZERO]))

    def test_nor_is_one_whose_other_tunnel_had_come_back_before(self) -> None:
        other = [down(at(-100), ONE, PARIS), up(at(-50), ONE, PARIS)]

        assert [] == spans(lost(*self.SERVED, *other, *self.LOSS, mode=True, known=[LOST_ZERO]))

    def test_where_the_return_of_the_other_was_not_logged_nobody_knows_for_how_long(self) -> None:
        other = [down(at(20), ONE, PARIS), down(at(minutes=30), ONE, PARIS)]

        found = lost(*self.SERVED, *self.LOSS, *other, mode=True, known=[LOST_ZERO])

        assert [] == spans(found)

    @pytest.mark.parametrize(
        ("outs", "back", "is_spared"),
        [
            ([(100, 520)], 600, False),
            ([(100, 519)], 600, True),
            ([(180, None)], None, False),
            ([(180.001, None)], None, True),
            ([(100, 150), (400, None)], None, False),
        ],
    )
    def test_a_peer_that_was_served_for_three_minutes_at_most_is_not_redundancy_lost(
        self, *, outs: list[tuple[float, float | None]], back: float | None, is_spared: bool
    ) -> None:
        """The times are those in which the other instance had no tunnel to it either."""
        rows = [*self.SERVED, self.LOSS[0]]
        for start, end in outs:
            rows += [down(at(start), ONE), *([] if end is None else [up(at(end), ONE)])]
        rows += [] if back is None else [up(at(back), ZERO)]

        found = lost(*rows, mode=True, known=[LOST_ZERO])

        assert len(outs) == len(found.outages)
        assert is_spared is bool(found.redundancy)

    @pytest.mark.parametrize(
        ("others", "by_arm", "expected"),
        [
            ((down(at(hours=-4), ONE), down(at(minutes=20), ONE)), True, "redundancy"),
            ((down(at(hours=-4), ONE), down(at(minutes=20), ONE)), None, "outages"),
            ((up(at(minutes=20), ONE),), None, "unclear"),
            ((up(at(minutes=20), ONE),), False, "outages"),
            ((down(at(minutes=20), ONE),), False, "unclear"),
            ((down(at(minutes=20), ONE),), None, "unclear"),
            ((down(at(minutes=20), ONE),), True, "redundancy"),
        ],
    )
    def test_the_rows_of_the_other_tunnel_and_azure_resource_manager_say_what_it_was(
        self, *, others: tuple[Signal, ...], by_arm: bool | None, expected: str
    ) -> None:
        rows = [self.LOSS[0], self.LOSS[2], *others]

        found = lost(*rows, mode=True, known=[LOST_ZERO], serves=lambda *_: by_arm)

        kinds = ("outages", "redundancy", "unclear")
        assert [expected] == [kind for kind in kinds if getattr(found, kind)]

    @pytest.mark.parametrize(
        ("lilles", "losses"),
        [(180, 1), (180.001, 2)],
    )
    def test_what_is_lost_within_three_minutes_of_the_first_is_of_one_loss(
        self, lilles: float, losses: int
    ) -> None:
        rows = [*self.LOSS, down(at(lilles), ZERO, LILLE), up(at(lilles + 9), ZERO, LILLE)]

        assert losses == len(self.long_loss(*rows))

    @pytest.mark.parametrize(("lilles", "losses"), [(500, 1), (1000, 1), (1000.001, 2)])
    def test_and_so_is_what_is_lost_before_all_are_back(self, lilles: float, losses: int) -> None:
        rows = [self.LOSS[0], *self.LOSS[1::2], up(at(1000), ZERO)]
        rows += [down(at(lilles), ZERO, LILLE), up(at(lilles + 9), ZERO, LILLE)]

        assert losses == len(self.long_loss(*rows))

    def long_loss(self, *rows: Signal) -> tuple[Redundancy, ...]:
        """The redundancy that an instance lost, tunnel by tunnel in half an hour."""
        known = SwitchOver(
            at=at(), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO, last=at(minutes=30)
        )
        return lost(*rows, mode=True, known=[known], serves=lambda *_: True).redundancy

    def test_a_peer_whose_other_tunnel_goes_later_is_out_by_the_loss(self) -> None:
        slow = [*self.LOSS[:2], up(at(minutes=20), ZERO, PARIS), up(at(minutes=21), ZERO, LYON)]
        other = [down(at(minutes=10), ONE, PARIS), up(at(minutes=12), ONE, PARIS)]

        found = lost(*self.SERVED, *slow, *other, mode=True)

        assert [(PARIS, at(minutes=10), at(minutes=12))] == spans(found)
        assert [[(PARIS, at(), at(minutes=20)), (LYON, at(1), at(minutes=21))]] == self.by_tunnel(
            found
        )

    def test_a_peer_that_neither_gets_back_is_open(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(1)), down(at(5), ONE)]

        assert [(PARIS, at(5), None)] == spans(lost(*rows, mode=True))

    def test_only_the_lost_instances_tunnels_are_of_the_loss(self) -> None:
        glitch = [down(at(60), ONE, LILLE), up(at(70), ONE, LILLE)]

        found = lost(*self.SERVED, *self.LOSS, *glitch, mode=True)

        assert {ZERO} == {tunnel.instance for each in found.redundancy for tunnel in each.tunnels}
        assert () == found.unclear

    def test_losses_one_after_the_other_are_told_apart(self) -> None:
        again = [
            down(at(minutes=40), ZERO, PARIS),
            down(at(1, minutes=40), ZERO, LYON),
            up(at(minutes=41), ZERO, PARIS),
            up(at(minutes=42), ZERO, LYON),
        ]

        assert [(at(), at(90)), (at(minutes=40), at(minutes=42))] == [
            (each.start, each.end)
            for each in lost(*self.SERVED, *self.LOSS, *again, mode=True).redundancy
        ]

    def test_a_return_that_was_not_logged_is_known_by_a_later_life(self) -> None:
        later = [down(at(hours=3), ZERO, LYON), up(at(9, hours=3), ZERO, LYON)]

        [found] = lost(*self.SERVED, *self.LOSS[:3], *self.THIRD, *later, mode=True).redundancy

        assert (None, ()) == (found.end, found.missing)
        assert [None, at(hours=3)] == [tunnel.back_before for tunnel in found.tunnels]

    def test_where_the_return_was_not_logged_a_later_loss_is_of_it_only_if_it_is_for_good(
        self,
    ) -> None:
        """A tunnel that is down at the end of what is seen is not called back."""
        later = down(at(hours=3), ZERO, LYON)

        [found] = lost(*self.SERVED, *self.LOSS[:3], *self.THIRD, later, mode=True).redundancy

        assert [at(hours=3)] == [tunnel.start for tunnel in found.missing]


class TestUnknownMode:
    """Each instance may have tunnels of its own, or one serves at a time: only ARM tells."""

    ROWS = (down(at()), up(at(60), ZERO))

    @pytest.mark.parametrize(
        ("served", "expected"),
        [(None, (0, 0, 1)), (False, (1, 0, 0)), (True, (0, 1, 0))],
        ids=["nobody knows", "ARM lists no other", "ARM has another up since before"],
    )
    def test_a_tunnel_that_did_not_move_is_an_outage_only_where_arm_says_so(
        self, *, served: bool | None, expected: tuple[int, int, int]
    ) -> None:
        found = lost(
            *self.ROWS, mode=None, known=[CHANGED], serves=lambda _ip, _instance, _at: served
        )

        assert expected == tuple(map(len, (found.outages, found.redundancy, found.unclear)))

    def test_where_a_tunnel_moved_one_instance_at_a_time_serves(self) -> None:
        moved = replace(CHANGED, from_instance=ONE, to_instance=ZERO)

        assert [(PARIS, at(), at(60))] == spans(lost(*self.ROWS, mode=None, known=[moved]))

    def test_a_peer_that_is_up_on_either_instance_since_is_not_down(self) -> None:
        [outage] = lost(down(at()), up(at(minutes=4)), mode=None, known=[CHANGED]).unclear

        assert (at(minutes=4), False) == (outage.back_before, outage.is_open)

    def test_one_that_moved_before_was_not_already_down(self) -> None:
        rows = (down(at(minutes=-20)), up(at(minutes=-10)), down(at(minutes=-9), ONE, LYON))

        found = lost(*rows, mode=None, known=[CHANGED])

        assert [LYON] == [each.remote_ip for each in found.already_down]


class TestLostRowOfTheOther:
    """A tunnel that connects twice was down between, and nobody knows since when."""

    @pytest.mark.parametrize(
        ("after", "expected"),
        [(59, (0, 1)), (61, (1, 0))],
        ids=["within the hour", "long after"],
    )
    def test_whether_it_served_is_not_known(self, after: float, expected: tuple[int, int]) -> None:
        other = (up(at(hours=-1), ONE), up(at(minutes=after), ONE))

        found = lost(*other, down(at()), up(at(60), ZERO), mode=True, known=[LOST_ZERO])

        assert expected == (len(found.redundancy), len(found.unclear))
