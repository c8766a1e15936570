"""Which diagnosticScenario a failover is told by: a table, the most specific scenario first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from detector.model import CauseKind, Diagnosis, Evidence, Importance, SwitchOver

SWITCHED_OVER: Final = "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight"
"""The scenario that fits every failover."""

TUNNEL_DOWN: Final = "VNGTunnelEventsVPNTunnelStateChangedToDisconnectedInsight"
BOTH_LOST: Final = "VNGBothInstancesLostTunnelsInsight"
"""Ours: nothing switched over, and both instances lost their tunnels."""

RESET: Final = "VNGVirtualNetworkGatewayResetDetectedInsight"
MAINTENANCE: Final = "VNGTenantLogsGatewayFailoverDuringPlannedMaintenanceInsight"


def scenarios(diagnosis: Diagnosis, switch_overs: Iterable[SwitchOver] = ()) -> tuple[str, ...]:
    """The scenarios that fit, the most specific first and the one that always fits last.

    `switch_overs` are those of the failover.

    The first for which the catalogue has an article is taken.
    """
    gone = diagnosis.importance is Importance.CRITICAL and any(
        outage.is_open for outage in diagnosis.outages
    )
    kind = diagnosis.cause.kind
    evidence = {known.evidence for known in switch_overs}
    table = (
        (TUNNEL_DOWN, gone),
        (BOTH_LOST, evidence == {Evidence.BOTH_INSTANCES_LOST}),
        (RESET, kind is CauseKind.RESET),
        (MAINTENANCE, kind is CauseKind.MAINTENANCE),
        (SWITCHED_OVER, True),
    )
    return tuple(scenario for scenario, fits in table if fits)
