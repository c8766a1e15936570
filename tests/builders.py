"""Values to test with: a gateway at documentation addresses, and the rows that it would log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from detector.diagnosis.diagnosis import diagnose
from detector.diagnosis.observation import EDGE, Examination, Known, Observation
from detector.diagnosis.switchover import by_gateway
from detector.model import (
    ACTIVITY,
    Cause,
    CauseKind,
    Diagnosis,
    EndSource,
    Evidence,
    Failover,
    Gateway,
    Importance,
    Kind,
    Outage,
    Phase,
    Signal,
    State,
    SwitchOver,
    Window,
)

NIGHT: Final = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
SUBSCRIPTION: Final = "/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a"
GATEWAYS: Final = (
    f"{SUBSCRIPTION}/resourcegroups/rg-network/providers/microsoft.network/virtualnetworkgateways/"
)
GATEWAY_ID: Final = f"{GATEWAYS}vpn-hub-weu"
ZERO: Final = "GatewayTenantWorker_IN_0"
ONE: Final = "GatewayTenantWorker_IN_1"
PARIS, LYON, LILLE, NICE = (f"198.51.100.{last}" for last in (11, 12, 13, 14))
TUNNEL_LOG: Final = "TunnelDiagnosticLog"
GATEWAY_LOG: Final = "GatewayDiagnosticLog"


def at(seconds: float = 0, *, minutes: float = 0, hours: float = 0) -> datetime:
    """An instant of the night on which the gateways of the tests switch over."""
    return NIGHT + timedelta(seconds=seconds, minutes=minutes, hours=hours)


def a_signal(**changes: Any) -> Signal:
    """A row of the gateway's tunnel log; `changes` name fields of Signal."""
    signal = Signal(
        at=at(),
        gateway_id=GATEWAY_ID,
        kind=Kind.DISCONNECTED,
        source=TUNNEL_LOG,
        instance=ZERO,
        remote_ip=PARIS,
    )
    return replace(signal, **changes)


def down(when: datetime, instance: str = ZERO, remote_ip: str = PARIS) -> Signal:
    """A tunnel disconnected."""
    return a_signal(at=when, instance=instance, remote_ip=remote_ip)


def up(when: datetime, instance: str = ONE, remote_ip: str = PARIS) -> Signal:
    """A tunnel connected."""
    return a_signal(at=when, kind=Kind.CONNECTED, instance=instance, remote_ip=remote_ip)


def of_gateway(kind: Kind, when: datetime, **changes: Any) -> Signal:
    """A row of the gateway's own log: primary changed, maintenance or configuration."""
    row = a_signal(at=when, kind=kind, source=GATEWAY_LOG, instance="", remote_ip="")
    return replace(row, **changes)


def of_activity(kind: Kind, phase: Phase, when: datetime, **changes: Any) -> Signal:
    """A row of the Activity Log: a reset or a write, so far."""
    row = of_gateway(kind, when, source=ACTIVITY, phase=phase, caller="kim@example.net")
    return replace(row, **{"correlation_id": "c-1", **changes})


def a_switch_over(when: datetime | None = None, **changes: Any) -> SwitchOver:
    """A hand-over from the first instance to the second."""
    known = SwitchOver(
        at=at() if when is None else when,
        evidence=Evidence.HAND_OVER,
        from_instance=ZERO,
        to_instance=ONE,
    )
    return replace(known, **changes)


def a_failover(*switch_overs: SwitchOver) -> Failover:
    """A failover of the gateway."""
    return Failover(
        id="f-1", gateway_id=GATEWAY_ID, switch_overs=switch_overs or (a_switch_over(),)
    )


def an_outage(remote_ip: str = PARIS, start: float = 0, end: float | None = 14) -> Outage:
    """A tunnel's outage, from and to these seconds of the night; ended by the log."""
    return Outage(
        remote_ip=remote_ip,
        instance=ZERO,
        start=at(start),
        end=None if end is None else at(end),
        end_source=None if end is None else EndSource.LOG,
    )


def a_diagnosis(**changes: Any) -> Diagnosis:
    """What a run proved: nothing was recorded, and nothing was seen of any tunnel."""
    diagnosis = Diagnosis(
        cause=Cause(kind=CauseKind.NOT_RECORDED, statement="No cause was recorded."),
        outages=(),
        redundancy=(),
        state=State.UNKNOWN,
        importance=Importance.INFORMATION,
        flapping=False,
        seen_until=at(minutes=30),
        evidence=(),
    )
    return replace(diagnosis, **changes)


def a_gateway(**changes: Any) -> Gateway:
    """An active-standby gateway of which everything is known."""
    gateway = Gateway(
        id=GATEWAY_ID,
        name="vpn-hub-weu",
        resource_group="rg-network",
        subscription_id=SUBSCRIPTION.rsplit("/", 1)[-1],
        location="westeurope",
        sku="VpnGw1AZ",
        generation="Generation1",
        vpn_type="RouteBased",
        active_active=False,
        vips=("203.0.113.10",),
        virtual_network_id=f"{SUBSCRIPTION}/virtualnetworks/vnet-hub",
        virtual_network_name="vnet-hub",
    )
    return replace(gateway, **changes)


def an_observation(*rows: Signal, since: datetime | None = None, **changes: Any) -> Observation:
    """What a run sees that sees everything, an hour after, with nothing cut off after `since`."""
    start = (since or at(hours=-5)) - EDGE
    observation = Observation(
        rows=by_gateway(rows).get(GATEWAY_ID, []),
        window=Window(start=start, end=at(hours=1)),
        complete=True,
        seen_until=at(hours=1),
    )
    return replace(observation, **changes)


def an_examination(observation: Observation | None = None, **known: Any) -> Examination:
    """What an observation means for an active-standby gateway; `known` name fields of Known."""
    return Examination(
        observation=observation or an_observation(),
        known=replace(Known(active_active=False), **known),
    )


def diagnosed(
    *rows: Signal,
    others: Iterable[datetime] = (),
    since: datetime | None = None,
    seen_until: datetime | None = None,
    **known: Any,
) -> Diagnosis:
    """The diagnosis of a failover with all the switch-overs that these rows prove.

    `others` are the instants of other switch-overs of the gateway, `known` name fields of Known.
    """
    observation = an_observation(*rows, since=since)
    if seen_until is not None:
        observation = replace(observation, seen_until=seen_until)
    examined = an_examination(observation, **known)
    return diagnose(
        examined.switch_overs,
        examined,
        active_active=examined.known.active_active,
        others=[a_switch_over(instant) for instant in others],
    )
