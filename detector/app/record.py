"""Real cases become recordings: Azure is asked about gateways as a run asks, and all is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from detector.app import bootstrap
from detector.azure import Rows
from detector.errors import FactUnknown, LogsRefused, LogsUnavailable, OperatorError
from detector.insights import timestamp
from detector.local import Capture
from detector.signals import NOT_SET, arm, instant, read_rows
from detector.text import count

if TYPE_CHECKING:
    from detector.app.settings import Settings
    from detector.model import Gateway, Window
    from detector.runs import Sources

PATIENCE: Final = timedelta(minutes=30)
"""How long each question may take, with all that is tried again; nobody waits for a recording."""

Row = Mapping[str, object]
Say = Callable[[str], None]


def parts_of_azure(
    settings: Settings,
    window: Window,
    gateway_id: str | None,
    *,
    clock: Callable[[], datetime],
    say: Say,
) -> tuple[dict[str, list[object]], list[str]]:
    """The files of a recording of `window`, and a line for each scope that did not answer.

    Of one gateway alone, or of each that has rows. `say` is told of progress, and of each fact that
    cannot be had. Raises OperatorError where there are no rows to be replayed.
    """
    captured = Capture(clock)
    logs, sources = bootstrap.recorder_of(settings, left=lambda: PATIENCE, hear=captured.hear)
    outcomes = logs.rows(dict.fromkeys(settings.scopes, window))
    rows: list[Row] = [
        row for found in outcomes.values() if isinstance(found, Rows) for row in found
    ]
    rows = [row for row in rows if instant(row["TimeGenerated"]) < window.end]
    signals, _ = read_rows(rows, origin="")
    found = sorted({signal.gateway_id for signal in signals if signal.gateway_id})
    say(
        f"{count(len(rows), 'row')} of {count(len(found), 'gateway')} in "
        f"{count(len(settings.scopes), 'scope')}"
    )
    ids = [gateway_id] if gateway_id else found
    connections = _ask(sources, ids, window, say)
    coverage = _coverage(sources, window, say)
    if gateway_id:
        rows = list(_of({gateway_id, *connections}, rows))
        own = (gateway_id, f"/subscriptions/{arm.segment(gateway_id, 'subscriptions')}")
        coverage = {pair for pair in coverage if pair[1] in own}
    problems = [
        str(outcome)
        for outcome in outcomes.values()
        if isinstance(outcome, LogsRefused | LogsUnavailable)
    ]
    if not rows:
        why = (
            f"no rows of {gateway_id or 'any gateway'} from {timestamp(window.start)} to "
            f"{timestamp(window.end)}, so nothing is recorded; see that --from and --to are UTC, "
            "and that the gateway logs to one of DETECTOR_SCOPES"
        )
        raise OperatorError("\n".join((why, *problems)))
    return captured.parts(rows, coverage, window), problems


def _ask(sources: Sources, ids: Sequence[str], window: Window, say: Say) -> set[str]:
    """Ask for all that a run may want to know; the ids of the gateways' connections."""
    gateways = sources.gateways(ids)
    for gateway in gateways.values():
        for why in sorted(set(gateway.unknown.values()) - {NOT_SET}):
            say(f"note: {gateway.name}: {why}")
    connections: set[str] = set()
    listings = sources.connections(list(gateways))
    for number, gateway in enumerate(gateways.values(), start=1):
        listed = listings[gateway.id]
        if isinstance(listed, FactUnknown):
            say(f"note: {gateway.name}: its connections are not recorded: {listed.why}")
            continue
        connections |= {connection.id for connection in listed if connection.id}
        say(f"{number} of {len(ids)}: {gateway.name}, {count(len(listed), 'connection')}")
    tunnels = sources.tunnels(sorted(connections))
    _say_unknown(tunnels, "the state of its tunnels", say)
    _say_unknown(sources.health(ids), "its health", say)
    _say_unknown(sources.bandwidth(_known(gateways), window), "its bandwidth", say)
    return connections


def _coverage(sources: Sources, window: Window, say: Say) -> set[tuple[str, str]]:
    """The logs that hold any row in the window, as far as that can be had."""
    try:
        return set(sources.coverage(window))
    except FactUnknown as error:
        say(f"note: which logs there are is not recorded: {error.why}")
        return set()


def _known(gateways: Mapping[str, Gateway]) -> list[Gateway]:
    """The gateways that are there, as far as anybody knows."""
    return [gateway for gateway in gateways.values() if gateway.location is not None]


def _say_unknown(found: Mapping[str, object], fact: str, say: Say) -> None:
    for resource_id, answer in found.items():
        if isinstance(answer, FactUnknown):
            name = resource_id.rpartition("/")[2]
            say(f"note: {name}: {fact} is not recorded: {answer.why}")


def _of(ids: Iterable[str], rows: Iterable[Row]) -> Iterable[Row]:
    """The rows of these resources, and of what stands below them."""
    starts = tuple(f"{each}/" for each in ids)
    return (row for row in rows if f"{row['ResourceId']}/".lower().startswith(starts))
