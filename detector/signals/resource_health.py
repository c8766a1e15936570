"""What Resource Health says of a gateway, in any of the spellings in use.

As a row of the Activity Log it has `cause` and `currentHealthStatus`, or `healthEventCause` and
`healthStatus`, perhaps under `eventProperties`
(https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema); as an availability
status it has `context` and `availabilityState`.
"""

from __future__ import annotations

from datetime import datetime

from detector.model import CUSTOMER_INITIATED, PLATFORM_INITIATED, HealthEvent
from detector.signals.fields import Fields, fields_of, text_of


def health_event(fields: Fields, *, at: datetime, resolved_at: datetime | None) -> HealthEvent:
    """The event that these fields tell of; what they lack is empty."""
    fields = fields_of(fields.get("eventproperties")) or fields

    def first(*names: str) -> str:
        return next((text for name in names if (text := text_of(fields.get(name)))), "")

    return HealthEvent(
        at=at,
        resolved_at=resolved_at,
        state=first("availabilitystate", "currenthealthstatus", "healthstatus"),
        title=first("title"),
        summary=first("summary", "details"),
        reason_type=first("reasontype"),
        context=_context(first("context", "healtheventcause", "cause")),
        category=first("healtheventcategory", "category"),
    )


def _context(written: str) -> str:
    """Who caused it, in one spelling: `PlatformInitiated` and `UserInitiated` occur, too."""
    lowered = written.lower()
    if lowered.startswith("platform"):
        return PLATFORM_INITIATED
    return CUSTOMER_INITIATED if lowered.startswith(("customer", "user")) else written
