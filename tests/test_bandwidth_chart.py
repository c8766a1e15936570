"""The bandwidth of each instance is drawn as what it is: averages of five minutes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from detector.diagnosis.bandwidth import Average, Comparison, Measured
from detector.pages.bandwidth_chart import MOST_SERIES, bandwidth
from tests.builders import ONE, ZERO, at
from tests.pages import a_bandwidth, an_insight_to_look_at


def drawn(compared: Comparison) -> list[str]:
    """The wide drawing, and the phone's."""
    return re.findall("<svg.*?</svg>", bandwidth(an_insight_to_look_at(bandwidth=compared), "x"))


def measured(instance: str, *mbps: float) -> Measured:
    points = (Average(at=at(minutes=5 * each), mbps=value) for each, value in enumerate(mbps))
    return Measured(instance=instance, points=tuple(points))


def texts(drawing: str) -> list[str]:
    return re.findall(r"<text[^>]*>(.*?)</text>", drawing)


def test_each_instance_is_a_line_of_its_own_kind_with_its_name_beside() -> None:
    wide, narrow = drawn(a_bandwidth(at()))
    for drawing in (wide, narrow):
        assert {"line-0", "line-1"} == set(re.findall(r'class="line (line-\d)"', drawing))
    assert {"IN_0", "IN_1"} <= set(texts(wide))
    assert {"IN_0, peak 460 Mbps", "IN_1, peak 360 Mbps"} <= set(texts(narrow))


def test_the_benchmark_is_drawn_where_the_peak_is_near_enough_to_be_seen_beside_it() -> None:
    near = a_bandwidth(at())
    far = replace(near, series=(measured(ZERO, 10, 20),))

    for drawing in drawn(near):
        assert "VpnGw1AZ benchmark: 650 Mbps" in texts(drawing)
    for drawing in drawn(far):
        assert "benchmark" not in drawing


def test_an_average_holds_for_five_minutes() -> None:
    for drawing in drawn(replace(a_bandwidth(at()), series=(measured(ZERO, 300),))):
        line = re.findall(r'<path class="line line-0" d="(.*?)"', drawing)[0]
        start, end = re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)", line).groups()  # type: ignore[union-attr]

        assert float(end) - float(start) > 200


def test_without_anything_measured_nothing_is_drawn() -> None:
    assert [] == drawn(replace(a_bandwidth(at()), series=()))


@pytest.mark.parametrize("mbps", [0.0, 0.2, 1, 47, 10_000])
def test_the_scale_has_round_numbers_from_nothing_to_above_the_peak(mbps: float) -> None:
    compared = replace(a_bandwidth(at()), benchmark_mbps=None, series=(measured(ZERO, mbps),))
    for drawing in drawn(compared):
        numbers = [
            float(text.replace(",", ""))
            for text in texts(drawing)
            if re.fullmatch(r"[\d.,]+", text)
        ]

        assert 0 == numbers[0]
        assert numbers[-1] > mbps
        assert len(numbers) <= 12


def test_no_two_names_touch_where_the_lines_end_together() -> None:
    wide, _ = drawn(replace(a_bandwidth(at()), series=(measured(ZERO, 0), measured(ONE, 0))))
    heights = [
        float(y) for y in re.findall(r'<text x="[\d.]+" y="([\d.]+)" class="b">IN_\d<', wide)
    ]

    assert 18 <= abs(heights[0] - heights[1])


def test_no_more_lines_are_drawn_than_can_be_told_apart() -> None:
    many = tuple(measured(f"IN_{number}", 5) for number in range(9))
    wide, _ = drawn(replace(a_bandwidth(at()), series=many))

    assert MOST_SERIES == len(re.findall(r'class="line line-\d"', wide))
