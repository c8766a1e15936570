"""What a list of failovers says of one: a summary small enough for the metadata of a blob.

So a page of a fleet, or a list in a terminal, opens no document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from pydantic import Field

from detector.insights.document import Instant, Part, Reason, Seconds
from detector.insights.standing import standing_of
from detector.model import CauseKind, Importance, State, Window
from detector.text import one_line

if TYPE_CHECKING:
    from detector.insights.document import Insight, OutageFacts

LONGEST_BYTES: Final = 4096
"""As long is the text of a summary at most; all metadata of a blob may have 8 KB."""

FLEET_DAYS: Final = 30
"""So many days of a fleet are shown one by one."""

_LIMITS: Final = (600, 300, 150, 75, 30)
"""As many characters has each of a summary's texts, the first number at which it fits."""

_KEPT: Final = " !\"#$'()*+,/:;=?@[\\]^`{|}"
"""What is not percent-encoded: it stands in a header, and in the XML of a list, as it is."""


class Summary(Part):
    """One failover as it was last told; `causes` are the kinds recorded, in the order of belief.

    `peers` counts the peers that were out and `down` those that still are, the first of them since
    `down_since`. `longest_seconds` is the longest outage that ended, by the rows, or where it is
    `bounded` the most that it can have been.
    """

    id: str
    revision: int = Field(ge=1)
    drill: bool = False
    retracted: bool = False
    gateway: str
    gateway_id: str
    first_at: Instant
    last_at: Instant
    switch_overs: int
    flapping: bool
    state: State
    importance: Importance
    causes: tuple[CauseKind, ...]
    peers: int
    down: int
    down_since: Instant | None
    longest_seconds: Seconds | None
    bounded: bool = False
    redundancy_lost_seconds: Seconds | None
    seen_until: Instant
    verdict: str

    @property
    def is_open(self) -> bool:
        """Whether it was not seen to be over; a drill has no failover to be over."""
        return self.state is State.ONGOING and not self.drill

    @property
    def standing(self) -> str:
        """How it stands, in a word or two: the same in every list."""
        if self.drill:
            return "drill"
        if self.is_open:
            return "down" if self.down else "redundancy lost"
        if self.retracted:
            return "retracted"
        return "not known" if self.state is State.UNKNOWN else "back"


def summary_of(insight: Insight) -> Summary:
    """The summary of an insight, with all of its texts."""
    failover = insight.failover
    retracted = Reason.RETRACTED in insight.reasons
    standing = standing_of(failover, insight.insight.importance_level, retracted=retracted)
    longest = max((each for each in failover.outages if _length(each)), key=_length, default=None)
    recorded = {known.cause for known in standing.switch_overs} | {failover.cause.kind}
    known = recorded - {CauseKind.NOT_RECORDED} or recorded
    return Summary(
        id=insight.id,
        revision=insight.revision,
        drill=insight.drill,
        retracted=retracted,
        gateway=insight.gateway.name,
        gateway_id=insight.gateway.id,
        first_at=failover.first_at,
        last_at=failover.last_at,
        switch_overs=len(failover.switch_overs),
        flapping=failover.flapping,
        state=failover.state,
        importance=insight.insight.importance_level,
        causes=tuple(kind for kind in CauseKind if kind in known),
        peers=len({each.remote_ip for each in failover.outages}),
        down=len(standing.peers_down),
        down_since=standing.down_since,
        longest_seconds=_length(longest) if longest else None,
        bounded=longest is not None and longest.seconds is None,
        redundancy_lost_seconds=failover.redundancy_lost_seconds,
        seen_until=failover.seen_until,
        verdict=insight.verdict,
    )


def _length(outage: OutageFacts) -> float:
    """How many seconds an outage lasted, or at most; 0 where nothing says it."""
    return outage.seconds or outage.at_most or 0.0


def summary_to_text(summary: Summary) -> str:
    """The summary as percent-encoded ASCII JSON of `LONGEST_BYTES` at most.

    Texts that are too long end in `…`, all of them at the same length.
    """
    text = ""
    for most in _LIMITS:
        short = summary.model_copy(
            update={
                "gateway": one_line(summary.gateway, most),
                "gateway_id": one_line(summary.gateway_id, most),
                "verdict": one_line(summary.verdict, most),
            }
        )
        document = json.dumps(short.model_dump(mode="json"), separators=(",", ":"))
        text = quote(document, safe=_KEPT)
        if len(text) <= LONGEST_BYTES:
            break
    return text


def summary_from_text(text: str) -> Summary:
    """The summary that `summary_to_text` wrote; members of a newer release are passed over.

    Raises ValueError for text that is none.
    """
    return Summary.model_validate_json(unquote(text), extra="ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which failovers somebody wants to see: those that are all of this; `until` is left out.

    `gateway` is a name or an id, in whatever case, or empty for every gateway.
    """

    gateway: str = ""
    cause: CauseKind | None = None
    state: State | None = None
    since: datetime | None = None
    until: datetime | None = None

    def admits(self, summary: Summary) -> bool:
        """Whether the failover is one of these."""
        return (
            self.is_of(summary.gateway, summary.gateway_id)
            and (self.cause is None or self.cause in summary.causes)
            and (self.state is None or self.state is summary.state)
            and (self.since is None or self.since <= summary.first_at)
            and (self.until is None or summary.first_at < self.until)
        )

    def is_of(self, name: str, gateway_id: str) -> bool:
        """Whether the gateway is the one that is wanted, if one is."""
        return self.gateway.lower() in ("", name.lower(), gateway_id.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A gateway that was found in a scope; `blind` says why its failovers could not be seen."""

    id: str
    name: str
    blind: str = ""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What the page shows, as of `now`.

    `listed` are the failovers of the choice, newest first; `recent` those of the last `FLEET_DAYS`
    days, of every gateway that is wanted. Of `unreadable` more the summary could not be read.
    `last_complete` is up to when every scope was read in full, and what is before `late_before` is
    too old. `watched` gives the times in which a gateway was looked at, of None those in which
    everything was. `known` are gateways that the last coverage check named, at `checked_at`, of
    `gateways` in all; both are None where there was none. `page_of` gives the address of a
    failover's page.
    """

    now: datetime
    choice: Choice
    listed: Sequence[Summary]
    recent: Sequence[Summary]
    unreadable: int
    last_complete: datetime | None
    late_before: datetime
    watched: Callable[[str | None], Sequence[Window]]
    known: Sequence[Known]
    gateways: int | None
    checked_at: datetime | None
    page_of: Callable[[str], str]
    has_form: bool = True

    @property
    def is_late(self) -> bool:
        """Whether nobody knows what happened since the last complete run."""
        return self.last_complete is None or self.last_complete < self.late_before

    @cached_property
    def real(self) -> Sequence[Summary]:
        """The recent failovers that happened: no drills, and none that was taken back."""
        return [each for each in self.recent if not each.drill and not each.retracted]

    @cached_property
    def open(self) -> Sequence[Summary]:
        """The failovers that are not over, those with a tunnel down first."""
        standing = [each for each in self.recent if each.is_open]
        return sorted(standing, key=lambda each: (not each.down, each.down_since or each.first_at))

    @cached_property
    def days(self) -> Sequence[datetime]:
        """The midnights at which the days of the strips begin, the oldest first."""
        today = datetime.combine(self.now.astimezone(UTC).date(), time(), UTC)
        return [today - timedelta(days=back) for back in reversed(range(FLEET_DAYS))]
