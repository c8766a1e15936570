"""What a reader holds to be true, and what there is to tell where it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from detector.insights.document import Insight, Reason
from detector.insights.standing import (
    Severity,
    Standing,
    SwitchOverStanding,
    news_of,
    reasons_between,
    severity_of,
    standing_of,
)
from detector.model import CauseKind, Importance, State
from tests.builders import LYON, ONE, PARIS, ZERO, at
from tests.sink_stand_in import an_insight

OUT = {"connection": None, "seconds": None, "end_source": None, "from": at(), "to": None}
SWITCHED = SwitchOverStanding(at=at(), cause=CauseKind.NOT_RECORDED)


def standing(**changes: Any) -> Standing:
    """All is back after one switch-over, of which no cause is recorded."""
    return replace(
        Standing(state=State.RECOVERED, was_down=True, switch_overs=(SWITCHED,)), **changes
    )


def down(*peers: str, **changes: Any) -> Standing:
    """These peers are down."""
    pairs = tuple((peer, ZERO) for peer in peers)
    return standing(state=State.ONGOING, down=pairs, down_since=at(), **changes)


def recorded(kind: CauseKind, **changes: Any) -> SwitchOverStanding:
    return replace(SWITCHED, cause=kind, recorded_at=at(-60), records=1, **changes)


def told(**failover: Any) -> Insight:
    """An insight whose failover is changed so."""
    whole = an_insight()
    document = whole.failover.model_dump(by_alias=True) | failover
    return an_insight(failover=document)


def standing_told(importance: Importance = Importance.WARNING, **failover: Any) -> Standing:
    return standing_of(told(**failover).failover, importance, retracted=False)


def test_what_is_down_now_is_what_was_not_seen_to_end() -> None:
    open_ = {**OUT, "remoteIp": LYON, "instance": ZERO}
    over = {**OUT, "remoteIp": PARIS, "instance": ZERO, "to": at(14)}
    lost_rows = {**OUT, "remoteIp": PARIS, "instance": ONE, "atMost": 60}

    known = standing_told(state="ongoing", outages=[open_, over, lost_rows])

    assert (((LYON, ZERO),), at(), True) == (known.down, known.down_since, known.was_down)


def test_nothing_is_down_where_the_state_is_recovered() -> None:
    known = standing_told(state="recovered", outages=[{**OUT, "remoteIp": LYON, "instance": ZERO}])

    assert ((), False) == (known.down, known.is_amiss)


def test_an_instance_that_lacks_tunnels_lacks_redundancy_be_it_proven_or_not() -> None:
    tunnel = {"remoteIp": PARIS, "connection": None, "from": at(), "to": None}
    lost = {"instance": ONE, "from": at(), "to": None, "tunnels": [tunnel]}
    perhaps = {**tunnel, "instance": ZERO}

    known = standing_told(state="ongoing", redundancyLost=[lost], maybeOut=[perhaps])

    assert (ZERO, ONE) == known.without_redundancy


def test_only_critical_importance_is_critical() -> None:
    assert standing_told(Importance.CRITICAL).critical
    assert not standing_told(Importance.WARNING).critical


def test_each_switch_over_has_its_own_cause_or_that_of_the_failover() -> None:
    whole = told().failover
    own = {"kind": "reset", "at": at(), "caller": None, "statement": "A reset.", "records": 2}
    first, second = (each.model_dump() for each in whole.switch_overs)

    known = standing_told(switchOvers=[first | {"cause": own}, second])

    assert [(CauseKind.RESET, at(), 2), (CauseKind.MAINTENANCE, None, 0)] == [
        (each.cause, each.recorded_at, each.records) for each in known.switch_overs
    ]


RESET, MAINTENANCE = recorded(CauseKind.RESET), recorded(CauseKind.MAINTENANCE)
LATER = replace(SWITCHED, at=at(minutes=20))
RETRACTED = standing(retracted=True)

CHANGES: list[tuple[str, Standing | None, Standing, list[str]]] = [
    ("what was never told is detected", None, down(PARIS), ["detected"]),
    ("what was never told is not taken back", None, RETRACTED, []),
    ("what holds is not told again", down(PARIS), down(PARIS), []),
    ("all is back", down(PARIS), standing(), ["recovered"]),
    ("one of two is back", down(PARIS, LYON), down(PARIS), []),
    ("one is back and another gone", down(PARIS), down(LYON), ["worsened"]),
    ("one more is down", down(PARIS), down(PARIS, LYON), ["worsened"]),
    ("a third was found to be down after all", standing(), down(PARIS), ["worsened"]),
    (
        "the same peer is down on the other instance",
        down(PARIS),
        replace(down(PARIS), down=((PARIS, ONE),)),
        [],
    ),
    ("it is critical now", down(PARIS), down(PARIS, critical=True), ["worsened"]),
    ("it is critical no more", down(PARIS, critical=True), down(PARIS), []),
    (
        "redundancy is lost",
        standing(),
        standing(state=State.ONGOING, without_redundancy=(ZERO,)),
        ["worsened"],
    ),
    (
        "redundancy is back",
        standing(state=State.ONGOING, without_redundancy=(ZERO,)),
        standing(),
        ["recovered"],
    ),
    ("its connection was deleted", down(PARIS), standing(state=State.UNKNOWN), ["recovered"]),
    (
        "it switched over again",
        standing(),
        standing(switch_overs=(SWITCHED, LATER)),
        ["switched-again"],
    ),
    ("a cause was found", standing(), standing(switch_overs=(RESET,)), ["cause-changed"]),
    ("a cause failed", standing(switch_overs=(RESET,)), standing(), ["cause-changed"]),
    (
        "another cause is believed more",
        standing(switch_overs=(MAINTENANCE,)),
        standing(switch_overs=(RESET,)),
        ["cause-changed"],
    ),
    (
        "a further record was found",
        standing(switch_overs=(RESET,)),
        standing(switch_overs=(replace(RESET, records=2),)),
        ["cause-changed"],
    ),
    (
        "a record of the same left the window",
        standing(switch_overs=(replace(RESET, records=2),)),
        standing(switch_overs=(RESET,)),
        [],
    ),
    (
        "a new switch-over brings its own cause",
        standing(switch_overs=(RESET,)),
        standing(switch_overs=(RESET, replace(MAINTENANCE, at=LATER.at))),
        ["switched-again"],
    ),
    (
        "the earlier one's cause is found with the new switch-over",
        standing(),
        standing(switch_overs=(RESET, LATER)),
        ["switched-again", "cause-changed"],
    ),
    ("it was none after all", down(PARIS), replace(down(PARIS), retracted=True), ["retracted"]),
    (
        "it was none and all is back",
        down(PARIS),
        RETRACTED,
        ["retracted", "recovered"],
    ),
    (
        "what was down all the same is back",
        replace(down(PARIS), retracted=True),
        RETRACTED,
        ["recovered"],
    ),
    (
        "a peer is served again, without redundancy",
        down(PARIS, critical=True),
        standing(state=State.ONGOING, without_redundancy=(ZERO,)),
        ["recovered", "worsened"],
    ),
    (
        "a peer is served again, and redundancy was missing before",
        down(PARIS, without_redundancy=(ZERO,)),
        standing(state=State.ONGOING, without_redundancy=(ZERO,)),
        ["recovered"],
    ),
    (
        "what is down all the same turns critical",
        replace(down(PARIS), retracted=True),
        replace(down(PARIS), retracted=True, critical=True),
        ["worsened"],
    ),
    (
        "another switch-over is found instead of the one that was told",
        standing(),
        standing(switch_overs=(LATER,)),
        ["switched-again"],
    ),
    ("what was taken back gets no worse", RETRACTED, replace(RETRACTED, critical=True), []),
    ("it was one after all", RETRACTED, standing(), ["detected"]),
    (
        "it was one after all and worse",
        RETRACTED,
        down(PARIS),
        ["detected", "worsened"],
    ),
    (
        "everything at once",
        down(PARIS),
        standing(switch_overs=(RESET, LATER)),
        ["recovered", "switched-again", "cause-changed"],
    ),
    ("it keeps switching over no more", standing(flapping=True), standing(), ["recovered"]),
]


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [each[1:] for each in CHANGES],
    ids=[each[0] for each in CHANGES],
)
def test_the_reasons_are_all_that_hold_in_their_order(
    before: Standing | None, after: Standing, reasons: list[str]
) -> None:
    assert reasons == list(reasons_between(before, after))


FLAPPING = standing(flapping=True)
NO_TUNNEL = standing(was_down=False)
DETECTED, CAUSE = (Reason.DETECTED,), (Reason.CAUSE_CHANGED,)


@pytest.mark.parametrize(
    ("after", "reasons", "before", "severity"),
    [
        (down(PARIS, critical=True), DETECTED, None, Severity.FAILURE),
        (down(PARIS), DETECTED, None, Severity.WARNING),
        (standing(without_redundancy=(ZERO,)), DETECTED, None, Severity.WARNING),
        (standing(), DETECTED, None, Severity.SUCCESS),
        (NO_TUNNEL, DETECTED, None, Severity.INFO),
        (down(PARIS, critical=True), CAUSE, down(PARIS, critical=True), Severity.INFO),
        (replace(down(PARIS), retracted=True), (Reason.RETRACTED,), None, Severity.SUCCESS),
        (FLAPPING, (Reason.SWITCHED_AGAIN,), standing(), Severity.WARNING),
        (FLAPPING, (Reason.SWITCHED_AGAIN,), FLAPPING, Severity.INFO),
        (down(PARIS, flapping=True), (Reason.WORSENED,), FLAPPING, Severity.WARNING),
    ],
)
def test_the_severity_follows_the_state(
    after: Standing, reasons: tuple[Reason, ...], before: Standing | None, severity: Severity
) -> None:
    assert severity is severity_of(after, reasons, before)


def test_a_severity_is_ranked_worst_first() -> None:
    assert ["failure", "warning", "success", "info"] == sorted(
        Severity, key=lambda severity: severity.rank
    )


def test_an_insight_by_itself_is_news_for_its_own_reasons() -> None:
    insight = an_insight(reason="retracted", reasons=["retracted", "recovered"])

    news = news_of(insight)

    assert (insight.reasons, Severity.SUCCESS) == (news.reasons, news.severity)
    assert news.standing.retracted


def test_a_standing_alarms_as_long_as_its_end_is_waited_for() -> None:
    amiss = [down(PARIS), FLAPPING, standing(without_redundancy=(ZERO,))]

    assert [True] * 3 + [False] * 2 == [
        each.alarms for each in [*amiss, standing(), replace(down(PARIS), retracted=True)]
    ]
