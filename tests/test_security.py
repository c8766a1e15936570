"""What SECURITY.md says of the requests to Azure: what the app sends is in it, and nothing else."""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from detector.app import bootstrap
from detector.app.invocation import examine, invoke
from detector.app.settings import Settings
from detector.azure.network import MANY
from detector.errors import RunFailed
from detector.journal.delivery import attempt
from detector.model import Window
from tests.azure_stand_in import AzureStandIn
from tests.azurite import Azurite
from tests.calls import LISTED, SECURITY, listed, unlisted
from tests.cloud import (
    DIAGNOSTIC_SETTINGS,
    GATEWAY,
    NETWORK,
    SUBSCRIPTION,
    WORKSPACE,
    WORKSPACE_ID,
    a_setting,
    gateway_body,
    hand_over_rows,
    listed_by_resource_graph,
)
from tests.command_line import ROOT
from tests.loopback import Reply
from tests.sink_stand_in import an_insight

OTHER_WORKSPACE = "99999999-2222-4333-8444-555555555555"
CONNECTION = f"{NETWORK}/connections/to-branch"
PEER = f"{NETWORK}/localNetworkGateways/branch"
PUBLIC_IP = f"{NETWORK}/publicIPAddresses/pip-hub"


@pytest.fixture(name="settings")
def the_settings(
    azure: AzureStandIn, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A container, a queue and a topic, and a gateway of which ARM has to be asked all."""
    name = f"calls-{uuid4().hex[:8]}"
    environment = {
        "DETECTOR_STORE": f"blob:{name}",
        "DETECTOR_QUEUE": name,
        "DETECTOR_EVENT_GRID_ENDPOINT": f"{azure.url}/api/events",
        "DETECTOR_INGESTION_ENDPOINT": azure.url,
        "DETECTOR_INGESTION_RULE": "dcr-00000000000000000000000000000001",
        "AzureWebJobsStorage": azurite.connection_string,
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    azure.arm[GATEWAY] = without_its_address(gateway_body())
    azure.arm[f"{GATEWAY}/connections"] = {"value": [a_connection()]}
    azure.arm[CONNECTION] = a_connection()
    azure.arm[PEER] = {"id": PEER, "properties": {"gatewayIpAddress": "198.51.100.11"}}
    azure.arm[PUBLIC_IP] = {"id": PUBLIC_IP, "properties": {"ipAddress": "203.0.113.10"}}
    return Settings.read(os.environ)


def without_its_address(body: dict[str, object]) -> dict[str, object]:
    configuration = {"id": "first", "properties": {"publicIPAddress": {"id": PUBLIC_IP}}}
    properties = body["properties"]
    assert isinstance(properties, dict)
    return body | {
        "properties": properties | {"bgpSettings": {}, "ipConfigurations": [configuration]}
    }


def a_connection() -> dict[str, object]:
    ends = {"virtualNetworkGateway1": {"id": GATEWAY}, "localNetworkGateway2": {"id": PEER}}
    return {"id": CONNECTION, "name": "to-branch", "properties": ends}


def test_the_app_sends_just_the_requests_that_are_listed(
    azure: AzureStandIn,
    azurite: Azurite,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two runs, then each port and each sink by itself, since a run asks only for what it needs."""
    azure.tables["AzureDiagnostics"] += hand_over_rows()
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    for scopes in (f"{WORKSPACE},{OTHER_WORKSPACE},{GATEWAY}", WORKSPACE):
        monkeypatch.setenv("DETECTOR_SCOPES", scopes)
        with suppress(RunFailed):  # the topic is not there
            invoke()
    now = datetime.now(UTC)
    world = bootstrap.of_azure(settings, clock=lambda: now, left=lambda: timedelta(minutes=4))
    [gateway] = world.sources.gateways([GATEWAY.lower()]).values()
    world.sources.connections([gateway.id])
    world.sources.tunnels([CONNECTION.lower()])
    world.sources.inventory([GATEWAY.lower()] * MANY)
    world.sources.health([gateway.id])
    azure.once("/metrics:getBatch", Reply(status=403))
    world.sources.bandwidth([gateway], Window(start=now - timedelta(hours=1), end=now))
    world.sources.coverage(Window(start=now - timedelta(hours=1), end=now))
    for sink in world.sinks:
        attempt(sink, an_insight(revision=2))
    azure.graph.resources = [listed_by_resource_graph()]
    azure.arm |= {"/subscriptions": {"value": []}, SUBSCRIPTION: {}, WORKSPACE_ID: {}}
    azure.arm[f"{GATEWAY}{DIAGNOSTIC_SETTINGS}"] = {"value": [a_setting()]}
    scopes = f"{WORKSPACE},{SUBSCRIPTION},{GATEWAY.partition('/providers/')[0]}"
    list(examine({**os.environ, "DETECTOR_SCOPES": scopes}))

    sent = {(request.method, request.path) for request in azure.requests}
    for service, uri in (("blob", azurite.blob_uri), ("queue", azurite.queue_uri)):
        host, _, account = uri.rpartition("/")
        asked = re.findall(rf'{host} "([A-Z]+) /{account}(/[^ ?]+)\S* HTTP', caplog.text)
        sent |= {(method, f"/{service}{path}") for method, path in asked}

    assert set() == unlisted(sent)
    assert set(LISTED) == {listed(*request) for request in sent}


def test_each_permission_to_read_is_one_that_the_deployed_roles_grant() -> None:
    roles = json.loads((ROOT / "infra" / "roles.json").read_text(encoding="utf-8"))
    granted = {action for role in roles.values() for action in role["actions"]}
    named = set(re.findall(r"`(Microsoft\.[^`]+/read)`", SECURITY))

    assert named
    assert named <= granted


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", GATEWAY),
        ("DELETE", f"{GATEWAY}/connections"),
        ("POST", f"{GATEWAY}/reset"),
        ("POST", f"{CONNECTION}/sharedKey"),
        ("GET", f"{CONNECTION}/sharedKey"),
        ("GET", "/providers"),
        ("DELETE", "/blob/insights/history/a.json"),
        ("PUT", "/blob/insights/other/a.json"),
        ("GET", "/queue/insights/messages"),
    ],
)
def test_a_request_of_another_kind_is_in_no_line(method: str, path: str) -> None:
    assert {(method, path)} == unlisted([(method, path)])
