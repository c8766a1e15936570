"""The pure rules: signals become switch-overs, outages, a cause, and in the end a diagnosis.

Nothing is claimed that the rows do not prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.diagnosis import cause
    from detector.diagnosis.bandwidth import Comparison, compare
    from detector.diagnosis.cause import AFTER, BEFORE, HEALTH_ASKED, LATEST
    from detector.diagnosis.diagnosis import (
        all_tunnels,
        diagnose,
        evidence_row,
        named,
        open_tunnels,
        peers_to_ask,
        with_logs,
    )
    from detector.diagnosis.extent import shortened
    from detector.diagnosis.merge import carried, ended_by_arm, joined, lacks_rows
    from detector.diagnosis.observation import EDGE, Examination, Known, Observation
    from detector.diagnosis.switchover import (
        NEAR,
        NOT_SHOWN,
        ONE_PEER,
        STANDBY,
        Pairing,
        Piece,
        by_gateway,
        in_time,
    )

__all__ = [
    "AFTER",
    "BEFORE",
    "EDGE",
    "HEALTH_ASKED",
    "LATEST",
    "NEAR",
    "NOT_SHOWN",
    "ONE_PEER",
    "STANDBY",
    "Comparison",
    "Examination",
    "Known",
    "Observation",
    "Pairing",
    "Piece",
    "all_tunnels",
    "by_gateway",
    "carried",
    "cause",
    "compare",
    "diagnose",
    "ended_by_arm",
    "evidence_row",
    "in_time",
    "joined",
    "lacks_rows",
    "named",
    "open_tunnels",
    "peers_to_ask",
    "shortened",
    "with_logs",
]

__getattr__ = lazily(
    __name__,
    bandwidth=("Comparison", "compare"),
    cause=("AFTER", "BEFORE", "HEALTH_ASKED", "LATEST", "cause"),
    diagnosis=(
        "all_tunnels",
        "diagnose",
        "evidence_row",
        "named",
        "open_tunnels",
        "peers_to_ask",
        "with_logs",
    ),
    extent=("shortened",),
    merge=("carried", "ended_by_arm", "joined", "lacks_rows"),
    observation=("EDGE", "Examination", "Known", "Observation"),
    switchover=(
        "NEAR",
        "NOT_SHOWN",
        "ONE_PEER",
        "Pairing",
        "Piece",
        "STANDBY",
        "by_gateway",
        "in_time",
    ),
)
