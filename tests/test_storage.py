"""The storage account by each form of its connection, and no import before it is used."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from detector.app.settings import Settings
from detector.azure.blobs import BlobJournal
from detector.azure.queue import QueueSink
from detector.azure.storage import StorageConnection, container_client, queue_client
from detector.errors import DeliveryFailed, JournalUnavailable
from tests.azurite import Azurite, azurite
from tests.sink_stand_in import NOW, SinkStandIn, an_insight, replying, resetting

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


NEVER = 2**33  # seconds since 1970, when no token of these tests has ended yet


def a_token() -> str:
    """A token for storage, as far as Azurite reads it."""
    claims = {
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
        "aud": "https://storage.azure.com",
        "nbf": 0,
        "iat": 0,
        "exp": NEVER,
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return b".".join([*map(base64.urlsafe_b64encode, parts), b""]).decode().replace("=", "")


class Identity:
    """A credential whose tokens are for storage and nothing else."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        assert ("https://storage.azure.com/.default",) == scopes
        return AccessToken(a_token(), NEVER)


class NoIdentity:
    """A credential on a machine that has none."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        raise ClientAuthenticationError("no identity is assigned")


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Azurite, str]]:
    """An Azurite that admits bearer tokens, and the file of the authority that vouches for it."""
    folder = tmp_path_factory.mktemp("azurite-tls")
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = folder / "azurite.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    with azurite(folder, certificate=certificate) as running:
        yield running, str(folder / "authority.pem")


def a_connection(**settings: str) -> StorageConnection:
    """The connection that these settings of `AzureWebJobsStorage` lead to."""
    given = {"DETECTOR_SCOPES": "6f3c1f6e-0b1e-4b7a-9c37-51c2f3c0a001"}
    return Settings.read(given | settings).storage


def no_credential() -> TokenCredential:
    raise AssertionError("this connection needs no credential of the app's own")


def test_an_identity_based_connection_by_uris_takes_the_apps_own_credential(
    over_tls: tuple[Azurite, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, authority = over_tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority)
    connection = a_connection(
        AzureWebJobsStorage__blobServiceUri=storage.blob_uri,
        AzureWebJobsStorage__queueServiceUri=storage.queue_uri,
    )

    with (
        container_client(connection, "by-credential", Identity) as container,
        queue_client(connection, "by-credential", Identity) as queue,
    ):
        journal = BlobJournal(lambda: container)
        journal.note_run({"run": 1})
        QueueSink(lambda: queue, now=lambda: NOW).deliver(an_insight())

        assert {"run": 1} == journal.last_run()
        assert 1 == len(list(queue.receive_messages()))


def test_a_managed_identity_that_the_connection_names_is_the_one_that_is_asked(
    over_tls: tuple[Azurite, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, authority = over_tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority)
    client_id = "00000000-0000-0000-0000-00000000abcd"
    connection = a_connection(
        DETECTOR_QUEUE="",
        AzureWebJobsStorage__blobServiceUri=storage.blob_uri,
        AzureWebJobsStorage__credential="managedidentity",
        AzureWebJobsStorage__clientId=client_id,
    )
    token = {"access_token": a_token(), "expires_on": f"{NEVER}", "token_type": "Bearer"}
    with SinkStandIn() as endpoint:
        endpoint.answer = replying(
            200, "Content-Type: application/json", body=json.dumps(token).encode()
        )
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{endpoint.at}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        with container_client(connection, "by-identity", no_credential) as container:
            journal = BlobJournal(lambda: container)
            journal.note_run({"run": 2})

            assert {"run": 2} == journal.last_run()

    assert f"client_id={client_id}" in endpoint.received[0].path


def test_the_storage_of_this_machine_is_azurite_at_its_usual_ports() -> None:
    connection = a_connection(AzureWebJobsStorage="UseDevelopmentStorage=true")

    with (
        container_client(connection, "insights", no_credential) as container,
        queue_client(connection, "insights", no_credential) as queue,
    ):
        assert "http://127.0.0.1:10000/devstoreaccount1/insights" == container.url
        assert "http://127.0.0.1:10001/devstoreaccount1/insights" == queue.url


def test_without_an_identity_nothing_is_refused_for_good() -> None:
    """As in the minutes in which a new deployment's identity is not known everywhere yet."""
    uri = "https://st.blob.example.com"
    with (
        ContainerClient(uri, "insights", NoIdentity(), retry_total=0) as container,
        QueueClient(uri, "insights", NoIdentity(), retry_total=0) as queue,
    ):
        with pytest.raises(JournalUnavailable, match="not authenticated"):
            BlobJournal(lambda: container).last_run()
        with pytest.raises(DeliveryFailed, match="not authenticated"):
            QueueSink(lambda: queue, now=lambda: NOW).deliver(an_insight())


def test_a_connection_that_is_lost_is_tried_once_more_and_no_longer() -> None:
    with SinkStandIn() as storage:
        storage.answer = resetting
        connection = a_connection(
            AzureWebJobsStorage="AccountName=st;AccountKey=a2V5;"
            f"BlobEndpoint=http://{storage.at}/st;QueueEndpoint=http://{storage.at}/st"
        )
        with container_client(connection, "insights", no_credential) as container:
            journal = BlobJournal(lambda: container)

            with pytest.raises(JournalUnavailable, match="no answer"):
                journal.last_run()

    assert ["GET", "GET"] == [request.method for request in storage.received]


def test_nothing_of_azure_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, detector.azure.blobs, detector.azure.queue, detector.azure.storage;"
        "print(*(name for name in sys.modules if name.startswith('azure')))"
    )

    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )

    assert ("", "") == (run.stdout.strip(), run.stderr)
