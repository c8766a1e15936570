"""What went wrong with a query, in a sentence that names the scope and says what to do."""

from __future__ import annotations

import re
from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError

from detector.azure.query import NoLogs
from detector.azure.retry import PASSING, NoCredential, OutOfTime
from detector.errors import LogsRefused, LogsUnavailable
from detector.model import Scope


class Denied(Exception):
    """An answer leaves out what the identity may not read; the text says what that is."""


MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the client raises for answers that are no JSON, or JSON of another form than it expects."""

QUERY_FAILURES: Final = (AzureError, OutOfTime, NoCredential, Denied, OSError, *MALFORMED)
"""All that a query can raise; OSError is about the file that REQUESTS_CA_BUNDLE names."""

_UNRESOLVED: Final = re.compile(
    r"Failed to resolve [\w ]*(?:table|column|scalar)[\w ]* named '([^']+)'"
)
_TABLES: Final = frozenset({"AzureDiagnostics", "AzureActivity"})
_DETAIL_LENGTH: Final = 200
_AGAIN: Final = "the next run tries again"


def no_logs(text: str) -> NoLogs | None:
    """What is not there to look in, where `text` is the error of a query that names it."""
    unresolved = _UNRESOLVED.search(text)
    if unresolved is None:
        return None
    return NoLogs(f"it has no {unresolved[1]} yet: no gateway has sent its logs there")


def may_be_of_one(error: Exception) -> bool:
    """Whether a batch that failed with `error` may have failed for one of its queries alone."""
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return 400 <= error.status_code < 500 and error.status_code not in PASSING
    return isinstance(error, MALFORMED)


def trouble(error: Exception, scope: Scope) -> LogsRefused | LogsUnavailable | NoLogs:
    """What `error`, one of QUERY_FAILURES, means for `scope`."""
    if isinstance(error, OutOfTime):
        return LogsUnavailable(_out_of_time(error, scope), scope=scope.id)
    if isinstance(error, NoCredential):
        return LogsRefused(
            f"{scope}: there is no credential to query its logs with; run `az login`, or give the "
            "function app a managed identity (and AZURE_CLIENT_ID for a user-assigned one)",
            scope=scope.id,
        )
    if isinstance(error, Denied):
        return LogsRefused(
            f"{scope}: its logs are answered without {error}, which the identity may not read; "
            f"{_role(scope)}",
            scope=scope.id,
        )
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, HttpResponseError) and status is not None and status >= 400:
        return _by_status(error, status, scope)
    if isinstance(error, ServiceRequestError | OSError):
        what = "Log Analytics cannot be reached"
    elif isinstance(error, AzureError) and status is None:
        what = "Log Analytics broke off, or did not answer in time"
    else:
        what = "what answered is not what Log Analytics answers (is DETECTOR_LOGS_ENDPOINT right?)"
    return LogsUnavailable(f"{scope}: {what}; {_AGAIN}", scope=scope.id)


def _by_status(
    error: HttpResponseError, status: int, scope: Scope
) -> LogsRefused | LogsUnavailable | NoLogs:
    if status == 429:
        return LogsUnavailable(f"{scope}: Log Analytics throttles; {_AGAIN}", scope=scope.id)
    if status in PASSING:
        return LogsUnavailable(
            f"{scope}: Log Analytics fails with status {status}; {_AGAIN}", scope=scope.id
        )
    detail = _detail(error)
    if status == 400 and (absent := no_logs(detail)) is not None:
        return absent
    advice = {
        401: "the identity's token is not accepted; check that DETECTOR_CLOUD, or "
        "DETECTOR_LOGS_ENDPOINT, is the cloud that the identity belongs to",
        403: f"the identity may not read its logs; {_role(scope)}",
        404: _where_it_is(scope),
    }.get(status, "the query is refused; check this scope in DETECTOR_SCOPES")
    return LogsRefused(
        f"{scope}: {advice} (status {status}{detail and f': {detail}'})", scope=scope.id
    )


def _out_of_time(error: OutOfTime, scope: Scope) -> str:
    if error.wait is None:
        return f"{scope}: this run has no time left to ask for its logs; {_AGAIN}"
    seconds = error.wait.total_seconds()
    return (
        f"{scope}: Log Analytics asks to wait {seconds:.0f} s, longer than this run may; {_AGAIN}"
    )


def _role(scope: Scope) -> str:
    if scope.is_workspace:
        return "grant it Monitoring Reader on the workspace"
    return f"grant it Monitoring Reader on {scope}, and on the workspaces that its logs go to"


def _where_it_is(scope: Scope) -> str:
    if scope.is_workspace:
        return (
            "there is no such workspace in this cloud; DETECTOR_SCOPES takes the workspace id that "
            "its overview page shows (a GUID, not the resource id), and DETECTOR_CLOUD its cloud"
        )
    return "there is no such resource; correct it in DETECTOR_SCOPES, or take it out"


def _detail(error: HttpResponseError) -> str:
    """The message of the innermost error, on one line; empty where the body has none."""
    if error.error is None:
        return ""
    message: object = error.error.message
    inner: object = error.error.innererror
    while isinstance(inner, dict):
        message = inner.get("message", message)
        inner = inner.get("innererror")
    return " ".join(str(message or "").split())[:_DETAIL_LENGTH]


def denied(permissions: object) -> list[str]:
    """Which of the tables that we ask for an answer leaves out, by its `permissions`.

    That object holds lists of tables under `denyTables`, one for each workspace that was looked in;
    where in it they stand does not matter here.
    """
    if isinstance(permissions, list):
        return sorted({name for each in permissions for name in denied(each)})
    if not isinstance(permissions, dict):
        return []
    found: set[str] = set()
    for key, value in permissions.items():
        if key == "denyTables" and isinstance(value, list):
            found |= _TABLES.intersection(value)
        else:
            found |= set(denied(value))
    return sorted(found)
