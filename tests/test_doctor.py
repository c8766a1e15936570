"""The doctor over the stand-in for Azure: each finding, and the command that mends it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.azure_stand_in import AzureStandIn
from tests.azurite import Azurite
from tests.cloud import (
    DIAGNOSTIC_SETTINGS,
    GATEWAY,
    HEALTH,
    NETWORK,
    SUBSCRIPTION,
    WORKSPACE,
    WORKSPACE_ID,
    a_setting,
    gateway_body,
    hand_over_rows,
    watch,
)
from tests.command_line import Command
from tests.loopback import Reply
from tests.sink_stand_in import SinkStandIn, closed_port

CHECKED: Final = json.loads(
    (Path(__file__).parent / "az-commands.json").read_text(encoding="utf-8")
)
"""Commands of `az` with their options, as the help of the version that is named there has them."""

PROGRAMS: Final = {"az", "pip", "python"}
GROUP: Final = NETWORK.partition("/providers/")[0]

Check = dict[str, str | None]


@pytest.fixture(autouse=True)
def a_gateway_that_is_seen(azure: AzureStandIn) -> None:
    """All is well, until a test changes it."""
    watch(azure)
    azure.tables["AzureDiagnostics"] += hand_over_rows()
    azure.tables["AppTraces"] = []


class Examined:
    """The checks of one examination, and its exit code."""

    def __init__(self, code: int, checks: list[Check]) -> None:
        self.code = code
        self.checks = checks
        for check in checks:
            assert ["id", "status", "subject", "evidence", "hint"] == list(check)
            if check["status"] == "fail":
                assert_exists(str(check["hint"]))
            elif check["hint"]:
                assert_exists(check["hint"])

    def of(self, name: str, subject: str | None = None) -> Check:
        """The one check of that name."""
        [found] = [
            each
            for each in self.checks
            if each["id"] == name and subject in (None, each["subject"])
        ]
        return found

    def statuses(self, *names: str) -> list[str | None]:
        return [self.of(name)["status"] for name in names]

    @property
    def failed(self) -> list[str | None]:
        return [each["id"] for each in self.checks if each["status"] == "fail"]


def assert_exists(hint: str) -> None:
    """The command is one that was looked up, with all its options."""
    for words in commands(hint):
        assert words[0] in PROGRAMS, hint
        if words[0] == "az":
            name = " ".join(words[: first_option(words)])
            options = {word for word in words if word.startswith("--")}

            assert options <= set(CHECKED["commands"][name]), hint


def commands(hint: str) -> Iterator[list[str]]:
    """The words of the command, and of each that stands in `$(…)` in it."""
    for inner in re.findall(r"\$\((.*?)\)(?:\"|$)", hint):
        yield shlex.split(inner)
    yield shlex.split(re.sub(r"\$\((.*)\)", "", hint))


def first_option(words: list[str]) -> int:
    return next((n for n, word in enumerate(words) if word.startswith("-")), len(words))


@pytest.fixture
def examine(detector: Command) -> Any:
    """Asks the doctor, by the environment as it then is."""

    def ask() -> Examined:
        said = detector("doctor", "--json")
        return Examined(said.code, json.loads(said.out)["checks"])

    return ask


def test_where_all_is_well_nothing_fails(examine: Any) -> None:
    examined = examine()

    assert (0, []) == (examined.code, examined.failed)
    assert ["pass"] * 15 == examined.statuses(
        *("settings", "articles", "login", "logs", "gateways", "activity-log"),
        *("diagnostic-setting", "log-categories", "log-workspace", "log-rows", "limits"),
        *("metrics", "resource-health", "permissions", "storage"),
    )


def test_a_person_reads_what_has_to_be_mended_last(azure: AzureStandIn, detector: Command) -> None:
    azure.arm[f"{GATEWAY}{DIAGNOSTIC_SETTINGS}"] = {"value": []}
    said = detector("doctor")
    lines = said.out.splitlines()

    assert 1 == said.code
    assert lines[-3].startswith(
        f"fail  diagnostic-setting  {GATEWAY.lower()}: it has no diagnostic"
    )
    assert lines[-2].startswith("      mend: az monitor diagnostic-settings create")
    assert re.fullmatch(r"1 fail, \d+ warn, \d+ skip, \d+ pass", lines[-1])


def test_settings_that_cannot_be_read_are_each_a_check_and_the_rest_is_skipped(
    examine: Any, monkeypatch: pytest.MonkeyPatch, azure: AzureStandIn
) -> None:
    monkeypatch.setenv("DETECTOR_SCOPES", "nonsense")
    monkeypatch.setenv("DETECTOR_DIGEST", "soon")
    examined = examine()

    assert 1 == examined.code
    assert "fail" == examined.of("settings", "DETECTOR_SCOPES")["status"]
    assert "fail" == examined.of("settings", "DETECTOR_DIGEST")["status"]
    assert ["skip"] * 4 == examined.statuses("articles", "login", "logs", "storage")
    assert [] == azure.requests


def test_articles_with_problems_fail(
    examine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DETECTOR_ARTICLES", str(tmp_path))
    (tmp_path / "Bad.md").write_text("no header", encoding="utf-8")
    examined = examine()

    assert "articles" in examined.failed
    assert {"python -m detector articles"} == {
        each["hint"] for each in examined.checks if each["id"] == "articles"
    }


def test_without_a_login_azure_is_not_asked_further(
    examine: Any, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.arm["/subscriptions"] = Reply(status=401)
    examined = examine()

    assert ("fail", "az login") == (
        examined.of("login")["status"],
        examined.of("login")["hint"],
    )
    assert ["skip"] * 3 == examined.statuses("logs", "gateways", "other-detectors")


def test_logs_tell_tables_newest_row_and_the_share_of_each_category(
    examine: Any, azure: AzureStandIn
) -> None:
    at = datetime.now(UTC) - timedelta(minutes=7)
    row = {"TimeGenerated": at.isoformat(), "_ResourceId": GATEWAY.lower()}
    azure.tables["AzureDiagnostics"] += [{**row, "Category": "IKEDiagnosticLog"}] * 12
    azure.tables["AzureActivity"] += [{**row, "CategoryValue": "Administrative"}] * 4
    evidence = str(examine().of("logs", WORKSPACE)["evidence"])

    assert (
        f"AzureActivity and AzureDiagnostics, the newest row of {at:%Y-%m-%d %H:%M:%S}Z; "
        "20 rows in 30 days: IKEDiagnosticLog 60 %, AzureActivity 20 %, TunnelDiagnosticLog 20 %"
    ).replace(" %", "%") == evidence


def test_a_workspace_without_rows_is_warned_of(examine: Any, azure: AzureStandIn) -> None:
    azure.tables["AzureDiagnostics"].clear()
    examined = examine()

    assert ["warn", "warn"] == examined.statuses("logs", "log-rows")
    assert 0 == examined.code


def test_logs_that_may_not_be_queried_fail(examine: Any, azure: AzureStandIn) -> None:
    azure.always("/query", Reply(status=403))
    examined = examine()

    assert "logs" in examined.failed
    assert f"[?customerId=='{WORKSPACE}'].id" in str(examined.of("logs")["hint"])


FINDINGS: Final[dict[str, tuple[dict[str, object], str]]] = {
    "no setting": ({f"{GATEWAY}{DIAGNOSTIC_SETTINGS}": {"value": []}}, "diagnostic-setting"),
    "a category off": (
        {f"{GATEWAY}{DIAGNOSTIC_SETTINGS}": {"value": [a_setting("TunnelDiagnosticLog")]}},
        "log-categories",
    ),
    "another workspace": (
        {
            f"{GATEWAY}{DIAGNOSTIC_SETTINGS}": {
                "value": [a_setting(workspace=f"{WORKSPACE_ID}-other")]
            },
            f"{WORKSPACE_ID}-other": {"properties": {"customerId": str(uuid4())}},
        },
        "log-workspace",
    ),
    "settings that may not be read": (
        {f"{GATEWAY}{DIAGNOSTIC_SETTINGS}": Reply(status=403)},
        "settings-readable",
    ),
    "health that may not be read": ({f"{GATEWAY}{HEALTH}": Reply(status=403)}, "resource-health"),
    "a connection that may not be read": (
        {f"{GATEWAY}/connections": Reply(status=403)},
        "permissions",
    ),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_what_is_wrong_with_a_gateway_fails(examine: Any, azure: AzureStandIn, name: str) -> None:
    bodies, check = FINDINGS[name]
    azure.arm |= bodies
    examined = examine()

    assert 1 == examined.code
    assert [check] == examined.failed


def test_metrics_that_may_not_be_read_fail(examine: Any, azure: AzureStandIn) -> None:
    azure.always("metrics", Reply(status=403))

    assert ["metrics"] == examine().failed


def test_a_peer_and_a_public_ip_are_tried_too(examine: Any, azure: AzureStandIn) -> None:
    connection, peer = f"{NETWORK}/connections/c", f"{NETWORK}/localNetworkGateways/p"
    body = {"id": connection, "properties": {"localNetworkGateway2": {"id": peer}}}
    azure.arm |= {
        f"{GATEWAY}/connections": {"value": [body]},
        connection: body,
        peer: Reply(status=403),
    }
    permissions = examine().of("permissions")

    assert "fail" == permissions["status"]
    assert str(permissions["evidence"]).startswith("a peer: no permission to read it")


def test_an_export_of_the_activity_log_that_is_missing_is_warned_of(
    examine: Any, azure: AzureStandIn
) -> None:
    azure.arm[f"{SUBSCRIPTION}{DIAGNOSTIC_SETTINGS}"] = {"value": []}
    examined = examine()

    assert (0, ["warn"]) == (examined.code, examined.statuses("activity-log"))


def test_a_policy_based_gateway_is_warned_of(examine: Any, azure: AzureStandIn) -> None:
    [listed] = azure.graph.resources
    properties = {"gatewayType": "Vpn", "vpnType": "PolicyBased", "sku": {"name": "Basic"}}
    azure.graph.resources = [{**listed, "properties": properties}]

    assert ["warn"] == examine().statuses("limits")


def test_a_subscription_that_may_not_be_read_fails_though_resource_graph_is_silent(
    examine: Any, azure: AzureStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECTOR_SCOPES", SUBSCRIPTION)
    azure.tables["AzureDiagnostics"].clear()
    azure.graph.resources = []
    azure.arm[SUBSCRIPTION] = Reply(status=403)
    examined = examine()

    assert ["readable"] == examined.failed
    assert SUBSCRIPTION == examined.of("readable")["subject"]


def test_resource_graph_that_is_refused_fails(examine: Any, azure: AzureStandIn) -> None:
    azure.always("ResourceGraph", Reply(status=403))

    assert "gateways" in examine().failed


def test_a_gateway_of_express_route_is_none_of_ours(examine: Any, azure: AzureStandIn) -> None:
    body = gateway_body()
    azure.tables["AzureDiagnostics"].clear()
    azure.graph.resources = [
        {
            **body,
            "type": "microsoft.network/virtualnetworkgateways",
            "properties": {"gatewayType": "ExpressRoute"},
        }
    ]

    assert "0 VPN gateways" == examine().of("gateways")["evidence"]


def test_a_store_that_cannot_be_written_fails(
    examine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DETECTOR_STORE", f"file:{tmp_path / 'file'}")

    assert "storage" in examine().failed


def test_container_and_queue_are_written_to(
    examine: Any, monkeypatch: pytest.MonkeyPatch, azurite: Azurite
) -> None:
    name = f"doctor-{uuid4().hex[:8]}"
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)
    monkeypatch.setenv("DETECTOR_STORE", f"blob:{name}")
    monkeypatch.setenv("DETECTOR_QUEUE", name)
    examined = examine()

    assert (f"container {name}", "wrote coverage/probe.json") == (
        examined.of("storage")["subject"],
        examined.of("storage")["evidence"],
    )
    assert ["pass"] == examined.statuses("sink")


def test_storage_that_does_not_answer_fails_with_both_roles(
    examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"http://127.0.0.1:{closed_port()}/devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    monkeypatch.setenv(
        "AzureWebJobsStorage",
        f"AccountName=devstoreaccount1;AccountKey={key};BlobEndpoint={at};QueueEndpoint={at};",
    )
    monkeypatch.setenv("DETECTOR_STORE", "blob:insights")
    monkeypatch.setenv("DETECTOR_QUEUE", "insights")
    examined = examine()

    assert {"storage", "sink"} <= set(examined.failed)
    assert '"Storage Blob Data Owner"' in str(examined.of("storage")["hint"]).replace("'", '"')
    assert "Storage Queue Data Contributor" in str(examined.of("sink")["hint"])


def test_a_webhook_is_reached_and_told_nothing(
    examine: Any, monkeypatch: pytest.MonkeyPatch, receiver: SinkStandIn, azure: AzureStandIn
) -> None:
    """Of both authorities one can be trusted here: it is the webhook that answers."""
    monkeypatch.setenv("DETECTOR_WEBHOOK_URLS", f"https://{receiver.at}/s3cret")
    examine()

    assert [("HEAD", "/")] == [(each.method, each.path) for each in receiver.received]


def test_a_webhook_that_is_not_there_fails_without_its_secret(
    examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECTOR_WEBHOOK_URLS", f"https://127.0.0.1:{closed_port()}/s3cret")
    examined = examine()

    assert ["sink"] == examined.failed
    assert "s3cret" not in json.dumps(examined.checks)
    assert "DETECTOR_WEBHOOK_URLS" in str(examined.of("sink")["hint"])


def test_a_service_that_cannot_be_probed_is_skipped_with_why(
    examine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECTOR_NOTIFY_URLS", f"pagerduty://{'a' * 32}@{'b' * 20}")
    sink = examine().of("sink")

    assert ("skip", True) == (sink["status"], str(sink["evidence"]).startswith("Apprise does not"))


def test_another_detector_on_the_workspace_is_warned_of(examine: Any, azure: AzureStandIn) -> None:
    row = {"TimeGenerated": datetime.now(UTC).isoformat(), "Message": '{"run": {}}'}
    azure.tables["AppTraces"] = [{**row, "AppRoleName": name} for name in ("func-a", "func-b")]
    other = examine().of("other-detectors")

    assert "warn" == other["status"]
    assert "func-a" in str(other["evidence"])
    assert "func-b" in str(other["evidence"])


def test_one_detector_alone_is_well(examine: Any, azure: AzureStandIn) -> None:
    row = {"TimeGenerated": datetime.now(UTC).isoformat(), "Message": '{"run": {}}'}
    azure.tables["AppTraces"] = [{**row, "AppRoleName": "func-a"}] * 3

    assert "1 detector wrote runs here in 2 days" == examine().of("other-detectors")["evidence"]


def test_a_workspace_without_traces_has_no_other_detector(
    examine: Any, azure: AzureStandIn
) -> None:
    del azure.tables["AppTraces"]

    assert "0 detectors wrote runs here in 2 days" == examine().of("other-detectors")["evidence"]


def test_traces_that_may_not_be_read_are_skipped(examine: Any, azure: AzureStandIn) -> None:
    azure.once("/query", lambda truth: truth(), Reply(status=403))
    other = examine().of("other-detectors")

    assert ("skip", "AppTraces, where a detector leaves its runs, may not be read") == (
        other["status"],
        other["evidence"],
    )


def test_a_hostile_name_acts_neither_in_a_terminal_nor_in_a_shell(
    detector: Command, azure: AzureStandIn
) -> None:
    hostile = f"{GATEWAY}\x1b]0;x\x07'; $(touch x) `y` \u202e"
    [listed] = azure.graph.resources
    azure.graph.resources = [{**listed, "id": hostile}]
    azure.arm[f"{hostile.lower()}{DIAGNOSTIC_SETTINGS}"] = {"value": []}
    said, as_json = detector("doctor"), detector("doctor", "--json")
    [hint] = [line for line in said.out.splitlines() if "diagnostic-settings create" in line]

    assert set() == set("\x1b\x07\u202e") & set(said.out + as_json.out)
    assert any("'; $(touch x) `y`" in word for word in shlex.split(hint))


@pytest.mark.parametrize("command", CHECKED["commands"])
def test_each_command_of_the_list_is_one_that_az_has(command: str) -> None:
    """Where `az` is at hand; it is no part of the project's own tools."""
    az = shutil.which("az")
    if az is None:
        pytest.skip("az is not installed here")
    name = command.removeprefix("az ")
    shown = subprocess.run([az, *name.split(), "--help"], capture_output=True, text=True).stdout
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown))

    assert set(CHECKED["commands"][command]) <= options
