"""The verdict: one sentence for the person at 3 a.m., composed from the diagnosis.

It says what happened to which gateway, what was recorded beside it, for how long tunnels were out,
and whether that is over; never more than the rows prove. It is plain text, to be escaped for the
format that it goes into.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from detector.model import (
    CauseKind,
    Diagnosis,
    EndSource,
    Evidence,
    Failover,
    Gateway,
    Outage,
    Redundancy,
)
from detector.text import clock, count, lasting, listed, one_line

NAMED: Final = 3
"""As many tunnels are named one by one; of more, only the number is said."""


def verdict_of(failover: Failover, diagnosis: Diagnosis, gateway: Gateway) -> str:
    """The sentence, with a second one where the gateway is flapping."""
    name = one_line(gateway.name, 80)
    if not diagnosis.borne_out:
        return (
            f"{name} was told to have failed over {_when(failover).rstrip(',')}, and rows that "
            f"came later do not show it; {_tunnels(diagnosis, gateway)}."
        )
    sentence = f"{name} {_event(failover)}{_cause(diagnosis)}; {_tunnels(diagnosis, gateway)}."
    if diagnosis.flapping:
        sentence += " It keeps switching over: 3 times or more within 24 hours."
    return sentence


def _event(failover: Failover) -> str:
    known = failover.switch_overs
    if any(switch_over.evidence is not Evidence.INSTANCE_LOST for switch_over in known):
        return f"failed over {_when(failover)}"
    instances = _instances(switch_over.from_instance for switch_over in known)
    if len(known) == len(instances) == 2:
        each = [
            f"on {one_line(known_of.from_instance or '', 80)} at {clock(known_of.at)}"
            for known_of in known
        ]
        return f"lost tunnels {listed(each)},"
    return f"lost tunnels on {listed(instances)} {_when(failover)}"


def _when(failover: Failover) -> str:
    times = [clock(switch_over.at) for switch_over in failover.switch_overs]
    if len(times) == 1:
        return f"at {times[0]}"
    if len(times) == 2:
        return f"twice, at {times[0]} and {times[1]},"
    return f"{len(times)} times between {times[0]} and {times[-1]},"


def _cause(diagnosis: Diagnosis) -> str:
    cause = diagnosis.cause
    if cause.kind is CauseKind.MAINTENANCE:
        return " during planned maintenance"
    if cause.kind is CauseKind.NOT_RECORDED or cause.at is None:
        return " with no recorded cause"
    what = "a reset" if cause.kind is CauseKind.RESET else "a configuration change"
    by = f" by {one_line(cause.caller, 80)}" if cause.caller else ""
    return f" with {what}{by} recorded at {clock(cause.at)}"


def _tunnels(diagnosis: Diagnosis, gateway: Gateway) -> str:
    parts = []
    if diagnosis.outages:
        parts.append(_outages(diagnosis))
    if diagnosis.redundancy:
        parts.append(_redundancy(diagnosis))
    if parts:
        return "; ".join(parts)
    if gateway.vpn_type == "PolicyBased":
        return "policy-based gateways log no tunnels, so it is not known whether tunnels were down"
    return "no tunnel was logged as down, so it is not known whether tunnels were down"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """How an outage is spoken of: of a tunnel, or of a peer that has one on either instance."""

    noun: str
    down: str


_ONE_TUNNEL: Final = _Words(noun="tunnel", down="down")
_TWO_TUNNELS: Final = _Words(noun="remote IP", down="out on both instances")


def _outages(diagnosis: Diagnosis) -> str:
    """What became of the tunnels that were down; each is told by the worst of its outages."""
    words = _TWO_TUNNELS if diagnosis.redundancy else _ONE_TUNNEL
    outages = diagnosis.outages
    number = len(_peers(outages))
    missing = _of_peers(outages, [outage for outage in outages if outage.is_open])
    rest = _without(outages, missing)
    unlogged = _of_peers(rest, [outage for outage in rest if outage.back_before is not None])
    rest = _without(rest, unlogged)
    asked = _of_peers(rest, [outage for outage in rest if outage.end_source is EndSource.ARM])
    ended = _without(rest, asked)
    if len(ended) == len(outages):
        return _all_ended(ended, words)
    parts = []
    if ended:
        parts.append(f"{len(_peers(ended))} {_was(ended)} back {_within(ended)}")
    if asked:
        by = clock(max(outage.end for outage in asked if outage.end is not None))
        parts.append(
            f"{_names(asked)} {_was(asked)} connected by {by} (by the gateway's own status)"
        )
    if unlogged:
        when = "a time that was" if len(_peers(unlogged)) == 1 else "times that were"
        parts.append(f"{_names(unlogged)} came back at {when} not logged")
    if missing:
        none = number == len(_peers(missing)) > NAMED
        seen = "none was seen" if none else f"{_names(missing)} {_was(missing)} not seen"
        parts.append(f"{seen} to reconnect by {clock(diagnosis.seen_until)}")
    return f"{count(number, words.noun)} went {words.down}: {listed(parts)}"


def _all_ended(ended: Sequence[Outage], words: _Words) -> str:
    number = len(_peers(ended))
    longest = lasting(max(outage.length or timedelta() for outage in ended))
    each = " each time" if len(ended) > number else ""
    if number == 1:
        lasted = (
            f" {_times(len(ended))}, for at most {longest}{each}," if each else f" for {longest}"
        )
        return f"1 {words.noun} was {words.down}{lasted} and is back"
    together = "both" if number == 2 else "all"
    subject = f"{count(number, words.noun)} were {words.down}"
    return f"{subject} for at most {longest}{each}, {together} are back"


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"


def _was(outages: Iterable[Outage]) -> str:
    return "was" if len(_peers(outages)) == 1 else "were"


def _within(ended: Sequence[Outage]) -> str:
    longest = lasting(max(outage.length or timedelta() for outage in ended))
    return f"after {longest}" if len(ended) == 1 else f"within {longest}"


def _peers(outages: Iterable[Outage]) -> list[str]:
    return sorted({outage.remote_ip for outage in outages})


def _of_peers(outages: Iterable[Outage], some: Iterable[Outage]) -> list[Outage]:
    """All outages of the peers that `some` are of."""
    peers = _peers(some)
    return [outage for outage in outages if outage.remote_ip in peers]


def _without(outages: Iterable[Outage], some: Sequence[Outage]) -> list[Outage]:
    return [outage for outage in outages if outage not in some]


def _names(outages: Sequence[Outage]) -> str:
    """The tunnels by the names that people know them by; of many, how many."""
    names = {
        outage.remote_ip: f"{one_line(outage.connection, 80)} ({one_line(outage.remote_ip, 45)})"
        if outage.connection
        else one_line(outage.remote_ip, 45)
        for outage in outages
    }
    if len(names) > NAMED:
        return str(len(names))
    return listed([names[peer] for peer in sorted(names)])


def _instances(names: Iterable[str | None]) -> list[str]:
    return sorted({one_line(name, 80) for name in names if name})


def _redundancy(diagnosis: Diagnosis) -> str:
    """What was lost of the redundancy, in the words that the rows allow."""
    lost = diagnosis.redundancy
    other = ""
    if not diagnosis.outages:
        several = len(_instances(loss.instance for loss in lost)) > 1
        other = (
            " (no remote IP was logged as out on both instances)"
            if several
            else " (no disconnect was logged on the other instance meanwhile)"
        )
    missing = [(loss.instance, remote_ip) for loss in lost for remote_ip in loss.missing]
    if missing:
        where = listed(_instances(instance for instance, _ in missing))
        was = "was" if len(missing) == 1 else "were"
        return (
            f"tunnel redundancy was lost, and {count(len(missing), 'tunnel')} on {where} {was} not "
            f"seen to come back by {clock(diagnosis.seen_until)}{other}"
        )
    length = redundancy_lost(lost)
    if length is None:
        return f"tunnel redundancy was lost, and came back at a time that was not logged{other}"
    in_all = " in all" if len(lost) > 1 else ""
    return f"tunnel redundancy was lost for {lasting(length)}{in_all} and is back{other}"


def redundancy_lost(lost: Sequence[Redundancy]) -> timedelta | None:
    """For how long there was no redundancy in all; None where there was, or an end is not known."""
    spans = [(loss.start, loss.end) for loss in lost if loss.end is not None]
    if not lost or len(spans) < len(lost):
        return None
    total = timedelta()
    until = min(start for start, _ in spans)
    for start, end in sorted(spans):
        total += max(end - max(start, until), timedelta())
        until = max(until, end)
    return total
