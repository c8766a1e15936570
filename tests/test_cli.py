"""Every command as a user calls it: what it prints where, and its exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from detector.articles.article import parse
from detector.insights.html import to_html
from detector.version import VERSION
from tests.azure_stand_in import AzureStandIn
from tests.azurite import KEY
from tests.cloud import GATEWAY as WATCHED
from tests.cloud import WORKSPACE, hand_over_rows
from tests.command_line import AFTERNOON, ROOT, Command, Said, files, process
from tests.goldens import golden
from tests.loopback import Reply
from tests.sink_stand_in import closed_port

SCHEMA = json.loads((ROOT / "docs" / "insight.schema.json").read_bytes())
SEED = ROOT / "articles" / "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight.md"
FACTS = {
    "virtualNetworkName": "vnet_hub_weu",
    "gatewayVip": "203.0.113.10",
    "preciseTimestamp": "2026-11-22T02:14:07.123Z",
}
GATEWAY = (
    "/subscriptions/6d1f9c2a-0000-4000-8000-3f0c5e7a1b20/resourceGroups/rg-hub/providers"
    "/Microsoft.Network/virtualNetworkGateways/vpn-hub-weu"
)


ACTING = frozenset("\x1b\x9b\r\u202e\u2028\ud800")
HOSTILE = (
    "".join(sorted(ACTING)) + "</p><script>x</script>[x](javascript:x) @all `|*\n# " + "A" * 10**5
)


def as_options(facts: dict[str, str]) -> list[str]:
    return [word for name, value in facts.items() for word in ("--fact", f"{name}={value}")]


def an_article(folder: Path, body: str) -> Path:
    path = folder / "article.md"
    header = '<properties\ndiagnosticScenario="a"\ncloudEnvironments="Public"\n/>\n'
    path.write_bytes(f"{header}# Title\n{body}\n".encode())
    return path


LISTENING = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "runpy.run_module('detector', run_name='__main__')"
)


class TestReplay:
    """One run against a recording."""

    def test_prints_the_insights_on_stdout_and_all_else_on_stderr(self, detector: Command) -> None:
        said = detector("replay", AFTERNOON)

        assert 0 == said.code
        assert golden("replay-afternoon.md", said.out) == said.out
        assert ["vpn-hub-weu", "vpn-hub-sec", "vpn-hub-neu"] == re.findall(
            "^# (\\S+) ", said.out, re.MULTILINE
        )
        assert "3 insights told; 3 failovers seen in 35 rows of 4 gateways\n" == said.err

    def test_json_is_one_object_whose_insights_are_valid(self, detector: Command) -> None:
        said = detector("replay", AFTERNOON, "--json")
        printed = json.loads(said.out)
        for insight in printed["insights"]:
            jsonschema.validate(insight, SCHEMA)

        assert ["report", "insights", "messages"] == list(printed)
        assert [told["id"] for told in printed["report"]["told"]] == [
            insight["id"] for insight in printed["insights"]
        ]
        assert ["Information", "Critical", "Warning"] == [
            insight["insight"]["importanceLevel"] for insight in printed["insights"]
        ]

    def test_tells_by_the_articles_and_for_the_cloud_of_the_settings(
        self, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seed = next((ROOT / "articles").glob("*Secondary*.md")).read_text(encoding="utf-8")
        own = tmp_path / "seed.md"
        own.write_text(seed.replace("# Virtual network gateway", "# Our gateway"), encoding="utf-8")
        monkeypatch.setenv("DETECTOR_ARTICLES", str(tmp_path))

        assert "## Our gateway has switched over" in detector("replay", AFTERNOON).out

        monkeypatch.setenv("DETECTOR_CLOUD", "AzureUSGovernment")
        said = detector("replay", AFTERNOON)

        assert 1 == said.code
        assert "applies in AzureUSGovernment" in said.err

        monkeypatch.setenv("DETECTOR_CLOUD", "Mars")

        assert "DETECTOR_CLOUD: give one of AzureCloud, " in detector("replay", AFTERNOON).err

    @pytest.mark.parametrize("arguments", [("replay", AFTERNOON), ("explain", AFTERNOON)])
    @pytest.mark.parametrize("articles", ["", "articles"])
    def test_tells_by_the_articles_of_the_app_wherever_it_is_run(
        self,
        detector: Command,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        arguments: tuple[object, ...],
        articles: str,
    ) -> None:
        here = detector(*arguments)
        monkeypatch.setenv("DETECTOR_ARTICLES", articles)
        monkeypatch.chdir(tmp_path)

        assert here == detector(*arguments)

    def test_over_a_second_moment_tells_only_what_is_new(
        self, detector: Command, tmp_path: Path
    ) -> None:
        def told(*now: str) -> list[tuple[str, int, str]]:
            said = detector("replay", AFTERNOON, "--json", "--out", tmp_path / "out", *now)
            assert 0 == said.code
            return [
                (insight["gateway"]["name"], insight["revision"], insight["reason"])
                for insight in json.loads(said.out)["insights"]
            ]

        first = told("--now", "2026-11-19T14:30:00Z")
        second = told()
        third = told()

        assert [("vpn-hub-weu", 1, "detected")] == first
        assert ("vpn-hub-neu", 1, "detected") in second
        assert [("vpn-hub-weu", 2, "recovered")] == second[:1]
        assert [] == third

    def test_json_has_the_messages_that_people_would_be_sent(self, detector: Command) -> None:
        printed = json.loads(detector("replay", AFTERNOON, "--json").out)
        messages = printed["messages"]

        assert ["ids", "revision", "reason", "severity", "title", "body"] == list(messages[0])
        assert [
            (
                1,
                "detected",
                "failure",
                "DOWN 1 of 3 tunnels: vpn-hub-sec, conn-gothenburg since 15:15 UTC",
            ),
            (1, "detected", "success", "BACK after 14 s: vpn-hub-weu, 3 tunnels, 14:14 UTC"),
            (1, "detected", "success", "REDUNDANCY BACK after 6 min 11 s: vpn-hub-neu, 15:32 UTC"),
        ] == [
            (each["revision"], each["reason"], each["severity"], each["title"]) for each in messages
        ]
        assert sorted([insight["id"]] for insight in printed["insights"]) == sorted(
            each["ids"] for each in messages
        )
        assert messages[0]["body"].startswith("Look at the peer's device of conn-gothenburg first")
        assert messages[1]["body"].startswith("Nothing to do.")

    def messages(self, detector: Command, *arguments: object) -> list[dict[str, Any]]:
        said = detector("replay", AFTERNOON, "--json", *arguments)
        assert 0 == said.code, said.err
        sent: list[dict[str, Any]] = json.loads(said.out)["messages"]
        return sent

    def test_with_out_messages_wait_for_the_digest_and_are_remembered(
        self, detector: Command, tmp_path: Path
    ) -> None:
        def sent(now: str, *arguments: str) -> list[tuple[int, int | None]]:
            out = ("--out", tmp_path / "out", "--now", f"2026-11-19T{now}:00Z")
            return [
                (len(each["ids"]), each["revision"])
                for each in self.messages(detector, *out, *arguments)
            ]

        assert [(1, 1)] == sent("15:45")
        assert [] == sent("15:55")
        assert [(2, None)] == sent("16:00")
        assert [] == sent("16:30")

    def test_the_digest_may_be_another(self, detector: Command, tmp_path: Path) -> None:
        at_once = self.messages(detector, "--out", tmp_path / "a", "--digest", "PT0S")

        gathered = self.messages(detector, "--out", tmp_path / "b", "--digest", "PT1H")

        assert 3 == len(at_once)
        assert ["failure"] == [each["severity"] for each in gathered]

    @pytest.mark.parametrize("digest", ["15", "P2D"])
    def test_a_digest_that_is_none_is_a_usage_error(
        self, detector: Command, tmp_path: Path, digest: str
    ) -> None:
        said = detector("replay", AFTERNOON, "--out", tmp_path, "--digest", digest)

        assert (2, "") == (said.code, said.out)
        assert f"'{digest}': give " in said.err

    def test_messages_are_by_the_settings_of_the_environment(
        self, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DETECTOR_TIME_ZONE", "Europe/Paris")
        monkeypatch.setenv("DETECTOR_DIGEST", "PT0S")
        [first, second, _] = self.messages(detector, "--out", tmp_path)

        assert first["title"].endswith(" since 15:15 UTC (16:15 CET)")
        assert second["title"].endswith(", 14:14 UTC (15:14 CET)")

        monkeypatch.setenv("DETECTOR_TIME_ZONE", "Mars/Olympus")
        said = detector("replay", AFTERNOON)

        assert (1, "") == (said.code, said.out)
        assert "DETECTOR_TIME_ZONE: give a name of the IANA database" in said.err

    def test_out_names_each_file_that_it_wrote(self, detector: Command, tmp_path: Path) -> None:
        said = detector("replay", AFTERNOON, "--out", tmp_path)
        written = [Path(line[6:]) for line in said.err.splitlines() if line.startswith("wrote ")]

        assert {".json", ".md"} <= {path.suffix for path in written}
        assert all(path.is_file() for path in written)

    def test_without_out_nothing_is_written_anywhere(
        self, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recording = tmp_path / "recording"
        shutil.copytree(AFTERNOON, recording)
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        monkeypatch.setenv("TMPDIR", str(scratch))
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.chdir(tmp_path)
        before = files(tmp_path)

        detector("replay", recording)

        assert before == files(tmp_path)
        assert [] == list(scratch.iterdir())

    def test_a_row_that_cannot_be_read_is_named_and_the_others_are_told(
        self, detector: Command, tmp_path: Path
    ) -> None:
        recording = tmp_path / "recording"
        shutil.copytree(AFTERNOON, recording)
        (recording / "logs" / "odd.json").write_text('[{"TimeGenerated": "9999-12-31T23:59:59Z"}]')
        (recording / "logs" / "worse.json").write_text("{")

        said = detector("replay", recording)
        notes = [line for line in said.err.splitlines() if line.startswith("note: ")]

        assert 0 == said.code
        assert "3 insights told" in said.err
        assert ["logs/odd.json", "logs/worse.json"] == sorted(
            re.split("[,:] ", note)[1] for note in notes
        )

    def test_a_body_that_cannot_be_read_is_an_error_by_its_file_and_the_others_are_told(
        self, detector: Command, tmp_path: Path
    ) -> None:
        recording = tmp_path / "recording"
        shutil.copytree(AFTERNOON, recording)
        (recording / "metrics" / "worse.json").write_bytes(b"\xff\xfe\x1b[31m")

        for said in (detector("replay", recording), detector("explain", recording)):
            assert 1 == said.code
            assert "\nerror: metrics/worse.json: " in f"\n{said.err}"
            assert "\x1b" not in said.err
            assert "vpn-hub-weu failed over twice" in said.out

    def test_many_notes_are_counted(self, detector: Command, tmp_path: Path) -> None:
        recording = tmp_path / "recording"
        shutil.copytree(AFTERNOON, recording)
        for number in range(25):
            (recording / "logs" / f"odd{number}.json").write_text("{")

        said = detector("replay", recording)

        assert 21 == said.err.count("note: ")
        assert "note: and 5 more\n" in said.err

    def test_a_hundred_thousand_unreadable_rows_take_no_longer_than_others(
        self, detector: Command, tmp_path: Path
    ) -> None:
        """Each was looked for among all others, which took a minute."""
        recording = tmp_path / "recording"
        shutil.copytree(AFTERNOON, recording)
        (recording / "logs" / "odd.json").write_text(json.dumps([{}] * 100_000))

        said = detector("replay", recording)

        assert 21 == said.err.count("note: ")
        assert "note: and 99980 more\n" in said.err
        assert "note: and 99980 more\n" in detector("explain", recording).err

    @pytest.mark.parametrize("now", ["", "yesterday", "0001-01-01T00:00:00Z", "9999-12-31"])
    def test_a_time_that_is_none_is_a_usage_error(self, detector: Command, now: str) -> None:
        said = detector("replay", AFTERNOON, "--now", now)

        assert 2 == said.code
        assert "" == said.out
        assert f"{now!r} is no ISO 8601 time, as 2026-11-22T03:10:00Z" in said.err

    def test_before_the_first_row_there_is_nothing_to_tell(self, detector: Command) -> None:
        said = detector("replay", AFTERNOON, "--now", "2020-01-01T00:00:00Z")

        assert (0, "") == (said.code, said.out)
        assert (
            f"note: {AFTERNOON} goes from 2026-11-19T13:05:41.207Z to 2026-11-19T15:38:20.255Z; "
            "--now 2020-01-01T00:00:00.000Z is before its first row\n"
            "nothing new to tell; 0 failovers seen in 0 rows of 0 gateways\n"
        ) == said.err
        assert "is long after its last" in detector("replay", AFTERNOON, "--now", "2027-01-01").err
        assert "goes from" not in detector("replay", AFTERNOON, "--now", "2026-11-19T14:30:00Z").err

    def test_out_that_is_a_file_is_said(self, detector: Command, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.touch()

        for out in (file, file / "below"):
            said = detector("replay", AFTERNOON, "--out", out)

            assert 1 == said.code
            assert said.err.startswith(f"error: --out {out}: ")
            assert said.err.endswith("name a folder that can be written to\n")

    def test_a_history_that_cannot_be_read_is_said_and_the_others_are_told(
        self, detector: Command, tmp_path: Path
    ) -> None:
        detector("replay", AFTERNOON, "--now", "2026-11-19T14:30:00Z", "--out", tmp_path)
        [broken] = (tmp_path / "history").glob("*.json")
        broken.write_text("{")

        said = detector("replay", AFTERNOON, "--out", tmp_path)

        assert 1 == said.code
        assert f"error: {broken}: cannot be read; restore an earlier version" in said.err
        assert ["vpn-hub-sec", "vpn-hub-neu"] == re.findall("^# (\\S+) ", said.out, re.MULTILINE)

    def test_hostile_json_ends_in_an_error_and_no_traceback(
        self, detector: Command, tmp_path: Path
    ) -> None:
        (tmp_path / "logs").mkdir()
        for text in ("[" * 100_000, '{"a": 1e999}', "\x00", "null", "[[]]", '[{"": "\\ud800"}]'):
            (tmp_path / "logs" / "a.json").write_text(text)

            said = detector("replay", tmp_path)

            assert 1 == said.code
            assert said.err.startswith("error: ")
            assert "Traceback" not in said.err


class TestInATerminal:
    """A line for each failover, in colour, and where the rest is."""

    @pytest.fixture(name="detector")
    def a_command_in_a_terminal(
        self, detector: Command, monkeypatch: pytest.MonkeyPatch
    ) -> Command:
        monkeypatch.delenv("NO_COLOR", raising=False)

        def call(*arguments: object) -> Said:
            monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
            return detector(*arguments)

        return call

    def test_a_failover_is_a_line_with_state_gateway_and_verdict(self, detector: Command) -> None:
        said = detector("replay", AFTERNOON)
        lines = re.sub(r"\x1b\[\d*m", "", said.out).splitlines()

        assert lines[0].startswith("back             vpn-hub-weu  failed over twice, at 14:14:06Z ")
        assert lines[1].startswith("down             vpn-hub-sec  failed over at 15:15:02Z with ")
        assert lines[2].startswith("back             vpn-hub-neu  lost tunnels on GatewayTenant")
        assert 3 == len(lines)
        assert said.err.startswith("--full prints all of it\n")

    def test_its_colour_is_its_importance(self, detector: Command) -> None:
        information, critical, warning = detector("replay", AFTERNOON).out.splitlines()

        assert information.startswith("\x1b[32m")
        assert critical.startswith("\x1b[31m")
        assert warning.startswith("\x1b[33m")

    def test_there_is_none_where_nobody_wants_it(
        self, detector: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")

        assert "\x1b" not in detector("replay", AFTERNOON).out

    def test_all_of_it_is_a_flag_away(self, detector: Command) -> None:
        assert detector("replay", AFTERNOON, "--full").out.startswith("# vpn-hub-weu failed over")

    def test_with_out_it_says_which_page_shows_it(self, detector: Command, tmp_path: Path) -> None:
        said = detector("replay", AFTERNOON, "--out", tmp_path)

        assert f"--full prints all of it; {tmp_path / 'index.html'} shows it\n" in said.err
        assert f"wrote {tmp_path / 'index.html'}\n" in said.err


@pytest.mark.skipif(os.name == "nt", reason="pipes are others there")
def test_who_reads_only_the_first_line_ends_it_quietly() -> None:
    command = f"{sys.executable} -m detector replay {AFTERNOON} --full | head -c 1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)

    assert ("#", "") == (done.stdout, done.stderr.partition("3 insights told")[0])


def test_the_version_is_told(detector: Command) -> None:
    assert (0, f"{VERSION}\n") == (detector("--version").code, detector("--version").out)


class TestRun:
    """One run against Azure's stand-in, or against nothing."""

    def test_without_a_login_it_does_not_say_that_it_saw_no_failover(
        self, detector: Command, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        azure.always("/msi/token", Reply(status=400, body={"error": "no identity"}))
        azure.always("/v1/", Reply(status=401, body={"error": {"code": "Unauthorized"}}))

        said = detector("run")

        assert 1 == said.code
        assert "failovers seen" not in said.err
        assert "no logs were read, so of failovers nothing is known\n" in said.err

    def test_with_some_of_its_logs_it_says_how_many(
        self, detector: Command, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DETECTOR_SCOPES", f"{WORKSPACE},{WATCHED}")
        azure.always("/v1/subscriptions", Reply(status=403, body={"error": {"code": "Forbidden"}}))

        assert "with the logs of 1 of 2 scopes" in detector("run").err

    def test_a_dry_run_needs_no_storage(
        self, detector: Command, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DETECTOR_STORE")
        azure.tables["AzureDiagnostics"] += hand_over_rows()

        said = detector("run", "--dry-run")

        assert 0 == said.code
        assert said.out.startswith("# vpn-hub-weu failed over at ")
        assert "dry run, nothing written; 1 insight to tell" in said.err

    def test_other_scopes_and_another_length_may_be_asked_for(
        self, detector: Command, azure: AzureStandIn
    ) -> None:
        said = detector("run", "--dry-run", "--scope", WATCHED, "--last", "P3D", "--json")
        [scope] = json.loads(said.out)["report"]["scopes"]
        end, start = (datetime.fromisoformat(scope[f"window{each}"]) for each in ("End", "Start"))

        assert WATCHED.lower() == scope["scope"].lower()
        assert timedelta(days=3) == end - start

    @pytest.mark.parametrize("odd", [("--last", "yesterday"), ("--scope", "no scope")])
    def test_what_is_no_scope_or_length_is_said_before_azure_is_asked(
        self, detector: Command, azure: AzureStandIn, odd: tuple[str, str]
    ) -> None:
        said = detector("run", "--dry-run", *odd)

        assert 1 == said.code
        assert {"--last": "DETECTOR_LOOKBACK", "--scope": "DETECTOR_SCOPES"}[odd[0]] in said.err
        assert [] == azure.requests

    def test_nor_does_the_storage_have_to_answer(
        self, detector: Command, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = closed_port()
        monkeypatch.setenv("DETECTOR_STORE", "blob:insights")
        monkeypatch.setenv(
            "AzureWebJobsStorage",
            f"AccountName=a;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:{port}/a;",
        )
        azure.tables["AzureDiagnostics"] += hand_over_rows()

        said = detector("run", "--dry-run")

        assert (0, True) == (said.code, said.out.startswith("# vpn-hub-weu failed over at "))
        assert f"no answer from 127.0.0.1:{port} " in said.err
        assert "is Azurite running there? Start it: npx azurite " in said.err
        assert "what was told before is not known" in said.err


class TestHostileText:
    """Whatever a recording holds, it is shown, and acts neither in a document nor a terminal."""

    @pytest.fixture(name="recording")
    def a_hostile_recording(self, tmp_path: Path) -> Path:
        """The afternoon, with the same hostile text wherever a person or a peer may write."""
        open_to_all = {"Message", "Caller", "Reason", "stateChangeReason_s", "name", "location"}

        def turned(value: object, name: str = "") -> object:
            if isinstance(value, dict):
                return {key: turned(own, key) for key, own in value.items()}
            if isinstance(value, list):
                return [turned(own, name) for own in value]
            return HOSTILE if name in open_to_all and isinstance(value, str) else value

        recording = tmp_path / "recording"
        shutil.copytree(AFTERNOON, recording)
        for path in recording.rglob("*.json"):
            if path.parent.name != "metrics":
                path.write_text(json.dumps(turned(json.loads(path.read_bytes()))))
        return recording

    def test_every_form_of_it_is_harmless(self, detector: Command, recording: Path) -> None:
        markdown = detector("replay", recording)
        document = detector("replay", recording, "--json")
        walk = detector("explain", recording)
        for insight in json.loads(document.out)["insights"]:
            jsonschema.validate(insight, SCHEMA)

        assert (0, 0, 0) == (markdown.code, document.code, walk.code)
        for printed in (markdown.out, document.out, walk.out):
            assert ACTING.isdisjoint(printed)
        assert "<script>" not in to_html(markdown.out)
        assert "javascript:" not in "".join(re.findall("<[^>]*>", to_html(markdown.out)))
        assert len(markdown.out) < 200_000


class TestArticles:
    """Articles are checked."""

    def test_those_shipped_have_no_problem(self, detector: Command) -> None:
        said = detector("articles")

        assert (0, "no problems\n", "") == (said.code, said.out, said.err)

    def test_those_of_the_settings_are_checked_wherever_it_is_run(
        self, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "articles").mkdir()
        an_article(tmp_path / "articles", "<!--$vip-->[vip]")
        monkeypatch.chdir(tmp_path)

        monkeypatch.setenv("DETECTOR_ARTICLES", "articles")
        of_the_app = detector("articles")
        monkeypatch.setenv("DETECTOR_ARTICLES", str(tmp_path / "articles"))
        own = detector("articles")

        assert (0, "no problems\n") == (of_the_app.code, of_the_app.out)
        assert (1, "1 problem") == (own.code, own.out.splitlines()[-1])

    def test_every_problem_has_its_file_and_line(self, detector: Command, tmp_path: Path) -> None:
        path = an_article(tmp_path, "one\n<!--$vip-->[vip]\n<!--/$other-->")

        said = detector("articles", tmp_path)

        assert 1 == said.code
        assert [f"{path}:7: slot-unclosed", f"{path}:8: slot-unopened"] == [
            " ".join(line.split()[:2]) for line in said.out.splitlines()[:-1]
        ]
        assert "2 problems" == said.out.splitlines()[-1]

    def test_json_holds_the_same(self, detector: Command, tmp_path: Path) -> None:
        path = an_article(tmp_path, "{brace} <!--$vip-->[vip]")

        said = detector("articles", path, "--json")
        listed: list[dict[str, Any]] = json.loads(said.out)["problems"]

        assert 1 == said.code
        assert [("brace-token", True), ("slot-unclosed", False)] == [
            (problem["code"], problem["note"]) for problem in listed
        ]
        assert {(str(path), 6)} == {(problem["path"], problem["line"]) for problem in listed}

    def test_what_an_article_holds_cannot_act_on_a_terminal(
        self, detector: Command, tmp_path: Path
    ) -> None:
        said = detector("articles", an_article(tmp_path, "<!--$a\x1b[2J-->"))

        assert 1 == said.code
        assert "\x1b" not in said.out

    def test_a_note_is_no_failure(self, detector: Command, tmp_path: Path) -> None:
        said = detector("articles", an_article(tmp_path, "{brace}"))

        assert 0 == said.code
        assert "no problems" == said.out.splitlines()[-1]
        assert "brace-token" in said.out

    def test_what_is_not_there_is_a_problem_of_no_line(
        self, detector: Command, tmp_path: Path
    ) -> None:
        said = detector("articles", tmp_path / "none")

        assert 1 == said.code
        assert said.out.startswith(f"{tmp_path / 'none'}: file-unreadable No such file or dir")


class TestRender:
    """One article, rendered."""

    def test_markdown_is_the_article_with_its_facts(self, detector: Command) -> None:
        said = detector("render", SEED, *as_options(FACTS))

        assert (0, "") == (said.code, said.err)
        assert parse(SEED.read_bytes().decode()).render(FACTS).replace("\r\n", "\n") == (
            said.out.replace("\r\n", "\n")
        )

    @pytest.mark.parametrize("form", ["markdown", "html", "text"])
    def test_no_control_character_of_an_article_reaches_a_terminal(
        self, form: str, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

        said = detector("render", an_article(tmp_path, "a\x1b[2Jb\u202ec"), "--format", form)

        assert 0 == said.code
        assert "a\u241b[2Jb\ufffdc" in said.out

    def test_what_is_wrong_in_the_article_is_said_beside_it(
        self, detector: Command, tmp_path: Path
    ) -> None:
        article = tmp_path / "a.md"
        article.write_text("# T\n\nat <!--$gatewayVip-->[gatewayVip]\n", encoding="utf-8")
        said = detector("render", article, "--fact", "gatewayVip=203.0.113.1")

        assert 0 == said.code
        assert f"note: {article}:3: " in said.err

    def test_a_fact_that_is_given_twice_is_a_usage_error(self, detector: Command) -> None:
        said = detector("render", SEED, "--fact", "gatewayVip=a", "--fact", "GATEWAYVIP=b")

        assert 2 == said.code
        assert "--fact GATEWAYVIP is given twice" in " ".join(said.err.split())

    @pytest.mark.parametrize("value", ["vnet_hub_weu", "a*b*", "R&D <b>", "[x](y)", "1. x", "a=b"])
    def test_text_shows_a_fact_as_it_is(self, detector: Command, value: str) -> None:
        facts = FACTS | {"virtualNetworkName": value}

        said = detector("render", SEED, *as_options(facts), "--format", "text")

        assert f"Gateway for Vnet {value} with a VIP of: 203.0.113.10 has" in said.out
        assert "\\" not in said.out
        assert "**" not in said.out

    def test_html_escapes_a_fact_once(self, detector: Command) -> None:
        facts = FACTS | {"virtualNetworkName": "R&D <b>"}

        said = detector("render", SEED, *as_options(facts), "--format", "html")

        assert "Vnet <strong>R&amp;D &lt;b&gt;</strong> with" in said.out

    def test_a_blade_leads_to_the_resource_that_the_facts_name(
        self, detector: Command, tmp_path: Path
    ) -> None:
        article = an_article(tmp_path, "[Metrics](data-blade:a.b)")
        named = ("--fact", f"resourceIdDecoded={GATEWAY}")

        text = detector("render", article, "--format", "text", *named)
        html = detector("render", article, "--format", "html")

        page = f"https://portal.azure.com/#resource{GATEWAY}"
        assert f"Title\n\nMetrics (in the portal <{page}>)\n" == text.out
        assert "<h1>Title</h1>\n<p>Metrics</p>\n" == html.out

    def test_facts_that_are_missing_are_all_named(self, detector: Command) -> None:
        said = detector("render", SEED, "--fact", "GATEWAYVIP=203.0.113.10")

        assert (1, "") == (said.code, said.out)
        assert "no fact for virtualNetworkName, preciseTimestamp" in said.err

    @pytest.mark.parametrize("fact", ["gatewayVip", "=x", ""])
    def test_a_fact_has_a_name_and_a_value(self, detector: Command, fact: str) -> None:
        said = detector("render", SEED, "--fact", fact)

        assert 2 == said.code
        assert f"{fact!r} is not of the form name=value" in said.err

    def test_an_article_that_cannot_be_rendered_is_said(
        self, detector: Command, tmp_path: Path
    ) -> None:
        latin = tmp_path / "latin.md"
        latin.write_bytes(b"# caf\xe9")
        broken = an_article(tmp_path, "<!--/$vip-->")

        for article in (tmp_path, tmp_path / "none.md", latin, broken):
            said = detector("render", article)

            assert (1, "") == (said.code, said.out)
            assert said.err.startswith("error: ")
            assert str(article) in said.err

    def test_line_ends_of_windows_do_no_harm(self, detector: Command, tmp_path: Path) -> None:
        article = tmp_path / "crlf.md"
        article.write_bytes(SEED.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

        text = detector("render", article, *as_options(FACTS), "--format", "text")

        assert detector("render", SEED, *as_options(FACTS), "--format", "text") == text


class TestUsage:
    """What is called wrongly ends with 2, and names what is wrong."""

    @pytest.mark.parametrize(
        ("arguments", "wrong"),
        [
            ((), "Usage: "),
            (("nosuch",), "No such command 'nosuch'"),
            (("replay",), "Missing argument 'RECORDING'"),
            (("replay", "a", "b"), "unexpected extra argument"),
            (("render", "a", "--format", "pdf"), "'pdf'"),
            (("drill", "vpn-hub"), "'vpn-hub' is no gateway's id"),
            (("run", "--dryrun"), "No such option"),
        ],
    )
    def test_usage(self, detector: Command, arguments: tuple[str, ...], wrong: str) -> None:
        said = detector(*arguments)

        assert (2, "") == (said.code, said.out)
        assert wrong in said.err

    def test_help_shows_every_command_with_a_whole_sentence(self, detector: Command) -> None:
        said = detector("--help")

        assert 0 == said.code
        names = ("run", "replay", "explain", "list", "show", "page", "serve", "status", "drill")
        for name in (*names, "doctor", "record", "articles", "render"):
            assert re.search(rf"^  {name} +[A-Z].*\.$", said.out, re.MULTILINE)
        assert "..." not in said.out.partition("Commands:")[2]


class TestSettings:
    """`local.settings.json` in the working directory, below the environment."""

    @pytest.fixture(autouse=True)
    def _elsewhere(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        for name in [name for name in os.environ if name.upper().startswith("DETECTOR_")]:
            monkeypatch.delenv(name)
        monkeypatch.delenv("AzureWebJobsStorage", raising=False)

    def test_the_file_is_read_and_the_environment_stands_above_it(
        self, detector: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        values = {
            "DETECTOR_SCOPES": "11111111-2222-4333-8444-555555555555",
            "DETECTOR_STORE": f"file:{tmp_path / 'below'}",
            "DETECTOR_QUEUE": None,
        }
        text = json.dumps({"IsEncrypted": False, "Values": values}).replace("\n", "\r\n")
        Path("local.settings.json").write_text(f"\ufeff{text}", encoding="utf-8")
        monkeypatch.setenv("DETECTOR_SCOPES", "99999999-2222-4333-8444-555555555555")

        store, logs, *_ = detector("status").out.splitlines()

        assert f"store        folder {tmp_path / 'below'}" == store
        assert logs.startswith("logs         99999999-2222-4333-8444-555555555555, ")

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("{", "no JSON object with `Values` in it; mend it"),
            ("[]", "no JSON object with `Values` in it; mend it"),
            ('{"Values": 1}', "no JSON object with `Values` in it; mend it"),
            ("[" * 100_000, "no JSON object with `Values` in it; mend it"),
            ('{"IsEncrypted": true, "Values": {}}', "is encrypted; run `func settings decrypt`"),
        ],
    )
    def test_a_broken_file_is_said(self, detector: Command, text: str, what: str) -> None:
        Path("local.settings.json").write_text(text)

        for arguments in (("run",), ("status",), ("drill", GATEWAY)):
            said = detector(*arguments)

            assert (1, "") == (said.code, said.out)
            assert said.err.startswith("error: local.settings.json ")
            assert what in said.err

    def test_a_file_that_cannot_be_opened_is_said(self, detector: Command) -> None:
        Path("local.settings.json").mkdir()

        said = detector("status")

        assert 1 == said.code
        assert said.err.startswith("error: local.settings.json: ")

    def test_every_setting_that_is_missing_is_named_and_no_secret(
        self, detector: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AzureWebJobsStorage", "AccountKey=hunter2")
        monkeypatch.setenv("DETECTOR_WEBHOOK_URLS", "http://hunter2.example/")

        said = detector("run")

        assert (1, "") == (said.code, said.out)
        assert "DETECTOR_SCOPES: required" in said.err
        assert "DETECTOR_WEBHOOK_URLS" in said.err
        assert "hunter2" not in said.err


class TestStreams:
    """What is printed arrives, whatever it is printed to."""

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
    def test_output_is_utf_8_wherever_it_goes(self, encoding: str, tmp_path: Path) -> None:
        article = an_article(tmp_path, "caf\u00e9 \u2026 \u65e5\u672c")

        done = process("render", article, environment={"PYTHONIOENCODING": encoding})

        assert (0, b"") == (done.returncode, done.stderr)
        assert "caf\u00e9 \u2026 \u65e5\u672c" in done.stdout.decode()

    @pytest.mark.parametrize("arguments", [("replay", AFTERNOON), ("explain", AFTERNOON)])
    def test_a_reader_that_goes_away_is_no_fault(self, arguments: tuple[object, ...]) -> None:
        with subprocess.Popen(
            [sys.executable, "-m", "detector", *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            running.stdout.close()
            said = running.stderr.read()

        assert b"Traceback" not in said
        assert b"Exception ignored" not in said

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is full")
    def test_a_disk_that_is_full_is_said(self) -> None:
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "detector", "replay", str(AFTERNOON)],
                cwd=ROOT,
                stdout=full,
                stderr=subprocess.PIPE,
            )

        assert 1 == done.returncode
        assert b"error: No space left on device" in done.stderr
        assert b"Traceback" not in done.stderr

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe to wait at")
    def test_an_interrupt_ends_quietly(self, tmp_path: Path) -> None:
        pipe = tmp_path / "article.md"
        os.mkfifo(pipe)
        with (
            subprocess.Popen(
                # Where the tests run in the background, a shell has told them to ignore it.
                [sys.executable, "-c", LISTENING, "render", str(pipe)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            ) as running,
            pipe.open("wb"),
        ):  # returns when the command has come to read
            running.send_signal(signal.SIGINT)
            out, said = running.communicate(timeout=60)

        assert 130 == running.returncode
        assert (b"", b"") == (out, said)
