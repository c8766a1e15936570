"""The time that a request to Azure may take; test_logs.py has the faults it meets."""

from __future__ import annotations

from collections.abc import Iterator
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
