"""What a gateway's history makes of what a run sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.diagnosis.diagnosis import View
from detector.diagnosis.switchover import NEAR, pairings
from detector.insights.document import Reason
from detector.journal.history import History, Record
from detector.model import Evidence, Kind, Phase, Signal, State, SwitchOver
from detector.runs.reconcile import APART, Reconciled, new_id, reconcile
from tests.builders import (
    GATEWAY_ID,
    LYON,
    ONE,
    ZERO,
    a_gateway,
    a_switch_over,
    at,
    down,
    of_activity,
    of_gateway,
    up,
)
from tests.memory import a_history, minutes
from tests.sink_stand_in import an_insight

EMPTY = History(gateway_id=GATEWAY_ID)


def a_view(*rows: Signal, **changes: object) -> View:
    """All rows of the night so far, in full."""
    ordered = sorted(rows, key=lambda row: row.at)
    view = View(
        rows=ordered,
        paired=pairings(ordered),
        since=at(hours=-5),
        complete=True,
        seen_until=at(hours=8),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def switched(*instants: float) -> list[SwitchOver]:
    """Switch-overs at these minutes of the night."""
    return [a_switch_over(at(minutes=minute)) for minute in instants]


def told(seen: Reconciled) -> Record:
    """What a run would write of what it saw."""
    return Record(
        failover=seen.failover,
        diagnosis=seen.diagnosis,
        gateway=a_gateway(),
        insights=(an_insight(id=seen.failover.id),),
    )


def after(*instants: float, view: View | None = None) -> History:
    """The history in which these switch-overs were told."""
    seen = reconcile(EMPTY, switched(*instants), view or a_view())
    return a_history(*(told(each) for each in seen))


def minutes_of(seen: Sequence[Reconciled]) -> list[list[float]]:
    """For each failover the minutes of the night at which it switched over."""
    return [[(known.at - at()) / minutes(1) for known in s.failover.switch_overs] for s in seen]


def only_reason(history: History, found: Sequence[SwitchOver], view: View) -> Reason | None:
    [seen] = reconcile(history, found, view)
    return seen.reason


# Which failover a switch-over belongs to


def test_switch_overs_each_within_an_hour_of_the_one_before_are_one_failover() -> None:
    seen = reconcile(EMPTY, switched(0, 60, 120, 181), a_view())

    assert [[0, 60, 120], [181]] == minutes_of(seen)
    assert {Reason.DETECTED} == {each.reason for each in seen}


def test_the_id_is_made_of_the_gateway_and_the_first_instant_and_stays() -> None:
    history = after(0)

    [seen] = reconcile(history, switched(-30, 0, 45), a_view())

    assert new_id(GATEWAY_ID, at()) == history.records[0].failover.id == seen.failover.id
    assert "20261122T020000000Z-" == seen.failover.id[:20]
    assert [[-30, 0, 45]] == minutes_of([seen])


@pytest.mark.parametrize("other", [GATEWAY_ID + "-2", GATEWAY_ID.replace("weu", "neu")])
def test_two_gateways_at_one_instant_have_two_ids(other: str) -> None:
    assert new_id(GATEWAY_ID, at()) != new_id(other, at())


@pytest.mark.parametrize("moved", [timedelta(), timedelta(milliseconds=1), NEAR, -NEAR])
def test_a_switch_over_within_3_minutes_of_a_recorded_one_is_that_one(moved: timedelta) -> None:
    [seen] = reconcile(after(0), [a_switch_over(at() + moved)], a_view())

    assert 1 == len(seen.failover.switch_overs)
    assert after(0).records[0].failover.id == seen.failover.id


def test_one_that_is_further_away_is_another_of_the_same_failover() -> None:
    assert [[0, 3.5]] == minutes_of(reconcile(after(0), switched(0, 3.5), a_view()))


def test_one_that_is_more_than_an_hour_away_begins_another_failover() -> None:
    assert [[0], [60.1]] == minutes_of(reconcile(after(0), switched(0, 60.1), a_view()))


def test_better_evidence_refines_a_recorded_switch_over_and_keeps_what_was_known() -> None:
    primary = SwitchOver(at=at(5), evidence=Evidence.PRIMARY_CHANGED)

    [seen] = reconcile(after(0), [primary], a_view())

    assert (
        SwitchOver(
            at=at(5), evidence=Evidence.PRIMARY_CHANGED, from_instance=ZERO, to_instance=ONE
        ),
    ) == seen.failover.switch_overs


def test_weaker_or_later_evidence_of_a_recorded_switch_over_changes_nothing() -> None:
    weaker = SwitchOver(at=at(-9), evidence=Evidence.INSTANCE_LOST, from_instance=ZERO)

    for found in (weaker, a_switch_over(at(20))):
        [seen] = reconcile(after(0), [found], a_view())
        assert (a_switch_over(),) == seen.failover.switch_overs


def test_two_findings_near_one_recorded_switch_over_begin_no_failover_of_their_own() -> None:
    [seen] = reconcile(after(0), switched(-1, 2.5), a_view())

    assert after(0).records[0].failover.id == seen.failover.id


def test_one_that_reaches_two_recorded_failovers_joins_the_nearer() -> None:
    seen = reconcile(after(0, 100), switched(0, 45, 100), a_view())

    assert [[0, 45], [100]] == minutes_of(seen)


# Why something is told


def test_what_was_told_and_still_holds_is_not_told_again() -> None:
    rows = (down(at()), up(at(12)))
    history = after(0, view=a_view(*rows))

    assert only_reason(history, switched(0), a_view(*rows)) is None


def test_a_failover_that_later_rows_do_not_bear_out_is_revised_and_told_as_that() -> None:
    """Both instances lost the peer; the rows of one came late."""
    rows = (down(at()), up(at(12)))
    late = (down(at(3), ONE), up(at(9), ZERO))
    [seen] = reconcile(after(0, view=a_view(*rows)), [], a_view(*rows, *late))

    assert Reason.REVISED is seen.reason
    assert not seen.diagnosis.borne_out


def test_a_failover_whose_rows_are_gone_is_left_as_it_was_told() -> None:
    """The scope that held them is asked no more, or did not answer."""
    rows = (down(at()), up(at(12)))
    history = after(0, view=a_view(*rows))

    for view in (a_view(), a_view(rows[0]), replace(a_view(*rows), complete=False)):
        told = [seen for seen in reconcile(history, [], view) if seen.reason is not None]
        assert [] == told


def test_what_was_not_borne_out_is_so_again_once_its_evidence_is_seen() -> None:
    rows = (down(at()), up(at(12)))
    history = after(0, view=a_view(*rows))
    [record] = history.records
    doubted = replace(record, diagnosis=replace(record.diagnosis, borne_out=False))
    [seen] = reconcile(replace(history, records=(doubted,)), switched(0), a_view(*rows))

    assert seen.diagnosis.borne_out
    assert Reason.REVISED is seen.reason


def test_another_switch_over_is_told_as_switched_again() -> None:
    assert Reason.SWITCHED_AGAIN == only_reason(after(0), switched(0, 20), a_view())


def test_a_cause_that_is_recorded_late_is_told_as_found() -> None:
    maintenance = of_gateway(Kind.MAINTENANCE, at(-60))

    assert Reason.CAUSE_FOUND == only_reason(after(0), switched(0), a_view(maintenance))


def test_a_stronger_cause_is_told_as_found_and_a_weaker_one_changes_nothing() -> None:
    maintenance = of_gateway(Kind.MAINTENANCE, at(-60))
    reset = [of_activity(Kind.RESET, phase, at(-30)) for phase in (Phase.STARTED, Phase.SUCCEEDED)]
    by_maintenance = after(0, view=a_view(maintenance))
    by_reset = after(0, view=a_view(*reset))

    assert Reason.CAUSE_FOUND == only_reason(by_maintenance, switched(0), a_view(*reset))
    assert only_reason(by_reset, switched(0), a_view(maintenance)) is None


def test_the_return_of_a_tunnel_is_told_as_recovered() -> None:
    history = after(0, view=a_view(down(at())))

    assert State.ONGOING == history.records[0].diagnosis.state
    assert Reason.RECOVERED == only_reason(
        history, switched(0), a_view(down(at()), up(at(hours=1)))
    )


def test_another_tunnel_that_was_down_is_told_as_revised() -> None:
    paris = (down(at()), up(at(12)))
    lyon = (down(at(2), remote_ip=LYON), up(at(14), remote_ip=LYON))

    assert Reason.REVISED == only_reason(
        after(0, view=a_view(*paris)), switched(0), a_view(*paris, *lyon)
    )


def test_that_time_passes_is_nothing_to_tell() -> None:
    """An open outage becomes critical once, and then only its end is news."""
    rows = [down(at())]
    first = after(0, view=a_view(*rows, seen_until=at(minutes=20)))

    assert only_reason(first, switched(0), a_view(*rows, seen_until=at(hours=3))) is None


# What cannot be seen


def test_nothing_begins_in_the_part_of_the_window_that_may_be_cut_off() -> None:
    assert [] == reconcile(EMPTY, switched(0), a_view(since=at(1)))
    assert 1 == len(reconcile(EMPTY, switched(0), a_view(since=at())))


def test_a_failover_in_that_part_is_left_as_recorded() -> None:
    history = after(0, view=a_view(down(at()), up(at(12))))

    assert [] == reconcile(history, switched(0), a_view(since=at(minutes=1)))


def test_a_failover_that_is_followed_is_looked_at_however_old_it_is() -> None:
    history = after(0, view=a_view(down(at())))
    [record] = history.records
    followed = a_history(replace(record, following=True))
    view = a_view(up(at(hours=30)), since=at(hours=24), seen_until=at(hours=30))

    [seen] = reconcile(followed, [], view)

    assert (Reason.RECOVERED, at(hours=30)) == (seen.reason, seen.diagnosis.outages[0].end)


def test_an_incomplete_view_takes_nothing_back_and_still_finds_what_is_new() -> None:
    rows = (down(at()), up(at(12)), of_gateway(Kind.MAINTENANCE, at(-60)))
    history = after(0, view=a_view(*rows))
    half = a_view(down(at()), complete=False)

    assert only_reason(history, switched(0), half) is None
    assert Reason.SWITCHED_AGAIN == only_reason(history, switched(0, 9), half)


def test_a_second_disconnect_whose_first_row_is_missing_does_not_move_an_outage() -> None:
    """The first row stands in the scope that does not answer, or has just left the window."""
    history = after(0, view=a_view(down(at()), down(at(60)), up(at(90))))
    rest = (down(at(60)), up(at(90)))

    for view in (a_view(*rest, complete=False), a_view(*rest, since=at(50))):
        [record] = history.records
        followed = a_history(replace(record, following=True))
        assert only_reason(followed, [], view) is None


@given(
    offsets=st.lists(st.integers(0, 400), min_size=1, max_size=8, unique=True),
    cuts=st.lists(st.integers(0, 400), max_size=4),
)
def test_switch_overs_that_come_to_light_in_time_order_make_one_history_in_any_number_of_runs(
    offsets: list[int], cuts: list[int]
) -> None:
    """Offsets of 4 minutes, so that no two are one switch-over."""
    found = switched(*(4 * offset for offset in sorted(offsets)))
    at_once = [told(seen) for seen in reconcile(EMPTY, found, a_view())]
    history = EMPTY

    for cut in [*sorted(cuts), 400]:
        visible = [known for known in found if known.at <= at(minutes=4 * cut)]
        for seen in reconcile(history, visible, a_view()):
            others = [r for r in history.records if r.failover.id != seen.failover.id]
            history = a_history(*sorted([*others, told(seen)], key=_first_at))

    assert [record.failover for record in at_once] == [r.failover for r in history.records]
    for record in at_once:
        instants = [known.at for known in record.failover.switch_overs]
        assert all(b - a <= APART for a, b in pairwise(instants))


def _first_at(record: Record) -> datetime:
    return record.failover.first_at
