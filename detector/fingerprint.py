"""How a sink whose URL is a secret is named, and kept out of the logs of libraries."""

from __future__ import annotations

import hashlib
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH: Final = 8

_TALKATIVE: Final = (
    "apprise",  # URLs, and all that is sent
    "urllib3.connection",  # the URL of a garbled reply
    "urllib3.connectionpool",  # the URL of each request
    "azure.eventgrid._legacy._generated._serialization",  # a false alarm for each option
)

_hushed: ContextVar[bool] = ContextVar("hushed", default=False)


def fingerprint(secret: str) -> str:
    """Eight hexadecimal digits that tell secrets apart and give none away."""
    return hashlib.sha256(secret.encode()).hexdigest()[:LENGTH]


@contextmanager
def unlogged() -> Iterator[None]:
    """Within it, and in its thread alone, the libraries that deliver log nothing."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_loud)  # adding it again changes nothing
    token = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(token)


def _loud(_record: logging.LogRecord) -> bool:
    return not _hushed.get()
