"""A gateway's bandwidth around a failover against what its SKU is benchmarked at.

The table is `benchmarks.json`, from the page that it names: Mbps for each instance, site-to-site
and point-to-site together, not guaranteed. The metric AverageBandwidth counts site-to-site only,
as averages of five minutes, in bytes per second.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.errors import FactUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.model import Gateway, Series, Window

BUSY_PERCENT: Final = 80
"""The per cent of its benchmark from which a peak is told to be near it."""

_WHOLE: Final = 100
_BITS_PER_BYTE: Final = 8
_BITS_PER_MEGABIT: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The highest five-minute average of one instance; `at` is when its five minutes began."""

    mbps: float
    instance: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """A five-minute average; `at` is when its five minutes began."""

    at: datetime
    mbps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The averages of one instance, in time order; `instance` is empty where they are of all."""

    instance: str
    points: tuple[Average, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The peak, the benchmark and their ratio, each None where it is not known, and the words.

    `series` is what was measured, by the names of the instances; empty where nothing was.
    """

    peak_mbps: float | None
    instance: str | None
    at: datetime | None
    benchmark_mbps: int | None
    ratio: float | None
    statement: str
    series: tuple[Measured, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The benchmarks: the page they stand on, its date, and Mbps by SKU, lower case.

    Where the generation decides, a SKU has Mbps by generation instead.
    """

    source: str
    date: str
    mbps: Mapping[str, int | Mapping[str, int]]


@functools.cache
def table() -> Table:
    """The table that ships beside this module."""
    text = Path(__file__).with_name("benchmarks.json").read_text(encoding="utf-8")
    read = json.loads(text)
    mbps = {sku.lower(): number for sku, number in read["mbps"].items()}
    return Table(source=read["source"], date=read["date"], mbps=mbps)


def benchmark(sku: str, generation: str | None) -> int | str:
    """The Mbps that an instance of `sku` is benchmarked at, or why that is not known.

    The reason is a clause that a sentence can go on with. Only VpnGw2 and VpnGw3, with and
    without AZ, need the generation: every other SKU exists in one generation alone.
    """
    found = table().mbps.get(sku.lower())
    if found is None:
        return f"no benchmark is known for the SKU {sku} (table of {table().date})"
    if isinstance(found, int):
        return found
    if generation is not None and generation in found:
        return found[generation]
    either = " or ".join(f"{mbps:,} Mbps ({name})" for name, mbps in found.items())
    return f"{sku} is benchmarked at {either}, and the gateway's generation is not known"


def peak(series: Iterable[Series], window: Window) -> Peak | None:
    """The highest average of any instance that begins in `window`; None where there is none."""
    points = (
        (bytes_per_second, at, one.instance)
        for one in series
        for at, bytes_per_second in one.within(window)
    )
    highest = max(points, default=None, key=lambda point: point[0])
    if highest is None:
        return None
    bytes_per_second, at, instance = highest
    return Peak(mbps=_as_mbps(bytes_per_second), instance=instance, at=at)


def _as_mbps(bytes_per_second: float) -> float:
    return bytes_per_second * _BITS_PER_BYTE / _BITS_PER_MEGABIT


def compare(gateway: Gateway, series: Sequence[Series] | FactUnknown, window: Window) -> Comparison:
    """The peak in `window` against the gateway's benchmark, and a statement in every case."""
    known = _benchmark_of(gateway)
    benchmark_mbps = known if isinstance(known, int) else None
    if isinstance(series, FactUnknown):
        return _without_peak(f"The bandwidth is unknown ({series.why}).", benchmark_mbps)
    highest = peak(series, window)
    if highest is None:
        return _without_peak(f"No bandwidth was recorded {_span(window)}.", benchmark_mbps)
    return Comparison(
        peak_mbps=highest.mbps,
        instance=highest.instance or None,
        at=highest.at,
        benchmark_mbps=benchmark_mbps,
        ratio=None if benchmark_mbps is None else highest.mbps / benchmark_mbps,
        statement=_statement(highest, gateway, known, window),
        series=tuple(_measured(series, window)),
    )


def _measured(series: Iterable[Series], window: Window) -> Iterator[Measured]:
    for one in sorted(series, key=lambda each: each.instance):
        points = [Average(at=at, mbps=_as_mbps(value)) for at, value in sorted(one.within(window))]
        if points:
            yield Measured(instance=one.instance, points=tuple(points))


def _without_peak(statement: str, benchmark_mbps: int | None) -> Comparison:
    return Comparison(
        peak_mbps=None,
        instance=None,
        at=None,
        benchmark_mbps=benchmark_mbps,
        ratio=None,
        statement=statement,
    )


def _benchmark_of(gateway: Gateway) -> int | str:
    if gateway.sku is None:
        why = gateway.unknown.get("sku", "it was not looked up")
        return f"the gateway's SKU is unknown ({why}), so there is no benchmark to compare it with"
    return benchmark(gateway.sku, gateway.generation)


def _statement(highest: Peak, gateway: Gateway, known: int | str, window: Window) -> str:
    where = f"on {highest.instance}" if highest.instance else "on average over the instances"
    reached = (
        f"Peak bandwidth {_span(window)} was {_mbps(highest.mbps)} {where}"
        f" at {highest.at:%H:%M} (five-minute average)"
    )
    if isinstance(known, str):
        return f"{reached}; {known}."
    # The words go by the whole per cent that the reader sees, never rounded up to a threshold.
    percent = int(highest.mbps * 100 / known)
    compared = (
        f"{reached}, {percent:,} % of the {known:,} Mbps that {gateway.sku} is benchmarked at"
    )
    if percent < BUSY_PERCENT:
        return f"{compared}. Shorter peaks and point-to-site traffic do not show in this number."
    if percent <= _WHOLE:
        return (
            f"{compared}: close to what an instance can be expected to carry."
            " Shorter peaks may have been higher."
        )
    return f"{compared}: more than an instance can be relied on to carry. Consider a larger SKU."


def _span(window: Window) -> str:
    """The window in words; it is short enough that the times of day tell it."""
    return f"between {window.start:%H:%M} and {window.end:%H:%M} UTC"


def _mbps(mbps: float) -> str:
    return "less than 1 Mbps" if 0 < mbps < 1 else f"{round(mbps):,} Mbps"
