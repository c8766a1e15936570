"""The time that a request to Azure may take; test_logs.py has the faults it meets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Self

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline import Pipeline
from azure.core.rest import HttpRequest

from detector.azure.retry import OutOfTime, RetryWithinRun


class Unreachable:
    """A transport that reaches nobody, and keeps the timeouts it was given."""

    def __init__(self) -> None:
        self.timeouts: list[tuple[float, float]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def send(self, request: HttpRequest, **options: Any) -> None:
        self.timeouts.append((options["connection_timeout"], options["read_timeout"]))
        raise ServiceRequestError("nobody there")


def attempts(*seconds_left: float, read_timeout: float = 60) -> list[tuple[float, float]]:
    """The timeouts of each attempt, where the run has `seconds_left` each time it is looked at."""
    left: Iterator[float] = iter(seconds_left)
    transport: Any = Unreachable()
    pipeline: Pipeline[Any, Any] = Pipeline(transport, [RetryWithinRun(sleep=lambda _: None)])
    with pytest.raises((ServiceRequestError, OutOfTime)):
        pipeline.run(
            HttpRequest("POST", "https://logs.example"),
            left=lambda: timedelta(seconds=next(left)),
            read_timeout=read_timeout,
        )
    timeouts: list[tuple[float, float]] = transport.timeouts
    return timeouts


def test_an_attempt_has_the_time_that_the_call_gives_it() -> None:
    assert [(20, 190)] * 4 == attempts(*[900] * 7, read_timeout=190)


def test_each_attempt_has_no_more_time_than_the_run_has_left() -> None:
    assert [(20, 60), (20, 45), (9, 9)] == attempts(200, 199, 45, 40, 9, 0.5)


def test_a_run_without_time_makes_no_attempt() -> None:
    assert [] == attempts(0)


class Answer:
    """What a transport answers."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status_code = status
        self.reason = ""
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Throttled(Unreachable):
    """A transport that refuses the first `together` requests, all of which wait for each other."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self.first = threading.Barrier(together)
        self.sent = 0

    def send(self, request: HttpRequest, **options: Any) -> Any:
        self.sent += 1
        if self.sent <= self.first.parties:
            self.first.wait(timeout=10)
            return Answer(429, Retry_After="7")
        return Answer(200)


def asked_of(transport: Any, pauses: list[float], *, times: int = 1) -> list[int]:
    """The statuses of so many requests at once, of one client."""
    pipeline: Pipeline[Any, Any] = Pipeline(transport, [RetryWithinRun(sleep=pauses.append)])

    def ask(_: int) -> int:
        request = HttpRequest("GET", "https://arm.example")
        response = pipeline.run(request, left=lambda: timedelta(minutes=1))
        return int(response.http_response.status_code)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(ask, range(times)))


def test_throttling_holds_up_all_that_a_client_asks_once() -> None:
    pauses: list[float] = []

    statuses = asked_of(Throttled(5), pauses, times=5)

    assert [200] * 5 == statuses
    assert [7.0] == pauses


@pytest.mark.parametrize(("reads_left", "expected"), [("0", [1.0]), ("1", [])])
def test_a_client_that_has_used_up_its_reads_waits_for_more(
    reads_left: str, expected: list[float]
) -> None:
    class Counting(Unreachable):
        def send(self, request: HttpRequest, **options: Any) -> Any:
            return Answer(200, x_ms_ratelimit_remaining_subscription_reads=reads_left)

    pauses: list[float] = []
    asked_of(Counting(), pauses)

    assert expected == pauses
