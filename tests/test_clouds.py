"""The table of clouds, and what pointing elsewhere does to it."""

from __future__ import annotations

import pytest

from detector.azure.clouds import CLOUDS, Endpoint


def test_every_cloud_of_the_settings_is_known() -> None:
    expected = {"AzureCloud", "AzureUSGovernment", "AzureChinaCloud", "AzureUSNat", "AzureUSSec"}

    assert expected == set(CLOUDS)


def test_each_public_cloud_keeps_to_its_own_hosts() -> None:
    suffixes = {
        "AzureCloud": (".azure.com", ".loganalytics.io", ".microsoftonline.com"),
        "AzureUSGovernment": (".us", ".usgovcloudapi.net"),
        "AzureChinaCloud": (".cn",),
    }
    strangers = []
    for name, own in suffixes.items():
        cloud = CLOUDS[name]
        hosts = [cloud.authority, cloud.portal, cloud.ingestion_audience]
        for endpoint in (cloud.logs, cloud.arm, cloud.metrics):
            hosts += [endpoint.url, endpoint.audience] if endpoint else [None]
        strangers += [host for host in hosts if host is None or not host.endswith(own)]

    assert [] == strangers


@pytest.mark.parametrize("name", ["AzureUSNat", "AzureUSSec"])
def test_the_hosts_of_air_gapped_clouds_come_from_the_settings(name: str) -> None:
    cloud = CLOUDS[name]

    assert (None, None, None) == (cloud.logs, cloud.arm, cloud.metrics)

    pointed = cloud.pointed(
        logs="https://logs.example/",
        arm="https://arm.example",
        metrics="https://{region}.metrics.example",
    )

    assert Endpoint(url="https://logs.example", audience="https://logs.example") == pointed.logs
    assert Endpoint(url="https://arm.example", audience="https://arm.example") == pointed.arm
    assert (
        Endpoint(url="https://{region}.metrics.example", audience="https://metrics.example")
        == pointed.metrics
    )


def test_a_cloud_that_is_pointed_nowhere_stays_as_it_is() -> None:
    cloud = CLOUDS["AzureUSGovernment"]

    assert cloud == cloud.pointed()


def test_the_government_clouds_arm_has_an_audience_of_its_own() -> None:
    arm = CLOUDS["AzureUSGovernment"].arm

    assert arm is not None
    assert "https://management.core.usgovcloudapi.net/.default" == arm.token_scope


def test_an_override_that_names_the_clouds_own_host_keeps_its_audience() -> None:
    arm = CLOUDS["AzureUSGovernment"].pointed(arm="https://management.usgovcloudapi.net/").arm

    assert CLOUDS["AzureUSGovernment"].arm == arm


def test_the_newer_name_of_the_public_logs_host_keeps_the_older_audience() -> None:
    logs = CLOUDS["AzureCloud"].pointed(logs="https://api.loganalytics.azure.com").logs

    assert (
        Endpoint(
            url="https://api.loganalytics.azure.com",
            audience="https://api.loganalytics.io",
        )
        == logs
    )
