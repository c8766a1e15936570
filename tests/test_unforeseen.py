"""What nobody thought of, at every port and in every step of a run, one at a time.

The ports are those of the world's own types, and the steps are all functions of the core that a run
really calls, so that none can be forgotten: whatever raises, the others are told, the run is noted
and ends red, and the next run tells the rest.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from types import CodeType, FrameType
from typing import Any, Final

import pytest

from detector.journal import ports as journal_ports
from detector.journal.history import History, gateway_key
from detector.model import Connection, Signal
from detector.runs import ports
from detector.runs.facts import Sources
from detector.runs.report import Report
from detector.runs.run import run_once
from detector.runs.world import World
from tests.builders import GATEWAYS, LYON, at, down, up
from tests.memory import (
    ListReceiver,
    ListSink,
    MemoryAzure,
    MemoryJournal,
    MemoryLogs,
    a_world,
    plenty,
    seen,
)

SECRET: Final = "a secret"
NAMES: Final = ("vpn-a", "vpn-b")


class Defect(Exception):
    """What nobody thought of."""


@dataclass(slots=True, kw_only=True)
class Night:
    """Two gateways that fail over at the same time, and who hears of it."""

    sink: ListSink = field(default_factory=ListSink)
    receiver: ListReceiver = field(default_factory=ListReceiver)
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def __post_init__(self) -> None:
        for name in NAMES:  # what is not listed is not loaded
            self.journal.save(History(gateway_id=f"{GATEWAYS}{name}"), None)

    @property
    def world(self) -> World:
        """The world of this night."""
        rows = [replace(row, gateway_id=f"{GATEWAYS}{name}") for name in NAMES for row in ROWS]
        azure = MemoryAzure()
        for name in NAMES:
            own = f"{GATEWAYS}{name}"
            link = Connection(id=f"{own}/c", name=name, remote_ip=LYON, status="NotConnected")
            azure.connections[own], azure.tunnels[f"{own}/c"] = [link], link
        logs, sinks = MemoryLogs(seen(*rows)), (self.sink, self.receiver)
        return a_world(logs, journal=self.journal, sinks=sinks, azure=azure)

    @property
    def told(self) -> set[str]:
        """The gateways of which the sink was told."""
        return {insight.gateway.name for insight in self.sink.taken}

    @property
    def heard(self) -> set[str]:
        """The gateways of which people were told."""
        return {each.insight.gateway.name for _, news in self.receiver.sent for each in news}


# A tunnel that stays away, so that people are told at once, and that ARM is asked about.
ROWS: Final[tuple[Signal, ...]] = (down(at()), up(at(12)), down(at(2), remote_ip=LYON))
FIRST, NEXT, LATER = at(minutes=20), at(minutes=40), at(minutes=60)


def failing(world: World, member: str, *, of: str = "") -> World:
    """The world whose port of this name raises, for the gateway `of` alone where one is named."""

    def broken(call: Callable[..., Any]) -> Callable[..., Any]:
        def raising(*args: Any, **named: Any) -> Any:
            if of in str((args, named)) or gateway_key(f"{GATEWAYS}{of}") in str(args):
                raise Defect(SECRET)
            return call(*args, **named)

        return raising

    port, _, method = member.partition(".")
    if port == "Signals":
        return replace(world, signals=broken(world.signals))
    if port in SOURCES:
        changed: dict[str, Any] = {SOURCES[port]: broken(getattr(world.sources, SOURCES[port]))}
        return replace(world, sources=replace(world.sources, **changed))
    if port == "Journal":
        return replace(world, journal=Broken(world.journal, method, broken))
    sink, receiver = world.sinks
    if port == "Sink":
        return replace(world, sinks=[Broken(sink, method, broken), receiver])
    assert isinstance(receiver, ListReceiver)
    if method == "send":
        receiver.fault = broken(lambda news: None)
    return world


class Broken:
    """As what it is given, but for one method."""

    def __init__(self, whole: Any, method: str, broken: Callable[..., Any]) -> None:
        self._whole = whole
        setattr(self, method, broken(getattr(whole, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


SOURCES: Final = {str(each.type): each.name for each in fields(Sources)}
"""The ports that answer for facts, each with its place among the sources."""


def members() -> Iterator[str]:
    """Every method of every port, `Port.method`."""
    for module in (ports, journal_ports):
        for name, port in inspect.getmembers(module, inspect.isclass):
            if port.__module__ == module.__name__:
                for method, _ in inspect.getmembers(port, inspect.isfunction):
                    if method == "__call__" or not method.startswith("_"):
                        yield f"{name}.{method}" if method != "__call__" else name


NOT_IN_A_RUN: Final = {
    "Inventory": "these tunnels stay away: the gateway itself is asked for its connections",
    "Receiver.deliver": "in a drill alone is one insight sent to people by itself",
    "Announcer.announce": "it is the daily check of coverage that announces",
    "Reachable.probe": "it is the doctor that probes",
    **dict.fromkeys(
        [f"Archive.{name}" for name in ("summaries", "document", "note", "keep")],
        "it is for whoever looks up what was told",
    ),
}

MEMBERS: Final = [each for each in members() if each not in NOT_IN_A_RUN]

FOR_ALL: Final = {
    "Signals": "it asks all scopes at once",
    "Journal.marks": "it says what is due for all; the rows are looked at without",
    "Journal.last_run": "there is one note",
    "Journal.note_run": "there is one note",
    "Coverage": "it answers for all gateways",
    "Notes": "they are of the whole run",
    "Receiver.send": "what is told together is one message",
}
"""The ports that are not asked of one gateway."""


def ran(world: World) -> Report:
    report, _ = run_once(world, now=FIRST, left=plenty)
    return report


def is_said(report: Report) -> bool:
    """Whether the run ends red and names the kind of what happened, and no value."""
    return (
        not report.ok
        and "Defect" in str(report.problems)
        and "Defect" in str(report.traces)
        and SECRET not in str(report.problems) + str(report.traces)
    )


def test_every_port_of_the_world_is_among_those_that_fail() -> None:
    of_world = {each.name for each in fields(World)} - {"scopes", "lookback", "catch_up", "library"}

    assert {"signals", "sources", "journal", "sinks"} == of_world
    assert {each.partition(".")[0] for each in MEMBERS} == {
        *(SOURCES.keys() - NOT_IN_A_RUN.keys()),
        *("Signals", "Journal", "Sink", "Receiver"),
    }


@pytest.mark.parametrize("member", MEMBERS)
def test_a_port_that_fails_for_one_gateway_stops_no_other(member: str) -> None:
    night = Night()

    report = ran(failing(night.world, member, of="" if member in FOR_ALL else "vpn-a"))
    noted = night.journal.note
    night.receiver.fault = lambda news: None
    again, _ = run_once(night.world, now=NEXT, left=plenty)

    assert is_said(report)
    assert "vpn-b" in night.told
    assert (member == "Journal.note_run") == (noted is None)
    assert again.ok
    assert set(NAMES) == night.told == night.heard


@pytest.mark.parametrize("member", MEMBERS)
def test_a_port_that_fails_always_loses_nothing(member: str) -> None:
    """Once it works again, everything is told, though it is hours later."""
    night = Night()
    broken = failing(night.world, member)

    reports = [run_once(broken, now=at(hours=hour), left=plenty)[0] for hour in (1, 5, 9)]
    night.receiver.fault = lambda news: None
    again, _ = run_once(night.world, now=at(hours=10), left=plenty)
    run_once(night.world, now=at(hours=11), left=plenty)

    assert any(map(is_said, reports))
    assert again.ok
    assert set(NAMES) == night.told == night.heard


# The steps

THE_BOUNDARY: Final = {
    *("run_once", "_note_run", "contained", "unforeseen", "_trace", "_frames"),
    *("Failures.add", "Failures.done", "Failures.extend", "within.<locals>.work"),
}
"""What holds the boundary: nothing stands around it."""


def steps() -> dict[str, CodeType]:
    """The functions of the core that the run of a night calls, by module and name.

    A class that only holds values has an `__init__` and the like that `dataclass` wrote.
    """
    found: dict[str, CodeType] = {}

    def called(frame: FrameType, event: str, _: object) -> None:
        module, code = str(frame.f_globals.get("__name__")), frame.f_code
        is_own = module.startswith("detector.") and code.co_filename != "<string>"
        is_own = is_own and code.co_name != "<genexpr>"  # a part of what it stands in
        if event == "call" and is_own and code.co_qualname not in THE_BOUNDARY:
            found.setdefault(f"{module}:{code.co_qualname}", code)

    ran(Night().world)  # what is done once in a process is done
    world = Night().world
    threading.setprofile(called)
    sys.setprofile(called)
    threading.setprofile(called)
    try:
        ran(world)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        threading.setprofile(None)
    return found


def ran_raising(world: World, code: CodeType, of: str) -> Report | None:
    """The report of a run in which a function raises when it is first called with `of` named.

    None where it never is.
    """
    other = NAMES[1]
    known: list[FrameType] = []
    raised: list[bool] = []

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is code and frame not in known and not raised:
            known.append(frame)  # a generator is called again to go on
            named = repr(frame.f_locals) if of else ""
            if of in named and (not of or other not in named):
                raised.append(True)
                raise Defect(SECRET)  # which ends the tracing

    before = sys.gettrace()
    threading.settrace(called)
    sys.settrace(called)
    threading.settrace(called)
    try:
        report = ran(world)
    finally:
        sys.settrace(before)
        threading.settrace(before)
        threading.settrace(before)
    return report if raised else None


def wrong_of(step: str, code: CodeType, of: str) -> Iterator[str]:
    """What a step that raises costs beyond itself."""
    night = Night()
    report = ran_raising(night.world, code, of)
    if report is None:
        return
    if not is_said(report):
        yield f"{step} is not said"
    if night.journal.note is None:
        yield f"{step} leaves no note"
    if of and NAMES[1] not in night.told | night.heard:
        yield f"{step} stops the other gateway"
    if not (of or night.told | night.heard):
        yield f"{step} stops all"
    for now in (NEXT, LATER):  # the first may look back further, and says so
        again, _ = run_once(night.world, now=now, left=plenty)
    if not again.ok:
        yield f"{step} is not over"
    if not set(NAMES) == night.told == night.heard:
        yield f"{step} loses news"


RUN_WIDE: Final = {
    "runs.run": {
        *("_run", "_recall", "_ask", "_to_look_at", "_load", "_look_up", "_commit_all"),
        *("Findings.answers", "Findings.take", "Findings.leave"),
    },
    "runs.observation": {"observe"},
    "runs.answers": {"Answers.__init__", "Answers.sources"},
    "journal.delivery": {
        *("Outgoing.to_machines", "Outgoing.to_people", "Outgoing._settled", "Outgoing._list"),
        "Outgoing._receivers",
    },
    "model": {"Answer.newest", "Window.__contains__"},
}
"""What goes from one gateway, or one scope, to the next: where that raises, a run is lost."""


def is_run_wide(step: str) -> bool:
    module, _, name = step.removeprefix("detector.").partition(":")
    return name.partition(".<locals>")[0] in RUN_WIDE.get(module, ())


def test_no_step_that_raises_loses_news_or_the_note() -> None:
    found = steps()
    wrong = [each for name, code in found.items() for each in wrong_of(name, code, "")]
    stopping = {each.removesuffix(" stops all") for each in wrong if each.endswith(" stops all")}

    assert 200 < len(found)
    assert [] == [each for each in wrong if not each.endswith(" stops all")]
    assert set() == {each for each in stopping if not is_run_wide(each)}


def test_no_step_that_raises_at_one_gateway_stops_another() -> None:
    assert [] == [each for name, code in steps().items() for each in wrong_of(name, code, "vpn-a")]
