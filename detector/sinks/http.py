"""How a URL that is a secret is kept out of the logs of the libraries that send to it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TALKATIVE: Final = (
    "apprise",  # URLs, and all that is sent
    "urllib3.connection",  # the URL of a garbled reply
    "urllib3.connectionpool",  # the URL of each request
)

_hushed: ContextVar[bool] = ContextVar("hushed", default=False)


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
