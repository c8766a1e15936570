"""How fast half a million rows are read as switch-overs and diagnosed, and whether that is linear.

    python -m benchmarks.switchovers

The rows are those of gateways that fail over every half hour, with four tunnels each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from detector.diagnosis.diagnosis import Observation, diagnose
from detector.diagnosis.switchover import by_gateway, switch_overs
from detector.model import Kind, Phase, Signal, Window

ROWS = 500_000
START = datetime(2026, 11, 22, tzinfo=UTC)
EVERY = timedelta(minutes=30)
PEERS = 4
INSTANCES = ("GatewayTenantWorker_IN_0", "GatewayTenantWorker_IN_1")


def failovers(gateway_id: str) -> Iterator[Signal]:
    """The rows of one gateway: without end, a primary change, its tunnels and a cause."""
    number = 0
    while True:
        at = START + number * EVERY
        source, target = INSTANCES[number % 2], INSTANCES[(number + 1) % 2]
        yield Signal(
            at=at,
            gateway_id=gateway_id,
            kind=(Kind.PRIMARY_CHANGED, Kind.MAINTENANCE, Kind.CONFIGURATION)[number % 3],
            source="GatewayDiagnosticLog",
            phase=Phase.SUCCEEDED,
        )
        for kind, instance, seconds in (
            (Kind.DISCONNECTED, source, 1),
            (Kind.CONNECTED, target, 15),
        ):
            for peer in range(PEERS):
                yield Signal(
                    at=at + timedelta(seconds=seconds + peer),
                    gateway_id=gateway_id,
                    kind=kind,
                    source="TunnelDiagnosticLog",
                    instance=instance,
                    remote_ip=f"198.51.100.{peer}",
                )
        number += 1


def rows(number: int, gateways: int) -> list[Signal]:
    """So many rows, shared evenly by so many gateways."""
    found: list[Signal] = []
    for gateway in range(gateways):
        endless = failovers(f"/gateways/{gateway}")
        found += [next(endless) for _ in range(number // gateways)]
    return found


def seconds_to_read(signals: list[Signal]) -> tuple[float, float, int]:
    """Seconds of the processor to find the switch-overs and to diagnose each, and their number."""
    began = time.process_time()
    read = []
    for own in by_gateway(signals).values():
        observation = Observation(
            rows=own,
            window=Window(start=START, end=own[-1].at),
            complete=True,
            seen_until=own[-1].at,
        )
        read.append((observation, switch_overs(observation.pieces, active_active=False)))
    found = time.process_time()
    for observation, known in read:
        instants = [switch_over.at for switch_over in known]
        for switch_over in known:
            diagnose([switch_over], observation, active_active=False, all_instants=instants)
    number = sum(len(known) for _, known in read)
    return found - began, time.process_time() - found, number


def main() -> None:
    """Print the rates for few gateways and for many."""
    print(f"{'gateways':>8} {'rows':>8} {'switch-overs':>12} {'found in':>9} {'diagnosed in':>12}")
    for gateways in (1, 500):
        taken: list[float] = []
        for number in (ROWS // 4, ROWS):
            found, diagnosed, known = seconds_to_read(rows(number, gateways))
            taken.append(found + diagnosed)
            print(f"{gateways:8} {number:8} {known:12} {found:7.2f} s {diagnosed:10.2f} s")
        print(f"four times the rows take {taken[1] / taken[0]:.1f} times as long\n")


if __name__ == "__main__":
    main()
