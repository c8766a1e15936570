"""Where each piece of a Markdown text stands: its code, its raw HTML, its addresses, its headings.

The blocks are found line by line, as CommonMark's own algorithm does it: which open containers
(quotes, list items) a line continues, which new ones it opens, and then what kind of leaf it
belongs to. It is not a renderer: it says where text stands, and leaves the text as it is.
The work is linear in the text; containers nest 20 deep at most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from detector.articles import inline
from detector.articles.inline import HTML_BLOCKS, LINE, LONE_TAG, Place, Region

_DEEPEST = 20

_HEADING = re.compile(r"(#{1,6}+)(?=[ \t]|$)[ \t]*+")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#++[ \t]*+$")
_UNDERLINE = re.compile(r"(=++|-++)[ \t]*+$")
_FENCE = re.compile(r"`{3,}+(?=[^`]*+$)|~{3,}+")
_BREAK = re.compile(r"(?:\*[ \t]*+){3,}+$|(?:_[ \t]*+){3,}+$|(?:-[ \t]*+){3,}+$")
_BULLET = re.compile(r"(?:[*+-]|(\d{1,9}+)[.)])(?=[ \t]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading: its level, where its block starts, and where its text starts and ends."""

    level: int
    start: int
    text_start: int
    text_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What stands where in a text: regions in order, none touching another, and the headings."""

    regions: tuple[Region, ...]
    headings: tuple[Heading, ...]


def survey(text: str) -> Survey:
    """The regions and headings of a Markdown text; what no region covers is prose."""
    reader = _Reader(text)
    for line in LINE.finditer(text):
        reader.read_line(*line.span(1))
    reader.close_leaf()
    return Survey(regions=tuple(reader.regions), headings=tuple(reader.headings))


class _Kind(Enum):
    PARAGRAPH = 1
    INDENTED = 2
    FENCED = 3
    HTML = 4


@dataclass(slots=True)
class _Leaf:
    """The leaf that is open: where it started and has reached, and what will end it."""

    kind: _Kind
    start: int
    end: int
    fence: str = ""
    closer: re.Pattern[str] | None = None


@dataclass(slots=True)
class _Container:
    """An open quote (no width), or a list item: by how many columns its lines are indented."""

    width: int | None
    is_empty: bool


@dataclass(slots=True)
class _Line:
    """A line and how far it has been read; columns count a tab up to the next multiple of four."""

    text: str
    position: int
    end: int
    column: int = 0

    def blanks(self) -> tuple[int, int]:
        """Where the line's next text stands, and by how many columns it is indented."""
        position, column = self.position, self.column
        while position < self.end and (blank := self.text[position]) in " \t":
            column += 1 if blank == " " else 4 - column % 4
            position += 1
        return position, column - self.column

    def skip(self, length: int) -> None:
        """Go on by so many characters that are not blank."""
        self.position += length
        self.column += length

    def skip_columns(self, width: int) -> None:
        """Go on by so many columns of blanks; a tab may be used up in part."""
        goal = self.column + width
        while (
            self.column < goal
            and self.position < self.end
            and (blank := self.text[self.position]) in " \t"
        ):
            stop = self.column + (1 if blank == " " else 4 - self.column % 4)
            self.position += stop <= goal
            self.column = min(stop, goal)


@dataclass(slots=True)
class _Reader:
    """CommonMark's block structure as far as it has been read."""

    text: str
    regions: list[Region] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    _containers: list[_Container] = field(default_factory=list)
    _leaf: _Leaf | None = None

    def read_line(self, start: int, end: int) -> None:
        """Read the line `text[start:end]`, given without its line ending."""
        line = _Line(self.text, start, end)
        matched = self._match_containers(line)
        paragraph = self._leaf if self._leaf and self._leaf.kind is _Kind.PARAGRAPH else None
        if self._leaf and not paragraph and self._continues_leaf(line, matched):
            return
        while True:
            at, indent = line.blanks()
            if at == end or (indent >= 4 and paragraph):
                break
            if indent >= 4:
                self._open_leaf(_Kind.INDENTED, matched, line.position, end)
                return
            if self._opens_leaf(at, end, matched, paragraph):
                return
            # a paragraph that goes on lazily outside its containers is not interrupted as one
            here = paragraph if matched == len(self._containers) else None
            container = self._opens_container(line, here) if matched < _DEEPEST else None
            if container is None:
                break
            self._truncate(matched)
            if self._containers:
                self._containers[-1].is_empty = False
            self._containers.append(container)
            matched += 1
            paragraph = None
        if at == end:
            self._truncate(matched)
        elif paragraph:
            paragraph.end = end
        else:
            self._open_leaf(_Kind.PARAGRAPH, matched, at, end)

    def close_leaf(self) -> None:
        """Note the regions of the open leaf, if there is one."""
        leaf, self._leaf = self._leaf, None
        if leaf is None:
            return
        match leaf.kind:
            case _Kind.INDENTED | _Kind.FENCED:
                self.regions.append((leaf.start, leaf.end, Place.CODE))
            case _Kind.HTML:
                self.regions += inline.html(self.text, leaf.start, leaf.end)
            case _Kind.PARAGRAPH:
                self.regions += inline.paragraph(self.text, leaf.start, leaf.end)

    def _match_containers(self, line: _Line) -> int:
        """How many of the open containers go on in the line, which is read as far as they do."""
        for matched, container in enumerate(self._containers):
            at, indent = line.blanks()
            if container.width is None:
                if indent >= 4 or not self.text.startswith(">", at, line.end):
                    return matched
                line.skip_columns(indent)
                line.skip(1)
                line.skip_columns(1)
            elif not container.is_empty if at == line.end else indent >= container.width:
                line.skip_columns(container.width)
            else:
                return matched
        return len(self._containers)

    def _continues_leaf(self, line: _Line, matched: int) -> bool:
        """Whether the line belongs to the open code or HTML; if not, that leaf is closed."""
        leaf = self._leaf
        if leaf is None:
            return False
        at, indent = line.blanks()
        goes_on, is_last = True, False
        match leaf.kind:
            case _Kind.INDENTED:
                goes_on = at == line.end or indent >= 4
            case _Kind.FENCED:
                run = self.text[at : line.end].rstrip(" \t")
                is_last = indent < 4 and run.startswith(leaf.fence) and not run.strip(run[0])
            case _ if leaf.closer:
                is_last = bool(leaf.closer.search(self.text, line.position, line.end))
            case _:
                goes_on = at < line.end
        if not goes_on or matched < len(self._containers):
            self.close_leaf()
            return False
        leaf.end = line.end
        if is_last:
            self.close_leaf()
        return True

    def _opens_leaf(self, at: int, end: int, matched: int, paragraph: _Leaf | None) -> bool:
        """Whether a heading, fence, block of HTML or thematic break begins here; it is noted."""
        text = self.text
        if heading := _HEADING.match(text, at, end):
            start = heading.end()
            self._open_leaf(_Kind.PARAGRAPH, matched, start, end)
            closing = _CLOSING_HASHES.search(text[start:end])
            self._note_heading(
                len(heading[1]), at, start, start + closing.start() if closing else end
            )
            return True
        if fence := _FENCE.match(text, at, end):
            self._open_leaf(_Kind.FENCED, matched, at, end).fence = fence[0]
            return True
        if text.startswith("<", at):
            for opener, closer in HTML_BLOCKS:
                if opener.match(text, at, end):
                    self._open_leaf(_Kind.HTML, matched, at, end).closer = closer
                    if closer and closer.search(text, at, end):
                        self.close_leaf()
                    return True
            if not paragraph and LONE_TAG.match(text, at, end):
                self._open_leaf(_Kind.HTML, matched, at, end)
                return True
        if paragraph and matched < len(self._containers):
            paragraph = None  # a line that goes on lazily underlines nothing
        if paragraph and (underline := _UNDERLINE.match(text, at, end)):
            level = 1 if underline[1][0] == "=" else 2
            self._note_heading(level, paragraph.start, paragraph.start, paragraph.end)
            return True
        if _BREAK.match(text, at, end):
            self._truncate(matched)
            return True
        return False

    def _opens_container(self, line: _Line, paragraph: _Leaf | None) -> _Container | None:
        """The quote or list item that begins here, if any; the line is then read up to its text."""
        at, indent = line.blanks()
        if self.text.startswith(">", at, line.end):
            line.skip_columns(indent)
            line.skip(1)
            line.skip_columns(1)
            return _Container(None, is_empty=False)
        bullet = _BULLET.match(self.text, at, line.end)
        if bullet is None:
            return None
        is_empty = not self.text[bullet.end() : line.end].strip(" \t")
        if paragraph and (is_empty or (bullet[1] and int(bullet[1]) != 1)):
            return None
        length = bullet.end() - at
        line.skip_columns(indent)
        line.skip(length)
        _, padding = line.blanks()
        if is_empty or padding > 4:
            padding = 1
        line.skip_columns(padding)
        return _Container(indent + length + padding, is_empty=is_empty)

    def _note_heading(self, level: int, start: int, text_start: int, text_end: int) -> None:
        self.headings.append(
            Heading(level=level, start=start, text_start=text_start, text_end=text_end)
        )
        self.close_leaf()

    def _open_leaf(self, kind: _Kind, matched: int, start: int, end: int) -> _Leaf:
        """A new leaf in the first `matched` containers; what else was open is closed."""
        self._truncate(matched)
        if self._containers:
            self._containers[-1].is_empty = False
        self._leaf = _Leaf(kind, start, end)
        return self._leaf

    def _truncate(self, matched: int) -> None:
        """Close the leaf, and the containers beyond the first `matched`."""
        self.close_leaf()
        del self._containers[matched:]
