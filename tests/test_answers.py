"""What Azure answers in one run: each question once, and whatever a port raises is unknown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from detector.boundary import Failures
from detector.errors import FactUnknown
from detector.model import Gateway, HealthEvent, Window
from detector.runs.answers import MOST_FAILURES, Answers
from detector.runs.facts import Sources
from tests.builders import GATEWAYS, a_gateway, at
from tests.memory import MemoryAzure

IDS = [f"{GATEWAYS}vpn-{number}" for number in range(100)]
WINDOW = Window(start=at(hours=-1), end=at())


def asked_of(azure: MemoryAzure, **changed: Any) -> tuple[Sources, Failures]:
    failures = Failures()
    return Answers(replace(azure.sources, **changed), failures).sources, failures


def test_what_was_asked_before_is_not_asked_again() -> None:
    azure = MemoryAzure(inventory={IDS[0]: ()})
    sources, failures = asked_of(azure)

    for _ in range(2):
        sources.gateways(IDS[:2])
        sources.connections(IDS[:1])
        sources.inventory(IDS[:2])
        sources.tunnels(["c"])
        sources.health(IDS[:1])
        sources.bandwidth([a_gateway(id=IDS[0])], WINDOW)
    sources.gateways(IDS[1:3])

    assert len(azure.asked) == len(set(azure.asked)) == 8
    assert [] == failures.problems


def test_a_fact_that_cannot_be_had_is_not_asked_for_again() -> None:
    azure = MemoryAzure(unknown={"connections"})
    sources, failures = asked_of(azure)

    for _ in range(2):
        [unknown] = sources.connections(IDS[:1]).values()
        with pytest.raises(FactUnknown, match="Azure did not answer"):
            sources.coverage(WINDOW)

    assert isinstance(unknown, FactUnknown)
    assert [("connections", IDS[0])] == azure.asked
    assert [] == failures.problems


def odd(ids: Sequence[str], *, of: Sequence[str]) -> None:
    if not set(of).isdisjoint(ids):
        raise ZeroDivisionError("a secret")


def test_one_gateway_that_a_port_fails_at_costs_the_facts_of_no_other() -> None:
    azure, calls = MemoryAzure(), []

    def gateways(ids: Sequence[str], written: Collection[str] = ()) -> Mapping[str, Gateway]:
        calls.append(ids)
        odd(ids, of=[IDS[7]])
        return azure.sources.gateways(ids)

    sources, failures = asked_of(azure, gateways=gateways)
    found = sources.gateways(IDS)
    [problem] = failures.problems

    assert [IDS[7]] == [each.id for each in found.values() if each.unknown]
    assert found[IDS[7]].unknown["sku"].startswith("failed unexpectedly (ZeroDivisionError at ")
    assert f"the facts of {IDS[7]}: failed unexpectedly" in problem
    assert "secret" not in problem
    assert len(calls) < 20


def test_a_port_that_fails_always_is_not_asked_for_ever() -> None:
    azure, calls = MemoryAzure(), []

    def health(ids: Sequence[str]) -> Mapping[str, Sequence[HealthEvent] | FactUnknown]:
        calls.append(ids)
        raise MemoryError

    sources, failures = asked_of(azure, health=health)
    found = sources.health(IDS)

    assert set(IDS) == found.keys()
    assert all(isinstance(each, FactUnknown) for each in found.values())
    assert MOST_FAILURES < len(calls) < 2 * MOST_FAILURES + 10
    assert len(failures.problems) < 2 * MOST_FAILURES


def test_what_fails_for_several_together_and_for_none_alone_is_said_all_the_same() -> None:
    azure = MemoryAzure()

    def gateways(ids: Sequence[str], written: Collection[str] = ()) -> Mapping[str, Gateway]:
        if len(ids) > 1:
            raise ZeroDivisionError
        return azure.sources.gateways(ids)

    sources, failures = asked_of(azure, gateways=gateways)
    found = sources.gateways(IDS[:2])

    assert [{}, {}] == [each.unknown for each in found.values()]
    assert [f"the facts of {IDS[0]} and others: failed unexpectedly "] == [
        each.partition("(")[0] for each in failures.problems
    ]


def test_an_inventory_that_fails_knows_of_no_gateway() -> None:
    sources, failures = asked_of(MemoryAzure(inventory={IDS[0]: ()}), inventory=lambda ids: ids[9])

    assert {} == sources.inventory(IDS[:2])
    assert [f"the inventory of {each}: failed unexpectedly " for each in IDS[:2]] == [
        each.partition("(")[0] for each in failures.problems
    ]


def test_an_answer_that_leaves_out_what_was_asked_is_no_answer() -> None:
    sources, failures = asked_of(MemoryAzure(), tunnels=lambda ids: {})
    found = sources.tunnels(["c"])

    assert isinstance(found["c"], FactUnknown)
    assert "the tunnels of c: failed unexpectedly (KeyError at " in failures.problems[0]
