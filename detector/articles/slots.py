"""The body of an article, taken apart: its slots, and the text that is left without their marks.

`<!--$name-->default<!--/$name-->` is a slot, wherever it stands, also in code or in an address.
`{name}` is one only if a fact of that name is given, and not in code. What surrounds a slot is
sought in the text with a word in each slot's stead, as a reader of the rendered text would, and
only when somebody asks: most bodies are taken apart and not rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from detector.articles.escape import Place, Spot
from detector.articles.header import Trouble

if TYPE_CHECKING:
    from detector.articles.places import Survey

STAND_IN: Final = "\ue000"
"""The character that stands for a slot in a body's text; it is no blank, no mark and no letter."""

_COMMENT = re.compile(r"<!--([^<>]*+)>")
_BRACES = re.compile(r"\{[ \t]*+(\$?+\w[\w .-]{0,99}+)\}")
# A body that opens with `# Title`: so much is seen of it without reading Markdown.
_OPENING_TITLE = re.compile(rf"(?:[ \t]*+[\r\n])*+ {{0,3}}#[ \t]++[*_`\[]*+[\w{STAND_IN}]")


class Mark(Enum):
    """What the article format marks in a text."""

    OPENER = "<!--$name-->"
    CLOSER = "<!--/$name-->"
    DESCRIPTION = "<!--issueDescription-->"
    DESCRIPTION_END = "<!--/issueDescription-->"
    BRACES = "{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place that a fact fills: its name, what stands there without one, and where that is.

    `start` and `end` count in `Body.text`, `position` in the file. A brace token is optional:
    without a fact it stays.
    """

    name: str
    default: str
    start: int
    end: int
    position: int
    spot: Spot = field(default_factory=Spot)
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)  # no slots: it is surveyed once, when first asked
class Body:
    """A body taken apart.

    `text` has one stand-in for each slot and no marks; `slots` are in its order, with the brace
    tokens; `names` are those of the slots that must be filled, in order of first appearance;
    `descriptions` are the marks of issueDescription, each with its position in `text`, and in the
    file.
    """

    text: str
    slots: tuple[Slot, ...]
    names: tuple[str, ...]
    descriptions: tuple[tuple[Mark, int, int], ...]
    troubles: tuple[Trouble, ...]

    @cached_property
    def survey(self) -> Survey:
        """What a reader of Markdown makes of the text."""
        from detector.articles.places import survey

        return survey(self.text, [(slot.start, slot.end) for slot in self.slots])

    @cached_property
    def segments(self) -> tuple[str | Slot, ...]:
        """Text and slots in turn, each slot with its spot; a brace token in code is text, too."""
        segments: list[str | Slot] = []
        position = 0
        for slot, spot in zip(self.slots, self.survey.spots, strict=True):
            segments.append(self.text[position : slot.start])
            stays = slot.is_optional and spot.place in (Place.CODE, Place.CELL_CODE)
            segments.append(slot.default if stays else replace(slot, spot=spot))
            position = slot.end
        return (*segments, self.text[position:])

    @property
    def title(self) -> tuple[str | Slot, ...]:
        """The text that the first H1 shows, in segments; empty without one."""
        return tuple(
            part if isinstance(part, str) else self.segments[2 * part + 1]
            for part in self.survey.title
        )

    @property
    def has_title(self) -> bool:
        """Whether an H1 shows something; Markdown is read only where that is not plain to see."""
        return _OPENING_TITLE.match(self.text) is not None or bool(self.survey.title)

    @property
    def notes(self) -> list[Trouble]:
        """A note for each brace token that a fact could fill."""
        return [
            (
                slot.position,
                "brace-token",
                f"{slot.default} is filled only if a fact has that name, and else stays as it is",
            )
            for slot in self.segments
            if isinstance(slot, Slot) and slot.is_optional
        ]

    @property
    def description(self) -> str:
        """The text between the marks of issueDescription, slots as their defaults.

        Where they are not one pair, it runs from the first mark to the next mark or heading.
        """
        if not self.descriptions:
            return ""
        (_, start, _), *others = self.descriptions
        ends = [at for _, at, _ in others[:1]]
        if not _is_pair(self.descriptions):
            ends += [at for at in self.survey.headings if at >= start][:1]
        return self._with_defaults(start, min(ends, default=len(self.text))).strip()

    def _with_defaults(self, start: int, end: int) -> str:
        pieces: list[str] = []
        for slot in self.slots:
            if start <= slot.start < end:
                pieces += self.text[start : slot.start], slot.default
                start = slot.end
        return "".join([*pieces, self.text[start:end]])


def key_of(name: str) -> str:
    """What names of slots and of facts are compared by; `{$domain}` and `domain` are one."""
    return name.removeprefix("$").casefold()


def take_apart(text: str, start: int) -> Body:
    """The body that `text` has from `start` on."""
    marks = tuple(sorted((*_comments(text, start), *_braces(text, start)), key=itemgetter(2)))
    closers, troubles = _pairs(marks)
    pieces: list[str] = []
    slots: list[Slot] = []
    descriptions: list[tuple[Mark, int, int]] = []
    length, position = 0, start
    for number, (mark, name, mark_start, mark_end) in enumerate(marks):
        if mark_start < position:  # it went with the default around it
            continue
        pieces.append(text[position:mark_start])
        length += mark_start - position
        position = mark_end
        if mark in (Mark.DESCRIPTION, Mark.DESCRIPTION_END):
            descriptions.append((mark, length, mark_start))
        elif mark is not Mark.CLOSER:
            default = stand_in = text[mark_start:mark_end]
            if mark is Mark.OPENER:
                default_end, position = closers.get(number, (mark_end, mark_end))
                default, stand_in = text[mark_end:default_end], STAND_IN
            pieces.append(stand_in)
            slot = Slot(
                name=name,
                default=default,
                start=length,
                end=length + len(stand_in),
                position=mark_start,
                is_optional=mark is Mark.BRACES,
            )
            slots.append(slot)
            length = slot.end
    pieces.append(text[position:])
    if descriptions and not _is_pair(descriptions):
        message = (
            "write one <!--issueDescription--> before the description and one "
            "<!--/issueDescription--> after it"
        )
        troubles.append((descriptions[0][2], "description-unbalanced", message))
    openers = [name for mark, name, _, _ in marks if mark is Mark.OPENER]
    names = {key_of(name): name for name in reversed(openers)}  # the first spelling counts
    return Body(
        text="".join(pieces),
        slots=tuple(slots),
        names=tuple(names[key] for key in dict.fromkeys(map(key_of, openers))),
        descriptions=tuple(descriptions),
        troubles=tuple(troubles),
    )


def _is_pair(descriptions: Sequence[tuple[Mark, int, int]]) -> bool:
    return [mark for mark, _, _ in descriptions] == [Mark.DESCRIPTION, Mark.DESCRIPTION_END]


def _comments(text: str, start: int) -> Iterator[tuple[Mark, str, int, int]]:
    """Every comment that is a mark, with its name and its span; others are the author's text."""
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


def _braces(text: str, start: int) -> Iterator[tuple[Mark, str, int, int]]:
    for token in _BRACES.finditer(text, start):
        yield Mark.BRACES, token[1].rstrip(), *token.span()


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
