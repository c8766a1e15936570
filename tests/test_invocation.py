"""One run by the app's settings, on the command line and in a process of its own."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import jsonschema
import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from detector.app.invocation import log_lines
from detector.runs.report import LONGEST_LINE, Report
from tests.azure_stand_in import AzureStandIn
from tests.azurite import Azurite
from tests.builders import at
from tests.cloud import WORKSPACE, hand_over_rows
from tests.command_line import ROOT, Command, files
from tests.loopback import Reply
from tests.sink_stand_in import SinkStandIn, an_insight

SCHEMA = json.loads((ROOT / "docs" / "insight.schema.json").read_bytes())
HEAVY = (
    "apprise",
    "azure.eventgrid",
    "azure.mgmt",
    "azure.monitor.querymetrics",
    "azure.storage.blob",
    "azure.storage.queue",
    "detector.pages.drawing",
    "detector.pages.lanes",
    "detector.pages.page",
    "markdown_it",
    "nh3",
    "typer",
)
"""What an idle run over a store in a folder has no use for: it writes the fleet's page alone."""

IDLE = """
import sys
import azure.functions
import function_app
function_app.detect(azure.functions.timer.TimerRequest())
print(*sys.modules, sep="\\n")
"""


pytestmark = pytest.mark.usefixtures("azure")


class TestRun:
    """`run`, with a real client of everything."""

    def test_tells_a_failover_once(
        self, detector: Command, azure: AzureStandIn, store: Path
    ) -> None:
        azure.tables["AzureDiagnostics"] += hand_over_rows()

        first = detector("run")
        second = detector("run")

        assert (0, 0) == (first.code, second.code)
        assert first.out.startswith("# vpn-hub-weu failed over at ")
        assert "1 insight told; 1 failover seen in 4 rows of 1 gateway\n" == first.err
        assert "" == second.out
        assert "nothing new to tell; 1 failover seen in 4 rows of 1 gateway\n" == second.err
        assert 1 == len(list(store.glob("insights/**/*.md")))

    def test_json_is_one_valid_object(self, detector: Command, azure: AzureStandIn) -> None:
        azure.tables["AzureDiagnostics"] += hand_over_rows()

        printed = json.loads(detector("run", "--json").out)
        [insight] = printed["insights"]
        jsonschema.validate(insight, SCHEMA)

        assert ["report", "insights", "messages"] == list(printed)
        assert [[insight["id"]]] == [message["ids"] for message in printed["messages"]]
        assert WORKSPACE == printed["report"]["scopes"][0]["scope"]

    def test_a_part_that_failed_is_said_in_words_and_nothing_else(
        self, detector: Command, azure: AzureStandIn
    ) -> None:
        azure.always("/query", Reply(status=403, body={"error": {"code": "Forbidden"}}))

        said = detector("run")

        assert (1, "") == (said.code, said.out)
        assert said.err.startswith(f"error: {WORKSPACE}")
        assert 2 == len(said.err.splitlines())

    def test_logs_that_are_not_there_yet_are_said(
        self, detector: Command, azure: AzureStandIn
    ) -> None:
        azure.tables.clear()

        said = detector("run")

        assert 0 == said.code
        assert said.err.startswith(f"note: {WORKSPACE}: ")


class TestDryRun:
    """`run --dry-run` shows what would be told."""

    def test_nothing_is_written_and_nothing_sent(
        self,
        detector: Command,
        azure: AzureStandIn,
        store: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        azure.tables["AzureDiagnostics"] += hand_over_rows()
        with SinkStandIn() as people:
            monkeypatch.setenv("DETECTOR_NOTIFY_URLS", f"json://{people.at}/")

            said = detector("run", "--dry-run")

            assert [] == people.received
        assert 0 == said.code
        assert said.out.startswith("# vpn-hub-weu failed over at ")
        assert (
            "dry run, nothing written; 1 insight to tell; 1 failover seen in 4 rows of 1 gateway\n"
        ) == said.err
        assert not store.exists()

    def test_no_container_and_no_queue_is_made(
        self,
        detector: Command,
        azure: AzureStandIn,
        azurite: Azurite,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        name = f"dry-{uuid4().hex[:8]}"
        monkeypatch.setenv("DETECTOR_STORE", f"blob:{name}")
        monkeypatch.setenv("DETECTOR_QUEUE", name)
        monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)
        azure.tables["AzureDiagnostics"] += hand_over_rows()

        said = detector("run", "--dry-run", "--json")

        assert 0 == said.code
        assert 1 == len(json.loads(said.out)["insights"])
        with (
            ContainerClient.from_connection_string(azurite.connection_string, name) as container,
            QueueClient.from_connection_string(azurite.connection_string, name) as queue,
        ):
            assert not container.exists()
            with pytest.raises(Exception, match="QueueNotFound"):
                queue.get_queue_properties()

    def test_what_was_told_is_not_shown_again_and_the_journal_stays(
        self, detector: Command, azure: AzureStandIn, store: Path
    ) -> None:
        azure.tables["AzureDiagnostics"] += hand_over_rows()
        detector("run")
        before = files(store)

        said = detector("run", "--dry-run")

        assert (0, "") == (said.code, said.out)
        assert before == files(store)


def test_a_run_is_logged_with_its_insights_and_where_a_defect_was_for_debug_alone() -> None:
    report = Report(at=at(), problems=("vpn-hub: failed unexpectedly",), traces=("x" * 10**5,))

    lines = list(log_lines(report, [an_insight()]))

    assert [logging.INFO, logging.DEBUG, logging.ERROR] == [level for level, _ in lines]
    assert ["insight", "trace", "run"] == [next(iter(json.loads(line))) for _, line in lines]
    assert max(len(line) for _, line in lines) <= LONGEST_LINE


def test_no_line_of_the_log_is_longer_than_it_may_be() -> None:
    report = Report(at=at(), problems=("\u202e" * 1000,) * 20, suspected=("x" * 1000,) * 20)

    [(level, line)] = log_lines(report, [])

    assert (logging.ERROR, True) == (level, len(line) <= LONGEST_LINE)
    assert 15 == json.loads(line)["run"]["more"]["problems"]


def test_an_idle_run_imports_nothing_heavy(azure: AzureStandIn) -> None:
    done = subprocess.run([sys.executable, "-c", IDLE], cwd=ROOT, capture_output=True, text=True)
    imported = done.stdout.split()

    assert 0 == done.returncode, done.stderr
    assert "detector.azure.logs_client" in imported
    assert [] == [name for name in imported if name.startswith(HEAVY)]
