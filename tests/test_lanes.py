"""What became of each tunnel, in the words of its page: never more than the rows and ARM say."""

from __future__ import annotations

from dataclasses import replace

from detector.insights.document import Insight, TunnelFacts
from detector.model import AlreadyDown, EndSource, Evidence, LiveAnswer, Redundancy, TunnelStatus
from detector.pages.lanes import Kind, Lane, events_of, lanes_of, moved
from tests.builders import (
    LYON,
    ONE,
    PARIS,
    ZERO,
    a_diagnosis,
    a_failover,
    a_switch_over,
    an_outage,
    at,
)
from tests.pages import an_insight_to_look_at, three_days, tunnels


def of(**found: object) -> Insight:
    """The insight of a failover of which this was found."""
    return an_insight_to_look_at(diagnosis=a_diagnosis(seen_until=at(minutes=20), **found))


def told(insight: Insight) -> list[tuple[str, str, str]]:
    """Each lane's name, length and end."""
    return [(lane.name, lane.length, lane.back) for lane in lanes_of(insight)]


def test_a_tunnel_that_came_back_is_told_by_its_length_and_when() -> None:
    back = replace(an_outage(), connection="conn-paris")

    assert [("conn-paris", "14 s", "02:00:14")] == told(of(outages=(back,)))
    assert PARIS == lanes_of(of(outages=(back,)))[0].place


def test_a_tunnel_that_was_not_seen_back_is_told_by_what_arm_says_or_how_long_it_was_looked() -> (
    None
):
    missing = an_outage(end=None)
    answer = LiveAnswer(at=at(minutes=25), status=TunnelStatus.NOT_CONNECTED)

    assert [(PARIS, "since 02:00:00", "not seen by 02:20:00")] == told(of(outages=(missing,)))
    assert [(PARIS, "since 02:00:00", "NotConnected at 02:25:00 (Azure)")] == told(
        of(outages=(replace(missing, live=answer),))
    )


def test_unknown_is_no_answer_and_connected_contradicts_the_log() -> None:
    def answered(status: TunnelStatus) -> Insight:
        answer = LiveAnswer(at=at(minutes=15), status=status)
        return of(outages=(replace(an_outage(end=None), live=answer),))

    assert "not seen by 02:20:00" == lanes_of(answered(TunnelStatus.UNKNOWN))[0].back
    assert () == lanes_of(answered(TunnelStatus.UNKNOWN))[0].answers
    assert "Connected at 02:15:00 (Azure), not by the log" == (
        lanes_of(answered(TunnelStatus.CONNECTED))[0].back
    )


def test_a_tunnel_that_arm_says_is_back_was_out_for_that_long_at_most() -> None:
    by_arm = replace(an_outage(end=301), end_source=EndSource.ARM)
    [lane] = lanes_of(of(outages=(by_arm,)))

    assert (Kind.BOUND, at(301)) == (lane.worst.kind, lane.worst.end)
    assert ("at most 5 min 1 s", "by 02:05:01 (Azure)") == (lane.length, lane.back)


def test_a_tunnel_that_came_back_at_a_time_not_logged_has_a_bound() -> None:
    unlogged = replace(an_outage(end=None), back_before=at(90))

    assert [(PARIS, "at most 1 min 30 s", "by 02:01:30 (not logged)")] == told(
        of(outages=(unlogged,))
    )


def test_what_is_not_back_comes_first_then_the_longest_and_last_what_was_down_before() -> None:
    outages = [an_outage(f"198.51.100.{20 + number}", 0, end) for number, end in enumerate((5, 9))]
    before = AlreadyDown(remote_ip=LYON, instance=ZERO, since=at(hours=-3))
    insight = of(outages=(*outages, an_outage(end=None)), already_down=(before,))

    assert [PARIS, "198.51.100.21", "198.51.100.20", LYON] == [
        lane.remote_ip for lane in lanes_of(insight)
    ]
    assert (LYON, "since 21 Nov 23:00:00", "down before the failover") == told(insight)[-1]


def test_a_tunnel_that_was_down_often_is_one_lane_with_the_longest_of_its_times() -> None:
    lanes = lanes_of(three_days())

    assert [("198.51.100.12", 87), ("198.51.100.11", 87)] == [
        (lane.remote_ip, len(lane.bars)) for lane in lanes
    ]
    assert ("87 times", "longest 24 s") == (lanes[0].length, lanes[0].back)


def test_a_tunnel_that_is_down_again_is_not_told_as_back() -> None:
    [lane] = lanes_of(of(outages=(an_outage(), an_outage(start=60, end=None))))

    assert ("since 02:01:00", "not seen by 02:20:00") == (lane.length, lane.back)


def test_redundancy_lost_is_told_by_instance_and_apart_from_what_may_have_been_out() -> None:
    lost = replace(an_outage(), instance=ONE)
    insight = of(
        redundancy=(Redundancy(instance=ONE, start=at(), end=at(14), tunnels=(lost,)),),
        unclear=(replace(an_outage(LYON), instance=ONE),),
    )
    by_ip = {lane.remote_ip: lane for lane in lanes_of(insight)}

    assert (Kind.LOST, "peer served", "IN_1") == described(by_ip[PARIS])
    assert (Kind.MAYBE, "not known whether served", "IN_1") == described(by_ip[LYON])


def described(lane: Lane) -> tuple[Kind, str, str]:
    return lane.worst.kind, lane.worst.served, lane.place


def test_a_tunnel_whose_connection_was_deleted_is_not_told_as_down() -> None:
    gone = replace(an_outage(end=None), live=LiveAnswer(at=at(minutes=10), gone=True))
    [lane] = lanes_of(of(outages=(gone,)))

    assert (Kind.GONE, "connection deleted") == (lane.worst.kind, lane.back)


def test_what_arm_says_by_vip_stands_at_an_instance_only_where_all_answers_agree() -> None:
    """Which instance has which VIP is not documented."""
    lost = replace(an_outage(), instance=ONE)
    insight = of(redundancy=(Redundancy(instance=ONE, start=at(), end=at(14), tunnels=(lost,)),))
    answers = [
        TunnelFacts(
            remote_ip=PARIS,
            connection=None,
            vip=vip,
            status=status,
            connected_since=None,
            as_of=at(minutes=9),
        )
        for vip, status in (("203.0.113.10", "Connected"), ("203.0.113.11", "NotConnected"))
    ]

    [apart] = lanes_of(insight.model_copy(update={"tunnels": tuple(answers)}))
    [agreed] = lanes_of(insight.model_copy(update={"tunnels": tuple(answers[:1])}))

    assert (0, 1) == (len(apart.answers), len(agreed.answers))


def test_all_that_happened_is_said_in_the_order_in_which_it_did() -> None:
    insight = tunnels(3)
    events = events_of(insight, lanes_of(insight))
    said = [event.text for event in events]

    assert [event.at for event in events] == sorted(event.at for event in events)
    assert said[0].startswith("Maintenance was recorded")
    assert "Switch-over: IN_0 → IN_1 (primary-changed)" == said[1]
    assert "conn-paris (198.51.100.11) down on IN_0" == said[2]
    assert "conn-paris (198.51.100.11) back, after 11 s" in said
    assert "Azure Resource Manager says NotConnected: conn-lyon (198.51.100.12)" in said
    assert "Logs seen until here" in said


def test_a_switch_over_is_named_by_what_the_rows_tell() -> None:
    known = (
        a_switch_over(),
        a_switch_over(to_instance=None, evidence=Evidence.INSTANCE_LOST),
        a_switch_over(evidence=Evidence.BOTH_INSTANCES_LOST),
        a_switch_over(from_instance=None),
        a_switch_over(to_instance=None),
        a_switch_over(from_instance=None, to_instance=None),
    )
    insight = an_insight_to_look_at(failover=a_failover(*known))

    assert [
        "IN_0 → IN_1",
        "IN_0 lost its tunnels",
        "both instances lost their tunnels",
        "role moved to IN_1",
        "role moved from IN_0",
        "role moved",
    ] == [moved(each) for each in insight.failover.switch_overs]


def test_a_switch_over_of_which_only_the_bounds_are_known_says_so() -> None:
    insight = an_insight_to_look_at(failover=a_failover(a_switch_over(not_before=at(-400))))
    said = [event.text for event in events_of(insight, [])]

    assert "Switch-over: IN_0 → IN_1 (hand-over), not before 01:53:20" in said
