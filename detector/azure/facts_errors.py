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
    OverflowError,
    RecursionError,
)
"""All that asking ARM or the metrics API for a fact can raise."""

_NO_ANSWER: Final = "Azure did not answer"
_THROTTLING: Final = "Azure is throttling"


def unknown(error: Exception, *, of: str, role: str = "") -> FactUnknown:
    """Why a fact `of` something ("the gateway") is not known, after `error`, one of FAILURES.

    `role` says which role permits to read it, and where: "Monitoring Reader on rg-network".
    """
    if isinstance(error, OutOfTime):
        why = _THROTTLING if error.wait else "the run had no time left to ask"
        return FactUnknown(why, kind="no answer")
    if isinstance(error, NoCredential):
        return FactUnknown("there is no credential to ask with", kind="no answer")
    if not isinstance(error, AzureError):
        return FactUnknown(UNREADABLE)
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status == 404:
        return FactUnknown(f"{of} no longer exists", kind="gone")
    if status in (401, 403):
        mend = f"; give the app's identity {role}" if role else ""
        return FactUnknown(f"no permission to read it{mend}", kind="refused")
    if status is None or status in PASSING:
        return FactUnknown(_THROTTLING if status == 429 else _NO_ANSWER, kind="no answer")
    return FactUnknown(
        UNREADABLE if status < 400 else f"Azure refused to answer, with status {status}"
    )
