"""EDGE: insights as rows of a table of one's own in Log Analytics, by the Logs Ingestion API.

A call holds 1 MB and a value 64 KB, beyond which it would be cut, and be no JSON any more
(https://learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits#logs-ingestion-api).
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from detector.azure.eventgrid import Note, deliver_once
from detector.azure.queue import shortened
from detector.insights import Reason, summary_of, timestamp
from detector.journal import DEADLINE
from detector.text import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import TokenCredential

    from detector.azure.clouds import Endpoint
    from detector.insights import Insight

STREAM: Final = "Custom-GatewayFailovers_CL"
"""The stream of the rule that takes the rows; its table is GatewayFailovers_CL."""

LONGEST_DOCUMENT: Final = 60 * 1024


class LogsIngestion:
    """A sink that takes every revision; `rule` is the immutable id of a data collection rule.

    `endpoint` is that of the rule, or of its data collection endpoint. A delivery is tried once,
    and may repeat: whoever reads the table takes the latest revision of each failover.
    """

    takes: Final = frozenset(Reason)

    def __init__(
        self,
        endpoint: Endpoint,
        rule: str,
        credential: Callable[[], TokenCredential],
        *,
        now: Callable[[], datetime],
        timeout: timedelta = DEADLINE,
    ) -> None:
        self._endpoint = endpoint
        self._rule = rule
        self._credential = credential
        self._now = now
        self.timeout = timeout

    @property
    def name(self) -> str:
        """`logs-ingestion-` and the fingerprint of the endpoint and the rule."""
        return f"logs-ingestion-{fingerprint(f'{self._endpoint.url} {self._rule}')}"

    def deliver(self, insight: Insight) -> None:
        """Return when the rule took the row."""
        told = row(insight, told_at=insight.told_at or self._now())
        deliver_once(self.name, lambda note: self._send(told, note), now=self._now)

    def _send(self, told: dict[str, object], note: Note) -> None:
        from azure.monitor.ingestion import LogsIngestionClient

        # What fails is told by the error, and in fewer words.
        logging.getLogger("azure.monitor.ingestion").setLevel(logging.CRITICAL)
        seconds = self.timeout.total_seconds()
        with LogsIngestionClient(
            self._endpoint.url, self._credential(), credential_scopes=[self._endpoint.token_scope]
        ) as client:
            client.upload(
                self._rule,
                STREAM,
                [told],
                raw_response_hook=note,
                connection_timeout=seconds,
                read_timeout=seconds,
                retry_total=0,
                permit_redirects=False,
            )


def row(insight: Insight, *, told_at: datetime) -> dict[str, object]:
    """The row of this revision, by the columns of infra/failovers-table.json.

    The document is shortened to `LONGEST_DOCUMENT` bytes where it is longer. Raises
    DeliveryRefused for one that does not fit at any length.
    """
    summary = summary_of(insight)
    return {
        "TimeGenerated": timestamp(told_at),
        "FailoverId": insight.id,
        "Revision": insight.revision,
        "Reason": insight.reason.value,
        "Gateway": insight.gateway.id,
        "Verdict": insight.verdict,
        "Cause": insight.failover.cause.kind.value,
        "State": insight.failover.state.value,
        "Importance": insight.insight.importance_level.value,
        "LongestOutageSeconds": summary.longest_seconds,
        "Document": shortened(
            insight.model_dump(mode="json", by_alias=True),
            lambda document: (
                len(json.dumps(document, ensure_ascii=False).encode()) <= LONGEST_DOCUMENT
            ),
            place="a row of a table",
        ),
    }
