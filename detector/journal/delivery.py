"""Deliver what the histories say is still to be delivered, and note what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from detector.errors import DeliveryFailed, DeliveryRefused, JournalConflict, JournalUnavailable
from detector.insights import Insight, Part
from detector.journal import outbox
from detector.journal.commit import commit_change
from detector.journal.history import Delivery, History, Record
from detector.journal.outbox import Attempt
from detector.journal.ports import Journal, Sink
from detector.journal.reply import unanswered

T = TypeVar("T")

DEADLINE: Final = timedelta(seconds=20)
"""How long a delivery may take, to whatever sink.

It is less than twice a run's margin: what a run begins last has ended before others may try it.
"""


class DeliveryReport(Part):
    """One revision that a sink has not taken.

    `why` is the reason why it was given up, or else what went wrong at the last try, if any.
    """

    sink: str
    id: str
    revision: int
    attempts: int
    given_up: bool
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A history as written, with its tag, and the deliveries that are this run's to try."""

    history: History
    tag: str | None
    deliveries: Sequence[tuple[Record, Delivery]]


@dataclass(slots=True)
class DeliverySummary:
    """What became of a run's deliveries."""

    delivered: int = 0
    untried: int = 0
    outstanding: list[DeliveryReport] = field(default_factory=list)
    given_up: list[DeliveryReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def deliver(
    journal: Journal,
    sinks: Iterable[Sink],
    posts: Iterable[Posted],
    *,
    now: datetime,
    has_time: Callable[[], bool],
) -> DeliverySummary:
    """Try each delivery once, and note in the journal what became of it.

    A sink that failed is not tried again in this run, so that one that hangs costs its time-out
    once. What was not tried, for that or because the time is up, stays outstanding as it was.
    """
    by_name = {sink.name: sink for sink in sinks}
    failed: set[str] = set()
    result = DeliverySummary()
    for post in posts:
        outcomes = list(_tried(post, by_name, failed, has_time, result))
        result.delivered += sum(outcome.problem is None for outcome in outcomes)
        result.problems += [_line(each) for each in outcomes if each.problem is not None]
        settled = post.history
        if outcomes:
            try:
                settled = _noted(journal, post, outcomes, now)
            except (JournalUnavailable, JournalConflict) as error:
                result.problems.append(f"{error}; what was delivered may be delivered again")
        for each in delivery_reports(settled):
            (result.given_up if each.given_up else result.outstanding).append(each)
    if result.untried:
        result.problems.append(
            f"the run's time is up; left to the next run: {result.untried} of the deliveries"
        )
    return result


def _line(outcome: Attempt) -> str:
    """What went wrong, and where; the sink's own words may begin with its name."""
    problem = (outcome.problem or "").removeprefix(f"{outcome.sink} ")
    return f"{outcome.sink}: {outcome.failover_id} revision {outcome.revision}: {problem}"


def _tried(
    post: Posted,
    sinks: Mapping[str, Sink],
    failed: set[str],
    has_time: Callable[[], bool],
    result: DeliverySummary,
) -> Iterator[Attempt]:
    settled: set[tuple[str, str, int]] = set()
    for record, delivery in post.deliveries:
        if delivery.sink in failed or not settled >= set(_earlier(record, delivery)):
            continue
        if not has_time():
            result.untried += 1
            continue
        sink = sinks.get(delivery.sink)
        outcome = _outcome(sink, delivery, _insight(record, delivery.revision))
        if outcome.problem is None or outcome.final:
            settled.add((record.failover.id, delivery.sink, delivery.revision))
        else:
            failed.add(delivery.sink)
        yield outcome


def _earlier(record: Record, delivery: Delivery) -> Iterator[tuple[str, str, int]]:
    """What the sink has to take, or refuse, before this delivery: a failover's story has an order.

    It may wait for longer than this run, so it need not be among the run's deliveries.
    """
    for other in record.outstanding:
        if other.sink == delivery.sink and other.revision < delivery.revision:
            yield record.failover.id, other.sink, other.revision


def _insight(record: Record, revision: int) -> Insight:
    return next(each for each in record.insights if each.revision == revision)


def _outcome(sink: Sink | None, delivery: Delivery, insight: Insight) -> Attempt:
    if sink is not None:
        return attempt(sink, insight)
    return Attempt(
        failover_id=insight.id,
        sink=delivery.sink,
        revision=delivery.revision,
        problem="this sink is no longer in the settings",
        final=True,
    )


def attempt(sink: Sink, insight: Insight) -> Attempt:
    """What became of one try to deliver one insight, within the sink's time-out.

    Nothing that a sink raises gets out: the text of an error that is not the detector's own, and
    its traceback, are not known to be free of secrets.
    """
    outcome = Attempt(failover_id=insight.id, sink=sink.name, revision=insight.revision)
    try:
        within(sink.timeout, lambda: sink.deliver(insight))
    except DeliveryRefused as error:
        return replace(outcome, problem=str(error), final=True)
    except DeliveryFailed as error:
        return replace(outcome, problem=str(error), retry_after=error.retry_after)
    except TimeoutError:
        why = f"no answer within {sink.timeout.total_seconds():g} s"
        return replace(outcome, problem=str(unanswered(sink.name, why)))
    except OSError as error:  # the network's, and whatever Requests raises
        return replace(outcome, problem=str(unanswered(sink.name, type(error).__name__)))
    except Exception as error:  # noqa: BLE001 -- a sink's defect must not stop the others
        return replace(outcome, problem=f"failed unexpectedly ({type(error).__name__})")
    return outcome


def within(limit: timedelta, call: Callable[[], T]) -> T:
    """What `call` returns or raises, or TimeoutError once `limit` has passed.

    A socket's time-out begins anew with each byte, so no client's own time-out holds against a
    server that drips. A call that is given up goes on in a thread that keeps nothing alive.
    """
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 -- it is raised where the result is awaited
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return outcome.result(timeout=limit.total_seconds())


def _noted(journal: Journal, post: Posted, outcomes: Sequence[Attempt], now: datetime) -> History:
    """The history with the outcomes, as saved; what another run wrote meanwhile stays."""

    def note(history: History) -> tuple[History, None]:
        return outbox.noted(history, outcomes, now=now), None

    history, _, _ = commit_change(journal, post.history, post.tag, note)
    return history


def delivery_reports(history: History) -> list[DeliveryReport]:
    """Every delivery of a history that no sink has taken; `why` is set where it was given up."""
    return [
        DeliveryReport(
            sink=delivery.sink,
            id=record.failover.id,
            revision=delivery.revision,
            attempts=delivery.attempts,
            given_up=delivery.given_up is not None,
            why=delivery.given_up or delivery.problem,
        )
        for record in history.records
        for delivery in record.deliveries
    ]
