"""An article as HTML and as text: all of it is there, and nothing in it acts."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.articles.article import parse
from detector.articles.escape import visible
from detector.insights.html import text_of, to_html, to_text

RESOURCE = "https://portal.azure.com/#resource/subscriptions/s/vpn-hub"
HARMLESS_LINKS = ("http://", "https://", "mailto:", "#", "/")
ARTICLE = parse(
    '<properties a="b"\n/>\n# Of <!--$name-->[name]<!--/$name-->\n\n'
    "It is **<!--$name-->[name]<!--/$name-->**, and\n\n"
    "- <!--$name-->[name]<!--/$name-->\n\n"
    "| name |\n|---|\n| <!--$name-->[name]<!--/$name--> |\n\n"
    "<p>raw <b><!--$name-->[name]<!--/$name--></b></p>\n"
)
MARKUP = st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!|\\#-+.:;/= \taxb10\n\u202e\u00e9"))
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<a href='data:text/html,x'>x</a>",
    "</p><svg/onload=alert(1)>",
    "https://evil.example",
    "kim@example.net",
    "| a | b |",
    "vnet_hub_weu",
    "R&amp;D <b>",
]


class Elements(HTMLParser):
    """Every element of HTML, with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.shown = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.shown += data


@pytest.mark.parametrize("fact", HOSTILE)
def test_a_fact_is_read_as_it_is_and_acts_as_nothing(fact: str) -> None:
    plain = Elements(to_html(ARTICLE.render({"name": "x"})))

    html = Elements(to_html(ARTICLE.render({"name": fact})))

    assert plain.tags == html.tags
    assert plain.attributes == html.attributes
    assert 5 == html.shown.count(fact)
    assert 5 == to_text(ARTICLE.render({"name": fact})).count(fact)


@given(MARKUP)
def test_no_fact_changes_the_elements_around_it(fact: str) -> None:
    plain = Elements(to_html(ARTICLE.render({"name": "x"})))

    html = Elements(to_html(ARTICLE.render({"name": fact})))

    assert plain.tags == html.tags
    assert plain.attributes == html.attributes


@given(MARKUP)
@example("#")  # would close a heading
def test_text_shows_every_word_of_a_fact(fact: str) -> None:
    words = visible(fact).split()

    text = to_text(ARTICLE.render({"name": fact}))

    assert " ".join(["Of", *words]) == " ".join(text.split("\n\n")[0].split())


@pytest.mark.parametrize("unseen", ["\u200b", "&#8203;"])
def test_what_is_not_seen_hides_no_address_that_acts(unseen: str) -> None:
    html = Elements(to_html(f"<a href='java{unseen}script:x'>x</a> [x](java{unseen}script:x)"))

    assert not [value for _, value in html.attributes if (value or "").startswith("javascript")]


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<style>p { display: none }</style>",
        '<p onclick="alert(1)" style="color: red">x</p>',
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/x.png)",
        "[x](javascript:alert(1)) [x](vbscript:x) [x](data:text/html,x) [x](file:///etc/passwd)",
        "<a href=' jAvAsCrIpT:alert(1)'>x</a>",
        "<iframe src='https://evil.example'></iframe><object data=x></object><embed src=x>",
        "<form action='https://evil.example'><input><button>x</button></form>",
        "<svg onload=alert(1)><math><mtext><a href='javascript:x'>x</a></mtext></math></svg>",
        "<map><area href='data-blade:x'></map>",
        "<!-- a comment --> <?php x ?> <![CDATA[x]]>",
        "[x]: javascript:alert(1)\n\n[x]",
        "<base href='https://evil.example'><meta http-equiv=refresh content=0>",
    ],
)
def test_nothing_in_an_article_acts(markdown: str) -> None:
    html = Elements(to_html(markdown, resource_page=RESOURCE))
    acting = {"script", "style", "img", "iframe", "object", "embed", "form", "input", "button"}
    acting |= {"svg", "math", "base", "meta", "link", "area", "map"}

    assert acting.isdisjoint(html.tags)
    assert {"href", "rel", "title"}.issuperset(name for name, _ in html.attributes)
    assert all(
        (value or "").startswith(HARMLESS_LINKS)
        for name, value in html.attributes
        if name == "href"
    )


@pytest.mark.parametrize(
    "link",
    [
        "[Metrics](data-blade:Microsoft_Azure_Monitoring.MetricsBlade.id)",
        '<a href="data-blade:Microsoft_Azure_Monitoring.MetricsBlade">Metrics</a>',
        '<a title="a>b" href="DATA-BLADE:x" target="_blank">Metrics</a>',
    ],
)
def test_a_link_to_a_blade_is_text_with_a_link_to_the_resource_where_that_is_known(
    link: str,
) -> None:
    known = to_html(f"Open {link}, look.", resource_page=RESOURCE)

    assert (
        f'<p>Open Metrics (<a href="{RESOURCE}" rel="noopener noreferrer">in the portal</a>), '
        "look.</p>\n"
    ) == known
    assert "<p>Open Metrics, look.</p>\n" == to_html(f"Open {link}, look.")
    assert f"Open Metrics (in the portal <{RESOURCE}>), look.\n" == to_text(
        f"Open {link}, look.", resource_page=RESOURCE
    )


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("http://portal.azure.com", RESOURCE),
        ("https://portal.azure.us/#", RESOURCE),
        ("https://portal.azure.cn/#blade/Monitor", "https://portal.azure.com/#blade/Monitor"),
        ("https://ms.portal.azure.com/home", "https://portal.azure.com/home"),
        ("https://portal.azure.com.evil.example/", "https://portal.azure.com.evil.example/"),
    ],
)
def test_a_link_to_a_portal_leads_to_the_resource_or_to_this_clouds_portal(
    written: str, shown: str
) -> None:
    known = Elements(to_html(f"[x]({written})", resource_page=RESOURCE))
    unknown = Elements(to_html(f"[x]({written})"))

    assert ("href", shown) in known.attributes
    assert ("href", written) in unknown.attributes


def test_headings_are_as_much_deeper_as_is_asked() -> None:
    html = to_html("# a\n\n<h2>b</h2>\n\n###### c &lt;h1> `<h1>`\n", below_heading=1)

    assert ["h2", "h3", "h6", "code"] == Elements(html).tags
    assert 2 == Elements(html).shown.count("<h1>")


def test_the_address_of_the_resource_cannot_act_either() -> None:
    html = to_html("[x](data-blade:a)", resource_page='https://a.example/"onclick="alert(1)')

    assert ["href", "rel"] == [name for name, _ in Elements(html).attributes]


def test_a_table_survives_in_both_forms() -> None:
    markdown = "| SKU | Mbps |\n|---|---|\n| VpnGw1 | 650 |\n"
    raw = "<table><tr><th>SKU</th><th>Mbps</th></tr><tr><td>VpnGw1</td><td>650</td></tr></table>"

    assert 1 == to_html(markdown).count("<table>")
    assert "SKU | Mbps\nVpnGw1 | 650\n" == to_text(markdown)
    assert "SKU | Mbps\nVpnGw1 | 650\n" == to_text(raw)


def test_raw_html_of_authors_survives_where_it_is_harmless() -> None:
    html = to_html("a<br>b <a href='https://a.example/'>c</a>")

    assert ('<p>a<br>b <a href="https://a.example/" rel="noopener noreferrer">c</a></p>\n') == html


@pytest.mark.parametrize(
    ("clean", "text"),
    [
        ("", "\n"),
        ("<h1>Title</h1>\n<p>One\nline.</p><p>Another.</p>", "Title\n\nOne line.\n\nAnother.\n"),
        ("<p>first<br>second</p>", "first\nsecond\n"),
        ("<p>a &lt;b&gt; &amp; c</p>", "a <b> & c\n"),
        ('<p>See <a href="https://a.example/">there</a>.</p>', "See there <https://a.example/>.\n"),
        ('<a href="https://a.example/">https://a.example/</a>', "https://a.example/\n"),
        ('<a href="#part">part</a>', "part\n"),
        ('<a href="mailto:a@example.net">mail</a>', "mail <mailto:a@example.net>\n"),
        (
            '<ol start="9"><li>nine<ul><li>sub<br>more</li></ul></li><li>ten</li></ol><p>end</p>',
            "9. nine\n   - sub\n     more\n10. ten\n\nend\n",
        ),
        ("<ul><li><p>loose</p><p>item</p></li></ul>", "- loose\n  item\n"),
        ("<ul><li><ul><li>deep</li></ul></li></ul>", "- - deep\n"),
        (
            "<table><tr>\n<th>a</th>\n<th>b</th></tr><tr><td></td><td><p>1</p><p>2</p></td></tr>\n</table>end",
            "a | b\n | 1 2\n\nend\n",
        ),
        ("<pre><code>one\n\n  two\n</code></pre><p>end</p>", "one\n\n  two\n\nend\n"),
        ("<p>over</p><hr><p>under</p>", "over\n\n---\n\nunder\n"),
        ("<p>nothing: \u200b.</p>", "nothing: .\n"),
        ("</li></ul></table></a></pre><td>odd", "odd\n"),
        (f'<ol start="{"9" * 5000}"><li>a</li></ol>', "1. a\n"),
        ('<ol start="999999999"><li>a</li><li>b</li></ol>', "999999999. a\n1000000000. b\n"),
    ],
)
def test_text_is_what_a_reader_sees(clean: str, text: str) -> None:
    assert text == text_of(clean)


@pytest.mark.parametrize("deep", [100, 20_000])
def test_lists_of_any_depth_are_not_indented_without_bound(deep: int) -> None:
    text = text_of("<ul><li>a" * deep + "</li></ul>" * deep)

    assert ["- a", "  - a", "    - a"] == text.splitlines()[:3]
    assert deep == text.count("- a")
    assert max(map(len, text.splitlines())) == len("  " * 19 + "- a")


@pytest.mark.parametrize("page", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_a_page_of_the_resource_that_is_not_of_the_web_is_no_link(page: str) -> None:
    html = to_html("[here](https://portal.azure.com)", resource_page=page)

    assert page not in html
    assert "https://portal.azure.com" in html
