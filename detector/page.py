"""Markdown as HTML and as plain text, with nothing in it that acts.

Articles carry raw HTML (`<br>`, tables, links), so it is let through the renderer and then cleaned
against a list of what is harmless. Images, scripts, styles and links to anything but the web,
mail and the page itself do not get through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def to_html(markdown: str) -> str:
    """The Markdown as an HTML fragment, clean of all that could act."""
    import nh3

    rendered = _renderer().render(markdown)
    return nh3.clean(rendered, tags=nh3.ALLOWED_TAGS - {"img"}, url_schemes=set(_SCHEMES))


def to_text(markdown: str) -> str:
    """The Markdown as text: lists with their marks, a link as its text and address."""
    blocks = "".join(_blocks(_renderer().parse(markdown)))
    return _BLANK_LINES.sub("\n\n", blocks).strip() + "\n"


def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("js-default", {"html": True})


def _blocks(tokens: Sequence[Token]) -> Iterator[str]:
    marks: list[str] = []  # the mark of each list item around, until it is written
    numbers: list[int | None] = []
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            ordered = token.type == "ordered_list_open"
            numbers.append(int(token.attrs.get("start", 1)) if ordered else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
            yield "" if numbers else "\n"
        elif token.type == "list_item_open":
            marks.append("-" if numbers[-1] is None else f"{numbers[-1]}.")
            numbers[-1] = None if numbers[-1] is None else numbers[-1] + 1
        elif token.type == "list_item_close":
            marks.pop()
        elif token.type == "inline":
            indent = "   " * max(len(numbers) - 1, 0)
            mark = f"{marks[-1]} " if marks and marks[-1] else ""
            if marks:
                marks[-1] = ""
            yield f"{indent}{mark}{_inline(token.children or [])}\n"
        elif token.type in ("fence", "code_block"):
            yield f"{token.content}\n"
        elif token.type in ("paragraph_close", "heading_close") and not numbers:
            yield "\n"


def _inline(tokens: Sequence[Token]) -> str:
    text: list[str] = []
    address = ""
    for token in tokens:
        if token.type in ("text", "code_inline"):
            text.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            text.append("\n" if token.type == "hardbreak" else " ")
        elif token.type == "link_open":
            address = str(token.attrs.get("href", ""))
        elif token.type == "link_close":
            text.append(f" ({address})" if address.startswith(("http", "mailto")) else "")
    return "".join(text)
