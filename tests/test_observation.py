"""One gateway in one run: what its rows show, and what is to be asked and told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from detector.insights.document import Reason
from detector.journal.history import History, Record
from detector.model import (
    Answer,
    Cause,
    CauseKind,
    Evidence,
    Gateway,
    Kind,
    Scope,
    Signal,
    State,
    Window,
)
from detector.runs.observation import (
    CONNECTIONS,
    EDGE,
    Case,
    Sighting,
    asks_connections,
    asks_coverage,
    follows,
    logs_of,
    reason,
    sightings,
)
from detector.runs.reconcile import Reconciled
from detector.signals.arm import NOT_SET
from tests.builders import (
    GATEWAY_ID,
    GATEWAYS,
    LYON,
    SUBSCRIPTION,
    a_diagnosis,
    a_failover,
    a_gateway,
    a_switch_over,
    an_outage,
    at,
    down,
    of_gateway,
    up,
)
from tests.memory import SCOPE, a_delivery, a_history, a_record, hours, minutes

NOW = at(hours=1)
OTHER_SCOPE = Scope(id="22222222-2222-4333-8444-555555555555")
LOST = (down(at()), down(at(1), remote_ip=LYON))
UNKNOWN = {"vips": "Azure did not answer"}


def an_answer(*signals: Signal, scope: Scope = SCOPE, start: datetime | None = None) -> Answer:
    window = Window(start=start or at(hours=-5), end=NOW)
    return Answer(scope=scope, window=window, signals=signals)


def sighted(*answers: Answer, asked: int = 1) -> Sighting:
    return sightings(answers, asked=asked, now=NOW).of[GATEWAY_ID]


def a_case(*signals: Signal, history: History | None = None) -> Case:
    known = history or History(gateway_id=GATEWAY_ID)
    return Case(sighting=sighted(an_answer(*signals)), history=known, tag=None)


def a_seen(recorded: Record | None = None, **changes: object) -> Reconciled:
    seen = Reconciled(failover=a_failover(), diagnosis=a_diagnosis(), recorded=recorded)
    return replace(seen, **changes)  # type: ignore[arg-type]


# What is seen


def test_the_same_row_from_two_scopes_is_one_signal() -> None:
    sighting = sighted(an_answer(down(at())), an_answer(down(at()), scope=OTHER_SCOPE), asked=2)

    assert [down(at())] == list(sighting.rows)


def test_rows_are_not_cut_off_from_18_minutes_after_the_latest_start_of_their_scopes_on() -> None:
    """A cause counts from 15 minutes before a switch-over, and its evidence within 3."""
    sighting = sighted(
        an_answer(down(at())),
        an_answer(up(at(9)), scope=OTHER_SCOPE, start=at(hours=-2)),
        an_answer(scope=Scope(id="quiet"), start=at(hours=-1)),
        asked=3,
    )

    assert (minutes(18), at(hours=-2) + EDGE) == (EDGE, sighting.since)


@pytest.mark.parametrize(
    ("newest", "until"), [(at(minutes=5), at(minutes=40)), (at(minutes=50), at(minutes=50))]
)
def test_rows_are_seen_up_to_the_newest_one_or_20_minutes_ago(
    newest: datetime, until: datetime
) -> None:
    elsewhere = replace(down(newest), gateway_id=f"{GATEWAYS}vpn-other")

    assert until == sighted(an_answer(down(at()), elsewhere)).seen_until


def test_where_a_scope_did_not_answer_rows_are_seen_up_to_the_newest_one_alone() -> None:
    sighting = sighted(an_answer(down(at()), up(at(12))), asked=2)

    assert (False, at(12)) == (sighting.complete, sighting.seen_until)


def test_of_no_answer_at_all_nothing_is_seen() -> None:
    blank = sightings([], asked=2, now=NOW).blank

    assert (NOW + EDGE, False) == (blank.since, blank.complete)
    assert blank.seen_until < at(hours=-24)


# What is asked


def test_a_gateways_facts_are_asked_for_news_and_not_for_what_was_told() -> None:
    rows = (down(at()), up(at(12)))
    told = a_history(a_record())

    assert a_case(*rows).lacks_facts(now=NOW)
    assert not a_case(*rows, history=told).lacks_facts(now=NOW)


def test_a_loss_of_tunnels_is_no_news_of_a_gateway_that_is_known_to_have_one_active() -> None:
    quiet = a_record(failover=a_failover(a_switch_over(at(hours=-4))))
    unknown = replace(quiet, gateway=a_gateway(active_active=None))

    assert not a_case(*LOST, history=a_history(quiet)).lacks_facts(now=NOW)
    assert a_case(*LOST, history=a_history(unknown)).lacks_facts(now=NOW)


@pytest.mark.parametrize(("age", "asked"), [(hours(1), True), (hours(25), False)])
def test_a_fact_that_is_unknown_is_asked_for_again_for_a_day(age: object, asked: object) -> None:
    old = a_failover(a_switch_over(NOW - age))  # type: ignore[operator]
    record = a_record(failover=old, gateway=a_gateway(unknown=UNKNOWN))

    assert asked is a_case(down(at()), history=a_history(record)).lacks_facts(now=NOW)


def test_a_fact_that_azure_has_not_set_is_not_asked_for_again() -> None:
    record = a_record(gateway=a_gateway(unknown={"generation": NOT_SET}))

    assert not a_case(down(at()), history=a_history(record)).lacks_facts(now=NOW)


def test_connections_are_asked_to_name_what_is_told_and_for_outages_that_stay_open() -> None:
    over, open_ = a_diagnosis(outages=(an_outage(),)), a_diagnosis(outages=(an_outage(end=None),))
    recorded = a_record(diagnosis=over)

    assert asks_connections(a_seen(diagnosis=over), now=NOW)
    assert not asks_connections(a_seen(recorded, diagnosis=over), now=NOW)
    assert not asks_connections(a_seen(), now=NOW)
    assert asks_connections(a_seen(a_record(diagnosis=open_), diagnosis=open_), now=NOW)
    assert not asks_connections(
        a_seen(a_record(diagnosis=open_), diagnosis=open_), now=at(hours=25)
    )


def test_connections_that_could_not_be_had_are_asked_again_for_a_day() -> None:
    recorded = a_record(gateway=a_gateway(unknown={CONNECTIONS: "Azure did not answer"}))

    assert asks_connections(a_seen(recorded), now=NOW)
    assert not asks_connections(a_seen(recorded), now=at(hours=25))


def test_which_logs_there_are_matters_for_news_without_a_cause() -> None:
    caused = a_diagnosis(cause=Cause(kind=CauseKind.MAINTENANCE, statement="Maintenance."))

    assert asks_coverage(a_seen())
    assert not asks_coverage(a_seen(diagnosis=caused))
    assert not asks_coverage(a_seen(a_record()))


def test_the_logs_of_a_gateway_are_its_own_and_its_subscriptions_activity() -> None:
    found = logs_of(
        GATEWAY_ID,
        frozenset(
            {
                ("GatewayDiagnosticLog", GATEWAY_ID),
                ("TunnelDiagnosticLog", f"{GATEWAYS}vpn-other"),
                ("AzureActivity", SUBSCRIPTION),
                ("AzureActivity", "/subscriptions/another"),
            }
        ),
    )

    assert {"GatewayDiagnosticLog", "AzureActivity"} == found


# What is told


def test_a_loss_of_tunnels_is_told_of_an_active_active_gateway_and_suspected_of_an_unknown() -> (
    None
):
    def told(gateway: Gateway | None) -> Sequence[Evidence]:
        failovers = [seen.failover for seen in a_case(*LOST).seen(gateway)]
        return [known.evidence for failover in failovers for known in failover.switch_overs]

    assert [Evidence.INSTANCE_LOST] == told(a_gateway(active_active=True))
    assert [] == told(a_gateway(active_active=False)) == told(None)
    assert [at()] == [loss.at for loss in a_case(*LOST).suspected(None)]
    assert [] == a_case(*LOST).suspected(a_gateway(active_active=False))


def test_the_mode_that_was_told_last_counts_where_azure_does_not_say() -> None:
    record = a_record(
        failover=a_failover(a_switch_over(at(hours=-4))), gateway=a_gateway(active_active=True)
    )
    case = a_case(*LOST, history=a_history(record))

    assert case.active_active(a_gateway(active_active=None)) is True
    assert [at()] == [seen.failover.first_at for seen in case.seen(None) if not seen.recorded]


def test_a_fact_that_came_in_is_told_as_completed_unless_there_is_more_to_tell() -> None:
    recorded = a_record(gateway=a_gateway(unknown=UNKNOWN))
    again = a_seen(recorded, failover=a_failover(a_switch_over(), a_switch_over(at(minutes=20))))

    assert Reason.COMPLETED == reason(a_seen(recorded), a_gateway())
    assert reason(a_seen(recorded), a_gateway(unknown=UNKNOWN)) is None
    assert Reason.SWITCHED_AGAIN == reason(again, a_gateway())


@pytest.mark.parametrize(
    ("state", "unknown", "age", "expected"),
    [
        (State.RECOVERED, {}, hours(2), True),
        (State.RECOVERED, {}, hours(3), False),
        (State.RECOVERED, UNKNOWN, hours(1), True),
        (State.RECOVERED, UNKNOWN, hours(25), False),
        (State.ONGOING, {}, hours(25), True),
        (State.ONGOING, {}, hours(8 * 24), False),
    ],
)
def test_all_is_followed_for_2_hours_what_lacks_a_fact_for_a_day_and_what_is_open_for_a_week(
    state: State, unknown: dict[str, str], age: object, expected: object
) -> None:
    followed = follows(
        a_failover(),
        a_diagnosis(state=state),
        a_gateway(unknown=unknown),
        now=at() + age,  # type: ignore[operator]
    )

    assert expected is followed


def test_a_record_is_kept_for_a_week_and_as_long_as_something_waits_or_is_in_sight() -> None:
    old = a_failover(a_switch_over(at(hours=-24 * 8)))
    gone, waiting = a_record(failover=old), a_record(a_delivery(), failover=old)
    given_up = a_record(a_delivery(given_up="refused"), failover=old)
    case = a_case(of_gateway(Kind.MAINTENANCE, at()), history=a_history(gone, waiting, given_up))
    sighting = replace(case.sighting, since=at(hours=-24 * 8))

    assert (waiting,) == case.pruned(now=NOW).records
    assert (gone, waiting, given_up) == replace(case, sighting=sighting).pruned(now=NOW).records
