"""What Azure Resource Manager says live of tunnels that the log does not show back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from detector.diagnosis.diagnosis import diagnose, peers_to_ask
from detector.diagnosis.live import (
    NOT_KNOWN_WHICH,
    TRIES,
    Live,
    is_asked_no_more,
    is_down_again,
    to_ask,
)
from detector.diagnosis.merge import joined
from detector.errors import FactUnknown
from detector.model import (
    Connection,
    Diagnosis,
    EndSource,
    Evidence,
    Importance,
    LiveAnswer,
    Outage,
    Redundancy,
    Signal,
    State,
    TunnelState,
    TunnelStatus,
)
from tests.builders import (
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
    up,
)

ASKED: Final = at(hours=1)
VIP_A, VIP_B = "203.0.113.10", "203.0.113.11"
UP, DOWN = TunnelStatus.CONNECTED, TunnelStatus.NOT_CONNECTED
OPEN: Final = an_outage(end=None)
SERVED: Final = up(at(hours=-5), ONE)
Answers = Sequence[Connection | FactUnknown]


def tunnel(
    status: TunnelStatus = UP, since: datetime | None = None, vip: str = VIP_A
) -> TunnelState:
    """One tunnel of a connection."""
    return TunnelState(vip=vip, status=status, connected_since=since)


def conn(*tunnels: TunnelState, status: str | None = None, peer: str = PARIS) -> Connection:
    """A connection to the peer."""
    return Connection(name="conn", id="/conn", remote_ip=peer, status=status, tunnels=tunnels)


def live(
    *rows: Signal, mode: bool | None = False, answers: Answers = (), **others: Answers
) -> Live:
    """What ARM said an hour after, of Paris and of others, beside these rows."""
    known = {PARIS: answers, **{{"lyon": LYON}[name]: own for name, own in others.items()}}
    examined = an_examination(an_observation(*rows), active_active=mode, live=known)
    return examined.live


def said(*answers: Connection | FactUnknown, mode: bool | None = False) -> LiveAnswer:
    """What ARM said of Paris' tunnel, which the log lost at the start of the night's clock."""
    found = live(down(at()), mode=mode, answers=answers).of(OPEN)
    assert found is not None
    return found


def told(*answers: Connection | FactUnknown, recorded: Diagnosis | None = None) -> Diagnosis:
    """The diagnosis of a failover of which one of two tunnels was not logged as back."""
    rows = (down(at()), down(at(1), ZERO, LYON), up(at(14), ONE, LYON))
    examined = an_examination(an_observation(*rows), live={PARIS: answers} if answers else {})
    fresh = diagnose(examined.switch_overs, examined, active_active=False, recorded=recorded)
    known = examined.switch_overs
    return joined(fresh, recorded, examined.observation, switch_overs=known, told=known)


def paris(diagnosis: Diagnosis) -> Outage:
    """The outage of Paris."""
    [found] = [each for each in diagnosis.outages if each.remote_ip == PARIS]
    return found


class TestConnected:
    def test_it_has_ended_at_the_latest_when_arm_says_that_it_last_connected(self) -> None:
        found = told(conn(tunnel(UP, at(13))))

        assert (at(13), EndSource.ARM, None, timedelta(seconds=13)) == (
            paris(found).end,
            paris(found).end_source,
            paris(found).length,
            paris(found).at_most,
        )
        assert (State.RECOVERED, Importance.INFORMATION) == (found.state, found.importance)

    def test_without_a_time_it_has_ended_when_it_was_asked(self) -> None:
        assert (ASKED, EndSource.ARM) == (
            paris(told(conn(tunnel(UP)))).end,
            paris(told(conn(tunnel(UP)))).end_source,
        )

    def test_what_the_log_said_is_not_changed(self) -> None:
        rows = (down(at()), up(at(14)))

        found = diagnosed(*rows, live={PARIS: [conn(tunnel(UP, at(20)))]})

        assert [(at(14), EndSource.LOG)] == [(out.end, out.end_source) for out in found.outages]

    @pytest.mark.parametrize(("seconds", "contradicts"), [(-1, False), (-1.001, True)])
    def test_times_without_fractions_are_1_s_aside(
        self, *, seconds: float, contradicts: bool
    ) -> None:
        assert contradicts is said(conn(tunnel(UP, at(seconds)))).contradicts

    def test_a_time_just_before_the_loss_ends_it_at_once(self) -> None:
        assert at() == paris(told(conn(tunnel(UP, at(-1))))).end


class TestCovered:
    def test_redundancy_that_ended_with_the_outage_by_arms_word_was_none(self) -> None:
        """The peer was out for all the time in which that instance had no tunnel to it."""
        rows = (
            *(SERVED, up(at(hours=-5), ONE, LYON), up(at(hours=-5), ZERO)),
            *(down(at(-1), ONE), down(at(), ZERO), down(at(1), ZERO, LYON)),
            *(up(at(400), ONE), up(at(62), ZERO, LYON)),
        )
        both = [conn(tunnel(UP, at(90)), tunnel(UP, at(400), VIP_B))]
        switched = a_switch_over(at(), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO)
        examined = an_examination(an_observation(*rows), active_active=True, live={PARIS: both})

        found = diagnose([switched], examined, active_active=True)

        assert [(PARIS, at(), at(90))] == [(o.remote_ip, o.start, o.end) for o in found.outages]
        assert [LYON] == [each.remote_ip for lost in found.redundancy for each in lost.tunnels]


class TestDown:
    @pytest.mark.parametrize("status", [TunnelStatus.NOT_CONNECTED, TunnelStatus.CONNECTING])
    def test_it_is_down_at_the_time_asked_which_counts_as_seen(self, status: TunnelStatus) -> None:
        found = told(conn(tunnel(status, at(-99))))

        assert paris(found).is_down_by_arm
        assert (State.ONGOING, Importance.CRITICAL) == (found.state, found.importance)

    def test_a_lost_instances_tunnel_that_the_log_shows_back_is_down_again(self) -> None:
        """The log lost the row of its second loss; nothing that is down is called back."""
        rows = (
            *(SERVED, up(at(hours=-5), ONE, LYON)),
            *(down(at(), ZERO), down(at(1), ZERO, LYON)),
            *(up(at(60), ZERO), up(at(61), ZERO, LYON)),
        )
        known = {PARIS: [conn(tunnel(DOWN, at(60)), tunnel(UP, at(hours=-5), VIP_B))]}

        found = diagnosed(*rows, live=known, active_active=True)

        assert [
            [(PARIS, at(), at(60)), (LYON, at(1), at(61))],
            [(PARIS, ASKED, None)],
        ] == [
            [(each.remote_ip, each.start, each.end) for each in lost.tunnels]
            for lost in found.redundancy
        ]
        assert State.ONGOING is found.state


class TestContradiction:
    """ARM and the log do not agree: both are said, nothing ends, and it is asked again."""

    @pytest.mark.parametrize(
        "state",
        [
            tunnel(UP, at(hours=-20)),
            tunnel(UP, ASKED + timedelta(seconds=2)),
            replace(tunnel(UP), since_unreadable=True),
        ],
        ids=["since yesterday", "since a time to come", "since a time that cannot be read"],
    )
    def test_it_is_a_warning_and_ends_nothing(self, state: TunnelState) -> None:
        found = told(conn(state))

        assert paris(found).is_disputed
        assert (State.ONGOING, Importance.WARNING) == (found.state, found.importance)
        assert {PARIS} == peers_to_ask(found, active_active=False, now=ASKED)

    def test_the_next_answer_settles_it(self) -> None:
        first = told(conn(tunnel(UP, at(hours=-20))))

        assert State.RECOVERED is told(conn(tunnel(UP, at(13))), recorded=first).state
        assert Importance.CRITICAL is told(conn(tunnel(DOWN)), recorded=first).importance

    def test_a_tunnel_that_is_down_since_whenever_contradicts_nothing(self) -> None:
        assert not said(conn(tunnel(DOWN, at(hours=-20)))).contradicts

    def test_what_the_log_shows_back_is_not_disputed(self) -> None:
        found = diagnosed(down(at()), up(at(14)), live={PARIS: [conn(tunnel(UP, at(hours=-20)))]})

        assert (State.RECOVERED, Importance.INFORMATION) == (found.state, found.importance)


class TestTunnelsThatAreNotListed:
    """Where ARM tells of no tunnel, the connection's own status may stand for them."""

    @pytest.mark.parametrize("mode", [True, False, None])
    def test_one_that_is_not_connected_has_no_tunnel_up(self, *, mode: bool | None) -> None:
        assert said(conn(status="NotConnected"), mode=mode).is_down

    @pytest.mark.parametrize(
        ("mode", "status"),
        [(False, UP), (True, TunnelStatus.UNKNOWN), (None, TunnelStatus.UNKNOWN)],
    )
    def test_one_that_is_connected_says_so_of_an_active_standby_gateways_only(
        self, *, mode: bool | None, status: TunnelStatus
    ) -> None:
        """An active-active one is Connected as a whole while one of its tunnels is down."""
        assert status is said(conn(status="Connected"), mode=mode).status

    @pytest.mark.parametrize("status", ["Unknown", "", None, "what"])
    def test_unknown_is_no_answer(self, status: str | None) -> None:
        answer = said(conn(status=status))

        assert (1, False, False) == (answer.failures, answer.is_down, answer.contradicts)


class TestNoAnswer:
    SILENT: Final = FactUnknown("Azure is throttling", kind="no answer")
    REFUSED: Final = FactUnknown("no permission to read it", kind="refused")
    GONE: Final = FactUnknown("the connection no longer exists", kind="gone")

    def test_unknown_is_none(self) -> None:
        answer = said(conn(tunnel(TunnelStatus.UNKNOWN)))

        assert (1, "it does not know the tunnel's state") == (answer.failures, answer.problem)

    def test_a_refusal_counts_at_once(self) -> None:
        found = told(self.REFUSED)

        assert (True, "no permission to read it") == (
            paris(found).live == said(self.REFUSED),
            said(self.REFUSED).problem,
        )
        assert said(self.REFUSED).refused
        assert (State.ONGOING, Importance.CRITICAL) == (found.state, found.importance)

    def test_throttling_and_time_outs_count_after_three_runs(self) -> None:
        found: Diagnosis | None = None
        importance = []
        for _ in range(TRIES):
            found = told(self.SILENT, recorded=found)
            importance.append(found.importance)

        assert [Importance.WARNING, Importance.WARNING, Importance.CRITICAL] == importance

    def test_an_answer_between_begins_the_count_anew(self) -> None:
        twice = told(self.SILENT, recorded=told(self.SILENT))
        settled = told(conn(tunnel(UP, at(hours=-20))), recorded=twice)

        again = paris(told(self.SILENT, recorded=settled)).live

        assert again is not None
        assert (1, True) == (again.failures, again.contradicts)

    def test_what_arm_said_last_holds_until_it_says_something_else(self) -> None:
        """Else one throttled request would take a Critical back."""
        critical = told(conn(tunnel(DOWN)))

        found = told(self.SILENT, recorded=critical)
        answer = paris(found).live

        assert Importance.CRITICAL is found.importance
        assert answer is not None
        assert (DOWN, ASKED, 1, "Azure is throttling") == (
            answer.status,
            answer.at,
            answer.failures,
            answer.problem,
        )

    def test_a_connection_that_is_gone_ends_the_following(self) -> None:
        found = told(self.GONE)

        assert (False, True) == (paris(found).is_open, paris(found).is_given_up)
        assert (State.UNKNOWN, Importance.INFORMATION) == (found.state, found.importance)
        assert set() == peers_to_ask(found, active_active=False, now=at(hours=2))

    def test_of_two_connections_to_a_peer_the_one_that_is_left_counts(self) -> None:
        assert said(self.GONE, conn(tunnel(DOWN))).is_down
        assert said(self.GONE, self.SILENT).failures
        assert said(self.GONE, self.GONE).gone

    def test_of_two_connections_to_a_peer_both_must_answer_alike(self) -> None:
        up_, down_ = conn(tunnel(UP, at(12))), conn(tunnel(DOWN))

        assert TunnelStatus.UNKNOWN is said(up_, down_).status
        assert at(20) == said(up_, conn(tunnel(UP, at(20)))).since

    def test_a_tunnel_that_was_not_asked_of_has_no_answer(self) -> None:
        assert live(down(at())).of(an_outage(LYON)) is None


class TestWhichVip:
    """ARM speaks by VIP; which instance has which is known only as far as the rows agree."""

    LOST: Final = (SERVED, down(at()))

    def of_zero(self, *tunnels: TunnelState, rows: Sequence[Signal] = LOST) -> LiveAnswer:
        """What ARM says of the first instance's tunnel to Paris."""
        found = live(*rows, mode=True, answers=[conn(*tunnels)]).of(OPEN)
        assert found is not None
        return found

    def test_two_that_are_alike_need_no_telling_apart(self) -> None:
        answer = self.of_zero(tunnel(DOWN), tunnel(TunnelStatus.CONNECTING, None, VIP_B))

        assert answer.is_down

    def test_one_that_has_been_up_since_before_is_not_the_one_that_was_lost(self) -> None:
        answer = self.of_zero(tunnel(UP, at(hours=-5)), tunnel(DOWN, at(hours=-9), VIP_B))

        assert answer.is_down

    def test_one_that_connected_since_is_the_one_that_was_lost(self) -> None:
        answer = self.of_zero(tunnel(UP, at(hours=-5)), tunnel(UP, at(12), VIP_B))

        assert (UP, at(12), False) == (answer.status, answer.since, answer.contradicts)

    def test_where_either_may_be_it_nobody_knows(self) -> None:
        """The second instance logs nothing of Paris, and both tunnels fit the first."""
        answer = self.of_zero(tunnel(UP, at(12)), tunnel(DOWN, at(-9), VIP_B), rows=[down(at())])

        assert (TunnelStatus.UNKNOWN, 1, "which tunnel it speaks of is not known") == (
            answer.status,
            answer.failures,
            answer.problem,
        )

    def test_another_peers_tunnels_may_tell_them_apart(self) -> None:
        """Lyon's tunnel on the first instance came up at 20 s, as that of one VIP did."""
        rows = [down(at()), down(at(1), ZERO, LYON), up(at(20), ZERO, LYON)]
        lyon = conn(tunnel(UP, at(20)), tunnel(UP, at(-9), VIP_B), peer=LYON)
        own = conn(tunnel(UP, at(12)), tunnel(DOWN, at(-9), VIP_B))

        answer = live(*rows, mode=True, answers=[own], lyon=[lyon]).of(OPEN)

        assert answer is not None
        assert (UP, at(12)) == (answer.status, answer.since)

    def test_one_that_connected_when_the_row_of_one_instance_says_so_is_that_instances(
        self,
    ) -> None:
        """Where the row of a loss is late, that a tunnel is down contradicts nothing."""
        rows = (down(at()), up(at(12), ZERO), up(at(-600), ONE))
        found = live(
            *rows, mode=True, answers=[conn(tunnel(UP, at(12)), tunnel(DOWN, None, VIP_B))]
        )
        silent = live(
            *rows, mode=True, answers=[conn(tunnel(UP, at(99)), tunnel(DOWN, None, VIP_B))]
        )

        answers = [each.of(an_outage(end=None)) for each in (found, silent)]

        assert [UP, TunnelStatus.UNKNOWN] == [each.status for each in answers if each]

    def test_where_no_assignment_agrees_all_tunnels_must_be_alike(self) -> None:
        both = [down(at()), down(at(1), ONE)]

        alike = self.of_zero(tunnel(UP, at(-99)), tunnel(UP, at(-98), VIP_B), rows=both)
        unlike = self.of_zero(tunnel(UP, at(-99)), tunnel(DOWN, None, VIP_B), rows=both)

        assert alike.contradicts
        assert (TunnelStatus.UNKNOWN, False) == (unlike.status, unlike.contradicts)

    def test_the_only_tunnel_is_that_of_the_instance_that_logged_one(self) -> None:
        assert self.of_zero(tunnel(DOWN), rows=[down(at())]).is_down

    def test_of_an_active_standby_gateway_the_vip_does_not_matter(self) -> None:
        answer = live(SERVED, down(at()), answers=[conn(tunnel(UP, at(12)))]).of(OPEN)

        assert answer is not None
        assert at(12) == answer.since


class TestPeer:
    """A peer of an active-active gateway is out while none of its tunnels is connected."""

    LOST: Final = (SERVED, down(at(-2)), down(at(), ONE))

    def of_peer(self, *tunnels: TunnelState) -> LiveAnswer:
        """What ARM says of Paris, both of whose tunnels the log lost."""
        found = live(*self.LOST, mode=True, answers=[conn(*tunnels)]).of_peer(OPEN)
        assert found is not None
        return found

    def test_it_is_back_with_its_first_tunnel(self) -> None:
        assert at(20) == self.of_peer(tunnel(UP, at(30)), tunnel(UP, at(20), VIP_B)).since
        assert at(30) == self.of_peer(tunnel(UP, at(30)), tunnel(DOWN, None, VIP_B)).since

    def test_it_is_out_while_both_are_down(self) -> None:
        assert self.of_peer(tunnel(DOWN), tunnel(TunnelStatus.CONNECTING, None, VIP_B)).is_down

    def test_a_tunnel_that_arm_knows_up_since_before_contradicts_the_log(self) -> None:
        assert self.of_peer(tunnel(UP, at(hours=-9)), tunnel(DOWN, None, VIP_B)).contradicts

    def test_it_is_not_known_where_one_is_unknown(self) -> None:
        assert self.of_peer(tunnel(DOWN), tunnel(TunnelStatus.UNKNOWN, None, VIP_B)).failures


class TestServes:
    """Whether a peer had another tunnel when its instance was lost, and no row tells."""

    LOST: Final = (down(at()),)

    def serves(self, *tunnels: TunnelState, rows: Sequence[Signal] = LOST) -> bool | None:
        """Whether another tunnel than the first instance's served Paris."""
        return live(*rows, mode=True, answers=[conn(*tunnels)]).serves(PARIS, ZERO, at())

    def test_one_that_has_been_connected_since_before_did(self) -> None:
        assert True is self.serves(tunnel(UP, at(hours=-9)), tunnel(DOWN, None, VIP_B))

    def test_one_without_any_time_was_never_up(self) -> None:
        back = (down(at()), up(at(12), ZERO))

        assert False is self.serves(tunnel(UP, at(12)), tunnel(DOWN, None, VIP_B), rows=back)

    def test_it_may_be_the_one_that_was_lost_unless_arm_keeps_the_times_of_what_is_down(
        self,
    ) -> None:
        """As far as is known ARM keeps them; another peer's tunnel shows it."""
        own = [conn(tunnel(UP, at(12)), tunnel(DOWN, None, VIP_B))]
        kept = [conn(tunnel(DOWN, at(-9)), peer=LYON)]

        alone = live(*self.LOST, mode=True, answers=own)
        beside = live(*self.LOST, mode=True, answers=own, lyon=kept)

        assert (None, False) == (
            alone.serves(PARIS, ZERO, at()),
            beside.serves(PARIS, ZERO, at()),
        )

    def test_a_peer_with_one_tunnel_has_no_other(self) -> None:
        assert False is self.serves(tunnel(DOWN))

    @pytest.mark.parametrize(
        "other",
        [
            tunnel(UP, at(10), VIP_B),
            tunnel(DOWN, at(-9), VIP_B),
            tunnel(UP, None, VIP_B),
            replace(tunnel(DOWN, None, VIP_B), since_unreadable=True),
        ],
        ids=["up since", "down since whenever", "up without a time", "unreadable"],
    )
    def test_of_others_it_is_not_known(self, other: TunnelState) -> None:
        assert self.serves(tunnel(UP, at(12)), other) is None

    def test_where_arm_does_not_list_the_tunnels_it_is_not_known(self) -> None:
        assert self.serves() is None
        assert (
            live(down(at()), mode=True, answers=[TestNoAnswer.SILENT]).serves(PARIS, ZERO, at())
            is None
        )

    def test_what_was_told_of_it_holds_when_nobody_asks_later(self) -> None:
        rows = (down(at()), down(at(1), ZERO, LYON))
        answers = {
            peer: [conn(tunnel(DOWN, at(-9)), tunnel(UP, at(hours=-9), VIP_B), peer=peer)]
            for peer in (PARIS, LYON)
        }
        first = diagnosed(*rows, live=answers, active_active=True)
        examined = an_examination(an_observation(*rows), active_active=True)

        known = diagnose(examined.switch_overs, examined, active_active=True, recorded=first)

        assert [PARIS, LYON] == [lost.remote_ip for lost in known.redundancy[0].tunnels]
        assert ((), ()) == (known.outages, known.unclear)

    def test_a_peer_is_out_once_each_of_its_tunnels_is_down_whatever_served_it_before(self) -> None:
        """The log says nothing of the other one, so nobody knows since when before that."""
        rows = (down(at()), down(at(1), ZERO, LYON))
        answers = {
            peer: [conn(tunnel(DOWN, at(-9)), tunnel(UP, at(hours=-9), VIP_B), peer=peer)]
            for peer in (PARIS, LYON)
        }
        first = diagnosed(*rows, live=answers, active_active=True)
        both = conn(tunnel(DOWN), tunnel(DOWN, None, VIP_B))
        examined = an_examination(
            an_observation(*rows), active_active=True, live={PARIS: [both], LYON: answers[LYON]}
        )

        known = diagnose(examined.switch_overs, examined, active_active=True, recorded=first)

        assert [(PARIS, ASKED, True)] == [
            (each.remote_ip, each.start, each.is_down_by_arm) for each in known.outages
        ]


class TestWhenToAsk:
    @pytest.mark.parametrize(
        ("minutes", "asked_before", "asks"),
        [
            (4.99, None, False),
            (5, None, True),
            (10, 5, True),
            (60, 55, True),
            (61, 60, False),
            (119, 60, False),
            (120, 60, True),
            (25 * 60, 24 * 60, True),
            (25 * 60 + 1, 24 * 60, False),
        ],
    )
    def test_from_5_minutes_on_each_run_for_an_hour_then_hourly_for_a_day(
        self, *, minutes: float, asked_before: float | None, asks: bool
    ) -> None:
        answer = None if asked_before is None else LiveAnswer(at=at(minutes=asked_before))
        outage = replace(OPEN, live=answer)

        assert asks is to_ask(outage, now=at(minutes=minutes))
        assert ({PARIS} if asks else set()) == peers_to_ask(
            a_diagnosis(outages=(outage,)), active_active=False, now=at(minutes=minutes)
        )

    def test_what_was_seen_back_is_not_asked_of(self) -> None:
        assert not to_ask(an_outage(), now=at(minutes=30))
        assert not to_ask(replace(OPEN, back_before=at(minutes=9)), now=at(minutes=30))

    @pytest.mark.parametrize(("hours", "no_more"), [(25, False), (25.01, True)])
    def test_after_a_day_its_state_is_unknown(self, *, hours: float, no_more: bool) -> None:
        assert no_more is is_asked_no_more(OPEN, now=at(hours=hours))

    def test_a_lost_instances_tunnels_are_asked_of_once(self) -> None:
        back = an_outage(PARIS, 0, 60)
        asked = replace(back, live=LiveAnswer(at=at(minutes=2), status=UP, since=at(60)))

        def lost(tunnel: Outage) -> Diagnosis:
            loss = Redundancy(instance=ZERO, start=at(), end=at(60), tunnels=(tunnel,))
            return a_diagnosis(redundancy=(loss,))

        assert {PARIS} == peers_to_ask(lost(back), active_active=True, now=at(minutes=2))
        assert {PARIS} == peers_to_ask(
            a_diagnosis(unclear=(back,)), active_active=True, now=at(minutes=2)
        )
        assert set() == peers_to_ask(lost(asked), active_active=True, now=at(minutes=7))
        assert set() == peers_to_ask(lost(back), active_active=None, now=at(minutes=2))
        assert {PARIS} == peers_to_ask(
            a_diagnosis(outages=(back,)), active_active=True, now=at(minutes=2)
        )
        assert {PARIS} == peers_to_ask(lost(back), active_active=True, now=at(hours=25))
        assert set() == peers_to_ask(lost(back), active_active=True, now=at(hours=25.01))

    def test_they_are_asked_of_again_where_the_log_and_arm_do_not_agree_on_how_it_ended(
        self,
    ) -> None:
        later = replace(an_outage(PARIS, 0, 60), live=LiveAnswer(at=at(minutes=2), status=DOWN))

        assert {PARIS} == peers_to_ask(
            a_diagnosis(unclear=(later,)), active_active=True, now=at(minutes=7)
        )


class TestWhatItIsTakenFor:
    """Each answer says when it was given, and for which tunnel."""

    @pytest.mark.parametrize(
        ("answers", "mode", "problem"),
        [
            ([conn(status="Connected")], True, "it does not tell of each tunnel"),
            ([conn(tunnel(TunnelStatus.UNKNOWN))], False, "it does not know the tunnel's state"),
            ([conn(tunnel(UP, at(13)), tunnel(DOWN, None, VIP_B))], False, NOT_KNOWN_WHICH),
            ([FactUnknown("needs a role", kind="refused")], False, "needs a role"),
            ([FactUnknown("no such connection", kind="gone")], False, "no such connection"),
        ],
    )
    def test_what_tells_nothing_says_why_and_when(
        self, *, answers: Answers, mode: bool, problem: str
    ) -> None:
        found = said(*answers, mode=mode)

        assert (ASKED, problem) == (found.at, found.problem)

    def test_a_tunnels_state_names_its_vip(self) -> None:
        assert VIP_A == said(conn(tunnel(UP, at(13)))).vip

    def test_of_an_active_standby_gateway_a_peer_has_one_tunnel_at_a_time(self) -> None:
        found = live(down(at()), answers=[conn(tunnel(UP, at(13)), tunnel(DOWN, None, VIP_B))])

        answer = found.of_peer(OPEN)

        assert answer is not None
        assert NOT_KNOWN_WHICH == answer.problem

    @pytest.mark.parametrize(("seconds", "contradicts"), [(1, False), (1.001, True)])
    def test_a_time_to_come_is_none(self, *, seconds: float, contradicts: bool) -> None:
        since = ASKED + timedelta(seconds=seconds)

        assert contradicts is said(conn(tunnel(UP, since))).contradicts

    @pytest.mark.parametrize(
        ("since", "was_out"), [(at(4.999), False), (at(5), True), (at(-60), None)]
    )
    def test_a_tunnel_was_out_for_five_seconds_by_its_last_connection_unless_that_contradicts(
        self, *, since: datetime, was_out: bool | None
    ) -> None:
        found = live(down(at()), answers=[conn(tunnel(UP, since))])

        assert was_out is found.was_out(down(at()))

    def test_a_tunnel_is_that_of_its_instance(self) -> None:
        """The rows tell which VIP is whose: the second instance's tunnel never went."""
        rows = (down(at()), up(at(9), ZERO), up(at(-60), ONE))
        states = (tunnel(UP, at(9)), tunnel(UP, at(-60), VIP_B))

        found = live(*rows, mode=True, answers=[conn(*states)])

        assert True is found.was_out(down(at()))

    @pytest.mark.parametrize(("since", "expected"), [(at(97), at(97)), (at(96.9), at(2000))])
    def test_a_vip_is_of_the_instance_whose_newest_row_is_3_s_after_its_last_connection_at_most(
        self, since: datetime, expected: datetime
    ) -> None:
        """Where no assignment agrees with the rows the latest time of all tunnels counts."""
        rows = (down(at()), up(at(100), ZERO), up(at(2000), ONE))
        states = (tunnel(UP, since), tunnel(UP, at(2000), VIP_B))

        answer = live(*rows, mode=True, answers=[conn(*states)]).of(OPEN)

        assert answer is not None
        assert expected == answer.since

    def test_a_tunnel_whose_time_cannot_be_read_may_be_any(self) -> None:
        rows = (down(at()), up(at(3000), ZERO), up(at(2000), ONE))
        unreadable = replace(tunnel(UP), since_unreadable=True)

        answer = live(*rows, mode=True, answers=[conn(unreadable, tunnel(UP, at(2000), VIP_B))]).of(
            OPEN
        )

        assert answer is not None
        assert (True, VIP_A) == (answer.contradicts, answer.vip)

    @pytest.mark.parametrize(("seconds", "serves"), [(1, True), (1.001, None)])
    def test_another_tunnel_served_where_it_was_connected_1_s_after_the_loss_at_the_latest(
        self, *, seconds: float, serves: bool | None
    ) -> None:
        rows = (down(at()), up(at(1), ONE))
        states = (tunnel(DOWN, at(-100)), tunnel(UP, at(seconds), VIP_B))

        assert serves is live(*rows, mode=True, answers=[conn(*states)]).serves(PARIS, ZERO, at())

    def test_where_azure_does_not_tell_of_every_connection_nobody_knows(self) -> None:
        answers: Answers = [conn(tunnel(UP, at(-60))), FactUnknown("needs a role", kind="refused")]

        assert None is live(down(at()), mode=True, answers=answers).serves(PARIS, ZERO, at())

    def test_one_that_is_connected_without_a_time_may_have(self) -> None:
        states = (tunnel(UP), tunnel(UP, None, VIP_B))

        found = live(down(at()), mode=True, answers=[conn(*states)])

        assert None is found.serves(PARIS, ZERO, at())


class TestDownAgain:
    """The log shows the tunnel back, and ARM shows it down when it is asked an hour after."""

    ROWS: Final = (down(at()), up(at(14)))

    @pytest.mark.parametrize(
        ("later", "starts"),
        [
            ((), [at(), ASKED]),
            ((up(at(16), ONE),), [at(), ASKED]),
            ((up(at(16.001), ONE),), [at()]),
            ((up(at(20), ZERO),), [at()]),
            ((down(at(2000), ONE),), [at(), at(2000)]),
        ],
    )
    def test_it_is_so_when_it_is_asked_unless_a_newer_row_of_the_peer_tells(
        self, later: Sequence[Signal], starts: list[datetime]
    ) -> None:
        found = diagnosed(*self.ROWS, *later, live={PARIS: [conn(tunnel(DOWN))]})

        assert starts == [outage.start for outage in found.outages]
        assert found.outages[-1].end_source is (EndSource.LOG if len(starts) == 1 else None)

    @pytest.mark.parametrize(
        ("later", "starts"),
        [((), [at(), ASKED]), ((up(at(66), ZERO),), [at()])],
    )
    def test_of_an_active_active_gateway_a_newer_row_of_the_tunnel(
        self, later: Sequence[Signal], starts: list[datetime]
    ) -> None:
        rows = [down(at(), ZERO, peer) for peer in (PARIS, LYON)]
        rows += [up(at(60), ZERO, peer) for peer in (PARIS, LYON)]
        served = [up(at(hours=-4), ONE, peer) for peer in (PARIS, LYON)]
        states = (tunnel(DOWN), tunnel(DOWN, None, VIP_B))

        found = diagnosed(*rows, *served, *later, active_active=True, live={PARIS: [conn(*states)]})

        tunnels = [each for lost in found.redundancy for each in lost.tunnels]
        assert starts == [each.start for each in tunnels if each.remote_ip == PARIS]

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [(at(14), False), (at(14.001), True), (at(3614), True), (at(3614.001), False)],
    )
    def test_within_an_hour_of_its_return(self, *, asked: datetime, expected: bool) -> None:
        outage = replace(an_outage(), live=LiveAnswer(at=asked, status=DOWN))

        assert expected is is_down_again(outage)


class TestEndedSooner:
    @pytest.mark.parametrize(
        ("since", "end", "source"),
        [
            (at(11.999), at(11.999), EndSource.ARM),
            (at(12), at(14), EndSource.LOG),
            (at(15), at(14), EndSource.LOG),
        ],
    )
    def test_a_connected_row_over_2_s_later_than_arms_last_connection_did_not_end_it(
        self, since: datetime, end: datetime, source: EndSource
    ) -> None:
        found = diagnosed(down(at()), up(at(14)), live={PARIS: [conn(tunnel(UP, since))]})

        assert [(end, source)] == [(out.end, out.end_source) for out in found.outages]
