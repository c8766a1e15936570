"""Whole runs over a world in memory: what is told, to whom, and what happens when parts fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import DeliveryFailed, DeliveryRefused, JournalUnavailable
from detector.insights.document import Insight, Reason
from detector.journal.history import History, history_to_json
from detector.model import Connection, Kind, Phase, Scope, Signal
from detector.runs.run import FOR_PEOPLE, MARGIN, run_once
from detector.runs.world import World
from detector.signals.row import read_rows
from tests.builders import (
    GATEWAY_ID,
    GATEWAYS,
    LYON,
    ONE,
    PARIS,
    ZERO,
    a_diagnosis,
    a_gateway,
    at,
    down,
    of_activity,
    of_gateway,
    up,
)
from tests.memory import (
    SCOPE,
    ListReceiver,
    ListSink,
    MemoryAzure,
    MemoryJournal,
    MemoryLogs,
    a_history,
    a_record,
    a_world,
    hours,
    minutes,
    plenty,
    reconciles,
    seen,
)

OTHER_SCOPE = Scope(id="22222222-2222-4333-8444-555555555555")
HAND_OVER = (down(at()), up(at(12)))
BACK = (down(at(minutes=20), ONE), up(at(12, minutes=20), ZERO))


def told(insights: Sequence[Insight]) -> list[tuple[int, str]]:
    """The revisions that a run told, with their reasons."""
    return [(insight.revision, insight.reason.value) for insight in insights]


def at_gateway(name: str, *signals: Signal) -> list[Signal]:
    return [replace(signal, gateway_id=f"{GATEWAYS}{name}") for signal in signals]


def unavailable(*operations: str) -> Callable[[str], None]:
    """A hook that fails these operations of a journal."""

    def hook(operation: str) -> None:
        if operation in operations:
            raise JournalUnavailable(f"{operation}: 503")

    return hook


def taking_no_message(insight: Insight) -> None:
    raise DeliveryFailed("no answer")


def test_a_failover_is_told_once_to_every_sink_however_many_runs_see_it() -> None:
    queue, files = ListSink("queue"), ListSink("files")
    world = a_world(MemoryLogs(seen(*HAND_OVER)), sinks=[queue, files])

    reports = [run_once(world, now=at(minutes=5 * n), left=plenty)[0] for n in range(1, 80)]
    [insight] = queue.taken

    assert [insight] == files.taken
    assert (1, Reason.DETECTED) == (insight.revision, insight.reason)
    assert [1] + 78 * [0] == [len(report.told) for report in reports]
    assert all(report.ok for report in reports)


def test_the_story_of_a_failover_is_told_in_revisions_of_one_id() -> None:
    """Away and back in maintenance; a reset arrives in the Activity Log 19 minutes late."""
    reset = [of_activity(Kind.RESET, phase, at(-60)) for phase in (Phase.STARTED, Phase.SUCCEEDED)]
    logs = MemoryLogs(seen(*HAND_OVER, *BACK, after=minutes(1)) + seen(*reset, after=minutes(31)))
    sink = ListSink()
    world = a_world(logs, sinks=[sink])

    for now in (3, 25, 35, 40):
        run_once(world, now=at(minutes=now), left=plenty)

    assert [(1, "detected"), (2, "switched-again"), (3, "cause-changed")] == told(sink.taken)
    assert 1 == len({insight.id for insight in sink.taken})


def test_a_tunnel_that_comes_back_is_told_as_recovered() -> None:
    rows = [*HAND_OVER, down(at(2), remote_ip=LYON), up(at(minutes=40), remote_ip=LYON)]
    sink = ListSink()
    world = a_world(MemoryLogs(seen(*rows)), sinks=[sink])

    for now in (5, 10, 15, 45):
        run_once(world, now=at(minutes=now), left=plenty)

    assert "recovered" == sink.taken[-1].reason
    assert "recovered" == sink.taken[-1].failover.state


def test_people_hear_what_changed_since_they_last_heard_and_what_is_over_later() -> None:
    rows = [*HAND_OVER, down(at(2), remote_ip=LYON), up(at(minutes=40), remote_ip=LYON)]
    waking, reading = ListReceiver("waking"), ListReceiver("reading")
    world = a_world(MemoryLogs(seen(*rows)), sinks=[waking, reading])
    quiet = a_world(MemoryLogs(seen(*HAND_OVER)), sinks=[later := ListReceiver("later")])

    for now in range(5, 60, 5):
        for each in (world, quiet):
            run_once(each, now=at(minutes=now), left=plenty)

    def heard(receiver: ListReceiver) -> list[tuple[timedelta, str]]:
        return [(now - at(), news[0].reasons[0].value) for now, news in receiver.sent]

    assert [(minutes(20), "detected")] == heard(later)
    assert heard(waking) == heard(reading)
    assert "recovered" == heard(waking)[-1][1]
    assert minutes(45) == heard(waking)[-1][0]


def test_a_fact_that_could_not_be_had_is_told_when_it_can_be() -> None:
    azure, sink = MemoryAzure(unknown={"gateways"}), ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), sinks=[sink], azure=azure)

    run_once(world, now=at(minutes=5), left=plenty)
    azure.unknown.clear()
    run_once(world, now=at(minutes=10), left=plenty)

    assert [(1, "detected"), (2, "completed")] == told(sink.taken)
    assert "unknown (Azure did not answer)" == sink.taken[0].facts["gatewayVip"]
    assert "203.0.113.10" == sink.taken[1].facts["gatewayVip"]


def test_the_names_of_tunnels_that_could_not_be_had_are_told_when_they_can_be() -> None:
    named = Connection(name="to-paris", remote_ip=PARIS, status="Connected")
    azure = MemoryAzure(unknown={"connections"}, connections={GATEWAY_ID: [named]})
    sink = ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), sinks=[sink], azure=azure)

    run_once(world, now=at(minutes=5), left=plenty)
    azure.unknown.clear()
    for now in (10, 15):
        run_once(world, now=at(minutes=now), left=plenty)
    first, second = sink.taken

    assert {"connections": "Azure did not answer"} == first.gateway.unknown
    assert ("completed", {}) == (second.reason, second.gateway.unknown)
    assert ["to-paris"] == [outage.connection for outage in second.failover.outages]
    assert 2 == azure.asked.count(("connections", GATEWAY_ID))


def test_facts_that_were_known_are_kept_when_azure_does_not_answer_later() -> None:
    azure, sink = MemoryAzure(), ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER, *BACK)), sinks=[sink], azure=azure)

    run_once(world, now=at(minutes=5), left=plenty)
    azure.unknown = {"gateways", "connections"}
    run_once(world, now=at(minutes=25), left=plenty)

    assert ["203.0.113.10"] * 2 == [insight.facts["gatewayVip"] for insight in sink.taken]


def test_an_idle_run_asks_azure_for_nothing_but_the_logs() -> None:
    azure, journal = MemoryAzure(), MemoryJournal()
    operations: list[str] = []
    journal.hook = operations.append

    run_once(a_world(MemoryLogs(), journal=journal, azure=azure), now=at(), left=plenty)

    assert [] == azure.asked
    assert ["before marks", "before last_run", "before note_run", "after note_run"] == operations


def test_a_run_reconciles_each_gateway_once() -> None:
    rows = [row for name in ("vpn-a", "vpn-b") for row in at_gateway(name, *HAND_OVER)]
    world = a_world(MemoryLogs(seen(*rows)), sinks=[ListSink()])

    for now, expected in ((5, 2), (10, 0)):
        with reconciles() as counted:
            run_once(world, now=at(minutes=now), left=plenty)
        assert expected == counted()


def test_a_gateway_whose_history_another_run_wrote_first_is_reconciled_again() -> None:
    journal = MemoryJournal()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink := ListSink()])

    def written_first(operation: str) -> None:
        if operation == "before save":
            journal.hook = lambda name: None
            journal.save(a_history(a_record()), None)

    journal.hook = written_first
    with reconciles() as counted:
        run_once(world, now=at(minutes=5), left=plenty)

    assert 2 == counted()
    assert [(2, "revised")] == told(sink.taken)


def test_a_loss_of_tunnels_together_is_suspected_until_the_gateways_mode_is_known() -> None:
    lost = [down(at()), down(at(1), remote_ip=LYON)]
    azure = MemoryAzure(gateways={GATEWAY_ID: a_gateway(active_active=None)})
    world = a_world(MemoryLogs(seen(*lost)), azure=azure)

    report, insights = run_once(world, now=at(minutes=26), left=plenty)
    azure.gateways[GATEWAY_ID] = a_gateway(active_active=False)
    known, _ = run_once(world, now=at(minutes=31), left=plenty)

    assert ([], ()) == (insights, known.suspected)
    assert ["nothing says that the gateway is active-active"] == [
        line.rsplit("; ", 1)[1] for line in report.suspected
    ]


# What is asked for


def test_a_scope_that_fails_stops_no_other_and_is_caught_up_with() -> None:
    """It fails for a day; the other scope is not asked for more than its lookback meanwhile."""
    logs = MemoryLogs(
        seen(*at_gateway("vpn-a", *HAND_OVER))
        + seen(*at_gateway("vpn-b", *HAND_OVER), scope=OTHER_SCOPE)
    )
    sink, scopes = ListSink(), (SCOPE, OTHER_SCOPE)
    world = a_world(logs, sinks=[sink], scopes=scopes)

    run_once(world, now=at(minutes=-5), left=plenty)
    logs.down = {OTHER_SCOPE}
    reports = [run_once(world, now=at(hours=hour), left=plenty)[0] for hour in (1, 12, 24)]
    logs.down = set()
    run_once(world, now=at(hours=25), left=plenty)

    assert ["vpn-a", "vpn-b"] == [insight.gateway.name for insight in sink.taken]
    assert {(f"{OTHER_SCOPE}: no answer",)} == {report.problems for report in reports}
    assert [True, False] == [scope.complete for scope in reports[0].scopes]
    assert hours(6) == at(hours=25) - logs.asked[-1][SCOPE].start


def test_a_scope_that_never_answered_is_caught_up_with_from_the_first_run_on() -> None:
    logs, sink = MemoryLogs(seen(*HAND_OVER), down={SCOPE}), ListSink()
    world = a_world(logs, sinks=[sink])

    bad = [run_once(world, now=at(hours=hour), left=plenty)[0] for hour in (1, 10, 20)]
    logs.down = set()
    good, _ = run_once(world, now=at(hours=21), left=plenty)

    assert {(f"{SCOPE}: no answer",)} == {report.problems for report in bad}
    assert good.ok
    assert [(1, "detected")] == told(sink.taken)


def test_a_note_that_cannot_be_read_makes_the_run_look_back_as_far_as_it_may() -> None:
    journal, sink = MemoryJournal(note={"completeUntil": "garbage"}), ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink])

    first, _ = run_once(world, now=at(hours=40), left=plenty)
    second, _ = run_once(world, now=at(hours=40.1), left=plenty)

    assert [(1, "detected")] == told(sink.taken)
    assert ["this run looked back for 2 d"] == [line.split("; ")[1] for line in first.problems]
    assert second.ok


def test_a_note_that_the_store_does_not_give_makes_the_run_look_back_as_far_as_it_may() -> None:
    journal, sink = MemoryJournal(hook=unavailable("before last_run")), ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink])

    report, _ = run_once(world, now=at(hours=40), left=plenty)

    assert [(1, "detected")] == told(sink.taken)
    assert "before last_run: 503" == report.problems[0]


def test_a_failover_at_the_cut_edge_of_the_window_begins_nothing_and_changes_nothing() -> None:
    """Of the hand-over only half is still in the window, or the causes before it are not."""
    logs, sink = MemoryLogs(seen(*HAND_OVER)), ListSink()
    told_of = a_world(logs, sinks=[sink])
    untold = a_world(logs, sinks=[late := ListSink()])

    run_once(told_of, now=at(minutes=5), left=plenty)
    for second in range(-30, 18 * 60, 30):
        run_once(told_of, now=at(second, hours=6), left=plenty)
        run_once(untold, now=at(second + 45, hours=6), left=plenty)

    assert [(1, "detected")] == told(sink.taken)
    assert [] == late.taken


# What fails


def test_without_the_journal_nothing_is_asked_and_nothing_is_told() -> None:
    logs, sink = MemoryLogs(seen(*HAND_OVER)), ListSink()
    journal = MemoryJournal(hook=unavailable("before marks"))

    report, insights = run_once(a_world(logs, journal=journal, sinks=[sink]), now=at(), left=plenty)

    assert (("before marks: 503",), []) == (report.problems, insights)
    assert ([], []) == (logs.asked, sink.attempts)


def test_what_was_told_and_is_as_it_was_is_known_without_loading_it() -> None:
    """Until another row is seen, be it of a change of a connection in the same subscription."""
    logs = MemoryLogs(seen(*HAND_OVER, *at_gateway("vpn-other", *HAND_OVER)))
    journal, late = MemoryJournal(), of_gateway(Kind.MAINTENANCE, at(-60))
    world = a_world(logs, journal=journal, sinks=[ListSink()])
    operations: list[str] = []
    journal.hook = operations.append
    for now in (5, 21):
        run_once(world, now=at(minutes=now), left=plenty)

    operations.clear()
    for now in (26, 31):
        run_once(world, now=at(minutes=now), left=plenty)
    idle = list(operations)
    logs.rows += seen(late, after=minutes(34))
    run_once(world, now=at(minutes=36), left=plenty)

    assert ["before marks", "before last_run", "before note_run", "after note_run"] * 2 == idle
    assert 1 == operations.count("before load")


def test_how_the_facts_were_had_is_said_where_the_operator_should_know() -> None:
    world = a_world(MemoryLogs(seen(*HAND_OVER)), sinks=[ListSink()])
    noting = replace(world, sources=replace(world.sources, notes=lambda: ("asked one by one",)))

    report, _ = run_once(noting, now=at(minutes=5), left=plenty)

    assert (("asked one by one",), True) == (report.notes, report.ok)


@dataclass(slots=True)
class BadEntry(MemoryJournal):
    """A journal of which an operation on the entry of `vpn-bad` fails, while `failing` names it."""

    failing: str = ""

    def load(self, key: str) -> tuple[History | None, str | None]:
        self._fail("load", key)
        return MemoryJournal.load(self, key)

    def save(self, entry: History, tag: str | None) -> str:
        self._fail("save", entry.key)
        return MemoryJournal.save(self, entry, tag)

    def _fail(self, operation: str, key: str) -> None:
        if operation == self.failing and key.startswith("vpn-bad"):
            raise JournalUnavailable("vpn-bad: cannot be read")


@pytest.mark.parametrize("operation", ["load", "save"])
def test_a_history_that_cannot_be_used_stops_no_other_and_is_caught_up_with(
    operation: str,
) -> None:
    """It is one entry that fails, for longer than the lookback; the rows are not passed over."""
    logs = MemoryLogs(
        seen(*at_gateway("vpn-bad", *HAND_OVER)) + seen(*at_gateway("vpn-good", *HAND_OVER))
    )
    journal, sink = BadEntry(failing=operation), ListSink()
    world = a_world(logs, journal=journal, sinks=[sink])
    if operation == "load":  # what is not listed is not loaded
        MemoryJournal.save(journal, History(gateway_id=f"{GATEWAYS}vpn-bad"), None)
    for hour in (0.1, 4, 8, 12):
        report, _ = run_once(world, now=at(hours=hour), left=plenty)
        assert "vpn-bad: cannot be read" in report.problems
    journal.failing = ""
    run_once(world, now=at(hours=13), left=plenty)

    assert ["vpn-good", "vpn-bad"] == [insight.gateway.name for insight in sink.taken]


def test_a_run_that_cannot_be_noted_has_told_all_the_same() -> None:
    journal, sink = MemoryJournal(hook=unavailable("before note_run")), ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink])

    report, _ = run_once(world, now=at(minutes=5), left=plenty)

    assert [(1, "detected")] == told(sink.taken)
    assert ("before note_run: 503",) == report.problems


def test_a_write_whose_answer_is_lost_is_delivered_by_a_later_run() -> None:
    """The store has the history and the run does not know: it may not deliver what it claimed."""
    journal, sink = MemoryJournal(hook=unavailable("after save")), ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink])

    first, _ = run_once(world, now=at(minutes=5), left=plenty)
    journal.hook = lambda name: None
    run_once(world, now=at(minutes=6), left=plenty)
    early = list(sink.taken)
    run_once(world, now=at(minutes=10), left=plenty)

    assert (("after save: 503",), []) == (first.problems, early)
    assert [(1, "detected")] == told(sink.taken)


def test_a_run_takes_on_no_gateway_that_it_has_no_time_for_and_the_next_one_does() -> None:
    names = ("vpn-a", "vpn-b", "vpn-c")
    rows = [row for name in names for row in at_gateway(name, *HAND_OVER)]
    journal, sink = MemoryJournal(), ListSink()
    world = a_world(MemoryLogs(seen(*rows)), journal=journal, sinks=[sink])

    # It is looked at for the claim, for the batch, and for each gateway.
    times = iter([MARGIN + FOR_PEOPLE] * 4)

    report, _ = run_once(world, now=at(minutes=5), left=lambda: next(times, MARGIN - minutes(0.01)))
    run_once(world, now=at(minutes=10), left=plenty)

    assert "the run's time is up: 1 gateway left to the next run" in report.problems
    assert "the run's time is up; left to the next run: 2 of the deliveries" in report.problems
    assert set(names) == {insight.gateway.name for insight in sink.taken}
    assert 3 == len(sink.taken)


def test_a_gateway_that_there_was_no_time_for_is_caught_up_with() -> None:
    logs, sink = MemoryLogs(seen(*HAND_OVER)), ListSink()
    world = a_world(logs, sinks=[sink])

    for hour in (0.1, 5, 10):
        run_once(world, now=at(hours=hour), left=lambda: MARGIN / 2)
    run_once(world, now=at(hours=15), left=plenty)

    assert [(1, "detected")] == told(sink.taken)


def test_a_sink_that_fails_for_hours_gets_everything_in_order_when_it_is_back() -> None:
    rows = [*HAND_OVER, *BACK, down(at(hours=3)), up(at(9, hours=3))]
    sink = ListSink(fault=taking_no_message)
    world = a_world(MemoryLogs(seen(*rows)), sinks=[sink, good := ListSink("good")])

    for n in range(1, 120):
        if n == 70:
            sink.fault = lambda insight: None
        run_once(world, now=at(minutes=5 * n), left=plenty)

    assert [(1, "detected"), (2, "switched-again"), (1, "detected")] == told(good.taken)
    by_failover = sorted(sink.taken, key=lambda insight: insight.failover.first_at)
    assert good.revisions == [(insight.id, insight.revision) for insight in by_failover]


def test_a_sink_that_refuses_every_revision_leaves_a_history_that_can_be_read() -> None:
    """What was given up names a revision whose insight nobody needs any more."""

    def refused(insight: Insight) -> None:
        raise DeliveryRefused("bad refused it with 404")

    rows = [*HAND_OVER, *BACK, down(at(minutes=40)), up(at(9, minutes=40))]
    world = a_world(MemoryLogs(seen(*rows)), sinks=[ListSink("bad", refused), good := ListSink()])

    reports = [run_once(world, now=at(minutes=5 * n), left=plenty)[0] for n in range(1, 12)]

    assert [1, 2, 3] == [insight.revision for insight in good.taken]
    assert [1, 2, 3] == [each.revision for each in reports[-1].given_up]
    assert reports[-1].ok


def test_a_sink_that_was_added_later_is_not_sent_the_past() -> None:
    journal, logs, late = MemoryJournal(), MemoryLogs(seen(*HAND_OVER)), ListSink("late")

    run_once(a_world(logs, journal=journal, sinks=[ListSink()]), now=at(minutes=5), left=plenty)
    logs.rows += seen(*BACK)
    both = a_world(logs, journal=journal, sinks=[ListSink(), late])
    run_once(both, now=at(minutes=10), left=plenty)
    run_once(both, now=at(minutes=25), left=plenty)

    assert [(2, "switched-again")] == told(late.taken)


def test_what_was_given_up_is_in_every_later_report() -> None:
    sink = ListSink(fault=taking_no_message)
    world = a_world(MemoryLogs(seen(*HAND_OVER)), sinks=[sink])

    reports = [run_once(world, now=at(minutes=5 * n), left=plenty)[0] for n in range(1, 350)]

    assert [1] == [len(report.outstanding) for report in reports[:1]]
    assert ["given up after 24 hours; at last: no answer" for _ in range(20)] == [
        report.given_up[0].why for report in reports[-20:]
    ]
    assert at(minutes=5, hours=24) <= max(r.at for r in reports if r.problems) < at(hours=24.3)


def test_what_is_old_and_delivered_is_forgotten() -> None:
    old = a_record(failover=replace(a_record().failover, id="f-old"))
    journal = MemoryJournal()
    journal.save(a_history(old), None)
    days = timedelta(days=8)
    rows = [replace(row, at=row.at + days) for row in HAND_OVER]

    run_once(
        a_world(MemoryLogs(seen(*rows)), journal=journal), now=at(minutes=5) + days, left=plenty
    )
    [history] = journal.histories

    assert [at() + days] == [record.failover.first_at for record in history.records]


def test_a_row_with_half_a_character_is_told_like_any_other() -> None:
    """JSON can escape half a surrogate pair, which no store and no sink could write."""
    half = "\ud800x\x00"
    rows = [
        {
            "TimeGenerated": when,
            "ResourceId": GATEWAY_ID,
            "Source": "TunnelDiagnosticLog",
            "Operation": operation,
            "Instance": instance,
            "RemoteIp": half,
            "Message": half,
        }
        for when, operation, instance in (
            (at(), "TunnelDisconnected", ZERO),
            (at(12), "TunnelConnected", half),
        )
    ]
    signals, unusable = read_rows(rows, origin="test")
    sink = ListSink()

    report, _ = run_once(
        a_world(MemoryLogs(seen(*signals)), sinks=[sink]), now=at(minutes=5), left=plenty
    )

    assert ([], True) == (unusable.lines, report.ok)
    assert ["?x\x00"] == [outage.remote_ip for outage in sink.taken[0].failover.outages]


# What was told is not taken back


def test_a_scope_that_does_not_answer_takes_nothing_back() -> None:
    """The tunnels' return stands in the logs of the other scope, which fails from then on."""
    lost = [down(at()), down(at(1), remote_ip=LYON)]
    returned = [up(at(70), ZERO), up(at(80), ZERO, LYON)]
    logs = MemoryLogs(seen(*lost) + seen(*returned, scope=OTHER_SCOPE))
    azure = MemoryAzure(gateways={GATEWAY_ID: a_gateway(active_active=True)})
    sink = ListSink()
    world = a_world(logs, sinks=[sink], azure=azure, scopes=(SCOPE, OTHER_SCOPE))

    run_once(world, now=at(minutes=5), left=plenty)
    for n in range(2, 10):
        logs.down = {OTHER_SCOPE} if n % 3 else {SCOPE}
        run_once(world, now=at(minutes=5 * n), left=plenty)

    assert [(1, "detected")] == told(sink.taken)


@given(answers=st.lists(st.sampled_from(["both", "first", "second", "none"]), max_size=12))
def test_runs_with_any_scopes_missing_end_where_runs_with_all_of_them_do(
    answers: list[str],
) -> None:
    """Each scope has half of the rows. No run with a scope missing tells of a loss or a return
    that the rows together do not show.
    """
    first = [*HAND_OVER, down(at(3), remote_ip=LYON), *BACK]
    second = [of_gateway(Kind.MAINTENANCE, at(-60)), up(at(15), remote_ip=LYON)]
    logs = MemoryLogs(seen(*first) + seen(*second, scope=OTHER_SCOPE))
    missing = {
        "both": set(),
        "first": {OTHER_SCOPE},
        "second": {SCOPE},
        "none": {SCOPE, OTHER_SCOPE},
    }
    sink = ListSink()
    world = a_world(logs, sinks=[sink], scopes=(SCOPE, OTHER_SCOPE))

    whole = False
    for number, answer in enumerate([*answers, "both"]):
        logs.down = missing[answer]
        run_once(world, now=at(minutes=30 + 5 * number), left=plenty)
        lost = {(o.remote_ip, o.to) for o in sink.taken[-1].failover.outages} if sink.taken else {}
        whole = whole or answer == "both"
        assert not whole or (LYON, None) not in lost
    last = sink.taken[-1]

    assert ["maintenance", "recovered"] == [last.failover.cause.kind, last.failover.state]
    assert [at(), at(minutes=20)] == [known.at for known in last.failover.switch_overs]
    assert 1 == len({insight.id for insight in sink.taken})


def test_a_clock_that_was_set_back_repeats_nothing() -> None:
    sink = ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER, *BACK)), sinks=[sink])

    for hour in (1, 0.5, -3, 0.01, 2, -30, 1):
        run_once(world, now=at(hours=hour), left=plenty)

    assert [(1, "detected")] == told(sink.taken)


# Runs that overlap


class Overlapped:
    """Two runs of which the second takes place whole within an operation of the first's journal."""

    def __init__(self, operation: int) -> None:
        self.sink = ListSink()
        self.journal = MemoryJournal()
        self.reached = False
        logs = MemoryLogs(seen(*HAND_OVER) + seen(*at_gateway("vpn-other", *HAND_OVER)))
        self.world = a_world(logs, journal=self.journal, sinks=[self.sink])
        countdown = iter(range(operation, -1, -1))

        def interleave(name: str) -> None:
            if next(countdown, None) == 0:
                self.reached = True
                run_once(self.world, now=at(5, minutes=5), left=plenty)

        self.journal.hook = interleave
        run_once(self.world, now=at(minutes=5), left=plenty)
        self.journal.hook = lambda name: None


def overlaps() -> Iterator[Overlapped]:
    """The second run at the first operation of the first run, at its second, and so on."""
    operation = 0
    while (overlapped := Overlapped(operation)).reached:
        yield overlapped
        operation += 1


def without_times(history: History) -> History:
    """The history but for its deliveries' and rows' times, which are those of the run."""
    records = [
        replace(record, diagnosis=replace(record.diagnosis, seen_until=at()), insights=())
        for record in history.records
    ]
    return replace(history, records=tuple(records))


def test_runs_that_overlap_anywhere_tell_each_failover_once_and_leave_the_same_histories() -> None:
    alone = MemoryJournal()
    logs = MemoryLogs(seen(*HAND_OVER) + seen(*at_gateway("vpn-other", *HAND_OVER)))
    run_once(a_world(logs, journal=alone, sinks=[ListSink()]), now=at(minutes=5), left=plenty)
    expected = {each.key: without_times(each) for each in alone.histories}

    found = list(overlaps())

    assert 11 < len(found)
    for overlapped in found:
        assert 2 == len(overlapped.sink.taken) == len(set(overlapped.sink.revisions))
        histories = overlapped.journal.histories
        assert expected == {each.key: without_times(each) for each in histories}


def test_no_later_run_delivers_what_a_run_that_is_still_under_way_has_claimed() -> None:
    """Its look-ups took three of its four minutes: what it claims it has until its end, not less.

    While it delivers to the first sink, a second run begins.
    """
    clock = {"passed": timedelta()}
    second = ListSink("second")
    worlds: list[World] = []

    def left() -> timedelta:
        return plenty() - clock["passed"]

    class SlowAzure(MemoryAzure):
        def _bandwidth(self, gateways, window):  # type: ignore[no-untyped-def]
            clock["passed"] = minutes(3)
            return super()._bandwidth(gateways, window)

    def begin_another(insight: Insight) -> None:
        clock["passed"] = minutes(3.6)
        run_once(worlds[0], now=at(minutes=5) + clock["passed"], left=plenty)

    first = ListSink("first", fault=begin_another)
    logs = MemoryLogs(seen(*HAND_OVER))
    worlds.append(a_world(logs, sinks=[first, second], azure=SlowAzure()))
    run_once(worlds[0], now=at(minutes=5), left=left)

    assert [1, 1] == [len(first.attempts), len(second.attempts)]


def test_a_history_that_others_write_all_the_time_is_left_to_the_next_run() -> None:
    journal = MemoryJournal()

    def others_write(operation: str) -> None:
        if operation == "before save":
            journal.writes += 1
            journal.entries[a_history().key] = (history_to_json(a_history()), journal.writes)

    journal.hook = others_write
    sink = ListSink()
    world = a_world(MemoryLogs(seen(*HAND_OVER)), journal=journal, sinks=[sink])
    report, insights = run_once(world, now=at(minutes=5), left=plenty)
    journal.hook = lambda name: None
    run_once(world, now=at(hours=12), left=plenty)

    assert [] == insights
    assert "written by other runs 5 times in a row" in report.problems[0]
    assert [(1, "detected")] == told(sink.taken)


@pytest.mark.parametrize("port", ["gateways", "connections", "bandwidth"])
def test_what_nobody_thought_of_at_one_fact_is_unknown_and_told_when_it_can_be(port: str) -> None:
    """Its kind and its place are reported, never its text; the next run asks again."""
    rows = [*at_gateway("vpn-odd", *HAND_OVER), *at_gateway("vpn-well", *HAND_OVER)]
    journal, sink = MemoryJournal(), ListSink()
    world = a_world(MemoryLogs(seen(*rows)), journal=journal, sinks=[sink])
    answer = getattr(world.sources, port)

    def odd(asked: Any, *rest: Any) -> Any:
        if "vpn-odd" in str(asked):
            raise ZeroDivisionError("a secret")
        return answer(asked, *rest)

    changed: dict[str, Any] = {port: odd}
    broken = replace(world, sources=replace(world.sources, **changed))
    report, insights = run_once(broken, now=at(minutes=5), left=plenty)
    _, again = run_once(world, now=at(minutes=10), left=plenty)

    assert ["vpn-odd", "vpn-well"] == [insight.gateway.name for insight in insights]
    [problem] = report.problems
    assert "vpn-odd: failed unexpectedly (ZeroDivisionError at detector.runs." in problem
    assert "secret" not in problem
    assert journal.last_run() is not None
    assert [("vpn-odd", "completed")] == [(each.gateway.name, each.reason) for each in again]
    assert 3 == len(sink.taken)


def test_a_history_with_a_time_of_years_to_come_stops_its_gateway_alone_and_is_kept() -> None:
    known = replace(a_diagnosis(), seen_until=at(hours=24 * 400))
    history = a_history(a_record(diagnosis=known))
    journal, sink = MemoryJournal(), ListSink()
    journal.save(history, None)
    rows = seen(*HAND_OVER, *at_gateway("vpn-b", *HAND_OVER))

    report, _ = run_once(
        a_world(MemoryLogs(rows), journal=journal, sinks=[sink]), now=at(minutes=5), left=plenty
    )
    [problem] = report.problems

    assert [f"{GATEWAYS}vpn-b"] == [insight.gateway.id for insight in sink.taken]
    assert "2027-12-27, more than a year from now; restore" in problem
    assert history == journal.load(history.key)[0]
