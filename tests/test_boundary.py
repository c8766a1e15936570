"""The one boundary: what raises stops only itself, and is told by its kind and place."""

from __future__ import annotations

from typing import NoReturn

import pytest

from detector.boundary import FRAMES, Failures, contained
from detector.errors import DetectorError, JournalUnavailable, Unforeseen
from detector.text import listed

SECRET = "sv=2024&sig=secret"


def raising(error: BaseException) -> NoReturn:
    raise error


def failed(error: Exception) -> DetectorError:
    outcome = contained("vpn-hub", lambda: raising(error))
    assert isinstance(outcome, DetectorError)
    return outcome


def test_what_does_not_fail_is_returned() -> None:
    assert 7 == contained("vpn-hub", lambda: 7)


def test_an_error_of_the_detectors_own_is_returned_as_it_is() -> None:
    error = JournalUnavailable("the store did not answer")

    assert error is failed(error)


@pytest.mark.parametrize(
    "error",
    [
        *(KeyError(SECRET), ValueError(SECRET), MemoryError(SECRET), RecursionError(SECRET)),
        *(OverflowError(SECRET), AssertionError(SECRET), StopIteration(SECRET)),
        UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET),
        ExceptionGroup(SECRET, [OSError(SECRET)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_else_is_raised_is_told_by_its_kind_and_its_place(error: Exception) -> None:
    outcome = failed(error)

    assert isinstance(outcome, Unforeseen)
    assert f"vpn-hub: failed unexpectedly ({type(error).__name__} at detector.boundary:" in str(
        outcome
    )
    assert "tests.test_boundary" in outcome.trace
    assert SECRET not in str(outcome) + outcome.why + outcome.trace + repr(outcome)


def test_the_innermost_place_in_the_detector_is_named() -> None:
    outcome = contained("vpn-hub", lambda: listed([1, 2, 3]))  # type: ignore[list-item]

    assert isinstance(outcome, Unforeseen)
    assert "(TypeError at detector.text:" in str(outcome)


def test_the_trace_names_what_led_to_it_and_none_of_its_values() -> None:
    def chained() -> None:
        try:
            raising(KeyError(SECRET))
        except KeyError as error:
            raise ZeroDivisionError(SECRET) from error

    outcome = contained("vpn-hub", chained)

    assert isinstance(outcome, Unforeseen)
    assert outcome.trace.startswith("vpn-hub: ZeroDivisionError < tests.test_boundary:")
    assert "; from KeyError < tests.test_boundary:" in outcome.trace
    assert SECRET not in outcome.trace


def test_a_recursion_without_end_leaves_a_short_trace() -> None:
    def endless() -> None:
        endless()

    outcome = contained("vpn-hub", endless)

    assert isinstance(outcome, Unforeseen)
    assert FRAMES == outcome.trace.count(" < ")


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_what_ends_the_process_is_not_stopped(error: BaseException) -> None:
    with pytest.raises(type(error)):
        contained("vpn-hub", lambda: raising(error))


def test_failures_are_gathered_with_where_each_defect_was() -> None:
    failures, others = Failures(), Failures()

    assert failures.done("vpn-a", lambda: None)
    assert not failures.done("vpn-b", lambda: raising(JournalUnavailable("503")))
    assert not others.done("vpn-c", lambda: raising(KeyError(SECRET)))
    failures.extend(others)

    assert ["503", "vpn-c: failed unexpectedly (KeyError"] == [
        each.partition(" at ")[0] for each in failures.problems
    ]
    assert 1 == len(failures.traces)
