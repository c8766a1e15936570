"""What a list of failovers says of one: a summary small enough for the metadata of a blob.

So a page of a fleet, or a list in a terminal, opens no document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from pydantic import Field

from detector.insights.document import Instant, Part, Reason, Seconds
from detector.insights.standing import standing_of
from detector.model import CauseKind, Importance, State
from detector.text import one_line

if TYPE_CHECKING:
    from detector.insights.document import Insight, OutageFacts

LONGEST_BYTES: Final = 4096
"""As long is the text of a summary at most; all metadata of a blob may have 8 KB."""

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
