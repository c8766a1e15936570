"""What stands where in a Markdown text is what CommonMark's reader says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from detector.articles.inline import Place
from detector.articles.markdown import survey

COMMONMARK = MarkdownIt("commonmark")
PARTS = st.sampled_from(
    [
        *[
            "a",
            "b ",
            "- ",
            "1. ",
            "\n> ",
            "\n    ",
            "  ",
            "\t",
            "\n",
            "\n\n",
            "```",
            "~~~",
            "`",
            "``",
        ],
        *["\n# ", "#", "\n===", "---", "<div>", "</div>", "<b>", "<!-- ", "-->", "<pre>", "</pre>"],
        *["* ", "2) ", "\\", "<a href='x'>"],
    ]
)


@given(st.lists(PARTS, max_size=25).map("".join))
def test_code_and_blocks_of_html_are_where_the_reader_of_commonmark_finds_them(text: str) -> None:
    tokens = COMMONMARK.parse(text)
    blocks = sum(token.type in ("fence", "code_block") for token in tokens)
    spans = sum(child.type == "code_inline" for token in tokens for child in token.children or ())
    html_lines = {
        number
        for token in tokens
        if token.type == "html_block" and token.map
        for number in range(*token.map)
    }
    places = survey(text)

    assert blocks + spans == sum(place is Place.CODE for _, _, place in places.regions)
    assert {line for line in html_lines if text.split("\n")[line].strip(" \t>-*12.)")} <= {
        text.count("\n", 0, position)
        for start, end, place in places.regions
        if place is not Place.CODE
        for position in range(start, end)
    }
    headings = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    assert headings == [heading.level for heading in places.headings]


@given(st.lists(PARTS | st.text(max_size=3), max_size=25).map("".join))
def test_regions_stand_in_order_and_never_overlap(text: str) -> None:
    regions = survey(text).regions
    edges = [edge for start, end, _ in regions for edge in (start, end)]

    assert sorted(edges) == edges


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("here", Place.PROSE),
        ("`here`", Place.CODE),
        ("\\`here`", Place.PROSE),
        ("\there", Place.CODE),
        ("- a\n\n      here", Place.CODE),
        ("- a\n\n  here", Place.PROSE),
        ("> ```\n> here", Place.CODE),
        ("> ```\nhere", Place.PROSE),
        ("[a](https://h.example/here)", Place.URL),
        ("[a](</here there>)", Place.URL),
        ("[a](/b 'here')", Place.VALUE),
        ("[a](/b here)", Place.PROSE),
        ("[a](here", Place.PROSE),
        ("![a](here(b)c)", Place.URL),
        ("[a]: /here", Place.URL),
        ("See [a]: here", Place.PROSE),
        ("<https://h.example/here>", Place.URL),
        ("at https://h.example/here now", Place.URL),
        ('a <a href="here">b</a>', Place.URL),
        ('a <a title="here">b</a>', Place.VALUE),
        ("a <a here>b</a>", Place.TAG),
        ("a <b>here</b>", Place.PROSE),
        ("<td>here</td>", Place.HTML),
        ("<td>\n\nhere</td>", Place.PROSE),
        ("a <!-- here -->", Place.HTML),
        ("a <!-- here", Place.PROSE),
        ("| a |\n|---|\n| `here` |", Place.CELL_CODE),
        ("| ` |\n|---|\n| here ` |", Place.PROSE),
    ],
)
def test_each_place_is_known(text: str, place: Place) -> None:
    at = text.index("here")
    covering = [found for start, end, found in survey(text).regions if start <= at < end]

    assert [place] == (covering or [Place.PROSE])
