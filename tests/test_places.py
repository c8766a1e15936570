"""Where a slot stands is what a reader of CommonMark, with GitHub's tables, makes of its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.articles.escape import Place, Spot
from detector.articles.places import Survey, survey
from detector.articles.slots import take_apart


def surveyed(text: str) -> Survey:
    """The survey of a text in which each `@` is a slot."""
    return survey(text, [(at, at + 1) for at, letter in enumerate(text) if letter == "@"])


def spot_in(text: str) -> Spot:
    """What surrounds the one slot of a text."""
    (spot,) = surveyed(text).spots
    return spot


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("@", Place.PROSE),
        ("`@`", Place.CODE),
        ("\\`@`", Place.PROSE),
        ("\t@", Place.CODE),
        ("~~~ @\n~~~", Place.CODE),
        ("- a\n\n      @", Place.CODE),
        ("- a\n\n  @", Place.PROSE),
        ("> ```\n> @", Place.CODE),
        ("> ```\n@", Place.PROSE),
        ("[a](https://h.example/@)", Place.URL),
        ("[a](javascript:@)", Place.URL),
        ("[a](</b @>)", Place.URL),
        ("[@](/b)", Place.PROSE),
        ("[a](/b '@')", Place.VALUE),
        ("[a](/b @)", Place.PROSE),
        ("[a](@", Place.PROSE),
        ("![a](@(b)c)", Place.URL),
        ("![@](/b)", Place.PROSE),
        ("[a]: /@", Place.URL),
        ("[a]: /@\n\n[a]", Place.URL),
        ("[a]: /b '@'", Place.VALUE),
        ("[a]: /b\n[a]: /@", Place.URL),
        ("See [a]: @", Place.PROSE),
        ("<https://h.example/@>", Place.URL),
        ("at https://h.example/@ now", Place.URL),
        ("at WWW.h.example/@ now", Place.URL),
        ("at https://h.example/ @ now", Place.PROSE),
        ("`https://h.example/@`", Place.CODE),
        ('a <a href="@">b</a>', Place.URL),
        ("a <img\nSRC = @>", Place.URL),
        ('a <a title="@">b</a>', Place.VALUE),
        ("a <a @>b</a>", Place.TAG),
        ("a <a @='b'>b</a>", Place.TAG),
        ("a <b>@</b>", Place.PROSE),
        ("<td>@</td>", Place.HTML),
        ("<td title='@'>", Place.VALUE),
        ("<td>\n\n@</td>", Place.PROSE),
        ("a <!-- @ -->", Place.HTML),
        ("a <!-- @", Place.PROSE),
        ("| a |\n|---|\n| `@` |", Place.CELL_CODE),
        ("| ` |\n|---|\n| @ ` |", Place.PROSE),
        ("| a |\n|---|---|\n| `@` |", Place.CODE),
        ("| a |\n|---|\n\n`@`", Place.CODE),
    ],
)
def test_each_place_is_known(text: str, place: Place) -> None:
    assert place == spot_in(text).place


def test_a_slot_is_told_from_text_that_looks_like_what_stands_for_it() -> None:
    text = "`z0y0x z1y0x` @ z2y0 z"

    assert Place.PROSE == spot_in(text).place


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("[a](@)", True),
        ("[a](<@/b>)", True),
        ("[a](/@)", False),
        ("<a href='@'>", True),
        ("a <a href=@>", True),
        ("<a href='/@'>", False),
        ("https://@", False),
    ],
)
def test_an_address_that_begins_with_a_slot_is_known(text: str, leads: bool) -> None:  # noqa: FBT001
    assert Place.URL == spot_in(text).place
    assert leads == spot_in(text).leads_value


def test_the_text_around_a_slot_goes_with_it() -> None:
    text = f"a\r\n> - @ {'b' * 50}@."

    first, second = surveyed(text).spots

    assert ("a\r\n> - ", " ", True) == (first.before, first.after, first.leads_line)
    assert ("b" * 40, ".", False) == (second.before, second.after, second.leads_line)


def test_only_the_first_slot_of_a_line_leads_it() -> None:
    spots = surveyed("@@\r@\na @\n\n1. @").spots

    assert [True, False, True, False, True] == [spot.leads_line for spot in spots]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", ()),
        ("## a", ()),
        ("# <b></b>\n# a @ b", ("a ", 0, " b")),
        ("@\n\n> # *a* `@` &amp; ![@](/c) @", ("a ", 1, " & ", 2, " ", 3, "")),
        ("a\n@\n===", ("a ", 0, "")),
        ("```\n# a\n```", ()),
    ],
)
def test_the_title_is_what_the_first_h1_shows(text: str, title: tuple[str | int, ...]) -> None:
    assert title == surveyed(text).title


def test_headings_are_found_by_their_lines() -> None:
    text = "# a\r\n```\n# no\n```\r\r> ## b\n\nc\nd\n---\n"

    headings = surveyed(text).headings

    assert ["# a", "> ## b", "c"] == [text[at:].splitlines()[0] for at in headings]


PARTS = st.sampled_from(
    [
        *[
            "# ",
            "#",
            "a",
            "_",
            "*",
            "`",
            "[",
            "]",
            "(",
            ")",
            "<!-- ",
            "-->",
            "<!--$a-->",
            "![",
            "\\",
        ],
        *["\n", " ", "    ", "\t", "===", "&", ";", "~", "|", "{a}", "\u200b", "<b>"],
    ]
)


@given(st.lists(PARTS, max_size=12).map("".join))
def test_a_title_that_is_plain_to_see_is_one_for_a_reader_of_markdown(text: str) -> None:
    body = take_apart(f"# {text}", 0)

    assert bool(body.title) == body.has_title
