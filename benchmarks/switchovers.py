"""How fast half a million rows are read as switch-overs and diagnosed, and whether that is linear.

    python -m benchmarks.switchovers

The rows are those of gateways that fail over every two hours, with four tunnels each. Then two bad
days of one gateway are reconciled, by which a run must not be held up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from detector.diagnosis.diagnosis import diagnose
from detector.diagnosis.observation import Examination, Known, Observation
from detector.diagnosis.switchover import by_gateway
from detector.journal.history import History
from detector.model import Kind, Phase, Signal, Window
from detector.runs.reconcile import reconcile

ROWS = 500_000
START = datetime(2026, 11, 22, tzinfo=UTC)
EVERY = timedelta(hours=2)
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
        examined = Examination(observation=observation, known=Known(active_active=False))
        read.append((examined, examined.switch_overs))
    found = time.process_time()
    for examined, known in read:
        for switch_over in known:
            diagnose([switch_over], examined, active_active=False)
    number = sum(len(known) for _, known in read)
    return found - began, time.process_time() - found, number


def seconds_of_two_bad_days(*, active_active: bool) -> float:
    """Seconds to reconcile a gateway of 60 tunnels that switched over 200 times a day for two days.

    Of an active-active one both instances lose all their tunnels in turn.
    """
    every = timedelta(days=1) / 200
    rows = [
        Signal(
            at=START + number * every + timedelta(seconds=after + peer / 10),
            gateway_id="/gateways/0",
            kind=kind,
            source="TunnelDiagnosticLog",
            instance=INSTANCES[(number + moved * (not active_active)) % 2],
            remote_ip=f"198.51.100.{peer}",
        )
        for number in range(400)
        for peer in range(60)
        for kind, after, moved in ((Kind.DISCONNECTED, 0, 0), (Kind.CONNECTED, 40, 1))
    ]
    observation = Observation(
        rows=by_gateway(rows)["/gateways/0"],
        window=Window(start=START - timedelta(hours=1), end=rows[-1].at),
        complete=True,
        seen_until=rows[-1].at,
    )
    examined = Examination(observation=observation, known=Known(active_active=active_active))
    began = time.process_time()
    reconcile(History(gateway_id="/gateways/0"), examined)
    return time.process_time() - began


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
    for active_active in (False, True):
        mode = "active-active" if active_active else "active-standby"
        taken_by_two_days = seconds_of_two_bad_days(active_active=active_active)
        print(f"two bad days of 60 tunnels, {mode}: {taken_by_two_days:.2f} s")


if __name__ == "__main__":
    main()
