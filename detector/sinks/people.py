"""EDGE: messages to people, by Apprise: Teams, Slack, PagerDuty, e-mail and a hundred more.

The URL is a secret: it stands in no name, error or log.

Apprise tells whether a service took a message, and only its log says with which status it did not.
A Retry-After it does not pass on: a service that asks for a pause gets the outbox's own.
"""

from __future__ import annotations

import logging
import re
import socket
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from detector.errors import DeliveryFailed, DeliveryRefused, SettingsError
from detector.insights import PEOPLE_HEAR, Severity, blind_body, blind_title, message, news_of
from detector.journal import DEADLINE, DIGEST, Hearing, status_error, unanswered
from detector.sinks.http import reach, unlogged
from detector.text import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from apprise import NotifyBase

    from detector.insights import Coverage, Insight, News

SETTING: Final = "DETECTOR_NOTIFY_URLS"

# What Apprise puts around a title that it merges into the body.
AROUND_TITLE: Final = 20

OPSGENIE: Final = "opsgenie"
KEYS: Final[Mapping[str, str]] = {
    "pagerduty": "dedup",
    "ilert": "dedup",
    "incidentio": "dedup",
    "firehydrant": "dedup",
    "squadcast": "dedup",
    "signl4": "external_id",
    "pagertree": "thirdparty",
    "splunk": "entity_id",
    "victorops": "entity_id",
    OPSGENIE: "alias",
}
"""The services that open and close incidents, by the schemes of their URLs.

Each with the attribute of Apprise's plugin that is the key by which the two find each other, where
the plugin's action is to `map` severities to opening and closing.
"""

# So Apprise's plugins end what they log of a reply that is no success: "…, error=404."
_STATUS: Final = re.compile(r"error=(\d{3})\b")


MAIL: Final = frozenset({"mailto", "mailtos"})
SELF_HOSTED: Final = frozenset(
    {
        *("form", "forms", "gotify", "gotifys", "json", "jsons", "matrix", "matrixs", "mmost"),
        *("mmosts", "ntfy", "ntfys", "rocket", "rockets", "workflow", "workflows", "xml", "xmls"),
    }
)
"""The schemes whose URL has the host of the service where a URL has it; others have a secret there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A receiver of what people should hear of: what happened, but not facts that came later.

    `position` is that of `url` in the setting, `least` the least severity that it hears. Times are
    written in `zone`, too. A service that keeps incidents gets the failover's id as their key.
    """

    takes: ClassVar = PEOPLE_HEAR

    url: str = field(repr=False)
    position: int = 1
    least: Severity = Severity.INFO
    digest: timedelta = DIGEST
    zone: tzinfo | None = None
    timeout: timedelta = DEADLINE

    @property
    def name(self) -> str:
        """The URL's scheme and fingerprint, such as `slack-1a2b3c4d`."""
        return f"{self._scheme}-{fingerprint(self.url)}"

    @property
    def hears(self) -> Hearing:
        """What it is told of, and when."""
        return Hearing(least=self.least, digest=self.digest, keeps_incidents=self._scheme in KEYS)

    def check(self) -> None:
        """Raises SettingsError where Apprise cannot make anything of the URL."""
        if self._plugin() is None:
            raise SettingsError({SETTING: self._unusable})

    def deliver(self, insight: Insight) -> None:
        """Return when the service took the message of this insight alone.

        A drill is over at once, and yet opens an incident where the service keeps them: to see it
        is what a drill is for.
        """
        news = news_of(insight)
        if insight.drill and self.hears.keeps_incidents:
            news = replace(news, severity=Severity.WARNING)
        self.send([news], now=insight.failover.seen_until)

    def send(self, news: Sequence[News], *, now: datetime) -> None:
        """Return when the service took one message with all this news, the worst first."""
        plugin = self._plugin()
        if plugin is None:
            raise DeliveryRefused(f"{self.name} was not told; {SETTING}: {self._unusable}")
        if self._scheme == OPSGENIE and news[0].severity is Severity.SUCCESS:
            self._close(plugin, news[0].insight)
            return
        if self._scheme in KEYS:
            for name, value in ((KEYS[self._scheme], news[0].insight.id), ("action", "map")):
                setattr(plugin, name, value)
        with unlogged() as withheld:
            is_taken = _send(plugin, news, message.Times(now=now, zone=self.zone))
        if not is_taken:
            raise self._failure(withheld)

    def announce(self, coverage: Coverage) -> None:
        """Return when the service took one message about the gateways that became blind.

        A service that keeps incidents opens one, which whoever mends it closes. Without a newly
        blind gateway, or where only failures are heard, there is nothing to send.
        """
        if not coverage.newly_blind or self.least.rank < Severity.WARNING.rank:
            return
        plugin = self._plugin()
        if plugin is None:
            raise DeliveryRefused(f"{self.name} was not told; {SETTING}: {self._unusable}")
        if self._scheme in KEYS:
            for name, value in ((KEYS[self._scheme], coverage.id), ("action", "map")):
                setattr(plugin, name, value)
        with unlogged() as withheld:
            is_taken = _notify(
                plugin,
                lambda most: blind_title(coverage, most),
                lambda markup, fits: blind_body(coverage, markup, fits),
                Severity.WARNING,
            )
        if not is_taken:
            raise self._failure(withheld)

    def probe(self) -> str | None:
        """Ask the service's host for its first page, where Apprise says which that is."""
        plugin: Any = self._plugin()
        if plugin is None:
            raise DeliveryRefused(f"{SETTING}: {self._unusable}")
        if self._scheme in MAIL:
            with socket.create_connection(
                (plugin.smtp_host, plugin.port), self.timeout.total_seconds()
            ):
                return "its mail server takes connections"
        origin = _origin(plugin, self._scheme)
        if origin is None:
            return None
        reach(origin, timeout=self.timeout)
        return "its host answers; whether it takes messages, only one can tell (the drill's)"

    def _close(self, plugin: Any, insight: Insight) -> None:
        """Close the alert that has the failover's id as its alias.

        Apprise's plugin closes only what the same process opened, which may be long gone.
        """
        import requests
        from apprise.plugins.opsgenie import OPSGENIE_API_LOOKUP

        with (
            unlogged(),
            requests.post(
                f"{OPSGENIE_API_LOOKUP[plugin.region_name]}/{quote(insight.id, safe='')}/close",
                params={"identifierType": "alias"},
                json={"source": plugin.app_desc, "note": insight.verdict},
                headers={"Authorization": f"GenieKey {plugin.apikey}"},
                timeout=self.timeout.total_seconds(),
                allow_redirects=False,
                stream=True,
            ) as reply,
        ):
            status = reply.status_code
        if not 200 <= status < 300:
            raise status_error(self.name, status)

    @property
    def _scheme(self) -> str:
        return self.url.partition("://")[0].lower()

    @property
    def _unusable(self) -> str:
        return f"number {self.position} is no URL that Apprise can use; see its page on the service"

    def _failure(self, withheld: Iterable[logging.LogRecord]) -> DeliveryFailed | DeliveryRefused:
        """What Apprise's warnings amount to: a refusal only where each of them is one."""
        unexplained = unanswered(self.name, "Apprise does not tell why")
        failures: list[DeliveryFailed | DeliveryRefused] = []
        for record in withheld:
            if record.name == "apprise" and record.levelno >= logging.WARNING:
                status = _STATUS.search(record.getMessage())
                failures.append(status_error(self.name, int(status[1])) if status else unexplained)
        passing = [failure for failure in failures if isinstance(failure, DeliveryFailed)]
        return [unexplained, *failures, *passing][-1]

    def _plugin(self) -> NotifyBase | None:
        """A plugin for one delivery: Apprise's own pauses between two would cost the run time."""
        from apprise import Apprise, AppriseAsset

        with unlogged():
            asset = AppriseAsset(
                app_id="Gateway failover detector", http_redirects=False, image_url_mask=""
            )
            return Apprise.instantiate(self.url, asset=asset)


def _origin(plugin: Any, scheme: str) -> str | None:
    """Where the service is, by the plugin; None where it does not say."""
    for name in ("notify_url", "webhook_url"):
        parts = urlsplit(str(getattr(plugin, name, None) or ""))
        if parts.scheme == "https" and parts.netloc and "{" not in parts.netloc:
            return f"https://{parts.netloc}"
    if scheme not in SELF_HOSTED or not plugin.host:
        return None
    is_secure = plugin.secure or scheme in {"workflow", "workflows"}
    port = f":{plugin.port}" if plugin.port else ""
    return f"{'https' if is_secure else 'http'}://{plugin.host}{port}"


def _send(plugin: NotifyBase, news: Sequence[News], times: message.Times) -> bool:
    """Whether the service took the message."""
    return _notify(
        plugin,
        lambda most: message.title(news, most, times),
        lambda markup, fits: message.body(news, markup, fits, times),
        news[0].severity,
    )


def _notify(
    plugin: NotifyBase,
    title: Callable[[int], str],
    body: Callable[[message.Markup, Callable[[str], bool]], str],
    severity: Severity,
) -> bool:
    """Whether the service took one message, whose title and body are made to fit it."""
    from apprise import OverflowMode

    form = plugin.resolve_format()
    markup = message.MARKUPS[form.value]
    room = min(plugin.body_maxlen, message.BODY_LENGTH)
    has_title = plugin.title_maxlen > 0
    longest = plugin.title_maxlen if has_title else room - AROUND_TITLE
    head = title(min(message.TITLE_LENGTH, longest))
    # Without a title of its own, the service gets it as the first line of the body.
    shown = head if has_title else markup.plain(head)
    shares_room = not has_title or plugin.overflow_amalgamate_title
    taken = len(shown) + AROUND_TITLE if shares_room else 0
    text = body(markup, lambda text: taken + len(plugin.dialect_convert(text, form)) <= room)
    # Upstream: nothing is left to cut or to split, one message stays one.
    return plugin.notify(
        body=text,
        title=shown,
        notify_type=severity.value,
        overflow=OverflowMode.UPSTREAM,
        body_format=form,
    )
