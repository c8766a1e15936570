"""Insights to look at: failovers of so many tunnels, of three days, and with names that attack."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from detector.articles.catalog import load
from detector.diagnosis.bandwidth import Average, Comparison, Measured
from detector.insights.compose import Library, Revision, compose_insight
from detector.insights.document import Insight, Reason
from detector.model import (
    AlreadyDown,
    Cause,
    CauseKind,
    EndSource,
    Evidence,
    EvidenceRow,
    Importance,
    LiveAnswer,
    Outage,
    Redundancy,
    State,
    TunnelStatus,
)
from tests.builders import (
    ONE,
    ZERO,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    an_outage,
    at,
)

ARTICLES: Final = Path(__file__).parents[1] / "articles"
TOWNS: Final = ("paris", "lyon", "brussels", "lille", "nice", "ghent", "turin", "bern", "ulm")


@cache
def _library() -> Library:
    return Library(catalog=load(ARTICLES), cloud="AzureCloud", portal="portal.azure.com")


def an_insight_to_look_at(*, told_at: datetime | None = None, **changes: Any) -> Insight:
    """The insight of a failover that this diagnosis and these facts make."""
    told = told_at or at(minutes=25)
    diagnosis = changes.pop("diagnosis", None) or a_diagnosis(outages=(an_outage(),))
    parts: dict[str, Any] = {
        "failover": a_failover(a_switch_over(at(-0.2), evidence=Evidence.PRIMARY_CHANGED)),
        "diagnosis": diagnosis,
        "gateway": a_gateway(peers=len({each.remote_ip for each in diagnosis.outages}) or None),
        "bandwidth": a_bandwidth(at()),
        "reasons": (Reason.DETECTED,),
        "revision": 1,
        "told_at": at(minutes=20),
    }
    first, _ = compose_insight(Revision(**parts | changes), _library())
    again = {"reasons": (Reason.WORSENED,), "revision": 2, "told_at": told, "before": first}
    return compose_insight(Revision(**parts | changes | again), _library())[0]


def a_bandwidth(around: datetime, sku: str = "VpnGw1AZ") -> Comparison:
    """The hour around a switch-over, after which the other instance carries the traffic."""
    start = around.replace(minute=0) - timedelta(minutes=30)
    old = (380.0, 410, 460, 440, 430, 420, 8, 0, 0, 0, 0, 0)
    new = (0.0, 0, 0, 0, 0, 0, 330, 350, 340, 360, 350, 345)
    series = tuple(
        Measured(
            instance=instance,
            points=tuple(
                Average(at=start + number * timedelta(minutes=5), mbps=mbps)
                for number, mbps in enumerate(values)
            ),
        )
        for instance, values in ((ZERO, old), (ONE, new))
    )
    return Comparison(
        peak_mbps=460,
        instance=ZERO,
        at=start + timedelta(minutes=10),
        benchmark_mbps=650,
        ratio=460 / 650,
        statement="Peak bandwidth between 01:30 and 02:30 UTC was 460 Mbps on "
        f"{ZERO} at 01:40 (five-minute average), 70 % of the 650 Mbps that {sku} is "
        "benchmarked at. Shorter peaks and point-to-site traffic do not show in this number.",
        series=series,
    )


def maintenance(when: datetime) -> Cause:
    """Maintenance that was recorded beside a switch-over."""
    return Cause(
        kind=CauseKind.MAINTENANCE,
        at=when,
        statement=f"Maintenance was recorded at {when:%H:%M:%S}Z, 68 s before.",
        clause=f"with maintenance recorded beside it, at {when:%H:%M:%S}Z",
        records=1,
    )


def evidence(*outages: Outage) -> tuple[EvidenceRow, ...]:
    """The rows of these outages."""
    rows = [
        EvidenceRow(
            at=when,
            source="TunnelDiagnosticLog",
            text=f"{what}: {each.remote_ip} on {instance}, state change reason: traffic selectors",
        )
        for each in outages
        for when, what, instance in (
            (each.start, "TunnelDisconnected", ZERO),
            (each.end, "TunnelConnected", ONE),
        )
        if when is not None
    ]
    return tuple(sorted(rows, key=lambda row: row.at))


def tunnels(number: int, *, is_open: bool = True) -> Insight:
    """A failover of so many tunnels, of which the second is not seen back if there are so many."""
    outages = [
        replace(
            an_outage(f"198.51.100.{place + 11}", 0.1 + place / 20, 11 + place % 7 * 0.7),
            connection=f"conn-{TOWNS[place % len(TOWNS)]}" + (f"-{place}" if place > 8 else ""),
        )
        for place in range(number)
    ]
    if number > 1 and is_open:
        answer = LiveAnswer(at=at(1, minutes=25), status=TunnelStatus.NOT_CONNECTED)
        outages[1] = replace(outages[1], end=None, end_source=None, live=answer)
    if number > 4 and is_open:
        answer = LiveAnswer(at=at(1, minutes=25), status=TunnelStatus.CONNECTED)
        outages[4] = replace(
            outages[4], end=at(2, minutes=12), end_source=EndSource.ARM, live=answer
        )
    missing = any(each.is_open for each in outages)
    cause = maintenance(at(-68))
    return an_insight_to_look_at(
        diagnosis=a_diagnosis(
            cause=cause,
            outages=tuple(outages),
            evidence=evidence(*outages),
            seen_until=at(1, minutes=25),
            state=State.ONGOING if missing else State.RECOVERED if outages else State.UNKNOWN,
            importance=Importance.CRITICAL if missing else Importance.INFORMATION,
        )
    )


def three_days() -> Insight:
    """A gateway that switches over every 50 minutes for three days, with two tunnels."""
    instants = [at(minutes=50 * number) for number in range(87)]
    outages = tuple(
        replace(
            an_outage(f"198.51.100.{last}"), start=when, end=when + timedelta(seconds=12 + last)
        )
        for when in instants
        for last in (11, 12)
    )
    return an_insight_to_look_at(
        failover=a_failover(*(a_switch_over(when) for when in instants)),
        diagnosis=a_diagnosis(
            cause=maintenance(at(-40)),
            outages=outages,
            evidence=evidence(*outages),
            flapping=True,
            state=State.RECOVERED,
            importance=Importance.WARNING,
            seen_until=instants[-1] + timedelta(minutes=30),
        ),
        told_at=instants[-1] + timedelta(minutes=31),
    )


def active_active() -> Insight:
    """An instance of an active-active gateway lost its tunnels; one may be out, one was before."""
    lost = tuple(
        replace(an_outage(f"198.51.100.{last}", 1, end), instance=ONE, connection=f"conn-{town}")
        for last, town, end in ((21, "oslo", 371), (22, "bergen", 372), (23, "turku", None))
    )
    perhaps = replace(an_outage("198.51.100.24", 2, 372), instance=ONE, connection="conn-riga")
    return an_insight_to_look_at(
        failover=a_failover(
            a_switch_over(
                evidence=Evidence.INSTANCE_LOST,
                from_instance=ONE,
                to_instance=None,
                not_before=at(-400),
            )
        ),
        gateway=a_gateway(active_active=True, vips=("203.0.113.10", "203.0.113.11")),
        diagnosis=a_diagnosis(
            redundancy=(Redundancy(instance=ONE, start=at(1), end=None, tunnels=lost),),
            unclear=(perhaps,),
            already_down=(
                AlreadyDown(
                    remote_ip="198.51.100.29",
                    instance=ONE,
                    since=at(hours=-30),
                    connection="conn-old",
                ),
            ),
            state=State.ONGOING,
            importance=Importance.WARNING,
            seen_until=at(minutes=20),
        ),
        told_at=at(minutes=20),
    )


CASES: Final = {
    "no-tunnel": lambda: tunnels(0),
    "1-tunnel": lambda: tunnels(1),
    "2-tunnels": lambda: tunnels(2),
    "3-tunnels": lambda: tunnels(3),
    "20-tunnels": lambda: tunnels(20),
    "60-tunnels": lambda: tunnels(60),
    "three-days": three_days,
    "active-active": active_active,
}
"""What a page has to look well with."""
