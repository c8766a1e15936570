"""All that a run needs from outside, as values and ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from detector.insights import Library
from detector.journal import Journal, Sink
from detector.model import Scope
from detector.runs.facts import Sources
from detector.runs.ports import Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The scopes, how far to look back, and who is asked, told and trusted with what was told.

    A run asks for the `lookback`, and after downtime for no more than `catch_up`.
    """

    scopes: Sequence[Scope]
    lookback: timedelta
    catch_up: timedelta
    signals: Signals
    sources: Sources
    journal: Journal
    sinks: Sequence[Sink]
    library: Library
