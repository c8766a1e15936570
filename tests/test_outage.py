from __future__ import annotations

from datetime import datetime

from detector.diagnosis.outage import Tunnels, tunnels, walk
from detector.diagnosis.switchover import in_time, pairings, pieces, switch_overs
from detector.model import EndSource, Kind, Outage, Redundancy, Signal
from tests.builders import LYON, ONE, PARIS, ZERO, at, down, of_gateway, up

Span = tuple[str, datetime, datetime | None]


def lost(*rows: Signal, active_active: bool | None = False) -> Tunnels:
    """What all switch-overs in these rows did to the tunnels."""
    ordered = sorted(dict.fromkeys(rows), key=in_time)
    paired = pairings(ordered)
    known = switch_overs(pieces(ordered, paired), active_active=active_active)
    return tunnels(known, walk(ordered, paired, active_active=active_active))


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
        assert found.outages[1].is_open

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

    def test_a_later_life_of_the_tunnel_shows_that_it_was_back_but_not_when(self) -> None:
        way_there = [down(at()), up(at(14)), down(at(1), ZERO, LYON)]
        way_back = [down(at(minutes=30), ONE, LYON), up(at(9, minutes=30), ZERO, LYON)]

        outage = lost(*way_there, *way_back).outages[1]

        assert (LYON, at(1), None) == (outage.remote_ip, outage.start, outage.end)
        assert at(minutes=30) == outage.back_before
        assert not outage.is_open

    def test_a_disconnect_that_is_logged_after_the_tunnel_moved_is_no_outage(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), up(at(5), ONE), down(at(6), ZERO)]

        assert () == lost(*rows).outages

    def test_a_tunnel_that_moves_back_at_once_was_out_twice(self) -> None:
        rows = [down(at()), up(at(5)), down(at(60), ONE), up(at(75), ZERO)]

        assert (PARIS, at(), at(5)) in spans(lost(*rows))

    def test_a_tunnel_that_moves_just_after_its_peer_was_back_was_out(self) -> None:
        peer = [down(at(), ZERO), down(at(), ONE), up(at(9), ONE), up(at(10), ZERO)]

        assert [(PARIS, at(100), at(114))] == spans(
            lost(*peer, down(at(100), ONE), up(at(114), ZERO))
        )


class TestWhatBelongs:
    def test_dead_peer_detection_hours_before_is_not_of_the_failover(self) -> None:
        flap = [down(at(hours=-2), ZERO, LYON), up(at(40, hours=-2), ZERO, LYON)]

        assert [(PARIS, at(), at(14))] == spans(lost(*flap, down(at()), up(at(14))))

    def test_a_flap_that_was_over_just_before_is_not_of_the_failover(self) -> None:
        flap = [down(at(-60), ZERO, LYON), up(at(-40), ZERO, LYON)]

        assert [(PARIS, at(), at(14))] == spans(lost(*flap, down(at()), up(at(14))))

    def test_a_flap_on_the_instance_that_took_over_is_not_of_the_failover(self) -> None:
        flap = [down(at(60), ONE, LYON), up(at(80), ONE, LYON)]

        assert [(PARIS, at(), at(14))] == spans(lost(*flap, down(at()), up(at(14))))

    def test_beside_a_primary_change_any_instance_may_have_lost_the_role(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(2), ONE), up(at(9), ONE)]

        assert [(PARIS, at(2), at(9))] == spans(lost(*rows))

    def test_the_rows_that_say_so_are_handed_on(self) -> None:
        assert (down(at()), up(at(14))) == lost(down(at()), up(at(14))).rows


class TestBothInstancesServe:
    """Active-active gateways, where each instance has its own tunnels."""

    LOSS = (
        down(at(), ZERO, PARIS),
        down(at(1), ZERO, LYON),
        up(at(60), ZERO, PARIS),
        up(at(90), ZERO, LYON),
    )

    def test_a_tunnel_on_one_instance_is_no_outage_but_redundancy_lost(self) -> None:
        found = lost(*self.LOSS, active_active=True)

        assert () == found.outages
        assert (Redundancy(instance=ZERO, start=at(), end=at(90)),) == found.redundancy

    def test_redundancy_is_not_back_before_every_tunnel_is(self) -> None:
        found = lost(*self.LOSS[:3], active_active=True)

        assert (Redundancy(instance=ZERO, start=at(), missing=(LYON,)),) == found.redundancy

    def test_a_remote_ip_is_out_while_rows_say_so_of_both_instances(self) -> None:
        other = [down(at(20), ONE, PARIS), up(at(100), ONE, PARIS)]
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), *self.LOSS, *other]

        assert [(PARIS, at(20), at(60))] == spans(lost(*rows, active_active=True))

    def test_a_remote_ip_that_goes_later_on_the_other_instance_is_out_because_of_the_loss(
        self,
    ) -> None:
        slow = [*self.LOSS[:2], up(at(minutes=20), ZERO, PARIS), up(at(minutes=21), ZERO, LYON)]
        other = [down(at(minutes=10), ONE, PARIS), up(at(minutes=12), ONE, PARIS)]

        found = lost(*slow, *other, active_active=True)

        assert [(PARIS, at(minutes=10), at(minutes=12))] == spans(found)

    def test_a_remote_ip_that_neither_gets_back_is_open(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at()), down(at(1)), down(at(5), ONE)]

        assert [(PARIS, at(5), None)] == spans(lost(*rows, active_active=True))

    def test_losses_one_after_the_other_are_told_apart(self) -> None:
        again = [
            down(at(minutes=40), ZERO, PARIS),
            down(at(1, minutes=40), ZERO, LYON),
            up(at(minutes=41), ZERO, PARIS),
            up(at(minutes=42), ZERO, LYON),
        ]

        assert (
            Redundancy(instance=ZERO, start=at(), end=at(90)),
            Redundancy(instance=ZERO, start=at(minutes=40), end=at(minutes=42)),
        ) == lost(*self.LOSS, *again, active_active=True).redundancy

    def test_a_return_that_was_not_logged_is_known_by_a_later_life(self) -> None:
        later = [down(at(hours=3), ZERO, LYON), up(at(9, hours=3), ZERO, LYON)]

        found = lost(*self.LOSS[:3], *later, active_active=True)

        assert (Redundancy(instance=ZERO, start=at(), end=None, missing=()),) == found.redundancy

    def test_a_tunnel_that_moves_is_one_tunnel_there_too(self) -> None:
        assert [(PARIS, at(), at(14))] == spans(lost(down(at()), up(at(14)), active_active=True))
