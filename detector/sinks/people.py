"""EDGE: insights to people, by Apprise: Teams, Slack, PagerDuty, e-mail and a hundred more.

The URL is a secret: it stands in no name, error or log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from detector.errors import DeliveryFailed, DeliveryRefused, SettingsError
from detector.insights import Reason, message
from detector.journal import late, status_error, unanswered, within
from detector.model import Importance
from detector.sinks.http import unlogged
from detector.text import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apprise import NotifyBase
    from requests import PreparedRequest, Response, Session

    from detector.insights import Insight

SETTING: Final = "DETECTOR_NOTIFY_URLS"
TOLD: Final = frozenset(
    {Reason.DETECTED, Reason.SWITCHED_AGAIN, Reason.CAUSE_FOUND, Reason.RECOVERED}
)
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

_replies: ContextVar[list[Response] | None] = ContextVar("replies", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A sink that takes what people should hear of; `position` is that of `url` in the setting.

    A delivery takes no longer than `timeout`; `now` reads the clock, for a Retry-After.
    """

    url: str = field(repr=False)
    now: Callable[[], datetime]
    position: int = 1
    timeout: timedelta = timedelta(seconds=20)

    @property
    def name(self) -> str:
        """The URL's scheme and fingerprint, such as `slack-1a2b3c4d`."""
        return f"{self.url.partition('://')[0].lower()}-{fingerprint(self.url)}"

    def takes(self, reason: Reason) -> bool:
        """Whether people are told: of what happened, but not of facts that came in later."""
        return reason in TOLD

    def check(self) -> None:
        """Raises SettingsError where Apprise cannot make anything of the URL."""
        if self._plugin() is None:
            raise SettingsError({SETTING: self._unusable})

    def deliver(self, insight: Insight) -> None:
        """Return when the service took the message; raises DeliveryFailed or DeliveryRefused."""
        plugin = self._plugin()
        if plugin is None:
            raise DeliveryRefused(f"{self.name} was not told; {SETTING}: {self._unusable}")
        replies: list[Response] = []
        failure = None
        try:
            is_taken = within(self.timeout, lambda: _send(plugin, insight, replies))
        except TimeoutError:
            failure = late(self.name, self.timeout)
        except Exception as error:  # noqa: BLE001 -- a plugin may raise anything
            failure = unanswered(self.name, type(error).__name__)
        # Raised out here, since an error that is raised above has the URL in its context.
        if failure is not None:
            raise failure
        if not is_taken:
            raise self._failure(replies)

    @property
    def _unusable(self) -> str:
        return f"number {self.position} is no URL that Apprise can use; see its page on the service"

    def _failure(self, replies: Sequence[Response]) -> DeliveryFailed | DeliveryRefused:
        """What the replies amount to: a refusal only where nothing else went wrong."""
        failures = [
            status_error(self.name, reply.status_code, reply.headers.get("Retry-After"), self.now())
            for reply in replies
            if reply.status_code >= 300
        ]
        passing = [failure for failure in failures if isinstance(failure, DeliveryFailed)]
        if passing:
            return max(passing, key=lambda failure: failure.retry_after or timedelta(0))
        return failures[-1] if failures else unanswered(self.name, "Apprise does not tell why")

    def _plugin(self) -> NotifyBase | None:
        """A plugin for one delivery: Apprise's own pauses between two would cost the run time."""
        from apprise import Apprise, AppriseAsset

        with unlogged():
            asset = AppriseAsset(
                app_id="Gateway failover detector", http_redirects=False, image_url_mask=""
            )
            plugin = Apprise.instantiate(self.url, asset=asset)
        if plugin is None:
            return None
        seconds = self.timeout.total_seconds()
        plugin.socket_connect_timeout = min(plugin.socket_connect_timeout, seconds)
        plugin.socket_read_timeout = min(plugin.socket_read_timeout, seconds)
        return plugin


def _send(plugin: NotifyBase, insight: Insight, replies: list[Response]) -> bool:
    """Whether the service took the message; what it replied is added to `replies`."""
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
    _listen()
    token = _replies.set(replies)
    try:
        with unlogged():
            # Upstream: nothing is left to cut or to split, one insight is one message.
            return plugin.notify(
                body=body,
                title=shown,
                notify_type=_kind(insight),
                overflow=OverflowMode.UPSTREAM,
                body_format=form,
            )
    finally:
        _replies.reset(token)


def _kind(insight: Insight) -> str:
    """What a service goes by for a colour, a severity, or to resolve what it raised before."""
    is_over = insight.reason is Reason.RECOVERED
    return "success" if is_over else KINDS[insight.insight.importance_level]


@cache
def _listen() -> None:
    """Let replies be heard from now on: Apprise tells neither their status nor Retry-After."""
    from requests import Session

    send = Session.send

    def heard(session: Session, request: PreparedRequest, **options: Any) -> Response:
        reply = send(session, request, **options)
        if (replies := _replies.get()) is not None:
            replies.append(reply)
        return reply

    Session.send = heard  # type: ignore[assignment]
