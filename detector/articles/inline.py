"""Where text stands inside a paragraph of Markdown or a block of HTML: code, address, tag or prose.

Only what decides how a fact must be written is found: code spans, the addresses and titles of
links, autolinks, and raw HTML, by CommonMark's rules of precedence.
A place that is taken for an address although it is prose does no harm, for a fact is written in
both so that it cannot act. Every scan is bounded by something that the next scan does not read
again (the next `<`, the next quote, 32 nested parentheses), so the work is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from enum import Enum
from typing import Final

# One character that stands for a slot wherever a place is sought; it counts as a letter.
STAND_IN: Final = "\ue000"


class Place(Enum):
    """What surrounds a piece of text, and so decides how a fact is written there."""

    PROSE = "prose"
    CODE = "code"  # a code span or a code block
    CELL_CODE = "code in a table"
    URL = "url"  # the address of a link or an image, in Markdown or HTML
    VALUE = "value"  # the value of an attribute, or the title of a link
    TAG = "tag"  # the rest of an HTML tag: its name and the names of its attributes
    HTML = "html"  # text that stands in a block of HTML, or a comment


# start, end (not included), place; whatever no region covers is prose
Region = tuple[int, int, Place]

LINE: Final = re.compile(r"([^\r\n]*+)(\r\n|\n|\r|\Z)")
_DELIMITER_ROW = re.compile(r"(?=[^|:]*+[|:])[ \t>|]*+(?::?+-++:?+[ \t]*+(?:\|[ \t]*+|$))++$")
_CELL = re.compile(r"(?:[^|\\]|\\.)++", re.DOTALL)

_NAME = rf"[A-Za-z_:{STAND_IN}][\w.:{STAND_IN}-]*+"
_VALUE = r"(?:[^\s\"'=<>`]++|'[^']*+'|\"[^\"]*+\")"
_OPEN_TAG = (
    rf"<[A-Za-z{STAND_IN}][A-Za-z0-9{STAND_IN}-]*+(?:\s++{_NAME}(?:\s*+=\s*+{_VALUE})?+)*+\s*+/?>"
)
_CLOSE_TAG = rf"</[A-Za-z{STAND_IN}][A-Za-z0-9{STAND_IN}-]*+\s*+>"
_BLOCKS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details"
    "|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head"
    "|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p"
    "|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
# how a block of HTML begins, and the text whose line ends it; None: a blank line does
HTML_BLOCKS: Final = tuple(
    (re.compile(opener, re.IGNORECASE), re.compile(closer, re.IGNORECASE) if closer else None)
    for opener, closer in (
        (r"<(?:script|pre|style|textarea)(?:\s|>|$)", r"</(?:script|pre|style|textarea)>"),
        ("<!--", "-->"),
        (r"<\?", r"\?>"),
        ("<![A-Z]", ">"),
        (r"<!\[CDATA\[", r"\]\]>"),
        (rf"</?(?:{_BLOCKS})(?:\s|/?>|$)", None),
    )
)
LONE_TAG: Final = re.compile(rf"(?:{_OPEN_TAG}|{_CLOSE_TAG})[ \t]*+$")
_TAG = re.compile(f"{_OPEN_TAG}|{_CLOSE_TAG}")
_ATTRIBUTE = re.compile(rf"({_NAME})\s*+=\s*+({_VALUE})")
_ADDRESSES = frozenset({"href", "src", "action", "cite", "background", "poster", "formaction"})
_AUTOLINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}+:[^\s<>]*+|[^\s<>@]++@[^\s<>@]++)>")
_VERBATIM = re.compile(r"<!--|<\?|<!\[CDATA\[|<![A-Za-z]")
_VERBATIM_ENDS = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>"}  # any other: ">"

_STOP = re.compile(r"[\\`<\[\]]|https?://|www\.", re.IGNORECASE)
_TICKS = re.compile("`++")
_BARE_URL = re.compile(r"[^\s<>`*\[\]()|]++")
_DEFINITION = re.compile(r"\]:\s*+(\S++)")
_SPACE = re.compile(r"\s*+")
_POINTED = re.compile(r"<((?:[^<>\\\r\n]|\\.)*+)>")
_ADDRESS_PART = re.compile(r"[^\s()\\]++|\\[^\s]|[()\\]")
_LINK_TITLE = re.compile(
    r'"(?:[^"\\]|\\.)*+"|\'(?:[^\'\\]|\\.)*+\'|\((?:[^()\\]|\\.)*+\)', re.DOTALL
)
_DEEPEST = 32  # parentheses nested in an address; CommonMark's readers give up there, too


def paragraph(text: str, start: int, end: int) -> Iterator[Region]:
    """The regions of `text[start:end]`: a paragraph or heading, from some line on a table maybe."""
    lines = [line.span(1) for line in LINE.finditer(text, start, end)]
    for number, line in enumerate(lines):
        if number and _DELIMITER_ROW.match(text, *line):
            yield from _stretch(text, start, lines[number - 1][0], Place.CODE)
            for row in lines[number - 1 :]:
                for cell in _CELL.finditer(text, *row):
                    yield from _stretch(text, *cell.span(), Place.CELL_CODE)
            return
    yield from _stretch(text, start, end, Place.CODE)


def html(text: str, start: int, end: int) -> Iterator[Region]:
    """The regions of `text[start:end]`, which is a block of HTML; they cover all of it."""
    position = start
    for tag in _TAG.finditer(text, start, end):
        yield position, tag.start(), Place.HTML
        yield from _tag(text, tag.start(), tag.end())
        position = tag.end()
    yield position, end, Place.HTML


def _stretch(text: str, start: int, end: int, code: Place) -> Iterator[Region]:
    """The regions of a stretch that no code span or link leaves; `code` is what its code is."""
    ticks: defaultdict[int, list[int]] = defaultdict(list)
    for run in _TICKS.finditer(text, start, end):
        ticks[run.end() - run.start()].append(run.start())
    endless: set[str] = set()  # what opens here and is known to be closed nowhere after
    brackets: list[int] = []
    position = start
    while stop := _STOP.search(text, position, end):
        at = stop.start()
        position = at + 1
        match text[at]:
            case "\\":
                position = at + 2
            case "`":
                position = _TICKS.match(text, at, end).end()  # type: ignore[union-attr]
                closers = ticks[position - at]
                closer = bisect_left(closers, position)
                if closer < len(closers):
                    yield position, closers[closer], code
                    position = closers[closer] + position - at
            case "<":
                regions, position = _angle(text, at, end, endless)
                yield from regions
            case "[":
                brackets.append(at)
            case "]":
                if brackets:
                    regions, position = _link_tail(text, brackets.pop(), position, start, end)
                    yield from regions
            case _:
                url = _BARE_URL.match(text, at, end)
                position = url.end() if url else stop.end()
                yield at, position, Place.URL


def _angle(text: str, at: int, end: int, endless: set[str]) -> tuple[list[Region], int]:
    """What the `<` at `at` begins, and the position after it; nothing and the next character."""
    if link := _AUTOLINK.match(text, at, end):
        return [(at + 1, link.end() - 1, Place.URL)], link.end()
    if tag := _TAG.match(text, at, end):
        return list(_tag(text, at, tag.end())), tag.end()
    if opener := _VERBATIM.match(text, at, end):
        closer = _VERBATIM_ENDS.get(opener[0], ">")
        close = -1 if closer in endless else text.find(closer, opener.end(), end)
        if close >= 0:
            return [(at, close, Place.HTML)], close + len(closer)
        endless.add(closer)
    return [], at + 1


def _tag(text: str, start: int, end: int) -> Iterator[Region]:
    """The regions of one HTML tag: values by what they hold, and TAG for all between them."""
    position = start
    for attribute in _ATTRIBUTE.finditer(text, start, end):
        yield position, attribute.start(2), Place.TAG
        is_address = attribute[1].lower() in _ADDRESSES
        yield *attribute.span(2), Place.URL if is_address else Place.VALUE
        position = attribute.end()
    yield position, end, Place.TAG


def _link_tail(text: str, bracket: int, at: int, start: int, end: int) -> tuple[list[Region], int]:
    """What follows a `]`: the address and title of a link, and the position after them."""
    before = text[max(start, bracket - 4) : bracket].rstrip(" ")
    opens_line = before.endswith(("\r", "\n")) or (not before and bracket - start < 4)
    if opens_line and (definition := _DEFINITION.match(text, at - 1, end)):
        return [(*definition.span(1), Place.URL)], definition.end()
    if not text.startswith("(", at, end):
        return [], at
    address = _spaces(text, at + 1, end)
    if pointed := _POINTED.match(text, address, end):
        regions: list[Region] = [(*pointed.span(1), Place.URL)]
        position = pointed.end()
    else:
        position = _address_end(text, address, end)
        regions = [(address, position, Place.URL)]
    after = _spaces(text, position, end)
    if after > position and (title := _LINK_TITLE.match(text, after, end)):
        regions.append((*title.span(), Place.VALUE))
        after = _spaces(text, title.end(), end)
    if text.startswith(")", after, end):
        return regions, after + 1
    return [], at


def _spaces(text: str, at: int, end: int) -> int:
    space = _SPACE.match(text, at, end)
    return space.end() if space else at


def _address_end(text: str, start: int, end: int) -> int:
    """Where an address without angle brackets ends: at white space or the link's own `)`."""
    depth = 0
    position = start
    while part := _ADDRESS_PART.match(text, position, end):
        if part[0] == "(":
            depth += 1
        elif part[0] == ")":
            depth -= 1
        if depth < 0 or depth > _DEEPEST:
            break
        position = part.end()
    return position
