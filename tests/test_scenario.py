from __future__ import annotations

import pytest

from detector.insights.scenario import (
    BOTH_LOST,
    MAINTENANCE,
    RESET,
    SWITCHED_OVER,
    TUNNEL_DOWN,
    scenarios,
)
from detector.model import Cause, CauseKind, Evidence, Importance, SwitchOver
from tests.builders import a_diagnosis, an_outage, at


def a_cause(kind: CauseKind) -> Cause:
    return Cause(kind=kind, statement="", at=at())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (CauseKind.RESET, (RESET, SWITCHED_OVER)),
        (CauseKind.MAINTENANCE, (MAINTENANCE, SWITCHED_OVER)),
        (CauseKind.CONFIGURATION, (SWITCHED_OVER,)),
        (CauseKind.NOT_RECORDED, (SWITCHED_OVER,)),
    ],
)
def test_a_cause_has_its_scenario_before_the_one_that_always_fits(
    kind: CauseKind, expected: tuple[str, ...]
) -> None:
    assert expected == scenarios(a_diagnosis(cause=a_cause(kind), outages=(an_outage(),)))


@pytest.mark.parametrize(
    ("importance", "expected"),
    [
        (Importance.WARNING, (SWITCHED_OVER,)),
        (Importance.CRITICAL, (TUNNEL_DOWN, SWITCHED_OVER)),
    ],
)
def test_a_tunnel_that_is_critically_long_away_has_its_own_scenario(
    importance: Importance, expected: tuple[str, ...]
) -> None:
    diagnosis = a_diagnosis(outages=(an_outage(end=None),), importance=importance)

    assert expected == scenarios(diagnosis)


def test_a_tunnel_that_stays_away_is_told_before_the_reset_that_was_recorded() -> None:
    diagnosis = a_diagnosis(
        cause=a_cause(CauseKind.RESET),
        outages=(an_outage(end=None),),
        importance=Importance.CRITICAL,
    )

    assert (TUNNEL_DOWN, RESET, SWITCHED_OVER) == scenarios(diagnosis)


def test_both_instances_lost_have_an_article_of_their_own() -> None:
    lost = SwitchOver(at=at(), evidence=Evidence.BOTH_INSTANCES_LOST)
    diagnosis = a_diagnosis(outages=(an_outage(),))

    assert (BOTH_LOST, SWITCHED_OVER) == scenarios(diagnosis, [lost])


def test_where_the_role_moved_too_the_article_of_a_switch_over_is_told() -> None:
    lost = SwitchOver(at=at(), evidence=Evidence.BOTH_INSTANCES_LOST)
    moved = SwitchOver(at=at(600), evidence=Evidence.PRIMARY_CHANGED)
    diagnosis = a_diagnosis(outages=(an_outage(),))

    assert (SWITCHED_OVER,) == scenarios(diagnosis, [lost, moved])
