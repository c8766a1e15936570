"""How a URL that is a secret is kept out of the logs of the libraries that send to it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

_TALKATIVE: Final = (
    "apprise",  # URLs, and all that is sent
    "urllib3.connection",  # the URL of a garbled reply
    "urllib3.connectionpool",  # the URL of each request
)

_withheld: ContextVar[list[logging.LogRecord] | None] = ContextVar("withheld", default=None)


@contextmanager
def unlogged() -> Iterator[list[logging.LogRecord]]:
    """Within it, and in its thread alone, the libraries that deliver log nothing.

    What they would have logged is added to the list that it gives.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_is_logged)  # adding it again changes nothing
    withheld: list[logging.LogRecord] = []
    token = _withheld.set(withheld)
    try:
        yield withheld
    finally:
        _withheld.reset(token)


def reach(origin: str, *, timeout: timedelta) -> None:
    """Return when the host at `origin` answered anything; raises what Requests does, an OSError.

    Nothing of a URL's path, which may be its secret, is sent.
    """
    import requests

    with (
        unlogged(),
        requests.head(
            f"{origin}/", timeout=timeout.total_seconds(), allow_redirects=False, stream=True
        ),
    ):
        pass


def _is_logged(record: logging.LogRecord) -> bool:
    withheld = _withheld.get()
    if withheld is None:
        return True
    withheld.append(record)
    return False
