"""What replies mean."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import DeliveryFailed, DeliveryRefused
from detector.journal.reply import LONGEST_PAUSE, pause, status_error
from tests.sink_stand_in import NOW


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("Sun, 22 Nov 2026 03:00:30 GMT", 30),
        ("Sunday, 22-Nov-26 03:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 03:00:30 -0000", 30),
        ("Sun, 22 Nov 2026 02:00:00 GMT", 0),
        ("999999999999999999999", LONGEST_PAUSE.total_seconds()),
        ("Sun, 22 Nov 2099 03:00:00 GMT", LONGEST_PAUSE.total_seconds()),
    ],
)
def test_a_pause_is_read_from_seconds_or_a_date(header: str, seconds: float) -> None:
    assert timedelta(seconds=seconds) == pause(header, NOW)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "٣", "Sun, 99 Nov 2026"])
def test_what_is_neither_asks_for_no_pause(header: str | None) -> None:
    assert pause(header, NOW) is None


@given(st.text())
def test_no_header_leads_to_anything_but_a_pause_of_up_to_a_day(header: str) -> None:
    asked = pause(header, NOW)

    assert asked is None or timedelta(0) <= asked <= LONGEST_PAUSE


@pytest.mark.parametrize("status", [300, 308, 400, 401, 403, 404, 410, 413])
def test_a_reply_that_time_will_not_mend_is_a_refusal(status: int) -> None:
    error = status_error("webhook-1", status, retry_after=timedelta(seconds=5))

    assert isinstance(error, DeliveryRefused)
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [405, 408, 409, 418, 422, 429, 500, 502, 503, 504, 599])
def test_every_other_reply_is_a_failure_that_may_pass(status: int) -> None:
    error = status_error("webhook-1", status, retry_after=timedelta(seconds=5))

    assert isinstance(error, DeliveryFailed)
    assert timedelta(seconds=5) == error.retry_after
