"""A real Azurite, Azure Storage on this machine, on free ports of loopback."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azure.storage.blob import (
    AccountSasPermissions,
    ResourceTypes,
    Services,
    generate_account_sas,
)

# Azurite's well-known account and key, the same on every machine.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_PROGRAM = Path(__file__).parent.parent / "node_modules/azurite/dist/src/azurite.js"
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Azurite:
    """Where a running Azurite answers; the URIs have the account's name in their path."""

    blob_uri: str
    queue_uri: str

    @property
    def connection_string(self) -> str:
        """The value for `AzureWebJobsStorage`."""
        return (
            f"DefaultEndpointsProtocol={self.blob_uri.partition(':')[0]};"
            f"AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={self.blob_uri};QueueEndpoint={self.queue_uri};"
        )

    def signed(self) -> str:
        """The same with a shared access signature of an hour instead of the account's key."""
        signature = generate_account_sas(
            ACCOUNT,
            KEY,
            ResourceTypes(service=True, container=True, object=True),
            AccountSasPermissions(
                read=True, write=True, list=True, add=True, create=True, process=True, delete=True
            ),
            datetime.now(UTC) + timedelta(hours=1),
            services=Services(blob=True, queue=True),
        )
        return (
            f"BlobEndpoint={self.blob_uri};QueueEndpoint={self.queue_uri};"
            f"SharedAccessSignature={signature}"
        )


@contextmanager
def azurite(folder: Path, *, certificate: Path | None = None) -> Iterator[Azurite]:
    """An Azurite with nothing in it, which ends with the context and keeps all in memory.

    With a `certificate` (PEM, its key in the same file) it speaks HTTPS and admits bearer tokens,
    which it reads without asking who signed them. `folder` is where it may write its notes.
    """
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    for service in ("blob", "queue", "table"):
        options += [f"--{service}Host", "127.0.0.1", f"--{service}Port", "0"]
    if certificate is not None:
        options += ["--cert", str(certificate), "--key", str(certificate), "--oauth", "basic"]
    process = subprocess.Popen(
        [os.environ.get("NODE", "node"), str(_PROGRAM), *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield _answering(process)
        finally:
            process.terminate()
            process.communicate()


def _answering(process: subprocess.Popen[str]) -> Azurite:
    assert process.stdout is not None
    uris: dict[str, str] = {}
    said = []
    for line in process.stdout:
        said.append(line)
        if found := _LISTENING.search(line):
            uris[found[1]] = f"{found[2]}/{ACCOUNT}"
        if {"Blob", "Queue", "Table"} == set(uris):
            return Azurite(blob_uri=uris["Blob"], queue_uri=uris["Queue"])
    raise RuntimeError(f"Azurite did not start; is node_modules there? {''.join(said)}")
