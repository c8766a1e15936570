"""The pure rules: signals become switch-overs, outages, a cause, and in the end a diagnosis.

Nothing is claimed that the rows do not prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.diagnosis import cause
    from detector.diagnosis.bandwidth import Comparison, compare
    from detector.diagnosis.cause import LATEST
    from detector.diagnosis.diagnosis import (
        EDGE,
        GONE,
        Observation,
        diagnose,
        evidence_row,
        to_ask,
        with_connections,
        with_logs,
    )
    from detector.diagnosis.merge import carried, joined, lacks_rows
    from detector.diagnosis.switchover import (
        NEAR,
        Pairing,
        Piece,
        by_gateway,
        suspected,
        switch_overs,
    )

__all__ = [
    "EDGE",
    "GONE",
    "LATEST",
    "NEAR",
    "Comparison",
    "Observation",
    "Pairing",
    "Piece",
    "by_gateway",
    "carried",
    "cause",
    "compare",
    "diagnose",
    "evidence_row",
    "joined",
    "lacks_rows",
    "suspected",
    "switch_overs",
    "to_ask",
    "with_connections",
    "with_logs",
]

__getattr__ = lazily(
    __name__,
    bandwidth=("Comparison", "compare"),
    cause=("LATEST", "cause"),
    diagnosis=(
        "EDGE",
        "GONE",
        "Observation",
        "diagnose",
        "evidence_row",
        "to_ask",
        "with_connections",
        "with_logs",
    ),
    merge=("carried", "joined", "lacks_rows"),
    switchover=("NEAR", "Pairing", "Piece", "by_gateway", "suspected", "switch_overs"),
)
