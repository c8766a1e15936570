"""The insight as Markdown keeps its structure, whatever names and messages it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from detector.articles.catalog import Catalog, load
from detector.diagnosis.bandwidth import Comparison
from detector.insights.compose import Library, Revision, compose_insight
from detector.insights.document import Insight, Reason
from detector.insights.summary import TEXT_LENGTH, to_markdown
from detector.model import Cause, CauseKind, EvidenceRow, State
from tests.builders import a_diagnosis, a_failover, a_gateway, a_switch_over, an_outage, at

SHIPPED = load(Path(__file__).parents[1] / "articles")
NONE = Catalog(_articles={})
MARKUP = st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!|\\#-+.:;/=~ @\tab1\n\r\u202e\u00e9"))


def an_insight(text: str = "x", *, catalog: Catalog = SHIPPED, drill: bool = False) -> Insight:
    """An insight in which every text from outside is `text`."""
    diagnosis = a_diagnosis(
        cause=Cause(
            kind=CauseKind.RESET, at=at(), caller=text, statement=f"{text} asked for a reset."
        ),
        outages=(
            replace(an_outage(), connection=text, instance=text),
            replace(an_outage(end=None), remote_ip=text),
        ),
        state=State.ONGOING,
        evidence=(EvidenceRow(at=at(), source=text, text=text),),
    )
    telling = Revision(
        failover=a_failover(a_switch_over(from_instance=text, to_instance=text)),
        diagnosis=diagnosis,
        gateway=a_gateway(
            name=text,
            resource_group=text,
            sku=text,
            virtual_network_name=None,
            active_active=None,
            unknown={"virtual_network_name": text, "active_active": text},
        ),
        bandwidth=Comparison(
            peak_mbps=None, instance=None, at=None, benchmark_mbps=None, ratio=None, statement=text
        ),
        reasons=(Reason.DETECTED,),
        revision=1,
        told_at=at(minutes=20),
        drill=drill,
    )
    library = Library(catalog=catalog, cloud="AzureCloud", portal="portal.azure.com")
    return compose_insight(telling, library)[0]


def structure(markdown: str) -> Iterator[tuple[str, str, int, object]]:
    """The tokens of Markdown but for plain text: what there is, how deep, and where it leads."""
    for token in MarkdownIt("js-default", {"html": True}).parse(markdown):
        yield token.type, token.tag, token.level, token.markup
        for child in token.children or ():
            if child.type != "text":
                yield child.type, child.tag, child.level, child.attrs.get("href")


@pytest.mark.parametrize("catalog", [SHIPPED, NONE], ids=["shipped", "none"])
class TestStructure:
    """The tokens are those of an insight with plain names."""

    @given(text=MARKUP)
    @example(text="# x\n- y")
    @example(text="1. x")
    @example(text="<script>alert(1)</script>")
    @example(text="[x](javascript:alert(1))")
    @example(text="---")
    def test_no_text_from_outside_changes_it(self, catalog: Catalog, text: str) -> None:
        plain = list(structure(to_markdown(an_insight(catalog=catalog))))

        assert plain == list(structure(to_markdown(an_insight(text, catalog=catalog))))


def test_a_drill_says_so_first_and_in_its_title() -> None:
    headings = [
        line for line in to_markdown(an_insight(drill=True)).splitlines() if line[:1] == "#"
    ]

    assert headings[0].startswith("# DRILL: x ")
    assert headings[2].startswith("## DRILL: ")
    assert "- **Drill:** no failover happened; this tests the way to you" in to_markdown(
        an_insight(drill=True)
    )
    assert "drill" not in to_markdown(an_insight()).lower()


def test_a_text_that_is_too_long_is_cut_visibly() -> None:
    shown = to_markdown(an_insight("A" * 100_000)).splitlines()
    [evidence] = [line for line in shown if line.startswith("- 2026-11-22T02:00:00.000Z ")]

    assert (
        f"- 2026-11-22T02:00:00.000Z {'A' * (TEXT_LENGTH - 1)}…: {'A' * (TEXT_LENGTH - 1)}…"
        == evidence
    )


def test_the_articles_title_stands_once() -> None:
    insight = an_insight()

    assert 1 == to_markdown(insight).count(insight.insight.title)


def test_a_page_that_is_not_known_has_no_link() -> None:
    insight = an_insight()
    unknown = insight.model_copy(update={"links": insight.links.model_copy(update={"portal": ""})})

    assert "[The gateway in the portal]" in to_markdown(insight)
    assert "[The gateway in the portal]" not in to_markdown(unknown)
