"""The fuzzer of `benchmarks/`, for a few examples of one seed."""

from __future__ import annotations

import pytest
from hypothesis import Phase

from benchmarks.fuzz import ENTRANCES, tried


@pytest.mark.parametrize("name", ENTRANCES)
def test_what_nobody_wrote_is_named_where_it_enters_and_stops_nothing(name: str) -> None:
    tried(name, number=1, examples=40, phases=[Phase.generate])
