"""The ports: what a run needs of the world, each a callable or the smallest object that does it.

Each has an implementation in `azure/` and one in `local/`; `app/bootstrap.py` chooses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from detector.errors import DetectorError, FactUnknown
    from detector.model import Answer, Connection, Gateway, HealthEvent, Scope, Series, Window


class Signals(Protocol):
    """The logs: for each scope, in order, a complete answer, or the error that says why not."""

    def __call__(self, asked: Mapping[Scope, Window]) -> Sequence[Answer | DetectorError]: ...


class Coverage(Protocol):
    """Which logs there were to look in: pairs of source and resource id, lower case.

    A source is a category of AzureDiagnostics with the gateway's id, or `AzureActivity` or
    `AzureActivity/ResourceHealth` with `/subscriptions/<id>`. Raises FactUnknown.
    """

    def __call__(self, window: Window) -> frozenset[tuple[str, str]]: ...


class Gateways(Protocol):
    """The facts of gateways, by id, one for each id asked; what cannot be had is in `unknown`.

    Those that were `written` to a short while ago are not taken from an inventory, which may be
    older than that.
    """

    def __call__(
        self, ids: Sequence[str], written: Collection[str] = ()
    ) -> Mapping[str, Gateway]: ...


class Connections(Protocol):
    """The connections of gateways, by id, one entry for each id asked: all, as they are now."""

    def __call__(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Connection] | FactUnknown]: ...


class Inventory(Protocol):
    """The connections that an inventory knows of, for the gateways of which it knows some.

    Their names and peers are good to tell of them; that there are no others, nobody says.
    """

    def __call__(self, gateway_ids: Sequence[str]) -> Mapping[str, Sequence[Connection]]: ...


class Notes(Protocol):
    """What the operator should know of how the facts of this run were had; mostly nothing."""

    def __call__(self) -> Sequence[str]: ...


class LiveTunnels(Protocol):
    """Connections by id, one for each id asked: as they are now, with the state of each tunnel."""

    def __call__(self, connection_ids: Sequence[str]) -> Mapping[str, Connection | FactUnknown]: ...


class Health(Protocol):
    """The events that Resource Health knows of gateways, newest first, one entry for each id asked.

    The newest is the state of now: of a gateway that is well, it is Available.
    """

    def __call__(
        self, gateway_ids: Sequence[str]
    ) -> Mapping[str, Sequence[HealthEvent] | FactUnknown]: ...


class Bandwidth(Protocol):
    """The bandwidth of gateways, by id, one for each gateway asked, or why it cannot be had."""

    def __call__(
        self, gateways: Sequence[Gateway], window: Window
    ) -> Mapping[str, Sequence[Series] | FactUnknown]: ...
