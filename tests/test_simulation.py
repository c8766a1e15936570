"""The simulation of `benchmarks/`, for a few days."""

from __future__ import annotations

from datetime import timedelta

from benchmarks.simulation import Simulation


def test_in_days_of_late_rows_and_outages_no_failover_is_missed_or_told_twice() -> None:
    simulation = Simulation(length=timedelta(days=5), seed=7)

    score = simulation.detector()

    assert 30 < len(simulation.truths)
    assert (0, set()) == (score.missed(simulation.truths), score.twice)


def test_rules_without_memory_miss_failovers_or_repeat_them() -> None:
    """The comparison is one: what the detector is spared, the same rows do to the rules."""
    simulation = Simulation(length=timedelta(days=5), seed=7)

    short, long = simulation.rule(timedelta(minutes=5)), simulation.rule(timedelta(minutes=15))

    assert 0 < short.missed(simulation.truths)
    assert 0 < len(long.twice)
