"""The ports of the journal: where histories are kept, and where insights are delivered to.

Each has an implementation in `azure/`, `local/` or `sinks/`; `app/bootstrap.py` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from detector.insights import Coverage, Insight, News, Reason, Summary
    from detector.journal.hearing import Hearing
    from detector.journal.history import History, Mark


class Journal(Protocol):
    """The histories of gateways, each saved by compare-and-swap, and the note of the last run.

    A tag is what `load` gave with the history: opaque, and None for a history that is not there.
    Every method raises JournalUnavailable when the store does not answer.
    """

    def load(self, key: str) -> tuple[History | None, str | None]:
        """The history under `key` with its tag."""
        ...

    def save(self, history: History, tag: str | None) -> str:
        """Write `history`, if it is still as `tag` says; its new tag. Raises JournalConflict."""
        ...

    def marks(self) -> Mapping[str, Mark]:
        """What each history says of itself, by its key, in the order of their names.

        One that cannot be read is due, so that a run loads it and tells why it cannot.
        """
        ...

    def last_run(self) -> Mapping[str, object] | None:
        """What the last run noted, a JSON object, or None."""
        ...

    def note_run(self, note: Mapping[str, object]) -> None:
        """Keep `note`, a JSON object, as the last run's."""
        ...


class Archive(Protocol):
    """What was told, for whoever looks it up; and the small notes beside it.

    Every method raises JournalUnavailable when the store does not answer.
    """

    def summaries(self, month: date) -> tuple[Sequence[Summary], int]:
        """Those of the failovers whose ids are of that day's month, oldest first.

        The number beside them is how many more there are that cannot be read.
        """
        ...

    def document(self, failover_id: str) -> bytes | None:
        """The JSON of that failover's latest insight, or None; `is_failover_id` holds of the id."""
        ...

    def note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
        """The JSON object at `path`, None where there is none, with its tag."""
        ...

    def keep(self, path: str, note: Mapping[str, object], tag: str | None) -> None:
        """Write `note` to `path`, if it is still as `tag` says. Raises JournalConflict."""
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
