"""The verdict: one sentence for the person at 3 a.m., composed from the diagnosis.

It says what happened to which gateway, what was recorded beside it and how far away, for how long
tunnels were out, and whether that is over; never more than the records prove. It is plain text, to
be escaped for the format that it goes into.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from detector.model import (
    AlreadyDown,
    Diagnosis,
    EndSource,
    Evidence,
    Failover,
    Gateway,
    Outage,
    Redundancy,
)
from detector.text import clock, count, day, lasting, listed, one_line

_BY_ROWS: Final = "by the rows"
_BY_ARM: Final = "according to Azure Resource Manager"
NAMED: Final = 3
"""As many tunnels are named one by one; of more, only the number is said."""


def verdict_of(failover: Failover, diagnosis: Diagnosis, gateway: Gateway) -> str:
    """The sentence, with more behind it where the gateway flaps or has clients of its own."""
    name = one_line(gateway.name, 80)
    when = _When(diagnosis)
    what = "; ".join(_tunnels(diagnosis, gateway, when))
    if not diagnosis.borne_out:
        return (
            f"{name} was told to have failed over {_instants(failover, when).rstrip(',')}, but "
            f"rows that came later show no failover; {what}."
        )
    clause = diagnosis.cause.clause or "with no recorded cause"
    sentence = f"{name} {_event(failover, when)} {clause}; {what}."
    if diagnosis.flapping:
        sentence += " It keeps switching over: 3 times or more within 24 hours."
    if gateway.point_to_site:
        whose = "of that instance " if gateway.active_active and _is_of_one(failover) else ""
        sentence += (
            f" Its point-to-site clients {whose}were disconnected, too, and reconnect by "
            "themselves or not."
        )
    return sentence


def _is_of_one(failover: Failover) -> bool:
    """Whether one instance and not the other was concerned."""
    evidence = {known.evidence for known in failover.switch_overs}
    instances = _instances(known.from_instance for known in failover.switch_overs)
    return Evidence.BOTH_INSTANCES_LOST not in evidence and len(instances) < 2


class _When:
    """How instants are said: with their date, where that is not the day of the look at the logs."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._today = diagnosis.seen_until.date()

    def __call__(self, instant: datetime) -> str:
        return clock(instant) if instant.date() == self._today else day(instant)


def _event(failover: Failover, when: _When) -> str:
    known = failover.switch_overs
    kinds = {switch_over.evidence for switch_over in known}
    if kinds == {Evidence.BOTH_INSTANCES_LOST}:
        return f"lost the tunnels of both its instances {_instants(failover, when)}"
    if kinds - {Evidence.INSTANCE_LOST, Evidence.BOTH_INSTANCES_LOST}:
        return f"failed over {_instants(failover, when)}"
    instances = _instances(switch_over.from_instance for switch_over in known)
    if len(known) == len(instances) == 2:
        each = [f"on {one_line(one.from_instance or '', 80)} at {when(one.at)}" for one in known]
        return f"lost tunnels {listed(each)},"
    return f"lost tunnels on {listed(instances)} {_instants(failover, when)}"


def _instants(failover: Failover, when: _When) -> str:
    known = failover.switch_overs
    if failover.times == 1:
        [one] = known
        if one.not_before is not None:
            return f"between {when(one.not_before)} and {when(one.end)}"
        return f"at {when(one.at)}"
    first, last = when(known[0].at), when(known[-1].at)
    if len(known) == 2:
        return f"twice, at {first} and {last},"
    return f"{failover.times} times between {first} and {last},"


def _tunnels(diagnosis: Diagnosis, gateway: Gateway, when: _When) -> Iterator[str]:
    """What is known of the tunnels, a clause each, the worst first."""
    said = False
    if diagnosis.outages:
        said = True
        yield _outages(diagnosis, gateway, when)
    if diagnosis.redundancy:
        said = True
        yield _redundancy(diagnosis, when)
    if diagnosis.unclear:
        said = True
        yield _unclear(diagnosis, when)
    if diagnosis.already_down:
        yield _already_down(diagnosis.already_down, when)
    if said:
        return
    if gateway.vpn_type == "PolicyBased":
        yield "policy-based gateways log no tunnels, so it is not known whether tunnels were down"
    else:
        other = "other " if diagnosis.already_down else ""
        yield f"no {other}tunnel was logged as down, so it is not known whether tunnels were down"


class _Words:
    """How an outage is spoken of: of a tunnel, or of a peer that may have one on each instance."""

    def __init__(self, gateway: Gateway) -> None:
        is_double = bool(gateway.active_active)
        self.noun = "peer" if is_double else "tunnel"
        self.down = "cut off" if is_double else "down"


def _outages(diagnosis: Diagnosis, gateway: Gateway, when: _When) -> str:
    """What became of the tunnels that were down; each is told by the worst of its outages."""
    words, outages = _Words(gateway), diagnosis.outages
    number = len(_peers(outages))
    rest: Sequence[Outage] = outages
    parts: list[str] = []
    ends: list[tuple[str, Sequence[Outage]]] = []
    for kind, is_so in (
        ("missing", lambda each: each.is_open),
        ("gone", lambda each: each.is_given_up),
        ("unlogged", lambda each: each.back_before is not None),
        ("asked", lambda each: each.end_source is EndSource.ARM),
    ):
        own = _of_peers(rest, [outage for outage in rest if is_so(outage)])
        rest = _without(rest, own)
        ends.append((kind, own))
    if len(rest) == len(outages):
        return _all_ended(rest, words)
    by_kind = dict(ends)
    if rest:
        parts.append(f"{len(_peers(rest))} {_was(rest)} back {_within(rest)}")
    if asked := by_kind["asked"]:
        parts.append(_back_by_arm(asked, when))
    if unlogged := by_kind["unlogged"]:
        which = "a time that was" if len(_peers(unlogged)) == 1 else "times that were"
        parts.append(f"{_names(unlogged)} came back at {which} not logged")
    if gone := by_kind["gone"]:
        parts.append(_followed_no_more(gone))
    if missing := by_kind["missing"]:
        parts += _missing(missing, diagnosis, when, is_all=number == len(_peers(missing)))
    return f"{count(number, words.noun)} {_went(words)}: {listed(parts)}"


def _went(words: _Words) -> str:
    return "went down" if words.down == "down" else "lost every tunnel"


def _all_ended(ended: Sequence[Outage], words: _Words) -> str:
    number = len(_peers(ended))
    longest = lasting(max(outage.length or timedelta() for outage in ended))
    often = Counter(outage.remote_ip for outage in ended)
    if number == 1:
        [times] = often.values()
        lasted = (
            f" for {longest} {_BY_ROWS}"
            if times == 1
            else f" {_times(times)}, for at most {longest} each time {_BY_ROWS},"
        )
        return f"1 {words.noun} was {words.down}{lasted} and is back"
    each = (
        " each time" if min(often.values()) > 1 else " at a time" if max(often.values()) > 1 else ""
    )
    together = "both" if number == 2 else "all"
    subject = f"{count(number, words.noun)} were {words.down}"
    return f"{subject} for at most {longest}{each} {_BY_ROWS}, {together} are back"


def _followed_no_more(gone: Sequence[Outage]) -> str:
    whose = "its connection is" if len(_peers(gone)) == 1 else "their connections are"
    return f"{_names(gone)} {_is(gone)} followed no more, since {whose} gone"


def _back_by_arm(asked: Sequence[Outage], when: _When) -> str:
    ended = [each for each in asked if each.end_source is EndSource.ARM and each.end is not None]
    latest = max(ended, key=lambda each: each.end or each.start)
    at_most = lasting(max(each.at_most or timedelta() for each in ended))
    by = when(latest.end or latest.start)
    return f"{_names(asked)} {_was(asked)} back by {by} {_BY_ARM} (after at most {at_most})"


def _missing(
    missing: Sequence[Outage], diagnosis: Diagnosis, when: _When, *, is_all: bool
) -> Iterator[str]:
    """What is known of the tunnels that were not seen to come back, those alike in one clause."""
    missing = [each for each in missing if each.is_open]
    disputed = [each for each in missing if each.is_disputed]
    down = [each for each in missing if each.is_down_by_arm]
    rest = _without(missing, [*disputed, *down])
    if down:
        some = _names(down)
        if is_all and not rest and not disputed and len(_peers(down)) > NAMED:
            some = "all"
        yield f"{some} {_was(down)} down at {when(_asked(down))} {_BY_ARM}"
    if rest:
        is_none = is_all and not down and not disputed and len(_peers(rest)) > NAMED
        seen = "none" if is_none else _names(rest)
        verb = "was" if len(_peers(rest)) == 1 or seen == "none" else "were"
        negated = "" if seen == "none" else " not"
        by = f"{when(diagnosis.seen_until)}{_why(rest)}"
        yield f"{seen} {verb}{negated} seen to reconnect by {by}"
    if disputed:
        yield _disputed(disputed, when)


def _why(rest: Iterable[Outage]) -> str:
    """That ARM was asked in vain, where it was."""
    answers = [each.live for each in rest if each.live is not None and each.live.failures]
    said = one_line("; ".join(sorted({each.problem for each in answers if each.problem})), 300)
    if not said:
        return ""
    is_answered = any(each.status is not None for each in answers)
    asked = "gave no answer" if is_answered else "could not be asked"
    return f" (Azure Resource Manager {asked}: {said})"


def _disputed(disputed: Sequence[Outage], when: _When) -> str:
    """What the log and ARM say of tunnels on which they do not agree."""
    if len(_peers(disputed)) > 1:
        return (
            f"{_names(disputed)} went down by the log but are connected {_BY_ARM} since times that "
            "do not agree with it"
        )
    latest = disputed[-1]
    since = None if latest.live is None else latest.live.since
    time = "a time that cannot be read" if since is None else when(since)
    if latest.live is not None and since is not None and since > latest.live.at:
        time += ", a time to come,"
    return (
        f"{_names(disputed)} went down at {when(latest.start)} by the log but has been connected "
        f"since {time} {_BY_ARM}"
    )


def _asked(down: Iterable[Outage]) -> datetime:
    """When ARM was last asked of tunnels that it said are down."""
    return max(each.live.at for each in down if each.live is not None)


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"


def _was(outages: Iterable[Outage]) -> str:
    return "was" if len(_peers(outages)) == 1 else "were"


def _is(outages: Iterable[Outage]) -> str:
    return "is" if len(_peers(outages)) == 1 else "are"


def _within(ended: Sequence[Outage]) -> str:
    longest = lasting(max(outage.length or timedelta() for outage in ended))
    return f"{'after' if len(ended) == 1 else 'within'} {longest} {_BY_ROWS}"


def _peers(outages: Iterable[Outage]) -> list[str]:
    return sorted({outage.remote_ip for outage in outages})


def _of_peers(outages: Iterable[Outage], some: Iterable[Outage]) -> list[Outage]:
    """All outages of the peers that `some` are of."""
    peers = _peers(some)
    return [outage for outage in outages if outage.remote_ip in peers]


def _without(outages: Iterable[Outage], some: Sequence[Outage]) -> list[Outage]:
    return [outage for outage in outages if outage not in some]


def _name(remote_ip: str, connection: str | None) -> str:
    address = one_line(remote_ip, 45)
    return f"{one_line(connection, 80)} ({address})" if connection else address


def _names(outages: Sequence[Outage | AlreadyDown]) -> str:
    """The tunnels by the names that people know them by; of many, how many."""
    names = {each.remote_ip: _name(each.remote_ip, each.connection) for each in outages}
    if len(names) > NAMED:
        return str(len(names))
    return listed([names[peer] for peer in sorted(names)])


def _instances(names: Iterable[str | None]) -> list[str]:
    return sorted({one_line(name, 80) for name in names if name})


def _redundancy(diagnosis: Diagnosis, when: _When) -> str:
    """What was lost of the redundancy, in the words that the records allow."""
    lost = diagnosis.redundancy
    tunnels = [tunnel for loss in lost for tunnel in loss.tunnels]
    missing = [tunnel for tunnel in tunnels if tunnel.is_open]
    if missing:
        return f"tunnel redundancy was lost, and {listed(list(_away(missing, diagnosis, when)))}"
    if gone := [tunnel for tunnel in tunnels if tunnel.is_given_up]:
        return f"tunnel redundancy was lost, and {_followed_no_more(gone)}"
    length = redundancy_lost(lost)
    if length is None:
        return "tunnel redundancy was lost, and came back at a time that was not logged"
    by_arm = any(tunnel.end_source is EndSource.ARM for tunnel in tunnels)
    at_most = "at most " if by_arm else ""
    in_all = " in all" if len(lost) > 1 else ""
    by = _BY_ARM if by_arm else _BY_ROWS
    return f"tunnel redundancy was lost for {at_most}{lasting(length)}{in_all} {by} and is back"


def _away(missing: Sequence[Outage], diagnosis: Diagnosis, when: _When) -> Iterator[str]:
    """What is known of the tunnels that are missing on an instance, those alike in one clause."""
    disputed = [each for each in missing if each.is_disputed]
    down = [each for each in missing if each.is_down_by_arm]
    rest = _without(missing, [*disputed, *down])
    if down:
        verb = "was" if len(down) == 1 else "were"
        yield f"{_tunnels_on(down)} {verb} down at {when(_asked(down))} {_BY_ARM}"
    if rest:
        by = f"{when(diagnosis.seen_until)}{_why(rest)}"
        verb = "was" if len(rest) == 1 else "were"
        yield f"{_tunnels_on(rest)} {verb} not seen to come back by {by}"
    if disputed:
        yield _disputed(disputed, when)


def _tunnels_on(missing: Sequence[Outage]) -> str:
    return f"{count(len(missing), 'tunnel')} on {listed(_instances(m.instance for m in missing))}"


def _unclear(diagnosis: Diagnosis, when: _When) -> str:
    """What one instance lost, where nothing shows whether the other one served the same peers."""
    lost = diagnosis.unclear
    number = len(_peers(lost))
    where = listed(_instances(each.instance for each in lost))
    whose = "its peer" if number == 1 else "their peers"
    missing = [each for each in lost if each.is_open]
    gone = [each for each in lost if each.is_given_up]
    if missing:
        is_all = number == len(_peers(missing))
        state = f"went down, and {listed(list(_missing(missing, diagnosis, when, is_all=is_all)))}"
    elif gone:
        state = f"went down, and {_followed_no_more(gone)}"
    else:
        lengths = [each.length for each in lost if each.length is not None]
        at_most = "at most " if len(lost) > 1 else ""
        is_known = len(lengths) == len(lost)
        how_long = f" for {at_most}{lasting(max(lengths))} {_BY_ROWS}" if is_known else ""
        state = f"{_was(lost)} down{how_long} and {_is(lost)} back"
    return (
        f"{count(number, 'tunnel')} on {where} {state}; whether the other instance served {whose} "
        "meanwhile is not known"
    )


def _already_down(known: Sequence[AlreadyDown], when: _When) -> str:
    number = len({each.remote_ip for each in known})
    since = when(min(each.since for each in known))
    return f"{_names(known)} {'was' if number == 1 else 'were'} already down since {since}"


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
