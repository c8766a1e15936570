"""What is shipped is right, or every problem is told at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from detector.articles.article import parse
from detector.articles.catalog import check, load, read
from detector.errors import CatalogError

SHIPPED = Path(__file__).parents[1] / "articles"
CLOUDS = ("AzureCloud", "AzureUSGovernment", "AzureChinaCloud", "AzureUSNat", "AzureUSSec")
SEED = "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight"
RESET = "VNGVirtualNetworkGatewayResetDetectedInsight"
TUNNEL = "VNGTunnelEventsVPNTunnelStateChangedToDisconnectedInsight"


def an_article(
    *, scenario: str = "a", clouds: str = "Public", body: str = "# Title\n", more: str = ""
) -> str:
    """The text of an article; its header has four lines, and a fifth with `more`."""
    attributes = f'diagnosticScenario="{scenario}"\ncloudEnvironments="{clouds}"\n{more}'
    return f"<properties\n{attributes}/>\n{body}"


def a_folder(folder: Path, **articles: str) -> Path:
    """The folder with these articles, each in a file of that name."""
    for name, text in articles.items():
        (folder / f"{name}.md").write_bytes(text.encode())
    return folder


class TestFind:
    """An article is found by its scenario, where its clouds name the run's."""

    def test_a_scenario_is_found_in_any_case(self, tmp_path: Path) -> None:
        catalog = load(a_folder(tmp_path, one=an_article(scenario="First, Second")))

        found = catalog.find("SECOND", cloud="AzureCloud")

        assert found is not None
        assert found == catalog.find("first", cloud="azurecloud")
        assert catalog.find("third", cloud="AzureCloud") is None
        assert ("First", "Second") == catalog.scenarios
        assert [found] == list(catalog)
        assert 1 == len(catalog)

    def test_an_article_applies_only_where_it_names_the_cloud(self, tmp_path: Path) -> None:
        catalog = load(a_folder(tmp_path, one=an_article(clouds="fairfax,USNat")))

        found = [cloud for cloud in CLOUDS if catalog.find("a", cloud=cloud)]

        assert ["AzureUSGovernment", "AzureUSNat"] == found

    def test_line_ends_and_a_byte_order_mark_do_no_harm(self, tmp_path: Path) -> None:
        text = "\ufeff" + an_article(body="# Title\r\none\ntwo").replace('"\n', '"\r\n')

        article = load(a_folder(tmp_path, one=text)).find("a", cloud="AzureCloud")

        assert article is not None
        assert "# Title\r\none\ntwo" == article.render({})


class TestProblems:
    """Every problem is told at once, with its file and line, and what to do."""

    def test_all_that_is_wrong_is_told_in_one_error(self, tmp_path: Path) -> None:
        folder = a_folder(
            tmp_path,
            a=an_article(body="# Title\n<!--issueDescription-->\nIt broke.\n<!--$vip-->\n"),
            b=an_article(scenario="A, b", clouds="Public, Mars", body="No title <!--/$vip-->\n"),
            c=an_article(scenario=" ,", clouds=""),
            d=an_article(scenario="d", more='DiagnosticScenario="e"\n', body="# \n"),
            e="# Title\n",
        )
        (folder / "f.md").write_bytes(b"<properties\n\xff")
        expected = """\
a.md:6: description-unbalanced write one <!--issueDescription--> before the description and one \
<!--/issueDescription--> after it
a.md:8: slot-unclosed vip is never closed: write <!--/$vip--> after its default text
b.md:2: scenario-duplicate A has an article already, a.md: keep one
b.md:3: cloud-unknown Mars is no cloud: write Public, Fairfax, Mooncake, usnat or ussec
b.md:5: title-missing give the article a title, a line `# Title`
b.md:5: slot-unopened vip is closed and was not opened: write <!--$vip--> before it
c.md:2: scenario-missing name the scenario that the article is for: diagnosticScenario="…"
c.md:3: cloud-missing the article applies to no cloud: name them, as in cloudEnvironments="Public"
d.md:4: header-duplicate DiagnosticScenario stands twice in the header: keep one (the first one \
counts)
d.md:6: title-missing give the article a title, a line `# Title`
e.md:1: header-missing start the article with <properties name="value" … />
e.md:1: scenario-missing name the scenario that the article is for: diagnosticScenario="…"
e.md:1: cloud-missing the article applies to no cloud: name them, as in cloudEnvironments="Public"
f.md:2: file-encoding byte 12 is not UTF-8: save the file as UTF-8"""

        with pytest.raises(CatalogError) as caught:
            load(folder)

        told = "\n".join(map(str, caught.value.problems)).replace(f"{folder}/", "")
        assert expected == told

    def test_a_folder_without_articles_is_a_problem(self, tmp_path: Path) -> None:
        with pytest.raises(CatalogError, match="articles-missing no article"):
            load(tmp_path)

    def test_a_file_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        problems = check([tmp_path / "none.md"])

        assert ["file-unreadable"] == [problem.code for problem in problems]

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
    def test_a_pipe_among_the_articles_is_told_and_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.md")

        [problem] = check([tmp_path])

        assert "file-unreadable" == problem.code
        assert problem.message.startswith("it is no file but a pipe or a device: name a file")

    def test_one_article_is_read_whatever_is_wrong_in_it(self, tmp_path: Path) -> None:
        folder = a_folder(tmp_path, one="no header")

        assert "no header" == read(folder / "one.md").render({})
        with pytest.raises(CatalogError, match=r"none\.md: file-unreadable"):
            read(folder / "none.md")

    def test_files_and_folders_are_checked_together(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        a_folder(tmp_path / "folder", one=an_article())
        a_folder(tmp_path, two=an_article())

        problems = check([tmp_path / "two.md", tmp_path / "folder"])

        assert ["scenario-duplicate"] == [problem.code for problem in problems]

    def test_a_note_is_told_by_the_check_and_keeps_nobody_from_shipping(
        self, tmp_path: Path
    ) -> None:
        folder = a_folder(tmp_path, one=an_article(body="# Title\n{vip}\n"))

        assert ["brace-token"] == [problem.code for problem in check([folder])]
        assert ("a",) == load(folder).scenarios


class TestShipped:
    """The articles of this repository."""

    def test_they_are_right_and_named_by_their_scenarios(self) -> None:
        assert [] == check([SHIPPED])
        assert sorted(path.stem for path in SHIPPED.glob("*.md")) == sorted(load(SHIPPED).scenarios)

    @pytest.mark.parametrize("cloud", CLOUDS)
    @pytest.mark.parametrize("scenario", [RESET, TUNNEL])
    def test_ours_apply_everywhere(self, scenario: str, cloud: str) -> None:
        assert load(SHIPPED).find(scenario, cloud=cloud)

    def test_they_are_loaded_without_the_library_that_reads_their_markdown(self) -> None:
        load_them = (
            "import sys; from pathlib import Path; from detector.articles import catalog; "
            f"catalog.load(Path({str(SHIPPED)!r})); print('markdown_it' in sys.modules)"
        )

        said = subprocess.check_output(
            [sys.executable, "-c", load_them], cwd=SHIPPED.parent, text=True
        )

        assert "False\n" == said

    def test_ours_ask_for_no_fact_that_an_insight_lacks(self) -> None:
        facts = {
            *["virtualNetworkName", "gatewayVip", "preciseTimestamp", "gatewayName"],
            *["caller", "TunnelName", "resetAdvice"],
        }

        assert facts >= {name for article in load(SHIPPED) for name in article.slots}

    def test_a_tunnel_is_never_said_to_be_down_now(self) -> None:
        article = parse((SHIPPED / f"{TUNNEL}.md").read_text(encoding="utf-8"))

        assert "not seen to reconnect" in article.title
        assert "not seen to reconnect" in article.description
        assert "is down" not in article.render(dict.fromkeys(article.slots, "x"))


def test_an_article_is_one_whatever_the_case_of_its_ending(tmp_path: Path) -> None:
    shipped = Path(__file__).parent.parent / "articles" / f"{SEED}.md"
    (tmp_path / "A.MD").write_bytes(shipped.read_bytes())

    assert 1 == len(load(tmp_path))
