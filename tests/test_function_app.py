"""From the function to the wire: real clients, a stand-in that executes the KQL, a real Azurite."""

from __future__ import annotations

import base64
import json
import logging
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from azure.functions.timer import TimerRequest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

import function_app
from detector.articles import article
from detector.errors import RunFailed, SettingsError
from tests.azure_stand_in import AzureStandIn
from tests.azurite import Azurite
from tests.calls import unlisted
from tests.cloud import DIAGNOSTIC_SETTINGS, watch
from tests.hosted import triggers
from tests.loopback import Reply

ROOT = Path(__file__).parent.parent
SUBSCRIPTION = "/subscriptions/6d1f9c2a-0000-4000-8000-3f0c5e7a1b20"
GATEWAY = (
    f"{SUBSCRIPTION}/resourceGroups/rg-hub/providers/Microsoft.Network"
    "/virtualNetworkGateways/vpn-hub-weu"
)
WORKSPACE = "11111111-2222-4333-8444-555555555555"
SEED = "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight"


@pytest.fixture(name="azure")
def an_azure() -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        azure.arm[GATEWAY] = a_gateway()
        yield azure
        assert set() == unlisted((request.method, request.path) for request in azure.requests)


@pytest.fixture(name="store")
def a_store(
    azure: AzureStandIn, azurite: Azurite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Store:
    """The app's settings, all of them from the environment."""
    name = f"insights-{uuid4().hex[:8]}"
    environment = {
        **azure.environment(),
        "DETECTOR_SCOPES": WORKSPACE,
        "DETECTOR_STORE": f"blob:{name}",
        "DETECTOR_QUEUE": name,
        "AzureWebJobsStorage": azurite.connection_string,
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)  # the host starts wherever it likes
    return Store(azurite.connection_string, name)


class Store:
    """What the app has written to its container and its queue."""

    def __init__(self, connection_string: str, name: str) -> None:
        self._container = ContainerClient.from_connection_string(connection_string, name)
        self._queue = QueueClient.from_connection_string(
            connection_string, name, message_decode_policy=TextBase64DecodePolicy()
        )
        self._queue.create_queue()

    def documents(self, suffix: str) -> list[str]:
        names = sorted(
            name
            for name in self._container.list_blob_names(name_starts_with="insights/")
            if name.endswith(suffix)
        )
        return [self._container.download_blob(name, encoding="utf-8").readall() for name in names]

    def insights(self) -> list[dict[str, object]]:
        return [json.loads(text) for text in self.documents(".json")]

    def events(self) -> list[dict[str, object]]:
        """The events in the queue, which is empty afterwards."""
        messages = list(self._queue.receive_messages(messages_per_page=32))
        for message in messages:
            self._queue.delete_message(message)
        return [json.loads(message.content) for message in messages]

    def last_run(self) -> dict[str, object]:
        return self.note("runs/last.json")

    def note(self, path: str) -> dict[str, object]:
        return dict(json.loads(self._container.download_blob(path, encoding="utf-8").readall()))


def a_gateway() -> dict[str, object]:
    return {
        "id": GATEWAY,
        "name": "vpn-hub-weu",
        "location": "westeurope",
        "properties": {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "vpnGatewayGeneration": "Generation1",
            "activeActive": False,
            "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
            "ipConfigurations": [
                {
                    "id": f"{GATEWAY}/ipConfigurations/default",
                    "properties": {
                        "subnet": {
                            "id": f"{SUBSCRIPTION}/resourceGroups/rg-net/providers"
                            "/Microsoft.Network/virtualNetworks/vnet-hub-weu/subnets/GatewaySubnet"
                        }
                    },
                }
            ],
            "bgpSettings": {
                "bgpPeeringAddresses": [
                    {
                        "ipconfigurationId": f"{GATEWAY}/ipConfigurations/default",
                        "tunnelIpAddresses": ["203.0.113.10"],
                    }
                ]
            },
        },
    }


def tunnel(at: datetime, instance: int, remote_ip: str, state: str) -> dict[str, str]:
    """A row of the tunnel log, as the table has it."""
    return {
        "TimeGenerated": at.isoformat(),
        "Category": "TunnelDiagnosticLog",
        "OperationName": f"Tunnel{state}",
        "ResourceType": "VIRTUALNETWORKGATEWAYS",
        "ResourceId": GATEWAY.upper(),
        "_ResourceId": GATEWAY.lower(),
        "instance_s": f"GatewayTenantWorker_IN_{instance}",
        "remoteIP_s": remote_ip,
        "status_s": state,
    }


def hand_over(at: datetime, *, peers: int = 2) -> list[dict[str, str]]:
    """The rows of tunnels that move from instance 0 to instance 1 within 12 seconds."""
    rows = []
    for peer in range(peers):
        remote_ip = f"198.51.100.{11 + peer}"
        down = at + timedelta(milliseconds=100 * peer)
        rows.append(tunnel(down, 0, remote_ip, "Disconnected"))
        rows.append(tunnel(down + timedelta(seconds=12), 1, remote_ip, "Connected"))
    return rows


def detect() -> None:
    function_app.detect(TimerRequest())


def ago(minutes: float) -> datetime:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(microsecond=123000)


def test_a_failover_in_azure_monitor_becomes_the_rendered_article(
    azure: AzureStandIn, store: Store
) -> None:
    at = ago(40)
    azure.tables["AzureDiagnostics"] += hand_over(at)

    detect()
    [insight] = store.insights()
    [event] = store.events()
    [markdown] = store.documents(".md")
    shipped = article.parse((ROOT / "articles" / f"{SEED}.md").read_bytes().decode())
    timestamp = at.strftime("%Y-%m-%dT%H:%M:%S.123Z")
    facts = {
        "virtualNetworkName": "vnet-hub-weu",
        "gatewayVip": "203.0.113.10",
        "preciseTimestamp": timestamp,
    }

    assert insight["diagnosticScenario"] == SEED
    assert insight["insight"]["results"] == shipped.render(facts)  # type: ignore[index]
    assert facts.items() <= insight["facts"].items()  # type: ignore[attr-defined]
    assert insight["verdict"] == (
        f"vpn-hub-weu failed over at {at:%H:%M:%SZ} with no recorded cause; "
        "2 tunnels were down for at most 12 s by the rows, both are back."
    )
    assert insight["verdict"] in markdown.replace("\\", "")
    assert event["data"] == insight
    assert event["id"] == f"{insight['id']}:1"
    assert event["type"] == "GatewayFailover.Insight.Detected"


def test_a_gateway_that_nobody_could_see_is_told_once_a_day_at_most(
    azure: AzureStandIn, store: Store
) -> None:
    watch(azure)
    azure.arm[f"{GATEWAY}{DIAGNOSTIC_SETTINGS}"] = {"value": []}

    function_app.check_coverage(TimerRequest())
    function_app.check_coverage(TimerRequest())
    [event] = store.events()
    noted = store.note("coverage/last.json")

    assert "GatewayFailover.Coverage.Changed" == event["type"]
    assert [GATEWAY.lower()] == [each["id"] for each in event["data"]["newlyBlind"]]  # type: ignore[index]
    assert [
        {"id": GATEWAY.lower(), "why": "it has no diagnostic setting, so it logs nothing"}
    ] == noted["blind"]


def test_a_second_run_tells_nothing(azure: AzureStandIn, store: Store) -> None:
    azure.tables["AzureDiagnostics"] += hand_over(ago(40))
    detect()
    told = store.insights()
    assert len(store.events()) == 1

    detect()

    assert store.insights() == told
    assert store.events() == []


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_arrive_late_and_in_any_order_tell_each_failover_once(
    azure: AzureStandIn, store: Store, seed: int
) -> None:
    rows = hand_over(ago(200), peers=3) + hand_over(ago(60), peers=2)
    draw = random.Random(seed)
    draw.shuffle(rows)
    events = []
    while rows:
        arrived = draw.randint(1, 5)
        azure.tables["AzureDiagnostics"] += rows[:arrived]
        del rows[:arrived]
        detect()
        events += store.events()
    detect()
    events += store.events()
    detected = [event for event in events if str(event["type"]).endswith("Detected")]

    assert len(detected) == 2
    assert len({event["id"] for event in events}) == len(events)
    assert [2, 3] == sorted(
        len(insight["failover"]["outages"])  # type: ignore[index]
        for insight in store.insights()
    )
    assert {"recovered"} == {
        insight["failover"]["state"]  # type: ignore[index]
        for insight in store.insights()
    }


def test_a_scope_that_fails_makes_the_invocation_fail_after_everything_else_was_done(
    azure: AzureStandIn, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECTOR_SCOPES", f"{WORKSPACE},{GATEWAY}")
    azure.tables["AzureDiagnostics"] += hand_over(ago(40))
    azure.always("/v1/subscriptions", Reply(status=403, body={"error": {"code": "Forbidden"}}))

    with pytest.raises(RunFailed) as failed:
        detect()
    [problem] = failed.value.problems

    assert GATEWAY.lower() in problem
    assert len(store.insights()) == 1
    assert len(store.events()) == 1


def test_an_idle_run_costs_one_query_and_three_requests_to_storage(
    azure: AzureStandIn, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    detect()
    azure.requests.clear()
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")

    detect()
    sent = [
        record.getMessage()
        for record in caplog.records
        if record.name == "urllib3.connectionpool" and "HTTP/1.1" in record.getMessage()
    ]

    assert len(azure.asked("/query")) == 1
    assert len(azure.asked("/subscriptions")) == 0
    assert len([line for line in sent if "devstoreaccount1" in line]) == 3, sent


@pytest.mark.parametrize("answers", [True, False])
def test_no_signature_of_the_storage_account_is_logged_at_any_level(
    answers: bool,  # noqa: FBT001
    azure: AzureStandIn,
    store: Store,
    azurite: Azurite,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever debugs may raise every level; the URL of each request holds the signature."""
    connection = azurite.signed()
    if not answers:
        connection = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", connection)
    monkeypatch.setenv("AzureWebJobsStorage", connection)
    azure.tables["AzureDiagnostics"] += hand_over(ago(40))
    caplog.set_level(logging.DEBUG)

    with nullcontext() if answers else pytest.raises(RunFailed):
        detect()
    logged = "\n".join(map(logging.Formatter().format, caplog.records))
    sent = [record for record in caplog.records if record.name.startswith("urllib3")]

    assert "sig=***" in logged or not answers
    assert [] == re.findall(r"sig=[^*].*", logged)
    assert sent


def test_a_run_logs_one_json_line_and_one_for_each_insight(
    azure: AzureStandIn, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    azure.tables["AzureDiagnostics"] += hand_over(ago(40))
    caplog.set_level(logging.INFO)

    detect()
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "detector"]

    assert ["insight", "run"] == [next(iter(line)) for line in lines]
    assert lines[0]["insight"]["reason"] == "detected"
    assert lines[1]["run"] == store.last_run()["report"]
    assert all("\n" not in r.getMessage() for r in caplog.records if r.name == "detector")


def test_what_turns_or_ends_a_line_is_escaped_in_the_log(
    azure: AzureStandIn, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """The name of a gateway is Azure's, and a row may say anything."""
    odd = f"{GATEWAY.lower()}\u202e\u2028-1"
    azure.tables["AzureDiagnostics"] += [row | {"_ResourceId": odd} for row in hand_over(ago(40))]
    caplog.set_level(logging.INFO)

    detect()
    lines = [r.getMessage() for r in caplog.records if r.name == "detector"]

    assert odd == json.loads(lines[0])["insight"]["gateway"]
    assert all(line.isprintable() for line in lines)


def test_settings_that_are_missing_are_named_and_nothing_is_asked(
    azure: AzureStandIn, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DETECTOR_SCOPES")

    with pytest.raises(SettingsError, match="DETECTOR_SCOPES"):
        detect()

    assert azure.requests == []


def test_the_host_finds_a_timer_that_does_not_run_on_start_up() -> None:
    binding = triggers()["detect"]

    assert binding["type"] == "timerTrigger"
    assert binding["schedule"] == "%DETECTOR_SCHEDULE%"
    assert binding["useMonitor"] is True
    assert binding["runOnStartup"] is False


def test_importing_the_app_needs_no_settings_and_imports_nothing_heavy() -> None:
    program = (
        "import sys, azure.functions; before = set(sys.modules); import function_app;"
        "print(sorted(set(sys.modules) - before))"
    )

    imported = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={}, capture_output=True, text=True
    )

    assert imported.stderr == ""
    assert imported.stdout.strip() == "['function_app']"


def test_queue_messages_are_in_base64_as_the_queue_trigger_expects(
    azure: AzureStandIn, store: Store, azurite: Azurite
) -> None:
    azure.tables["AzureDiagnostics"] += hand_over(ago(40))

    detect()
    queue = QueueClient.from_connection_string(
        azurite.connection_string,
        store._queue.queue_name,  # noqa: SLF001
    )
    [message] = queue.peek_messages()

    assert json.loads(base64.b64decode(message.content))["specversion"] == "1.0"
