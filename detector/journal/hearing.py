"""What a receiver of people's messages is to hear of a failover, and when.

It is judged against what that receiver was last sent: a revision that a later one has overtaken is
not sent any more, and what did not change for this receiver is not told to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from detector.insights import (
    Insight,
    News,
    Reason,
    Severity,
    Standing,
    news_of,
    reasons_between,
    severity_of,
    standing_of,
)
from detector.journal.history import Heard, Record

DIGEST: Final = timedelta(minutes=15)
"""So long what is over, and what is only worth knowing, waits to be told in one message."""

TOGETHER: Final = 4
"""As many messages to one receiver in one run are one message."""

HOUR: Final = timedelta(hours=1)
CHANGES: Final = 2
"""So often within an hour a receiver is told of a tunnel, and then that it keeps changing."""

STEADY: Final = timedelta(minutes=30)
"""A tunnel that did not go down or come back for so long no longer keeps doing so."""

MOMENT: Final = timedelta(minutes=5)
"""For so long a tunnel may be down before who knows that its gateway flaps is told of it."""

FLAPPING_ENDS: Final = timedelta(hours=1)
"""A gateway that did not switch over for so long no longer keeps doing so."""

_FLAPPING_NEWS: Final = frozenset({Reason.SWITCHED_AGAIN, Reason.CAUSE_CHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a receiver hears: what is at least of severity `least`, and the end of what it heard.

    What can wait does so for `digest`. One that `keeps_incidents` opens and closes one for each
    failover: it hears failures and warnings and the end of each, at once and by itself.
    """

    least: Severity = Severity.INFO
    digest: timedelta = DIGEST
    keeps_incidents: bool = False


def heard_by(record: Record, receiver: str) -> Heard:
    """What the receiver was last sent of the failover.

    A receiver that the record does not know was not there, or was told by a release that kept no
    such memory: it counts as having been sent the latest revision that it does not wait for.
    """
    for heard in record.heard:
        if heard.receiver == receiver:
            return heard
    awaited = {each.revision for each in record.outstanding if each.sink == receiver}
    taken = [each for each in record.insights if each.revision not in awaited]
    if not taken:
        return Heard(receiver=receiver)
    return Heard(
        receiver=receiver, standing=news_of(taken[-1]).standing, revision=taken[-1].revision
    )


def to_hear(
    record: Record, heard: Heard, hearing: Hearing, *, now: datetime, since: datetime
) -> tuple[News, datetime | None] | None:
    """What is to be told of the failover, and until when it is held, None for at once.

    None for both: there is nothing to tell, as things stand. `since` is from when on something
    waits to be told.
    """
    insight = record.insights[-1]
    standing = standing_of(
        insight.failover,
        insight.insight.importance_level,
        retracted=not record.diagnosis.borne_out,
    )
    told: list[tuple[News, datetime | None]] = []
    for instant in [now, *_calmer(insight, standing, heard, now)]:
        news = _news(insight, _before_it_calms(insight, standing, heard, instant), heard, instant)
        if news is not None and _is_heard(news, heard, hearing):
            held_until = _held_until(news, heard, hearing, since=since)
            told.append(
                (news, held_until if instant == now else max(instant, held_until or instant))
            )
    return min(told, key=lambda each: each[1] or now, default=None)


def now_heard(heard: Heard, news: News, *, now: datetime) -> Heard:
    """What the receiver was last sent, once it was sent this."""
    recent = (each for each in heard.changes if now - each[1] < HOUR)
    return Heard(
        receiver=heard.receiver,
        standing=news.standing,
        revision=news.insight.revision,
        at=now,
        changes=(*recent, *((remote_ip, now) for remote_ip in news.changed)),
        unsteady=news.unsteady,
    )


def messages(
    at_once: Sequence[News], in_digest: Sequence[News], hearing: Hearing
) -> list[list[News]]:
    """What one receiver is sent in one run, each list one message, the worst first in each."""
    if hearing.keeps_incidents:
        return [[news] for news in worst_first([*at_once, *in_digest])]
    if len(at_once) + len(in_digest) >= TOGETHER:
        return [worst_first([*at_once, *in_digest])]
    digest = [worst_first(in_digest)] if in_digest else []
    return [*([news] for news in worst_first(at_once)), *digest]


def worst_first(news: Iterable[News]) -> list[News]:
    """By severity, and of the same what has been down for longest, or happened first."""

    def order(each: News) -> tuple[int, datetime]:
        return each.severity.rank, each.standing.down_since or each.insight.failover.first_at

    return sorted(news, key=order)


def _news(insight: Insight, standing: Standing, heard: Heard, now: datetime) -> News | None:
    reasons = reasons_between(heard.standing, standing)
    if not reasons:
        return None
    before = heard.standing.peers_down if heard.standing else frozenset()
    changed = before ^ standing.peers_down
    often = {peer for peer in changed if _times_told(heard, peer, now) >= CHANGES}
    if often and not often <= standing.peers_down:  # it is back, and nobody should rely on that
        standing = _with_down(standing, often, insight)
        reasons = tuple(dict.fromkeys(_unrelied(reason) for reason in reasons))
    unsteady = {*heard.unsteady, *often} & standing.peers_down
    return News(
        insight=insight,
        reasons=reasons,
        severity=severity_of(standing, reasons, heard.standing),
        standing=standing,
        before=heard.standing,
        changed=tuple(sorted(changed)),
        unsteady=tuple(sorted(unsteady)),
    )


def _unrelied(reason: Reason) -> Reason:
    return Reason.WORSENED if reason is Reason.RECOVERED else reason


def _times_told(heard: Heard, peer: str, now: datetime) -> int:
    return sum(remote_ip == peer and now - at < HOUR for remote_ip, at in heard.changes)


def _before_it_calms(insight: Insight, standing: Standing, heard: Heard, now: datetime) -> Standing:
    """The standing in which a tunnel that keeps changing is not back until it has been steady."""
    unsteady = {peer for peer in heard.unsteady if now - _last_change(insight, peer, now) < STEADY}
    flapping = standing.flapping and now - standing.switch_overs[-1].at < FLAPPING_ENDS
    settled = _settled(standing, insight, heard, now)
    return replace(_with_down(settled, unsteady, insight), flapping=flapping)


def _settled(standing: Standing, insight: Insight, heard: Heard, now: datetime) -> Standing:
    """The standing without what is down since a moment ago, for who knows that it keeps flapping.

    Each switch-over takes every tunnel for some seconds, whenever a run looks.
    """
    moments = {began for began in _began(insight, heard) if now < began + MOMENT}
    if not moments:
        return standing
    failover, before = insight.failover, heard.standing
    fresh = {each.remote_ip for each in failover.outages if each.is_open and each.from_ in moments}
    lost = {each.instance for each in failover.redundancy_lost if each.from_ in moments}
    lost |= {each.instance for each in failover.maybe_out if each.from_ in moments}
    if before is not None:
        fresh -= before.peers_down
        lost -= {*before.without_redundancy}
    down = tuple(each for each in standing.down if each[0] not in fresh)
    peers = {remote_ip for remote_ip, _ in down}
    since = [each.from_ for each in failover.outages if each.is_open and each.remote_ip in peers]
    return replace(
        standing,
        down=down,
        down_since=min(since, default=None),
        without_redundancy=tuple(each for each in standing.without_redundancy if each not in lost),
    )


def _began(insight: Insight, heard: Heard) -> list[datetime]:
    """When what is down went down, for who knows that the gateway keeps switching over."""
    if heard.standing is None or not heard.standing.flapping:
        return []
    failover = insight.failover
    outages = [each.from_ for each in failover.outages if each.is_open]
    lost = [each.from_ for each in failover.redundancy_lost if each.to is None]
    return [*outages, *lost, *(each.from_ for each in failover.maybe_out if each.to is None)]


def _calmer(insight: Insight, standing: Standing, heard: Heard, now: datetime) -> list[datetime]:
    """The instants from now on at which something will have been steady for long enough."""
    instants = [_last_change(insight, peer, now) + STEADY for peer in heard.unsteady]
    instants += [began + MOMENT for began in _began(insight, heard)]
    if standing.flapping:
        instants.append(standing.switch_overs[-1].at + FLAPPING_ENDS)
    return sorted(instant for instant in instants if instant > now)


def _last_change(insight: Insight, peer: str, now: datetime) -> datetime:
    """When the peer's tunnel was last seen to go down or to come back."""
    own = [each for each in insight.failover.outages if each.remote_ip == peer]
    return max([each.to or each.from_ for each in own], default=now - STEADY)


def _with_down(standing: Standing, peers: Iterable[str], insight: Insight) -> Standing:
    """The standing in which these peers are down, too."""
    missing = set(peers) - standing.peers_down
    if not missing or standing.retracted:
        return standing
    latest = {each.remote_ip: each for each in insight.failover.outages}
    own = [latest[peer] for peer in missing if peer in latest]
    since = [each.from_ for each in own]
    since += [standing.down_since] if standing.down_since else []
    return replace(
        standing,
        down=tuple(sorted({*standing.down, *((each.remote_ip, each.instance) for each in own)})),
        down_since=min(since, default=None),
    )


def _is_heard(news: News, heard: Heard, hearing: Hearing) -> bool:
    if news.severity is Severity.SUCCESS and _ends(heard):
        return True
    if hearing.keeps_incidents:
        return news.severity.rank <= Severity.WARNING.rank
    return news.severity.rank <= hearing.least.rank


def _ends(heard: Heard) -> bool:
    """Whether what the receiver was last sent lets it wait for an end."""
    return heard.standing is not None and heard.standing.alarms


def _held_until(news: News, heard: Heard, hearing: Hearing, *, since: datetime) -> datetime | None:
    is_end = news.severity is Severity.SUCCESS and _ends(heard)
    if is_end or news.severity.rank <= Severity.WARNING.rank:
        return None
    knows_flapping = heard.standing is not None and heard.standing.flapping
    if knows_flapping and heard.at is not None and set(news.reasons) <= _FLAPPING_NEWS:
        return max(since + hearing.digest, heard.at + HOUR)
    return since + hearing.digest if hearing.digest else None
