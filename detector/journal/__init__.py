"""What was told and is to be delivered: histories, the outbox, the delivery to each sink.

What is told is written here first. The ports Journal and Sink say what that needs of the world.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.face import lazily

if TYPE_CHECKING:
    from detector.journal import outbox
    from detector.journal.commit import commit_change
    from detector.journal.delivery import (
        AT_ONCE,
        DEADLINE,
        DeliveryReport,
        DeliverySummary,
        Outgoing,
        Posted,
        announced,
        attempt,
        delivery_reports,
        probed,
        within,
    )
    from detector.journal.hearing import DIGEST, Hearing, messages
    from detector.journal.history import (
        NO_EARLIER,
        Delivery,
        History,
        Mark,
        Record,
        gateway_key,
        history_from_json,
        history_to_json,
        is_plausible,
        newest_time,
    )
    from detector.journal.layout import (
        HISTORIES,
        LAST_COVERAGE,
        LAST_REQUEST,
        LAST_RUN,
        PROBE,
        fleet_month,
        fleet_path,
        history_key,
        history_path,
        insight_path,
        is_failover_id,
        note_from_json,
        note_to_json,
    )
    from detector.journal.ports import Announcer, Archive, Journal, Reachable, Sink
    from detector.journal.readonly import ReadOnly
    from detector.journal.reply import REFUSALS, pause, status_error, unanswered

__all__ = [
    "AT_ONCE",
    "DEADLINE",
    "DIGEST",
    "HISTORIES",
    "LAST_COVERAGE",
    "LAST_REQUEST",
    "LAST_RUN",
    "NO_EARLIER",
    "PROBE",
    "REFUSALS",
    "Announcer",
    "Archive",
    "Delivery",
    "DeliveryReport",
    "DeliverySummary",
    "Hearing",
    "History",
    "Journal",
    "Mark",
    "Outgoing",
    "Posted",
    "Reachable",
    "ReadOnly",
    "Record",
    "Sink",
    "announced",
    "attempt",
    "commit_change",
    "delivery_reports",
    "fleet_month",
    "fleet_path",
    "gateway_key",
    "history_from_json",
    "history_key",
    "history_path",
    "history_to_json",
    "insight_path",
    "is_failover_id",
    "is_plausible",
    "messages",
    "newest_time",
    "note_from_json",
    "note_to_json",
    "outbox",
    "pause",
    "probed",
    "status_error",
    "unanswered",
    "within",
]

__getattr__ = lazily(
    __name__,
    commit=("commit_change",),
    delivery=(
        "AT_ONCE",
        "DEADLINE",
        "DeliveryReport",
        "DeliverySummary",
        "Mark",
        "Outgoing",
        "Posted",
        "announced",
        "attempt",
        "delivery_reports",
        "probed",
        "within",
    ),
    hearing=("DIGEST", "Hearing", "messages"),
    history=(
        "NO_EARLIER",
        "Delivery",
        "History",
        "Mark",
        "Record",
        "gateway_key",
        "history_from_json",
        "history_to_json",
        "is_plausible",
        "newest_time",
    ),
    layout=(
        "HISTORIES",
        "LAST_COVERAGE",
        "LAST_REQUEST",
        "LAST_RUN",
        "PROBE",
        "fleet_month",
        "fleet_path",
        "history_key",
        "history_path",
        "insight_path",
        "is_failover_id",
        "note_from_json",
        "note_to_json",
    ),
    outbox=("outbox",),
    ports=("Announcer", "Archive", "Journal", "Reachable", "Sink"),
    readonly=("ReadOnly",),
    reply=("REFUSALS", "pause", "status_error", "unanswered"),
)
