"""What to do now, in a sentence or two, and what to tell Microsoft where a case is to be opened.

How a reset acts in either mode is documented at `RESET_GUIDE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from detector.model import (
    Diagnosis,
    Failover,
    Gateway,
    Importance,
    Outage,
    State,
)
from detector.text import count, day, lasting, listed, one_line

RESET_GUIDE: Final = "https://learn.microsoft.com/azure/vpn-gateway/reset-gateway"
NOTHING: Final = "Nothing to do."

MOST_IN_CASE: Final = 50
"""So many switch-overs, and so many tunnels' times, are named to Microsoft; others are counted."""


def advice_of(diagnosis: Diagnosis, gateway: Gateway) -> str:
    """What the reader is to do now about a failover of this gateway."""
    sentences = list(_advice(diagnosis, gateway))
    if diagnosis.flapping and diagnosis.borne_out:
        sentences = [each for each in sentences if each != NOTHING]
        sentences.append(
            "A gateway that keeps switching over is worth a case with Microsoft; the insight has "
            "the text for it."
        )
    if gateway.point_to_site and diagnosis.borne_out:
        sentences.append("A point-to-site client that is still off has to connect again by hand.")
    return " ".join(sentences)


def _advice(diagnosis: Diagnosis, gateway: Gateway) -> Iterator[str]:
    lost = [*diagnosis.outages, *diagnosis.unclear]
    missing = [each for each in lost if each.is_open]
    disputed = [each for each in missing if each.live is not None and each.live.contradicts]
    unserved = [tunnel for each in diagnosis.redundancy for tunnel in each.missing]
    if disputed:
        yield (
            f"See whether {_names(disputed)} carries traffic: the log and Azure Resource Manager "
            "contradict each other."
        )
    elif not diagnosis.borne_out:
        yield f"Look at the peer of {_names(missing)}." if missing else NOTHING
    elif missing and diagnosis.importance is Importance.CRITICAL:
        yield from _gone(diagnosis, gateway, missing)
    elif unasked := [each for each in missing if each.live is not None and each.live.failures]:
        yield (
            f"Look at {_names(unasked)} in the portal: the log does not show it back, and Azure "
            "Resource Manager has not said yet."
        )
    elif missing:
        yield (
            "Wait a few minutes: tunnels come back within 3 minutes as a rule, and you hear if "
            "this does not."
        )
    elif unserved:
        yield from _without_redundancy(diagnosis, gateway, unserved)
    elif any(outage.is_given_up for outage in lost):
        yield "Nothing to do: a tunnel whose connection was deleted is followed no more."
    elif diagnosis.state is State.RECOVERED:
        yield NOTHING
    else:
        yield "See whether your tunnels carry traffic: these logs do not tell."


def _gone(diagnosis: Diagnosis, gateway: Gateway, missing: list[Outage]) -> Iterator[str]:
    """A tunnel is out for good: at the peer's side if others came back, else at the gateway's."""
    peers = {outage.remote_ip for outage in diagnosis.outages}
    gone = {outage.remote_ip for outage in missing}
    if len(peers) > len(gone):
        yield (
            f"Look at the peer's device of {_names(missing)} first: the other tunnels of this "
            "failover came back."
        )
        yield f"If it is well, {_reset(gateway, missing)}."
    else:
        yield f"No tunnel of this failover came back: {_reset(gateway, missing)}, and open a case."


def _without_redundancy(
    diagnosis: Diagnosis, gateway: Gateway, unserved: list[Outage]
) -> Iterator[str]:
    instance = one_line(unserved[0].instance, 80)
    if diagnosis.importance is Importance.CRITICAL:
        yield f"The other instance serves your peers, and {instance} stays without tunnels."
        yield f"If the peers' second tunnels are well, {_reset(gateway, unserved)}."
    else:
        yield "Wait: the other instance serves your peers, and you hear if the rest stays away."


def _reset(gateway: Gateway, down: Iterable[Outage]) -> str:
    """How to reset, and what that costs, in this gateway's mode.

    The VIPs are those of the tunnels that are `down`, where Azure Resource Manager tells them:
    to reset the other instance would cut off the peers that it serves.
    """
    command = (
        f"az network vnet-gateway reset -g {one_line(gateway.resource_group, 90)} "
        f"-n {one_line(gateway.name, 80)}"
    )
    if gateway.active_active:
        told = {each.live.vip for each in down if each.live and each.live.is_down}
        known = [vip for vip in gateway.vips if vip in told] or gateway.vips
        vips = f" ({' or '.join(known)})" if known else ""
        return (
            f"reset the instance by its VIP{vips}: {command} --gateway-vip VIP; its tunnels drop "
            "once more"
        )
    if gateway.active_active is None:
        return f"reset the gateway ({command}), which drops tunnels once more"
    return f"reset the gateway ({command}), which drops all its tunnels again, for up to 3 minutes"


def _names(outages: list[Outage]) -> str:
    names = sorted({one_line(each.connection or each.remote_ip, 80) for each in outages})
    return listed(names) if len(names) <= 3 else count(len(names), "tunnel")


def case_text(failover: Failover, diagnosis: Diagnosis, gateway: Gateway) -> str:
    """What a case with Microsoft needs: the gateway, times in UTC, instances, tunnels, findings."""
    return "\n".join(_case(failover, diagnosis, gateway))


def _case(failover: Failover, diagnosis: Diagnosis, gateway: Gateway) -> Iterator[str]:
    yield f"Virtual network gateway: {one_line(gateway.id, 400)}"
    sku = " ".join(filter(None, (gateway.sku, gateway.generation)))
    if sku:
        yield f"SKU: {one_line(sku, 80)}"
    first, *others = failover.switch_overs
    for known in (first, *others[-MOST_IN_CASE:]):
        moved = f", {known.from_instance}" if known.from_instance else ""
        moved += f" to {known.to_instance}" if known.to_instance else ""
        yield f"Switched over: {day(known.at)} ({known.evidence}{one_line(moved, 200)})"
    if rest := failover.times - 1 - len(others[-MOST_IN_CASE:]):
        yield f"Switched over: {count(rest, 'time')} more after the first"
    lost = [tunnel for each in diagnosis.redundancy for tunnel in each.tunnels]
    outages = [*diagnosis.outages, *diagnosis.unclear, *lost]
    is_open = [each for each in outages if each.is_open]
    told = [*is_open, *(each for each in reversed(outages) if not each.is_open)][:MOST_IN_CASE]
    for outage in sorted(told, key=outages.index):
        yield f"Tunnel {_tunnel(outage)}"
    left_out = diagnosis.outages_left_out + diagnosis.unclear_left_out
    if rest := len(outages) - len(told) + left_out:
        yield f"Tunnels: {count(rest, 'outage')} more"
    yield f"Recorded: {one_line(diagnosis.cause.statement, 1000)}"
    yield f"Logs seen until {day(diagnosis.seen_until)}; failover {failover.id}."


def _tunnel(outage: Outage) -> str:
    name = one_line(outage.remote_ip, 45)
    if outage.connection:
        name += f" ({one_line(outage.connection, 80)})"
    down = f"{name} on {one_line(outage.instance, 80)}: down {day(outage.start)}"
    if outage.length is not None and outage.end is not None:
        return f"{down}, up {day(outage.end)} ({lasting(outage.length)})"
    if outage.end is not None:
        return f"{down}, up by {day(outage.end)} at the latest"
    return f"{down}, not seen up"


def reset_advice(diagnosis: Diagnosis, gateway: Gateway) -> str:
    """What completes an article's advice to reset, true for this gateway as it is now."""
    if diagnosis.state is State.ONGOING:
        need = "A reset is worth trying only where a tunnel stays down; look at the peer first."
    elif diagnosis.state is State.RECOVERED:
        need = "No reset is called for: what was logged as lost is back."
    else:
        need = "A reset is called for only if a tunnel stays down, which these logs do not tell."
    if gateway.active_active:
        vips = f" ({listed(gateway.vips)})" if gateway.vips else ""
        how = (
            "This gateway is active-active: a reset reboots its primary instance, and a second "
            "reset reboots the same one again; to reset the other instance, name its VIP in the "
            f"command{vips}."
        )
    elif gateway.active_active is None:
        why = gateway.unknown.get("active_active", "Azure does not say")
        how = f"How a reset acts depends on whether it is active-active, which is unknown ({why})."
    else:
        how = (
            "This gateway is active-standby: a reset reboots the active instance, and a second "
            "reset the other one. The public IP addresses stay."
        )
    return f"{need} {how}"
