"""What is kept of a failover that goes on for days: enough to tell it, and no more.

A gateway that flaps switches over a thousand times a week, with every tunnel each time. Kept are
its first switch-over and the latest, what is open, what lasted longest and what was last; of the
rest only how much there was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from detector.diagnosis.switchover import NEAR
from detector.model import Diagnosis, Failover, Outage, Redundancy

SWITCH_OVERS: Final = 100
OUTAGES: Final = 300
LONGEST: Final = 100
EVIDENCE: Final = 400
EARLIEST: Final = 100
LOSSES: Final = 400
"""So much of each is kept: of the outages the `LONGEST`, of the evidence the `EARLIEST`."""


def shortened(
    failover: Failover, diagnosis: Diagnosis, *, told: Diagnosis | None, since: datetime
) -> tuple[Failover, Diagnosis]:
    """The failover and its diagnosis as they are kept; `told` is what was kept before.

    Every switch-over stays that rows from `since` on may show again. To shorten what was shortened
    changes nothing, whether rows have left the window meanwhile or not.
    """
    outages, outages_left_out = _kept(diagnosis.outages, told.outages_left_out if told else 0)
    unclear, unclear_left_out = _kept(diagnosis.unclear, told.unclear_left_out if told else 0)
    evidence = diagnosis.evidence
    if len(evidence) > EVIDENCE:
        evidence = (*evidence[:EARLIEST], *evidence[EARLIEST - EVIDENCE :])
    losses = len(diagnosis.redundancy)
    short = replace(
        diagnosis,
        outages=outages,
        outages_left_out=outages_left_out,
        unclear=unclear,
        unclear_left_out=unclear_left_out,
        redundancy=tuple(_losses(diagnosis.redundancy[-LOSSES:])),
        redundancy_left_out=max(losses - LOSSES, told.redundancy_left_out if told else 0, 0),
        already_down=diagnosis.already_down[-OUTAGES:],
        evidence=evidence,
        evidence_left_out=max(
            len(diagnosis.evidence) - len(evidence), told.evidence_left_out if told else 0
        ),
    )
    return _without_earlier(failover, short, since=since)


def _without_earlier(
    failover: Failover, diagnosis: Diagnosis, *, since: datetime
) -> tuple[Failover, Diagnosis]:
    """The failover without the switch-overs between its first and the latest, and their causes."""
    known = failover.switch_overs
    seen = [n for n, each in enumerate(known) if each.end >= since - NEAR]
    last = min([*seen[:1], len(known) - SWITCH_OVERS + 1])
    if last <= 1:
        return failover, diagnosis
    causes = diagnosis.causes
    if len(causes) == len(known):
        causes = (causes[0], *causes[last:])
    short = replace(
        failover, switch_overs=(known[0], *known[last:]), earlier=failover.earlier + last - 1
    )
    return short, replace(diagnosis, causes=causes)


def _kept(outages: Sequence[Outage], left_out: int) -> tuple[tuple[Outage, ...], int]:
    """What is kept of outages, in their order, and how many are not: at least as many as before."""
    if len(outages) <= OUTAGES:
        return tuple(outages), left_out
    is_open = {n for n, each in enumerate(outages) if each.is_open or each.is_given_up}
    longest = sorted(range(len(outages)), key=lambda n: _length(outages[n]), reverse=True)
    kept = is_open | set(longest[:LONGEST])
    for n in reversed(range(len(outages))):
        if len(kept) >= OUTAGES:
            break
        kept.add(n)
    return tuple(outages[n] for n in sorted(kept)), max(left_out, len(outages) - len(kept))


def _length(outage: Outage) -> tuple[timedelta, datetime]:
    """How long it was, or may have been; of the same the later one is the longer."""
    end = outage.end or outage.back_before or outage.start
    return end - outage.start, outage.start


def _losses(redundancy: Iterable[Redundancy]) -> Iterable[Redundancy]:
    """Losses of redundancy, the latest and what is open with their tunnels."""
    kept, room = [], OUTAGES
    for each in sorted(redundancy, key=lambda lost: lost.start, reverse=True):
        is_settled = each.end is not None and not each.missing
        room -= len(each.tunnels)
        kept.append(replace(each, tunnels=()) if room < 0 and is_settled else each)
    return reversed(kept)
