"""What Azure writes, as nouns: rows become signals, ARM's bodies gateways and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.signals import arm
    from detector.signals.arm import NOT_SET, UNREADABLE
    from detector.signals.diagnostic_settings import settings_of
    from detector.signals.metrics import METRIC, bandwidth
    from detector.signals.row import (
        COLUMNS,
        UnreadableRow,
        Unusable,
        instant,
        is_gateway_id,
        read_row,
        read_rows,
    )

__all__ = [
    "COLUMNS",
    "METRIC",
    "NOT_SET",
    "UNREADABLE",
    "UnreadableRow",
    "Unusable",
    "arm",
    "bandwidth",
    "instant",
    "is_gateway_id",
    "read_row",
    "read_rows",
    "settings_of",
]

__getattr__ = lazily(
    __name__,
    arm=("NOT_SET", "UNREADABLE", "arm"),
    diagnostic_settings=("settings_of",),
    metrics=("METRIC", "bandwidth"),
    row=(
        *("COLUMNS", "UnreadableRow", "Unusable"),
        *("instant", "is_gateway_id", "read_row", "read_rows"),
    ),
)
