"""What ARM answers to a GET, over the real client and HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from detector.azure.clouds import Endpoint
from detector.azure.resource_manager import Bodies, ResourceManager
from detector.errors import FactUnknown
from tests.azure_stand_in import AzureStandIn, closed
from tests.cloud import DIAGNOSTIC_SETTINGS, GATEWAY, SUBSCRIPTION, WORKSPACE_ID
from tests.loopback import Reply
from tests.test_network import AnyToken


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        yield azure


@pytest.fixture
def bodies(azure: AzureStandIn) -> Iterator[Bodies]:
    endpoint = Endpoint(url=azure.url, audience=azure.url)
    client = ResourceManager(AnyToken(), endpoint, sleep=lambda seconds: None)
    yield Bodies(lambda: client, left=lambda: timedelta(minutes=4))
    client.close()


def test_each_path_is_asked_once_in_the_version_of_its_provider(
    azure: AzureStandIn, bodies: Bodies
) -> None:
    paths = [GATEWAY, f"{GATEWAY}{DIAGNOSTIC_SETTINGS}", SUBSCRIPTION, WORKSPACE_ID]
    azure.arm |= {path: {"name": path} for path in paths}

    assert {path: {"name": path} for path in paths} == bodies([*paths, GATEWAY])
    assert {
        f"{GATEWAY}": "api-version=2026-03-01",
        f"{GATEWAY}{DIAGNOSTIC_SETTINGS}": "api-version=2021-05-01-preview",
        SUBSCRIPTION: "api-version=2022-12-01",
        WORKSPACE_ID: "api-version=2025-02-01",
    } == {request.path: request.query for request in azure.requests}
    assert 4 == len(azure.requests)


@pytest.mark.parametrize(
    ("fault", "kind", "why"),
    [
        (
            Reply(status=403),
            "refused",
            (
                "no permission to read it; give the app's identity Monitoring Reader on the "
                "resource group rg-hub"
            ),
        ),
        (Reply(status=404), "gone", "what is asked for no longer exists"),
        (Reply(status=503), "no answer", "Azure did not answer"),
        (closed, "no answer", "Azure did not answer"),
        (Reply(body=b"<html>"), "other", "the answer could not be read"),
        (Reply(body=[1]), "other", "the answer could not be read"),
    ],
)
def test_what_cannot_be_had_says_why(
    azure: AzureStandIn, bodies: Bodies, fault: Reply, kind: str, why: str
) -> None:
    azure.always(GATEWAY, fault)

    answer = bodies([GATEWAY])[GATEWAY]

    assert isinstance(answer, FactUnknown)
    assert (kind, why) == (answer.kind, answer.why)


def test_the_role_for_a_subscription_is_on_the_subscription(
    azure: AzureStandIn, bodies: Bodies
) -> None:
    azure.always(SUBSCRIPTION, Reply(status=403))

    answer = bodies([SUBSCRIPTION])[SUBSCRIPTION]

    assert isinstance(answer, FactUnknown)
    assert answer.why.endswith(
        "Monitoring Reader on the subscription 6d1f9c2a-0000-4000-8000-3f0c5e7a1b20"
    )


def test_a_name_with_signs_of_a_url_is_asked_as_a_name(azure: AzureStandIn, bodies: Bodies) -> None:
    azure.arm[f"{GATEWAY}?x=1#y z"] = {"name": "odd"}

    assert {"name": "odd"} == bodies([f"{GATEWAY}?x=1#y z"])[f"{GATEWAY}?x=1#y z"]
