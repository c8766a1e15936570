"""What a reader of an insight holds to be true, and what there is to tell where it changes.

A standing is small enough to be kept for each receiver. The reasons of a revision compare it with
what was last written, those of a message with what its receiver was last sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from detector.diagnosis import NEAR
from detector.insights.document import Insight, Reason
from detector.model import CauseKind, Importance, State

if TYPE_CHECKING:
    from detector.insights.document import FailoverFacts


class Severity(StrEnum):
    """How much a message matters, worst first; it follows the state."""

    FAILURE = "failure"
    WARNING = "warning"
    SUCCESS = "success"
    INFO = "info"

    @property
    def rank(self) -> int:
        """A smaller number for what is worse."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOverStanding:
    """One switch-over with what was recorded beside it, at `recorded_at`, in so many `records`."""

    at: datetime
    cause: CauseKind
    recorded_at: datetime | None = None
    records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a reader holds to be true of a failover.

    `down` are the tunnels down now, as pairs of remote IP and instance, and `down_since` is when
    the oldest of them went down. `without_redundancy` are the instances that lack tunnels now.
    `was_down` says that some tunnel was seen down at all. Of the switch-overs `earlier` ones are
    only counted.
    """

    state: State
    critical: bool = False
    down: tuple[tuple[str, str], ...] = ()
    down_since: datetime | None = None
    without_redundancy: tuple[str, ...] = ()
    was_down: bool = False
    switch_overs: tuple[SwitchOverStanding, ...] = ()
    earlier: int = 0
    flapping: bool = False
    retracted: bool = False

    @property
    def times(self) -> int:
        """How often the gateway switched over."""
        return len(self.switch_overs) + self.earlier

    @property
    def peers_down(self) -> frozenset[str]:
        """The remote IPs that are down."""
        return frozenset(remote_ip for remote_ip, _ in self.down)

    @property
    def is_amiss(self) -> bool:
        """Whether something is down, or redundancy is missing."""
        return bool(self.down or self.without_redundancy)

    @property
    def alarms(self) -> bool:
        """Whether who was told so waits to hear that it is over."""
        if self.retracted:
            return self.fails
        return self.is_amiss or self.critical or self.flapping

    @property
    def fails(self) -> bool:
        """Whether tunnels are down and that is critical, be it of a failover or of none."""
        return self.critical and bool(self.down)


def standing_of(failover: FailoverFacts, importance: Importance, *, retracted: bool) -> Standing:
    """What a reader of this holds to be true. Nothing is down where the state is recovered."""
    is_over = failover.state is State.RECOVERED
    down = [] if is_over else [each for each in failover.outages if each.is_open]
    lost = [each.instance for each in failover.redundancy_lost if each.to is None]
    perhaps = [each.instance for each in failover.maybe_out if each.to is None]
    return Standing(
        state=failover.state,
        critical=importance is Importance.CRITICAL,
        down=tuple(sorted({(each.remote_ip, each.instance) for each in down})),
        down_since=min((each.from_ for each in down), default=None),
        without_redundancy=() if is_over else tuple(sorted({*lost, *perhaps})),
        was_down=bool(failover.outages or failover.redundancy_lost or failover.maybe_out)
        or failover.redundancy_lost_seconds is not None,
        switch_overs=tuple(_switch_overs(failover)),
        earlier=failover.switch_overs_left_out,
        flapping=failover.flapping,
        retracted=retracted,
    )


def _switch_overs(failover: FailoverFacts) -> Iterator[SwitchOverStanding]:
    for known in failover.switch_overs:
        cause = known.cause or failover.cause
        yield SwitchOverStanding(
            at=known.at, cause=cause.kind, recorded_at=cause.at, records=cause.records
        )


def reasons_between(before: Standing | None, after: Standing) -> tuple[Reason, ...]:
    """Why `after` is to be told to who holds `before` to be true, in order; none: it still holds.

    None before is somebody who was told nothing. What was never told is not taken back. What is
    retracted is followed for the tunnels that are down all the same: they come back, or their
    outage turns critical.
    """
    if before is None:
        return () if after.retracted else (Reason.DETECTED,)
    held = {Reason.RECOVERED: _recovered(before, after)}
    if after.retracted:
        held[Reason.RETRACTED] = not before.retracted
        held[Reason.WORSENED] = after.fails and not before.critical
    else:
        held[Reason.DETECTED] = before.retracted
        held[Reason.WORSENED] = _worsened(before, after)
        held[Reason.SWITCHED_AGAIN] = _switched_again(before, after)
        held[Reason.CAUSE_CHANGED] = _cause_changed(before, after)
    return tuple(reason for reason in Reason if held.get(reason))


def _recovered(before: Standing, after: Standing) -> bool:
    """Nothing is down any more that was, or it no longer keeps switching over.

    A peer that was out is no longer down once a tunnel serves it, though redundancy be missing.
    """
    if before.down and not after.down and after.without_redundancy:
        return True
    if after.is_amiss:
        return False
    ended = before.flapping and not after.flapping
    return ended or (before.is_amiss and after.state is not State.ONGOING)


def _worsened(before: Standing, after: Standing) -> bool:
    return bool(
        after.peers_down - before.peers_down
        or set(after.without_redundancy) - set(before.without_redundancy)
        or (after.critical and not before.critical)
    )


def _switched_again(before: Standing, after: Standing) -> bool:
    """There are more switch-overs, or another instead of one that was taken back."""
    told = [known.at for known in before.switch_overs]
    return after.times > before.times or any(
        all(abs(known.at - at) > NEAR for at in told) for known in after.switch_overs
    )


def _cause_changed(before: Standing, after: Standing) -> bool:
    """Whether one of the same switch-overs has another cause, or a further record of the same.

    They are the same by their order where there are as many, else by their instants.
    """
    if before.times == after.times and before.earlier == after.earlier:
        pairs = list(zip(before.switch_overs, after.switch_overs, strict=True))
    else:
        by_instant = {known.at: known for known in after.switch_overs}
        pairs = [
            (known, by_instant[known.at]) for known in before.switch_overs if known.at in by_instant
        ]
    return any(_is_other(told, known) for told, known in pairs)


def _is_other(told: SwitchOverStanding, known: SwitchOverStanding) -> bool:
    if told.cause is not known.cause:
        return True
    return told.recorded_at != known.recorded_at or known.records > told.records


_QUIET: Final = frozenset({Reason.SWITCHED_AGAIN, Reason.CAUSE_CHANGED})


def severity_of(
    after: Standing, reasons: Collection[Reason], before: Standing | None = None
) -> Severity:
    """How much it matters to who held `before` to be true to be told of `after`, for `reasons`."""
    news = set(reasons)
    knows_flapping = before is not None and before.flapping
    if after.retracted:
        return Severity.FAILURE if after.fails else Severity.SUCCESS
    if news <= {Reason.CAUSE_CHANGED} or (knows_flapping and news <= _QUIET):
        return Severity.INFO
    if after.critical:
        return Severity.FAILURE
    if after.is_amiss or (after.flapping and not knows_flapping):
        return Severity.WARNING
    is_back = after.was_down or Reason.RECOVERED in news
    return Severity.SUCCESS if is_back else Severity.INFO


PEOPLE_HEAR: Final = frozenset(Reason) - {Reason.COMPLETED, Reason.REVISED}
"""The reasons for which people are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one receiver is told of one failover now: the latest insight, and why.

    `standing` is what the receiver holds to be true from then on, `before` what it was last sent,
    None where that is not known or was nothing. `changed` are the remote IPs that
    went down or came back since it was last told, and `unsteady` those that keep doing so.
    """

    insight: Insight
    reasons: tuple[Reason, ...]
    severity: Severity
    standing: Standing
    before: Standing | None = None
    changed: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()


def news_of(insight: Insight) -> News:
    """What somebody is told of an insight who was sent every revision before it."""
    standing = standing_of(
        insight.failover,
        insight.insight.importance_level,
        retracted=Reason.RETRACTED in insight.reasons,
    )
    return News(
        insight=insight,
        reasons=insight.reasons,
        severity=severity_of(standing, insight.reasons),
        standing=standing,
        changed=tuple(sorted(standing.peers_down)),
    )
