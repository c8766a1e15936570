"""What a run sees of each gateway, by the answers of its scopes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from detector.diagnosis.observation import EDGE, Observation
from detector.model import Answer, Scope, Signal, Window
from detector.runs.observation import observe
from tests.builders import GATEWAY_ID, GATEWAYS, at, down, up
from tests.memory import SCOPE, minutes

NOW = at(hours=1)
OTHER_SCOPE = Scope(id="22222222-2222-4333-8444-555555555555")


def an_answer(*signals: Signal, scope: Scope = SCOPE, start: datetime | None = None) -> Answer:
    window = Window(start=start or at(hours=-5), end=NOW)
    return Answer(scope=scope, window=window, signals=signals)


def observed(*answers: Answer, asked: int = 1) -> Observation:
    return observe(answers, asked=asked, now=NOW).of(GATEWAY_ID)


def test_the_same_row_from_two_scopes_is_one_signal() -> None:
    observation = observed(an_answer(down(at())), an_answer(down(at()), scope=OTHER_SCOPE), asked=2)

    assert [down(at())] == list(observation.rows)


def test_rows_are_not_cut_off_from_18_minutes_after_the_latest_start_of_their_scopes_on() -> None:
    """A cause counts from 15 minutes before a switch-over, and its evidence within 3."""
    observation = observed(
        an_answer(down(at())),
        an_answer(up(at(9)), scope=OTHER_SCOPE, start=at(hours=-2)),
        an_answer(scope=Scope(id="quiet"), start=at(hours=-1)),
        asked=3,
    )

    assert (minutes(18), at(hours=-2) + EDGE) == (EDGE, observation.since)


@pytest.mark.parametrize(
    ("newest", "until"), [(at(minutes=5), at(minutes=40)), (at(minutes=50), at(minutes=50))]
)
def test_rows_are_seen_up_to_the_newest_one_or_20_minutes_ago(
    newest: datetime, until: datetime
) -> None:
    elsewhere = replace(down(newest), gateway_id=f"{GATEWAYS}vpn-other")

    assert until == observed(an_answer(down(at()), elsewhere)).seen_until


def test_where_a_scope_did_not_answer_rows_are_seen_up_to_the_newest_one_alone() -> None:
    observation = observed(an_answer(down(at()), up(at(12))), asked=2)

    assert (False, at(12)) == (observation.complete, observation.seen_until)


def test_of_no_answer_at_all_nothing_is_seen() -> None:
    blank = observe([], asked=2, now=NOW).of(GATEWAY_ID)

    assert (NOW + EDGE, False) == (blank.since, blank.complete)
    assert blank.seen_until < at(hours=-24)


def test_a_gateway_without_rows_is_seen_as_far_as_all_scopes_are() -> None:
    blank = observe([an_answer(down(at()))], asked=1, now=NOW).of(f"{GATEWAYS}vpn-other")

    assert ([], at(hours=-5) + EDGE) == (list(blank.rows), blank.since)
