"""EDGE: insights to an Event Grid topic of the CloudEvents schema, with the app's own identity."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from detector.insights import Reason, to_cloudevent, to_coverage_event
from detector.journal import DEADLINE, pause, status_error, unanswered
from detector.text import fingerprint

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineResponse

    from detector.insights import Coverage, Insight


Note = Callable[["PipelineResponse[Any, Any]"], None]


def deliver_once(name: str, send: Callable[[Note], None], *, now: Callable[[], datetime]) -> None:
    """Call `send` with a hook for the reply. Raises DeliveryFailed and DeliveryRefused by it.

    `name` is the sink's, and `now` reads the time, for a Retry-After that is a date.
    """
    from azure.core.exceptions import AzureError

    replies: list[tuple[int, str | None]] = []

    def note(reply: PipelineResponse[Any, Any]) -> None:
        response = reply.http_response
        replies.append((response.status_code, response.headers.get("Retry-After")))

    try:
        send(note)
    except AzureError as error:
        # Without a reply it was the network or the identity that failed, and both may pass.
        if not replies:
            raise unanswered(name, type(error).__name__) from error
        status, retry_after = replies[-1]
        raise status_error(name, status, retry_after=pause(retry_after, now())) from error


class EventGrid:
    """A sink that takes every revision; `endpoint` is the topic's, with its path `/api/events`.

    A delivery is tried once: trying again is the next run's part, since the client's own retries
    would sleep a Retry-After in full.
    """

    takes: Final = frozenset(Reason)

    def __init__(
        self,
        endpoint: str,
        credential: Callable[[], TokenCredential],
        *,
        now: Callable[[], datetime],
        timeout: timedelta = DEADLINE,
    ) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._now = now
        self.timeout = timeout

    @property
    def name(self) -> str:
        """`event-grid-` and the fingerprint of the endpoint."""
        return f"event-grid-{fingerprint(self._endpoint)}"

    def deliver(self, insight: Insight) -> None:
        """Return when the topic took the event."""
        self._deliver(to_cloudevent(insight))

    def announce(self, coverage: Coverage) -> None:
        """Return when the topic took the event."""
        self._deliver(to_coverage_event(coverage))

    def probe(self) -> str:
        """Ask the topic's host for its first page, whatever it answers; the role is not tried."""
        from azure.core import PipelineClient
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest, HttpResponse

        seconds = self.timeout.total_seconds()
        host = self._endpoint.removesuffix("/api/events")
        try:
            client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(host, policies=[])
            with client:
                client.send_request(
                    HttpRequest("HEAD", f"{host}/"),
                    connection_timeout=seconds,
                    read_timeout=seconds,
                )
        except AzureError as error:
            raise unanswered(self.name, type(error).__name__) from error
        return "its host answers; whether the app may send, only an event can tell (the drill's)"

    def _deliver(self, event: dict[str, object]) -> None:
        deliver_once(self.name, lambda note: self._send(event, note), now=self._now)

    def _send(
        self,
        event: dict[str, object],
        note: Note,
    ) -> None:
        from azure.eventgrid import EventGridPublisherClient

        # It warns of options that it then takes.
        logging.getLogger("azure.eventgrid").setLevel(logging.ERROR)
        seconds = self.timeout.total_seconds()
        # The status is all that counts, so the body is streamed and left unread.
        with EventGridPublisherClient(self._endpoint, self._credential()) as client:
            client.send(
                event,
                raw_response_hook=note,
                connection_timeout=seconds,
                read_timeout=seconds,
                retry_total=0,
                permit_redirects=False,
                stream=True,
            )
