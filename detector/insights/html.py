"""Markdown as HTML and as plain text, with nothing in it that acts.

Articles carry raw HTML (`<br>`, tables, links), so it is let through the renderer and then cleaned
against a list of what is harmless. Images, scripts, styles and links to anything but the web,
mail and the page itself do not get through. Text is what a reader sees of that HTML.
"""

from __future__ import annotations

import html
import re
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_BLADE: Final = "data-blade"
"""The scheme of links to the portal's blades, which mean nothing outside the portal."""

_SCHEMES: Final = frozenset({"http", "https", "mailto", _BLADE})
_LEFT_OUT: Final = frozenset({"img", "map", "area"})
# Cleaned HTML has its attributes in double quotes, and no link within a link.
_BLADE_LINK: Final = re.compile(
    rf'<a (?:[^">]|"[^"]*")*?href="{_BLADE}:[^"]*"(?:[^">]|"[^"]*")*>(.*?)</a>',
    re.DOTALL | re.IGNORECASE,
)

# A portal's start page, or a page within it.
_PORTAL_LINK: Final = re.compile(
    r'href="https?://(?:\w+\.)?portal\.azure\.(?:com|us|cn)(?=[/?#"])/?([^"]*)"', re.IGNORECASE
)
_HEADING: Final = re.compile(r"<(/?)h([1-5])(?=[ >])")

_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_APART: Final = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "blockquote", "div", "hr"}
)
"""Elements that stand apart from what is around them, by an empty line where not in a list."""

_START: Final = re.compile(r"[0-9]{1,9}")  # as many digits as a number has in Markdown
_DEEPEST: Final = 20
"""So many lists within each other are indented; a line of a deeper one stands no further right."""

_OWN_LINE: Final = frozenset({"li", "dt", "dd", "caption"})
# Stands where a fact is empty, and behind the `@` of one; in HTML it has nothing to keep apart.
_UNSEEN: Final = "\u200b"


def to_html(markdown: str, *, resource_page: str | None = None, below_heading: int = 0) -> str:
    """The Markdown as an HTML fragment, clean of all that could act.

    A link to a blade of the portal becomes plain text, with a link to `resource_page` behind it
    where that is known; a link to the portal then leads to that page, and one to a page within a
    portal to the same in this cloud's. Headings are so many levels deeper than they were written.
    """
    import nh3

    rendered = _renderer().render(markdown).replace(_UNSEEN, "")
    clean = nh3.clean(rendered, tags=nh3.ALLOWED_TAGS - _LEFT_OUT, url_schemes=set(_SCHEMES))
    is_safe = (resource_page or "").startswith("https://")
    page = html.escape(resource_page or "") if is_safe else ""
    instead = f' (<a href="{page}" rel="noopener noreferrer">in the portal</a>)' if page else ""
    clean = _BLADE_LINK.sub(lambda link: link[1] + instead, clean)
    if page:
        portal = page.partition("#")[0]
        clean = _PORTAL_LINK.sub(
            lambda link: f'href="{portal + link[1] if link[1].strip("#") else page}"', clean
        )
    if below_heading:
        clean = _HEADING.sub(lambda tag: f"<{tag[1]}h{min(int(tag[2]) + below_heading, 6)}", clean)
    return clean


def to_text(markdown: str, *, resource_page: str | None = None) -> str:
    """The Markdown as text: lists with their marks, tables by rows, a link with its address."""
    return text_of(to_html(markdown, resource_page=resource_page))


def text_of(clean: str) -> str:
    """The text of HTML that has been cleaned: well formed, with nothing in it that acts.

    Lists keep their marks, the cells of a table stand between bars, and a link has its address
    behind it. It ends with one line end, and is linear in the HTML's length.
    """
    parser = _Text()
    parser.feed(clean.replace(_UNSEEN, ""))
    parser.close()
    return parser.text()


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("js-default", {"html": True})


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
            start = _START.fullmatch(given.get("start") or "")
            self._numbers.append(int(start[0]) if start else 1)
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
        outer = max(0, len(self._marks) - _DEEPEST)
        before = "".join(
            mark if number >= self._written else " " * len(mark)
            for number, mark in enumerate(self._marks[outer:], outer)
        )
        self._written = len(self._marks)
        return f"{before}{''.join(self._line)}".rstrip()
