"""The pure rules: signals become switch-overs, outages, a cause, and in the end a diagnosis.

Nothing is claimed that the rows do not prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.diagnosis import cause
    from detector.diagnosis.bandwidth import Comparison, compare
    from detector.diagnosis.cause import BEFORE, LATEST
    from detector.diagnosis.diagnosis import (
        GONE,
        View,
        diagnose,
        evidence_row,
        to_ask,
        with_connections,
    )
    from detector.diagnosis.merge import carried, joined, lost_sight
    from detector.diagnosis.switchover import (
        NEAR,
        Pairing,
        Piece,
        by_gateway,
        in_time,
        pairings,
        pieces,
        suspected,
        switch_overs,
    )

__all__ = [
    "BEFORE",
    "GONE",
    "LATEST",
    "NEAR",
    "Comparison",
    "Pairing",
    "Piece",
    "View",
    "by_gateway",
    "carried",
    "cause",
    "compare",
    "diagnose",
    "evidence_row",
    "in_time",
    "joined",
    "lost_sight",
    "pairings",
    "pieces",
    "suspected",
    "switch_overs",
    "to_ask",
    "with_connections",
]

__getattr__ = lazily(
    __name__,
    bandwidth=("Comparison", "compare"),
    cause=("BEFORE", "LATEST", "cause"),
    diagnosis=("GONE", "View", "diagnose", "evidence_row", "to_ask", "with_connections"),
    merge=("carried", "joined", "lost_sight"),
    switchover=(
        "NEAR",
        "Pairing",
        "Piece",
        "by_gateway",
        "in_time",
        "pairings",
        "pieces",
        "suspected",
        "switch_overs",
    ),
)
