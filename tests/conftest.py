"""What tests share: how Hypothesis searches, and whom the app meets.

`HYPOTHESIS_PROFILE=thorough` tries far more examples of every property.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import azurite as storage
from tests.sink_stand_in import SinkStandIn, ca_file, over_tls

pytest.register_assert_rewrite("tests.sink_contract")

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.azure_stand_in import AzureStandIn
    from tests.command_line import Command

settings.register_profile("laptop", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("laptop"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("laptop"), max_examples=3_000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "laptop")
)


@pytest.fixture(scope="session", name="azurite")
def one_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[storage.Azurite]:
    """Azure Storage for all tests of a worker, each with containers and queues of its own."""
    with storage.azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkStandIn]:
    """A server over TLS whose authority the environment names."""
    with ca_file() as path, over_tls() as receiver:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", path)
        yield receiver


@pytest.fixture(name="store")
def a_folder_to_store_in(tmp_path: Path) -> Path:
    """The folder of the app's store, which is not there yet."""
    return tmp_path / "store"


@pytest.fixture(name="azure")
def an_azure_with_a_gateway(monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[AzureStandIn]:
    """Azure's stand-in with one gateway, and the app's settings to watch it.

    Whatever it is asked is in SECURITY.md's list.
    """
    from tests.azure_stand_in import AzureStandIn
    from tests.calls import unlisted
    from tests.cloud import GATEWAY, gateway_body, settle

    with AzureStandIn() as azure:
        azure.arm[GATEWAY] = gateway_body()
        azure.arm[f"{GATEWAY}/connections"] = {"value": []}
        settle(monkeypatch, azure, store)
        yield azure
        assert set() == unlisted((request.method, request.path) for request in azure.requests)


@pytest.fixture(name="detector")
def a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, by the environment as it is when it is called."""
    from tests.command_line import command

    return command(monkeypatch, capsys)


@pytest.fixture(scope="module", name="browser")
def a_browser() -> Iterator[Browser]:
    """A headless Chromium, for a module only: meanwhile Playwright keeps an event loop running."""
    from tests.browser import chromium

    with chromium() as browser:
        yield browser
