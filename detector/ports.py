"""The ports: what a run needs of the world, each a callable or the smallest object that does it.

Each has an implementation in `azure/` and one in `local/`; `wiring.py` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from detector.errors import FactUnknown, LogsRefused, LogsUnavailable
    from detector.history import History
    from detector.insight import Insight, Reason
    from detector.model import Answer, Connection, Gateway, Scope, Series, Window


class Signals(Protocol):
    """The logs: for each scope a complete answer, or the error that says why there is none."""

    def __call__(
        self, asked: Mapping[Scope, Window]
    ) -> Sequence[Answer | LogsRefused | LogsUnavailable]: ...


class Coverage(Protocol):
    """Which logs there were to look in: pairs of source and resource id, lower case.

    A source is a category of AzureDiagnostics with the gateway's id, or `AzureActivity` with
    `/subscriptions/<id>`. Raises FactUnknown.
    """

    def __call__(self, window: Window) -> frozenset[tuple[str, str]]: ...


class Gateways(Protocol):
    """The facts of gateways, by id, one for each id asked; what cannot be had is in `unknown`."""

    def __call__(self, ids: Sequence[str]) -> Mapping[str, Gateway]: ...


class Connections(Protocol):
    """The connections of one gateway, as they are now. Raises FactUnknown."""

    def __call__(self, gateway_id: str) -> Sequence[Connection]: ...


class Bandwidth(Protocol):
    """The bandwidth of gateways, by id, one for each gateway asked, or why it cannot be had."""

    def __call__(
        self, gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]: ...


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

    def due(self, now: datetime) -> Sequence[str]:
        """The keys of histories that asked, with `History.due`, to be looked at by `now`."""
        ...

    def last_run(self) -> Mapping[str, object] | None:
        """What the last run noted, a JSON object, or None."""
        ...

    def note_run(self, note: Mapping[str, object]) -> None:
        """Keep `note`, a JSON object, as the last run's."""
        ...


class Sink(Protocol):
    """One place to deliver insights to.

    `name` is its kind and, where it has a secret, a fingerprint of that.
    """

    @property
    def name(self) -> str: ...

    def takes(self, reason: Reason) -> bool:
        """Whether this sink is told for `reason`."""
        ...

    def deliver(self, insight: Insight) -> None:
        """Return when `insight` is delivered; raises DeliveryFailed or DeliveryRefused."""
        ...
