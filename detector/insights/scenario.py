"""Which diagnosticScenario a failover is told by: a table, the most specific scenario first."""

from __future__ import annotations

from typing import Final

from detector.diagnosis import GONE
from detector.model import CauseKind, Diagnosis

SWITCHED_OVER: Final = "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight"
"""The scenario that fits every failover."""

TUNNEL_DOWN: Final = "VNGTunnelEventsVPNTunnelStateChangedToDisconnectedInsight"
RESET: Final = "VNGVirtualNetworkGatewayResetDetectedInsight"
MAINTENANCE: Final = "VNGTenantLogsGatewayFailoverDuringPlannedMaintenanceInsight"


def scenarios(diagnosis: Diagnosis) -> tuple[str, ...]:
    """The scenarios that fit, the most specific first and the one that always fits last.

    The first for which the catalogue has an article is taken.
    """
    gone = any(
        outage.is_open and diagnosis.seen_until - outage.start >= GONE
        for outage in diagnosis.outages
    )
    kind = diagnosis.cause.kind
    table = (
        (TUNNEL_DOWN, gone),
        (RESET, kind is CauseKind.RESET),
        (MAINTENANCE, kind is CauseKind.MAINTENANCE),
        (SWITCHED_OVER, True),
    )
    return tuple(scenario for scenario, fits in table if fits)
