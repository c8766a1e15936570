"""What is told of true stories, held against the truth, with rows lost and late.

    python -m benchmarks.truth [--stories 200] [--seed 1] [--latest MINUTES] [--show KIND]

Each story is lived through in runs 5 minutes apart, its rows up to 20 minutes late or as many as
`--latest` says, with none of its rows lost and with more, and with and without what Azure Resource
Manager says live. Every revision is held against the truth of its time, and what is left in the end
against that of then. A kind of false statement stands twice where some were made while a row that
bears on it was still to come. `--show` prints the seeds and the details of one kind.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

from tests.generator import a_story, arriving, with_losses
from tests.judge import Falsehood, Finding, Judge
from tests.memory import minutes
from tests.night import Night

LOST: Final = (0, 5, 10, 20)
"""So many rows of a hundred are lost."""

LATEST: Final = minutes(20)


@dataclass(slots=True, kw_only=True)
class Column:
    """What was counted with so many rows lost, and ARM's answers or none."""

    lost: int
    arm_answers: bool
    counts: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)

    def add(self, judge: Judge) -> None:
        """Count one story."""
        self.counts["stories"] += 1
        self.counts["switch-overs"] += len(judge.story.switch_overs)
        self.counts["statements"] += judge.statements
        self.counts["lengths by the rows"] += judge.lengths
        self.counts["false statements"] += len(judge.findings)
        for finding in judge.findings:
            self.false[_name(finding)] += 1


def _name(finding: Finding) -> str:
    return f"{finding.kind}, rows to come" if finding.awaits else finding.kind.value


def judged(seed: int, *, lost: int, arm_answers: bool, latest: timedelta = LATEST) -> Judge:
    """What a judge says of the story with this seed."""
    story = a_story(Random(seed))
    random = Random(f"{seed} {lost}")
    rows = with_losses(story.rows, random, lost)
    arrivals = arriving(rows, random, latest)
    return Night(story=story, arrivals=arrivals, arm_answers=arm_answers).judged()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What is told, held against the truth.")
    parser.add_argument("--stories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latest", type=int, default=20)
    parser.add_argument("--show", type=str, default="")
    asked = parser.parse_args()
    columns = [Column(lost=lost, arm_answers=arm) for arm in (True, False) for lost in LOST]
    for seed in range(asked.seed, asked.seed + asked.stories):
        for column in columns:
            judge = judged(
                seed,
                lost=column.lost,
                arm_answers=column.arm_answers,
                latest=minutes(asked.latest),
            )
            column.add(judge)
            for finding in judge.findings:
                if asked.show and asked.show in _name(finding):
                    where = f"seed {seed}, {column.lost} %, ARM {column.arm_answers}"
                    print(f"{where}: {_name(finding)}: {finding.about}")
    print(f"{asked.stories} stories from seed {asked.seed}\n")
    width = 2 + max(len(f"{kind}, rows to come") for kind in Falsehood)
    print(f"{'':<{width}}{'ARM known':>36}{'ARM unknown':>36}")
    print(f"{'rows lost':<{width}}" + "".join(f"{column.lost:>7} %" for column in columns))
    names = [*dict.fromkeys(name for column in columns for name in column.counts), ""]
    kinds = sorted({name for column in columns for name in column.false})
    for name in names:
        print(
            f"{name:<{width}}" + "".join(f"{column.counts[name]:>9}" for column in columns if name)
        )
    for name in kinds:
        print(f"{name:<{width}}" + "".join(f"{column.false[name]:>9}" for column in columns))


if __name__ == "__main__":
    main()
