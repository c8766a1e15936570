"""What is kept of a failover that goes on for days."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.diagnosis.extent import EVIDENCE, LONGEST, LOSSES, OUTAGES, SWITCH_OVERS, shortened
from detector.model import Cause, CauseKind, Diagnosis, EvidenceRow, Failover, Outage, Redundancy
from tests.builders import LYON, ONE, PARIS, a_diagnosis, a_failover, a_switch_over, an_outage, at

LATER = at(hours=1000)


def switched(times: int) -> Failover:
    return a_failover(*(a_switch_over(at(minutes=7 * number)) for number in range(times)))


def short(
    failover: Failover, diagnosis: Diagnosis, *, since: datetime = LATER
) -> tuple[Failover, Diagnosis]:
    return shortened(failover, diagnosis, told=None, since=since)


def blinks(number: int, *, remote_ip: str = LYON) -> list[Outage]:
    """Outages one after the other, of 12 seconds each."""
    return [an_outage(remote_ip, 400 * each, 400 * each + 12) for each in range(number)]


def test_a_failover_like_any_other_is_kept_whole() -> None:
    failover, diagnosis = switched(3), a_diagnosis(outages=tuple(blinks(30)))

    assert (failover, diagnosis) == short(failover, diagnosis)


def test_of_many_switch_overs_the_first_and_the_latest_are_kept_and_the_others_counted() -> None:
    failover, _ = short(switched(1400), a_diagnosis())

    assert SWITCH_OVERS == len(failover.switch_overs)
    assert (1400, 1300) == (failover.times, failover.earlier)
    assert (at(), at(minutes=7 * 1399)) == (failover.first_at, failover.last_at)


def test_every_switch_over_that_rows_may_show_again_is_kept() -> None:
    failover, _ = short(switched(400), a_diagnosis(), since=at(minutes=7 * 100))

    assert [at(), at(minutes=7 * 100)] == [each.at for each in failover.switch_overs[:2]]
    assert 400 == failover.times


def test_the_causes_stay_those_of_the_switch_overs_that_are_kept() -> None:
    causes = tuple(
        Cause(kind=CauseKind.NOT_RECORDED, statement=f"{number}") for number in range(400)
    )

    failover, diagnosis = short(switched(400), a_diagnosis(causes=causes))

    assert len(failover.switch_overs) == len(diagnosis.causes)
    assert ["0", "301"] == [each.statement for each in diagnosis.causes[:2]]


@pytest.mark.parametrize("kind", ["outages", "unclear"])
def test_of_many_outages_the_open_the_longest_and_the_latest_are_kept(kind: str) -> None:
    gone, long = an_outage(PARIS, 1, None), an_outage(PARIS, 2, 900)
    outages = (gone, long, *blinks(2000))

    _, diagnosis = short(switched(1), a_diagnosis(**{kind: outages}))
    kept = getattr(diagnosis, kind)

    assert OUTAGES == len(kept)
    assert {gone, long, outages[-1]} <= set(kept)
    assert outages[-(OUTAGES - LONGEST) :] == kept[LONGEST - OUTAGES :]
    assert 2002 - OUTAGES == getattr(diagnosis, f"{kind}_left_out")


def test_what_was_left_out_once_counts_when_it_has_left_the_logs() -> None:
    _, told = short(switched(1), a_diagnosis(outages=tuple(blinks(2000))))

    _, later = shortened(switched(1), told, told=told, since=LATER)

    assert told == later


def test_of_much_evidence_the_first_and_the_latest_is_kept() -> None:
    rows = tuple(EvidenceRow(at=at(n), source="s", text=f"{n}") for n in range(5000))

    _, diagnosis = short(switched(1), a_diagnosis(evidence=rows))

    assert (EVIDENCE, 5000 - EVIDENCE) == (len(diagnosis.evidence), diagnosis.evidence_left_out)
    assert (rows[0], rows[-1]) == (diagnosis.evidence[0], diagnosis.evidence[-1])


def test_of_many_losses_of_redundancy_the_latest_keep_their_tunnels() -> None:
    """And those that are not over."""
    losses = [
        Redundancy(
            instance=ONE, start=at(400 * n), end=at(400 * n + 12), tunnels=tuple(blinks(100))
        )
        for n in range(500)
    ]
    losses[200] = replace(losses[200], end=None)

    _, diagnosis = short(switched(1), a_diagnosis(redundancy=tuple(losses)))

    assert (LOSSES, 500 - LOSSES) == (len(diagnosis.redundancy), diagnosis.redundancy_left_out)
    assert losses[-1] == diagnosis.redundancy[-1]
    assert losses[200] in diagnosis.redundancy
    assert [at(400 * n) for n in range(100, 500)] == [each.start for each in diagnosis.redundancy]
    assert sum(len(each.tunnels) for each in diagnosis.redundancy) <= OUTAGES + 100


@given(
    starts=st.lists(st.integers(0, 10**6), min_size=OUTAGES, max_size=2 * OUTAGES, unique=True),
    lasted=st.lists(st.integers(1, 900), min_size=2 * OUTAGES, max_size=2 * OUTAGES),
    gone=st.integers(0, 2 * OUTAGES),
)
def test_what_was_shortened_stays_as_it_is_when_rows_leave_the_window(
    starts: list[int], lasted: list[int], gone: int
) -> None:
    """What an earlier run kept, joined with what this one still sees, is kept as the same."""
    outages = [
        an_outage(LYON, start, start + length)
        for start, length in zip(sorted(starts), lasted, strict=False)
    ]
    _, told = short(switched(1), a_diagnosis(outages=tuple(outages)))

    both = sorted({*told.outages, *outages[gone:]}, key=lambda each: each.start)
    _, again = shortened(switched(1), replace(told, outages=tuple(both)), told=told, since=LATER)

    assert told == again


def test_hours_of_silence_lose_no_count() -> None:
    failover, diagnosis = short(switched(400), a_diagnosis())

    later = replace(
        failover,
        switch_overs=(*failover.switch_overs, a_switch_over(at(minutes=7 * 400))),
    )
    again, _ = shortened(later, diagnosis, told=diagnosis, since=at(hours=900))

    assert 401 == again.times
