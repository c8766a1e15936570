"""The body of an article, taken apart: its slots, and the text that is left without their marks.

`<!--$name-->default<!--/$name-->` is a slot, wherever it stands, also in code or in an address.
`{name}` is one only if a fact of that name is given, and not in code. What surrounds a slot is
sought in the text with one letter in each slot's stead, as a reader of the rendered text would.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from detector.articles.escape import Spot
from detector.articles.header import Trouble
from detector.articles.inline import LINE, STAND_IN, Place
from detector.articles.markdown import Survey, survey

_COMMENT = re.compile(r"<!--([^<>]*+)>")
_BRACES = re.compile(r"\{[ \t]*+(\$?+\w[\w .-]{0,99}+)\}")
_LEAD = re.compile(r"[\s\d>*+=|:#.)(-]*+")  # all that can stand before a line's own text
_NEAR: Final = 40  # characters before a slot that can change what a fact means


class Mark(Enum):
    """What a comment of the article format is."""

    OPENER = "<!--$name-->"
    CLOSER = "<!--/$name-->"
    DESCRIPTION = "<!--issueDescription-->"
    DESCRIPTION_END = "<!--/issueDescription-->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place that a fact fills: its name, what stands there without one, and where that is.

    `start` and `end` count in `Body.text`. A brace token is optional: without a fact it stays.
    """

    name: str
    default: str
    start: int
    end: int
    spot: Spot = field(default_factory=Spot)
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body taken apart.

    `text` has one stand-in for each slot and no marks; `slots` are in its order; `names` are
    those of the slots that must be filled, in order of first appearance; `descriptions` are the
    marks of issueDescription, each with its position in `text`, and in the file.
    """

    text: str
    slots: tuple[Slot, ...]
    names: tuple[str, ...]
    descriptions: tuple[tuple[Mark, int, int], ...]
    survey: Survey
    troubles: tuple[Trouble, ...]

    def segments(self, start: int, end: int) -> Iterator[str | Slot]:
        """Text and slots of a stretch of the body, in order."""
        first = bisect_right(self.slots, start - 1, key=lambda slot: slot.start)
        for slot in self.slots[first:]:
            if slot.start >= end:
                break
            yield self.text[start : slot.start]
            yield slot
            start = slot.end
        yield self.text[start:end]


def key_of(name: str) -> str:
    """What names of slots and of facts are compared by; `{$domain}` and `domain` are one."""
    return name.removeprefix("$").casefold()


def take_apart(text: str, start: int) -> Body:
    """The body that `text` has from `start` on."""
    marks = tuple(_marks(text, start))
    closers, troubles = _pairs(marks)
    pieces: list[str] = []
    origins: list[tuple[int, int]] = []  # in the body, in the file: where each stretch begins
    slots: list[Slot] = []
    descriptions: list[tuple[Mark, int, int]] = []
    length, position = 0, start
    for number, (mark, name, mark_start, mark_end) in enumerate(marks):
        if mark_start < position:  # it went with the default around it
            continue
        origins.append((length, position))
        pieces.append(text[position:mark_start])
        length += mark_start - position
        position = mark_end
        if mark is Mark.OPENER:
            closer = closers.get(number)
            default = text[mark_end : closer[0]] if closer else ""
            position = closer[1] if closer else mark_end
            slots.append(Slot(name=name, default=default, start=length, end=length + 1))
            pieces.append(STAND_IN)
            length += 1
        elif mark is not Mark.CLOSER:
            descriptions.append((mark, length, mark_start))
    origins.append((length, position))
    pieces.append(text[position:])
    body = "".join(pieces)
    places = survey(body)
    openers = [name for mark, name, _, _ in marks if mark is Mark.OPENER]
    names = {key_of(name): name for name in reversed(openers)}  # the first spelling counts
    placed = tuple(_placed(body, slots, places))
    for slot in placed:
        if slot.is_optional:
            before, origin = origins[bisect_right(origins, (slot.start, len(text))) - 1]
            message = (
                f"{slot.default} is filled only if a fact has that name, and else stays as it is"
            )
            troubles.append((origin + slot.start - before, "brace-token", message))
    return Body(
        text=body,
        slots=placed,
        names=tuple(names[key] for key in dict.fromkeys(map(key_of, openers))),
        descriptions=tuple(descriptions),
        survey=places,
        troubles=tuple(troubles),
    )


def _marks(text: str, start: int) -> Iterator[tuple[Mark, str, int, int]]:
    """Every mark with its name and its span; other comments are the author's text."""
    for comment in _COMMENT.finditer(text, start):
        if not comment[1].endswith("--"):
            continue
        content = comment[1][:-2].strip()
        is_closer = content.startswith("/")
        content = content.removeprefix("/").lstrip()
        if content.casefold() == "issuedescription":
            mark = Mark.DESCRIPTION_END if is_closer else Mark.DESCRIPTION
            yield mark, "", *comment.span()
        elif content.startswith("$") and (name := " ".join(content[1:].split())):
            yield Mark.CLOSER if is_closer else Mark.OPENER, name, *comment.span()


def _pairs(
    marks: tuple[tuple[Mark, str, int, int], ...],
) -> tuple[dict[int, tuple[int, int]], list[Trouble]]:
    """The span of the closer for each opener that has one, by its number; and what is wrong."""
    closers: dict[int, tuple[int, int]] = {}
    troubles: list[Trouble] = []
    open_slots: dict[str, int] = {}
    inner_end = 0

    def never_closed(number: int) -> None:
        _, name, at, _ = marks[number]
        message = f"{name} is never closed: write <!--/${name}--> after its default text"
        troubles.append((at, "slot-unclosed", message))

    for number, (mark, name, start, end) in enumerate(marks):
        key = key_of(name)
        if mark is Mark.OPENER:
            if key in open_slots:
                never_closed(open_slots[key])
            open_slots[key] = number
        elif mark is Mark.CLOSER:
            if key in open_slots:
                closers[open_slots.pop(key)] = start, end
            else:
                message = f"{name} is closed and was not opened: write <!--${name}--> before it"
                troubles.append((start, "slot-unopened", message))
    for number in open_slots.values():
        never_closed(number)
    for number, (mark, name, start, _) in enumerate(marks):
        if mark is Mark.OPENER and start < inner_end:
            message = f"{name} stands inside another slot, and goes with it: take it out of there"
            troubles.append((start, "slot-nested", message))
        elif number in closers:
            inner_end = closers[number][0]
    return closers, troubles


def _placed(body: str, slots: list[Slot], places: Survey) -> Iterator[Slot]:
    """The slots and the brace tokens outside code, in order, each with its spot."""
    braces = (
        Slot(
            name=token[1].rstrip(),
            default=token[0],
            start=token.start(),
            end=token.end(),
            is_optional=True,
        )
        for token in _BRACES.finditer(body)
    )
    lines = LINE.finditer(body)
    line = next(lines)
    lead = _LEAD.match(body)
    regions = iter((*places.regions, (len(body), len(body) + 1, Place.PROSE)))
    start, end, place = next(regions)
    for slot in sorted((*slots, *braces), key=lambda slot: slot.start):
        while end <= slot.start:
            start, end, place = next(regions)
        here = place if start <= slot.start else Place.PROSE
        if slot.is_optional and here in (Place.CODE, Place.CELL_CODE):
            continue
        while line.end() <= slot.start:
            line = next(lines)
            lead = None
        lead = lead or _LEAD.match(body, line.start())
        is_near = slot.start - start < 2
        spot = Spot(
            place=here,
            before=body[max(0, slot.start - _NEAR) : slot.start],
            after=body[slot.end : slot.end + 1],
            leads_line=lead is not None and lead.end() >= slot.start,
            leads_value=is_near and not body[start : slot.start].strip("\"'"),
        )
        yield replace(slot, spot=spot)
