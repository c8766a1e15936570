"""Why a fact could not be had, in words that complete `unknown (why)`."""

from __future__ import annotations

from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError

from detector.azure.retry import PASSING, NoCredential, OutOfTime
from detector.errors import FactUnknown
from detector.signals import UNREADABLE

FAILURES: Final = (
    AzureError,
    OutOfTime,
    NoCredential,
    # What the clients raise for answers of another form than they expect.
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""All that asking ARM or the metrics API for a fact can raise."""

_NO_ANSWER: Final = "Azure did not answer"
_THROTTLING: Final = "Azure is throttling"


def unknown(error: Exception, *, of: str) -> FactUnknown:
    """Why a fact `of` something ("the gateway") is not known, after `error`, one of FAILURES."""
    if isinstance(error, OutOfTime):
        return FactUnknown(_THROTTLING if error.wait else "the run had no time left to ask")
    if isinstance(error, NoCredential):
        return FactUnknown("there is no credential to ask with")
    if not isinstance(error, AzureError):
        return FactUnknown(UNREADABLE)
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return FactUnknown(_NO_ANSWER if status is None else _by_status(status, of))


def _by_status(status: int, of: str) -> str:
    if status == 404:
        return f"{of} no longer exists"
    if status == 403:
        return "no permission to read it"
    if status == 429:
        return _THROTTLING
    if status in PASSING:
        return _NO_ANSWER
    return UNREADABLE if status < 400 else f"Azure refused to answer, with status {status}"
