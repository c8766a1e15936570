"""The insight document, how it is composed, and every form in which it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.insights import document, message
    from detector.insights.cloudevent import event_id, to_cloudevent
    from detector.insights.compose import Library, Revision, compose_insight, standing_from
    from detector.insights.coverage import (
        BlindGateway,
        Check,
        CheckChange,
        CheckStatus,
        Coverage,
        blind_body,
        blind_title,
        bounded,
        to_coverage_event,
    )
    from detector.insights.document import (
        MOST_LISTED,
        Insight,
        Instant,
        Part,
        Reason,
        Seconds,
        timestamp,
        to_json,
    )
    from detector.insights.fleet import (
        FLEET_DAYS,
        Choice,
        Fleet,
        Known,
        Summary,
        summary_from_text,
        summary_of,
        summary_to_text,
    )
    from detector.insights.html import to_html, to_text
    from detector.insights.scenario import scenarios
    from detector.insights.standing import (
        PEOPLE_HEAR,
        News,
        Severity,
        Standing,
        news_of,
        reasons_between,
        severity_of,
        standing_of,
    )
    from detector.insights.summary import MODES, to_markdown, without_title
    from detector.insights.verdict import verdict_of

__all__ = [
    "FLEET_DAYS",
    "MODES",
    "MOST_LISTED",
    "PEOPLE_HEAR",
    "BlindGateway",
    "Check",
    "CheckChange",
    "CheckStatus",
    "Choice",
    "Coverage",
    "Fleet",
    "Insight",
    "Instant",
    "Known",
    "Library",
    "News",
    "Part",
    "Reason",
    "Revision",
    "Seconds",
    "Severity",
    "Standing",
    "Summary",
    "blind_body",
    "blind_title",
    "bounded",
    "compose_insight",
    "document",
    "event_id",
    "message",
    "news_of",
    "reasons_between",
    "scenarios",
    "severity_of",
    "standing_from",
    "standing_of",
    "summary_from_text",
    "summary_of",
    "summary_to_text",
    "timestamp",
    "to_cloudevent",
    "to_coverage_event",
    "to_html",
    "to_json",
    "to_markdown",
    "to_text",
    "verdict_of",
    "without_title",
]

__getattr__ = lazily(
    __name__,
    cloudevent=("event_id", "to_cloudevent"),
    compose=("Library", "Revision", "compose_insight", "standing_from"),
    coverage=(
        "BlindGateway",
        "Check",
        "CheckChange",
        "CheckStatus",
        "Coverage",
        "blind_body",
        "blind_title",
        "bounded",
        "to_coverage_event",
    ),
    document=(
        "document",
        "Insight",
        "Instant",
        "MOST_LISTED",
        "Part",
        "Reason",
        "Seconds",
        "timestamp",
        "to_json",
    ),
    fleet=(
        "FLEET_DAYS",
        "Choice",
        "Fleet",
        "Known",
        "Summary",
        "summary_from_text",
        "summary_of",
        "summary_to_text",
    ),
    html=("to_html", "to_text"),
    message=("message",),
    scenario=("scenarios",),
    standing=(
        "News",
        "PEOPLE_HEAR",
        "Severity",
        "Standing",
        "news_of",
        "reasons_between",
        "severity_of",
        "standing_of",
    ),
    summary=("MODES", "to_markdown", "without_title"),
    verdict=("verdict_of",),
)
