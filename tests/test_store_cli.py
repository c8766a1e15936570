"""The commands that look up what was told, on a store that a replay filled."""

from __future__ import annotations

import csv
import json
import re
import threading
import urllib.request
import webbrowser
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.app import store_cli
from detector.insights.document import Insight
from detector.local.folder import FolderInsights
from detector.model import State
from tests.azurite import KEY
from tests.command_line import AFTERNOON, Command
from tests.sink_stand_in import an_insight, closed_port
from tests.test_lookup import a_failover_at

WEU, NEU = "20261119T141406951Z-07c1115d646f", "20261119T153210004Z-9485c1ce915f"
SEC = "20261119T151502816Z-488b7837d342"
SINCE = ("--since", "2026-11-01")


@pytest.fixture(name="store", autouse=True)
def a_store(detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with the afternoon's two failovers, in the environment."""
    folder = tmp_path / "store"
    detector("replay", AFTERNOON, "--out", folder)
    monkeypatch.setenv("DETECTOR_STORE", f"file:{folder}")
    monkeypatch.delenv("DETECTOR_SCOPES", raising=False)
    return folder


def an_open_failover(folder: Path) -> str:
    """Tell of one that is not over, older than the others; its id."""
    insight = an_insight(id="20261110T020000000Z-1a2b3c4d5e6f")
    failover = insight.failover.model_copy(
        update={"state": State.ONGOING, "first_at": datetime(2026, 11, 10, 2, tzinfo=UTC)}
    )
    FolderInsights(folder, {}).deliver(insight.model_copy(update={"failover": failover}))
    return insight.id


class TestList:
    """What was told."""

    def test_names_its_store_first_and_the_open_failovers_before_the_others(
        self, detector: Command, store: Path
    ) -> None:
        still = an_open_failover(store)

        said = detector("list", *SINCE)

        assert f"store: folder {store}" == said.err.splitlines()[0]
        assert [SEC, still, NEU, WEU] == re.findall(r"\d{8}T\d{9}Z-\w{12}", said.out)
        assert re.search(
            r"^redundancy lost +vpn_hub_1 +2026-11-10 02:00:00Z ", said.out, re.MULTILINE
        )

    def test_one_gateway_can_be_named(self, detector: Command) -> None:
        assert [WEU] == re.findall(
            r"\d{8}T\d{9}Z-\w{12}", detector("list", *SINCE, "--gateway", "VPN-hub-weu").out
        )

    def test_json_is_that_of_the_page(self, detector: Command) -> None:
        listed = json.loads(detector("list", *SINCE, "--json").out)

        assert ["asOf", "lastComplete", "failovers"] == list(listed)
        assert [NEU, SEC, WEU] == [each["id"] for each in listed["failovers"]]

    def test_a_table_says_what_its_figures_are_not(self, detector: Command, store: Path) -> None:
        title, *rows = detector("list", *SINCE, "--csv").out.splitlines()
        read = list(csv.DictReader(rows))

        assert "# downtime by failover, not availability" == title
        assert [
            ("vpn-hub-neu", "", "370.251"),
            ("vpn-hub-sec", "", ""),
            ("vpn-hub-weu", "13.586", ""),
        ] == [
            (each["gateway"], each["longestOutSeconds"], each["redundancyLostSeconds"])
            for each in read
        ]

    @pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "+1", "-1", "\t=1"])
    def test_no_name_is_a_formula_in_a_spreadsheet(self, name: str) -> None:
        summary = a_failover_at(datetime(2026, 11, 1, tzinfo=UTC), gateway=name)
        [row] = list(csv.reader(store_cli._csv([summary]).splitlines()[2:]))  # noqa: SLF001

        assert f"'{name}" == row[1]

    @pytest.mark.parametrize("since", ["yesterday", "P1", "P9999D", "2020-01-01", "PT0.1.1S"])
    def test_a_beginning_that_is_none_is_a_usage_error(self, detector: Command, since: str) -> None:
        assert 2 == detector("list", "--since", since).code

    def test_it_may_be_said_how_far_back(self, detector: Command) -> None:
        assert 0 == detector("list", "--since", "P300D").code
        assert "no failovers" in detector("list", "--since", "PT1M").err

    def test_two_forms_at_once_are_a_usage_error(self, detector: Command) -> None:
        assert 2 == detector("list", "--csv", "--json").code

    def test_a_store_that_does_not_answer_is_named_with_how_to_start_it(
        self, detector: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = closed_port()
        connection = f"AccountName=a;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:{port}/a;"
        monkeypatch.setenv("DETECTOR_STORE", "blob:insights")
        monkeypatch.setenv("DETECTOR_QUEUE", "")
        monkeypatch.setenv("AzureWebJobsStorage", connection)

        said = detector("list")

        assert 1 == said.code
        assert f"store: container insights at 127.0.0.1:{port}/a" == said.err.splitlines()[0]
        assert f"no answer from 127.0.0.1:{port} " in said.err
        assert "Start it: npx azurite " in said.err


class TestShow:
    """One failover."""

    def test_it_is_markdown_a_document_or_a_page(self, detector: Command, store: Path) -> None:
        assert detector("show", WEU).out.startswith("# vpn-hub-weu failed over twice")
        document = detector("show", WEU, "--format", "json").out
        assert WEU == Insight.model_validate_json(document).id
        assert "<h1>" in detector("show", WEU, "--format", "html").out

    def test_one_that_is_not_there_is_said(self, detector: Command) -> None:
        said = detector("show", WEU.replace("2026", "2025"))

        assert (1, "") == (said.code, said.out)
        assert "is not in the store; `list` shows what is" in said.err

    def test_what_is_no_id_is_a_usage_error(self, detector: Command) -> None:
        said = detector("show", "../../etc/passwd")

        assert 2 == said.code
        assert "is no failover's id" in " ".join(said.err.split())


class TestPage:
    """Pages as files."""

    def test_a_failover_is_a_file(
        self, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        opened: list[str] = []
        monkeypatch.setattr(webbrowser, "open", opened.append)

        said = detector("page", WEU, "--open")
        made = Path(said.out.strip())

        assert "vpn-hub-weu" in made.read_text(encoding="utf-8")
        assert [made.as_uri()] == opened

    def test_a_recording_is_a_folder_with_all_of_its_pages(
        self, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

        index = Path(detector("page", AFTERNOON).out.strip())
        links = re.findall(r'href="(\./insights/[^"]+)"', index.read_text(encoding="utf-8"))

        assert "index.html" == index.name
        assert {f"{WEU}.html", f"{SEC}.html", f"{NEU}.html"} == {Path(link).name for link in links}
        assert all((index.parent / link).is_file() for link in links)
        assert "<form" not in index.read_text(encoding="utf-8")


def test_pages_are_served_until_somebody_interrupts(
    detector: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from http.server import ThreadingHTTPServer

    answers: list[str] = []

    def serve_one(self: ThreadingHTTPServer) -> None:
        """One request, and then Ctrl+C."""
        address = f"http://127.0.0.1:{self.server_port}/api/failovers?since=2026-11-01"
        asking = threading.Thread(
            target=lambda: answers.append(urllib.request.urlopen(address).read().decode())
        )
        asking.start()
        self.handle_request()
        asking.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", serve_one)

    said = detector("serve", "--port", "0")

    assert 0 == said.code
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", said.out)
    assert WEU in answers[0]


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_cannot_be_had_is_said(detector: Command, port: str) -> None:
    said = detector("serve", "--port", port)

    assert 1 == said.code
    assert f"--port {port}: " in said.err


class TestStatus:
    """How the detector is."""

    def test_names_its_store_in_the_first_line(
        self, detector: Command, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DETECTOR_SCOPES", "11111111-2222-4333-8444-555555555555")

        assert f"store        folder {store}" == detector("status").out.splitlines()[0]
        assert f"folder {store}" == json.loads(detector("status", "--json").out)["store"]
