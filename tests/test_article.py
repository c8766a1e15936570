"""An article is read whatever it looks like, and rendering changes nothing but its slots."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.articles.article import Article, Problem, parse
from detector.errors import BrokenArticle, MissingFacts

ARTICLES = Path(__file__).parents[1] / "articles"
SEED = "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight"
FACTS = {
    "virtualNetworkName": "vnet_hub_weu",
    "gatewayVip": "203.0.113.10, 203.0.113.11",
    "preciseTimestamp": "2026-11-22T02:14:07.123Z",
}
HEADER = '<properties\ndiagnosticScenario="a"\n/>\n'


def an_article(body: str, *, header: str = HEADER) -> Article:
    """An article with a title and a body."""
    return parse(f"{header}# Title\n{body}")


def codes(article: Article) -> list[str]:
    """What is wrong with an article, by code, in the order of its lines."""
    return [problem.code for problem in article.problems]


def the_seed() -> str:
    """The first article's text, with its line ends as they are."""
    return (ARTICLES / f"{SEED}.md").read_bytes().decode()


class TestTheSeed:
    """The article that started the project."""

    def test_it_has_no_problem_and_says_what_it_is_for(self) -> None:
        article = parse(the_seed())

        assert () == article.problems
        assert (SEED,) == article.scenarios
        assert SEED == article.article_id
        assert frozenset({"AzureCloud"}) == article.clouds
        assert ("virtualNetworkName", "gatewayVip", "preciseTimestamp") == article.slots
        assert "Virtual network gateway has switched over to a backup instance" == article.title
        assert article.description.startswith("We have identified that")
        assert article.description.endswith("VPN Tunnel redundancy during this time.")

    def test_rendering_changes_its_slots_and_its_marks_and_nothing_else(self) -> None:
        text = the_seed()
        expected = text[text.index("# Virtual") :]
        for mark in ("<!--issueDescription-->", "<!--/issueDescription-->"):
            expected = expected.replace(mark, "")
        for name, fact in FACTS.items():
            expected = expected.replace(f"<!--${name}-->[{name}]<!--/${name}-->", fact)

        assert expected == parse(text).render(FACTS)


class TestHeader:
    """The header is read as authors have really written it."""

    def test_names_are_found_in_any_case_and_keep_their_spelling(self) -> None:
        properties = parse('<Properties ownershipID="x" selfhelptype="Diagnostics"/>').properties

        assert "x" == properties["OWNERSHIPid"]
        assert "Diagnostics" == properties["selfHelpType"]
        assert ["ownershipID", "selfhelptype"] == list(properties)
        assert "nothing" not in properties

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('\ufeff\r\n\n<properties\r\n\ta="1"\n  b=""\r\n/>', {"a": "1", "b": ""}),
            ('<properties a="1" b = "2"c="3"/>', {"a": "1", "b": "2", "c": "3"}),
            ('<properties a="x /> y"\nb="<1> & >2"\n/>', {"a": "x /> y", "b": "<1> & >2"}),
            ('<properties a="one\ntwo" b="2" />', {"a": "one\ntwo", "b": "2"}),
            ('<properties ms.author="1"\n/>', {"ms.author": "1"}),
        ],
    )
    def test_a_well_formed_header_has_no_problem(self, text: str, expected: object) -> None:
        article = parse(f"{text}\n# Title\n")

        assert expected == dict(article.properties)
        assert [] == codes(article)
        assert "# Title\n" == article.render({})

    @pytest.mark.parametrize(
        ("text", "expected", "code", "line"),
        [
            ("", {}, "header-missing", 1),
            ('<properties\na="1\nb="2"\n/>', {"a": "1", "b": "2"}, "header-quote", 2),
            ('<properties\na="1\n/>', {"a": "1"}, "header-quote", 2),
            ("<properties\na='1\n/>", {"a": "1"}, "header-quote", 2),
            ('<properties\na=1\nb="2"/>', {"a": "1", "b": "2"}, "header-quote", 2),
            ("<properties\na='1'\n/>", {"a": "1"}, None, 0),
            ("<properties a=“1” />", {"a": "1"}, None, 0),
            ('<properties\na="x "y" z"\n/>', {"a": 'x "y" z'}, "header-quote", 2),
            ('<properties\na="<a b="c">d</a>"\n/>', {"a": '<a b="c">d</a>'}, "header-quote", 2),
            ('<properties\na="1"\nb\n/>', {"a": "1"}, "header-attribute", 3),
            ('<properties\na="1"\nb />', {"a": "1"}, "header-attribute", 3),
            ('<properties\na="1 />', {"a": "1 "}, "header-quote", 2),
            ('<properties\na="1"\nA="2"\n/>', {"a": "1"}, "header-duplicate", 3),
            ('<properties\na="1">', {"a": "1"}, "header-end", 2),
            ('<properties\na="1"', {"a": "1"}, "header-end", 3),
        ],
    )
    def test_a_malformed_header_is_told_and_read_as_far_as_it_goes(
        self, text: str, expected: object, code: str | None, line: int
    ) -> None:
        article = parse(f"{text}\n# Title\n")

        assert expected == dict(article.properties)
        assert "Title" == article.title
        assert [(code, line)] * bool(code) == [(p.code, p.line) for p in article.problems]

    def test_each_value_whose_quote_is_never_closed_ends_with_its_line(self) -> None:
        article = parse("<properties\na='1\nb='2\n/>\n# Title\n")

        assert "Properties({'a': '1', 'b': '2'})" == repr(article.properties)
        assert [("header-quote", 2), ("header-quote", 3)] == [
            (problem.code, problem.line) for problem in article.problems
        ]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('<properties\na="1', {"a": "1"}),
            ("<properties\na='1 b='2", {"a": "1 b='2"}),
            ('<properties\na="1"\nb="2', {"a": "1", "b": "2"}),
        ],
    )
    def test_a_header_that_breaks_off_within_a_value_is_read_so_far(
        self, text: str, expected: dict[str, str]
    ) -> None:
        article = parse(text)

        assert expected == dict(article.properties)
        assert {"header-quote", "header-end", "title-missing"} == set(codes(article))

    def test_a_header_that_never_ends_keeps_the_body_out(self) -> None:
        article = parse('<properties\na="1"\n\nText with a = "b".\n\n# Title\n')

        assert "Title" == article.title

    def test_the_lists_and_words_are_read_in_any_case_and_spacing(self) -> None:
        article = parse(
            '<properties diagnosticscenario="a, b ,," '
            'cloudEnvironments="PUBLIC,fairfax , Mooncake,usNat,ussec,blackForest,mars"/>'
        )

        assert ("a", "b") == article.scenarios
        assert "a" == article.article_id
        assert {
            "AzureCloud",
            "AzureUSGovernment",
            "AzureChinaCloud",
            "AzureUSNat",
            "AzureUSSec",
        } < (article.clouds)
        assert ("mars",) == article.unknown_clouds

    def test_without_scenario_and_cloud_there_are_none(self) -> None:
        article = parse('<properties diagnosticScenario="" />')

        assert ((), "", frozenset()) == (article.scenarios, article.article_id, article.clouds)


class TestTitle:
    """The title is the text of the first H1."""

    @pytest.mark.parametrize(
        ("body", "title"),
        [
            ("# A gateway", "A gateway"),
            ("   #   A gateway ##  ", "A gateway"),
            ("# **A** `gateway` of _ours_", "A gateway of ours"),
            ("# A [gateway](https://learn.microsoft.com) &amp; C#", "A gateway & C#"),
            ("# vnet_hub_weu \\*", "vnet_hub_weu *"),
            ("# VIP <!--$vip-->[vip]<!--/$vip-->", "VIP [vip]"),
            ("A\ngateway\n====", "A gateway"),
            ("```\n# no\n```\n    # no\n\n# yes", "yes"),
            ("## Two\n# One", "One"),
            ("#", ""),
        ],
    )
    def test_the_title_is_the_text_without_its_marks(self, body: str, title: str) -> None:
        assert title == parse(HEADER + body).title

    def test_without_one_that_is_said(self) -> None:
        article = parse(HEADER + "## Details\n")

        assert "" == article.title
        assert ["title-missing"] == codes(article)

    def test_facts_go_into_it_as_they_are(self) -> None:
        article = parse(HEADER + "# VIP <!--$vip-->[vip]<!--/$vip--> moved")

        assert "VIP *_x_* moved" == article.title_with({"VIP": "*_x_*"})

    @pytest.mark.parametrize(
        ("heading", "title"),
        [
            ("# VIP `<!--$vip-->[vip]<!--/$vip-->`", "VIP a`b c"),
            ("# VIP {vip} is no `{vip}`", "VIP a`b c is no {vip}"),
            ('# VIP <b title="{vip}">', "VIP"),
        ],
    )
    def test_they_stand_in_it_as_text_on_one_line(self, heading: str, title: str) -> None:
        assert title == parse(HEADER + heading).title_with({"vip": "a`b\n c"})


class TestDescription:
    """issueDescription by the rules for what authors have written."""

    OPEN = "<!--issueDescription-->"
    CLOSE = "<!-- /IssueDescription -->"

    def test_a_pair_holds_it_headings_and_all(self) -> None:
        article = an_article(f"{self.OPEN}\nIt broke.\n## When\nNow.\n{self.CLOSE}\n## More\n")

        assert "It broke.\n## When\nNow." == article.description
        assert [] == codes(article)

    @pytest.mark.parametrize("first", [OPEN, CLOSE])
    @pytest.mark.parametrize("then", [f"{CLOSE}\nmore", "## Details\nmore", ""])
    def test_unbalanced_it_runs_to_the_next_mark_or_heading(self, first: str, then: str) -> None:
        if first == self.OPEN and then.startswith(self.CLOSE):
            then = "# Details"

        article = an_article(f"Before.\n{first}\nIt broke.\n{then}\n")

        assert "It broke." == article.description
        assert [("description-unbalanced", 6)] == [(p.code, p.line) for p in article.problems]
        assert f"# Title\nBefore.\n\nIt broke.\n{then.replace(self.CLOSE, '')}\n" == (
            article.render({})
        )

    def test_of_several_pairs_the_first_counts(self) -> None:
        pairs = f"{self.OPEN}one{self.CLOSE} {self.OPEN}two{self.CLOSE}"

        article = an_article(pairs)

        assert "one" == article.description
        assert ["description-unbalanced"] == codes(article)
        assert "# Title\none two" == article.render({})

    def test_none_is_no_problem(self) -> None:
        article = an_article("It broke.")

        assert ("", []) == (article.description, codes(article))

    def test_slots_around_it_are_no_part_of_it(self) -> None:
        around = "<!--$a-->[a]<!--/$a-->"
        article = an_article(
            f"{around}\n<!--issueDescription-->\nIt happened.\n<!--/issueDescription-->\n{around}"
        )

        assert "It happened." == article.description

    def test_slots_in_it_read_as_their_defaults(self) -> None:
        text = f"{self.OPEN}VIP <!--$vip-->[vip]<!--/$vip-->{self.CLOSE}"

        assert "VIP [vip]" == an_article(text).description


class TestSlots:
    """A slot is filled wherever it stands; a default may hold anything."""

    @pytest.mark.parametrize(
        ("body", "name"),
        [
            ("<!--$vip-->[vip]<!--/$vip-->", "vip"),
            ("<!--$vip-->vip<!--/$VIP-->", "vip"),
            ("<!-- $vip --> vip <!-- /$vip\t-->", "vip"),
            ("<!--$vip-->any\n\ntext > `here`<!--/$vip-->", "vip"),
            ("<!--$vip--><!--/$vip-->", "vip"),
            ("<!--$List of Public IPs-->x<!--/$List of public IPs-->", "List of Public IPs"),
            ("<!--$match.Reason-->x<!--/$match.Reason-->", "match.Reason"),
        ],
    )
    def test_opener_default_and_closer_give_way_to_the_fact(self, body: str, name: str) -> None:
        article = an_article(f"a {body} b")

        assert (name,) == article.slots
        assert [] == codes(article)
        assert "# Title\na 203.0.113.10 b" == article.render({name.upper(): "203.0.113.10"})

    def test_names_are_told_once_in_order_of_appearance(self) -> None:
        article = an_article("<!--$b-->1<!--/$b--><!--$A-->2<!--/$A--><!--$B-->3<!--/$B-->")

        assert ("b", "A") == article.slots

    def test_every_missing_fact_is_named_at_once(self) -> None:
        article = parse("<!--$b-->1<!--/$b--> <!--$a-->2<!--/$a--> <!--$c-->3<!--/$c-->", path="x")

        with pytest.raises(MissingFacts, match=r"^x: no fact for b, c;") as caught:
            article.render({"A": "1"})
        assert ("b", "c") == caught.value.names

    def test_a_closer_without_opener_is_told_and_cannot_be_rendered(self) -> None:
        article = parse(HEADER + "# Title\n\nVIP <!--/$vip-->", path="broken.md")

        assert ["slot-unopened"] == codes(article)
        with pytest.raises(BrokenArticle, match=r"^broken\.md:6: slot-unopened vip") as caught:
            article.render({"vip": "203.0.113.10"})
        assert article.problems == caught.value.problems

    def test_a_slot_that_is_never_closed_is_filled_and_its_text_stays(self) -> None:
        article = an_article("VIP <!--$vip-->[vip] of <!--$vip-->[vip]<!--/$vip-->.")

        assert ["slot-unclosed"] == codes(article)
        assert "# Title\nVIP x[vip] of x." == article.render({"vip": "x"})

    def test_a_slot_inside_another_goes_with_it_and_is_told(self) -> None:
        article = an_article("<!--$a-->1<!--$b-->2<!--/$b-->3<!--/$a-->.")

        assert ["slot-nested"] == codes(article)
        assert ("a", "b") == article.slots
        assert "# Title\nx." == article.render({"a": "x", "b": "y"})

    def test_overlapping_slots_lose_no_text_outside_them(self) -> None:
        article = an_article("<!--$a-->1<!--$b-->2<!--/$a-->3<!--/$b-->.")

        assert "# Title\nx3." == article.render({"a": "x", "b": "y"})

    def test_what_only_begins_like_a_mark_is_the_authors_text(self) -> None:
        article = an_article("x <!--$a- > y <!--$b--!>")

        assert () == article.slots
        assert "x <!--$a- > y <!--$b--!>" in article.render({})

    @pytest.mark.parametrize(
        ("body", "rendered"),
        [
            ("`<!--$a-->x<!--/$a-->`", "`\xa0`"),
            ("<div>\n<!--$a-->x<!--/$a-->\n</div>", "<div>\n&#32;\n</div>"),
        ],
    )
    def test_a_blank_fact_ends_neither_code_nor_html(self, body: str, rendered: str) -> None:
        assert rendered in an_article(body).render({"a": " "})

    def test_other_comments_are_the_authors_text(self) -> None:
        body = "<!-- note --><!--$--><!--/$--><!--vip--><!---->\n"

        assert "# Title\n" + body == an_article(body).render({})


class TestBraces:
    """A brace token is filled only if there is a fact for it, and only outside code."""

    def test_it_is_filled_in_any_case_or_stays(self) -> None:
        article = an_article("{VIP} and { time } and {<IDENTIFIER>} and {}")

        assert () == article.slots
        assert "# Title\n203.0.113.10 and { time } and {<IDENTIFIER>} and {}" == (
            article.render({"vip": "203.0.113.10"})
        )

    def test_it_is_worth_a_note_with_its_line(self) -> None:
        article = an_article("VIP\n<!--$a-->\n\n<!--/$a-->\n{vip}")

        assert [("brace-token", 9, True)] == [(p.code, p.line, p.is_note) for p in article.problems]

    @pytest.mark.parametrize(
        "code",
        ["`{vip}`", "``a ` {vip}``", "```\n{vip}\n```", "~~~ {vip}\n\n{vip}", "\n    {vip}"],
    )
    def test_in_code_it_stays(self, code: str) -> None:
        article = an_article(code)

        assert [] == codes(article)
        assert f"# Title\n{code}" == article.render({"vip": "x"})

    @pytest.mark.parametrize(
        "text", ["\\`{vip}`", "`a\n\n{vip}`", "a\n    {vip}", "- a\n\n    {vip}", "``{vip}`"]
    )
    def test_what_only_looks_like_code_is_none(self, text: str) -> None:
        assert f"# Title\n{text.replace('{vip}', 'x')}" == an_article(text).render({"vip": "x"})

    def test_domain_and_resource_id_go_into_a_link_of_the_portal(self) -> None:
        link = "[it](https://portal.azure.com/#@{$domain}/resource{$resourceIdDecoded}/overview)"
        facts = {"domain": "", "$resourceIdDecoded": "/subscriptions/1/x_y/a b)"}

        assert (
            "# Title\n[it](https://portal.azure.com/#@/resource/subscriptions/1/x_y/a%20b%29/overview)"
            == an_article(link).render(facts)
        )

    def test_a_fact_that_looks_like_a_slot_is_not_filled_again(self) -> None:
        article = an_article("<!--$a-->1<!--/$a--> {b}")

        assert "# Title\n{b} \\<!--$a--\\>" == article.render({"a": "{b}", "b": "<!--$a-->"})


def test_line_ends_stay_as_they_are() -> None:
    text = '<properties a="b"\r\n/>\r\n# Title\r\nVIP\n<!--$vip-->[vip]\r\n<!--/$vip-->\r\n\rend'

    assert "# Title\r\nVIP\nx\r\n\rend" == parse(text).render({"vip": "x"})


def test_a_problem_is_shown_with_its_file_and_line() -> None:
    problem = Problem(line=7, code="title-missing", message="give it one", path=Path("a.md"))

    assert "a.md:7: title-missing give it one" == str(problem)


PIECES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        [
            "<properties",
            'a="b"',
            "/>",
            "\n",
            "\r\n",
            "# ",
            "<!--$a-->",
            "<!--/$a-->",
            "<!--$b-->",
            "<!--/$B-->",
            "<!--issueDescription-->",
            "<!--/issueDescription-->",
            "<!--",
            "-->",
            "{a}",
            "`",
            "```\n",
            "    ",
            "> ",
            "- ",
            "[a](",
            ")",
            "<a href='",
            "<div>",
            "|-|\n",
            '="',
        ]
    ),
)


@given(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=5))
@example("<!--$a-->", "")
def test_every_text_can_be_read_and_rendered_unless_a_slot_was_never_opened(
    text: str, fact: str
) -> None:
    article = parse(text)
    facts = dict.fromkeys(article.slots, fact)

    assert len(text.splitlines()) + 1 >= max((p.line for p in article.problems), default=0)
    if "slot-unopened" in codes(article):
        with pytest.raises(BrokenArticle):
            article.render(facts)
    else:
        assert isinstance(article.render(facts) + article.title + article.description, str)


PLAIN = st.text(st.characters(exclude_characters="<>{}", exclude_categories=["Cs"]), max_size=20)
SLOT = st.tuples(st.sampled_from(["a", "b", "gateway Vip", "c.d"]), PLAIN)


@given(st.lists(st.one_of(PLAIN, SLOT), max_size=12))
def test_rendering_changes_only_the_slots(parts: list[str | tuple[str, str]]) -> None:
    """A fact of plain letters needs no escape anywhere, so the result is known to the byte."""
    text = "".join(
        part if isinstance(part, str) else f"<!--${part[0]}-->{part[1]}<!--/${part[0]}-->"
        for part in parts
    )
    expected = "".join(part if isinstance(part, str) else "fact" for part in parts)
    article = parse(f"{HEADER}{text}")
    by_reference = "".join(
        f"&#{ord(letter)};" if number == 0 else letter for number, letter in enumerate("fact")
    )

    rendered = article.render(dict.fromkeys(article.slots, "fact"))

    # after an `&`, as in `&<slot>;`, the fact must not become the name of a character
    assert expected == rendered.replace(by_reference, "fact")
