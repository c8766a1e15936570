"""EDGE: insights and coverage to a webhook, as structured CloudEvents by HTTP POST.

The URL is a secret: it stands in no name, error or log.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from detector.insights import Reason, event_id, to_cloudevent, to_coverage_event
from detector.journal import DEADLINE, pause, status_error
from detector.sinks.http import reach, unlogged
from detector.text import fingerprint

if TYPE_CHECKING:
    from detector.insights import Coverage, Insight


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A sink that takes every revision; `url` and `secret` are as the settings have checked them.

    With a secret each request is signed as Standard Webhooks asks, at the time that `now` reads.
    """

    takes: ClassVar = frozenset(Reason)

    url: str = field(repr=False)
    now: Callable[[], datetime]
    secret: str | None = field(default=None, repr=False)
    timeout: timedelta = DEADLINE

    @property
    def name(self) -> str:
        """`webhook-` and the fingerprint of the URL."""
        return f"webhook-{fingerprint(self.url)}"

    def deliver(self, insight: Insight) -> None:
        """Return when the webhook answered 2xx."""
        self._post(to_cloudevent(insight), event_id(insight))

    def announce(self, coverage: Coverage) -> None:
        """Return when the webhook answered 2xx."""
        self._post(to_coverage_event(coverage), coverage.id)

    def probe(self) -> str:
        """Ask the webhook's host for its first page, whatever it answers."""
        parts = urlsplit(self.url)
        reach(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", timeout=self.timeout)
        return "its host answers; whether it takes events, only one can tell (the drill's)"

    def _post(self, event: dict[str, object], message_id: str) -> None:
        import requests

        body = json.dumps(event)
        headers = {
            "Content-Type": "application/cloudevents+json",
            "User-Agent": "gateway-failover-detector",
            **self._signature(message_id, body),
        }
        # The status is all that counts, so the body is left unread: it might never end.
        with (
            unlogged(),
            requests.post(
                self.url,
                data=body,
                headers=headers,
                timeout=self.timeout.total_seconds(),
                allow_redirects=False,
                stream=True,
            ) as reply,
        ):
            status, retry_after = reply.status_code, reply.headers.get("Retry-After")
        if not 200 <= status < 300:
            asked = pause(retry_after, self.now())
            raise status_error(self.name, status, retry_after=asked)

    def _signature(self, message_id: str, body: str) -> dict[str, str]:
        if self.secret is None:
            return {}
        from standardwebhooks import Webhook as Signer

        at = self.now().astimezone(UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Signer(self.secret).sign(message_id, at, body),
        }
