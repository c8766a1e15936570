"""The tree of errors: drawn by who must act, and each says its evidence."""

from __future__ import annotations

import inspect
import re

from detector import errors
from detector.errors import CatalogError, DetectorError, MissingFacts, RunFailed, SettingsError


def drawn() -> dict[str, str]:
    """The parent of each error in the drawing of the module's docstring, by its depth there."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for stem, name in re.findall(r"^    ([│├└─ ]*)(\w+)", errors.__doc__ or "", re.MULTILINE):
        del path[len(stem) // 4 :]
        parents[name] = path[-1] if path else "Exception"
        path.append(name)
    return parents


def test_the_tree_is_as_it_is_drawn() -> None:
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass)]
    own = [each for each in classes if issubclass(each, DetectorError)]

    assert {each.__name__: each.__base__.__name__ for each in own if each.__base__} == drawn()


def test_an_error_of_many_problems_names_each_and_keeps_them() -> None:
    problems = ["no logs", "no gateway"]

    for error in (RunFailed(problems), CatalogError(problems, folder="articles")):
        assert ("no logs", "no gateway") == error.problems
        assert ["  no logs", "  no gateway"] == str(error).splitlines()[1:]


def test_a_setting_is_named_with_what_to_do() -> None:
    error = SettingsError({"DETECTOR_SCOPES": "required"})

    assert {"DETECTOR_SCOPES": "required"} == error.problems
    assert "1 setting(s) to mend:\n  DETECTOR_SCOPES: required" == str(error)


def test_the_facts_that_an_article_misses_are_named_in_its_spelling() -> None:
    error = MissingFacts(["gatewayVip", "TunnelName"], article="seed.md")

    assert ("gatewayVip", "TunnelName") == error.names
    assert str(error).startswith("seed.md: no fact for gatewayVip, TunnelName; ")
