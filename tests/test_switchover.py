from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from detector.diagnosis.observation import Examination
from detector.diagnosis.switchover import (
    NEAR,
    NO_RECORD,
    NOT_SHOWN,
    SLOWEST,
    UNKNOWN_MODE,
    UNKNOWN_STANDBY,
    Mode,
    Pairing,
    Piece,
    Reading,
    by_gateway,
    suspected,
    switch_overs,
)
from detector.model import (
    Connection,
    Evidence,
    Kind,
    Phase,
    Signal,
    SwitchOver,
    TunnelState,
    TunnelStatus,
    Window,
)
from tests.builders import (
    LILLE,
    LYON,
    NICE,
    ONE,
    PARIS,
    ZERO,
    a_signal,
    an_examination,
    an_observation,
    at,
    down,
    of_activity,
    of_gateway,
    up,
)

MILLISECOND = timedelta(milliseconds=1)
ACTIVE: Final[dict[str, Any]] = {"active_active": True}


def examined(*rows: Signal, active_active: bool | None = None, **known: Any) -> Examination:
    """What these rows, in whatever order they come, mean for a gateway of this mode."""
    return an_examination(an_observation(*rows), active_active=active_active, **known)


def found(*rows: Signal, active_active: bool | None = None, **known: Any) -> list[SwitchOver]:
    """The switch-overs that these rows prove."""
    return list(examined(*rows, active_active=active_active, **known).switch_overs)


def directions(switch_overs: Sequence[SwitchOver]) -> list[tuple[str | None, str | None]]:
    """From which instance to which each went."""
    return [(known.from_instance, known.to_instance) for known in switch_overs]


def readings(*rows: Signal, active_active: bool | None = None) -> list[Reading]:
    """What became of each tunnel that disconnected."""
    pairs = examined(*rows, active_active=active_active).pairings
    return [pairing.reading for pairing in pairs]


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
            SwitchOver(
                at=at(),
                evidence=Evidence.HAND_OVER,
                from_instance=ZERO,
                to_instance=ONE,
                last=at(14),
            )
        ]

        assert expected == found(down(at(), ZERO), up(at(14), ONE))

    def test_tunnels_that_move_together_are_one_switch_over_at_the_first_disconnect(self) -> None:
        rows = [down(at(3), ZERO, LYON), down(at(1), ZERO), up(at(9)), up(at(12), ONE, LYON)]

        assert [at(1)] == [known.at for known in found(*rows)]

    def test_three_minutes_are_still_a_hand_over(self) -> None:
        assert 1 == len(found(down(at(), ZERO), up(at() + NEAR, ONE)))

    @pytest.mark.parametrize("mode", [None, True])
    def test_more_than_three_minutes_are_none_of_a_gateway_not_known_to_be_active_standby(
        self, *, mode: bool | None
    ) -> None:
        rows = [down(at(), ZERO), up(at() + NEAR + MILLISECOND, ONE)]

        assert [] == found(*rows, active_active=mode)
        assert [Reading.OWN_TUNNELS if mode else Reading.TOO_LATE] == readings(
            *rows, active_active=mode
        )

    def test_an_active_active_gateway_has_none(self) -> None:
        rows = [down(at(), ZERO), up(at(14), ONE)]

        assert [] == found(*rows, active_active=True)
        assert [Reading.OWN_TUNNELS] == readings(*rows, active_active=True)

    def test_of_a_repeated_disconnect_the_first_within_three_minutes_counts(self) -> None:
        rows = [down(at(), ZERO), down(at(100), ZERO), down(at(120), ZERO), up(at(200), ONE)]

        assert [at(100)] == [known.at for known in found(*rows)]

    def test_disconnect_and_connect_at_one_instant_are_a_hand_over_in_either_order(self) -> None:
        assert 1 == len(found(up(at(), ONE), down(at(), ZERO)))

    def test_another_peer_that_connects_on_the_other_instance_is_no_hand_over(self) -> None:
        assert [] == found(down(at(), ZERO, PARIS), up(at(14), ONE, LYON))

    @pytest.mark.parametrize(("seconds", "moved"), [(2, [(ZERO, ONE)]), (2.001, []), (60, [])])
    def test_a_tunnel_may_connect_up_to_2_s_before_it_disconnects_by_two_clocks(
        self, seconds: float, moved: list[tuple[str, str]]
    ) -> None:
        assert moved == directions(found(up(at(), ONE), down(at(seconds), ZERO)))

    def test_a_connected_just_before_that_ended_the_other_instances_own_outage_is_none(
        self,
    ) -> None:
        rows = [down(at(-60), ONE), up(at(), ONE), down(at(1), ZERO), up(at(30), ZERO)]

        assert [] == found(*rows)

    def test_a_connected_just_before_explains_one_disconnect_and_no_other(self) -> None:
        rows = [up(at(), ONE), down(at(1), ZERO), down(at(1.5), ZERO)]

        assert 1 == len(found(*rows))
        assert [Reading.HAND_OVER, Reading.NO_CONNECTED] == readings(*rows)

    def test_a_pairing_has_the_two_rows_that_it_pairs(self) -> None:
        away, there, back = down(at(), ZERO), up(at(9), ONE), up(at(20), ZERO)
        blink = (down(at(hours=1), ZERO), up(at(5, hours=1), ZERO))

        pairs = examined(away, there, back, *blink, active_active=None).pairings

        assert [
            Pairing(disconnected=away, connected=there, reading=Reading.BOTH_SERVE),
            Pairing(disconnected=blink[0], connected=blink[1], reading=Reading.SAME_INSTANCE),
        ] == pairs

    @pytest.mark.parametrize(
        ("mode", "reading"), [(True, Reading.NO_CONNECTED), (False, Reading.HAND_OVER)]
    )
    def test_what_two_clocks_explain_is_no_hand_over_of_an_active_active_gateway(
        self, *, mode: bool, reading: Reading
    ) -> None:
        assert [reading] == readings(up(at(), ONE), down(at(1), ZERO), active_active=mode)

    def test_the_newest_outage_of_several_is_handed_over_late_from_its_first_row(self) -> None:
        """Rows that are no more than three minutes apart are of one outage."""
        seconds = (0, 1, 1000, 1180, 1300, 1400)
        rows = [down(at(second), ZERO) for second in seconds]

        [late] = examined(*rows, up(at(5000), ONE), active_active=False).pairings
        [only] = examined(*rows[:2], up(at(5000), ONE), active_active=False).pairings

        assert (at(1000), at()) == (late.disconnected.at, only.disconnected.at)

    def test_the_way_there_and_the_way_back_are_two_switch_overs(self) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(minutes=27), ONE)]
        rows.append(up(at(7, minutes=27), ZERO))

        assert [(ZERO, ONE), (ONE, ZERO)] == [
            (known.from_instance, known.to_instance) for known in found(*rows)
        ]


class TestOneAtATime:
    """Of an active-standby gateway a tunnel that is lost on one instance had come up there."""

    @pytest.mark.parametrize("seconds", [20, 189])
    def test_a_loss_that_the_old_instance_logs_late_is_forgotten(self, seconds: float) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(seconds), ZERO)]
        back = [down(at(600), ONE), up(at(610), ZERO)]

        assert [Reading.HAND_OVER] * 2 == readings(*rows, *back, active_active=False)

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [
            (180, [Reading.SAME_INSTANCE, Reading.NO_CONNECTED]),
            (180.001, [Reading.NO_CONNECTED, Reading.HAND_OVER]),
        ],
    )
    def test_what_the_other_instance_had_lost_over_3_minutes_before_came_back_unlogged(
        self, seconds: float, expected: list[Reading]
    ) -> None:
        rows = [down(at(), ZERO), down(at(seconds), ONE), up(at(seconds + 10), ZERO)]

        assert expected == readings(*rows, active_active=False)

    def test_so_it_is_whichever_instance_lost_the_tunnel_first(self) -> None:
        rows = [down(at(), ONE), down(at(100), ZERO), down(at(600), ONE), up(at(610), ZERO)]

        assert [Reading.NO_CONNECTED, Reading.HAND_OVER] == readings(*rows, active_active=False)


class TestBothServe:
    """The first instance connects, too, with no Disconnected row between."""

    @pytest.mark.parametrize(
        ("seconds", "mode", "expected"),
        [
            (189, None, Reading.BOTH_SERVE),
            (189.001, None, Reading.HAND_OVER),
            (20, False, Reading.HAND_OVER),
        ],
    )
    def test_within_three_minutes_unless_the_gateway_is_active_standby(
        self, *, seconds: float, mode: bool | None, expected: Reading
    ) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), up(at(seconds), ZERO)]

        assert [expected] == readings(*rows, active_active=mode)

    def test_though_the_clocks_of_the_two_differ(self) -> None:
        rows = [up(at(), ONE), down(at(1), ZERO), up(at(30), ZERO)]

        assert [Reading.BOTH_SERVE] == readings(*rows)

    def test_what_connects_after_that_changes_nothing(self) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), up(at(20), ZERO), up(at(25), ONE)]

        assert [Reading.BOTH_SERVE] == readings(*rows)

    def test_a_second_connected_on_the_new_instance_takes_nothing_back(self) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), up(at(12), ONE)]

        assert [Reading.HAND_OVER] == readings(*rows)

    def test_only_the_newest_hand_over_is_taken_back(self) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(1000), ONE), up(at(1009), ZERO)]

        assert [Reading.HAND_OVER, Reading.BOTH_SERVE] == readings(*rows, up(at(1020), ONE))

    def test_what_was_no_hand_over_is_not_taken_back(self) -> None:
        rows = [down(at(), ZERO), up(at(200), ONE), up(at(210), ZERO)]

        assert [Reading.TOO_LATE] == readings(*rows)


class TestNoFailover:
    def test_a_tunnel_that_comes_back_at_the_same_instant_in_either_order(self) -> None:
        assert [Reading.SAME_INSTANCE] == readings(up(at(), ZERO), down(at(), ZERO))

    def test_a_tunnel_that_comes_back_on_its_instance_is_no_doubtful_hand_over_either(self) -> None:
        pieces = examined(down(at(), ZERO), up(at(9), ZERO), active_active=False).pieces

        assert Evidence.HAND_OVER not in [piece.evidence for piece in pieces]

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
        assert [Reading.SAME_INSTANCE] * 2 == readings(*rows)

    def test_a_connected_that_ends_the_other_instances_own_outage(self) -> None:
        rows = [down(at(minutes=-40), ONE), down(at(), ZERO), up(at(20), ONE)]

        assert [] == found(*rows)

    def test_a_peer_that_both_instances_get_back_though_one_disconnect_was_lost(self) -> None:
        rows = [down(at(), ZERO), up(at(30), ONE), up(at(31), ZERO)]

        assert [] == found(*rows)
        assert [Reading.BOTH_SERVE] == readings(*rows)

    def test_what_connects_on_the_first_instance_much_later_takes_nothing_back(self) -> None:
        rows = [down(at(), ZERO), up(at(20), ONE), up(at(minutes=30), ZERO)]

        assert [at()] == [known.at for known in found(*rows)]

    def test_a_tunnel_that_disconnects_and_never_comes_back(self) -> None:
        assert [] == found(down(at(), ZERO), active_active=True)
        assert [Reading.NO_CONNECTED] == readings(down(at(), ZERO))


class TestInstanceLost:
    def test_two_peers_lost_within_30_s_on_an_active_active_gateway_are_a_switch_over(self) -> None:
        rows = [down(at(), ZERO, PARIS), down(at(30), ZERO, LYON)]
        expected = [
            SwitchOver(at=at(), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO, last=at(30))
        ]

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
        kept = [up(at(hours=-4), ONE, peer) for peer in (PARIS, LYON)]

        assert [at()] == [known.at for known in found(*kept, *rows, active_active=True)]
        assert [] == found(*rows, active_active=True)  # nothing shows that the other kept any

    def test_a_peer_that_the_other_instance_gets_back_too_was_lost_there_though_unlogged(
        self,
    ) -> None:
        rows = [*instance_lost(PARIS, LYON), up(at(70), ONE, LYON)]

        assert [] == found(*rows, active_active=True)

    def test_so_it_is_at_the_latest_three_minutes_after_the_tunnel_is_back(self) -> None:
        """Both peers are down for 10 minutes on the one instance."""
        rows = [down(at(), ZERO, PARIS), down(at(), ZERO, LYON)]
        back = [up(at(600), ZERO, PARIS), up(at(600), ZERO, LYON)]

        assert [] == found(*rows, *back, up(at(610), ONE, PARIS), active_active=True)

    def test_a_second_connected_in_a_row_shows_a_loss_that_was_not_logged(self) -> None:
        before = up(at(hours=-1), ONE, LYON)

        assert [] == found(before, *instance_lost(PARIS, LYON), up(at(70), ONE, LYON), **ACTIVE)

    def test_a_connected_that_ends_an_old_outage_of_the_other_instance_shows_none(self) -> None:
        before = down(at(hours=-1), ONE, LYON)

        assert [at()] == [
            known.at
            for known in found(before, *instance_lost(PARIS, LYON), up(at(70), ONE, LYON), **ACTIVE)
        ]

    @pytest.mark.parametrize(("seconds", "expected"), [(181, 1), (181.001, 2)])
    def test_losses_more_than_three_minutes_apart_are_two(
        self, seconds: float, expected: int
    ) -> None:
        again = instance_lost(PARIS, LYON, start=seconds)

        assert expected == len(found(*instance_lost(PARIS, LYON), *again, active_active=True))

    def test_a_peer_that_the_other_instance_lost_long_ago_counts(self) -> None:
        rows = [*instance_lost(PARIS, LYON), up(at(70) + NEAR + MILLISECOND, ONE, LYON)]

        assert [at()] == [known.at for known in found(*rows, active_active=True)]

    @pytest.mark.parametrize(("seconds", "lost"), [(4.999, []), (5, [at()])])
    def test_the_tunnels_were_out_for_5_s_as_a_connected_row_shows(
        self, seconds: float, lost: list[datetime]
    ) -> None:
        rows = [
            row
            for peer in (PARIS, LYON)
            for row in (down(at(), ZERO, peer), up(at(seconds), ZERO, peer))
        ]

        assert lost == [known.at for known in found(*rows, active_active=True)]

    def test_what_a_tunnel_does_hours_later_takes_nothing_back(self) -> None:
        """Its return was not logged; the next row is that of the next loss."""
        later = down(at(hours=3), ZERO, LYON)

        assert [at()] == [
            known.at
            for known in found(*instance_lost(PARIS), down(at(1), ZERO, LYON), later, **ACTIVE)
        ]

    def test_tunnels_that_blink_in_step_are_no_switch_over_while_their_return_is_not_logged_yet(
        self,
    ) -> None:
        """Peers that restart their session together; the Connected rows come minutes later."""
        rows = [down(at(), ZERO, PARIS), down(at(), ZERO, LYON)]
        early = an_observation(*rows, seen_until=at(minutes=5) - MILLISECOND)
        late = an_observation(*rows, seen_until=at(minutes=5))

        assert [[], [at()]] == [
            [known.at for known in an_examination(seen, active_active=True).switch_overs]
            for seen in (early, late)
        ]

    @pytest.mark.parametrize(
        ("status", "since", "lost"),
        [
            (TunnelStatus.NOT_CONNECTED, None, [at()]),
            (TunnelStatus.CONNECTED, at(12), [at()]),
            (TunnelStatus.CONNECTED, at(4), []),
            (TunnelStatus.CONNECTED, at(-60), []),
            (TunnelStatus.UNKNOWN, None, []),
        ],
    )
    def test_or_they_were_as_azure_resource_manager_says(
        self, status: TunnelStatus, since: datetime | None, lost: list[datetime]
    ) -> None:
        state = TunnelState(vip="203.0.113.10", status=status, connected_since=since)
        live = {
            peer: [Connection(name=peer, remote_ip=peer, status=None, tunnels=(state,))]
            for peer in (PARIS, LYON)
        }
        rows = [down(at(), ZERO, PARIS), down(at(), ZERO, LYON)]
        seen = an_observation(*rows, seen_until=at(minutes=1))

        examined = an_examination(seen, active_active=True, live=live)

        assert lost == [known.at for known in examined.switch_overs]

    def test_remote_ips_of_one_connection_are_one_peer(self) -> None:
        peers = {PARIS: "conn-paris", LYON: "conn-paris", LILLE: "conn-lille"}
        rows = instance_lost(PARIS, LYON)

        assert [] == found(*rows, active_active=True, peers=peers, all_peers=True)


class TestOnePeer:
    """It shows that an instance was lost where it is the only one, or a record stands beside it."""

    PEERS: Final = {PARIS: "conn-paris", LYON: "conn-lyon"}

    def test_it_is_enough_where_it_is_the_gateways_only_one(self) -> None:
        rows = instance_lost(PARIS)
        only = {PARIS: "conn-paris"}

        assert [at()] == [
            known.at for known in found(*rows, active_active=True, peers=only, all_peers=True)
        ]
        assert [] == found(*rows, active_active=True, peers=only)
        assert [] == found(*rows, active_active=True, peers=self.PEERS, all_peers=True)

    def test_the_only_one_is_not_enough_where_no_row_says_when_it_was_back(self) -> None:
        """It may have blinked; hours later it is lost again, and that loss counts."""
        rows = [down(at()), *instance_lost(PARIS, start=3 * 3600)]
        only = {PARIS: "conn-paris"}

        assert [at(hours=3)] == [
            known.at for known in found(*rows, active_active=True, peers=only, all_peers=True)
        ]

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ((down(at()), down(at(181)), up(at(190), ZERO)), [at(181)]),
            ((down(at()), up(at(60), ZERO), down(at(181)), up(at(190), ZERO)), [at(), at(181)]),
            ((down(at()), down(at(180)), up(at(190), ZERO)), [at()]),
        ],
    )
    def test_the_only_one_does_not_show_it_where_its_return_was_not_logged(
        self, rows: tuple[Signal, ...], expected: list[datetime]
    ) -> None:
        """It went down again over three minutes later, and no row says when it was back."""
        only = {PARIS: "conn-paris"}

        known = found(*rows, active_active=True, peers=only, all_peers=True)

        assert expected == [each.at for each in known]

    def test_the_only_one_is_shown_to_be_out_first(self) -> None:
        seen = an_observation(down(at()), seen_until=at(60))
        known = {"active_active": True, "peers": {PARIS: "conn-paris"}, "all_peers": True}

        assert [NOT_SHOWN] == [piece.doubt for piece in an_examination(seen, **known).pieces]

    @pytest.mark.parametrize(
        "record",
        [
            of_gateway(Kind.MAINTENANCE, at(-60)),
            of_gateway(Kind.MIGRATION, at(-60)),
            of_gateway(Kind.CONFIGURATION, at(-60), phase=Phase.SUCCEEDED),
            of_activity(Kind.RESET, Phase.SUCCEEDED, at(-60)),
            of_activity(Kind.WRITE, Phase.SUCCEEDED, at(-60)),
        ],
        ids=lambda record: record.kind.value,
    )
    def test_it_is_enough_beside_a_record_of_the_gateway_itself(self, record: Signal) -> None:
        assert [(at(), Evidence.INSTANCE_LOST)] == [
            (known.at, known.evidence)
            for known in found(*instance_lost(PARIS), record, active_active=True)
        ]

    @pytest.mark.parametrize(
        "record",
        [
            of_gateway(Kind.CONNECTION_CHANGE, at(-60), phase=Phase.SUCCEEDED),
            of_gateway(Kind.CONFIGURATION, at(-60), phase=Phase.FAILED),
            of_activity(Kind.RESET, Phase.STARTED, at(-60)),
            of_activity(Kind.WRITE, Phase.FAILED, at(-60)),
            of_gateway(Kind.MAINTENANCE, at(minutes=-16)),
        ],
    )
    def test_a_change_of_a_connection_or_what_failed_or_lies_far_off_is_no_such_record(
        self, record: Signal
    ) -> None:
        assert [] == found(*instance_lost(PARIS), record, active_active=True)

    def test_a_rotated_key_of_one_connection_loses_no_instance(self) -> None:
        change = [
            of_activity(
                Kind.CONNECTION_CHANGE, phase, at(-10), gateway_id="", connection="/conn-paris"
            )
            for phase in (Phase.STARTED, Phase.SUCCEEDED)
        ]
        seen = an_observation(*instance_lost(PARIS), connection_rows=tuple(change))
        examined = an_examination(
            seen, active_active=True, peers=self.PEERS, connections=frozenset({"/conn-paris"})
        )

        assert change == list(examined.connection_rows)
        assert [] == examined.switch_overs


class TestBothInstancesLost:
    """Every tunnel that was seen, on both instances, beside a record of the gateway itself."""

    LOST: Final = tuple(
        down(at(seconds), instance, peer)
        for seconds, instance, peer in ((0, ZERO, PARIS), (2, ONE, PARIS), (170, ZERO, LYON))
    )
    """Lyon has a tunnel to one instance only."""
    WRITE: Final = of_activity(Kind.WRITE, Phase.SUCCEEDED, at(-60))

    BOTH: Final = Evidence.BOTH_INSTANCES_LOST

    def evidence(self, *rows: Signal, mode: bool | None = True) -> set[Evidence]:
        """What switch-overs are recognised by in these rows."""
        return {piece.evidence for piece in examined(*rows, active_active=mode).pieces}

    def test_beside_a_write_it_is_a_switch_over_without_a_direction(self) -> None:
        expected = [
            SwitchOver(at=at(), evidence=Evidence.BOTH_INSTANCES_LOST, last=at(170)),
        ]

        assert expected == found(*self.LOST, self.WRITE, active_active=True)

    @pytest.mark.parametrize(("seconds", "expected"), [(469, []), (470, [at()])])
    def test_every_tunnel_is_shown_to_be_out_first(
        self, seconds: float, expected: list[datetime]
    ) -> None:
        seen = an_observation(*self.LOST, self.WRITE, seen_until=at(seconds))

        known = an_examination(seen, active_active=True).switch_overs

        assert expected == [
            each.at for each in known if each.evidence is Evidence.BOTH_INSTANCES_LOST
        ]

    def test_without_a_record_it_may_as_well_be_the_peers_side(self) -> None:
        examined_alone = examined(*self.LOST, active_active=True)

        assert [] == examined_alone.switch_overs
        assert [(at(), NO_RECORD)] == [(p.at, p.doubt) for p in examined_alone.suspected]

    def test_an_active_standby_gateway_cannot_lose_both(self) -> None:
        assert self.BOTH not in self.evidence(*self.LOST, mode=False)

    @pytest.mark.parametrize(("records", "expected"), [((), 0), ((WRITE,), 1)])
    def test_one_peer_that_both_lose_is_its_own_affair_without_a_record(
        self, records: tuple[Signal, ...], expected: int
    ) -> None:
        rebooted = (down(at(), ZERO), down(at(2), ONE))
        pieces = examined(*rebooted, *records, active_active=True).pieces

        assert expected == sum(piece.evidence is self.BOTH for piece in pieces)

    def test_where_the_mode_is_unknown_it_is_suspected(self) -> None:
        suspected = examined(*self.LOST, self.WRITE, active_active=None).suspected

        assert (self.BOTH, UNKNOWN_MODE) in [(p.evidence, p.doubt) for p in suspected]

    @pytest.mark.parametrize(("minutes", "is_lost"), [(10, True), (61, False)])
    def test_a_tunnel_that_connects_soon_without_having_disconnected_was_lost_too(
        self, *, minutes: float, is_lost: bool
    ) -> None:
        stray = up(at(minutes=minutes), ONE, LILLE)

        assert is_lost is (self.BOTH in self.evidence(*self.LOST, self.WRITE, stray))

    def test_a_tunnel_that_stayed_up_shows_that_they_were_not_lost(self) -> None:
        kept = up(at(minutes=-30), ONE, LYON)

        assert self.BOTH not in self.evidence(kept, *self.LOST, self.WRITE)

    def test_a_tunnel_that_was_down_before_does_not(self) -> None:
        before = down(at(minutes=-30), ONE, LYON)

        assert [at()] == [
            known.at for known in found(before, *self.LOST, self.WRITE, active_active=True)
        ]

    def test_nor_does_one_that_was_up_before_that(self) -> None:
        rows = [up(at(hours=-2), ONE, LYON), down(at(minutes=-30), ONE, LYON)]

        assert [at()] == [
            known.at for known in found(*rows, *self.LOST, self.WRITE, active_active=True)
        ]

    def test_a_tunnel_that_is_lost_only_later_shows_that_they_were_not(self) -> None:
        later = down(at(minutes=30), ONE, LYON)

        assert self.BOTH not in self.evidence(*self.LOST, later, self.WRITE)

    @pytest.mark.parametrize(("seconds", "expected"), [(180, 2), (180.001, 3)])
    def test_what_one_instance_lost_within_three_minutes_is_a_part_of_it(
        self, seconds: float, expected: int
    ) -> None:
        """The first of two such losses is of another hour."""
        both = Evidence.BOTH_INSTANCES_LOST
        pieces = [
            *(Piece(at=at(hours=hours), until=at(hours=hours), evidence=both) for hours in (-1, 0)),
            Piece(
                at=at(seconds),
                until=at(seconds),
                evidence=Evidence.INSTANCE_LOST,
                from_instance=ZERO,
            ),
        ]

        assert expected == len(switch_overs(pieces))

    def test_a_tunnel_that_only_blinked_was_not_lost(self) -> None:
        blink = up(at(3), ONE, PARIS)

        assert self.BOTH not in self.evidence(*self.LOST, blink, self.WRITE)

    def test_a_tunnel_that_blinked_and_then_stayed_away_was(self) -> None:
        blink = (up(at(3), ONE, PARIS), down(at(5), ONE, PARIS))

        assert [at()] == [
            known.at for known in found(*self.LOST, *blink, self.WRITE, active_active=True)
        ]


class TestSuspected:
    def test_a_loss_that_nothing_stronger_stands_beside(self) -> None:
        known = examined(*instance_lost(PARIS, LYON)).suspected

        assert [(at(), UNKNOWN_MODE)] == [(piece.at, piece.doubt) for piece in known]

    def test_a_loss_beside_a_primary_change_is_not_merely_suspected(self) -> None:
        rows = [*instance_lost(PARIS, LYON), of_gateway(Kind.PRIMARY_CHANGED, at(90))]

        assert [] == examined(*rows).suspected

    @pytest.mark.parametrize("mode", [True, False])
    def test_one_peer_of_several_alone_is_not(self, *, mode: bool) -> None:
        other = up(at(minutes=-50), ZERO, LYON)

        assert [] == examined(*instance_lost(PARIS), other, active_active=mode).suspected

    @pytest.mark.parametrize(("seconds", "expected"), [(180, []), (180.001, [ZERO])])
    def test_up_to_three_minutes_from_a_switch_over_nothing_is(
        self, seconds: float, expected: list[str]
    ) -> None:
        loss = Piece(
            at=at(),
            until=at(),
            evidence=Evidence.INSTANCE_LOST,
            from_instance=ZERO,
            doubt=UNKNOWN_MODE,
        )
        known = SwitchOver(at=at(seconds), evidence=Evidence.PRIMARY_CHANGED)

        assert expected == [piece.from_instance for piece in suspected([loss], [known])]

    def test_losses_near_each_other_are_suspected_together(self) -> None:
        losses = [
            Piece(
                at=at(second), until=at(second), evidence=Evidence.INSTANCE_LOST, doubt=UNKNOWN_MODE
            )
            for second in (0, 100)
        ]
        known = SwitchOver(at=at(-180), evidence=Evidence.PRIMARY_CHANGED)

        assert ([losses[0]], []) == (suspected(losses, []), suspected(losses, [known]))

    def test_the_loss_of_one_instance_is_named_before_that_of_both(self) -> None:
        kinds = (Evidence.BOTH_INSTANCES_LOST, Evidence.INSTANCE_LOST)
        losses = [
            Piece(at=at(), until=at(), evidence=evidence, doubt=UNKNOWN_MODE) for evidence in kinds
        ]

        assert [kinds[1], kinds[0]] == [piece.evidence for piece in suspected(losses, [])]

    def test_of_a_gateway_of_unknown_mode_the_only_peer_is(self) -> None:
        assert [ZERO] == [
            piece.from_instance for piece in examined(*instance_lost(PARIS)).suspected
        ]


class TestNotShownYet:
    """What nothing shows yet calls for Azure's word, and is neither told nor suspected."""

    ROWS: Final = (down(at(), ZERO, PARIS), down(at(1), ZERO, LYON))

    def early(self, now: datetime, **known: Any) -> Examination:
        """What the two losses mean at `now`, while their rows are the newest."""
        seen = an_observation(*self.ROWS, seen_until=at(1))
        observation = replace(seen, window=Window(start=seen.window.start, end=now))
        return an_examination(observation, **{"active_active": True, **known})

    def test_a_loss_of_a_moment_ago_is_not_told(self) -> None:
        early = self.early(at(minutes=4))

        assert [NOT_SHOWN, NOT_SHOWN] == [piece.doubt for piece in early.pieces]
        assert ([], []) == (early.switch_overs, early.suspected)

    @pytest.mark.parametrize(
        ("minutes", "expected"), [(4.999, set()), (5, {PARIS}), (6, {PARIS, LYON})]
    )
    def test_after_five_minutes_azure_is_to_show_it(
        self, minutes: float, expected: set[str]
    ) -> None:
        assert expected == self.early(at(minutes=minutes)).to_be_shown

    def test_a_peer_that_lost_nothing_need_not_be_shown(self) -> None:
        rows = (*self.ROWS, up(at(-60), ZERO, LILLE))
        seen = an_observation(*rows, seen_until=at(1))
        observation = replace(seen, window=Window(start=seen.window.start, end=at(minutes=6)))

        assert {PARIS, LYON} == an_examination(observation, active_active=True).to_be_shown

    def test_that_one_of_two_was_out_does_not_show_it(self) -> None:
        seen = an_observation(*self.ROWS, up(at(60), ZERO, PARIS), seen_until=at(100))

        assert [] == an_examination(seen, active_active=True).switch_overs

    def test_a_mode_that_is_not_known_comes_first(self) -> None:
        assert set() == self.early(at(minutes=6), active_active=None).to_be_shown

    def test_of_both_instances_every_peer_is_to_be_shown(self) -> None:
        seen = an_observation(*self.ROWS, down(at(2), ONE, PARIS), seen_until=at(2))
        observation = replace(seen, window=Window(start=seen.window.start, end=at(minutes=6)))

        assert {PARIS, LYON} == an_examination(observation, active_active=True).to_be_shown

    def test_a_slow_hand_over_of_an_unknown_mode_calls_for_it(self) -> None:
        slow = examined(down(at(), ZERO), up(at(200), ONE), active_active=None)

        assert UNKNOWN_STANDBY in [piece.doubt for piece in slow.pieces]
        assert [] == slow.switch_overs


def test_a_gateway_of_another_type_shows_nothing() -> None:
    rows = (down(at(), ZERO), up(at(12), ONE))

    assert [] == found(*rows, active_active=False, is_vpn=False)


def test_a_tunnel_that_a_write_made_is_none_that_was_lost() -> None:
    """Beside a record of the gateway a first Connected row need not hide a Disconnected one."""
    write = of_activity(Kind.WRITE, Phase.SUCCEEDED, at(-60))
    rows = [*instance_lost(PARIS, LYON), up(at(60), ONE, PARIS), up(at(61), ONE, LYON)]
    back = [up(at(90), ZERO, PARIS), up(at(91), ZERO, LYON)]

    assert [] == found(*rows, *back, active_active=True)
    assert [at()] == [known.at for known in found(*rows, *back, write, active_active=True)]


class TestDistance:
    """Of a gateway known to be active-standby a hand-over counts at whatever distance."""

    SLOW: Final = tuple(
        row
        for number, peer in enumerate((PARIS, LYON, LILLE))
        for row in (down(at(number), ZERO, peer), up(at(230 + number), ONE, peer))
    )

    def test_a_slow_one_is_one_switch_over_that_says_how_much_it_leaves_open(self) -> None:
        expected = SwitchOver(
            at=at(),
            evidence=Evidence.HAND_OVER,
            from_instance=ZERO,
            to_instance=ONE,
            not_before=at(2),
            last=at(232),
        )

        assert [expected] == found(*self.SLOW, active_active=False)
        assert {Reading.LATE_HAND_OVER} == set(readings(*self.SLOW, active_active=False))

    def test_a_tunnel_that_comes_up_much_later_does_not_stretch_it(self) -> None:
        late = (down(at(1), ZERO, NICE), up(at(minutes=40), ONE, NICE))
        [known] = found(*self.SLOW, *late, active_active=False)

        assert at(232) == known.end

    @pytest.mark.parametrize(
        ("before", "expected"), [(SLOWEST, -SLOWEST), (SLOWEST + MILLISECOND, timedelta())]
    )
    def test_what_left_long_before_the_primary_changed_is_no_part_of_it(
        self, before: timedelta, expected: timedelta
    ) -> None:
        tunnel = (down(at() - before, ZERO), up(at(12), ONE))
        [known] = found(a_signal(kind=Kind.PRIMARY_CHANGED), *tunnel, active_active=False)

        assert at() + expected == known.begin

    def test_beside_a_primary_change_it_is_of_that_instant_and_begins_with_its_tunnels(
        self,
    ) -> None:
        changed = of_gateway(Kind.PRIMARY_CHANGED, at(210))
        expected = SwitchOver(
            at=at(210),
            evidence=Evidence.PRIMARY_CHANGED,
            from_instance=ZERO,
            to_instance=ONE,
            first=at(),
            last=at(232),
        )

        assert [expected] == found(*self.SLOW, changed, active_active=False)

    def test_a_tunnel_that_was_down_for_hours_does_not_say_when_the_others_moved(self) -> None:
        old = (down(at(hours=-5), ZERO, NICE), up(at(236), ONE, NICE))
        quick = (down(at(), ZERO), up(at(14), ONE))

        [slow] = found(*old, *self.SLOW, active_active=False)
        [prompt] = found(*old, *quick, active_active=False)

        assert (at(), at(2)) == (slow.at, slow.not_before)
        assert (at(), None, at(), at(14)) == (
            prompt.at,
            prompt.not_before,
            prompt.begin,
            prompt.end,
        )

    @pytest.mark.parametrize(("seconds", "begin"), [(-178, -178), (-178.001, 0)])
    def test_a_tunnel_that_left_up_to_three_minutes_before_another_is_of_the_same_move(
        self, seconds: float, begin: float
    ) -> None:
        """The others left at 0, 1 and 2 s, and came up at 230 to 232 s."""
        early = (down(at(seconds), ZERO, NICE), up(at(231), ONE, NICE))
        rows = (down(at(2), ZERO), up(at(232), ONE))

        [known] = found(*early, *rows, active_active=False)

        assert at(begin or 2) == known.begin

    @pytest.mark.parametrize(("seconds", "end"), [(412, 412), (412.001, 232)])
    def test_a_tunnel_that_came_up_over_three_minutes_after_the_first_says_nothing(
        self, seconds: float, end: float
    ) -> None:
        late = (down(at(2), ZERO, NICE), up(at(seconds), ONE, NICE))
        rows = (down(at(2), ZERO), up(at(232), ONE))

        [known] = found(*late, *rows, active_active=False)

        assert at(end) == known.end

    @pytest.mark.parametrize(("seconds", "expected"), [(480, 1), (480.001, 2)])
    def test_it_is_of_a_move_that_began_up_to_three_minutes_after_it_came_up(
        self, seconds: float, expected: int
    ) -> None:
        slow = (down(at(), ZERO, LYON), up(at(300), ONE, LYON))
        quick = (down(at(seconds), ZERO), up(at(seconds + 9), ONE))

        assert expected == len(found(*slow, *quick, active_active=False))

    def test_one_that_began_after_an_earlier_move_is_not_of_that(self) -> None:
        first = (down(at(), ZERO), up(at(9), ONE))
        back = (down(at(minutes=20), ONE), up(at(9, minutes=20), ZERO))
        again = (down(at(minutes=40), ZERO), up(at(9, minutes=40), ONE))
        late = (down(at(minutes=30), ZERO, LYON), up(at(minutes=41), ONE, LYON))

        assert 3 == len(found(*first, *back, *again, *late, active_active=False))

    def test_it_does_not_stretch_a_quick_one(self) -> None:
        """The primary changed hours before, when that tunnel was already down."""
        old = (down(at(hours=-5), ZERO, LYON), up(at(5), ONE, LYON))
        changed = of_gateway(Kind.PRIMARY_CHANGED, at(hours=-2))
        quick = (down(at(), ZERO), up(at(9), ONE))

        assert [at(hours=-2), at()] == [
            known.at for known in found(*old, changed, *quick, active_active=False)
        ]

    def test_those_that_overlap_one_after_the_other_are_one(self) -> None:
        rows = [
            row
            for minutes, peer in ((0, PARIS), (4, LYON), (8, LILLE))
            for row in (
                down(at(minutes=minutes), ZERO, peer),
                up(at(minutes=minutes + 5), ONE, peer),
            )
        ]

        assert 1 == len(found(*rows, active_active=False))

    @pytest.mark.parametrize(("seconds", "not_before"), [(180, None), (180.001, at())])
    def test_up_to_three_minutes_leave_nothing_open(
        self, seconds: float, not_before: datetime | None
    ) -> None:
        [known] = found(down(at(), ZERO), up(at(seconds), ONE), active_active=False)

        assert not_before == known.not_before

    def test_one_that_adds_nothing_hides_no_other(self) -> None:
        quick = (down(at(), ZERO), up(at(9), ONE))
        slow = (down(at(1), ZERO, LYON), up(at(200), ONE, LYON))
        later = (down(at(hours=5), ZERO, LILLE), up(at(hours=6), ONE, LILLE))

        assert [at(), at(hours=5)] == [
            known.at for known in found(*quick, *slow, *later, active_active=False)
        ]

    def test_the_primary_that_changed_beside_an_older_one_is_of_another_switch_over(self) -> None:
        """Lyon's return and its next loss were not logged; the role had come back meanwhile."""
        rows = [
            of_gateway(Kind.PRIMARY_CHANGED, at(-10)),
            down(at(), ZERO, LYON),
            *(down(at(hours=3), ZERO, peer) for peer in (PARIS, LILLE)),
            *(up(at(560, hours=3), ONE, peer) for peer in (PARIS, LILLE, LYON)),
        ]

        assert [at(-10), at(hours=3)] == [known.at for known in found(*rows, active_active=False)]

    def test_alone_it_leaves_hours_open(self) -> None:
        [known] = found(down(at(), ZERO), up(at(hours=5), ONE), active_active=False)

        assert (at(), at(), at(hours=5)) == (known.at, known.not_before, known.end)

    def test_a_late_one_is_of_the_latest_move_of_its_direction_before_it_came_up(self) -> None:
        there = (down(at(), ZERO), up(at(9), ONE))
        back = (down(at(minutes=20), ONE), up(at(9, minutes=20), ZERO))
        again = (down(at(minutes=40), ZERO), up(at(9, minutes=40), ONE))
        late = (down(at(1), ZERO, LYON), up(at(11, minutes=40), ONE, LYON))

        found_at = found(*there, *back, *again, *late, active_active=False)

        assert [at(), at(minutes=20), at(minutes=40)] == [known.at for known in found_at]


class TestMerging:
    def test_the_strongest_evidence_gives_the_instant_and_the_tunnels_the_instances(self) -> None:
        rows = [down(at(), ZERO), up(at(14), ONE), of_gateway(Kind.PRIMARY_CHANGED, at(5))]
        expected = [
            SwitchOver(
                at=at(5),
                evidence=Evidence.PRIMARY_CHANGED,
                from_instance=ZERO,
                to_instance=ONE,
                first=at(),
                last=at(14),
            )
        ]

        assert expected == found(*rows)

    def test_a_loss_beside_a_primary_change_is_that_change(self) -> None:
        rows = [*instance_lost(LYON, LILLE), of_gateway(Kind.PRIMARY_CHANGED, at(2))]

        assert [(at(2), Evidence.PRIMARY_CHANGED, ZERO)] == [
            (known.at, known.evidence, known.from_instance)
            for known in found(*rows, active_active=True)
        ]

    def test_evidence_three_minutes_apart_is_one_switch_over(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at(minutes=minutes)) for minutes in (0, 3)]

        assert 1 == len(found(*rows))

    def test_evidence_each_within_three_minutes_of_the_one_before_is_one(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at(second)) for second in (0, 170, 340)]

        assert 1 == len(found(*rows))

    def test_a_primary_change_is_of_the_near_one_of_many(self) -> None:
        rows = [
            row
            for number in range(6)
            for row in (
                down(at(minutes=20 * number), (ZERO, ONE)[number % 2]),
                up(at(9, minutes=20 * number), (ONE, ZERO)[number % 2]),
            )
        ]
        changed = [of_gateway(Kind.PRIMARY_CHANGED, at(5, minutes=20 * n)) for n in range(6)]

        for row in changed:
            assert 6 == len(found(*rows, row, active_active=False))

    def test_a_primary_change_is_of_the_near_interval_however_many_began_since(self) -> None:
        """One tunnel moved slowly, while the others came back again and again."""
        slow = self.moved(0, 6000, ZERO, ONE)
        others = [self.moved(second, second + 9, ONE, ZERO) for second in range(1000, 6000, 1000)]
        changed = Piece(at=at(6100), until=at(6100), evidence=Evidence.PRIMARY_CHANGED)

        known = switch_overs([slow, *others, changed])

        assert [(at(6100), ZERO)] == [
            (each.at, each.from_instance)
            for each in known
            if each.evidence is Evidence.PRIMARY_CHANGED
        ]

    def moved(self, start: float, end: float, source: str, target: str) -> Piece:
        """A hand-over between these seconds."""
        return Piece(
            at=at(start),
            until=at(end),
            evidence=Evidence.HAND_OVER,
            from_instance=source,
            to_instance=target,
            remote_ip=PARIS,
        )

    def test_evidence_further_apart_is_two(self) -> None:
        rows = [of_gateway(Kind.PRIMARY_CHANGED, at(second)) for second in (0, 180.001)]

        assert 2 == len(found(*rows))

    def test_a_primary_change_within_three_minutes_of_the_interval_is_of_it(self) -> None:
        """The tunnel left at 0 s and came up at 170 s; the row is of 350 s."""
        rows = [down(at(), ZERO), up(at(170), ONE)]
        near, far = (of_gateway(Kind.PRIMARY_CHANGED, at(second)) for second in (350, 350.001))

        assert 1 == len(found(*rows, near))
        assert 2 == len(found(*rows, far))

    @pytest.mark.parametrize(("seconds", "expected"), [(40, [40, 100]), (90, [0, 90])])
    def test_a_primary_change_between_two_is_of_the_nearer(
        self, seconds: float, expected: list[float]
    ) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(100), ONE), up(at(109), ZERO)]
        changed = of_gateway(Kind.PRIMARY_CHANGED, at(seconds))

        assert [at(second) for second in expected] == [
            known.at for known in found(*rows, changed, active_active=False)
        ]

    def test_of_one_instant_the_strongest_evidence_comes_first(self) -> None:
        rows = [down(at(), ZERO), up(at(14), ONE), of_gateway(Kind.PRIMARY_CHANGED, at())]

        assert [Evidence.PRIMARY_CHANGED, Evidence.HAND_OVER] == [
            piece.evidence for piece in examined(*rows).pieces
        ]

    @pytest.mark.parametrize(("seconds", "expected"), [(3609, 1), (3609.001, 2)])
    def test_moves_of_one_direction_over_an_hour_apart_are_two(
        self, seconds: float, expected: int
    ) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE)]
        later = [down(at(seconds), ZERO, LYON), up(at(seconds + 9), ONE, LYON)]

        assert expected == len(found(*rows, *later))

    def test_moves_of_one_direction_each_within_an_hour_of_the_one_before_are_one(self) -> None:
        rows = [
            row
            for minutes, peer in ((0, PARIS), (50, LYON), (100, LILLE))
            for row in (
                down(at(minutes=minutes), ZERO, peer),
                up(at(9, minutes=minutes), ONE, peer),
            )
        ]

        assert 1 == len(found(*rows))

    def test_another_tunnel_than_the_first_that_leaves_twice_had_come_back(self) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(3), ZERO, LYON), up(at(12), ONE, LYON)]
        again = [down(at(minutes=5), ZERO, LYON), up(at(9, minutes=5), ONE, LYON)]

        assert [at(), at(minutes=5)] == [known.at for known in found(*rows, *again)]

    def test_moves_of_one_direction_without_a_way_back_are_one(self) -> None:
        """The peers notice one after the other."""
        rows = [
            row
            for second, peer in ((0, PARIS), (190, LYON), (380, LILLE))
            for row in (down(at(second), ZERO, peer), up(at(second + 9), ONE, peer))
        ]

        [known] = found(*rows)

        assert (at(), at(389)) == (known.begin, known.end)

    def test_moves_of_one_direction_with_a_connected_on_the_old_instance_between_are_two(
        self,
    ) -> None:
        """The way back was not logged, but for another tunnel's return."""
        there = (down(at(), ZERO), up(at(9), ONE))
        back = up(at(minutes=10), ZERO, LYON)
        again = (down(at(minutes=20), ZERO, LYON), up(at(9, minutes=20), ONE, LYON))

        assert [(ZERO, ONE)] * 2 == directions(found(*there, back, *again))
        assert [(ZERO, ONE)] == directions(found(*there, *again))

    def test_one_tunnel_that_leaves_twice_had_come_back(self) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(minutes=5), ZERO)]
        rows.append(up(at(9, minutes=5), ONE))

        assert [at(), at(minutes=5)] == [known.at for known in found(*rows)]

    @pytest.mark.parametrize("between", [20, 150])
    def test_opposite_directions_are_two_however_near(self, between: float) -> None:
        rows = [down(at(), ZERO), up(at(9), ONE), down(at(between), ONE), up(at(between + 9), ZERO)]

        assert [(ZERO, ONE), (ONE, ZERO)] == directions(found(*rows, active_active=False))


class TestMode:
    """It is that of the facts, back to the last recorded write; a failover keeps that it has."""

    @pytest.mark.parametrize("mode", [True, False, None])
    def test_without_a_write_the_facts_hold_for_all_that_is_seen(
        self, *, mode: bool | None
    ) -> None:
        assert mode is Mode(active_active=mode).at(at(hours=-5))

    def test_before_the_last_write_it_is_not_known(self) -> None:
        mode = Mode(active_active=True, since=at())

        assert [None, True] == [mode.at(at() - MILLISECOND), mode.at(at())]

    @pytest.mark.parametrize("told", [True, False])
    def test_near_what_was_told_by_a_mode_it_is_that_mode(self, *, told: bool) -> None:
        before = (at(hours=-9), at(hours=-8), not told)
        mode = Mode(
            active_active=None, since=at(hours=1), told=(before, (at(), at(minutes=1), told))
        )

        assert [None, told, told, None] == [
            mode.at(at(seconds)) for seconds in (-180.001, -180, 240, 240.001)
        ]

    def test_the_start_of_a_write_is_the_bound(self) -> None:
        rows = [of_activity(Kind.WRITE, phase, at(s)) for s, phase in WRITE]
        mode = examined(*rows, active_active=True).mode

        assert Mode(active_active=True, since=at(-30)) == mode

    def test_of_several_writes_the_last_is_the_bound(self) -> None:
        rows = [
            of_activity(Kind.WRITE, phase, at(s, hours=hours), correlation_id=f"c-{hours}")
            for hours in (-3, 0)
            for s, phase in WRITE
        ]

        assert at(-30) == examined(*rows, active_active=True).mode.since

    def test_what_was_told_by_a_mode_is_a_part_of_it(self) -> None:
        told = ((at(), at(9), True),)

        assert told == examined(active_active=False, told=told).mode.told

    def test_a_write_that_failed_changed_nothing(self) -> None:
        rows = [
            of_activity(Kind.WRITE, phase, at(s))
            for s, phase in ((-30, Phase.STARTED), (90, Phase.FAILED))
        ]

        assert Mode(active_active=True) == examined(*rows, active_active=True).mode

    def test_what_an_instance_lost_before_a_write_is_only_suspected(self) -> None:
        """The gateway may have been active-standby until then."""
        rows = [of_activity(Kind.WRITE, phase, at(s, minutes=9)) for s, phase in WRITE]
        seen = examined(*instance_lost(PARIS, LYON), *rows, active_active=True)

        assert [] == seen.switch_overs
        assert [at()] == [piece.at for piece in seen.suspected]


WRITE: Final = ((-30, Phase.STARTED), (90, Phase.SUCCEEDED))


def test_the_rows_of_each_gateway_are_put_in_time_order_each_once() -> None:
    branch = a_signal(gateway_id="/branch", at=at(3))
    rows = [up(at(9)), branch, down(at()), up(at(9))]

    assert {"/branch": [branch], down(at()).gateway_id: [down(at()), up(at(9))]} == by_gateway(rows)


def test_a_row_of_a_connection_is_no_gateways_until_somebody_says_whose() -> None:
    change = a_signal(kind=Kind.CONNECTION_CHANGE, gateway_id="", connection="/to-paris")

    assert {down(at()).gateway_id: [down(at())]} == by_gateway([change, down(at())])
