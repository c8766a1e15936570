from __future__ import annotations

import pytest

from detector.insights.scenario import MAINTENANCE, RESET, SWITCHED_OVER, TUNNEL_DOWN, scenarios
from detector.model import Cause, CauseKind
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
    ("seconds", "expected"), [(299, (SWITCHED_OVER,)), (300, (TUNNEL_DOWN, SWITCHED_OVER))]
)
def test_a_tunnel_not_seen_for_five_minutes_has_its_own_scenario(
    seconds: float, expected: tuple[str, ...]
) -> None:
    diagnosis = a_diagnosis(outages=(an_outage(end=None),), seen_until=at(seconds))

    assert expected == scenarios(diagnosis)


def test_a_tunnel_that_stays_away_is_told_before_the_reset_that_was_recorded() -> None:
    diagnosis = a_diagnosis(cause=a_cause(CauseKind.RESET), outages=(an_outage(end=None),))

    assert (TUNNEL_DOWN, RESET, SWITCHED_OVER) == scenarios(diagnosis)
