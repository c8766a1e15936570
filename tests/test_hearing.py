"""What a receiver of people's messages hears of a night, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from detector.errors import DeliveryFailed
from detector.insights.document import Insight
from detector.insights.standing import Severity, news_of
from detector.journal import outbox
from detector.journal.delivery import Posted
from detector.journal.hearing import Hearing, heard_by, messages, worst_first
from detector.journal.history import Heard, History
from detector.model import Importance
from tests.builders import GATEWAY_ID, LYON, PARIS, ZERO, a_diagnosis, a_failover, at
from tests.memory import ListReceiver, MemoryJournal, a_delivery, a_record, deliver, due, minutes
from tests.sink_stand_in import an_insight

CLAIM = minutes(4)
Outage = tuple[str, float, float | None]
"""A peer that was down from and to these minutes of the night; None: it still is."""


@dataclass(slots=True)
class Night:
    """The runs of a night: what each writes of failovers, and what its receivers hear by that."""

    receivers: list[ListReceiver]
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def run(self, minute: float, *insights: Insight, retracted: bool = False) -> None:
        """One run, which writes these insights, each as the next revision of its failover."""
        now = at(minutes=minute)
        by_key = {History(gateway_id=each.gateway.id).key: each for each in insights}
        posts = []
        for key in dict.fromkeys([*by_key, *due(self.journal, now)]):
            loaded, tag = self.journal.load(key)
            insight = by_key.get(key)
            history = loaded or History(gateway_id=insight.gateway.id if insight else "")
            known = {record.failover.id: record for record in history.records}
            if insight:
                record = known.get(insight.id) or replace(a_record(), insights=())
                record = replace(
                    record,
                    failover=replace(a_failover(), id=insight.id, gateway_id=history.gateway_id),
                    diagnosis=a_diagnosis(borne_out=not retracted),
                )
                numbered = insight.model_copy(update={"revision": record.revision + 1})
                known[insight.id] = outbox.posted(
                    record, numbered, self.receivers, now=now, claim=CLAIM
                )
            written = outbox.claimed(
                replace(history, records=tuple(known.values())), now=now, claim=CLAIM
            )
            own = [
                *outbox.due(history, now=now),
                *outbox.of_revisions(written, [known[insight.id].insights[-1]] if insight else []),
            ]
            tag = self.journal.save(written, tag)
            posts.append(Posted(history=written, tag=tag, deliveries=own))
        deliver(self.journal, self.receivers, posts, now=now, has_time=lambda: True)

    def idle(self, first: int, end: int) -> None:
        """A run every five minutes that sees nothing new."""
        for minute in range(first, end, 5):
            self.run(minute)


def night(**hearing: Any) -> tuple[Night, ListReceiver]:
    receiver = ListReceiver(hears=Hearing(**hearing))
    return Night([receiver]), receiver


def failover(
    *outages: Outage, switched: Iterable[float] = (0,), gateway: str = GATEWAY_ID, **changes: Any
) -> Insight:
    """A failover with these outages, and switch-overs at these minutes."""
    whole = an_insight()
    is_open = any(end is None for _, _, end in outages)
    known: dict[str, Any] = whole.failover.model_dump(by_alias=False) | {
        "first_at": at(),
        "last_at": at(minutes=max(switched)),
        "switch_overs": [
            whole.failover.switch_overs[0].model_dump() | {"at": at(minutes=minute)}
            for minute in switched
        ],
        "outages": [
            {
                "remote_ip": peer,
                "connection": None,
                "instance": ZERO,
                "from_": at(minutes=start),
                "to": None if end is None else at(minutes=end),
                "seconds": None if end is None else (end - start) * 60,
                "end_source": None if end is None else "log",
            }
            for peer, start, end in outages
        ],
        "state": "ongoing" if is_open else "recovered",
    }
    importance = changes.pop("importance", Importance.WARNING)
    return an_insight(
        id=f"f-{gateway.rsplit('/', 1)[-1]}",
        gateway=whole.gateway.model_dump() | {"id": gateway},
        insight=whole.insight.model_copy(update={"importance_level": importance}),
        failover=known | changes,
    )


def heard(receiver: ListReceiver) -> list[tuple[int, str, str]]:
    """Each message by its minute, its severity and its reasons."""
    return [
        (
            (now - at()) // minutes(1),
            news[0].severity.value,
            ", ".join(reason.value for reason in news[0].reasons),
        )
        for now, news in receiver.sent
    ]


DOWN = failover((PARIS, 0, None))
BACK = failover((PARIS, 0, 6))
CRITICAL = failover((PARIS, 0, None), importance=Importance.CRITICAL)
OVER = failover((PARIS, 0, 0.2))
NO_TUNNEL = failover(state="unknown")


def test_what_is_down_and_its_end_go_at_once() -> None:
    runs, people = night()
    runs.run(5, DOWN)
    runs.run(10, BACK)
    runs.idle(15, 60)

    assert [(5, "warning", "detected"), (10, "success", "recovered")] == heard(people)


@pytest.mark.parametrize(("insight", "severity"), [(OVER, "success"), (NO_TUNNEL, "info")])
def test_what_is_over_when_it_is_first_told_waits_for_the_digest(
    insight: Insight, severity: str
) -> None:
    runs, people = night()
    runs.run(5, insight)
    runs.idle(10, 60)

    assert [(20, severity, "detected")] == heard(people)


def test_without_a_digest_all_goes_at_once() -> None:
    runs, people = night(digest=timedelta())
    runs.run(5, OVER)

    assert [(5, "success", "detected")] == heard(people)


def test_what_waits_is_overtaken_by_what_is_worse_and_never_sent() -> None:
    runs, people = night()
    runs.run(5, OVER)
    runs.run(10, DOWN)
    runs.idle(15, 60)

    assert [(10, "warning", "detected")] == heard(people)


def test_a_later_revision_does_not_put_off_the_digest_and_is_what_is_sent() -> None:
    runs, people = night()
    runs.run(5, OVER)
    runs.run(15, failover((PARIS, 0, 0.2), (LYON, 0, 0.3)))
    runs.idle(20, 60)
    [(_, news)] = people.sent

    assert [(20, "success", "detected")] == heard(people)
    assert 2 == news[0].insight.revision


def test_what_only_machines_are_told_is_no_message() -> None:
    runs, people = night()
    runs.run(5, DOWN)
    runs.run(10, failover((PARIS, 0.1, None)))
    runs.idle(15, 60)

    assert [(5, "warning", "detected")] == heard(people)


def test_what_got_better_and_is_not_over_is_no_message() -> None:
    runs, people = night()
    runs.run(5, failover((PARIS, 0, None), (LYON, 0, None)))
    runs.run(10, failover((PARIS, 0, None), (LYON, 0, 6)))
    runs.run(15, failover((PARIS, 0, 12), (LYON, 0, 6)))

    assert [(5, "warning", "detected"), (15, "success", "recovered")] == heard(people)


def test_worse_than_told_before_is_told_at_once_be_it_late_rows() -> None:
    runs, people = night(digest=timedelta())
    runs.run(5, OVER)
    runs.run(10, failover((PARIS, 0, 0.2), (LYON, 0, None)))
    runs.run(15, failover((LYON, 0, None), importance=Importance.CRITICAL))

    assert [
        (5, "success", "detected"),
        (10, "warning", "worsened"),
        (15, "failure", "worsened"),
    ] == heard(people)


def test_a_cause_that_is_found_waits_for_the_digest() -> None:
    found = {"kind": "reset", "at": at(), "caller": None, "statement": "A reset."}
    runs, people = night()
    runs.run(5, DOWN)
    runs.run(10, failover((PARIS, 0, None), cause=found))
    runs.idle(15, 60)

    assert [(5, "warning", "detected"), (25, "info", "cause-changed")] == heard(people)


def test_a_retraction_is_told_at_once_to_who_was_told_that_something_is_down() -> None:
    runs, people = night()
    runs.run(5, DOWN)
    runs.run(10, DOWN, retracted=True)

    assert [(5, "warning", "detected"), (10, "success", "retracted")] == heard(people)


def test_what_was_retracted_before_it_was_sent_is_never_sent() -> None:
    runs, people = night()
    runs.run(5, OVER)
    runs.run(10, OVER, retracted=True)
    runs.idle(15, 60)

    assert [] == heard(people)


def test_the_least_severity_is_what_wakes_a_receiver_and_it_hears_the_end_of_that() -> None:
    runs, people = night(least=Severity.FAILURE)
    runs.run(5, DOWN)
    runs.run(10, CRITICAL)
    runs.run(15, DOWN)
    runs.run(20, BACK)
    runs.idle(25, 60)

    assert [(10, "failure", "detected"), (20, "success", "recovered")] == heard(people)


def test_a_receiver_does_not_hear_the_end_of_what_it_did_not_hear() -> None:
    runs, people = night(least=Severity.FAILURE)
    runs.run(5, DOWN)
    runs.run(10, BACK)
    runs.idle(15, 60)

    assert [] == heard(people)


def test_a_service_that_keeps_incidents_opens_and_closes_and_hears_nothing_else() -> None:
    found = {"kind": "reset", "at": at(), "caller": None, "statement": "A reset."}
    runs, pager = night(keeps_incidents=True)
    runs.run(5, OVER)
    runs.run(25, DOWN)
    runs.run(30, failover((PARIS, 0, None), cause=found))
    runs.run(35, CRITICAL)
    runs.run(40, BACK)
    runs.idle(45, 120)

    assert [
        (25, "warning", "detected"),
        (35, "failure", "worsened"),
        (40, "success", "recovered"),
    ] == heard(pager)


def gateways(number: int) -> list[str]:
    return [f"{GATEWAY_ID}-{each}" for each in range(number)]


def test_a_digest_is_one_message_for_all_gateways_the_worst_first() -> None:
    runs, people = night()
    quiet, over = gateways(2)
    runs.run(5, failover(gateway=quiet, state="unknown"), failover((PARIS, 0, 1), gateway=over))
    runs.idle(10, 60)
    [(_, news)] = people.sent

    assert [Severity.SUCCESS, Severity.INFO] == [each.severity for each in news]


@pytest.mark.parametrize(("number", "sent"), [(3, 3), (4, 1)])
def test_four_at_once_are_one_message(number: int, sent: int) -> None:
    runs, people = night()
    runs.run(5, *(failover((PARIS, 0, None), gateway=each) for each in gateways(number)))

    assert sent == len(people.sent)


def test_a_service_that_keeps_incidents_gets_each_by_itself() -> None:
    runs, pager = night(keeps_incidents=True)
    runs.run(5, *(failover((PARIS, 0, None), gateway=each) for each in gateways(6)))

    assert [1] * 6 == [len(news) for _, news in pager.sent]


def test_thirty_failovers_of_a_night_are_one_message_a_run_at_most() -> None:
    runs, people = night()
    for minute, each in enumerate(gateways(30)):
        runs.run(minute * 5 // 4, failover((PARIS, 0, 1), gateway=each))
    runs.idle(40, 120)
    times = [now for now, _ in people.sent]

    assert 30 == sum(len(news) for _, news in people.sent)
    assert len(set(times)) == len(times)


def bouncing(until: float) -> Insight:
    """A tunnel that is down for two of every eight minutes, as seen at that minute."""
    starts = [minute for minute in range(0, 121, 8) if minute <= until]
    outages = [(PARIS, start, start + 2 if start + 2 <= until else None) for start in starts]
    return failover(*outages)


def test_a_tunnel_that_comes_and_goes_is_told_twice_then_once_then_when_it_is_steady() -> None:
    runs, people = night()
    last = None
    for minute in range(1, 180):
        seen = bouncing(minute)
        if last is None or seen.failover.outages != last.failover.outages:
            runs.run(minute, seen)
        elif minute % 5 == 0:
            runs.run(minute)
        last = seen
    unsteady = [news[0].unsteady for _, news in people.sent]

    assert [
        (1, "warning", "detected"),
        (2, "success", "recovered"),
        (8, "warning", "worsened"),
        (155, "success", "recovered"),
    ] == heard(people)
    assert [(), (), (PARIS,), ()] == unsteady


def test_a_tunnel_that_comes_and_goes_is_told_at_once_where_it_becomes_critical() -> None:
    runs, people = night()
    for minute in (1, 2, 8, 10, 16):
        runs.run(minute, bouncing(minute))
    runs.run(22, failover((PARIS, 16, None), importance=Importance.CRITICAL))

    assert (22, "failure", "worsened") == heard(people)[-1]
    assert 4 == len(people.sent)


def test_another_tunnel_that_goes_down_is_told_though_one_keeps_coming_and_going() -> None:
    runs, people = night()
    for minute in (1, 2, 8, 10):
        runs.run(minute, bouncing(minute))
    runs.run(16, failover((PARIS, 16, None), (LYON, 16, None)))

    assert (16, "warning", "worsened") == heard(people)[-1]


def flapping(*switched: float) -> Insight:
    return failover((PARIS, 0, 1), switched=switched, flapping=True)


def test_flapping_is_told_at_once_then_once_an_hour_and_at_its_end() -> None:
    runs, people = night(digest=timedelta())
    runs.run(5, failover((PARIS, 0, 1), switched=(0, 5)))
    switched = [0.0, 5.0]
    for minute in range(10, 131, 10):
        switched.append(minute)
        runs.run(minute, flapping(*switched))
        runs.run(minute + 5)
    runs.idle(140, 300)

    assert [
        (5, "success", "detected"),
        (10, "warning", "switched-again"),
        (70, "info", "switched-again"),
        (130, "info", "switched-again"),
        (190, "success", "recovered"),
    ] == heard(people)


def mid_way(*switched: float) -> Insight:
    """Flapping, seen in the seconds in which the latest switch-over has the tunnel."""
    return failover((PARIS, switched[-1], None), switched=switched, flapping=True)


def test_the_seconds_of_a_switch_over_are_no_news_to_who_knows_that_the_gateway_flaps() -> None:
    """Each switch-over takes every tunnel; a run that looks just then sees it down."""
    runs, people = night(digest=timedelta())
    runs.run(5, flapping(0, 2, 4))
    runs.run(10, mid_way(0, 2, 4, 10))
    runs.run(15, flapping(0, 2, 4, 10))
    runs.run(20, mid_way(0, 2, 4, 10, 20))
    runs.run(21, flapping(0, 2, 4, 10, 20))

    assert [(5, "warning", "detected")] == heard(people)


def test_a_tunnel_that_a_switch_over_leaves_down_is_told_five_minutes_later() -> None:
    """And its return at once; no run has to see anything new for it to be told."""
    runs, people = night(digest=timedelta())
    runs.run(5, flapping(0, 2, 4))
    runs.run(10, mid_way(0, 2, 4, 10))
    runs.run(13)
    runs.run(15)
    runs.run(17, failover((PARIS, 10, 17), switched=(0, 2, 4, 10), flapping=True))

    assert [
        (5, "warning", "detected"),
        (15, "warning", "worsened, switched-again"),
        (17, "success", "recovered"),
    ] == heard(people)


def test_redundancy_that_a_switch_over_takes_for_seconds_is_no_news_either() -> None:
    runs, people = night(digest=timedelta())
    lost = {"instance": ZERO, "from_": at(minutes=10), "to": None, "tunnels": []}
    known = flapping(0, 2, 4)
    before = known.failover.model_dump(by_alias=False)
    runs.run(5, known)
    away = {**before, "redundancy_lost": [lost], "state": "ongoing"}
    runs.run(10, an_insight(**{**known.model_dump(by_alias=False), "failover": away}))
    runs.run(13)
    quiet = list(heard(people))
    runs.run(15)

    assert [(5, "warning", "detected")] == quiet
    assert (15, "warning", "worsened") == heard(people)[-1]


def failing_until(minute: float) -> Callable[[Any], None]:
    clock = iter(range(100))

    def fault(news: Any) -> None:
        if next(clock) * 5 < minute:
            raise DeliveryFailed("people answered 500")

    return fault


def test_what_failed_is_tried_again_with_what_is_true_by_then() -> None:
    runs, people = night()
    people.fault = failing_until(5)
    runs.run(5, DOWN)
    runs.run(7, CRITICAL)
    runs.idle(10, 30)
    [(_, news)] = people.sent

    assert (10, "failure", "detected") == heard(people)[0]
    assert (2, 2) == (people.attempts, news[0].insight.revision)


def test_one_receiver_that_fails_keeps_nothing_from_another() -> None:
    bad, good = ListReceiver(name="bad", fault=failing_until(500)), ListReceiver(name="good")
    runs = Night([bad, good])
    runs.run(5, DOWN)
    runs.run(10, BACK)

    assert [(5, "warning", "detected"), (10, "success", "recovered")] == heard(good)
    assert [] == heard(bad)


def test_a_crash_before_the_note_repeats_the_message_and_never_loses_it() -> None:
    runs, people = night()
    saves = 0

    def crash(operation: str) -> None:
        nonlocal saves
        saves += operation == "before save"
        if operation == "before save" and saves == 2:
            raise KeyboardInterrupt

    runs.journal.hook = crash
    with pytest.raises(KeyboardInterrupt):
        runs.run(5, DOWN)
    runs.idle(10, 30)

    assert [(5, "warning", "detected"), (10, "warning", "detected")] == heard(people)


def test_a_receiver_that_was_added_later_is_not_sent_the_past_but_what_changes() -> None:
    runs, _ = night()
    runs.run(5, DOWN)
    late = ListReceiver(name="late")
    runs.receivers.append(late)
    runs.run(10, failover((PARIS, 0.1, None)))
    runs.run(15, BACK)

    assert [(15, "success", "recovered")] == heard(late)


def test_a_history_without_a_memory_counts_as_sent_but_for_what_is_still_waited_for() -> None:
    first, second = DOWN, BACK.model_copy(update={"revision": 2})
    waiting = a_record(a_delivery(2, sink="people"), insights=[first, second])

    assert Heard(receiver="people", standing=news_of(first).standing, revision=1) == heard_by(
        waiting, "people"
    )
    assert 2 == heard_by(replace(waiting, deliveries=()), "people").revision
    assert heard_by(a_record(a_delivery(sink="people")), "people").standing is None


def test_messages_of_one_run_are_grouped_from_four_on_and_the_digest_always() -> None:
    over, down, critical, quiet = (news_of(each) for each in (OVER, DOWN, CRITICAL, NO_TUNNEL))

    assert [[critical, down, over, quiet]] == messages([down, critical], [quiet, over], Hearing())
    assert [[critical], [down]] == messages([down, critical], [], Hearing())
    assert [[down], [over, quiet]] == messages([down], [quiet, over], Hearing())


def test_of_the_same_severity_what_has_been_down_for_longest_is_worst() -> None:
    older, newer = news_of(DOWN), news_of(failover((PARIS, 3, None)))

    assert [older, newer] == worst_first([newer, older])


def test_what_a_receiver_was_sent_is_remembered_with_when() -> None:
    runs, _ = night()
    runs.run(5, DOWN)
    [history] = runs.journal.histories
    [record] = history.records
    [memory] = record.heard
    sent: datetime | None = memory.at

    assert (at(minutes=5), 1, ((PARIS, at(minutes=5)),)) == (sent, memory.revision, memory.changes)
    assert () == record.deliveries
