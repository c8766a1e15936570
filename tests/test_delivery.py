"""Deliveries: each tried once, each outcome noted, and no sink in the way of another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from detector.errors import DeliveryFailed, DeliveryRefused, JournalConflict, JournalUnavailable
from detector.insights.document import Insight
from detector.insights.standing import News, news_of
from detector.journal import outbox
from detector.journal.commit import ATTEMPTS
from detector.journal.delivery import DeliverySummary, Posted, attempt, within
from detector.journal.history import Heard, History, Record
from detector.model import State
from tests.builders import GATEWAY_ID, a_failover, at
from tests.memory import (
    ListReceiver,
    ListSink,
    MemoryJournal,
    a_delivery,
    a_history,
    a_record,
    deliver,
    minutes,
)
from tests.sink_stand_in import an_insight

FIRST, SECOND = an_insight(), an_insight(revision=2)


def failing(error: Exception) -> Callable[[Insight], None]:
    def fault(insight: Insight) -> None:
        raise error

    return fault


def hanging(released: threading.Event) -> Callable[[Insight], None]:
    def fault(insight: Insight) -> None:
        released.wait()

    return fault


def posted(journal: MemoryJournal, *records: Record) -> Posted:
    """A history as a run has just written it; all that is due is the run's to try."""
    history = a_history(*records)
    return Posted(
        history=history,
        tag=journal.save(history, None),
        deliveries=outbox.due(history, now=at()),
    )


def delivered(
    journal: MemoryJournal,
    sinks: Sequence[ListSink],
    post: Posted,
    has_time: Callable[[], bool] = lambda: True,
) -> DeliverySummary:
    return deliver(journal, sinks, [post], now=at(), has_time=has_time)


def only(journal: MemoryJournal) -> History:
    [history] = journal.histories
    return history


def test_each_sink_gets_what_waits_for_it_and_the_journal_crosses_it_out() -> None:
    journal, queue, people = MemoryJournal(), ListSink("queue"), ListSink("people")
    post = posted(journal, a_record(a_delivery(sink="queue"), a_delivery(sink="people")))

    result = delivered(journal, [queue, people], post)

    assert [FIRST] == queue.taken == people.taken
    assert (2, [], []) == (result.delivered, result.outstanding, result.problems)
    assert () == only(journal).records[0].deliveries


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeliveryFailed("list answered 500"), "list answered 500"),
        (
            ConnectionError("https://secret.example"),
            "bad did not take it (ConnectionError); a later run tries again",
        ),
        (RuntimeError("https://secret.example"), "failed unexpectedly (RuntimeError"),
    ],
)
def test_a_sink_that_fails_stops_no_other_and_is_tried_again_later(
    error: Exception, said: str
) -> None:
    journal, bad, good = MemoryJournal(), ListSink("bad", failing(error)), ListSink("good")
    post = posted(journal, a_record(a_delivery(sink="bad"), a_delivery(sink="good")))

    result = delivered(journal, [bad, good], post)
    [left] = only(journal).records[0].deliveries

    assert [FIRST] == good.taken
    [problem] = result.problems
    assert problem.startswith(f"bad: f-1 revision 1: {said.removeprefix('bad ')}")
    assert "secret" not in problem
    assert ("bad", 1, at(minutes=4)) == (left.sink, left.attempts, left.due)
    assert [("bad", 1, False, said)] == [
        (o.sink, o.attempts, o.given_up, (o.why or "")[: len(said)]) for o in result.outstanding
    ]


def test_a_sink_that_never_answers_is_given_up_in_time_and_tried_again_later() -> None:
    released = threading.Event()
    sink = ListSink(fault=hanging(released), timeout=timedelta(milliseconds=20))

    outcome = attempt(sink, FIRST)
    released.set()

    assert not outcome.final
    assert (
        "list did not take it (no answer within 0.02 s); a later run tries again" == outcome.problem
    )


def test_a_call_in_time_returns_or_raises_what_it_will() -> None:
    assert 7 == within(timedelta(seconds=30), lambda: 7)
    with pytest.raises(ZeroDivisionError):
        within(timedelta(seconds=30), lambda: 1 // 0)


def test_a_refusal_is_given_up_and_reported_as_such() -> None:
    journal, sink = MemoryJournal(), ListSink(fault=failing(DeliveryRefused("refused with 413")))
    post = posted(journal, a_record(a_delivery()))

    result = delivered(journal, [sink], post)

    assert ["list: f-1 revision 1: refused with 413"] == result.problems
    assert ([], ["refused with 413"]) == (result.outstanding, [g.why for g in result.given_up])


def test_a_sink_that_failed_once_is_not_tried_again_in_the_run() -> None:
    journal, sink = MemoryJournal(), ListSink(fault=failing(DeliveryFailed("no answer")))
    other = a_record(a_delivery(), failover=replace(a_failover(), id="f-2"))
    post = posted(journal, a_record(a_delivery()), other)

    result = delivered(journal, [sink], post)

    assert 1 == len(sink.attempts)
    assert [1, 0] == [left.attempts for left in result.outstanding]


def test_a_sink_that_refuses_one_insight_still_gets_the_next() -> None:
    def too_large(insight: Insight) -> None:
        if insight.revision == 1:
            raise DeliveryRefused("refused with 413")

    journal, sink = MemoryJournal(), ListSink(fault=too_large)
    record = a_record(a_delivery(1), a_delivery(2), insights=[FIRST, SECOND])

    delivered(journal, [sink], posted(journal, record))

    assert [SECOND] == sink.taken


def test_a_later_revision_is_not_delivered_before_the_earlier_one() -> None:
    """The earlier one waits for its pause to end, so it is not among this run's deliveries."""
    journal, sink = MemoryJournal(), ListSink()
    record = a_record(
        a_delivery(1, due=at(hours=1)), a_delivery(2, due=at(minutes=4)), insights=[FIRST, SECOND]
    )
    history = a_history(record)
    post = Posted(
        history=history,
        tag=journal.save(history, None),
        deliveries=outbox.of_revisions(history, [SECOND]),
    )

    result = delivered(journal, [sink], post)

    assert [] == sink.taken
    assert [1, 2] == [left.revision for left in result.outstanding]


def test_a_sink_that_is_no_longer_in_the_settings_is_given_up_with_that_reason() -> None:
    journal = MemoryJournal()

    result = delivered(journal, [], posted(journal, a_record(a_delivery())))

    assert ["this sink is no longer in the settings"] == [each.why for each in result.given_up]


def test_what_the_time_does_not_suffice_for_is_left_and_said() -> None:
    journal, sink = MemoryJournal(), ListSink()
    record = a_record(a_delivery(1), a_delivery(2), insights=[FIRST, SECOND])

    result = delivered(
        journal, [sink], posted(journal, record), has_time=lambda: len(sink.taken) < 1
    )

    assert [FIRST] == sink.taken
    assert ["the run's time is up; left to the next run: 1 of the deliveries"] == result.problems
    assert [(2, 0)] == [(left.revision, left.attempts) for left in result.outstanding]


def test_what_another_run_wrote_meanwhile_stays_when_the_outcome_is_noted() -> None:
    journal, sink = MemoryJournal(), ListSink()
    post = posted(journal, a_record(a_delivery()))
    theirs = a_record(a_delivery(), following=True)
    journal.save(a_history(theirs), post.tag)

    delivered(journal, [sink], post)

    assert a_history(replace(theirs, deliveries=())) == only(journal)


@pytest.mark.parametrize("error", [JournalUnavailable("503"), JournalConflict("again")])
def test_a_delivery_that_cannot_be_noted_is_said_and_may_be_repeated(error: Exception) -> None:
    journal, sink = MemoryJournal(), ListSink()
    post = posted(journal, a_record(a_delivery()))

    def fail(operation: str) -> None:
        if operation == "before save":
            raise error

    journal.hook = fail
    result = delivered(journal, [sink], post)
    [problem] = result.problems

    assert [FIRST] == sink.taken
    assert problem.endswith("; what was delivered may be delivered again")
    assert 1 == len(only(journal).records[0].deliveries)


def test_noting_gives_way_to_other_runs_only_so_often() -> None:
    journal, sink = MemoryJournal(), ListSink()
    post = posted(journal, a_record(a_delivery()))
    attempts = 0

    def others_write(operation: str) -> None:
        nonlocal attempts
        if operation == "before save":
            attempts += 1
            [(key, (text, tag))] = journal.entries.items()
            journal.entries[key] = (text, tag + 100)

    journal.hook = others_write
    result = delivered(journal, [sink], post)

    assert ATTEMPTS == attempts
    assert f"written by other runs {ATTEMPTS} times in a row" in result.problems[0]


def test_what_was_given_up_is_reported_by_every_later_run() -> None:
    journal = MemoryJournal()
    post = posted(journal, a_record(a_delivery(given_up="refused with 403")))

    result = delivered(journal, [ListSink()], post)

    assert (["refused with 403"], []) == ([each.why for each in result.given_up], result.problems)


def test_the_pause_is_longer_where_the_sink_asks_for_it() -> None:
    error = DeliveryFailed("answered 429", retry_after=minutes(45))
    journal, sink = MemoryJournal(), ListSink(fault=failing(error))

    delivered(journal, [sink], posted(journal, a_record(a_delivery())))

    assert at(minutes=45) == only(journal).records[0].deliveries[0].due


def is_down(gateway: int = 0, **changes: object) -> Insight:
    """The insight of one of several gateways, whose tunnel is down."""
    whole = an_insight(id=f"f-{gateway}", **changes)
    outage = whole.failover.outages[0].model_copy(update={"to": None, "seconds": None})
    failover = {"outages": (outage,), "state": State.ONGOING}
    return whole.model_copy(update={"failover": whole.failover.model_copy(update=failover)})


def posted_to_people(
    journal: MemoryJournal, *insights: Insight, held_until: datetime | None = None
) -> list[Posted]:
    """The histories of several gateways, each with one failover that people wait to hear of."""
    posts = []
    for number, insight in enumerate(insights):
        delivery = a_delivery(sink="people", held_until=held_until)
        record = a_record(
            delivery,
            insights=[insight],
            failover=replace(a_failover(), id=insight.id, gateway_id=f"{GATEWAY_ID}-{number}"),
            heard=(Heard(receiver="people"),),
        )
        history = replace(a_history(record), gateway_id=f"{GATEWAY_ID}-{number}")
        posts.append(
            Posted(
                history=history,
                tag=journal.save(history, None),
                deliveries=outbox.due(history, now=at()),
            )
        )
    return posts


def told(
    journal: MemoryJournal,
    people: ListReceiver,
    posts: Sequence[Posted],
    has_time: Callable[[], bool] = lambda: True,
) -> DeliverySummary:
    return deliver(journal, [people], posts, now=at(), has_time=has_time)


def test_what_one_message_says_of_several_gateways_is_noted_in_the_history_of_each() -> None:
    journal, people = MemoryJournal(), ListReceiver()
    posts = posted_to_people(journal, *(is_down(number) for number in range(4)))

    result = told(journal, people, posts)
    [(_, news)] = people.sent

    assert (4, []) == (result.delivered, result.outstanding)
    assert ["f-0", "f-1", "f-2", "f-3"] == [each.insight.id for each in news]
    records = [record for history in journal.histories for record in history.records]
    assert [(1, ())] * 4 == [(each.heard[0].revision, each.deliveries) for each in records]


def test_a_message_that_fails_is_tried_again_for_each_of_its_gateways() -> None:
    def fault(news: Sequence[News]) -> None:
        raise DeliveryFailed("people answered 500", retry_after=minutes(9))

    journal, people = MemoryJournal(), ListReceiver(fault=fault)

    result = told(journal, people, posted_to_people(journal, *map(is_down, range(4))))
    deliveries = [each for history in journal.histories for each in history.records[0].deliveries]

    assert (1, 4) == (people.attempts, len(result.problems))
    assert [(1, at(minutes=9))] * 4 == [(each.attempts, each.due) for each in deliveries]


def test_a_receiver_that_failed_is_not_tried_with_another_message_in_the_run() -> None:
    def fault(news: Sequence[News]) -> None:
        raise DeliveryFailed("people answered 500")

    journal, people = MemoryJournal(), ListReceiver(fault=fault)

    result = told(journal, people, posted_to_people(journal, is_down(0), is_down(1)))

    assert 1 == people.attempts
    assert [0, 1] == sorted(left.attempts for left in result.outstanding)


def test_a_receiver_that_refuses_one_message_still_gets_the_next() -> None:
    def fault(news: Sequence[News]) -> None:
        if news[0].insight.id == "f-0":
            raise DeliveryRefused("refused with 413")

    journal, people = MemoryJournal(), ListReceiver(fault=fault)

    result = told(journal, people, posted_to_people(journal, is_down(0), is_down(1)))

    assert ["f-1"] == [news[0].insight.id for _, news in people.sent]
    assert ["refused with 413"] == [each.why for each in result.given_up]


def test_messages_that_the_time_does_not_suffice_for_are_left_and_said() -> None:
    journal, people = MemoryJournal(), ListReceiver()
    posts = posted_to_people(journal, is_down(0), is_down(1))

    result = told(journal, people, posts, has_time=lambda: not people.sent)

    assert 1 == len(people.sent)
    assert ["the run's time is up; left to the next run: 1 of the deliveries"] == result.problems


def test_what_a_receiver_holds_to_be_true_already_is_crossed_out_and_not_sent() -> None:
    journal, people = MemoryJournal(), ListReceiver()
    [post] = posted_to_people(journal, is_down())
    [record] = post.history.records
    knows = Heard(receiver="people", standing=news_of(is_down()).standing, revision=1)
    history = replace(post.history, records=(replace(record, heard=(knows,)),))
    post = replace(post, history=history, tag=journal.save(history, post.tag))

    result = told(journal, people, [post])

    assert ([], 0) == (people.sent, result.delivered)
    assert () == only(journal).records[0].deliveries


def test_of_revisions_that_an_earlier_release_left_waiting_only_the_latest_is_sent() -> None:
    journal, people = MemoryJournal(), ListReceiver()
    first, second = is_down(), is_down(revision=2)
    waiting = [a_delivery(revision, sink="people") for revision in (1, 2)]
    record = a_record(*waiting, insights=[first, second], failover=replace(a_failover(), id="f-0"))

    told(journal, people, [posted(journal, record)])
    [(_, [news])] = people.sent

    assert second == news.insight
    assert () == only(journal).records[0].deliveries


def test_what_only_waits_for_its_time_is_not_outstanding() -> None:
    journal, people = MemoryJournal(), ListReceiver()
    posts = posted_to_people(journal, an_insight(), held_until=at(minutes=15))

    assert ([], []) == (told(journal, people, posts).outstanding, people.sent)
