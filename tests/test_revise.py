"""A case with its facts becomes the next history, and what that tells."""

from __future__ import annotations

from dataclasses import replace

from detector.insights.compose import Library
from detector.insights.document import Reason
from detector.journal.history import History
from detector.model import Answer, Signal, Window
from detector.runs import observation
from detector.runs.facts import Facts, look_up
from detector.runs.observation import Case, sightings
from detector.runs.revise import Draft, Teller
from tests.builders import GATEWAY_ID, a_failover, a_switch_over, at, down, up
from tests.memory import (
    SCOPE,
    ListSink,
    MemoryAzure,
    a_delivery,
    a_history,
    a_record,
    hours,
    library,
    minutes,
)
from tests.sink_stand_in import an_insight

NOW = at(minutes=5)
HAND_OVER = (down(at()), up(at(12)))
CLAIM = minutes(4)


def a_case(*rows: Signal, history: History | None = None) -> Case:
    window = Window(start=NOW - hours(6), end=NOW)
    answer = Answer(scope=SCOPE, window=window, signals=rows)
    seen = sightings([answer], asked=1, now=NOW)
    known = history or History(gateway_id=GATEWAY_ID)
    return Case(sighting=seen.of.get(GATEWAY_ID, seen.blank), history=known, tag=None)


def a_teller(articles: Library | None = None) -> Teller:
    return Teller(library=articles or library(), sinks=[ListSink()], now=NOW, claim=CLAIM)


def drafted(case: Case, teller: Teller | None = None) -> Draft:
    facts = look_up(MemoryAzure().sources, [case], now=NOW)
    return (teller or a_teller()).draft(case, facts)


def test_a_new_failover_is_recorded_with_its_insight_and_a_delivery_for_each_sink() -> None:
    draft = drafted(a_case(*HAND_OVER))
    [record] = draft.history.records
    [insight] = draft.insights

    assert (1, Reason.DETECTED, (insight,)) == (insight.revision, insight.reason, record.insights)
    assert [("list", 1, NOW + CLAIM)] == [(d.sink, d.revision, d.due) for d in record.deliveries]


def test_a_later_revision_follows_the_last_one_under_the_same_id() -> None:
    first = drafted(a_case(*HAND_OVER)).history
    again = (down(at(minutes=4)), up(at(9, minutes=4)))

    draft = drafted(a_case(*HAND_OVER, *again, history=first))

    assert [(first.records[0].failover.id, 2, Reason.SWITCHED_AGAIN)] == [
        (insight.id, insight.revision, insight.reason) for insight in draft.insights
    ]
    assert [1, 2] == [delivery.revision for delivery in draft.history.records[0].deliveries]


def test_where_nothing_changed_the_history_is_the_one_that_was_loaded() -> None:
    history = drafted(a_case(*HAND_OVER)).history

    draft = drafted(a_case(*HAND_OVER, history=history))

    assert Draft(history=history, failovers=1) == draft


def test_a_failover_of_which_no_run_has_asked_the_facts_is_left_to_the_next_run() -> None:
    """Another run wrote the history first; what it then shows was not looked up."""
    case = a_case(*HAND_OVER)

    assert Draft(history=case.history, failovers=1) == a_teller().draft(case, Facts(now=NOW))


def test_what_is_due_is_claimed_even_where_nothing_is_to_be_told() -> None:
    failover = a_failover(a_switch_over(at(hours=-2)))
    history = a_history(a_record(a_delivery(), failover=failover))

    draft = drafted(a_case(history=history))

    assert ((), NOW + CLAIM) == (draft.insights, draft.history.records[0].deliveries[0].due)


def test_a_failover_that_needs_no_look_any_more_is_not_followed_any_more() -> None:
    failover = a_failover(a_switch_over(at(hours=-30)))
    history = a_history(a_record(failover=failover, following=True))

    draft = drafted(a_case(history=history))

    assert [False] == [record.following for record in draft.history.records]


def test_what_is_old_and_has_nothing_outstanding_is_left_out() -> None:
    old = a_failover(a_switch_over(NOW - observation.KEPT - minutes(1)))

    assert () == drafted(a_case(history=a_history(a_record(failover=old)))).history.records


def test_where_no_article_applies_it_is_said_and_the_failover_told() -> None:
    elsewhere = replace(library(), cloud="AzureChinaCloud")

    draft = drafted(a_case(*HAND_OVER), a_teller(elsewhere))
    [problem] = draft.problems

    assert "applies in AzureChinaCloud" in problem
    assert [""] == [insight.article_id for insight in draft.insights]


def test_failovers_stand_in_time_order_whenever_they_came_to_light() -> None:
    recorded = a_record(failover=a_failover(), insights=[an_insight()])
    early = (down(at(hours=-3)), up(at(12, hours=-3)))

    draft = drafted(a_case(*early, *HAND_OVER, history=a_history(recorded)))

    assert [at(hours=-3), at()] == [record.failover.first_at for record in draft.history.records]
