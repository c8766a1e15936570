"""The HTTP functions: who may look, how the detector is, and a wish to run at once.

`function_app.py` gives what the host gave, by the app's settings and the clock of now.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from detector.app import bootstrap
from detector.app.invocation import invoke_with, utc_now
from detector.app.lookup import Lookup
from detector.app.settings import Settings
from detector.app.site import SAFE, Request, Response, Site, answered, told
from detector.errors import DetectorError, JournalConflict, JournalUnavailable, SettingsError
from detector.journal import LAST_REQUEST, LAST_RUN, Archive, is_plausible, within
from detector.runs import heartbeat_of

BETWEEN_STARTS: Final = timedelta(seconds=30)
"""So much time lies between two runs that alerts ask for, however many there are."""

LONGEST_WAIT: Final = timedelta(seconds=200)
"""Whoever asks for a run and its report waits no longer; the platform cuts a call at 230 s."""

HEALTH_SECONDS: Final = 15
"""So long an answer about the health is given again, here and on the way."""

_PRINCIPAL: Final = "x-ms-client-principal"
_RACES: Final = 5

_log = logging.getLogger("detector")


def failovers(query: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    """The fleet, to whom may look."""
    request = Request.of(query, headers)
    return _page(request, headers, lambda site: site.failovers(request, now=utc_now()))


def failover(failover_id: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    """One failover, to whom may look."""
    request = Request.of(query, headers)
    return _page(request, headers, lambda site: site.failover(failover_id, request))


def _page(
    request: Request, headers: Mapping[str, str], answer: Callable[[Site], Response]
) -> Response:
    try:
        settings = Settings.read(os.environ)
    except SettingsError as error:
        _log.error("%s", error)
        return answered(request, 500, "The app's settings have to be mended; its log names them.")
    if settings.login and not is_signed_in(os.environ, headers):
        return answered(request, 403, "Sign in: the app's login has to be on and to know you.")
    lookup = Lookup(
        archive=bootstrap.archive_of(settings), schedule=settings.schedule, scopes=settings.scopes
    )
    return answer(Site(lookup=lookup))


def is_signed_in(environ: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether the platform's login is on and has named whoever asks in `X-MS-CLIENT-PRINCIPAL`.

    While it is on, it takes that header out of what comes from outside; while it is off, anybody
    can write one, and it counts for nothing.
    """
    names = {name.lower() for name, value in headers.items() if value.strip()}
    return environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true" and _PRINCIPAL in names


def health() -> Response:
    """`{status, reasons}` to everybody, without a name: 200, or 503 where somebody is needed."""
    return _health_within(int(utc_now().timestamp()) // HEALTH_SECONDS)


@lru_cache(maxsize=1)
def _health_within(slot: int) -> Response:  # noqa: ARG001 -- what differs is asked again
    """The health, asked for once in `HEALTH_SECONDS`, however many ask."""
    try:
        settings = Settings.read(os.environ)
        noted, _ = bootstrap.archive_of(settings).note(LAST_RUN)
        heartbeat = heartbeat_of(noted, settings.scopes, settings.schedule, now=utc_now())
        status, reasons = heartbeat.status, list(heartbeat.reasons)
    except SettingsError as error:
        _log.error("%s", error)
        status, reasons = "unhealthy", ["the settings have to be mended; the app's log names them"]
    except JournalUnavailable as error:
        _log.error("%s", error)
        status, reasons = "unhealthy", ["the store does not answer; the app's log says more"]
    return Response(
        status=503 if reasons else 200,
        body=json.dumps({"status": status, "reasons": reasons}),
        headers={**SAFE, "Cache-Control": f"public, max-age={HEALTH_SECONDS}"},
    )


def detect_now(body: bytes) -> Response:
    """A run at once and its report, for an empty body; for an alert's, a run that is soon.

    Nothing in the body is read: all that it says is that a run is wished for. The answer is never
    one after which an action group would call nobody for a quarter of an hour.
    """
    try:
        settings = Settings.read(os.environ)
        if body.strip():
            now = utc_now()
            ask_for_run(
                bootstrap.archive_of(settings), bootstrap.requests_of(settings, now=now), now=now
            )
            return Response(status=202, body=json.dumps({"status": "a run is asked for"}))
        report, _ = within(LONGEST_WAIT, lambda: invoke_with(settings))
    except TimeoutError:
        return Response(status=202, body=json.dumps({"status": "a run is under way"}))
    except DetectorError as error:
        _log.error("%s", error)
        return told(500, "json", "No run could be begun; the app's log says why.")
    return Response(status=200, body=report.model_dump_json())


def ask_for_run(archive: Archive, put: Callable[[timedelta], None], *, now: datetime) -> datetime:
    """When the next run that somebody asked for starts; `put` was given the time until then.

    A run that was asked for and has not started yet is the answer to this wish, too. Raises
    JournalUnavailable, JournalConflict, or what `put` raises.
    """
    for _ in range(_RACES):
        noted, tag = archive.note(LAST_REQUEST)
        last = _start(noted)
        if last is not None and now < last <= now + BETWEEN_STARTS:
            return last
        start = now if last is None or last > now else max(now, last + BETWEEN_STARTS)
        try:
            archive.keep(LAST_REQUEST, {"startsAt": start.isoformat()}, tag)
        except JournalConflict:
            continue
        put(start - now)
        return start
    raise JournalConflict("others ask for a run all the time")


def _start(noted: Mapping[str, object] | None) -> datetime | None:
    try:
        start = datetime.fromisoformat(str((noted or {}).get("startsAt")))
    except ValueError:
        return None
    return start if is_plausible(start) else None
