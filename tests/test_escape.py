"""A fact is read as it is, and acts as nothing, wherever it stands."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cmarkgfm import github_flavored_markdown_to_html
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from detector.articles.article import parse
from detector.articles.escape import Place, Spot, escaped, visible

if TYPE_CHECKING:
    from markdown_it.token import Token

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SLOT = "<!--$fact-->[fact]<!--/$fact-->"
SEED = "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight.md"
ARTICLE = (Path(__file__).parents[1] / "articles" / SEED).read_text(encoding="utf-8")

# Where a fact is text that is seen; `@` stands for the slot.
SEEN = [
    *["@", "- @", "1. @ a", "> @", "# @", "# a @ #", "a @ b", "**@**.", "a\n@", "a\n@\n\nb"],
    *["a\n=@", "@\n===", "@\n- a", "@. a", "@) a", "~~@~~", "--@", "==@", "#@", "1@ a", "* * @"],
    *["a@b", "@@", "  - a\n\n    @", "@\n---", "|a|b|\n|@|@|\n|c|d|", "| a |\n|---|\n| @ |"],
]
# Where it is code, a part of an address or of HTML, or stands close to what makes it one.
ELSEWHERE = [
    *["`@`", "```\n@\n```", "    @", "| a |\n|---|\n| `@` |", "`a` @ `b`", "[`@`](/@)"],
    *["[@](https://h.example/@/b)", "![@](/a.png)", "[a](<@>)", '[a](/b "@")', "@[a](/b)"],
    *["[a]@", "[a]: @\n\n[a]", "\\@", "<https://h.example/@>", "a @ https://h.example"],
    *["<div>@</div>\n", "<p>\n@\n</p>", "<a href='@'>@</a>", "a <b title=@>c</b>", "<br @>"],
    *["<@>", "</@>", "a <@> b", "&@; a", "&#@; a", "<!-- @ -->", "a <!-- @ --> b"],
]
HOSTILE = [
    *["http://h.example", "www.h.example", "a@h.example", "<b>", "</div>", "&amp;", "![a](b)"],
    *["javascript:alert(1)", "https://h.example/a b", "-->", "--- ", "1. a", "//h.example", "_a_"],
    *["a_b", "C#", "\u202ea", " onclick=a ", '" onclick="a', "unknown (the gateway is gone)"],
]
FACTS = st.one_of(
    st.text(alphabet=" \t\n*_`[]()<>&|!#~-+=.:1a/@\\\"'é;x{}$", max_size=8),
    st.text(max_size=6),
    st.sampled_from(HOSTILE),
)


def rendered(template: str, fact: str) -> list[Token]:
    """What a reader of CommonMark sees of an article with the fact."""
    return READER.parse(parse(template).render({"fact": fact}))


def shape(tokens: Sequence[Token]) -> Iterator[object]:
    """Everything but the text: blocks, emphasis, links, code and HTML."""
    for token in tokens:
        if token.type not in ("text", "softbreak"):
            yield token.type, token.tag, token.markup
        yield from shape(token.children or ())


def seen(tokens: Sequence[Token]) -> str:
    """The text that is seen, its white space made even, without what keeps an empty fact apart."""
    text = "".join(
        seen(token.children) if token.children is not None else token.content for token in tokens
    )
    return even(text.replace("\u200b", ""))


def even(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@given(st.sampled_from(SEEN), FACTS)
@example("**@**.", " a ")
@example("**@**.", "")
def test_a_fact_in_prose_is_read_as_it_is_and_changes_nothing_else(place: str, fact: str) -> None:
    template = place.replace("@", SLOT)

    assert [*shape(rendered(template, "x"))] == [*shape(rendered(template, fact))]
    assert even(visible(fact)) in seen(rendered(template, fact))


@given(st.sampled_from(ELSEWHERE), FACTS.filter(bool))
def test_a_fact_in_code_in_an_address_or_in_html_adds_nothing_to_it(place: str, fact: str) -> None:
    template = place.replace("@", SLOT)

    assert [*shape(rendered(template, "x"))] == [*shape(rendered(template, fact))]


@given(st.lists(FACTS, min_size=3, max_size=3))
def test_the_first_article_keeps_its_shape_and_tells_every_fact(facts: list[str]) -> None:
    article = parse(ARTICLE)
    tokens = READER.parse(article.render(dict(zip(article.slots, facts, strict=True))))
    plain = READER.parse(article.render(dict.fromkeys(article.slots, "x")))

    assert [*shape(plain)] == [*shape(tokens)]
    for fact in facts:
        assert even(visible(fact)) in seen(tokens)


@pytest.mark.parametrize("place", ["@", "**@**.", "- @", "# a @", "a <b>@</b>", "|a|\n|-|\n|@|"])
@given(fact=FACTS)
@example(fact="kim@h.example")
@example(fact="xmpp:kim@h.example/phone")
@example(fact="mailto:kim@h.example")
@example(fact="kim@h.example:443,lea@h.example")
@example(fact="www.h.example")
@example(fact="https://kim:secret@h.example/a_b")
def test_github_makes_no_link_of_a_fact_and_shows_it_as_it_is(place: str, fact: str) -> None:
    """Its renderer finds addresses in the text, whatever was written as an escape."""
    template = place.replace("@", SLOT)
    page = github_flavored_markdown_to_html(parse(template).render({"fact": fact}))
    shown = html.unescape(re.sub(r"<[^>]*>", "", page)).replace("\u200b", "")

    assert "<a " not in page
    assert even(visible(fact)) in even(shown)


@pytest.mark.parametrize(
    "fact",
    [
        "vnet_hub_weu",
        "203.0.113.10, 203.0.113.11",
        "2026-11-22T02:14:07.123Z",
        "unknown (the gateway no longer exists)",
        "VpnGw2AZ",
        "650 Mbps; 80 %",
        "CONTOSO\\alice",
        "R&D - Zürich/West",
        "C# & F#",
    ],
)
def test_ordinary_facts_need_no_escape(fact: str) -> None:
    article = parse(f"VIP **{SLOT}**.")

    expected = fact.replace("R&D", "R\\&D")  # `&D;` would be a letter
    assert f"VIP **{expected}**." == article.render({"fact": fact})


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("_x_ a__b", "\\_x\\_ a__b"),
        ("*a*", "\\*a\\*"),
        ("a\r\nb\tc", "a b c"),
        ("a\x1b[0m", "a\u241b\\[0m"),
        ("a\u202eb\ud800", "a\ufffdb\ufffd"),
        ("alice@h.example", "alice@\u200bh.example"),
        ("C:\\", "C:&#92;"),
        ("https://alice@h.example", "https\\:/\\/alice@\u200bh\\.example"),
        ("https://h.example", "https\\:/\\/h\\.example"),
    ],
)
def test_what_could_act_is_escaped_and_what_is_not_seen_is_shown(fact: str, expected: str) -> None:
    assert expected == escaped(fact, Spot(before="VIP "))


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("https://h.example/a?b=c&d", "https://h.example/a?b=c&amp;d"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("//h.example", "%2F%2Fh.example"),
        ("/subscriptions/1/x_y", "/subscriptions/1/x_y"),
    ],
)
def test_a_whole_address_is_a_page_of_the_web_or_a_path(fact: str, expected: str) -> None:
    assert expected == escaped(fact, Spot(place=Place.URL, leads_value=True))


def test_a_slash_after_the_articles_own_names_no_host() -> None:
    page = parse("# T\n\n[t](/<!--$a-->[a]<!--/$a-->)\n").render({"a": "/evil.example"})

    assert "[t](/%2Fevil.example)" in page


@pytest.mark.parametrize("fact", ["~~~", "~~~~~ x"])
def test_tildes_end_no_block_of_code(fact: str) -> None:
    page = parse("# T\n\n~~~\n<!--$a-->[a]<!--/$a-->\n~~~\n\n**tail**\n").render({"a": fact})

    assert "<strong>tail</strong>" in MarkdownIt().render(page)


def test_a_backtick_does_not_pair_with_one_of_the_authors() -> None:
    page = parse("# T\n\na ` b <!--$a-->[a]<!--/$a--> c\n").render({"a": "x`y"})

    assert "<code>" not in MarkdownIt().render(page)
