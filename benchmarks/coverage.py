"""How long one check of coverage takes for a fleet, over the stand-in for Azure.

`python -m benchmarks.coverage [GATEWAYS]` prints the time, the requests of each kind, and how often
Resource Graph had to refuse for its rate, which is never. Its pages hold 100 rows, so that the
quota (15 queries in 5 seconds) is reached and waited for.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.azure_stand_in import AzureStandIn

GATEWAYS: Final = 2_000
PER_GROUP: Final = 20
WORKSPACE: Final = "11111111-2222-4333-8444-555555555555"
SUBSCRIPTION: Final = "/subscriptions/6d1f9c2a-0000-4000-8000-3f0c5e7a1b20"
WORKSPACE_ID: Final = (
    f"{SUBSCRIPTION}/resourceGroups/rg-logs/providers"
    "/Microsoft.OperationalInsights/workspaces/log-hub"
)
CATEGORIES: Final = ("GatewayDiagnosticLog", "TunnelDiagnosticLog")
SETTINGS: Final = "/providers/Microsoft.Insights/diagnosticSettings"


def fill(azure: AzureStandIn, gateways: int) -> None:
    """Give the stand-in as many gateways; every tenth has no diagnostic setting."""
    azure.graph.page = 100
    azure.arm[WORKSPACE_ID] = {"properties": {"customerId": WORKSPACE}}
    azure.arm[f"{SUBSCRIPTION}{SETTINGS}"] = {"value": []}
    logs = [{"category": category, "enabled": True} for category in CATEGORIES]
    now = datetime.now(UTC).isoformat()
    setting = {"name": "all", "properties": {"workspaceId": WORKSPACE_ID, "logs": logs}}
    for number in range(gateways):
        group = f"{SUBSCRIPTION}/resourceGroups/rg-{number // PER_GROUP:03}"
        own = f"{group}/providers/Microsoft.Network/virtualNetworkGateways/vpn-{number:04}"
        properties = {"gatewayType": "Vpn", "vpnType": "RouteBased", "sku": {"name": "VpnGw1AZ"}}
        azure.graph.resources.append(
            {
                "id": own,
                "name": f"vpn-{number:04}",
                "type": "microsoft.network/virtualnetworkgateways",
                "location": "westeurope",
                "properties": properties,
            }
        )
        azure.tables["AzureDiagnostics"] += [
            {"TimeGenerated": now, "_ResourceId": own.lower(), "Category": each}
            for each in CATEGORIES
        ]
        azure.arm[f"{own}{SETTINGS}"] = {"value": [setting] if number % 10 else []}
        azure.arm[f"{own}/providers/Microsoft.ResourceHealth/availabilityStatuses"] = {"value": []}


def main(gateways: int) -> None:
    """Check once, and print what it took."""
    with AzureStandIn() as azure, tempfile.TemporaryDirectory() as folder:
        fill(azure, gateways)
        os.environ |= azure.environment() | {
            "DETECTOR_SCOPES": WORKSPACE,
            "DETECTOR_STORE": f"file:{Path(folder) / 'store'}",
        }
        from detector.app.invocation import look_round_with
        from detector.app.settings import Settings

        settings = Settings.read(os.environ)
        began = time.perf_counter()
        report = look_round_with(settings)
        took = time.perf_counter() - began
        kinds = Counter(request.path.rpartition("/")[2] for request in azure.requests)
        print(f"{report.gateways} gateways, {report.blind} blind, in {took:.1f} s")
        for kind, number in kinds.most_common(8):
            print(f"{number:6} {kind}")
        print(f"{azure.graph.refused:6} queries refused for their rate")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else GATEWAYS)
