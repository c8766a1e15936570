from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from detector.diagnosis.diagnosis import evidence_row, judged, to_ask, with_connections
from detector.model import (
    ACTIVITY,
    CauseKind,
    Connection,
    EndSource,
    Importance,
    Kind,
    Outage,
    Phase,
    Redundancy,
    State,
)
from tests.builders import (
    LYON,
    NICE,
    PARIS,
    ZERO,
    a_diagnosis,
    an_outage,
    at,
    diagnosed,
    down,
    of_activity,
    of_gateway,
    up,
)

MOVED = (down(at()), up(at(14)))
NAMED = Connection(name="conn-paris", remote_ip=PARIS, status="Connected")
SECOND = timedelta(seconds=1)


class TestStateAndImportance:
    def test_short_outages_that_ended_are_information(self) -> None:
        found = diagnosed(*MOVED)

        assert (State.RECOVERED, Importance.INFORMATION) == (found.state, found.importance)

    @pytest.mark.parametrize(
        ("seconds", "importance"), [(180, Importance.INFORMATION), (181, Importance.WARNING)]
    )
    def test_an_outage_of_more_than_three_minutes_is_a_warning(
        self, seconds: float, importance: Importance
    ) -> None:
        found = judged(a_diagnosis(outages=(an_outage(end=seconds),)))

        assert importance is found.importance

    @pytest.mark.parametrize(
        ("seconds", "importance"), [(299, Importance.INFORMATION), (300, Importance.CRITICAL)]
    )
    def test_a_tunnel_not_seen_to_come_back_is_critical_from_five_minutes_on(
        self, seconds: float, importance: Importance
    ) -> None:
        found = judged(a_diagnosis(outages=(an_outage(end=None),), seen_until=at(seconds)))

        assert (State.ONGOING, importance) == (found.state, found.importance)

    def test_lost_redundancy_is_a_warning_also_when_it_is_back(self) -> None:
        lost = Redundancy(instance=ZERO, start=at(), end=at(60))

        found = judged(a_diagnosis(redundancy=(lost,)))

        assert (State.RECOVERED, Importance.WARNING) == (found.state, found.importance)

    def test_redundancy_not_seen_to_come_back_is_ongoing_and_a_warning(self) -> None:
        lost = Redundancy(instance=ZERO, start=at(), missing=(PARIS,))

        found = judged(a_diagnosis(redundancy=(lost,)))

        assert (State.ONGOING, Importance.WARNING) == (found.state, found.importance)

    def test_without_rows_of_tunnels_the_state_is_unknown(self) -> None:
        found = diagnosed(of_gateway(Kind.PRIMARY_CHANGED, at()))

        assert (State.UNKNOWN, Importance.INFORMATION) == (found.state, found.importance)

    def test_a_return_that_was_not_logged_is_not_ongoing(self) -> None:
        outage = replace(an_outage(end=None), back_before=at(minutes=30))

        assert State.RECOVERED is judged(a_diagnosis(outages=(outage,))).state


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
        assert Importance.WARNING is judged(a_diagnosis(flapping=True)).importance


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


class TestConnections:
    OPEN = a_diagnosis(outages=(an_outage(end=None),), seen_until=at(minutes=30))

    def asked(self, *connections: Connection, after: float = 20) -> Outage:
        """The open outage after the connections were asked, so many minutes later."""
        return with_connections(self.OPEN, connections, asked_at=at(minutes=after)).outages[0]

    def test_a_tunnel_gets_the_name_of_its_connection(self) -> None:
        named = with_connections(
            a_diagnosis(outages=(an_outage(),)), [NAMED], asked_at=at(minutes=1)
        )

        assert replace(an_outage(), connection="conn-paris") == named.outages[0]

    def test_a_connection_to_another_peer_names_nothing(self) -> None:
        assert self.OPEN.outages[0] == self.asked(replace(NAMED, remote_ip=NICE))
        assert self.OPEN.outages[0] == self.asked(replace(NAMED, remote_ip=None))

    def test_a_tunnel_called_connected_was_connected_by_the_time_of_asking(self) -> None:
        found = self.asked(NAMED)

        assert (at(minutes=20), EndSource.ARM) == (found.end, found.end_source)
        assert (
            State.RECOVERED is with_connections(self.OPEN, [NAMED], asked_at=at(minutes=20)).state
        )

    @pytest.mark.parametrize("status", ["NotConnected", "Connecting", "Unknown", None])
    def test_any_other_status_ends_nothing(self, status: str | None) -> None:
        assert self.asked(replace(NAMED, status=status)).is_open

    @pytest.mark.parametrize(("minutes", "is_open"), [(9.99, True), (10, False)])
    def test_the_status_counts_from_ten_minutes_on(self, *, minutes: float, is_open: bool) -> None:
        assert is_open is self.asked(NAMED, after=minutes).is_open
        assert is_open is not to_ask(self.OPEN, now=at(minutes=minutes))

    def test_of_two_connections_to_one_peer_both_must_be_connected(self) -> None:
        other = replace(NAMED, name="conn-2", status="NotConnected")

        assert ("conn-2 and conn-paris", True) == (
            self.asked(NAMED, other).connection,
            self.asked(NAMED, other).is_open,
        )

    def test_what_the_log_said_is_not_changed_by_the_status(self) -> None:
        found = with_connections(a_diagnosis(outages=(an_outage(),)), [NAMED], asked_at=at(hours=1))

        assert (at(14), EndSource.LOG) == (found.outages[0].end, found.outages[0].end_source)


def test_the_end_of_an_operation_counts_only_where_its_start_would_have_been_seen() -> None:
    """At the window's start it may be the end of what began hours before."""
    end = of_activity(Kind.RESET, Phase.SUCCEEDED, at(-60))

    assert CauseKind.RESET is diagnosed(*MOVED, end).cause.kind
    assert CauseKind.NOT_RECORDED is diagnosed(*MOVED, end, since=at(minutes=-30)).cause.kind
