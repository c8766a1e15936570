"""The one boundary: whatever a part of a run raises stops only that part, and is reported.

It stands around each row, body, history, gateway, scope and delivery, and around the run itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from traceback import walk_tb
from typing import Final, TypeVar

from detector.errors import DetectorError, Unforeseen

T = TypeVar("T")

FRAMES: Final = 30
"""So many of the innermost calls of an exception are kept: recursion leaves a thousand."""


def contained(place: str, part: Callable[[], T]) -> T | DetectorError:
    """What `part` returns, or why it failed: nothing that it raises gets out.

    An error of the detector's own is returned as it is. Of any other only the kind and the place
    are told: its text may hold a secret. What ends the process (SystemExit, KeyboardInterrupt)
    is not caught.
    """
    try:
        return part()
    except DetectorError as error:
        return error
    except Exception as error:  # noqa: BLE001 -- this is the boundary
        return unforeseen(error, place)


@dataclass(slots=True)
class Failures:
    """What failed: a line for each part, and for each defect where it was, for the log."""

    problems: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)

    def add(self, error: DetectorError) -> None:
        """Take in why one part failed."""
        self.problems.append(str(error))
        if isinstance(error, Unforeseen):
            self.traces.append(error.trace)

    def done(self, place: str, part: Callable[[], None]) -> bool:
        """Whether a part could be done; why not is taken in."""
        failed = contained(place, part)
        if failed is not None:
            self.add(failed)
        return failed is None

    def extend(self, others: Failures) -> None:
        """Take in what failed elsewhere."""
        self.problems += others.problems
        self.traces += others.traces


def unforeseen(error: Exception, place: str) -> Unforeseen:
    """An exception that nobody thought of, by its kind and its place, without any value."""
    own = [each for each in _frames(error) if each.startswith("detector.")]
    where = f" at {own[-1].partition(' in ')[0]}" if own else ""
    return Unforeseen(place, f"{type(error).__name__}{where}", trace=f"{place}: {_trace(error)}")


def _trace(error: BaseException) -> str:
    """The kinds of an exception and of what led to it, each with its innermost calls."""
    told: list[str] = []
    known: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in known and len(known) < FRAMES:
        known.add(id(cause))
        told.append(" < ".join([type(cause).__name__, *reversed(_frames(cause)[-FRAMES:])]))
        cause = cause.__cause__ or cause.__context__
    return "; from ".join(told)


def _frames(error: BaseException) -> list[str]:
    """The calls that an exception came through, the outermost first: `module:line in function`."""
    return [
        f"{frame.f_globals.get('__name__')}:{line} in {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
