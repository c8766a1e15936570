"""What every page looks like: its frame, its colours and type, and the pieces that it is made of.

A page is one text: no script, no request, nothing but its own style, so that it works under
`default-src 'none'; style-src 'unsafe-inline'; img-src data:`. It follows the reader's choice of
light or dark, prints, and is read on a phone, where the rows of a table become blocks.
All that a piece is given is plain text and is escaped here, unless it is named as HTML.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from detector.text import one_line

LONGEST: Final = 2000
"""As many characters of one text are shown; what is longer is cut visibly."""

MOST_WHOLE: Final = 24
"""So long is what may stay on one line; a longer name or address could be wider than the page."""

Tone = Literal["down", "warn", "good", "info", "quiet"]
"""How a piece is coloured. Its words or its mark say the same, for who does not see colours."""

MARKS: Final[dict[Tone, str]] = {
    "down": "\N{BLACK DOWN-POINTING TRIANGLE}",
    "warn": "\N{BLACK DIAMOND}",
    "good": "\N{CHECK MARK}",
    "info": "\N{BLACK CIRCLE}",
    "quiet": "\N{WHITE CIRCLE}",
}
"""The mark before the words of a pill, of a shape of its own for each tone."""


def frame(title: str, body: str, *, above: str = "", below: str = "", style: str = "") -> str:
    """A whole page: `body` in its main part, between the HTML `above` and `below` it.

    `style` is CSS that only this page needs.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f'<title>{shown(title)}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{_css()}{style}</style>\n</head>\n<body>\n"
        f"{_part('header', above)}<main>\n{body}\n</main>\n{_part('footer', below)}"
        "</body>\n</html>\n"
    )


def _part(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>\n" if content else ""


@cache
def _css() -> str:
    return Path(__file__).with_name("sheet.css").read_text(encoding="utf-8")


def shown(text: str, most: int = LONGEST) -> str:
    """Text on one line, escaped for HTML and for the value of an attribute, cut visibly."""
    return html.escape(one_line(text, most))


def link(label: str, url: str) -> str:
    """A link; the label alone where the URL is neither of the web nor a path of the app."""
    is_safe = url.startswith(("https://", "http://", "./", "../", "#", "?", "/"))
    if not is_safe or url.startswith("//"):
        return shown(label)
    away = ' rel="noopener noreferrer"' if url.startswith("http") else ""
    return f'<a href="{html.escape(url)}"{away}>{shown(label)}</a>'


def pill(tone: Tone, text: str) -> str:
    """A short state in words, with the mark and the colour of its tone."""
    return (
        f'<span class="pill {tone}"><span aria-hidden="true">{MARKS[tone]}</span> '
        f"{shown(text, 80)}</span>"
    )


def card(heading: str, content: str, *, key: str, tone: Tone | None = None) -> str:
    """A part of the page under a heading of its own; `key` is its anchor, `content` is HTML."""
    classes = "card" if tone is None else f"card {tone}"
    return (
        f'<section class="{classes}" id="{key}" aria-labelledby="{key}-h">'
        f'<h2 id="{key}-h">{shown(heading)}</h2>{content}</section>\n'
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names beside their values, which are HTML."""
    return "<dl>" + "".join(f"<dt>{shown(n)}</dt><dd>{value}</dd>" for n, value in pairs) + "</dl>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table. Figures stand to the right; what is whole, and short, stays on one line.

    On a phone the leads of a row stand at the head of its block, without the column's name.
    """

    name: str
    is_figure: bool = False
    is_whole: bool = False
    is_lead: bool = False


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """A table of HTML cells, whose rows become blocks on a phone.

    The caption is not seen, but read aloud. The roles keep it a table where its rows are blocks.
    """
    head = "".join(
        f'<th scope="col" role="columnheader"{_kind(each, each.name)}>{shown(each.name)}</th>'
        for each in columns
    )
    body = "".join(f'<tr role="row">{_cells(columns, row)}</tr>' for row in rows)
    return (
        f'<table class="rows" role="table"><caption class="hidden">{shown(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )


def _cells(columns: Sequence[Column], row: Sequence[str]) -> str:
    return "".join(
        f'<td role="cell" data-name="{shown(column.name)}"{_kind(column, cell)}>{cell}</td>'
        for column, cell in zip(columns, row, strict=True)
    )


def _kind(column: Column, content: str) -> str:
    is_whole = column.is_whole and len(content) <= MOST_WHOLE
    kinds = {"figure": column.is_figure, "whole": is_whole, "key": column.is_lead}
    named = " ".join(kind for kind, is_so in kinds.items() if is_so)
    return f' class="{named}"' if named else ""
