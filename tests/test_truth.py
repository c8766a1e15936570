"""The truth of a story, as far as its rows and ARM tell it, and never anything else.

The stories are those of `generator`; `judge` holds all that is told of one against what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import truth
from detector.model import Signal
from tests.generator import Story, a_story
from tests.judge import Falsehood, Judge
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

BY_ROWS_OF_ANY_AGE = frozenset({Falsehood.INSTANT, Falsehood.FLAPPING, Falsehood.TWICE})
"""What a run that sees all rows at once cannot get wrong, and one that saw some of them may."""

seeds = st.integers(min_value=0, max_value=2**32)
few = settings(
    derandomize=True,  # a run of the tests is the same everywhere; the benchmark draws others
    max_examples=max(10, settings.default.max_examples // 4) if settings.default else 25,
    suppress_health_check=[HealthCheck.too_slow],
)


def at_once(story: Story, rows: Sequence[Signal], *, arm_answers: bool = True) -> Judge:
    """What a judge says where every row is there as soon as it is logged."""
    night = Night(story=story, arrivals=[(row.at, row) for row in rows], arm_answers=arm_answers)
    return night.judged()


def kinds(judge: Judge) -> set[Falsehood]:
    """The kinds of the false statements."""
    return {finding.kind for finding in judge.findings}


@few
@given(seed=seeds)
def test_where_no_row_is_lost_or_late_the_truth_is_told(seed: int) -> None:
    story = a_story(Random(seed))

    judge = at_once(story, story.rows)

    assert not story.known or [] == judge.findings, seed


@few
@given(seed=seeds)
def test_without_arm_it_is_told_all_the_same(seed: int) -> None:
    story = a_story(Random(seed))

    judge = at_once(story, story.rows, arm_answers=False)

    assert not story.known or [] == judge.findings, seed


@few
@given(seed=seeds, lost=st.sampled_from([0, 5, 10, 20]))
def test_with_arms_answers_some_things_are_never_said_whatever_is_lost_and_late(
    seed: int, lost: int
) -> None:
    judge = truth.judged(seed, lost=lost, arm_answers=True)

    assert not judge.story.known or set() == kinds(judge) & NEVER, seed


@few
@given(seed=seeds)
def test_late_rows_leave_nothing_untold_and_nobody_with_a_better_state(seed: int) -> None:
    judge = truth.judged(seed, lost=0, arm_answers=True)

    left = {Falsehood.BETTER, Falsehood.HEARD_BETTER, Falsehood.ONLY_REDUNDANCY}
    assert not judge.story.known or set() == kinds(judge) & left, seed
