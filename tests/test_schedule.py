"""When the timer runs: what the Functions host admits as a schedule, and what it makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from detector.runs.schedule import Schedule

SUNDAY = datetime(2026, 11, 22, 2, 41, tzinfo=UTC)


def due(expression: str, *, before: datetime = SUNDAY, times: int = 3) -> list[str]:
    """The last times at which the timer was due, the latest first."""
    found = islice(Schedule.read(expression).before(before), times)
    return [each.strftime("%Y-%m-%d %H:%M:%S") for each in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 */5 * * * *", ["2026-11-22 02:40:00", "2026-11-22 02:35:00", "2026-11-22 02:30:00"]),
        ("30/20 * * * * *", ["2026-11-22 02:40:50", "2026-11-22 02:40:30", "2026-11-22 02:39:50"]),
        ("0 0 9-17/4 * * *", ["2026-11-21 17:00:00", "2026-11-21 13:00:00", "2026-11-21 09:00:00"]),
        ("0 5,59 1 * * *", ["2026-11-22 01:59:00", "2026-11-22 01:05:00", "2026-11-21 01:59:00"]),
        ("0 0 0 1 JAN *", ["2026-01-01 00:00:00", "2025-01-01 00:00:00", "2024-01-01 00:00:00"]),
        (
            "0 0 9 * * mon-Fri",
            ["2026-11-20 09:00:00", "2026-11-19 09:00:00", "2026-11-18 09:00:00"],
        ),
        (
            "0 0 0 * * Sunday,6",
            ["2026-11-22 00:00:00", "2026-11-21 00:00:00", "2026-11-15 00:00:00"],
        ),
        ("0 0 0 31 * *", ["2026-10-31 00:00:00", "2026-08-31 00:00:00", "2026-07-31 00:00:00"]),
        ("0 0 0 29 2 *", ["2024-02-29 00:00:00", "2020-02-29 00:00:00", "2016-02-29 00:00:00"]),
        ("0 0 0 13 * 5", ["2026-11-13 00:00:00", "2026-03-13 00:00:00", "2026-02-13 00:00:00"]),
        (
            "0 0 0 */10 * 0-6/6",
            ["2026-11-21 00:00:00", "2026-11-01 00:00:00", "2026-10-31 00:00:00"],
        ),
    ],
)
def test_the_timer_is_due_as_the_functions_host_reads_its_schedule(
    expression: str, expected: list[str]
) -> None:
    """In the last two a day of the month and one of the week have to fit, as on a Friday 13th."""
    assert expected == due(expression, times=len(expected))


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * * *",
        "0 * * * * * 2026",
        "0\t*/5 * * * *",
        "00:05:00",
        "@daily",
        "60 * * * * *",
        "0 60 * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 32 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "0 0 0 * 0 *",
        "0 0 0 L * *",
        "0 0 0 LW * *",
        "0 0 0 15W * *",
        "0 0 0 * * 5L",
        "0 0 0 * * 1#2",
        "0 0 0 ? * MON",
        "0 0 0 * * ?",
        "0 0 0 MON * *",
        "0 0 0 * MON *",
        "0 0 0 * * JAN",
        "0 0 JAN * * *",
        "0 0 0 * * MO",
        "0 0 0 * * Mond-",
        "0 0 0 * * FRI-MON",
        "0 30-10 * * * *",
        "0 */0 * * * *",
        "0 */ * * * *",
        "0 /5 * * * *",
        "0 1,,2 * * * *",
        "0 1, * * * *",
        "0 -5 * * * *",
        "0 1-2-3 * * * *",
        "0 1.5 * * * *",
        "0 \u0665 * * * *",
        "0 0 0 30 2 *",
        "0 0 0 31 4,jun *",
    ],
)
def test_what_the_host_would_not_run_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"six fields|is no |admits no |it never runs"):
        Schedule.read(expression)


def test_a_time_is_due_before_an_instant_and_not_at_it() -> None:
    at = SUNDAY.replace(minute=40)

    assert ["2026-11-22 02:35:00"] == due("0 */5 * * * *", before=at, times=1)
    assert ["2026-11-22 02:40:00"] == due(
        "0 */5 * * * *", before=at + timedelta(microseconds=1), times=1
    )


def test_what_may_be_a_secret_that_went_astray_is_not_quoted() -> None:
    """The URL of a webhook, pasted into the wrong setting."""
    for text in ("https://hooks.example.com/s3cret */5 * * * *", "0 s3cret-0123456789 * * * *"):
        with pytest.raises(ValueError, match="what was given") as caught:
            Schedule.read(text)
        assert "s3cret" not in str(caught.value)
