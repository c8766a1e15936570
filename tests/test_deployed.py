"""A deployed app's settings, as Azure's own command line tells them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from detector.app.deployed import settings_of_app
from detector.errors import OperatorError
from tests.command_line import AFTERNOON, Command

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")

SETTINGS = {
    "DETECTOR_SCOPES": "11111111-2222-4333-8444-555555555555",
    "DETECTOR_STORE": "blob:insights",
    "DETECTOR_NOTIFY_URLS": "@Microsoft.KeyVault(SecretUri=https://v.vault.example/secrets/n)",
    "AzureWebJobsStorage__blobServiceUri": "https://account.blob.example.net/",
    "AzureWebJobsStorage__queueServiceUri": "https://account.queue.example.net/",
    "AzureWebJobsStorage__credential": "managedidentity",
    "AzureWebJobsStorage__clientId": "22222222-2222-4333-8444-555555555555",
    "AZURE_CLIENT_ID": "22222222-2222-4333-8444-555555555555",
    "AZURE_TOKEN_CREDENTIALS": "prod",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=0",
}


@pytest.fixture(name="az")
def an_az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Azure's command line, which prints the file `listed` or fails with the file `failed`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "az"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/asked\n'
        f"if [ -f {tmp_path}/failed ]; then cat {tmp_path}/failed >&2; exit 3; fi\n"
        f"cat {tmp_path}/listed\n"
    )
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path


def lists(folder: Path, settings: dict[str, str | None]) -> None:
    listed = [{"name": n, "slotSetting": False, "value": v} for n, v in settings.items()]
    (folder / "listed").write_text(json.dumps(listed))


def test_what_the_detector_reads_is_taken_and_nothing_that_chooses_an_identity(az: Path) -> None:
    lists(az, {**SETTINGS, "DETECTOR_QUEUE": None})

    taken, references = settings_of_app("func-1", "rg-failovers")

    assert {
        "DETECTOR_SCOPES",
        "DETECTOR_STORE",
        "DETECTOR_QUEUE",
        "AzureWebJobsStorage__blobServiceUri",
        "AzureWebJobsStorage__queueServiceUri",
    } == taken.keys()
    assert ["DETECTOR_NOTIFY_URLS"] == references
    assert ["--name", "func-1", "--resource-group", "rg-failovers"] == (
        (az / "asked").read_text().splitlines()[4:8]
    )


def test_of_a_connection_string_only_the_accounts_name_is_taken(az: Path) -> None:
    connection = "DefaultEndpointsProtocol=https;AccountName=account1;AccountKey=c2VjcmV0"
    lists(az, {"AzureWebJobsStorage": connection})

    assert {"AzureWebJobsStorage__accountName": "account1"} == settings_of_app("f", "g")[0]


def test_what_az_says_is_told(az: Path) -> None:
    (az / "failed").write_text("WARNING: old\nERROR: Please run 'az login'.\n")

    with pytest.raises(OperatorError, match=r"ERROR: Please run 'az login'\..*Website Contributor"):
        settings_of_app("f", "g")


@pytest.mark.parametrize("listed", ["", "{", "[1", "nothing"])
def test_an_answer_that_makes_no_sense_is_said(az: Path, listed: str) -> None:
    (az / "listed").write_text(listed)

    with pytest.raises(OperatorError, match="az functionapp config appsettings list"):
        settings_of_app("f", "g")


def test_without_az_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(OperatorError, match="--app needs Azure's command line"):
        settings_of_app("f", "g")


def test_a_command_reads_the_store_of_the_app_and_names_what_it_cannot_read(
    az: Path, detector: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = az / "store"
    detector("replay", AFTERNOON, "--out", folder)
    lists(az, {**SETTINGS, "DETECTOR_STORE": f"file:{folder}"})
    monkeypatch.setenv("DETECTOR_STORE", "file:/elsewhere")

    said = detector("list", "--since", "2026-11-01", "--app", "func-1", "--group", "rg")

    assert 0 == said.code
    assert "vpn-hub-weu" in said.out
    assert f"store: folder {folder}" in said.err
    assert "note: DETECTOR_NOTIFY_URLS of func-1 is a reference, which only the app" in said.err


@pytest.mark.parametrize("arguments", [("--app", "a"), ("--group", "g")])
def test_an_app_is_named_with_its_group(detector: Command, arguments: tuple[str, str]) -> None:
    for command in (("list",), ("status",), ("show", "x"), ("drill", "/x")):
        assert 2 == detector(*command, *arguments).code
