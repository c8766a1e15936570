"""The truth of a story, as far as its rows and ARM tell it, and never anything else.

The stories are those of `generator`; `judge` holds all that is told of one against what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from benchmarks import truth
from detector.model import Signal
from tests.generator import Story, a_story, in_whole_seconds
from tests.judge import Falsehood, Judge
from tests.memory import minutes
from tests.night import Night

NEVER = frozenset(
    {
        Falsehood.CRITICAL,
        Falsehood.WORSE,
        Falsehood.HEARD_WORSE,
        Falsehood.DOWN_BY_ARM,
        Falsehood.RETRACTED,
        Falsehood.UNTOLD,
    }
)
"""What is never said, nor left unsaid, of a gateway of known mode while ARM answers."""

SEEDS = range(25)
"""The stories of each test, the same everywhere; the benchmark draws others."""

each_story = pytest.mark.parametrize("seed", SEEDS)


def at_once(story: Story, rows: Sequence[Signal], *, arm_answers: bool = True) -> Judge:
    """What a judge says where every row is there as soon as it is logged."""
    night = Night(story=story, arrivals=[(row.at, row) for row in rows], arm_answers=arm_answers)
    return night.judged()


def kinds(judge: Judge) -> set[Falsehood]:
    """The kinds of the false statements."""
    return {finding.kind for finding in judge.findings}


@each_story
def test_where_no_row_is_lost_or_late_the_truth_is_told(seed: int) -> None:
    story = a_story(Random(seed))

    judge = at_once(story, story.rows)

    assert not story.known or [] == judge.findings, seed


@each_story
def test_without_arm_it_is_told_all_the_same(seed: int) -> None:
    story = a_story(Random(seed))

    judge = at_once(story, story.rows, arm_answers=False)

    assert not story.known or [] == judge.findings, seed


@each_story
@pytest.mark.parametrize("lost", [0, 10, 20])
def test_with_arms_answers_some_things_are_never_said_whatever_is_lost_and_late(
    seed: int, lost: int
) -> None:
    judge = truth.judged(seed, lost=lost, arm_answers=True)

    assert not judge.story.known or set() == kinds(judge) & NEVER, seed


@each_story
def test_late_rows_leave_nothing_untold_and_nobody_with_a_better_state(seed: int) -> None:
    judge = truth.judged(seed, lost=0, arm_answers=True)

    left = {Falsehood.BETTER, Falsehood.HEARD_BETTER, Falsehood.ONLY_REDUNDANCY}
    assert not judge.story.known or set() == kinds(judge) & left, seed


@pytest.mark.parametrize("seed", range(600, 612))
def test_where_rows_coincide_in_whole_seconds_the_truth_is_told_all_the_same(seed: int) -> None:
    story = in_whole_seconds(a_story(Random(seed)))

    judge = at_once(story, story.rows)

    assert not story.known or [] == judge.findings, seed


@pytest.mark.parametrize("seed", range(700, 712))
def test_a_mode_that_is_known_only_later_makes_nothing_critical_nor_down_that_is_not(
    seed: int,
) -> None:
    story = a_story(Random(seed))
    arrivals = [(row.at, row) for row in story.rows]

    judge = Night(story=story, arrivals=arrivals, silent_for=minutes(25)).judged()

    never = {Falsehood.CRITICAL, Falsehood.HEARD_WORSE, Falsehood.DOWN_BY_ARM, Falsehood.WORSE}
    left = {Falsehood.BETTER, Falsehood.HEARD_BETTER, Falsehood.ONLY_REDUNDANCY}
    assert not story.known or set() == kinds(judge) & (never | left), seed


@each_story
def test_of_an_unknown_mode_a_served_peer_is_not_called_out(seed: int) -> None:
    """Only ARM tells which tunnels there are; where nobody asks, nobody knows."""
    story = replace(a_story(Random(1000 + seed)), known=False)

    judge = at_once(story, story.rows)

    assert set() == kinds(judge) & {Falsehood.SERVED, Falsehood.ALREADY_DOWN}, seed


def test_a_vip_is_not_given_to_an_instance_while_the_row_that_decides_is_late() -> None:
    judge = truth.judged(332008, lost=10, arm_answers=True)

    assert set() == kinds(judge) & NEVER
