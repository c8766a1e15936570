"""The ports: what a check of coverage needs of the world, each a callable.

`azure/` has the implementations; `app/bootstrap.py` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from detector.errors import DetectorError
    from detector.model import Gateway, Logged, Scope, Window


class Listing(Protocol):
    """The VPN gateways of subscriptions (GUIDs), or for None of all, that may be read.

    What may not be read is left out in silence. Raises FactUnknown.
    """

    def __call__(self, subscriptions: Sequence[str] | None) -> Sequence[Gateway]: ...


class Bodies(Protocol):
    """What ARM answers to a GET at each path, or the FactUnknown that says why it cannot be had."""

    def __call__(self, paths: Sequence[str]) -> Mapping[str, object]: ...


class Contents(Protocol):
    """What the logs of each scope hold in a window; nothing where there is no table."""

    def __call__(self, window: Window) -> Mapping[Scope, Sequence[Logged] | DetectorError]: ...


class Health(Protocol):
    """What Resource Health says of each gateway: here only whether it is a FactUnknown counts."""

    def __call__(self, gateway_ids: Sequence[str]) -> Mapping[str, object]: ...


class Metrics(Protocol):
    """What the metrics of each gateway say: here only whether it is a FactUnknown counts."""

    def __call__(self, gateways: Sequence[Gateway], window: Window) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """The ports together."""

    listing: Listing
    bodies: Bodies
    contents: Contents
    health: Health
    metrics: Metrics
