from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.diagnosis import bandwidth
from detector.diagnosis.bandwidth import Peak, benchmark, compare, peak, table
from detector.errors import FactUnknown
from detector.model import Gateway, Series, Window
from detector.signals import arm

AT = datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)
WINDOW = Window(start=AT - timedelta(minutes=30), end=AT + timedelta(minutes=30))
GATEWAY_ID = (
    "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworkgateways/v"
)
GOLDEN = Path(__file__).with_name("golden") / "bandwidth.txt"
FIRST, SECOND = "GatewayTenantWorker_IN_0", "GatewayTenantWorker_IN_1"


def a_gateway(sku: str, generation: str | None = None) -> Gateway:
    return Gateway(
        id=GATEWAY_ID,
        name="v",
        resource_group="g",
        subscription_id="s",
        sku=sku,
        generation=generation,
    )


def a_series(*mbps: float, instance: str = FIRST) -> Series:
    """Points at 02:10, 02:15, ..., each given in Mbps."""
    start = datetime(2026, 11, 22, 2, 10, tzinfo=UTC)
    return Series(
        instance=instance,
        points=tuple(
            (start + number * timedelta(minutes=5), value * 1_000_000 / 8)
            for number, value in enumerate(mbps)
        ),
    )


@pytest.mark.parametrize(
    ("sku", "generation", "mbps"),
    [
        ("Basic", None, 100),
        ("Standard", None, 100),
        ("HighPerformance", None, 200),
        ("VpnGw1", "Generation1", 650),
        ("vpngw1az", None, 650),
        ("VpnGw2", "Generation1", 1000),
        ("VpnGw2AZ", "Generation2", 1250),
        ("VpnGw3AZ", "Generation1", 1250),
        ("VpnGw3", "Generation2", 2500),
        ("VpnGw4", "Generation2", 5000),
        ("VpnGw4AZ", None, 5000),
        ("VpnGw5", None, 10000),
        ("VpnGw5AZ", "Generation2", 10000),
    ],
)
def test_a_sku_has_its_benchmark(sku: str, generation: str | None, mbps: int) -> None:
    assert mbps == benchmark(sku, generation)


@pytest.mark.parametrize("generation", [None, "None", "Generation3"])
def test_a_sku_of_two_generations_has_no_benchmark_without_its_own(generation: str | None) -> None:
    assert (
        "VpnGw2AZ is benchmarked at 1,000 Mbps (Generation1) or 1,250 Mbps (Generation2),"
        " and the gateway's generation is not known"
    ) == benchmark("VpnGw2AZ", generation)


def test_an_unknown_sku_says_which_table_lacks_it() -> None:
    assert ("no benchmark is known for the SKU VpnGw9X (table of 2026-06-08)") == benchmark(
        "VpnGw9X", "Generation2"
    )


def test_the_table_names_its_source() -> None:
    assert "https://learn.microsoft.com/azure/vpn-gateway/about-gateway-skus" == table().source


def test_the_table_that_ships_names_every_field_that_is_read() -> None:
    path = Path(bandwidth.__file__).with_name("benchmarks.json")

    assert {"source", "date", "unit", "mbps"} == json.loads(path.read_text(encoding="utf-8")).keys()


def test_the_peak_is_the_highest_average_of_any_instance() -> None:
    series = [a_series(100, 300), a_series(200, 412, 90, instance=SECOND)]

    assert Peak(mbps=412.0, instance=SECOND, at=datetime(2026, 11, 22, 2, 15, tzinfo=UTC)) == peak(
        series, WINDOW
    )


def test_bytes_per_second_become_megabits_per_second() -> None:
    series = Series(instance=FIRST, points=((AT, 1_000_000.0),))
    found = peak([series], WINDOW)

    assert found is not None
    assert 8.0 == found.mbps


def test_a_point_outside_the_window_is_no_peak() -> None:
    points = ((WINDOW.start - timedelta(seconds=1), 9e9), (WINDOW.start, 1e6), (WINDOW.end, 9e9))
    found = peak([Series(instance=FIRST, points=points)], WINDOW)

    assert found is not None
    assert WINDOW.start == found.at


@pytest.mark.parametrize("series", [[], [Series(instance=FIRST, points=())]])
def test_without_points_there_is_no_peak(series: list[Series]) -> None:
    assert peak(series, WINDOW) is None


CASES: dict[str, tuple[Gateway, list[Series] | FactUnknown]] = {
    "below 80 %": (a_gateway("VpnGw1AZ"), [a_series(412)]),
    "just below 80 %": (a_gateway("VpnGw1AZ"), [a_series(519.9)]),
    "from 80 % on": (a_gateway("VpnGw1AZ"), [a_series(520)]),
    "above 100 %": (
        a_gateway("VpnGw2AZ", "Generation2"),
        [a_series(1000, 1380.2, instance=SECOND)],
    ),
    "nearly idle": (a_gateway("VpnGw1AZ"), [a_series(0.2)]),
    "idle": (a_gateway("VpnGw1AZ"), [a_series(0, 0)]),
    "not split by instance": (a_gateway("VpnGw1AZ"), [a_series(412, instance="")]),
    "a SKU that is not in the table": (a_gateway("VpnGw9X"), [a_series(412)]),
    "a generation that is not known": (a_gateway("VpnGw3AZ"), [a_series(412)]),
    "a SKU that is not known": (arm.missing(GATEWAY_ID, "no permission to read it"), [a_series(9)]),
    "no data": (a_gateway("VpnGw1AZ"), []),
    "no metrics": (a_gateway("VpnGw1AZ"), FactUnknown("Azure did not answer")),
}


def test_every_case_has_its_statement() -> None:
    """The sentences are kept in one file, to be read aloud."""
    told = "".join(
        f"{case}\n    {compare(gateway, series, WINDOW).statement}\n"
        for case, (gateway, series) in CASES.items()
    )

    assert GOLDEN.read_text(encoding="utf-8") == told


def test_the_comparison_holds_the_numbers_of_its_statement() -> None:
    bandwidth = compare(a_gateway("VpnGw1AZ"), [a_series(325)], WINDOW)

    assert 325.0 == bandwidth.peak_mbps
    assert FIRST == bandwidth.instance
    assert datetime(2026, 11, 22, 2, 10, tzinfo=UTC) == bandwidth.at
    assert 650 == bandwidth.benchmark_mbps
    assert 0.5 == bandwidth.ratio


def test_the_comparison_holds_what_was_measured_of_each_instance_in_the_window() -> None:
    points = a_series(325, 330)
    old = (WINDOW.start - timedelta(minutes=5), 1.0)
    unsorted = replace(points, points=(*reversed(points.points), old))

    bandwidth = compare(
        a_gateway("VpnGw1AZ"),
        [a_series(7, instance=SECOND), unsorted, a_series(instance="gone")],
        WINDOW,
    )

    assert [(FIRST, [325.0, 330.0]), (SECOND, [7.0])] == [
        (each.instance, [point.mbps for point in each.points]) for each in bandwidth.series
    ]
    assert datetime(2026, 11, 22, 2, 15, tzinfo=UTC) == bandwidth.series[0].points[1].at


def test_without_a_benchmark_there_is_a_peak_and_no_ratio() -> None:
    bandwidth = compare(a_gateway("VpnGw9X"), [a_series(325)], WINDOW)

    assert (325.0, None, None) == (bandwidth.peak_mbps, bandwidth.benchmark_mbps, bandwidth.ratio)


def test_a_peak_that_is_not_split_by_instance_names_none() -> None:
    bandwidth = compare(a_gateway("VpnGw1AZ"), [a_series(325, instance="")], WINDOW)

    assert (325.0, None) == (bandwidth.peak_mbps, bandwidth.instance)


@pytest.mark.parametrize("series", [[], FactUnknown("Azure is throttling")])
def test_without_a_peak_the_benchmark_stays(series: list[Series] | FactUnknown) -> None:
    bandwidth = compare(a_gateway("VpnGw1AZ"), series, WINDOW)

    assert (None, None, None) == (bandwidth.peak_mbps, bandwidth.instance, bandwidth.at)
    assert (650, None) == (bandwidth.benchmark_mbps, bandwidth.ratio)


def test_a_gateway_that_is_gone_still_gets_a_statement() -> None:
    gateway = arm.missing(GATEWAY_ID, "the gateway no longer exists")

    assert compare(gateway, [], WINDOW).statement.startswith("No bandwidth was recorded")


def test_a_sku_that_nobody_looked_up_says_so() -> None:
    gateway = Gateway(id=GATEWAY_ID, name="v", resource_group="g", subscription_id="s")

    statement = compare(gateway, [a_series(100)], WINDOW).statement

    assert "the gateway's SKU is unknown (it was not looked up)" in statement


def test_at_100_per_cent_it_is_what_an_instance_can_carry() -> None:
    at_most, more = (
        compare(a_gateway("VpnGw4"), [a_series(mbps)], WINDOW).statement for mbps in (5000, 5050)
    )

    assert "close to what an instance can be expected to carry" in at_most
    assert "more than an instance can be relied on to carry" in more


@pytest.mark.parametrize(("mbps", "said"), [(0.9, "less than 1 Mbps"), (1, "1 Mbps")])
def test_a_trickle_is_not_called_nothing(mbps: float, said: str) -> None:
    statement = compare(a_gateway("VpnGw4"), [a_series(mbps)], WINDOW).statement

    assert f"was {said} on" in statement
