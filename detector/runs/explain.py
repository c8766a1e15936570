"""How a verdict came about, in words: the steps of a run, shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from detector.diagnosis import NEAR, Examination, Pairing, Piece, cause, evidence_row
from detector.insights import Library, scenarios, timestamp, verdict_of
from detector.journal import History
from detector.model import Answer
from detector.runs.facts import Facts, ask_gateways, look_up
from detector.runs.observation import Loaded, observe
from detector.runs.reconcile import Reconciled
from detector.runs.revise import reasons_to_tell
from detector.runs.windows import windows
from detector.runs.world import World
from detector.text import clock, count, lasting, one_line


def explain_recording(world: World, gateway: str | None, *, now: datetime) -> str:
    """The steps for the gateway with this name or id, or for every one; empty where no row is.

    Those that failed over come first, and of each its verdict. Nothing is remembered and nothing
    told: each failover is looked at as if it were new.
    """
    answers = [
        answer for answer in world.signals(windows(world, {}, now)) if isinstance(answer, Answer)
    ]
    observations = observe(answers, asked=len(world.scopes), now=now)
    wanted = (gateway or "").lower()
    loaded = [
        Loaded(observation=observation, history=History(gateway_id=gateway_id))
        for gateway_id, observation in sorted(observations.by_gateway.items())
        if wanted in ("", gateway_id, gateway_id.rsplit("/", 1)[-1])
    ]
    facts, failovers = look_up(world.sources, loaded, now=now)
    ask_gateways(facts, world.sources, loaded)
    found = sorted(zip(loaded, failovers, strict=True), key=lambda pair: not pair[1])
    return "\n".join(
        line for each, own in found for line in _gateway(each, own, facts, world.library)
    )


def _gateway(
    loaded: Loaded, failovers: Sequence[Reconciled], facts: Facts, library: Library
) -> Iterator[str]:
    observation = loaded.observation
    examined = facts.examine(observation, loaded.history)
    mode = examined.known.active_active
    modes = {True: "active-active", False: "active-standby", None: "of unknown mode"}
    yield f"Gateway {one_line(loaded.gateway_id, 300)}"
    for reconciled in failovers:
        yield f"  {_verdict(reconciled, facts, loaded)}"
    if not failovers:
        yield "  No failover: nothing here shows that the active role moved."
    yield ""
    yield f"  It is {modes[mode]}; rows are seen up to {timestamp(observation.seen_until)}"
    yield ""
    yield f"  {count(len(observation.rows), 'row')}"
    for row in observation.rows:
        shown = evidence_row(row)
        yield f"    {timestamp(shown.at)}  {shown.source}: {shown.text}"
    yield ""
    pairs = map(_pair, examined.pairings)
    yield from _section("What became of each tunnel that disconnected", pairs)
    yield from _section("Evidence of switch-overs", _evidence(examined))
    for reconciled in failovers:
        yield from _failover(examined, reconciled, facts, library)


def _verdict(reconciled: Reconciled, facts: Facts, loaded: Loaded) -> str:
    gateway = facts.gateway(reconciled)
    if gateway is None:
        return f"{reconciled.failover.id}: nobody asked for the facts of {loaded.gateway_id}"
    return verdict_of(reconciled.failover, reconciled.diagnosis, gateway)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"  {title}"
    shown = False
    for line in lines:
        shown = True
        yield f"    {line}"
    if not shown:
        yield "    none"
    yield ""


def _pair(pairing: Pairing) -> str:
    down = pairing.disconnected
    shown = f"{clock(down.at)} {one_line(down.remote_ip, 80)} down on {one_line(down.instance, 80)}"
    if pairing.connected is not None:
        after = lasting(pairing.connected.at - down.at)
        shown += f", up after {after} on {one_line(pairing.connected.instance, 80)}"
    return f"{shown}: {pairing.reading}"


def _evidence(examined: Examination) -> Iterator[str]:
    """Each kind of evidence once, with how often it was found within 3 minutes of another."""
    groups: list[tuple[str, list[datetime]]] = []
    latest: dict[str, list[datetime]] = {}
    for piece in examined.pieces:
        shown = _piece(piece, since=examined.observation.since)
        times = latest.get(shown, [])
        if not times or piece.at - times[-1] > NEAR:
            latest[shown] = times = []
            groups.append((shown, times))
        times.append(piece.at)
    for shown, times in groups:
        often = f", {count(len(times), 'time')}" if len(times) > 1 else ""
        yield f"{clock(times[0])} {shown}{often}"


def _piece(piece: Piece, *, since: datetime) -> str:
    moved = f" from {one_line(piece.from_instance, 80)}" if piece.from_instance else ""
    moved += f" to {one_line(piece.to_instance, 80)}" if piece.to_instance else ""
    kept = ""
    if piece.doubt is not None:
        kept = f" (discarded: {piece.doubt})"
    elif piece.at < since:
        kept = " (discarded: its rows may be cut off by the window's start)"
    return f"{piece.evidence}{moved}{kept}"


def _failover(
    examined: Examination, reconciled: Reconciled, facts: Facts, library: Library
) -> Iterator[str]:
    known = reconciled.failover.switch_overs
    gateway = facts.gateway(reconciled)
    yield f"  Failover {reconciled.failover.id}"
    for switch_over in known:
        start, end = switch_over.begin - cause.BEFORE, switch_over.end + cause.AFTER
        yield (
            f"    switched over at {clock(switch_over.at)} ({switch_over.evidence}); "
            f"causes count from {clock(start)} to {clock(end)}"
        )
    counted = cause.Records(events=examined.events).counting(known)
    for event in examined.events:
        if event.is_under_way:
            why = "does not count yet: it has no end"
        elif not event.done:
            why = "does not count: it has no Success row"
        elif event in counted:
            why = "counts"
        else:
            why = "does not count: it is outside that time"
        yield f"    {event.kind} recorded at {clock(event.at)} {why}"
    diagnosis = reconciled.diagnosis
    yield f"    cause: {diagnosis.cause.kind}. {diagnosis.cause.statement}"
    for outage in diagnosis.outages:
        lasted = "no end seen" if outage.length is None else lasting(outage.length)
        yield f"    outage: {one_line(outage.remote_ip, 80)} from {clock(outage.start)}, {lasted}"
    for lost in diagnosis.redundancy:
        until = "no end seen" if lost.end is None else f"until {clock(lost.end)}"
        where = one_line(lost.instance, 80)
        yield f"    redundancy lost: {where} from {clock(lost.start)}, {until}"
    yield f"    state: {diagnosis.state}; importance: {diagnosis.importance}"
    fitting = scenarios(diagnosis, reconciled.failover.switch_overs)
    told_by = next((s for s in fitting if library.catalog.find(s, cloud=library.cloud)), None)
    yield f"    scenarios that fit: {', '.join(fitting)}; told by: {told_by or 'no article'}"
    if gateway is not None:
        yield f"    reasons: {', '.join(reasons_to_tell(reconciled, gateway)) or 'none'}"
    yield ""
