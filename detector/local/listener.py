"""EDGE: a receiver that keeps what it is sent, to show what people would be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, ClassVar

from detector.insights import PEOPLE_HEAR, Part, Reason, Severity, message, news_of
from detector.journal import DEADLINE, Hearing, messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from detector.insights import Insight, News


class Message(Part):
    """One message, the worst of its failovers first; `revision` is None where there are several."""

    ids: tuple[str, ...]
    revision: int | None
    reason: Reason
    severity: Severity
    title: str
    body: str


@dataclass(slots=True, kw_only=True)
class Listener:
    """A receiver of Markdown that hears everything; `sent` holds what it was sent, in order.

    What can wait does so for `digest`, nothing by default. Times are written in `zone`, too.
    """

    name: ClassVar = "listener"
    takes: ClassVar = PEOPLE_HEAR
    timeout: ClassVar = DEADLINE

    digest: timedelta = timedelta()
    zone: tzinfo | None = None
    sent: list[Message] = field(default_factory=list)

    @property
    def hears(self) -> Hearing:
        """All that people are told."""
        return Hearing(digest=self.digest)

    def deliver(self, insight: Insight) -> None:
        """Keep the message of this insight alone."""
        self.send([news_of(insight)], now=insight.failover.seen_until)

    def send(self, news: Sequence[News], *, now: datetime) -> None:
        """Keep the message with all this news."""
        times = message.Times(now=now, zone=self.zone)
        worst = news[0]
        self.sent.append(
            Message(
                ids=tuple(each.insight.id for each in news),
                revision=worst.insight.revision if len(news) == 1 else None,
                reason=worst.reasons[0],
                severity=worst.severity,
                title=message.title(news, message.TITLE_LENGTH, times),
                body=message.body(
                    news,
                    message.MARKUPS["markdown"],
                    lambda text: len(text) <= message.BODY_LENGTH,
                    times,
                ),
            )
        )

    def hear(self, insights: Iterable[Insight], *, now: datetime) -> None:
        """Keep the messages about insights of which every earlier revision was heard of."""
        told = [news_of(each) for each in insights if PEOPLE_HEAR.intersection(each.reasons)]
        for each in messages(told, (), self.hears):
            self.send(each, now=now)
