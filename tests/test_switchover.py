from __future__ import annotations

from datetime import timedelta

import pytest

from detector.diagnosis.switchover import (
    NEAR,
    Reading,
    by_gateway,
    in_time,
    pairings,
    pieces,
    suspected,
    switch_overs,
)
from detector.model import Evidence, Kind, Signal, SwitchOver
from tests.builders import (
    LILLE,
    LYON,
    ONE,
    PARIS,
    ZERO,
    a_signal,
    at,
    down,
    of_gateway,
    up,
)

MILLISECOND = timedelta(milliseconds=1)


def found(*rows: Signal, active_active: bool | None = None) -> list[SwitchOver]:
    """The switch-overs that these rows prove, in whatever order they come."""
    ordered = sorted(rows, key=in_time)
    return switch_overs(pieces(ordered, pairings(ordered)), active_active=active_active)


def outcomes(*rows: Signal) -> list[Reading]:
    """What became of each tunnel that disconnected."""
    return [pairing.outcome for pairing in pairings(sorted(rows, key=in_time))]


def instance_lost(*peers: str, instance: str = ZERO, start: float = 0) -> list[Signal]:
    """Tunnels that disconnect together, and come back on the same instance."""
    rows: list[Signal] = []
    for number, peer in enumerate(peers):
        rows += [
            down(at(start + number), instance, peer),
            up(at(start + number + 60), instance, peer),
        ]
    return rows


class TestPrimaryChanged:
    def test_one_row_is_a_switch_over_at_its_time(self) -> None:
        expected = [SwitchOver(at=at(7), evidence=Evidence.PRIMARY_CHANGED)]

        assert expected == found(of_gateway(Kind.PRIMARY_CHANGED, at(7)))

    def test_rows_of_both_instances_are_one_switch_over_at_the_first_of_them(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at(second)) for second in (9, 7)]

        assert [at(7)] == [known.at for known in found(*rows)]

    def test_the_message_is_never_parsed(self) -> None:
        row = of_gateway(Kind.PRIMARY_CHANGED, at(), text="Primary is GatewayTenantWorker_IN_1")

        assert [None] == [known.to_instance for known in found(row)]


class TestHandOver:
    def test_connected_on_the_other_instance_is_a_switch_over_at_the_disconnect(self) -> None:
        expected = [
            SwitchOver(at=at(), evidence=Evidence.HAND_OVER, from_instance=ZERO, to_instance=ONE)
        ]

        assert expected == found(down(at(), ZERO), up(at(14), ONE))

    def test_tunnels_that_move_together_are_one_switch_over_at_the_first_disconnect(self) -> None:
        rows = [down(at(3), ZERO, LYON), down(at(1), ZERO), up(at(9)), up(at(12), ONE, LYON)]

        assert [at(1)] == [known.at for known in found(*rows)]

    def test_three_minutes_are_still_a_hand_over(self) -> None:
        assert 1 == len(found(down(at(), ZERO), up(at() + NEAR, ONE)))

    def test_more_than_three_minutes_are_none(self) -> None:
        rows = [down(at(), ZERO), up(at() + NEAR + MILLISECOND, ONE)]

        assert [] == found(*rows)
        assert [Reading.TOO_LATE] == outcomes(*rows)

    def test_of_a_repeated_disconnect_the_first_within_three_minutes_counts(self) -> None:
        rows = [down(at(), ZERO), down(at(100), ZERO), down(at(120), ZERO), up(at(200), ONE)]

        assert [at(100)] == [known.at for known in found(*rows)]

    def test_disconnect_and_connect_at_one_instant_are_a_hand_over_in_either_order(self) -> None:
        assert 1 == len(found(up(at(), ONE), down(at(), ZERO)))

    def test_another_peer_that_connects_on_the_other_instance_is_no_hand_over(self) -> None:
        assert [] == found(down(at(), ZERO, PARIS), up(at(14), ONE, LYON))

    def test_a_tunnel_that_connects_before_it_disconnects_is_no_hand_over(self) -> None:
        assert [] == found(up(at(), ONE), down(at(2), ZERO))

    def test_the_way_there_and_the_way_back_are_two_switch_overs(self) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(minutes=27), ONE)]
        rows.append(up(at(7, minutes=27), ZERO))

        assert [(ZERO, ONE), (ONE, ZERO)] == [
            (known.from_instance, known.to_instance) for known in found(*rows)
        ]


class TestNoFailover:
    @pytest.mark.parametrize("active_active", [True, False, None])
    @pytest.mark.parametrize("seconds", [0, 1, 179, 181, 3600])
    def test_a_tunnel_that_comes_back_on_the_same_instance(
        self, *, seconds: float, active_active: bool | None
    ) -> None:
        rows = [down(at(), ZERO), up(at(seconds), ZERO)]

        assert [] == found(*rows, active_active=active_active)

    def test_a_peer_that_both_instances_lose_and_get_back_crosswise(self) -> None:
        rows = [down(at(), ZERO), down(at(1), ONE), up(at(30), ONE), up(at(31), ZERO)]

        assert [] == found(*rows, active_active=True)
        assert [Reading.SAME_INSTANCE] * 2 == outcomes(*rows)

    def test_a_connected_that_ends_the_other_instances_own_outage(self) -> None:
        rows = [down(at(minutes=-40), ONE), down(at(), ZERO), up(at(20), ONE)]

        assert [] == found(*rows)

    def test_a_peer_that_both_instances_get_back_though_one_disconnect_was_lost(self) -> None:
        rows = [down(at(), ZERO), up(at(30), ONE), up(at(31), ZERO)]

        assert [] == found(*rows)
        assert [Reading.BOTH_SERVE] == outcomes(*rows)

    def test_what_connects_on_the_first_instance_much_later_takes_nothing_back(self) -> None:
        rows = [down(at(), ZERO), up(at(20), ONE), up(at(minutes=30), ZERO)]

        assert [at()] == [known.at for known in found(*rows)]

    def test_a_tunnel_that_disconnects_and_never_comes_back(self) -> None:
        assert [] == found(down(at(), ZERO), active_active=True)
        assert [Reading.NO_CONNECTED] == outcomes(down(at(), ZERO))


class TestInstanceLost:
    def test_two_peers_lost_within_30_s_on_an_active_active_gateway_are_a_switch_over(self) -> None:
        rows = [down(at(), ZERO, PARIS), down(at(30), ZERO, LYON)]
        expected = [SwitchOver(at=at(), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO)]

        assert expected == found(*rows, active_active=True)

    def test_more_than_30_s_apart_they_are_none(self) -> None:
        rows = [down(at(), ZERO, PARIS), down(at(30) + MILLISECOND, ZERO, LYON)]

        assert [] == found(*rows, active_active=True)

    def test_one_peer_twice_is_none(self) -> None:
        rows = [down(at(), ZERO), up(at(2), ZERO), down(at(9), ZERO), up(at(12), ZERO)]

        assert [] == found(*rows, active_active=True)

    @pytest.mark.parametrize("active_active", [False, None])
    def test_on_a_gateway_not_known_to_be_active_active_it_is_no_switch_over(
        self, *, active_active: bool | None
    ) -> None:
        assert [] == found(*instance_lost(PARIS, LYON), active_active=active_active)

    @pytest.mark.parametrize("apart", [-NEAR, NEAR])
    def test_peers_that_the_other_instance_loses_too_are_no_evidence(
        self, apart: timedelta
    ) -> None:
        rows = [*instance_lost(PARIS, LYON), down(at(1) + apart, ONE, LYON)]

        assert [] == found(*rows, active_active=True)

    def test_what_the_other_instance_loses_later_is_another_matter(self) -> None:
        rows = [*instance_lost(PARIS, LYON), down(at(1) + NEAR + MILLISECOND, ONE, LYON)]

        assert [at()] == [known.at for known in found(*rows, active_active=True)]

    def test_two_peers_that_only_one_instance_lost_are_enough_among_others(self) -> None:
        rows = [*instance_lost(PARIS, LYON, LILLE), down(at(2), ONE, LILLE)]

        assert [at()] == [known.at for known in found(*rows, active_active=True)]

    def test_a_peer_that_the_other_instance_gets_back_too_was_lost_there_though_unlogged(
        self,
    ) -> None:
        rows = [*instance_lost(PARIS, LYON), up(at(70), ONE, LYON)]

        assert [] == found(*rows, active_active=True)


class TestSuspected:
    def test_a_loss_that_nothing_stronger_stands_beside(self) -> None:
        rows = sorted(instance_lost(PARIS, LYON), key=in_time)

        assert [at()] == [known.at for known in suspected(pieces(rows, pairings(rows)))]

    def test_a_loss_beside_a_primary_change_is_not_merely_suspected(self) -> None:
        rows = [*instance_lost(PARIS, LYON), of_gateway(Kind.PRIMARY_CHANGED, at(90))]
        rows.sort(key=in_time)

        assert [] == suspected(pieces(rows, pairings(rows)))


class TestMerging:
    def test_the_strongest_evidence_gives_the_instant_and_the_tunnels_the_instances(self) -> None:
        rows = [down(at(), ZERO), up(at(14), ONE), of_gateway(Kind.PRIMARY_CHANGED, at(5))]
        expected = [
            SwitchOver(
                at=at(5),
                evidence=Evidence.PRIMARY_CHANGED,
                from_instance=ZERO,
                to_instance=ONE,
            )
        ]

        assert expected == found(*rows)

    def test_a_loss_beside_a_hand_over_is_that_hand_over(self) -> None:
        rows = [*instance_lost(LYON, LILLE), down(at(2), ZERO), up(at(9), ONE)]

        assert [(at(2), Evidence.HAND_OVER)] == [
            (known.at, known.evidence) for known in found(*rows, active_active=True)
        ]

    def test_evidence_three_minutes_apart_is_one_switch_over(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at(minutes=minutes)) for minutes in (0, 3)]

        assert 1 == len(found(*rows))

    def test_evidence_further_apart_is_two(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at(second)) for second in (0, 180.001)]

        assert 2 == len(found(*rows))


def test_the_rows_of_each_gateway_are_put_in_time_order_each_once() -> None:
    branch = a_signal(gateway_id="/branch", at=at(3))
    rows = [up(at(9)), branch, down(at()), up(at(9))]

    assert {"/branch": [branch], down(at()).gateway_id: [down(at()), up(at(9))]} == by_gateway(rows)


def test_a_row_of_a_connection_is_no_gateways_until_somebody_says_whose() -> None:
    change = a_signal(kind=Kind.CONNECTION_CHANGE, gateway_id="", connection="/to-paris")

    assert {down(at()).gateway_id: [down(at())]} == by_gateway([change, down(at())])
