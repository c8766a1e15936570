"""What waits for whom, from when it is tried again, and when it is given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from detector.insights.document import Insight, Reason
from detector.insights.standing import news_of
from detector.journal import outbox
from detector.journal.history import Delivery, Record
from detector.journal.outbox import Attempt
from detector.model import Importance, State
from tests.builders import at
from tests.memory import ListReceiver, ListSink, a_delivery, a_history, a_record, hours, minutes
from tests.sink_stand_in import an_insight

CLAIM = minutes(4)


def is_down(insight: Insight, importance: Importance = Importance.WARNING) -> Insight:
    """The insight, but that its tunnel is down."""
    outage = insight.failover.outages[0].model_copy(update={"to": None, "seconds": None})
    failover = insight.failover.model_copy(update={"outages": (outage,), "state": State.ONGOING})
    article = insight.insight.model_copy(update={"importance_level": importance})
    return insight.model_copy(update={"failover": failover, "insight": article})


def failed(problem: str = "no answer", **changes: object) -> Attempt:
    known: dict[str, object] = {"failover_id": "f-1", "sink": "list", "revision": 1}
    return Attempt(problem=problem, **{**known, **changes})  # type: ignore[arg-type]


def after(outcome: Attempt, delivery: Delivery, *, now: datetime) -> list[Delivery]:
    """What is left in the journal after this outcome of this delivery."""
    [record] = outbox.noted(a_history(a_record(delivery)), [outcome], now=now).records
    return list(record.deliveries)


def test_a_revision_is_noted_for_each_sink_that_is_told_for_its_reason() -> None:
    people = ListSink(name="people", takes=frozenset({Reason.DETECTED}))
    queue = ListSink(name="queue")
    completed = an_insight(revision=2, reason=Reason.COMPLETED)

    record = outbox.posted(a_record(), completed, [people, queue], now=at(), claim=CLAIM)

    assert ["queue"] == [delivery.sink for delivery in record.deliveries]
    assert [completed] == list(record.insights)


def test_what_a_run_posts_is_not_due_for_others_until_that_run_must_have_ended() -> None:
    record = outbox.posted(a_record(), an_insight(), [ListSink()], now=at(), claim=CLAIM)
    history = a_history(record)

    assert [] == outbox.due(history, now=at(minutes=3.9))
    assert 1 == len(outbox.due(history, now=at(minutes=4)))


def test_what_a_run_tries_again_is_not_due_for_others_meanwhile() -> None:
    history = outbox.claimed(a_history(a_record(a_delivery())), now=at(), claim=CLAIM)

    assert [] == outbox.due(history, now=at(minutes=3.9))
    assert 1 == len(outbox.due(history, now=at(minutes=4)))


def test_a_claim_leaves_alone_what_is_not_due_or_was_given_up() -> None:
    later, gone = a_delivery(due=at(hours=1)), a_delivery(2, given_up="refused")
    history = a_history(a_record(later, gone, insights=[an_insight(), an_insight(revision=2)]))

    assert history == outbox.claimed(history, now=at(), claim=CLAIM)


def waiting(receiver: ListReceiver, *insights: Insight, minute: float = 0) -> Record:
    """A failover of which these revisions were posted, a minute apart from then on."""
    record = replace(a_record(), insights=())
    for number, insight in enumerate(insights, start=1):
        revised = insight.model_copy(update={"revision": number})
        now = at(minutes=minute + number - 1)
        record = outbox.posted(record, revised, [receiver], now=now, claim=CLAIM)
    return record


def test_what_can_wait_is_held_for_the_digest_and_is_not_this_run_s_to_send() -> None:
    record = waiting(ListReceiver(), an_insight())
    [delivery] = record.deliveries

    assert at(minutes=15) == delivery.held_until == delivery.due
    assert [] == outbox.of_revisions(a_history(record), [an_insight()])
    assert 1 == len(outbox.due(a_history(record), now=at(minutes=15)))


def test_what_cannot_wait_is_this_run_s_to_send() -> None:
    record = waiting(ListReceiver(), is_down(an_insight()))
    [delivery] = record.deliveries

    assert (None, at(minutes=4)) == (delivery.held_until, delivery.due)
    assert 1 == len(outbox.of_revisions(a_history(record), [an_insight()]))


def test_one_delivery_waits_for_a_receiver_at_most_that_of_the_latest_revision() -> None:
    record = waiting(ListReceiver(), an_insight(), an_insight(), an_insight())

    assert [3] == [delivery.revision for delivery in record.deliveries]
    assert [3] == [insight.revision for insight in record.insights]
    assert at(minutes=15) == record.deliveries[0].due


def test_a_receiver_that_knows_it_already_waits_for_nothing() -> None:
    receiver = ListReceiver()
    record = waiting(receiver, is_down(an_insight()))
    sent = Attempt(failover_id="f-1", sink="people", revision=1, news=news_of(record.insights[-1]))
    [told] = outbox.noted(a_history(record), [sent], now=at()).records
    again = is_down(an_insight(revision=2, reason=Reason.REVISED))

    assert () == outbox.posted(told, again, [receiver], now=at(minutes=5), claim=CLAIM).deliveries


def test_what_another_run_is_sending_is_waited_for() -> None:
    """The run that posts a later revision may not overtake the message that is on its way."""
    receiver = ListReceiver()
    record = waiting(receiver, is_down(an_insight()))
    worse = is_down(an_insight(revision=2), importance=Importance.CRITICAL)
    [delivery] = outbox.posted(record, worse, [receiver], now=at(minutes=1), claim=CLAIM).deliveries

    assert (2, at(minutes=4)) == (delivery.revision, delivery.held_until)


def test_a_receiver_that_pauses_after_a_failure_is_not_tried_before_its_end() -> None:
    receiver = ListReceiver()
    history = a_history(waiting(receiver, is_down(an_insight())))
    refused = failed(sink="people", retry_after=minutes(60))
    [paused] = outbox.noted(history, [refused], now=at()).records
    worse = is_down(an_insight(revision=2), importance=Importance.CRITICAL)
    [delivery] = outbox.posted(paused, worse, [receiver], now=at(minutes=5), claim=CLAIM).deliveries

    assert (at(minutes=60), 1, at()) == (delivery.due, delivery.attempts, delivery.since)


def test_what_was_sent_is_remembered_though_a_later_revision_waits_by_then() -> None:
    receiver = ListReceiver()
    first = waiting(receiver, is_down(an_insight()))
    second = outbox.posted(
        first,
        is_down(an_insight(revision=2), importance=Importance.CRITICAL),
        [receiver],
        now=at(minutes=1),
        claim=CLAIM,
    )
    sent = Attempt(failover_id="f-1", sink="people", revision=1, news=news_of(first.insights[-1]))
    [record] = outbox.noted(a_history(second), [sent], now=at(minutes=2)).records

    assert [1] == [heard.revision for heard in record.heard]
    assert [2] == [delivery.revision for delivery in record.deliveries]


def test_what_is_to_be_told_later_as_things_stand_waits_until_then() -> None:
    record = waiting(ListReceiver(), is_down(an_insight()))
    sent = Attempt(
        failover_id="f-1",
        sink="people",
        revision=1,
        news=news_of(record.insights[-1]),
        again=at(minutes=30),
    )
    [told] = outbox.noted(a_history(record), [sent], now=at()).records

    assert [(1, at(minutes=30))] == [(each.revision, each.held_until) for each in told.deliveries]


def test_a_delivery_that_succeeded_is_crossed_out() -> None:
    taken = Attempt(failover_id="f-1", sink="list", revision=1)

    assert [] == after(taken, a_delivery(), now=at())


def test_the_pauses_between_tries_double_up_to_two_hours() -> None:
    pauses = []
    delivery, now = a_delivery(), at()
    for _ in range(8):
        [delivery] = after(failed(), delivery, now=now)
        pauses.append((delivery.due - now) // minutes(1))
        now = delivery.due

    assert [4, 8, 16, 32, 64, 120, 120, 120] == pauses
    assert 8 == delivery.attempts


@pytest.mark.parametrize(("asked", "waits"), [(1, 4), (90, 90), (1440, 1440)])
def test_a_retry_after_that_is_longer_than_the_pause_is_respected(asked: int, waits: int) -> None:
    [delivery] = after(failed(retry_after=minutes(asked)), a_delivery(), now=at())

    assert (at(minutes=waits), None) == (delivery.due, delivery.given_up)


def test_a_delivery_that_keeps_failing_is_tried_for_24_hours_and_once_at_their_end() -> None:
    tries, delivery = [at()], a_delivery()
    while delivery.given_up is None:
        [delivery] = after(failed(), delivery, now=tries[-1])
        tries.append(delivery.due)

    assert hours(24) == tries[-2] - at()
    assert "given up after 24 hours; at last: no answer" == delivery.given_up


def test_a_long_retry_after_at_the_first_try_does_not_give_it_up() -> None:
    """The sink asks to wait for a day: that is respected, and it is tried once more after it."""
    [delivery] = after(failed(retry_after=timedelta(days=1)), a_delivery(), now=at(hours=1))
    [last] = after(failed(), delivery, now=at(hours=25))

    assert (None, at(hours=25)) == (delivery.given_up, delivery.due)
    assert last.given_up is not None


def test_a_refusal_is_given_up_at_once_with_its_reason() -> None:
    [delivery] = after(failed("refused with 403", final=True), a_delivery(), now=at())

    assert "refused with 403" == delivery.given_up


def test_an_outcome_of_what_another_run_has_settled_changes_nothing() -> None:
    crossed_out = a_history(a_record())
    given_up = a_history(a_record(a_delivery(given_up="refused")))

    assert crossed_out == outbox.noted(crossed_out, [failed()], now=at())
    assert given_up == outbox.noted(given_up, [failed()], now=at())


def test_a_later_revision_waits_for_the_earlier_one_of_its_sink_alone() -> None:
    """The list has asked for an hour's pause; the queue has taken the first revision already."""
    history = a_history(
        a_record(
            a_delivery(1, due=at(hours=1)),
            a_delivery(2),
            a_delivery(2, sink="queue"),
            insights=[an_insight(), an_insight(revision=2)],
        )
    )

    assert ["queue"] == [delivery.sink for _, delivery in outbox.due(history, now=at())]
    assert [1, 2] == [
        delivery.revision
        for _, delivery in outbox.due(history, now=at(hours=1))
        if delivery.sink == "list"
    ]


def test_a_later_revision_does_not_wait_for_one_that_was_given_up() -> None:
    history = a_history(
        a_record(
            a_delivery(1, given_up="refused"),
            a_delivery(2),
            insights=[an_insight(), an_insight(revision=2)],
        )
    )

    assert [2] == [delivery.revision for _, delivery in outbox.due(history, now=at())]


def test_an_earlier_revision_is_kept_only_as_long_as_a_sink_waits_for_it() -> None:
    record = outbox.posted(
        a_record(a_delivery(1)), an_insight(revision=2), [ListSink()], now=at(), claim=CLAIM
    )
    taken = Attempt(failover_id="f-1", sink="list", revision=1)
    [settled] = outbox.noted(a_history(record), [taken], now=at()).records

    assert [1, 2] == [insight.revision for insight in record.insights]
    assert [2] == [insight.revision for insight in settled.insights]


# Nothing grows without bound


def test_of_what_was_given_up_to_one_sink_the_latest_is_remembered() -> None:
    deliveries = [
        a_delivery(revision, sink=sink, given_up="404")
        for sink in ("hook", "queue")
        for revision in range(1, 100)
    ]
    record = a_record(*deliveries, insights=[an_insight(revision=100)])

    [tidied] = outbox.noted(a_history(record), [], now=at()).records

    assert [*range(90, 100), *range(90, 100)] == [each.revision for each in tidied.deliveries]


def test_what_waits_for_a_sink_that_is_away_takes_only_so_much_room() -> None:
    """The first revision waits and the latest ones: these say what was told between."""
    sink, record = ListSink(), a_record(insights=[an_insight()])
    for revision in range(1, 31):
        insight = an_insight(revision=revision, verdict=f"{revision}" * 25_000)
        record = outbox.posted(record, insight, [sink], now=at(), claim=CLAIM)
    revisions = [each.revision for each in record.insights]

    assert (1, 30) == (revisions[0], revisions[-1])
    assert 10 < len(revisions) < 30
    assert list(range(revisions[1], 31)) == revisions[1:]
    assert revisions == [each.revision for each in record.outstanding]
    assert sum(len(each.model_dump_json()) for each in record.insights) <= outbox.ROOM


def test_as_many_revisions_as_there_are_wait_where_they_are_small() -> None:
    sink, record = ListSink(), a_record(insights=[an_insight()])
    for revision in range(1, 101):
        record = outbox.posted(record, an_insight(revision=revision), [sink], now=at(), claim=CLAIM)

    assert 100 == len(record.outstanding)
