"""What to do now: true, short, and enough for somebody at 3 a.m."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detector.insights.advice import advice_of, case_text, reset_advice
from detector.model import Importance, LiveAnswer, Outage, Redundancy, State, TunnelStatus
from tests.builders import (
    GATEWAY_ID,
    LYON,
    PARIS,
    ZERO,
    a_diagnosis,
    a_failover,
    a_gateway,
    an_outage,
    at,
)


def gone(remote_ip: str) -> Outage:
    """A tunnel that ARM says is down ten minutes later."""
    down = LiveAnswer(at=at(minutes=10), status=TunnelStatus.NOT_CONNECTED)
    return replace(an_outage(remote_ip, end=None), live=down)


class TestNow:
    def test_what_is_over_needs_nobody(self) -> None:
        over = a_diagnosis(outages=(an_outage(),), state=State.RECOVERED)

        assert "Nothing to do." == advice_of(over, a_gateway())

    def test_where_the_logs_tell_nothing_of_tunnels_somebody_has_to_look(self) -> None:
        said = advice_of(a_diagnosis(), a_gateway())

        assert "See whether your tunnels carry traffic: these logs do not tell." == said

    def test_a_tunnel_that_is_down_for_a_short_time_is_waited_for(self) -> None:
        fresh = a_diagnosis(outages=(an_outage(end=None),), state=State.ONGOING)

        assert advice_of(fresh, a_gateway()).startswith("Wait a few minutes")

    def test_where_others_came_back_the_peer_is_looked_at_first(self) -> None:
        found = a_diagnosis(
            outages=(an_outage(LYON), gone(PARIS)),
            state=State.ONGOING,
            importance=Importance.CRITICAL,
        )

        said = advice_of(found, a_gateway())

        assert said.startswith(f"Look at the peer's device of {PARIS} first")
        assert "az network vnet-gateway reset -g rg-network -n vpn-hub-weu" in said

    def test_where_none_came_back_it_is_the_gateway(self) -> None:
        found = a_diagnosis(
            outages=(gone(LYON), gone(PARIS)), state=State.ONGOING, importance=Importance.CRITICAL
        )

        said = advice_of(found, a_gateway())

        assert said.startswith("No tunnel of this failover came back: reset the gateway")
        assert "and open a case" in said

    def test_of_an_active_active_gateway_one_instance_is_reset_by_its_vip(self) -> None:
        gateway = a_gateway(active_active=True, vips=("203.0.113.10", "203.0.113.11"))
        found = a_diagnosis(
            outages=(gone(PARIS),), state=State.ONGOING, importance=Importance.CRITICAL
        )

        said = advice_of(found, gateway)

        assert "its VIP (203.0.113.10 or 203.0.113.11)" in said
        assert "--gateway-vip" in said

    def test_the_vip_is_that_of_the_tunnels_that_azure_says_are_down(self) -> None:
        """A reset of the other instance would cut off the peers that it serves."""
        gateway = a_gateway(active_active=True, vips=("203.0.113.10", "203.0.113.11"))
        down = gone(PARIS)
        assert down.live is not None
        lost = replace(down, live=replace(down.live, vip="203.0.113.11"))
        found = a_diagnosis(outages=(lost,), state=State.ONGOING, importance=Importance.CRITICAL)

        assert "its VIP (203.0.113.11): " in advice_of(found, gateway)

    def test_where_the_log_and_azure_contradict_each_other_traffic_decides(self) -> None:
        live = LiveAnswer(at=at(minutes=10), status=TunnelStatus.CONNECTED, contradicts=True)
        disputed = replace(an_outage(end=None), live=live)
        found = a_diagnosis(outages=(disputed,), state=State.ONGOING)

        assert advice_of(found, a_gateway()).startswith(f"See whether {PARIS} carries traffic")

    def test_missing_redundancy_is_waited_for_as_long_as_it_may_come_back(self) -> None:
        lost = Redundancy(instance=ZERO, start=at(), tunnels=(an_outage(end=None),))
        found = a_diagnosis(redundancy=(lost,), state=State.ONGOING)

        assert advice_of(found, a_gateway(active_active=True)).startswith("Wait: the other")

    def test_a_gateway_that_flaps_is_worth_a_case(self) -> None:
        found = a_diagnosis(outages=(an_outage(),), state=State.RECOVERED, flapping=True)

        said = advice_of(found, a_gateway())

        assert said.startswith("A gateway that keeps switching over is worth a case")

    def test_what_was_no_failover_still_names_the_tunnel_that_is_down(self) -> None:
        found = a_diagnosis(outages=(an_outage(end=None),), state=State.ONGOING, borne_out=False)

        assert f"Look at the peer of {PARIS}." == advice_of(found, a_gateway())

    def test_clients_that_are_still_off_connect_again_by_hand(self) -> None:
        found = a_diagnosis(outages=(an_outage(),), state=State.RECOVERED)

        assert "by hand" in advice_of(found, a_gateway(point_to_site=True))


def test_a_case_has_the_gateway_the_times_and_the_tunnels() -> None:
    found = a_diagnosis(outages=(an_outage(), gone(LYON)))

    said = case_text(a_failover(), found, a_gateway())

    assert f"Virtual network gateway: {GATEWAY_ID}" in said
    assert "Switched over: 2026-11-22 02:00:00Z (hand-over" in said
    assert f"Tunnel {PARIS} on {ZERO}: down 2026-11-22 02:00:00Z, up" in said
    assert f"Tunnel {LYON} on {ZERO}: down 2026-11-22 02:00:00Z, not seen up" in said


class TestReset:
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            (State.ONGOING, "only where a tunnel stays down"),
            (State.RECOVERED, "No reset is called for"),
            (State.UNKNOWN, "which these logs do not tell"),
        ],
    )
    def test_a_reset_is_advised_only_where_a_tunnel_stays_down(
        self, state: State, said: str
    ) -> None:
        assert said in reset_advice(a_diagnosis(state=state), a_gateway())

    def test_of_an_active_active_gateway_it_says_that_a_second_reset_hits_the_same_instance(
        self,
    ) -> None:
        gateway = a_gateway(active_active=True, vips=("203.0.113.10", "203.0.113.11"))

        said = reset_advice(a_diagnosis(), gateway)

        assert "a second reset reboots the same one again" in said
        assert "203.0.113.10 and 203.0.113.11" in said

    def test_of_an_active_standby_gateway_it_says_that_a_second_reset_hits_the_other(self) -> None:
        assert "a second reset the other one" in reset_advice(a_diagnosis(), a_gateway())

    def test_where_the_mode_is_unknown_it_says_why(self) -> None:
        gone = a_gateway(active_active=None, unknown={"active_active": "no permission"})

        assert "unknown (no permission)" in reset_advice(a_diagnosis(), gone)
