"""The stand-in answers other clients of the SDK as Azure does; test_logs.py is about its logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.mgmt.network import NetworkManagementClient
from azure.monitor.querymetrics import MetricsClient

from tests.azure_stand_in import AzureStandIn
from tests.loopback import Reply

SUBSCRIPTION = "0f0f0f0f-0000-4000-8000-00000000000a"
GATEWAY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-Network/providers/Microsoft.Network"
    "/virtualNetworkGateways/vpn-Hub"
)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        yield azure


@pytest.fixture
def arm(azure: AzureStandIn) -> Iterator[NetworkManagementClient]:
    with (
        DefaultAzureCredential() as credential,
        NetworkManagementClient(
            credential,
            SUBSCRIPTION,
            base_url=azure.url,
            credential_scopes=[f"{azure.url}/.default"],
        ) as client,
    ):
        yield client


def test_arm_answers_with_the_body_of_a_path_in_any_case(
    azure: AzureStandIn, arm: NetworkManagementClient
) -> None:
    azure.arm[GATEWAY.lower()] = {"name": "vpn-Hub", "location": "westeurope"}
    gateway = arm.virtual_network_gateways.get("rg-Network", "vpn-Hub")

    assert ("vpn-Hub", "westeurope") == (gateway.name, gateway.location)
    assert [("GET", GATEWAY)] == [
        (request.method, request.path) for request in azure.asked("/virtualNetworkGateways/")
    ]


def test_arm_knows_nothing_else(arm: NetworkManagementClient) -> None:
    with pytest.raises(ResourceNotFoundError):
        arm.public_ip_addresses.get("rg-Network", "pip-Hub")


def test_metrics_come_in_the_order_asked(azure: AzureStandIn) -> None:
    point = {"timeStamp": "2026-11-22T11:00:00Z", "average": 125_000.0}
    instance = {"name": {"value": "Instance"}, "value": "GatewayTenantWorker_IN_0"}
    azure.metrics[GATEWAY] = [
        {
            "id": f"{GATEWAY}/providers/Microsoft.Insights/metrics/AverageBandwidth",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": "AverageBandwidth", "localizedValue": "Gateway S2S Bandwidth"},
            "unit": "BytesPerSecond",
            "timeseries": [{"metadatavalues": [instance], "data": [point]}],
            "errorCode": "Success",
        }
    ]
    with (
        DefaultAzureCredential() as credential,
        MetricsClient(azure.url, credential, audience=azure.url) as client,
    ):
        without, found = client.query_resources(
            resource_ids=[f"{GATEWAY}-other", GATEWAY.lower()],
            metric_namespace="Microsoft.Network/virtualNetworkGateways",
            metric_names=["AverageBandwidth"],
            timespan=(NOON - timedelta(hours=1), NOON),
            granularity=timedelta(minutes=5),
            aggregations=["Average"],
            filter="Instance eq '*'",
        )

    assert [] == without.metrics
    assert [125_000.0] == [each.average for each in found.metrics[0].timeseries[0].data]


def test_faults_are_met_in_turn_and_then_the_truth(azure: AzureStandIn) -> None:
    """Whatever the path, as with this one, which the tests of the logs do not ask."""
    endpoint = azure.environment()["IDENTITY_ENDPOINT"]
    azure.once("/msi/", Reply(body={"turn": 1}), Reply(body={"turn": 2}))
    azure.once("/msi/", Reply(body={"turn": 3}))
    turns = []
    for _ in range(4):
        with urlopen(f"{endpoint}?resource=any") as response:
            turns.append(json.load(response).get("turn"))

    assert [1, 2, 3, None] == turns
