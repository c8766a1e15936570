"""EDGE: the storage account: clients for its containers and queues, and what its errors mean.

The SDK pauses for 15 seconds and more between tries, and waits a minute for an answer. Here it is
a second and ten seconds, tried twice: a run has other work, and the next one is near.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from detector.errors import DeliveryFailed, DeliveryRefused, JournalUnavailable
from detector.journal import REFUSALS, pause

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import AzureError
    from azure.storage.blob import ContainerClient
    from azure.storage.queue import QueueClient


_OPTIONS: Final[dict[str, Any]] = {"connection_timeout": 5, "read_timeout": 10}
_RETRIES: Final[dict[str, Any]] = {
    "backoff": 1,
    "random_jitter_range": 1,
    "retry_total": 2,
    "retry_connect": 1,
    "retry_read": 1,
}
# What logs the URL of a request, with the shared access signature of the connection string in it.
_TALKATIVE: Final = ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry")
_SIGNATURE: Final = re.compile(r"\bsig=[^&\s\"']+", re.IGNORECASE)
_LOOPBACK: Final = re.compile(r"(127(\.\d+){3}|localhost|\[::1\])(:|$)")
_AZURITE: Final = "npx azurite --skipApiVersionCheck --silent --location .azurite"
# A container or queue that is not there is made, so that no 404 is final here.
_REFUSALS: Final = REFUSALS.keys() - {404}


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConnection:
    """The `AzureWebJobsStorage` connection: a connection string, or the URIs for an identity.

    With `managed_identity` that identity is the one with `client_id`, or the system-assigned one;
    without it, whichever the app's own credential stands for.
    """

    connection_string: SecretStr | None = None
    blob_uri: str | None = None
    queue_uri: str | None = None
    managed_identity: bool = False
    client_id: str | None = None


def container_client(
    connection: StorageConnection, name: str, credential: Callable[[], TokenCredential]
) -> ContainerClient:
    """The client of container `name`; it has asked nothing yet.

    `credential` is called only where the connection is identity-based and names no identity.
    """
    from azure.storage.blob import ContainerClient, LinearRetry

    options = {**_OPTIONS, "retry_policy": LinearRetry(**_RETRIES)}
    if connection.connection_string is not None:
        text = _secret(connection.connection_string)
        return ContainerClient.from_connection_string(text, name, **options)
    uri = _needed(connection.blob_uri)
    return ContainerClient(uri, name, _identity(connection, credential), **options)


def queue_client(
    connection: StorageConnection, name: str, credential: Callable[[], TokenCredential]
) -> QueueClient:
    """The client of queue `name`; its messages go in base64, as Functions' queue trigger reads.

    `credential` is called as for `container_client`.
    """
    from azure.storage.queue import LinearRetry, QueueClient, TextBase64EncodePolicy

    options = {
        **_OPTIONS,
        "retry_policy": LinearRetry(**_RETRIES),
        "message_encode_policy": TextBase64EncodePolicy(),
    }
    if connection.connection_string is not None:
        text = _secret(connection.connection_string)
        return QueueClient.from_connection_string(text, name, **options)
    uri = _needed(connection.queue_uri)
    return QueueClient(uri, name, _identity(connection, credential), **options)


def unavailable(error: Exception, place: str, *, role: str, host: str) -> JournalUnavailable:
    """The error for a request to the journal at `place` on `host` that ended with `error`."""
    return JournalUnavailable(f"{place}: {_explanation(error, role, host)}")


def delivery_error(
    error: AzureError, place: str, *, role: str, host: str, now: datetime
) -> DeliveryFailed | DeliveryRefused:
    """The error for a delivery to `place` on `host` that ended with `error`.

    It is refused for good, or not taken now.
    """
    sentence = f"{place}: {_explanation(error, role, host)}"
    response = getattr(error, "response", None)
    if _is_about_identity(error) or response is None:
        return DeliveryFailed(sentence)
    if response.status_code in _REFUSALS:
        return DeliveryRefused(sentence)
    return DeliveryFailed(sentence, retry_after=pause(response.headers.get("Retry-After"), now))


def _explanation(error: Exception, role: str, host: str) -> str:
    """What `error` means and what to do, without its own text, which may quote a signed URL.

    `host` may have the account's name behind it, as Azurite's has.
    """
    host = host.partition("/")[0]
    kind = type(error).__name__
    if _is_about_identity(error):
        return f"not authenticated ({kind}); check the AzureWebJobsStorage connection"
    status = getattr(error, "status_code", None)
    if status is None and _LOOPBACK.match(host):
        return f"no answer from {host} ({kind}); is Azurite running there? Start it: {_AZURITE}"
    if status is None:
        return f"no answer from {host} ({kind}); the next run tries again"
    code = getattr(error, "error_code", None)
    answer = f"{status} {getattr(code, 'value', code)}" if code else f"{status}"
    if status == 403:
        return (
            f"refused ({answer}); give the app's identity the role {role} on the storage account, "
            "and see that the account's network rules let the app in"
        )
    if status == 401:
        return f"refused ({answer}); check the AzureWebJobsStorage connection"
    return f"answered {answer}; the next run tries again"


def _is_about_identity(error: Exception) -> bool:
    """Whether there was no token or signature, so that storage was not even asked."""
    from azure.core.exceptions import ClientAuthenticationError

    if not isinstance(error, ClientAuthenticationError):
        return False
    request = getattr(error.response, "request", None)
    return request is None or "x-ms-version" not in request.headers


def _secret(connection_string: SecretStr) -> str:
    """The connection string, whose signature, if it has one, is in no log from now on."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_without_signature)  # adding it again changes nothing
    return connection_string.get_secret_value()


def _without_signature(record: logging.LogRecord) -> bool:
    """Take the signature out of a line, which is logged all the same."""
    text = record.getMessage()
    if _SIGNATURE.search(text):
        record.msg, record.args = _SIGNATURE.sub("sig=***", text), ()
    return True


def _identity(
    connection: StorageConnection, credential: Callable[[], TokenCredential]
) -> TokenCredential:
    if not connection.managed_identity:
        return credential()
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=connection.client_id)


def _needed(uri: str | None) -> str:
    if uri is None:
        raise ValueError("no URI of the storage account; Settings.read names what is missing")
    return uri
