"""The verdict: one sentence for the person at 3 a.m., composed from the diagnosis.

It says what happened to which gateway, what was recorded beside it, for how long tunnels were out,
and whether that is over; never more than the rows prove. It is plain text, to be escaped for the
format that it goes into.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from detector.words import clock, count, lasting, listed, plain

NAMED: Final = 3
"""As many tunnels are named one by one; of more, only the number is said."""


def verdict(failover: Failover, diagnosis: Diagnosis, gateway: Gateway) -> str:
    """The sentence, with a second one where the gateway is flapping."""
    name = plain(gateway.name, 80)
    tunnels = _tunnels(diagnosis, gateway)
    sentence = f"{name} {_event(failover)}{_cause(diagnosis)}; {tunnels}."
    if diagnosis.flapping:
        sentence += " It keeps switching over: 3 times or more within 24 hours."
    return sentence


def _event(failover: Failover) -> str:
    known = failover.switch_overs
    if all(switch_over.evidence is Evidence.INSTANCE_LOST for switch_over in known):
        instances = sorted({switch_over.from_instance or "" for switch_over in known} - {""})
        which = listed([plain(instance, 80) for instance in instances])
        return f"lost the tunnels of {which} {_when(failover)}"
    return f"failed over {_when(failover)}"


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
    by = f" by {plain(cause.caller, 80)}" if cause.caller else ""
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


def _outages(diagnosis: Diagnosis) -> str:
    outages = diagnosis.outages
    ended = [outage for outage in outages if outage.end_source is EndSource.LOG]
    asked = [outage for outage in outages if outage.end_source is EndSource.ARM]
    unlogged = [outage for outage in outages if outage.back_before is not None]
    missing = [outage for outage in outages if outage.is_open]
    number = len({outage.remote_ip for outage in outages})
    if len(ended) == len(outages):
        return _all_ended(ended, number)
    parts = []
    if ended:
        parts.append(f"{_these(ended, number)} back {_within(ended)}")
    if asked:
        by = clock(max(outage.end for outage in asked if outage.end is not None))
        verb = "was" if len(_peers(asked)) == 1 else "were"
        parts.append(f"{_names(asked)} {verb} connected by {by}, by the gateway's own status")
    if unlogged:
        parts.append(f"the return of {_names(unlogged)} was not logged")
    if missing:
        verb = "was" if len(_peers(missing)) == 1 else "were"
        by = clock(diagnosis.seen_until)
        parts.append(f"{_names(missing)} {verb} not seen to reconnect by {by}")
    return f"{count(number, 'tunnel')} went down: {listed(parts)}"


def _all_ended(ended: Sequence[Outage], number: int) -> str:
    longest = max(outage.length or timedelta() for outage in ended)
    if number == 1 and len(ended) == 1:
        return f"1 tunnel was down for {lasting(longest)} and is back"
    if number == 1:
        return (
            f"1 tunnel was down {_times(len(ended))}, for at most {lasting(longest)}, and is back"
        )
    each = " each time" if len(ended) > number else ""
    together = "both" if number == 2 else "all"
    return (
        f"{count(number, 'tunnel')} were down for at most {lasting(longest)}{each}, "
        f"{together} are back"
    )


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"


def _these(ended: Sequence[Outage], number: int) -> str:
    some = len(_peers(ended))
    if some == number:
        return "each was" if number > 1 else "it was"
    return f"{some} {'was' if some == 1 else 'were'}"


def _within(ended: Sequence[Outage]) -> str:
    longest = max(outage.length or timedelta() for outage in ended)
    return f"after {lasting(longest)}" if len(ended) == 1 else f"within {lasting(longest)}"


def _peers(outages: Sequence[Outage]) -> list[str]:
    return sorted({outage.remote_ip for outage in outages})


def _names(outages: Sequence[Outage]) -> str:
    """The tunnels by the names that people know them by; of many, how many."""
    names = {
        outage.remote_ip: f"{plain(outage.connection, 80)} ({plain(outage.remote_ip, 45)})"
        if outage.connection
        else plain(outage.remote_ip, 45)
        for outage in outages
    }
    if len(names) > NAMED:
        return str(len(names))
    return listed([names[peer] for peer in sorted(names)])


def _redundancy(diagnosis: Diagnosis) -> str:
    """What was lost of the redundancy, in the words that the rows allow."""
    lost = diagnosis.redundancy
    open_losses = [loss for loss in lost if loss.missing]
    unlogged = [loss for loss in lost if loss.end is None and not loss.missing]
    other = "" if diagnosis.outages else " (no disconnect was logged on the other instance)"
    if open_losses:
        instances = listed(sorted({plain(loss.instance, 80) for loss in open_losses}))
        missing = sum(len(loss.missing) for loss in open_losses)
        return (
            f"{count(missing, 'tunnel')} of {instances} not seen to come back by "
            f"{clock(diagnosis.seen_until)}, so there is no tunnel redundancy{other}"
        )
    if unlogged:
        return f"tunnel redundancy was lost, and its return was not logged in full{other}"
    lost_for = lasting(redundancy_lost(lost) or timedelta())
    return f"tunnel redundancy was lost for {lost_for} and is back{other}"


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
