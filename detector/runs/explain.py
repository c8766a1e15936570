"""How a verdict came about, in words: the walk of a run through its pure functions, shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from detector.diagnosis import NEAR, Pairing, Piece, cause, evidence_row
from detector.insights import Library, scenarios, timestamp, verdict_of
from detector.journal import History
from detector.model import Answer
from detector.runs.facts import Facts, look_up
from detector.runs.observation import Case, Sighting, reason, sightings
from detector.runs.reconcile import Reconciled
from detector.runs.run import World, windows
from detector.text import clock, count, lasting, one_line


def explain_recording(world: World, gateway: str | None, *, now: datetime) -> str:
    """The walk for the gateway with this name or id, or for every one; empty where no row is.

    Nothing is remembered and nothing told: each failover is looked at as if it were new.
    """
    answers = [
        answer for answer in world.signals(windows(world, {}, now)) if isinstance(answer, Answer)
    ]
    seen = sightings(answers, asked=len(world.scopes), now=now)
    wanted = (gateway or "").lower()
    cases = [
        Case(sighting=sighting, history=History(gateway_id=gateway_id), tag=None)
        for gateway_id, sighting in sorted(seen.of.items())
        if wanted in ("", gateway_id, gateway_id.rsplit("/", 1)[-1])
    ]
    facts = look_up(world.sources, cases, now=now)
    facts.gateways.update(world.sources.gateways([case.gateway_id for case in cases]))
    return "\n".join(line for case in cases for line in _case(case, facts, world.library))


def _case(case: Case, facts: Facts, library: Library) -> Iterator[str]:
    sighting = case.sighting
    gateway = facts.gateways.get(case.gateway_id)
    modes = {True: "active-active", False: "active-standby", None: "of unknown mode"}
    yield f"Gateway {one_line(case.gateway_id, 300)}"
    yield f"  It is {modes[case.active_active(gateway)]}; rows are seen up to " + timestamp(
        sighting.seen_until
    )
    yield ""
    yield f"  {count(len(sighting.rows), 'row')}"
    for row in sighting.rows:
        shown = evidence_row(row)
        yield f"    {timestamp(shown.at)}  {shown.source}: {shown.text}"
    yield ""
    yield from _section("What became of each tunnel that disconnected", _pairs(sighting))
    yield from _section("Evidence of switch-overs", _evidence(case, facts))
    failovers = facts.seen(case)
    if not failovers:
        yield "  No failover: nothing here shows that the active role moved."
        yield ""
    for seen in failovers:
        yield from _failover(case, seen, facts, library)


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"  {title}"
    shown = False
    for line in lines:
        shown = True
        yield f"    {line}"
    if not shown:
        yield "    none"
    yield ""


def _pairs(sighting: Sighting) -> Iterator[str]:
    return (_pair(pairing) for pairing in sighting.paired)


def _pair(pairing: Pairing) -> str:
    down = pairing.disconnected
    shown = f"{clock(down.at)} {one_line(down.remote_ip, 80)} down on {one_line(down.instance, 80)}"
    if pairing.connected is not None:
        after = lasting(pairing.connected.at - down.at)
        shown += f", up after {after} on {one_line(pairing.connected.instance, 80)}"
    return f"{shown}: {pairing.outcome}"


def _evidence(case: Case, facts: Facts) -> Iterator[str]:
    """Each kind of evidence once, with how often it was found within 3 minutes of another."""
    mode = case.active_active(facts.gateways.get(case.gateway_id))
    groups: list[tuple[str, list[datetime]]] = []
    latest: dict[str, list[datetime]] = {}
    for piece in case.sighting.found:
        shown = _piece(piece, case, active_active=mode)
        times = latest.get(shown, [])
        if not times or piece.at - times[-1] > NEAR:
            latest[shown] = times = []
            groups.append((shown, times))
        times.append(piece.at)
    for shown, times in groups:
        often = f", {count(len(times), 'time')}" if len(times) > 1 else ""
        yield f"{clock(times[0])} {shown}{often}"


def _piece(piece: Piece, case: Case, *, active_active: bool | None) -> str:
    moved = f" from {one_line(piece.from_instance, 80)}" if piece.from_instance else ""
    moved += f" to {one_line(piece.to_instance, 80)}" if piece.to_instance else ""
    kept = ""
    if not piece.proves(active_active=active_active):
        mode = "active-standby" if active_active is False else "not known to be active-active"
        kept = f" (discarded: the gateway is {mode})"
    elif piece.at < case.sighting.since:
        kept = " (discarded: its rows may be cut off by the window's start)"
    return f"{piece.evidence}{moved}{kept}"


def _failover(case: Case, seen: Reconciled, facts: Facts, library: Library) -> Iterator[str]:
    known = seen.failover.switch_overs
    gateway = facts.gateway(seen)
    yield f"  Failover {seen.failover.id}"
    for switch_over in known:
        start, end = switch_over.at - cause.BEFORE, switch_over.at + cause.AFTER
        yield (
            f"    switched over at {clock(switch_over.at)} ({switch_over.evidence}); "
            f"causes count from {clock(start)} to {clock(end)}"
        )
    recorded = cause.events(case.sighting.rows)
    counted = cause.counting(recorded, known)
    for record in recorded:
        if not record.done:
            why = "does not count: it has no Success row"
        elif record in counted:
            why = "counts"
        else:
            why = "does not count: it is outside that time"
        yield f"    {record.kind} recorded at {clock(record.at)} {why}"
    diagnosis = seen.diagnosis
    yield f"    cause: {diagnosis.cause.kind}. {diagnosis.cause.statement}"
    for outage in diagnosis.outages:
        lasted = "no end seen" if outage.length is None else lasting(outage.length)
        yield f"    outage: {one_line(outage.remote_ip, 80)} from {clock(outage.start)}, {lasted}"
    for lost in diagnosis.redundancy:
        until = "no end seen" if lost.end is None else f"until {clock(lost.end)}"
        where = one_line(lost.instance, 80)
        yield f"    redundancy lost: {where} from {clock(lost.start)}, {until}"
    yield f"    state: {diagnosis.state}; importance: {diagnosis.importance}"
    fitting = scenarios(diagnosis)
    told_by = next((s for s in fitting if library.catalog.find(s, cloud=library.cloud)), None)
    yield f"    scenarios that fit: {', '.join(fitting)}; told by: {told_by or 'no article'}"
    if gateway is not None:
        yield f"    reason: {reason(seen, gateway)}"
        yield f"    verdict: {verdict_of(seen.failover, diagnosis, gateway)}"
    yield ""
