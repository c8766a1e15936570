from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.text import (
    clock,
    count,
    cut,
    day,
    day_and_month,
    fingerprint,
    instance_of,
    lasting,
    listed,
    one_line,
    visible_json,
)

AT = datetime(2026, 11, 22, 2, 14, 7, 987000, tzinfo=UTC)


def test_a_time_is_cut_to_the_second_and_never_rounded_into_the_future() -> None:
    assert "02:14:07Z" == clock(AT)
    assert "2026-11-22 02:14:07Z" == day(AT)


def test_a_date_is_said_in_the_zone_of_its_instant_whatever_the_language_of_the_machine() -> None:
    assert "22 Nov" == day_and_month(AT)
    assert "21 Nov" == day_and_month(AT.astimezone(timezone(timedelta(hours=-9))))


def test_an_instance_is_named_as_people_do() -> None:
    assert "IN_0" == instance_of("GatewayTenantWorker_IN_0")
    assert "other" == instance_of("other")


def test_a_time_is_said_in_utc() -> None:
    assert "02:14:07Z" == clock(AT.astimezone(timezone(timedelta(hours=9))))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than 1 s"),
        (0.001, "1 s"),
        (13.001, "14 s"),
        (59, "59 s"),
        (59.5, "1 min"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3599.2, "1 h"),
        (3725, "1 h 3 min"),
        (24 * 3600 - 1, "1 d"),
        (25.5 * 3600, "1 d 2 h"),
    ],
)
def test_a_length_is_said_in_two_units_and_rounded_up(seconds: float, said: str) -> None:
    assert said == lasting(timedelta(seconds=seconds))


def test_one_is_singular_and_all_else_plural() -> None:
    assert ["0 tunnels", "1 tunnel", "2 tunnels"] == [count(n, "tunnel") for n in (0, 1, 2)]


def test_items_are_listed_as_one_says_them() -> None:
    assert ["", "a", "a and b", "a, b and c"] == [listed(items) for items in ("", "a", "ab", "abc")]


@given(text=st.text(), most=st.integers(min_value=1, max_value=50))
def test_any_text_becomes_one_visible_line_that_fits(text: str, most: int) -> None:
    line = one_line(text, most)

    assert len(line) <= most
    assert len(line.splitlines()) <= 1
    assert not set("\u202e\u200b\ud800") & set(line)


@given(text=st.text())
@example(text="\u202e\u2066\u2028\u2029\u0085\u200b\x7f")
def test_json_holds_any_text_and_nothing_in_it_acts_where_it_is_shown(text: str) -> None:
    written = visible_json(json.dumps({"name": text}, ensure_ascii=False))

    assert {"name": text} == json.loads(written)
    assert written.isprintable()


def test_what_does_not_fit_is_cut_visibly() -> None:
    assert "vpn-h…" == one_line("vpn-hub-weu", 6)
    assert "vpn-hub-weu" == one_line("vpn-hub-weu", 11)


def test_a_fingerprint_is_eight_digits_of_the_sha_256() -> None:
    assert "ba7816bf" == fingerprint("abc")


@pytest.mark.parametrize(("most", "shown"), [(5, "night"), (6, "night"), (4, "nig…"), (1, "…")])
def test_a_text_that_is_cut_says_so_within_its_length(most: int, shown: str) -> None:
    assert shown == cut("night", most)
