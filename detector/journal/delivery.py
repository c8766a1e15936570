"""Deliver what the histories say is still to be delivered, and note what became of it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, compress
from operator import not_
from typing import Final, TypeVar

from detector.boundary import Failures, contained
from detector.errors import DeliveryFailed, DeliveryRefused, DetectorError, Unforeseen
from detector.insights import Coverage, Insight, News, Part
from detector.journal import outbox
from detector.journal.commit import commit_change
from detector.journal.hearing import heard_by, messages, now_heard, to_hear
from detector.journal.history import Delivery, History, Record
from detector.journal.outbox import Attempt
from detector.journal.ports import Announcer, Journal, Reachable, Receiver, Sink
from detector.journal.reply import unanswered
from detector.text import cut

T = TypeVar("T")

LONGEST_PROBLEM: Final = 500
"""So many characters are kept of what went wrong at a delivery."""

AT_ONCE: Final = 8
"""How many requests to the journal, and to each sink, are in flight at a time."""

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
    failures: Failures = field(default_factory=Failures)

    @property
    def problems(self) -> list[str]:
        """What went wrong, a line each."""
        return self.failures.problems


@dataclass(kw_only=True, slots=True)
class Outgoing:
    """The deliveries of one run, each tried once; what became of it is noted in the journal.

    Machines get theirs as soon as something is posted, each sink in a pool of its own. At the end
    each receiver of people's messages is told of all gateways together, so that what belongs into
    one message is in one.
    A sink that failed is not tried again in this run, so that one that hangs costs its time-out
    once. What was not tried, for that or because the time is up, stays outstanding as it was.
    """

    journal: Journal
    sinks: Sequence[Sink]
    now: datetime
    has_time: Callable[[], bool]
    summary: DeliverySummary = field(default_factory=DeliverySummary)
    _failed: set[str] = field(default_factory=set)
    _for_people: list[Posted] = field(default_factory=list)

    def to_machines(self, posts: Iterable[Posted]) -> None:
        """Try what machines are to get of these gateways, all at once as far as each sink goes."""
        posts = list(posts)
        names = {receiver.name for receiver in self._receivers}
        machines = {sink.name: sink for sink in self.sinks if sink.name not in names}
        outcomes: dict[str, list[Attempt]] = defaultdict(list)
        tasks: list[tuple[Posted, _Tried]] = []
        with ExitStack() as pools:
            for name in {each.sink for post in posts for _, each in post.deliveries} - names:
                pool = pools.enter_context(ThreadPoolExecutor(AT_ONCE))
                sink = machines.get(name)
                for post in posts:
                    tried = _Tried()
                    part = partial(_try, post, name, sink, self._failed, self.has_time, tried)
                    pool.submit(tried.failures.done, post.history.gateway_id, part)
                    tasks.append((post, tried))
        for post, tried in tasks:
            outcomes[post.history.key] += tried.outcomes
            self.summary.untried += tried.untried
            self.summary.failures.extend(tried.failures)
        settled = self._settled(posts, outcomes)
        to_people = [any(each.sink in names for _, each in post.deliveries) for post in posts]
        self._for_people += compress(settled, to_people)
        self._list(compress(settled, map(not_, to_people)))

    def to_people(self) -> None:
        """Tell each receiver what it is to hear of everything that was posted."""
        posts = self._for_people
        for receiver in self._receivers:
            told: dict[str, list[Attempt]] = defaultdict(list)
            tell = partial(
                _tell,
                receiver,
                posts,
                told,
                now=self.now,
                has_time=self.has_time,
                result=self.summary,
            )
            self.summary.failures.done(receiver.name, tell)
            posts = self._settled(posts, told)
        self._list(posts)
        if self.summary.untried:
            self.summary.problems.append(
                "the run's time is up; left to the next run: "
                f"{self.summary.untried} of the deliveries"
            )

    @property
    def _receivers(self) -> list[Receiver]:
        return [sink for sink in self.sinks if isinstance(sink, Receiver)]

    def _settled(
        self, posts: Sequence[Posted], outcomes: Mapping[str, Sequence[Attempt]]
    ) -> list[Posted]:
        """The posts with their histories as they are once the outcomes are noted in them."""
        own = [outcomes.get(post.history.key, ()) for post in posts]
        places = [post.history.gateway_id for post in posts]
        parts = [
            partial(_noted, self.journal, post, tried, self.now)
            for post, tried in zip(posts, own, strict=True)
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            noted = list(pool.map(contained, places, parts))
        for each in chain.from_iterable(own):
            if each.problem is not None:
                self.summary.problems.append(_line(each))
            elif not each.overtaken:
                self.summary.delivered += 1
        for failed in noted:
            if isinstance(failed, DetectorError):
                self.summary.failures.add(failed)
                self.summary.problems[-1] += "; what was delivered may be delivered again"
        pairs = zip(posts, noted, strict=True)
        return [post if isinstance(new, DetectorError) else new for post, new in pairs]

    def _list(self, posts: Iterable[Posted]) -> None:
        for post in posts:
            listed = partial(_list, post, self.summary)
            self.summary.failures.done(post.history.gateway_id, listed)


@dataclass(slots=True)
class _Tried:
    """What became of a gateway's deliveries to one sink, and how many were not tried."""

    outcomes: list[Attempt] = field(default_factory=list)
    untried: int = 0
    failures: Failures = field(default_factory=Failures)


def _list(post: Posted, result: DeliverySummary) -> None:
    for each in delivery_reports(post.history):
        (result.given_up if each.given_up else result.outstanding).append(each)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """What a receiver is to be told now of one failover, in the history under `key`."""

    key: str
    record: Record
    delivery: Delivery
    news: News


def _tell(
    receiver: Receiver,
    posts: Iterable[Posted],
    outcomes: dict[str, list[Attempt]],
    *,
    now: datetime,
    has_time: Callable[[], bool],
    result: DeliverySummary,
) -> None:
    """Tell one receiver what it is to hear.

    What became of it goes into `outcomes`, by the keys of the histories that it is of.
    """
    to_tell: dict[str, _Telling] = {}
    for post in posts:
        weigh = partial(_weigh, post, receiver, to_tell, outcomes[post.history.key], now=now)
        result.failures.done(post.history.gateway_id, weigh)
    at_once = [each.news for each in to_tell.values() if each.delivery.held_until is None]
    held = [each.news for each in to_tell.values() if each.delivery.held_until is not None]
    for message in messages(at_once, held, receiver.hears):
        own = [to_tell[news.insight.id] for news in message]
        if not has_time():
            result.untried += len(own)
            continue
        untried = _untried(own[0].record, own[0].delivery)
        send = partial(receiver.send, message, now=now)
        became = _tried_once(untried, receiver, send, result.failures)
        for each in own:
            outcomes[each.key].append(_became(each, became, receiver, now))
        if became.problem is not None and not became.final:
            break


def _weigh(
    post: Posted,
    receiver: Receiver,
    to_tell: dict[str, _Telling],
    outcomes: list[Attempt],
    *,
    now: datetime,
) -> None:
    """Add what the receiver is to be told now of one gateway, and what was overtaken."""
    for record, waiting in _waiting(post, receiver.name, now):
        latest = waiting[-1]
        heard = heard_by(record, receiver.name)
        told = to_hear(record, heard, receiver.hears, now=now, since=latest.since)
        over = waiting if told is None else waiting[:-1]
        outcomes += [replace(_untried(record, each), overtaken=True) for each in over]
        if told is not None and (told[1] or now) <= now:
            to_tell[record.failover.id] = _Telling(
                key=post.history.key, record=record, delivery=latest, news=told[0]
            )


def _waiting(post: Posted, name: str, now: datetime) -> Iterator[tuple[Record, Sequence[Delivery]]]:
    """What waits for the receiver of each failover that this run was to tell it of, latest last.

    The history as it was written counts: what waits now may be held for longer.
    """
    wanted = {record.failover.id for record, delivery in post.deliveries if delivery.sink == name}
    for record in post.history.records:
        own = [each for each in record.outstanding if each.sink == name]
        if own and record.failover.id in wanted and (own[-1].held_until or now) <= now:
            yield record, own


def _untried(record: Record, delivery: Delivery) -> Attempt:
    return Attempt(failover_id=record.failover.id, sink=delivery.sink, revision=delivery.revision)


def _became(telling: _Telling, became: Attempt, receiver: Receiver, now: datetime) -> Attempt:
    """What became of one failover in a message, and when there is more to tell of it."""
    record, news = telling.record, telling.news
    outcome = replace(
        became, failover_id=record.failover.id, revision=telling.delivery.revision, news=news
    )
    if became.problem is not None:
        return outcome
    heard = now_heard(heard_by(record, receiver.name), news, now=now)
    later = to_hear(record, heard, receiver.hears, now=now, since=now)
    return replace(outcome, again=(later[1] or now) if later else None)


def _line(outcome: Attempt) -> str:
    """What went wrong, and where; the sink's own words may begin with its name."""
    problem = (outcome.problem or "").removeprefix(f"{outcome.sink} ")
    return f"{outcome.sink}: {outcome.failover_id} revision {outcome.revision}: {problem}"


def _try(
    post: Posted,
    name: str,
    sink: Sink | None,
    failed: set[str],
    has_time: Callable[[], bool],
    tried: _Tried,
) -> None:
    """Try one gateway's deliveries to one sink; what became of each goes into `tried`."""
    settled: set[tuple[str, str, int]] = set()
    for record, delivery in post.deliveries:
        if delivery.sink != name:
            continue
        if name in failed or not settled >= set(_earlier(record, delivery)):
            continue
        if not has_time():
            tried.untried += 1
            continue
        outcome = _outcome(sink, record, delivery, tried.failures)
        if outcome.problem is None or outcome.final:
            settled.add((record.failover.id, delivery.sink, delivery.revision))
        else:
            failed.add(name)
        tried.outcomes.append(outcome)


def _earlier(record: Record, delivery: Delivery) -> Iterator[tuple[str, str, int]]:
    """What the sink has to take, or refuse, before this delivery: a failover's story has an order.

    It may wait for longer than this run, so it need not be among the run's deliveries.
    """
    for other in record.outstanding:
        if other.sink == delivery.sink and other.revision < delivery.revision:
            yield record.failover.id, other.sink, other.revision


def _insight(record: Record, revision: int) -> Insight:
    return next(each for each in record.insights if each.revision == revision)


def _outcome(sink: Sink | None, record: Record, delivery: Delivery, failures: Failures) -> Attempt:
    untried = _untried(record, delivery)
    if sink is None:
        return replace(untried, problem="this sink is no longer in the settings", final=True)
    return _tried_once(
        untried, sink, lambda: sink.deliver(_insight(record, delivery.revision)), failures
    )


def attempt(sink: Sink, insight: Insight) -> Attempt:
    """What became of one try to deliver one insight, within the sink's time-out."""
    untried = Attempt(failover_id=insight.id, sink=sink.name, revision=insight.revision)
    return _tried_once(untried, sink, lambda: sink.deliver(insight), Failures())


def announced(sink: Announcer, coverage: Coverage) -> str | None:
    """What went wrong with one try to announce a coverage document; None where it was taken."""
    untried = Attempt(failover_id=coverage.id, sink=sink.name, revision=1)
    return _tried_once(untried, sink, lambda: sink.announce(coverage), Failures()).problem


def probed(sink: Reachable) -> tuple[str | None, str | None]:
    """What shows that a sink can be reached, and what is wrong where it cannot; both may be None.

    Nothing is delivered.
    """
    try:
        answer = within(sink.timeout, lambda: contained(sink.name, sink.probe))
    except TimeoutError:
        return None, f"{sink.name} gave no answer within {sink.timeout.total_seconds():g} s"
    return (None, str(answer)) if isinstance(answer, DetectorError) else (answer, None)


def _tried_once(
    untried: Attempt, sink: Sink | Announcer, call: Callable[[], None], failures: Failures
) -> Attempt:
    """What became of it once `call` was tried, within the sink's time-out.

    Nothing that a sink raises gets out; where a defect was goes into `failures`.
    """
    failed = contained(sink.name, partial(_answered, sink, call))
    if failed is None:
        return untried
    if isinstance(failed, Unforeseen):
        failures.traces.append(failed.trace)
        return replace(untried, problem=failed.why)
    return replace(
        untried,
        problem=cut(str(failed), LONGEST_PROBLEM),
        final=isinstance(failed, DeliveryRefused),
        retry_after=failed.retry_after if isinstance(failed, DeliveryFailed) else None,
    )


def _answered(sink: Sink | Announcer, call: Callable[[], None]) -> None:
    """Return when the sink has taken it; raises DeliveryFailed or DeliveryRefused."""
    try:
        within(sink.timeout, call)
    except TimeoutError as error:
        raise unanswered(
            sink.name, f"no answer within {sink.timeout.total_seconds():g} s"
        ) from error
    except OSError as error:  # the network's, and whatever Requests raises
        raise unanswered(sink.name, type(error).__name__) from error


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


def _noted(journal: Journal, post: Posted, outcomes: Sequence[Attempt], now: datetime) -> Posted:
    """The post with the outcomes in its history, as saved; what others wrote meanwhile stays."""
    if not outcomes:
        return post

    def note(history: History) -> tuple[History, None]:
        return outbox.noted(history, outcomes, now=now), None

    history, tag, _ = commit_change(journal, post.history, post.tag, note)
    return replace(post, history=history, tag=tag)


def delivery_reports(history: History) -> list[DeliveryReport]:
    """Every delivery of a history that no sink has taken; `why` is set where it was given up.

    What only waits for its time is none.
    """
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
        if delivery.attempts or delivery.held_until is None
    ]
