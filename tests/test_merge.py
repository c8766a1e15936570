"""What an earlier run proved, beside what this one sees."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from detector.diagnosis.diagnosis import diagnose, judged
from detector.diagnosis.merge import carried, joined
from detector.model import Cause, CauseKind, Diagnosis, EndSource, Redundancy, Signal
from tests.builders import (
    GATEWAY_ID,
    LYON,
    ONE,
    PARIS,
    ZERO,
    a_diagnosis,
    a_switch_over,
    an_observation,
    an_outage,
    at,
    diagnosed,
    down,
    up,
)

MOVED = (down(at()), up(at(14)))
SECOND = timedelta(seconds=1)


class TestJoined:
    RESET = Cause(kind=CauseKind.RESET, statement="", at=at(-60), caller="kim")

    def test_the_first_run_proves_what_it_sees(self) -> None:
        assert diagnosed(*MOVED) == joined(diagnosed(*MOVED), None, an_observation())

    def test_an_outage_whose_rows_left_the_window_stays(self) -> None:
        told = judged(a_diagnosis(outages=(an_outage(),)))

        assert (
            told.outages
            == joined(a_diagnosis(), told, an_observation(since=at(SECOND.seconds))).outages
        )

    def test_an_outage_that_complete_rows_show_no_more_was_a_mistake(self) -> None:
        told = judged(a_diagnosis(outages=(an_outage(LYON), an_outage())))

        assert [PARIS] == [
            outage.remote_ip
            for outage in joined(diagnosed(*MOVED), told, an_observation(since=at())).outages
        ]

    def test_where_a_scope_did_not_answer_nothing_is_taken_back(self) -> None:
        told = judged(a_diagnosis(outages=(an_outage(),)))

        assert told.outages == joined(a_diagnosis(), told, an_observation(complete=False)).outages

    def test_an_end_that_azure_told_stays_while_no_row_says_more(self) -> None:
        ended = replace(an_outage(end=None), end=at(minutes=20), end_source=EndSource.ARM)
        fresh = a_diagnosis(outages=(an_outage(end=None),))

        found = joined(fresh, judged(a_diagnosis(outages=(ended,))), an_observation())

        assert (ended,) == found.outages

    def test_a_tunnel_that_is_down_again_is_not_back_by_the_end_that_was_told_before(self) -> None:
        """Else its outage would end before it began, which no document can say."""
        fresh = a_diagnosis(outages=(an_outage(start=60, end=None),))
        told = judged(a_diagnosis(outages=(an_outage(end=14),)))

        found = joined(fresh, told, an_observation())

        assert [(at(60), None)] == [(out.start, out.end) for out in found.outages]

    def test_a_row_that_comes_later_says_better_than_azure_when_it_ended(self) -> None:
        ended = replace(an_outage(end=None), end=at(minutes=20), end_source=EndSource.ARM)

        found = joined(diagnosed(*MOVED), judged(a_diagnosis(outages=(ended,))), an_observation())

        assert [(at(14), EndSource.LOG)] == [(out.end, out.end_source) for out in found.outages]

    @pytest.mark.parametrize("kind", [CauseKind.NOT_RECORDED, CauseKind.MAINTENANCE])
    def test_a_cause_is_never_given_up_for_one_that_is_believed_less(self, kind: CauseKind) -> None:
        less = replace(self.RESET, kind=kind)

        for fresh, told in ((less, self.RESET), (self.RESET, less)):
            found = joined(a_diagnosis(cause=fresh), a_diagnosis(cause=told), an_observation())
            assert self.RESET == found.cause

    def test_of_two_records_of_one_kind_the_earlier_stays(self) -> None:
        earlier = replace(self.RESET, at=at(-90), caller="sam")

        for fresh, told in ((earlier, self.RESET), (self.RESET, earlier)):
            found = joined(a_diagnosis(cause=fresh), a_diagnosis(cause=told), an_observation())
            assert earlier == found.cause

    def test_what_was_seen_stays_seen(self) -> None:
        told = a_diagnosis(seen_until=at(hours=2), flapping=True)

        found = joined(diagnosed(*MOVED), told, an_observation())

        assert (at(hours=2), True) == (found.seen_until, found.flapping)


class TestCarried:
    def diagnosed_with_what_is_carried(self, told: Diagnosis, *rows: Signal) -> Diagnosis:
        return diagnose(
            [a_switch_over()],
            an_observation(*rows),
            active_active=False,
            all_instants=[at()],
            carried=carried(told, GATEWAY_ID, rows),
        )

    def test_an_open_outage_whose_row_left_the_window_is_carried_to_its_end(self) -> None:
        told = judged(a_diagnosis(outages=(an_outage(end=None),)))
        back = up(at(hours=8))

        found = self.diagnosed_with_what_is_carried(told, back)

        assert [(at(), at(hours=8))] == [(out.start, out.end) for out in found.outages]

    def test_tunnels_that_an_instance_lacks_are_carried_too(self) -> None:
        lost = Redundancy(instance=ONE, start=at(), missing=(LYON, PARIS))

        rows = carried(a_diagnosis(redundancy=(lost,)), GATEWAY_ID, [])

        assert [(ONE, LYON, at()), (ONE, PARIS, at())] == [
            (row.instance, row.remote_ip, row.at) for row in rows
        ]

    def test_what_is_still_in_the_window_or_was_ended_is_not_carried(self) -> None:
        told = a_diagnosis(outages=(an_outage(end=None), an_outage(LYON)))

        assert [] == carried(told, GATEWAY_ID, [down(at())])
        assert [] == carried(None, GATEWAY_ID, [])

    def test_a_tunnel_that_its_instance_lost_a_little_later_has_its_own_row(self) -> None:
        lost = Redundancy(instance=ZERO, start=at(), missing=(PARIS, LYON))
        rows = carried(
            a_diagnosis(redundancy=(lost,)), GATEWAY_ID, [down(at(20)), down(at(), ONE, LYON)]
        )

        assert [(LYON, ZERO)] == [(row.remote_ip, row.instance) for row in rows]

    def test_what_is_carried_is_evidence_of_nothing(self) -> None:
        told = a_diagnosis(outages=(an_outage(PARIS, 0, None),))
        back = up(at(minutes=5))
        found = self.diagnosed_with_what_is_carried(told, back)

        assert [at(minutes=5)] == [row.at for row in found.evidence]
        assert [at(minutes=5)] == [outage.end for outage in found.outages]
