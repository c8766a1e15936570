"""What holds for every test: no deadline, and in CI the same examples each time.

`HYPOTHESIS_PROFILE=thorough` tries far more examples of every property.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import azurite as storage
from tests.sink_stand_in import SinkStandIn, ca_file, over_tls

pytest.register_assert_rewrite("tests.sink_contract")

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
