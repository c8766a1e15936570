"""EDGE: insights to people, by Apprise: Teams, Slack, PagerDuty, e-mail and a hundred more.

The URL is a secret: it stands in no name, error or log.

Apprise tells whether a service took a message, and only its log says with which status it did not.
A Retry-After it does not pass on: a service that asks for a pause gets the outbox's own.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from detector.errors import DeliveryFailed, DeliveryRefused, SettingsError
from detector.insights import Reason, message
from detector.journal import DEADLINE, status_error, unanswered
from detector.model import Importance
from detector.sinks.http import unlogged
from detector.text import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apprise import NotifyBase

    from detector.insights import Insight

SETTING: Final = "DETECTOR_NOTIFY_URLS"
KINDS: Final[Mapping[Importance, str]] = {
    Importance.CRITICAL: "failure",
    Importance.WARNING: "warning",
    Importance.INFORMATION: "info",
}

# Where a service takes more, it shows less: a header of Slack's has 150 characters, a section 3000.
TITLE_LENGTH: Final = 150
BODY_LENGTH: Final = 3000
# What Apprise puts around a title that it merges into the body.
AROUND_TITLE: Final = 20

# So Apprise's plugins end what they log of a reply that is no success: "…, error=404."
_STATUS: Final = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A sink that takes what people should hear of: what happened, but not facts that came later.

    `position` is that of `url` in the setting.
    """

    takes: ClassVar = frozenset(
        {Reason.DETECTED, Reason.SWITCHED_AGAIN, Reason.CAUSE_CHANGED, Reason.RECOVERED}
    )

    url: str = field(repr=False)
    position: int = 1
    timeout: timedelta = DEADLINE

    @property
    def name(self) -> str:
        """The URL's scheme and fingerprint, such as `slack-1a2b3c4d`."""
        return f"{self.url.partition('://')[0].lower()}-{fingerprint(self.url)}"

    def check(self) -> None:
        """Raises SettingsError where Apprise cannot make anything of the URL."""
        if self._plugin() is None:
            raise SettingsError({SETTING: self._unusable})

    def deliver(self, insight: Insight) -> None:
        """Return when the service took the message."""
        plugin = self._plugin()
        if plugin is None:
            raise DeliveryRefused(f"{self.name} was not told; {SETTING}: {self._unusable}")
        with unlogged() as withheld:
            is_taken = _send(plugin, insight)
        if not is_taken:
            raise self._failure(withheld)

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


def _send(plugin: NotifyBase, insight: Insight) -> bool:
    """Whether the service took the message."""
    from apprise import OverflowMode

    form = plugin.resolve_format()
    markup = message.MARKUPS[form.value]
    room = min(plugin.body_maxlen, BODY_LENGTH)
    has_title = plugin.title_maxlen > 0
    title = message.title(
        insight, min(TITLE_LENGTH, plugin.title_maxlen if has_title else room - AROUND_TITLE)
    )
    # Without a title of its own, the service gets it as the first line of the body.
    shown = title if has_title else markup.plain(title)
    shares_room = not has_title or plugin.overflow_amalgamate_title
    taken = len(shown) + AROUND_TITLE if shares_room else 0
    body = message.body(
        insight, title, markup, lambda text: taken + len(plugin.dialect_convert(text, form)) <= room
    )
    # Upstream: nothing is left to cut or to split, one insight is one message.
    return plugin.notify(
        body=body,
        title=shown,
        notify_type=_kind(insight),
        overflow=OverflowMode.UPSTREAM,
        body_format=form,
    )


def _kind(insight: Insight) -> str:
    """What a service goes by for a colour, a severity, or to resolve what it raised before."""
    is_over = insight.reason is Reason.RECOVERED
    return "success" if is_over else KINDS[insight.insight.importance_level]
