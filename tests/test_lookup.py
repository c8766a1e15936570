"""What is asked of the list of failovers, and what the store answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from detector.app.lookup import BadQuestion, Lookup, choice_of
from detector.errors import JournalUnavailable
from detector.insights.fleet import Choice, Fleet, Summary
from detector.journal.layout import LAST_COVERAGE, LAST_RUN
from detector.model import CauseKind, Scope, State, Window
from detector.runs.schedule import Schedule
from tests.builders import GATEWAY_ID, NIGHT, at
from tests.memory import SCOPE
from tests.test_fleet import a_summary

EVERY_FIVE = Schedule.read("0 */5 * * * *")


@dataclass(slots=True, kw_only=True)
class Remembered:
    """An archive in memory, which notes the months that were listed."""

    told: Sequence[Summary] = ()
    notes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    listed: list[date] = field(default_factory=list)
    unreadable: int = 0

    def summaries(self, month: date) -> tuple[Sequence[Summary], int]:
        self.listed.append(month)
        own = [each for each in self.told if each.first_at.date().replace(day=1) == month]
        return own, self.unreadable

    def document(self, failover_id: str) -> bytes | None:
        raise AssertionError(f"{failover_id}: a list opens no document")

    def note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
        return self.notes.get(path), None

    def keep(self, path: str, note: Mapping[str, object], tag: str | None) -> None:
        raise AssertionError("a list writes nothing")


def a_failover_at(first_at: datetime, **changes: object) -> Summary:
    return a_summary(**{"id": f"{first_at:%Y%m%dT%H%M%S}", "first_at": first_at, **changes})


def looked_up(
    archive: Remembered, choice: Choice | None = None, *scopes: Scope, now: datetime = NIGHT
) -> Fleet:
    lookup = Lookup(archive=archive, schedule=EVERY_FIVE, scopes=scopes)
    return lookup.fleet(choice or choice_of({}, now=now), now=now, page_of=str)


class TestChoice:
    """What the parameters of a query ask for."""

    def test_by_default_it_is_the_last_30_days_today_included(self) -> None:
        assert Choice(since=datetime(2026, 10, 24, tzinfo=UTC)) == choice_of({}, now=NIGHT)

    def test_a_date_stands_for_the_whole_day_and_a_time_for_itself(self) -> None:
        choice = choice_of({"since": "2026-11-01T10:00:00+02:00", "until": "2026-11-03"}, now=NIGHT)

        assert datetime(2026, 11, 1, 8, tzinfo=UTC) == choice.since
        assert datetime(2026, 11, 4, tzinfo=UTC) == choice.until

    def test_blank_parameters_ask_for_nothing(self) -> None:
        query = {"gateway": " ", "cause": "", "state": "", "since": "", "until": ""}

        assert choice_of({}, now=NIGHT) == choice_of(query, now=NIGHT)

    def test_all_of_it_has_to_hold(self) -> None:
        choice = choice_of(
            {"gateway": "VPN_hub_1", "cause": "maintenance", "state": "recovered"}, now=NIGHT
        )
        summary = a_failover_at(at(hours=-1))

        assert choice.admits(summary)
        for changes in (
            {"gateway": "vpn-other"},
            {"causes": (CauseKind.RESET,)},
            {"state": State.ONGOING},
            {"first_at": at(hours=-24 * 40)},
        ):
            assert not choice.admits(summary.model_copy(update=changes))

    def test_a_gateway_is_named_by_its_name_or_its_id(self) -> None:
        summary = a_summary()

        for name in ("vpn_hub_1", summary.gateway_id.upper()):
            assert Choice(gateway=name).admits(summary)

    def test_a_year_can_be_asked_for_and_no_more(self) -> None:
        assert choice_of({"since": "2025-11-23"}, now=NIGHT).since
        with pytest.raises(BadQuestion, match="at most 12 months"):
            choice_of({"since": "2025-10-31"}, now=NIGHT)


class TestFleet:
    """What the store answers."""

    def test_each_month_is_listed_once(self) -> None:
        archive = Remembered()

        looked_up(archive, choice_of({"since": "2026-08-20"}, now=NIGHT))

        assert [date(2026, month, 1) for month in (8, 9, 10, 11)] == archive.listed

    def test_the_last_days_are_looked_at_whatever_is_asked_for(self) -> None:
        """What is open now is open, though somebody asks for what was a year ago."""
        still = a_failover_at(at(hours=-1), state=State.ONGOING, down=1)
        archive = Remembered(told=[still])

        fleet = looked_up(
            archive, choice_of({"since": "2026-03-01", "until": "2026-03-02"}, now=NIGHT)
        )

        assert ([], [still]) == (list(fleet.listed), list(fleet.open))
        assert {3, 10, 11} == {month.month for month in archive.listed}

    def test_it_is_newest_first_and_holds_nothing_of_a_time_to_come(self) -> None:
        told = [a_failover_at(at(hours=hours)) for hours in (-3, -1, -2, 1)]

        fleet = looked_up(Remembered(told=told))

        assert [told[1], told[2], told[0]] == list(fleet.listed)
        assert told[3] not in fleet.recent

    def test_one_gateway_is_all_of_the_page_when_it_is_asked_for(self) -> None:
        own, other = a_failover_at(at(-60)), a_failover_at(at(-61), gateway="b", gateway_id="/b")

        fleet = looked_up(Remembered(told=[own, other]), choice_of({"gateway": "b"}, now=NIGHT))

        assert [other] == list(fleet.listed) == list(fleet.recent)

    def test_summaries_that_cannot_be_read_are_counted(self) -> None:
        assert 4 == looked_up(Remembered(unreadable=2)).unreadable

    def test_it_says_up_to_when_everything_was_read(self) -> None:
        noted = {
            "completeUntil": {SCOPE.id: at(minutes=-2).isoformat()},
            "watched": {SCOPE.id: {"since": at(hours=-9).isoformat(), "until": at().isoformat()}},
        }
        archive = Remembered(notes={LAST_RUN: noted})

        for fleet in (looked_up(archive), looked_up(archive, None, SCOPE)):
            assert (at(minutes=-2), False) == (fleet.last_complete, fleet.is_late)
            assert [Window(start=at(hours=-9), end=at())] == list(fleet.watched(GATEWAY_ID))
        assert looked_up(archive, None, SCOPE, Scope(id=GATEWAY_ID)).is_late

    def test_blind_gateways_are_those_of_the_coverage_check(self) -> None:
        noted = {
            "at": "2026-11-22T01:00:00Z",
            "gateways": 40,
            "known": [GATEWAY_ID, "/other/vpn-b"],
            "blind": [{"id": GATEWAY_ID.upper(), "why": "logs nothing", "more": 1}],
            "changes": [],
        }
        fleet = looked_up(Remembered(notes={LAST_COVERAGE: noted}))

        assert [
            (GATEWAY_ID, "vpn-hub-weu", "logs nothing"),
            ("/other/vpn-b", "vpn-b", ""),
        ] == [(each.id, each.name, each.blind) for each in fleet.known]
        assert (40, at(hours=-1)) == (fleet.gateways, fleet.checked_at)

    @pytest.mark.parametrize("noted", [{}, {"at": 7, "gateways": {}}, {"blind": [1]}])
    def test_a_coverage_check_that_makes_no_sense_is_none(self, noted: dict[str, object]) -> None:
        fleet = looked_up(Remembered(notes={LAST_COVERAGE: noted}))

        assert ((), None, None) == (tuple(fleet.known), fleet.gateways, fleet.checked_at)

    def test_one_that_cannot_be_had_costs_the_page_nothing_else(self) -> None:
        class Unavailable(Remembered):
            def note(self, path: str) -> tuple[Mapping[str, object] | None, str | None]:
                if path == LAST_COVERAGE:
                    raise JournalUnavailable("it cannot be read")
                return super().note(path)

        assert looked_up(Unavailable()).checked_at is None

    def test_a_failover_of_a_month_ago_is_not_among_the_recent(self) -> None:
        told = a_failover_at(NIGHT - timedelta(days=31))

        fleet = looked_up(Remembered(told=[told]), choice_of({"since": "2026-10-01"}, now=NIGHT))

        assert ([told], []) == (list(fleet.listed), list(fleet.recent))
