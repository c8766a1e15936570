"""A gateway in Azure's stand-in, the app's settings to find it, and a store in a folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.azure_stand_in import AzureStandIn

if TYPE_CHECKING:
    import pytest

WORKSPACE = "11111111-2222-4333-8444-555555555555"
SUBSCRIPTION = "/subscriptions/6d1f9c2a-0000-4000-8000-3f0c5e7a1b20"
NETWORK = f"{SUBSCRIPTION}/resourceGroups/rg-hub/providers/Microsoft.Network"
GATEWAY = f"{NETWORK}/virtualNetworkGateways/vpn-hub-weu"

WORKSPACE_ID = (
    f"{SUBSCRIPTION}/resourceGroups/rg-logs/providers"
    "/Microsoft.OperationalInsights/workspaces/log-hub"
)
DIAGNOSTIC_SETTINGS = "/providers/Microsoft.Insights/diagnosticSettings"
HEALTH = "/providers/Microsoft.ResourceHealth/availabilityStatuses"


def gateway_body(*, vips: int = 1) -> dict[str, object]:
    """A gateway as ARM has it; with two VIPs it is active-active."""
    names = [f"{GATEWAY}/ipConfigurations/{number}" for number in range(vips)]
    subnet = f"{NETWORK}/virtualNetworks/vnet-hub-weu/subnets/GatewaySubnet"
    return {
        "id": GATEWAY,
        "name": "vpn-hub-weu",
        "location": "westeurope",
        "properties": {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "vpnGatewayGeneration": "Generation1",
            "activeActive": vips > 1,
            "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
            "ipConfigurations": [
                {"id": name, "properties": {"subnet": {"id": subnet}}} for name in names
            ],
            "bgpSettings": {
                "bgpPeeringAddresses": [
                    {"ipconfigurationId": name, "tunnelIpAddresses": [f"203.0.113.{10 + number}"]}
                    for number, name in enumerate(names)
                ]
            },
        },
    }


def listed_by_resource_graph(gateway_id: str = GATEWAY, **changes: object) -> dict[str, object]:
    """A gateway as Resource Graph lists it; `changes` are of its properties."""
    body = gateway_body()
    properties = body["properties"]
    assert isinstance(properties, dict)
    return body | {
        "id": gateway_id,
        "name": gateway_id.rpartition("/")[2],
        "type": "microsoft.network/virtualnetworkgateways",
        "properties": properties | changes,
    }


def a_setting(
    *categories: str, name: str = "to-logs", workspace: str | None = WORKSPACE_ID
) -> dict[str, object]:
    """A diagnostic setting with these categories on, by default the two that failovers show in."""
    on = categories or ("GatewayDiagnosticLog", "TunnelDiagnosticLog")
    logs = [{"category": each, "enabled": True} for each in on]
    return {"name": name, "properties": {"workspaceId": workspace, "logs": logs}}


def watch(azure: AzureStandIn, *gateways: str) -> None:
    """Have these gateways all that they need to be seen."""
    ids = gateways or (GATEWAY,)
    azure.arm |= {
        "/subscriptions": {"value": [{"subscriptionId": SUBSCRIPTION.rpartition("/")[2]}]},
        SUBSCRIPTION: {},
        WORKSPACE_ID: {"properties": {"customerId": WORKSPACE}},
        f"{SUBSCRIPTION}{DIAGNOSTIC_SETTINGS}": {
            "value": [a_setting("Administrative", "ResourceHealth")]
        },
    }
    for each in ids:
        azure.graph.resources = [*azure.graph.resources, listed_by_resource_graph(each)]
        azure.arm[f"{each}{DIAGNOSTIC_SETTINGS}"] = {"value": [a_setting()]}
        azure.arm[f"{each}{HEALTH}"] = {"value": []}


def hand_over_rows() -> list[dict[str, str]]:
    """The tunnel log of two tunnels that moved to the other instance 40 minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=40)
    return [
        {
            "TimeGenerated": (at + timedelta(seconds=12 * instance)).isoformat(),
            "Category": "TunnelDiagnosticLog",
            "OperationName": f"Tunnel{state}",
            "ResourceType": "VIRTUALNETWORKGATEWAYS",
            "_ResourceId": GATEWAY.lower(),
            "instance_s": f"GatewayTenantWorker_IN_{instance}",
            "remoteIP_s": f"198.51.100.{peer}",
        }
        for peer in (11, 12)
        for instance, state in enumerate(("Disconnected", "Connected"))
    ]


def settle(monkeypatch: pytest.MonkeyPatch, azure: AzureStandIn, store: Path) -> None:
    """Make the environment that of an app whose Azure is the stand-in, its store a folder."""
    environment = {
        **azure.environment(),
        "DETECTOR_SCOPES": WORKSPACE,
        "DETECTOR_STORE": f"file:{store}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
