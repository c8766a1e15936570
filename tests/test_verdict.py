"""The family of verdicts, kept in `golden/verdicts.md` to be read aloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

import pytest

from detector.diagnosis.cause import Records, causes_of, events
from detector.diagnosis.diagnosis import judged
from detector.diagnosis.switchover import in_time
from detector.insights.verdict import redundancy_lost, verdict_of
from detector.model import (
    AlreadyDown,
    Cause,
    Diagnosis,
    EndSource,
    Evidence,
    Failover,
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
    LILLE,
    LYON,
    NICE,
    ONE,
    PARIS,
    ZERO,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    an_outage,
    at,
    of_activity,
    of_gateway,
)
from tests.goldens import golden

HAND_OVER: Final = a_switch_over(at(7))
BACK: Final = a_switch_over(at(7, minutes=27), from_instance=ONE, to_instance=ZERO)
AGAIN: Final = a_switch_over(at(7, minutes=50))
PRIMARY: Final = SwitchOver(at=at(7), evidence=Evidence.PRIMARY_CHANGED)
LOST: Final = SwitchOver(at=at(7), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO)
LOST_TOO: Final = replace(LOST, at=at(minutes=9), from_instance=ONE)
LOST_AGAIN: Final = replace(LOST, at=at(minutes=40))

NOW: Final = at(minutes=30)
BEFORE: Final = at(hours=-20)


def a_cause(
    *rows: Signal, now: datetime = NOW, known: Sequence[SwitchOver] = (HAND_OVER,)
) -> Cause:
    """The cause that these rows are beside such switch-overs."""
    recorded = Records(events=events(sorted(rows, key=in_time)))
    whole, _ = causes_of(known, recorded, now=now, seen_until=now, logs=None)
    return whole


def a_reset(caller: str = "kim@example.net") -> list[Signal]:
    """The rows of a reset."""
    phases = (Phase.STARTED, Phase.SUCCEEDED)
    return [of_activity(Kind.RESET, phase, at(-40), caller=caller) for phase in phases]


NOT_RECORDED: Final = a_cause()
NOT_RECORDED_YET: Final = a_cause(now=at(minutes=10))
MAINTENANCE: Final = a_cause(of_gateway(Kind.MAINTENANCE, at(-90)))
RESET: Final = a_cause(*a_reset())
RESET_BY_NOBODY: Final = a_cause(*a_reset(""))
STARTED: Final = a_cause(a_reset()[0])
CHANGE: Final = a_cause(
    of_activity(Kind.WRITE, Phase.SUCCEEDED, at(-40)),
)

BACK_WITH_REDUNDANCY: Final = (
    Redundancy(
        instance=ZERO, start=at(7), end=at(18, minutes=6), tunnels=(an_outage(PARIS, 7, 378),)
    ),
)
HOSTILE: Final = "evil\u202e\n# vpn](javascript:x)`" + "a" * 200


def by_arm(remote_ip: str, start: float = 7) -> Outage:
    """An outage that the gateway's own connection ended."""
    open_outage = an_outage(remote_ip, start, None)
    return replace(open_outage, end=at(minutes=20), end_source=EndSource.ARM)


def unlogged(remote_ip: str, start: float = 7) -> Outage:
    """An outage whose end was not logged, though the tunnel had a later life."""
    return replace(an_outage(remote_ip, start, None), back_before=at(minutes=27))


def outages(*ends: tuple[str, float | None]) -> dict[str, Any]:
    """Outages from the seventh second on, each with its end."""
    return {"outages": tuple(an_outage(peer, 7, end) for peer, end in ends)}


def lost(*peers: str, instance: str = ZERO, end: datetime | None = None) -> Redundancy:
    """Redundancy that is not back, or was by `end`."""
    tunnels = tuple(
        replace(
            an_outage(peer, 7, None),
            instance=instance,
            end=end,
            end_source=None if end is None else EndSource.LOG,
        )
        for peer in peers
    )
    return Redundancy(instance=instance, start=at(7), end=end, tunnels=tunnels)


def answered(outage: Outage, **answer: Any) -> Outage:
    """The outage as ARM was asked of it at a quarter past."""
    return replace(outage, live=LiveAnswer(at=at(minutes=15), **answer))


def down_by_arm(remote_ip: str, start: float = 7) -> Outage:
    """A tunnel that ARM shows down."""
    return answered(an_outage(remote_ip, start, None), status=TunnelStatus.NOT_CONNECTED)


def disputed(remote_ip: str, since: datetime | None = BEFORE) -> Outage:
    """A tunnel that ARM shows connected all along."""
    return answered(
        an_outage(remote_ip, 7, None), status=TunnelStatus.CONNECTED, since=since, contradicts=True
    )


def refused(remote_ip: str) -> Outage:
    """A tunnel of which ARM may not be asked."""
    why = "no permission to read it; give the app's identity Monitoring Reader on rg-network"
    return answered(an_outage(remote_ip, 7, None), problem=why, refused=True, failures=3)


def gone(remote_ip: str) -> Outage:
    """A tunnel whose connection was deleted."""
    return answered(an_outage(remote_ip, 7, None), gone=True, problem="it no longer exists")


def said(*switch_overs: SwitchOver, gateway: dict[str, Any] | None = None, **found: Any) -> str:
    """The verdict on these switch-overs, with what was found out."""
    diagnosis: Diagnosis = judged(a_diagnosis(**{"cause": NOT_RECORDED, **found}), now=NOW)
    return verdict_of(a_failover(*switch_overs), diagnosis, a_gateway(**gateway or {}))


def every_event() -> Iterator[tuple[str, str]]:
    """Every event with every cause."""
    kinds = {
        "a tunnel moved": (HAND_OVER,),
        "the primary changed": (PRIMARY,),
        "an instance was lost": (LOST,),
    }
    causes = {
        "no cause": NOT_RECORDED,
        "no cause yet": NOT_RECORDED_YET,
        "maintenance": MAINTENANCE,
        "a reset": RESET,
        "a reset by nobody": RESET_BY_NOBODY,
        "a reset that was started": STARTED,
        "a change": CHANGE,
    }
    for (event, known), (why, cause) in product(kinds.items(), causes.items()):
        if event == "an instance was lost":
            yield f"{event}, {why}", said(*known, cause=cause, redundancy=BACK_WITH_REDUNDANCY)
        else:
            yield f"{event}, {why}", said(*known, cause=cause, **outages((PARIS, 21)))


def often() -> Iterator[tuple[str, str]]:
    """Several switch-overs."""
    there_and_back = (an_outage(PARIS, 7, 21), an_outage(PARIS, 1627, 1640))
    both = (an_outage(LYON, 8, 22), *there_and_back, an_outage(LYON, 1628, 1640))
    yield "twice, one tunnel", said(HAND_OVER, BACK, outages=there_and_back)
    of_first = of_gateway(Kind.MAINTENANCE, at(-90))
    of_second = of_gateway(Kind.MAINTENANCE, at(minutes=26))
    for beside, rows in {
        "the first": [of_first],
        "the second": [of_second],
        "each": [of_first, of_second],
    }.items():
        cause = a_cause(*rows, known=(HAND_OVER, BACK))
        yield (
            f"twice, maintenance beside {beside}",
            said(HAND_OVER, BACK, cause=cause, outages=both),
        )
    yield "three times", said(HAND_OVER, BACK, AGAIN, outages=both, flapping=True)
    yield (
        "three times, one tunnel",
        said(
            HAND_OVER,
            BACK,
            AGAIN,
            outages=(*there_and_back, an_outage(PARIS, 3007, 3010)),
            flapping=True,
        ),
    )
    apart = (*BACK_WITH_REDUNDANCY, lost(PARIS, instance=ONE, end=at(minutes=12)))
    yield "one instance after the other", said(LOST, LOST_TOO, redundancy=apart)
    again = (*BACK_WITH_REDUNDANCY, replace(lost(PARIS, end=at(minutes=41)), start=at(minutes=40)))
    yield "one instance twice", said(LOST, LOST_AGAIN, redundancy=again)
    yield "both instances, three times", said(LOST, LOST_TOO, LOST_AGAIN, redundancy=apart)
    yield (
        "an instance lost, then the primary changed",
        said(LOST, replace(PRIMARY, at=at(minutes=9)), redundancy=apart),
    )


def tunnels() -> Iterator[tuple[str, str]]:
    """What became of the tunnels."""
    four = (PARIS, LYON, LILLE, NICE)
    many = [f"198.51.100.{last}" for last in range(11, 24)]
    yield "one back", said(HAND_OVER, **outages((PARIS, 21)))
    yield "one back at once", said(HAND_OVER, **outages((PARIS, 7)))
    yield "one back after long", said(HAND_OVER, **outages((PARIS, 7 + 3725)))
    yield "two back", said(HAND_OVER, **outages((PARIS, 21), (LYON, 20.2)))
    yield "three back", said(HAND_OVER, **outages((PARIS, 21), (LYON, 20), (LILLE, 18)))
    yield "many back", said(HAND_OVER, **outages(*((peer, 75) for peer in many)))
    yield "one open", said(HAND_OVER, **outages((PARIS, None)))
    yield "two open", said(HAND_OVER, **outages((PARIS, None), (LYON, None)))
    yield "three open", said(HAND_OVER, **outages(*((peer, None) for peer in four[:3])))
    yield "four open", said(HAND_OVER, **outages(*((peer, None) for peer in four)))
    some = [(PARIS, 21), (LYON, 22), (LILLE, 23)]
    yield "one of four open", said(HAND_OVER, **outages(*some, (NICE, None)))
    yield "one of two open", said(HAND_OVER, **outages((PARIS, 21), (NICE, None)))
    yield (
        "four of thirteen open",
        said(
            HAND_OVER, **outages(*((peer, 21 if peer not in many[:4] else None) for peer in many))
        ),
    )
    named = replace(an_outage(NICE, 7, None), connection="conn-nice")
    yield "one open, named", said(HAND_OVER, outages=(an_outage(PARIS, 7, 21), named))
    yield (
        "back, then open",
        said(HAND_OVER, BACK, outages=(an_outage(PARIS, 7, 21), an_outage(PARIS, 1627, None))),
    )
    yield "connected by ARM", said(HAND_OVER, outages=(by_arm(PARIS),))
    yield (
        "connected by ARM, named",
        said(HAND_OVER, outages=(replace(by_arm(PARIS), connection="conn-paris"),)),
    )
    yield (
        "three back, one by ARM",
        said(HAND_OVER, outages=(*(an_outage(peer, 7, 21) for peer in four[:3]), by_arm(NICE))),
    )
    yield "one by ARM, one open", said(HAND_OVER, outages=(by_arm(PARIS), an_outage(LYON, 7, None)))
    yield "a return that was not logged", said(HAND_OVER, outages=(unlogged(PARIS),))
    yield (
        "two returns that were not logged",
        said(HAND_OVER, BACK, outages=(unlogged(PARIS), unlogged(LYON), an_outage(LILLE, 7, 21))),
    )
    yield (
        "one of each",
        said(
            HAND_OVER,
            outages=(
                an_outage(PARIS, 7, 21),
                by_arm(LYON),
                unlogged(LILLE),
                an_outage(NICE, 7, None),
            ),
        ),
    )
    yield "one down by ARM", said(HAND_OVER, outages=(down_by_arm(PARIS),))
    yield (
        "one of two down by ARM",
        said(HAND_OVER, outages=(an_outage(PARIS, 7, 21), down_by_arm(LYON))),
    )
    yield "four down by ARM", said(HAND_OVER, outages=tuple(map(down_by_arm, four)))
    yield "one that ARM knows up since yesterday", said(HAND_OVER, outages=(disputed(PARIS),))
    yield (
        "one that ARM knows up since whenever",
        said(HAND_OVER, outages=(disputed(PARIS, None), an_outage(LYON, 7, 21))),
    )
    yield "two that ARM knows up", said(HAND_OVER, outages=(disputed(PARIS), disputed(LYON)))
    yield "one that ARM may not be asked of", said(HAND_OVER, outages=(refused(PARIS),))
    yield (
        "one that ARM does not know",
        said(
            HAND_OVER,
            outages=(
                answered(
                    an_outage(PARIS, 7, None),
                    status=TunnelStatus.UNKNOWN,
                    failures=1,
                    problem="it does not know the tunnel's state",
                ),
            ),
        ),
    )
    yield "one whose connection is gone", said(HAND_OVER, outages=(gone(PARIS),))
    yield (
        "two whose connections are gone, one back",
        said(HAND_OVER, outages=(gone(PARIS), gone(LYON), an_outage(LILLE, 7, 21))),
    )
    yield (
        "everything",
        said(
            HAND_OVER,
            outages=(
                an_outage("198.51.100.21", 7, 21),
                by_arm(PARIS),
                down_by_arm(LYON),
                disputed(LILLE),
                refused(NICE),
                gone("198.51.100.22"),
                unlogged("198.51.100.23"),
            ),
        ),
    )
    earlier = AlreadyDown(remote_ip=NICE, instance=ZERO, since=BEFORE, connection="conn-nice")
    yield (
        "one already down",
        said(HAND_OVER, already_down=(earlier,), **outages((PARIS, 21))),
    )
    yield "one already down and no other", said(PRIMARY, already_down=(earlier,))
    yield "no tunnel rows", said(PRIMARY)
    yield "policy-based", said(PRIMARY, gateway={"vpn_type": "PolicyBased"})
    yield (
        "told, and not borne out by later rows",
        said(HAND_OVER, outages=(an_outage(PARIS, 7, 21),), borne_out=False),
    )


def redundancy() -> Iterator[tuple[str, str]]:
    """What became of the redundancy of active-active gateways."""
    out = an_outage(PARIS, 9, 33)
    yield "back", said(LOST, redundancy=BACK_WITH_REDUNDANCY)
    yield "one tunnel not back", said(LOST, redundancy=(lost(PARIS),))
    yield "three tunnels not back", said(LOST, redundancy=(lost(PARIS, LYON, LILLE),))
    yield (
        "on either instance not back",
        said(LOST, LOST_TOO, redundancy=(lost(PARIS), lost(PARIS, LYON, instance=ONE))),
    )
    tunnel = replace(an_outage(PARIS, 7, None), back_before=at(minutes=27))
    yield (
        "return not logged",
        said(LOST, redundancy=(Redundancy(instance=ZERO, start=at(7), tunnels=(tunnel,)),)),
    )

    def with_tunnels(*tunnels: Outage, end: datetime | None = None) -> str:
        loss = Redundancy(instance=ZERO, start=at(7), end=end, tunnels=tunnels)
        return said(LOST, redundancy=(loss,))

    yield "back by ARM", with_tunnels(by_arm(PARIS), end=at(minutes=20))
    yield "one down by ARM", with_tunnels(down_by_arm(PARIS), an_outage(LYON, 7, 21))
    yield (
        "one down by ARM, one not seen, one disputed",
        with_tunnels(down_by_arm(PARIS), an_outage(LYON, 7, None), disputed(LILLE)),
    )
    yield "may not be asked", with_tunnels(refused(PARIS), refused(LYON))
    yield "gone", with_tunnels(gone(PARIS))
    for what, unclear in {
        "back": (an_outage(PARIS, 7, 67),),
        "two back": (an_outage(PARIS, 7, 67), an_outage(LYON, 8, 70)),
        "back by ARM": (by_arm(PARIS),),
        "open": (an_outage(PARIS, 7, None),),
        "one of two open": (an_outage(PARIS, 7, 67), an_outage(LYON, 8, None)),
        "down by ARM": (down_by_arm(PARIS), down_by_arm(LYON)),
        "gone": (gone(PARIS),),
    }.items():
        yield f"not known whether the peer was served, {what}", said(LOST, unclear=unclear)
    yield "one remote IP out", said(LOST, outages=(out,), redundancy=BACK_WITH_REDUNDANCY)
    yield (
        "two remote IPs out, one open",
        said(LOST, outages=(out, an_outage(LYON, 9, None)), redundancy=(lost(LYON),)),
    )
    yield (
        "one remote IP out and open",
        said(LOST, outages=(an_outage(LYON, 9, None),), redundancy=(lost(LYON),)),
    )


def others() -> Iterator[tuple[str, str]]:
    """What else a verdict may have to say."""
    two = {"active_active": True}
    open_wide = replace(HAND_OVER, not_before=at(9), last=at(237))
    both = SwitchOver(at=at(7), evidence=Evidence.BOTH_INSTANCES_LOST, last=at(9))
    clients = {"point_to_site": True}
    yield "a slow one", said(open_wide, **outages((PARIS, 237)))
    yield "both instances", said(both, gateway=two, outages=(an_outage(PARIS, 9, 309),))
    yield (
        "both instances, two peers, one out",
        said(both, gateway=two, outages=(an_outage(PARIS, 9, 309), down_by_arm(LYON))),
    )
    yield "with clients", said(HAND_OVER, gateway=clients, **outages((PARIS, 21)))
    yield (
        "with clients of one instance",
        said(LOST, gateway={**clients, **two}, redundancy=BACK_WITH_REDUNDANCY),
    )
    yield "with clients of both", said(both, gateway={**clients, **two}, **outages((PARIS, 21)))
    yield (
        "the day before",
        said(
            HAND_OVER,
            cause=MAINTENANCE,
            seen_until=at(hours=25),
            outages=(an_outage(PARIS, 7, None),),
        ),
    )
    yield (
        "told, not borne out, and a tunnel is down all the same",
        said(HAND_OVER, outages=(down_by_arm(PARIS),), borne_out=False),
    )


def names() -> Iterator[tuple[str, str]]:
    """Names as people and attackers choose them."""
    hostile = replace(LOST, from_instance=HOSTILE)
    yield "a long name", said(HAND_OVER, gateway={"name": "vpn-" + "long-" * 30})
    yield "a hostile name", said(HAND_OVER, gateway={"name": HOSTILE})
    yield "a hostile caller", said(HAND_OVER, cause=a_cause(*a_reset(HOSTILE)))
    yield "a hostile instance", said(hostile, redundancy=BACK_WITH_REDUNDANCY)
    yield "a hostile peer", said(HAND_OVER, **outages((HOSTILE, None)))


def test_the_family_of_verdicts_reads_as_it_was_read_aloud() -> None:
    chapters = (
        ("Events and causes", every_event),
        ("Several switch-overs", often),
        ("Tunnels", tunnels),
        ("Redundancy", redundancy),
        ("Others", others),
        ("Names", names),
    )
    lines = ["# Verdicts", ""]
    for title, sentences in chapters:
        lines += [f"## {title}", ""]
        for what, sentence in sentences():
            lines += [f"{what}:", f"> {sentence}", ""]
    text = "\n".join(lines)

    assert golden("verdicts.md", text) == text


@pytest.mark.parametrize("chapter", [every_event, often, tunnels, redundancy, others, names])
def test_a_verdict_is_one_line_of_at_most_1200_characters_that_ends_with_a_full_stop(
    chapter: Any,
) -> None:
    for _, sentence in chapter():
        assert sentence.endswith(".")
        assert len(sentence) <= 1200
        assert sentence.isprintable()


def test_redundancy_lost_on_both_instances_at_once_is_counted_once() -> None:
    both = (lost(PARIS, end=at(60)), replace(lost(PARIS, instance=ONE, end=at(90)), start=at(30)))

    assert timedelta(seconds=83) == redundancy_lost(both)


def test_redundancy_lost_is_not_known_while_an_end_is_not() -> None:
    assert redundancy_lost((*BACK_WITH_REDUNDANCY, lost(PARIS, instance=ONE))) is None
    assert redundancy_lost(()) is None


def test_the_examples_of_a_person_are_said_so() -> None:
    failover = Failover(id="f", gateway_id="/g", switch_overs=(HAND_OVER,))
    diagnosis = judged(
        a_diagnosis(cause=MAINTENANCE, **outages((PARIS, 21), (LYON, 20), (LILLE, 18))), now=NOW
    )

    assert (
        "vpn-hub-weu failed over at 02:00:07Z with maintenance recorded at 01:58:30Z, 1 min 37 s "
        "before; 3 tunnels were down for at most 14 s by the rows, all are back."
    ) == verdict_of(failover, diagnosis, a_gateway())
