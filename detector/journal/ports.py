"""The ports of the journal: where histories are kept, and where insights are delivered to.

Each has an implementation in `azure/`, `local/` or `sinks/`; `app/bootstrap.py` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from detector.insights import Coverage, Insight, News, Reason
    from detector.journal.hearing import Hearing
    from detector.journal.history import History


class Journal(Protocol):
    """The histories of gateways, each saved by compare-and-swap, and notes of what was last done.

    A tag is what `load` gave with the history: opaque, and None for a history that is not there.
    Every method raises JournalUnavailable when the store does not answer.
    """

    def load(self, key: str) -> tuple[History | None, str | None]:
        """The history under `key` with its tag."""
        ...

    def save(self, history: History, tag: str | None) -> str:
        """Write `history`, if it is still as `tag` says; its new tag. Raises JournalConflict."""
        ...

    def due(self, now: datetime) -> Sequence[str]:
        """The keys of histories that asked, with `History.due`, to be looked at by `now`."""
        ...

    def last_run(self) -> Mapping[str, object] | None:
        """What the last run noted, a JSON object, or None."""
        ...

    def note_run(self, note: Mapping[str, object]) -> None:
        """Keep `note`, a JSON object, as the last run's."""
        ...

    def last_coverage(self) -> Mapping[str, object] | None:
        """What the last check of coverage noted, a JSON object, or None."""
        ...

    def note_coverage(self, note: Mapping[str, object]) -> None:
        """Keep `note`, a JSON object, as the last check's."""
        ...

    def probe(self) -> str:
        """Write a note that nobody reads, and say where."""
        ...


class Sink(Protocol):
    """One place to deliver insights to."""

    @property
    def name(self) -> str:
        """Its kind and, where it has a secret, a fingerprint of that."""
        ...

    @property
    def takes(self) -> frozenset[Reason]:
        """The reasons for which it is told."""
        ...

    @property
    def timeout(self) -> timedelta:
        """How long a delivery may take; `attempt` waits no longer."""
        ...

    def deliver(self, insight: Insight) -> None:
        """Return when `insight` is delivered.

        Raises DeliveryRefused, or DeliveryFailed where it has more to say than the kind of an
        error; `attempt` answers for every other error, and for the time that it takes.
        """
        ...


@runtime_checkable
class Announcer(Protocol):
    """A sink that is also told what changed in the coverage of gateways."""

    @property
    def name(self) -> str:
        """As a sink's."""
        ...

    @property
    def timeout(self) -> timedelta:
        """As a sink's."""
        ...

    def announce(self, coverage: Coverage) -> None:
        """Return when `coverage` is delivered, or concerns nobody there; raises as `deliver`."""
        ...


@runtime_checkable
class Reachable(Protocol):
    """A sink that can be asked whether it is there without being told anything."""

    @property
    def name(self) -> str:
        """As a sink's."""
        ...

    @property
    def timeout(self) -> timedelta:
        """As a sink's."""
        ...

    def probe(self) -> str | None:
        """What shows that it can be reached; None where nothing can, but a message. Raises."""
        ...


@runtime_checkable
class Receiver(Sink, Protocol):
    """A sink of messages to people, who are not sent every revision but what they should hear."""

    @property
    def hears(self) -> Hearing:
        """What it is told of, and when."""
        ...

    def send(self, news: Sequence[News], *, now: datetime) -> None:
        """Return when one message with all this news, the worst first, is delivered.

        It raises as `deliver` does, which sends the news of one insight by itself.
        """
        ...
