"""Where the slots of a text stand, as the CommonMark library reads it.

Each slot gives way to a word that the text does not hold, the library parses the result, and the
token in which a word comes out says what surrounds the slot: prose, code, an address, HTML. This
module imports the library, so it is imported only where an article is rendered or judged by its
Markdown. The work is linear in the text's length.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, pairwise
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt
from markdown_it.common.html_re import attr_name, attr_value, close_tag, open_tag

from detector.articles.escape import Place, Spot
from detector.articles.header import line_starts

if TYPE_CHECKING:
    from markdown_it.token import Token

Span = tuple[int, int]

_LEAD = re.compile(r"[\s\d>*+=|:#.)(-]*+")  # all that can stand before a line's own text
_NEAR: Final = 40  # characters before a slot that can change what a fact means

_TAG = re.compile(f"{open_tag}|{close_tag}")
_ATTRIBUTE = re.compile(rf"(?<=\s)({attr_name})\s*=\s*({attr_value})")
_ADDRESSES = frozenset({"href", "src", "action", "cite", "background", "poster", "formaction"})
# What GitHub makes a link of, and CommonMark does not.
_BARE_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>`*\[\]()|]++", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a reader of Markdown makes of a text with slots.

    `spots` has the surroundings of each slot, in order. `title` is the text that the first H1
    shows, without its marks, each slot in it as its number in that order; empty without one.
    `headings` are the positions at which the lines of headings start.
    """

    spots: tuple[Spot, ...]
    title: tuple[str | int, ...]
    headings: tuple[int, ...]


class _Reader(MarkdownIt):
    """CommonMark that takes every address for one, and leaves it as it is spelled."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url


_READER: Final = _Reader("commonmark").enable("table")


def survey(text: str, slots: Sequence[Span]) -> Survey:
    """What stands where in a Markdown text; `slots` are the start and end of each, in order."""
    unique = _not_in(text)
    words = re.compile(f"{unique}([0-9]+)x")
    ends = [0, *(end for _, end in slots)]
    starts = [*(start for start, _ in slots), len(text)]
    pieces = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    marked = pieces[0] + "".join(
        f"{unique}{number}x{piece}" for number, piece in enumerate(pieces[1:])
    )
    definitions: dict[str, Any] = {}
    tokens = _READER.parse(marked, definitions)

    found: dict[int, tuple[Place, bool]] = {}
    bare = ((Place.URL, address[0]) for address in _BARE_ADDRESS.finditer(marked))
    for place, content in chain(_stretches(tokens), _defined(definitions), bare):
        for word in words.finditer(content):
            found.setdefault(int(word[1]), (place, word.start() == 0))

    lines = line_starts(text)
    headings = [
        (opening, inline) for opening, inline in pairwise(tokens) if opening.type == "heading_open"
    ]
    titles = (_shown(inline.children or ()) for opening, inline in headings if opening.tag == "h1")
    title = next((title for title in titles if title.strip()), "")
    parts = words.split(title) if title else ()
    return Survey(
        spots=tuple(_spots(text, slots, lines, found)),
        title=tuple(int(part) if number % 2 else part for number, part in enumerate(parts)),
        headings=tuple(lines[opening.map[0]] for opening, _ in headings if opening.map),
    )


def _not_in(text: str) -> str:
    """Letters and digits that the text does not hold, nor with any text before or after them."""
    taken = set(re.findall(r"(?=z([0-9]+)y)", text))
    return next(f"z{number}y" for number in count() if str(number) not in taken)


def _stretches(tokens: Sequence[Token], code: Place = Place.CODE) -> Iterator[tuple[Place, str]]:
    """What is not prose, with its place; where two hold the same word, the first is its place."""
    for token in tokens:
        match token.type:
            case "table_open":
                code = Place.CELL_CODE
            case "table_close":
                code = Place.CODE
            case "fence" | "code_block" | "code_inline":
                yield code, token.info
                yield code, token.content
            case "html_block" | "html_inline":
                yield from _html(token.content)
            case "link_open" | "image":
                yield Place.URL, str(token.attrs.get("href") or token.attrs.get("src"))
                yield Place.VALUE, str(token.attrs.get("title"))
        yield from _stretches(token.children or (), code)


def _defined(environment: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """The addresses and titles of links that stand apart from them: `[label]: address "title"`."""
    repeated = environment.get("duplicate_refs", ())
    for link in (*environment.get("references", {}).values(), *repeated):
        yield Place.URL, link["href"]
        yield Place.VALUE, link["title"]


def _html(content: str) -> Iterator[tuple[Place, str]]:
    for tag in _TAG.finditer(content):
        for name, value in _ATTRIBUTE.findall(tag[0]):
            place = Place.URL if name.lower() in _ADDRESSES else Place.VALUE
            yield place, value.strip("\"'")
        yield Place.TAG, tag[0]
    yield Place.HTML, content


def _shown(tokens: Sequence[Token]) -> str:
    """The text of a heading: no marks, no HTML, and of an image what stands in its stead."""
    return "".join(
        " "
        if token.type in ("softbreak", "hardbreak")
        else token.content
        if token.type in ("text", "code_inline")
        else _shown(token.children or ())
        for token in tokens
    )


def _spots(
    text: str,
    slots: Sequence[Span],
    lines: Sequence[int],
    found: Mapping[int, tuple[Place, bool]],
) -> Iterator[Spot]:
    before = 0
    for number, (start, end) in enumerate(slots):
        line = bisect_right(lines, start)
        place, leads_value = found.get(number, (Place.PROSE, False))
        yield Spot(
            place=place,
            before=text[max(0, start - _NEAR) : start],
            after=text[end : end + 1],
            leads_line=line > before and bool(_LEAD.fullmatch(text, lines[line - 1], start)),
            leads_value=leads_value,
        )
        before = line
