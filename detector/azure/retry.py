"""How a request to Azure is tried again, within the time that its run has left.

The SDK's own policy sleeps as long as it is asked to, gives every attempt the same timeouts, and
gives up a POST at the first lost connection. A query is a POST that changes nothing, so it may be
repeated like any GET.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse

from detector.journal import within

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""The statuses that another attempt may mend."""

_READS_LEFT: Final = "x-ms-ratelimit-remaining-subscription-reads"
_REFILL: Final = timedelta(seconds=1)
"""After so long ARM grants another 25 reads of a subscription to whoever has used up its own.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

_PAUSES: Final = (timedelta(seconds=0.8), timedelta(seconds=1.6), timedelta(seconds=3.2))
_CONNECT_WITHIN: Final = timedelta(seconds=20)
_READ_WITHIN: Final = timedelta(seconds=60)


class OutOfTime(Exception):
    """The run has no time left for another attempt; `wait` is what Azure asked for, if it did."""

    def __init__(self, wait: timedelta | None = None) -> None:
        super().__init__("no time left" if wait is None else f"asked to wait {wait}")
        self.wait = wait


class NoCredential(Exception):
    """There is no token to send a request with."""


class RetryWithinRun(RetryPolicy[HttpRequest, HttpResponse]):
    """Three retries of what may pass: no connection, no answer, throttling, a failing server.

    While one request waits as Azure asked it to, the client's others wait with it.

    Each call must say `left=`, a function for the time that its run has left, and may say
    `read_timeout=` in seconds. No pause and no timeout outlasts that time. Raises HttpResponseError
    for every other status from 400 on, before the client takes its body for JSON.
    """

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__()
        self._pause = sleep
        self._pausing = threading.Lock()
        self._pauses_made = 0

    def send(
        self, request: PipelineRequest[HttpRequest]
    ) -> PipelineResponse[HttpRequest, HttpResponse]:
        options = request.context.options
        # A redirected request comes here again, without its options.
        left: Callable[[], timedelta] = request.context.setdefault(
            "left", options.pop("left", None)
        )
        read_within = timedelta(seconds=options.get("read_timeout", _READ_WITHIN.total_seconds()))
        pauses = iter(_PAUSES)
        while True:
            rest = self._rest(left)
            if rest <= timedelta():
                raise OutOfTime
            pauses_made = self._pauses_made
            options["connection_timeout"] = min(_CONNECT_WITHIN, rest).total_seconds()
            options["read_timeout"] = min(read_within, rest).total_seconds()
            asked = None
            failure: AzureError
            try:
                response = within(rest, lambda: self.next.send(request))
            except ClientAuthenticationError as error:
                raise NoCredential from error
            except TimeoutError:
                failure = ServiceResponseError(f"no answer within {rest.total_seconds():.1f} s")
            except AzureError as error:
                failure = error
            else:
                status = response.http_response.status_code
                if status < 400:
                    if response.http_response.headers.get(_READS_LEFT) == "0" and left() > _REFILL:
                        self._pause_all(_REFILL, pauses_made)
                    return response
                failure = HttpResponseError(response=response.http_response)
                if status not in PASSING:
                    raise failure
                asked = self._asked(response)
            pause = next(pauses, None)
            if pause is None:
                raise failure
            if asked and asked >= left():
                raise OutOfTime(asked) from failure
            wait = asked or pause
            if wait >= left():
                raise failure
            if asked:
                self._pause_all(asked, pauses_made)
            else:
                self._pause(wait.total_seconds())

    def _rest(self, left: Callable[[], timedelta]) -> timedelta:
        """The time left, once the client makes no pause."""
        rest = left()
        if self._pausing.locked() and rest > timedelta():
            if self._pausing.acquire(timeout=rest.total_seconds()):
                self._pausing.release()
            rest = left()
        return rest

    def _pause_all(self, wait: timedelta, pauses_made: int) -> None:
        """Hold the client up for `wait`, unless it has been since `pauses_made` pauses."""
        with self._pausing:
            if self._pauses_made == pauses_made:
                self._pause(wait.total_seconds())
                self._pauses_made += 1

    def _asked(self, response: PipelineResponse[HttpRequest, HttpResponse]) -> timedelta | None:
        """What Retry-After says, in seconds or as a date; None where it says nothing legible."""
        try:
            seconds = self.get_retry_after(response)
            return None if seconds is None else timedelta(seconds=seconds)
        except (ValueError, OverflowError):
            return None
