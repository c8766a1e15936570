"""Which gateways could fail over unseen: the questions, their answers, and who is told of a change.

The daily check asks about every gateway; the doctor asks the same and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.coverage.checks import (
        READER,
        SEEN,
        Found,
        checks_of,
        grant,
        scope_id,
        shell_group,
    )
    from detector.coverage.daily import (
        CoverageNote,
        CoverageReport,
        check_coverage,
        last_coverage,
        look,
    )
    from detector.coverage.ports import Probes

__all__ = [
    "READER",
    "SEEN",
    "CoverageNote",
    "CoverageReport",
    "Found",
    "Probes",
    "check_coverage",
    "checks_of",
    "grant",
    "last_coverage",
    "look",
    "scope_id",
    "shell_group",
]

__getattr__ = lazily(
    __name__,
    checks=("READER", "SEEN", "Found", "checks_of", "grant", "scope_id", "shell_group"),
    daily=("CoverageNote", "CoverageReport", "check_coverage", "last_coverage", "look"),
    ports=("Probes",),
)
