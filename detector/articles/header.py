"""The header of an article: `<properties name="value" … />`, as authors have really written it.

Reading never fails. What is not as it should be is told as `(position, code, message)`, and the
most that can be kept is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Trouble = tuple[int, str, str]

_LINE_END = re.compile(r"\r\n|\n|\r")

_START = re.compile(r"\s*+<properties(?=[\s/>]|\Z)", re.IGNORECASE)
_BLANK = re.compile(r"\s*+")
_END = re.compile(r"/>[ \t]*+(?:\r\n|\n|\r)?+")
_LOOSE_END = re.compile(r">[ \t]*+(?:\r\n|\n|\r)?+")
_NAME = re.compile(r"([^\s=/>\"'“”<]++)\s*+=[ \t]*+")
_UNQUOTED = re.compile(r"(?:[^\s/]|/(?!>))*+")
_LINE = re.compile(r"[^\r\n]*+")

# A quote ends a value only where the header can go on, so quotes inside a value do no harm; a value
# whose closing quote was forgotten ends with its line, or where a line ends with the header's end.
_GOES_ON = r"(?=\s*+(?:/>|>[ \t]*+(?:[\r\n]|\Z)|\Z|[^\s=/>\"'“”<]++\s*+=)|[ \t]*+[\r\n])"
_FORGOTTEN = (
    r"(?=(?:\r\n|\n|\r)[ \t]*+(?:/>|[^\s=/>\"'“”<]++[ \t]*+=[ \t]*+[\"“”'])"
    r"|/>[ \t]*+(?:[\r\n]|\Z))"
)
_DOUBLE: Final = re.compile(f'["“”]{_GOES_ON}|{_FORGOTTEN}')
_SINGLE: Final = re.compile(f"'{_GOES_ON}|{_FORGOTTEN}")
_VALUE_ENDS: Final = {'"': _DOUBLE, "“": _DOUBLE, "”": _DOUBLE, "'": _SINGLE}


class Properties(Mapping[str, str]):
    """The attributes of a header, found by name in any case, named as they were spelled."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = {name.casefold(): (name, value) for name, value in pairs.items()}

    def __getitem__(self, name: str) -> str:
        return self._pairs[name.casefold()][1]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self._pairs

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._pairs.values())

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"Properties({dict(self.items())!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header as read: its properties, where each stands, where the body starts, what is wrong.

    `positions` is keyed by the name in lower case, as `str.casefold` makes it.
    """

    properties: Properties
    positions: Mapping[str, int]
    end: int
    troubles: tuple[Trouble, ...]


def line_starts(text: str) -> tuple[int, ...]:
    """Where each line begins; an empty text has one line, and a line end begins another."""
    return (0, *(end.end() for end in _LINE_END.finditer(text)))


def read(text: str) -> Header:
    """The header that opens `text`; without one there are no properties and all of it is body."""
    start = _START.match(text)
    if start is None:
        trouble = 0, "header-missing", 'start the article with <properties name="value" … />'
        return Header(properties=Properties({}), positions={}, end=0, troubles=(trouble,))
    reader = _Reader(text, start.end())
    return Header(
        end=reader.read(),
        properties=Properties(reader.pairs),
        positions=reader.positions,
        troubles=tuple(reader.troubles),
    )


class _Reader:
    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self._position = position
        self._endless: set[re.Pattern[str]] = set()
        self.pairs: dict[str, str] = {}
        self.positions: dict[str, int] = {}
        self.troubles: list[Trouble] = []

    def read(self) -> int:
        """Read attribute by attribute; the position where the body starts."""
        text = self._text
        while True:
            before = self._position
            at = self._position = _BLANK.match(text, before).end()  # type: ignore[union-attr]
            if end := _END.match(text, at):
                return end.end()
            if end := _LOOSE_END.match(text, at):
                self._note(at, "header-end", "end the header with `/>`, not with `>` alone")
                return end.end()
            if name := _NAME.match(text, at):
                self._read_value(name)
            elif at == len(text) or text[at] in "#<" or _has_blank_line(text[before:at]):
                self._note(at, "header-end", "the header is never closed: add `/>` on a line here")
                return before if at == len(text) else at
            else:
                self._position = max(at + 1, _LINE.match(text, at).end())  # type: ignore[union-attr]
                rest = text[at : self._position].rstrip()
                if rest.endswith("/>"):
                    self._position = at + len(rest) - 2
                self._note(at, "header-attribute", 'not an attribute: write name="value"')

    def _read_value(self, name: re.Match[str]) -> None:
        text, start = self._text, name.end()
        ends = _VALUE_ENDS.get(text[start : start + 1])
        if ends is None:
            value = _UNQUOTED.match(text, start)[0]  # type: ignore[index]
            self._position = start + len(value)
            self._note(start, "header-quote", f"put the value of {name[1]} between double quotes")
        else:
            value = self._quoted(start + 1, ends)
            if not text.startswith(('"', "“", "”", "'"), self._position - 1):
                self._note(start, "header-quote", f"close the quotes after the value of {name[1]}")
            elif '"' in value:
                self._note(start, "header-quote", f"write no quotes inside the value of {name[1]}")
        key = name[1].casefold()
        if key in self.positions:
            message = f"{name[1]} stands twice in the header: keep one (the first one counts)"
            self._note(name.start(), "header-duplicate", message)
        else:
            self.positions[key] = name.start()
            self.pairs[name[1]] = value

    def _quoted(self, start: int, ends: re.Pattern[str]) -> str:
        """The value from `start` to what ends it; the position is set after that."""
        end = None if ends in self._endless else ends.search(self._text, start)
        if end is None:
            self._endless.add(ends)  # nor will a later search find one
            end = _LINE.match(self._text, start)
            self._position = end.end()  # type: ignore[union-attr]
            return end[0]  # type: ignore[index]
        self._position = end.end()
        return self._text[start : end.start()]

    def _note(self, position: int, code: str, message: str) -> None:
        self.troubles.append((position, code, message))


def _has_blank_line(gap: str) -> bool:
    return len(gap.splitlines()) > 2 or gap.count("\n") > 1
