"""What is to be told of a gateway's failovers, and what its history becomes by that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from detector.insights.compose import Library
from detector.insights.document import Reason
from detector.journal.history import History, Record
from detector.model import Answer, Cause, CauseKind, Diagnosis, Signal, State, Window
from detector.runs import observation
from detector.runs.facts import CHANGED_SINCE, Facts, look_up
from detector.runs.observation import Loaded, observe
from detector.runs.reconcile import Reconciled
from detector.runs.revise import Revised, follows, kept, reasons_to_tell, revise
from tests.builders import (
    GATEWAY_ID,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    an_outage,
    at,
    down,
    up,
)
from tests.memory import (
    SCOPE,
    ListSink,
    MemoryAzure,
    MemoryLogs,
    a_delivery,
    a_history,
    a_record,
    a_world,
    hours,
    library,
    minutes,
)
from tests.sink_stand_in import an_insight

NOW = at(minutes=5)
HAND_OVER = (down(at()), up(at(12)))
CLAIM = minutes(4)
UNKNOWN = {"vips": "Azure did not answer"}


def a_loaded(*rows: Signal, history: History | None = None) -> Loaded:
    window = Window(start=NOW - hours(6), end=NOW)
    answer = Answer(scope=SCOPE, window=window, signals=rows)
    known = history or History(gateway_id=GATEWAY_ID)
    return Loaded(observation=observe([answer], asked=1, now=NOW).of(GATEWAY_ID), history=known)


def revised(
    *rows: Signal, history: History | None = None, articles: Library | None = None
) -> Revised:
    """What a run makes of these rows and this history."""
    loaded = a_loaded(*rows, history=history)
    facts, [failovers] = look_up(MemoryAzure().sources, [loaded], now=NOW)
    world = replace(a_world(MemoryLogs(), sinks=[ListSink()]), library=articles or library())
    since = loaded.observation.since
    return revise(world, loaded.history, failovers, facts, since=since, claim=CLAIM)


def a_reconciled(recorded: Record, *switch_overs: float) -> Reconciled:
    """A failover, recorded so, with switch-overs at these minutes of the night."""
    known = [a_switch_over(at(minutes=minute)) for minute in switch_overs]
    return Reconciled(
        failover=a_failover(*known),
        diagnosis=a_diagnosis(),
        recorded=recorded,
        active_active=False,
    )


def test_a_new_failover_is_recorded_with_its_insight_and_a_delivery_for_each_sink() -> None:
    after = revised(*HAND_OVER)
    [record] = after.history.records
    [insight] = after.insights

    assert (1, Reason.DETECTED, (insight,)) == (insight.revision, insight.reason, record.insights)
    assert [("list", 1, NOW + CLAIM)] == [(d.sink, d.revision, d.due) for d in record.deliveries]


def test_a_later_revision_follows_the_last_one_under_the_same_id() -> None:
    first = revised(*HAND_OVER).history
    again = (down(at(minutes=4)), up(at(9, minutes=4)))

    after = revised(*HAND_OVER, *again, history=first)

    assert [(first.records[0].failover.id, 2, Reason.SWITCHED_AGAIN)] == [
        (insight.id, insight.revision, insight.reason) for insight in after.insights
    ]
    assert [1, 2] == [delivery.revision for delivery in after.history.records[0].deliveries]
    assert [(1, NOW), (2, NOW)] == [
        (each.revision, each.at) for each in after.insights[0].revisions
    ]


def test_where_nothing_changed_the_history_is_the_one_that_was_loaded() -> None:
    history = revised(*HAND_OVER).history

    after = revised(*HAND_OVER, history=history)

    assert Revised(history=history, failovers=1) == after


def test_a_failover_of_which_no_run_has_asked_the_facts_is_left_to_the_next_run() -> None:
    """Another run wrote the history first; what it then shows was not looked up."""
    loaded, facts = a_loaded(*HAND_OVER), Facts(now=NOW)
    failovers = facts.reconcile(loaded.observation, loaded.history)

    after = revise(
        a_world(MemoryLogs()), loaded.history, failovers, facts, since=at(hours=-6), claim=CLAIM
    )

    assert Revised(history=loaded.history, failovers=1) == after


def test_what_is_due_is_claimed_even_where_nothing_is_to_be_told() -> None:
    failover = a_failover(a_switch_over(at(hours=-2)))
    history = a_history(a_record(a_delivery(), failover=failover))

    after = revised(history=history)

    assert ((), NOW + CLAIM) == (after.insights, after.history.records[0].deliveries[0].due)


def test_a_failover_that_needs_no_look_any_more_is_not_followed_any_more() -> None:
    failover = a_failover(a_switch_over(at(hours=-30)))
    history = a_history(a_record(failover=failover, following=True))

    after = revised(history=history)

    assert [False] == [record.following for record in after.history.records]


def test_what_is_old_and_has_nothing_outstanding_is_left_out() -> None:
    old = a_failover(a_switch_over(NOW - observation.KEPT - minutes(1)))

    assert () == revised(history=a_history(a_record(failover=old))).history.records


def test_a_record_is_kept_for_a_week_and_as_long_as_something_waits_or_is_in_sight() -> None:
    long_ago = at(hours=-24 * 8)
    old = a_failover(a_switch_over(long_ago))
    gone, waiting = a_record(failover=old), a_record(a_delivery(), failover=old)
    given_up = a_record(a_delivery(given_up="refused"), failover=old)
    history = a_history(gone, waiting, given_up)

    assert [waiting] == kept(history, since=at(hours=-6), now=NOW)
    assert [gone, waiting, given_up] == kept(history, since=long_ago, now=NOW)


CAUSED = a_diagnosis(cause=Cause(kind=CauseKind.MAINTENANCE, statement=""))
OPEN = replace(CAUSED, outages=(an_outage(end=None),))


@pytest.mark.parametrize(
    ("diagnosis", "unknown", "age", "expected"),
    [
        (CAUSED, {}, hours(2), True),
        (CAUSED, {}, hours(3), False),
        (a_diagnosis(), {}, hours(24), True),
        (a_diagnosis(), {}, hours(25), False),
        (CAUSED, UNKNOWN, hours(1), True),
        (CAUSED, UNKNOWN, hours(25), False),
        (CAUSED, {"active_active": CHANGED_SINCE}, hours(3), False),
        (OPEN, {}, hours(25), True),
        (replace(OPEN, state=State.UNKNOWN), {}, hours(25), True),
        (OPEN, {}, hours(8 * 24), False),
    ],
)
def test_all_is_followed_for_2_hours_what_lacks_something_for_a_day_and_what_is_open_for_a_week(
    diagnosis: Diagnosis, unknown: dict[str, str], age: timedelta, *, expected: bool
) -> None:
    record = a_record(diagnosis=diagnosis, gateway=a_gateway(unknown=unknown))

    assert expected is follows(record, now=at() + age)


def test_what_azure_was_asked_is_remembered_where_nothing_is_told() -> None:
    """Else an answer that did not come would never be the third in a row."""
    first = revised(*HAND_OVER).history
    asked = replace(first.records[0].diagnosis, health_asked=at(minutes=4))
    recorded = first.records[0]
    reconciled = Reconciled(
        failover=recorded.failover, diagnosis=asked, recorded=recorded, active_active=False
    )
    facts = Facts(now=NOW, gateways={GATEWAY_ID: recorded.gateway})

    after = revise(
        a_world(MemoryLogs()), first, [reconciled], facts, since=at(hours=-6), claim=CLAIM
    )

    assert () == after.insights
    assert [asked] == [record.diagnosis for record in after.history.records]


def test_a_fact_that_came_in_is_told_as_completed_beside_what_else_there_is_to_tell() -> None:
    recorded = a_record(gateway=a_gateway(unknown=UNKNOWN))
    same, again = a_reconciled(recorded, 0), a_reconciled(recorded, 0, 20)

    assert (Reason.COMPLETED,) == reasons_to_tell(same, a_gateway())
    assert () == reasons_to_tell(same, a_gateway(unknown=UNKNOWN))
    assert (Reason.SWITCHED_AGAIN, Reason.COMPLETED) == reasons_to_tell(again, a_gateway())


def test_where_no_article_applies_it_is_said_and_the_failover_told() -> None:
    elsewhere = replace(library(), cloud="AzureChinaCloud")

    after = revised(*HAND_OVER, articles=elsewhere)
    [problem] = after.problems

    assert "applies in AzureChinaCloud" in problem
    assert [""] == [insight.article_id for insight in after.insights]


def test_failovers_stand_in_time_order_whenever_they_came_to_light() -> None:
    recorded = a_record(failover=a_failover(), insights=[an_insight()])
    early = (down(at(hours=-3)), up(at(12, hours=-3)))

    after = revised(*early, *HAND_OVER, history=a_history(recorded))

    assert [at(hours=-3), at()] == [record.failover.first_at for record in after.history.records]
