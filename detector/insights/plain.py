"""Clean HTML as the plain text that a reader sees of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_APART: Final = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "blockquote", "div", "hr"}
)
"""Elements that stand apart from what is around them, by an empty line where not in a list."""

_OWN_LINE: Final = frozenset({"li", "dt", "dd", "caption"})
_UNSEEN: Final = "\u200b"  # stands where a fact is empty


def to_plain(clean: str) -> str:
    """The text of HTML that has been cleaned: well formed, with nothing in it that acts.

    Lists keep their marks, the cells of a table stand between bars, and a link has its address
    behind it. It ends with one line end, and is linear in the HTML's length.
    """
    parser = _Text()
    parser.feed(clean.replace(_UNSEEN, ""))
    parser.close()
    return parser.text()


class _Text(HTMLParser):
    """Lines of text, gathered while the elements go by."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._numbers: list[int | None] = []  # of each list around, the number of its next item
        self._marks: list[str] = []  # of each list item around
        self._written = 0  # so many of the marks stand already
        self._cells: list[int] = []  # of each table around, the cells so far in this row
        self._links: list[tuple[str, int]] = []  # address, and where on the line the text begins
        self._verbatim = 0

    def text(self) -> str:
        """The text so far."""
        self._end_line()
        return "\n".join(self._lines).strip("\n") + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        given = dict(attrs)
        self._separate(tag)
        if tag == "ol":
            start = given.get("start") or "1"
            self._numbers.append(int(start) if start.isascii() and start.isdigit() else 1)
        elif tag == "ul":
            self._numbers.append(None)
        elif tag == "li":
            self._marks.append(self._next_mark())
        elif tag == "table":
            self._cells.append(0)
        elif tag == "tr":
            self._end_row()
        elif tag in ("td", "th") and self._cells:
            self._begin_cell()
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self._line)))
        elif tag == "pre":
            self._verbatim += 1
        elif tag == "br":
            self._break()
        elif tag == "hr":
            self._add("---")
            self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if tag == "a" and self._links:
            self._close_link(*self._links.pop())
        elif tag == "table" and self._cells:
            self._cells.pop()
        self._separate(tag)
        if tag in ("ol", "ul") and self._numbers:
            self._numbers.pop()
        elif tag == "li" and self._marks:
            self._marks.pop()
            self._written = min(self._written, len(self._marks))
        elif tag == "tr":
            self._end_row()
        elif tag == "pre":
            self._verbatim -= 1

    def handle_data(self, data: str) -> None:
        """Take in text between the tags; what is not verbatim has one blank where it has many."""
        if self._verbatim and not self._cells:
            for number, line in enumerate(data.split("\n")):
                if number:
                    self._lines.append(self._indented())
                    self._line = []
                self._line.append(line)
            return
        self._add(_BLANKS.sub(" ", data))

    def _add(self, text: str) -> None:
        if not self._line or self._line[-1].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self._line.append(text)

    def _close_link(self, address: str, start: int) -> None:
        shown = "".join(self._line[start:]).strip()
        if address.startswith(("http:", "https:", "mailto:")) and shown != address:
            self._add(f" <{address}>")

    def _begin_cell(self) -> None:
        if self._cells[-1]:
            self._line = ["".join(self._line).rstrip(" "), " | "]
        self._cells[-1] += 1

    def _end_row(self) -> None:
        self._end_line()
        if self._cells:
            self._cells[-1] = 0

    def _next_mark(self) -> str:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return "- "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _separate(self, tag: str) -> None:
        if tag in _OWN_LINE or (tag in _APART and (self._cells or self._marks)):
            self._break()
        elif tag in _APART:
            self._end_line()
            if self._lines and self._lines[-1]:
                self._lines.append("")

    def _break(self) -> None:
        """End the line; within a row of a table, only a blank."""
        if self._cells and self._cells[-1]:
            self._add(" ")
        else:
            self._end_line()

    def _end_line(self) -> None:
        if "".join(self._line).strip():
            self._lines.append(self._indented())
        self._line = []

    def _indented(self) -> str:
        """The line behind the marks of the list items that begin on it."""
        before = "".join(
            mark if number >= self._written else " " * len(mark)
            for number, mark in enumerate(self._marks)
        )
        self._written = len(self._marks)
        return f"{before}{''.join(self._line)}".rstrip()
