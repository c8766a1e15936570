"""Fleets to look at, of none, three, forty and five thousand failovers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from detector.insights.fleet import Choice, Fleet, Known, Summary
from detector.model import CauseKind, Importance, State, Window

NOW: Final = datetime(2026, 11, 19, 14, 25, 1, tzinfo=UTC)
SINCE: Final = datetime(2026, 10, 21, tzinfo=UTC)
GATEWAYS: Final = (
    "/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a/resourcegroups/rg-network"
    "/providers/microsoft.network/virtualnetworkgateways/"
)


def a_failover(gateway: str, first_at: datetime, **changes: Any) -> Summary:
    """One that is over: maintenance was recorded, and three tunnels were out for 14 s."""
    state = changes.pop("state", State.RECOVERED)
    down = changes.pop("down", 0)
    causes = changes.get("causes", (CauseKind.MAINTENANCE,))
    end = f"{down} of 3 tunnels not seen back." if down else "all are back."
    return Summary(
        **{
            "id": f"{first_at:%Y%m%dT%H%M%S}000Z-{abs(hash(gateway)) % 16**12:012x}",
            "revision": 1,
            "gateway": gateway,
            "gateway_id": GATEWAYS + gateway,
            "first_at": first_at,
            "last_at": first_at,
            "switch_overs": 1,
            "flapping": False,
            "state": state,
            "importance": Importance.CRITICAL if down else Importance.INFORMATION,
            "causes": causes,
            "peers": 3,
            "down": down,
            "down_since": first_at if down else None,
            "longest_seconds": None if down == 3 else 14.0,
            "redundancy_lost_seconds": None,
            "seen_until": min(first_at + timedelta(minutes=30), NOW),
            "verdict": f"{gateway} failed over at {first_at:%H:%M:%SZ} with "
            f"{causes[0].replace('-', ' ')} recorded beside it; 3 tunnels were down, {end}",
            **changes,
        }
    )


def a_fleet(*failovers: Summary, **changes: Any) -> Fleet:
    """What the page shows of these failovers, with all that was looked at since `SINCE`."""
    newest = sorted(failovers, key=lambda each: each.first_at, reverse=True)
    fleet = Fleet(
        now=NOW,
        choice=Choice(since=SINCE),
        listed=newest,
        recent=[each for each in newest if each.first_at >= SINCE],
        unreadable=0,
        last_complete=NOW - timedelta(minutes=2),
        late_before=NOW - timedelta(minutes=15),
        watched=lambda _: [Window(start=SINCE - timedelta(days=9), end=NOW)],
        known=(),
        gateways=None,
        checked_at=None,
        page_of=lambda each: f"./failovers/{each}",
    )
    return replace(fleet, **changes)


def none() -> Fleet:
    """Nothing yet, of four gateways."""
    return a_fleet(gateways=4, checked_at=NOW - timedelta(hours=3))


def three() -> Fleet:
    """One that is open, one that took redundancy, one short; a blind gateway and days not seen."""
    gap = datetime(2026, 10, 29, 7, tzinfo=UTC), datetime(2026, 11, 1, 9, tzinfo=UTC)
    return a_fleet(
        a_failover("vpn-hub-weu", NOW - timedelta(minutes=11), state=State.ONGOING, down=1),
        a_failover(
            "vpn-hub-neu",
            datetime(2026, 11, 5, 15, 32, tzinfo=UTC),
            importance=Importance.WARNING,
            causes=(CauseKind.NOT_RECORDED,),
            peers=0,
            longest_seconds=None,
            redundancy_lost_seconds=371.0,
            verdict="vpn-hub-neu lost GatewayTenantWorker_IN_1 with no recorded cause; redundancy "
            "was lost for 6 min 11 s.",
        ),
        a_failover("vpn-hub-weu", datetime(2026, 11, 12, 2, 31, tzinfo=UTC)),
        a_failover(
            "vpn-branch-frc", datetime(2026, 11, 17, 9, 0, tzinfo=UTC), drill=True,
            verdict="DRILL: vpn-branch-frc failed over.", causes=(CauseKind.NOT_RECORDED,),
        ),
        known=[Known(id=f"{GATEWAYS}vpn-lab", name="vpn-lab", blind="no diagnostic setting")],
        gateways=5,
        checked_at=NOW - timedelta(hours=3),
        watched=lambda _: [
            Window(start=SINCE - timedelta(days=9), end=gap[0]), Window(start=gap[1], end=NOW)
        ],
    )  # fmt: skip


def many(number: int, gateways: int = 40, *, seed: int = 7) -> Fleet:
    """So many failovers of so many gateways, most of them short, in the last 30 days."""
    failovers = some(number, gateways, seed=seed)
    blind = [
        Known(id=f"{GATEWAYS}vpn-{each:02}", name=f"vpn-{each:02}", blind="it logs nothing")
        for each in (3, 17)
    ]
    return a_fleet(*failovers, known=blind, gateways=gateways, checked_at=NOW - timedelta(hours=3))


def some(number: int, gateways: int, *, seed: int = 7) -> Sequence[Summary]:
    """So many failovers; a quarter of the gateways has nearly all of them."""
    draw = random.Random(seed)
    failovers = []
    for _ in range(number):
        gateway = f"vpn-{int(gateways * draw.random() ** 2):02}"
        first_at = SINCE + (NOW - SINCE) * draw.random()
        kind = draw.choice([CauseKind.MAINTENANCE, CauseKind.MAINTENANCE, *CauseKind])
        seconds = draw.expovariate(1 / 60)
        failovers.append(
            a_failover(
                gateway, first_at, causes=(kind,), longest_seconds=seconds,
                importance=Importance.WARNING if seconds > 180 else Importance.INFORMATION,
            )
        )  # fmt: skip
    return failovers


HOSTILE: Final = "\"><img src=x onerror=alert(1)>\u202e'&<!--" + "A" * 300


def hostile() -> Fleet:
    """Names and texts that would like to be markup."""
    return a_fleet(
        a_failover(HOSTILE, NOW - timedelta(hours=1), state=State.ONGOING, down=1,
                   gateway_id=HOSTILE, verdict=HOSTILE),
        known=[Known(id=HOSTILE.lower(), name=HOSTILE, blind=HOSTILE)],
        choice=Choice(gateway=HOSTILE),
    )  # fmt: skip
