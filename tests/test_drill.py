"""A drill: a failover that did not happen, told by every sink, marked, and without a trace."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from tests.azure_stand_in import AzureStandIn
from tests.azurite import Azurite
from tests.cloud import GATEWAY, NETWORK, gateway_body
from tests.command_line import ROOT, Command, files
from tests.loopback import Reply
from tests.sink_stand_in import SinkStandIn, ca_file, over_tls, replying

SCHEMA = json.loads((ROOT / "docs" / "insight.schema.json").read_bytes())


pytestmark = pytest.mark.usefixtures("azure")


@pytest.fixture(name="people")
def someone_to_tell(monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkStandIn]:
    with SinkStandIn() as people:
        monkeypatch.setenv("DETECTOR_NOTIFY_URLS", f"json://{people.at}/")
        yield people


@pytest.fixture(name="webhook")
def a_webhook(
    azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[SinkStandIn]:
    both = tmp_path / "authorities.pem"
    with ca_file() as own, over_tls() as webhook:
        authorities = [Path(own), Path(os.environ["REQUESTS_CA_BUNDLE"])]
        both.write_text("".join(each.read_text() for each in authorities))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(both))
        monkeypatch.setenv("DETECTOR_WEBHOOK_URLS", f"https://{webhook.at}/s3cret")
        yield webhook


def insights(store: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(store.glob("insights/**/*.json"))]


def with_connections(azure: AzureStandIn, *names: str) -> None:
    """Give the gateway these connections, each to a peer of its own."""
    listed = []
    for number, name in enumerate(names, start=11):
        peer = f"{NETWORK}/localNetworkGateways/{name}-peer"
        azure.arm[peer] = {"id": peer, "properties": {"gatewayIpAddress": f"198.51.100.{number}"}}
        body = {
            "id": f"{NETWORK}/connections/{name}",
            "name": name,
            "properties": {
                "virtualNetworkGateway1": {"id": GATEWAY},
                "localNetworkGateway2": {"id": peer},
                "connectionType": "IPsec",
                "connectionStatus": "Connected",
            },
        }
        azure.arm[str(body["id"])] = body
        listed.append(body)
    azure.arm[f"{GATEWAY}/connections"] = {"value": listed}


def test_a_drill_is_marked_in_every_format(
    detector: Command, store: Path, people: SinkStandIn, webhook: SinkStandIn
) -> None:
    said = detector("drill", GATEWAY)
    [insight] = insights(store)
    [markdown] = store.glob("insights/**/*.md")
    [message] = [json.loads(each.body) for each in people.received]
    [event] = [json.loads(each.body) for each in webhook.received]
    jsonschema.validate(insight, SCHEMA)

    assert 0 == said.code
    assert insight["drill"] is True
    assert insight["verdict"].startswith("DRILL: vpn-hub-weu failed over at ")
    assert insight["insight"]["title"].startswith("DRILL: ")
    assert said.out == markdown.read_text(encoding="utf-8") + "\n"
    assert said.out.startswith("# DRILL: ")
    assert "\n## DRILL: " in said.out
    assert message["title"].startswith("DRILL BACK after 12 s: vpn-hub-weu, ")
    assert "This is a drill: no failover happened" in message["message"]
    assert event["drill"] is True
    assert event["data"] == insight


def test_a_drill_says_what_each_sink_made_of_it_and_no_secret(
    detector: Command, people: SinkStandIn, webhook: SinkStandIn
) -> None:
    said = detector("drill", GATEWAY)

    sinks, outcomes = zip(*(line.split(": ") for line in said.err.splitlines()), strict=True)
    assert ["insight-files", "webhook", "json"] == [
        re.sub("-[0-9a-f]{6,}$", "", sink) for sink in sinks
    ]
    assert {"delivered"} == set(outcomes)
    assert "s3cret" not in said.err


def test_a_drill_leaves_no_trace_in_the_journal(detector: Command, store: Path) -> None:
    detector("drill", GATEWAY)
    shown = ("insights/", "fleet/")
    first = [path for path in files(store) if not path.startswith(shown)]

    ran = detector("run")

    assert [".lock"] == first
    assert 0 == ran.code
    assert "" == ran.out
    assert ["runs/last.json"] == [
        path for path in files(store) if not path.startswith((*shown, ".lock", "index.html"))
    ]


def test_a_drill_goes_to_the_container_and_the_queue(
    detector: Command, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"drill-{uuid4().hex[:8]}"
    monkeypatch.setenv("DETECTOR_STORE", f"blob:{name}")
    monkeypatch.setenv("DETECTOR_QUEUE", name)
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)

    said = detector("drill", GATEWAY)

    with (
        ContainerClient.from_connection_string(azurite.connection_string, name) as container,
        QueueClient.from_connection_string(azurite.connection_string, name) as queue,
    ):
        names = list(container.list_blob_names())
        [event] = [json.loads(base64.b64decode(each.content)) for each in queue.peek_messages()]
    assert 0 == said.code
    assert {"insights", "fleet"} == {each.partition("/")[0] for each in names}
    assert event["drill"] is True
    assert event["data"]["verdict"].startswith("DRILL: ")


def test_a_dry_run_shows_the_drill_and_sends_nothing(
    detector: Command, store: Path, people: SinkStandIn
) -> None:
    said = detector("drill", GATEWAY, "--dry-run")

    assert 0 == said.code
    assert said.out.startswith("# DRILL: ")
    assert "dry run, nothing sent\n" == said.err
    assert not store.exists()
    assert [] == people.received


def test_the_tunnels_of_a_drill_have_their_real_names(
    detector: Command, azure: AzureStandIn
) -> None:
    with_connections(azure, "to-paris", "to-lyon")

    said = detector("drill", GATEWAY.upper(), "--dry-run")

    assert "- 198.51.100.11 (to-paris): down at " in said.out
    assert "- 198.51.100.12 (to-lyon): down at " in said.out
    assert said.out.splitlines()[0].endswith(
        "with no recorded cause yet; 2 tunnels were down for at most 12 s by the rows, "
        "both are back."
    )


def test_a_gateway_without_connections_is_drilled_with_documentation_addresses(
    detector: Command,
) -> None:
    said = detector("drill", GATEWAY, "--dry-run")

    assert "- 192.0.2.1: down at " in said.out


@pytest.mark.parametrize("peers", [(), ("to-paris",), ("to-paris", "to-lyon", "to-lille")])
def test_an_active_active_gateway_is_drilled_as_well(
    detector: Command, azure: AzureStandIn, peers: tuple[str, ...]
) -> None:
    azure.arm[GATEWAY] = gateway_body(vips=2)
    with_connections(azure, *peers)

    said = detector("drill", GATEWAY, "--dry-run")

    assert 0 == said.code
    assert said.out.startswith("# DRILL: vpn-hub-weu failed over at ")
    assert "active-active" in said.out
    assert "- **VIP:** 203.0.113.10, 203.0.113.11" in said.out


@pytest.mark.parametrize(
    ("status", "why"), [(404, "the gateway no longer exists"), (403, "no permission to read it")]
)
def test_a_gateway_that_cannot_be_read_is_said_and_nothing_sent(
    detector: Command, azure: AzureStandIn, store: Path, status: int, why: str
) -> None:
    azure.arm[GATEWAY] = Reply(
        status=status, body={"error": {"code": "AuthorizationFailed", "message": "no"}}
    )

    said = detector("drill", GATEWAY)

    assert (1, "") == (said.code, said.out)
    assert said.err.startswith(f"error: {GATEWAY.lower()}: ")
    assert why in said.err
    assert said.err.endswith("; a drill needs a gateway that you may read (the role Reader)\n")
    assert not store.exists()


def test_a_sink_that_fails_is_said_and_the_others_are_told(
    detector: Command, store: Path, people: SinkStandIn, webhook: SinkStandIn
) -> None:
    webhook.answer = replying(410)

    said = detector("drill", GATEWAY)
    problems = [line for line in said.err.splitlines() if not line.endswith(": delivered")]

    assert 1 == said.code
    assert 1 == len(problems)
    assert problems[0].startswith("webhook-")
    assert "410" in problems[0]
    assert 1 == len(people.received)
    assert 1 == len(insights(store))


def test_articles_that_cannot_tell_it_are_said(
    detector: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "other.md").write_text(
        '<properties\ndiagnosticScenario="other"\ncloudEnvironments="Public"\n/>\n# Title\n'
    )
    monkeypatch.setenv("DETECTOR_ARTICLES", str(tmp_path / "articles"))

    said = detector("drill", GATEWAY, "--dry-run")

    assert 1 == said.code
    assert said.out.startswith("# DRILL: ")
    assert said.err.startswith("error: no article for ")


@pytest.mark.parametrize("arguments", [("drill", GATEWAY), ("run", "--dry-run")])
def test_a_notification_url_that_nobody_can_use_is_said_before_anything_is_asked(
    detector: Command,
    azure: AzureStandIn,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv("DETECTOR_NOTIFY_URLS", "bogus://s3cret")

    said = detector(*arguments)

    assert (1, "") == (said.code, said.out)
    assert "DETECTOR_NOTIFY_URLS: number 1 is no URL that Apprise can use" in said.err
    assert "s3cret" not in said.err
    assert [] == azure.requests
