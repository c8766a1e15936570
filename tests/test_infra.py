"""The deployment: Bicep that a parser reads, whose parts fit together and fit the app.

Bicep's own compiler is no part of these tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
from pycep import BicepParser

from detector.app.invocation import log_lines
from detector.app.settings import Settings
from detector.azure.clouds import Endpoint
from detector.azure.ingestion import row
from detector.azure.metrics import Metrics, metrics_client
from detector.azure.network import Network, ResourceHealth
from detector.azure.resource_manager import Bodies, ResourceManager
from detector.insights.document import Insight
from detector.journal import DeliveryReport
from detector.model import State, Window
from detector.runs import Report
from detector.runs.report import ScopeReport
from detector.runs.schedule import Schedule
from tests.azure_stand_in import AzureStandIn
from tests.cloud import DIAGNOSTIC_SETTINGS, GATEWAY, NETWORK, SUBSCRIPTION, gateway_body
from tests.kusto import analysed
from tests.log_tables import LogTables, Row
from tests.loopback import Reply
from tests.sink_stand_in import an_insight
from tests.test_network import AnyToken

if TYPE_CHECKING:
    from tests.loopback import Request

ROOT: Final = Path(__file__).parent.parent
INFRA: Final = ROOT / "infra"
LISTED: Final[dict[str, Any]] = json.loads((INFRA / "resources.json").read_text("utf-8"))
ROLES: Final[dict[str, Any]] = json.loads((INFRA / "roles.json").read_text("utf-8"))
FAILOVERS: Final[dict[str, Any]] = json.loads((INFRA / "failovers-table.json").read_text("utf-8"))
FILES: Final = {
    path.relative_to(INFRA).as_posix(): path.read_text("utf-8")
    for path in sorted(INFRA.rglob("*.bicep"))
}
TOPS: Final = {name for name in FILES if "/" not in name}
"""What is deployed by itself; everything else is a module of these."""

GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DEFINITION: Final = re.compile(r"^(?:param|var) (\w+)", re.MULTILINE)
LOADED: Final = re.compile(r"load(?:Text|Json)Content\('([^']+)'\)")
QUERIES: Final = {
    path.stem: path.read_text("utf-8") for path in sorted((INFRA / "queries").glob("*.kql"))
}
NOW: Final = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)


@cache
def read(name: str) -> dict[str, Any]:
    """The parts of a file, as the parser has them; it raises what it cannot read."""
    return dict(BicepParser().parse(text=FILES[name]))


def code(name: str) -> str:
    """The text of a file without its comments."""
    return re.sub(r"//[^\n]*", "", re.sub(r"https?://", "", FILES[name]))


def modules(name: str) -> Iterator[tuple[str, str, set[str]]]:
    """Each module that a file uses: its symbol, its file, and the parameters that it is given."""
    for symbol, module in read(name).get("modules", {}).items():
        path = (Path(name).parent / module["detail"]["full"]).as_posix()
        yield symbol, path, set(body(module)["params"])


def body(part: dict[str, Any]) -> dict[str, Any]:
    """What stands between the braces of a resource or module, be it in a loop or not."""
    config: dict[str, Any] = part["config"]
    return body(config) if "loop_type" in config else config


@pytest.mark.parametrize("name", FILES)
def test_a_parser_reads_every_file(name: str) -> None:
    assert read(name)


def test_each_resource_type_stands_in_the_list_with_its_version_and_source() -> None:
    written = {
        (resource["type"], resource["api_version"])
        for name in FILES
        for resource in read(name).get("resources", {}).values()
    }
    listed = {(kind, entry["apiVersion"]) for kind, entry in LISTED["resourceTypes"].items()}

    assert listed == written
    assert all(entry["source"] for entry in LISTED["resourceTypes"].values())


def test_each_built_in_role_stands_in_the_list() -> None:
    written = {guid for name in FILES for guid in GUID.findall(FILES[name])}

    assert {value for value in LISTED["roles"].values() if GUID.fullmatch(value)} == written


def test_every_module_is_used_and_every_file_that_is_loaded_is_there() -> None:
    used = {path for name in FILES for _, path, _ in modules(name)}
    loaded = {
        (INFRA / name).parent.joinpath(path).resolve()
        for name in FILES
        for path in LOADED.findall(code(name))
    }
    ours = {
        INFRA / "roles.json",
        INFRA / "failovers-table.json",
        *(INFRA / "queries").glob("*.kql"),
    }

    assert FILES.keys() - TOPS == used
    assert {path.resolve() for path in ours} == loaded


@pytest.mark.parametrize("name", FILES)
def test_a_module_is_given_its_parameters_and_asked_for_what_it_puts_out(name: str) -> None:
    for symbol, path, given in modules(name):
        parameters = read(path)["parameters"]
        asked = set(re.findall(rf"\b{symbol}(?:\[\w+\])?\.outputs\.(\w+)", code(name)))

        assert parameters.keys() == given, path
        assert asked <= read(path).get("outputs", {}).keys(), path


@pytest.mark.parametrize("name", FILES)
def test_every_parameter_and_variable_is_used(name: str) -> None:
    text = code(name)
    unused = {
        each for each in DEFINITION.findall(text) if len(re.findall(rf"\b{each}\b", text)) < 2
    }

    assert set() == unused


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_a_host_or_a_secret_of_one_cloud(name: str) -> None:
    found = re.findall(r"[\w-]+\.(?:net|com|io|us|cn)\b|list\w*Keys?\(", FILES[name])

    assert [] == found


@pytest.mark.parametrize("name", FILES)
def test_what_is_made_waits_for_what_it_names_and_nothing_else(name: str) -> None:
    assert "dependsOn" not in FILES[name]


def parameters_file() -> dict[str, str]:
    """The value of each parameter in the parameters file of `azd`."""
    listed = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    return {name: entry["value"] for name, entry in listed.items()}


def test_the_parameters_file_gives_every_parameter_and_no_other() -> None:
    assert read("main.bicep")["parameters"].keys() == parameters_file().keys()


def test_a_parameter_is_set_by_its_own_name_in_capitals_with_its_own_default() -> None:
    defaults = {
        name: parameter["default"] for name, parameter in read("main.bicep")["parameters"].items()
    }
    for name, value in parameters_file().items():
        capitals = re.sub("([A-Z])", r"_\1", name).upper()
        variable = {"environmentName": "AZURE_ENV_NAME", "location": "AZURE_LOCATION"}.get(
            name, capitals
        )
        default = defaults[name]

        assert f"${{{variable}}}" == value if default is None else f"${{{variable}={default}}}"


def test_every_parameter_of_what_is_deployed_is_described() -> None:
    for name in TOPS:
        for parameter in read(name)["parameters"].values():
            assert "description" in {each["type"] for each in parameter["decorators"]}


def written_settings() -> set[str]:
    """The names of the application settings that the template writes, always or at times."""
    return set(re.findall(r"(?:^ +|\{ )([A-Z]\w*_\w+):", code(APP), re.MULTILINE))


APP: Final = "modules/app.bicep"


def test_the_settings_are_those_that_the_app_and_its_host_know() -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()}
    hosts = set(LISTED["hostSettings"])

    assert set() == written_settings() - known - hosts
    assert hosts <= written_settings()


def test_the_app_starts_with_the_settings_that_it_is_given() -> None:
    values = {
        "AzureWebJobsStorage__blobServiceUri": "https://account.blob.example.net/",
        "AzureWebJobsStorage__queueServiceUri": "https://account.queue.example.net/",
        "AzureWebJobsStorage__tableServiceUri": "https://account.table.example.net/",
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": "11111111-2222-4333-8444-555555555555",
        "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
        "AZURE_TOKEN_CREDENTIALS": "prod",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=0",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "ClientId=0;Authorization=AAD",
        "DETECTOR_SCOPES": "11111111-2222-4333-8444-555555555555," + SUBSCRIPTION,
        "DETECTOR_SCHEDULE": "0 */5 * * * *",
        "DETECTOR_CLOUD": "AzureCloud",
        "DETECTOR_STORE": "blob:insights",
        "DETECTOR_EVENT_GRID_ENDPOINT": "https://topic.example.net/api/events",
        "DETECTOR_INGESTION_ENDPOINT": "https://dce.westeurope-1.ingest.monitor.azure.com",
        "DETECTOR_INGESTION_RULE": "dcr-00000000000000000000000000000001",
        "DETECTOR_NOTIFY_URLS": "json://hook.example.net",
        "DETECTOR_WEBHOOK_URLS": "https://hook.example.net",
        "DETECTOR_WEBHOOK_SECRET": "whsec_" + "QUFB" * 8,
    }
    settings = Settings.read(values)

    assert values.keys() == written_settings()
    assert "https://account.blob.example.net" == settings.storage.blob_uri
    assert settings.storage.managed_identity


@pytest.mark.parametrize("every", [5, 10, 15, 20, 60])
def test_each_period_makes_a_schedule_and_has_its_windows(every: int) -> None:
    template = code(APP)
    hourly, other = re.findall(
        r"DETECTOR_SCHEDULE: runEveryMinutes == 60 \? '([^']+)' : '([^']+)'", template
    )[0]
    schedule = hourly if every == 60 else other.replace("${runEveryMinutes}", str(every))
    windows = read("modules/alerts.bicep")["variables"]["windows"]["value"]
    silent = windows[f"'{every}'"]["silent"]

    values = {"DETECTOR_SCOPES": SUBSCRIPTION, "DETECTOR_STORE": "file:x"}

    assert (
        Schedule.read(schedule) == Settings.read({**values, "DETECTOR_SCHEDULE": schedule}).schedule
    )
    assert timedelta(minutes=3 * every) == duration(silent)
    assert timedelta(minutes=6 * every) <= duration(windows[f"'{every}'"]["failing"])


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of hours or of minutes."""
    found = re.fullmatch(r"PT(\d+)([HM])", text)
    assert found
    return timedelta(minutes=int(found[1]) * (60 if found[2] == "H" else 1))


@pytest.mark.parametrize("setting", LISTED["refusedSettings"]["names"])
def test_no_setting_is_written_that_flex_consumption_refuses(setting: str) -> None:
    assert not [name for name, text in FILES.items() if setting in text]


def test_the_tags_by_which_azd_finds_its_own_are_there() -> None:
    (service,) = re.findall(
        r"^services:\n  (\w+):$", (ROOT / "azure.yaml").read_text("utf-8"), re.MULTILINE
    )

    assert f"{{ 'azd-service-name': '{service}' }}" in FILES[APP]
    assert "'azd-env-name': environmentName" in FILES["main.bicep"]
    for name in FILES.keys() - TOPS:
        for resource in read(name).get("resources", {}).values():
            assert {"location", "tags"} & body(resource).keys() in ({"location", "tags"}, set())


def test_the_python_of_the_app_is_the_oldest_that_the_project_supports() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (oldest,) = re.findall(r'requires-python = ">=([\d.]+)"', project)

    assert f"version: '{oldest}'" in FILES[APP]


def test_the_storage_account_has_no_keys_and_only_insights_grow_old() -> None:
    text = code("modules/storage.bicep")

    assert "allowSharedKeyAccess: false" in text
    assert "allowBlobPublicAccess: false" in text
    [old] = re.findall(r"prefixMatch: \[([^\]]*)\]", text)
    assert ["'${insights.name}/insights/'", "'${insights.name}/fleet/'"] == old.split()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_of_ours_reads_and_can_do_nothing_else(role: str) -> None:
    """No permission to write, delete or act on a gateway or on anything else."""
    actions = ROLES[role]["actions"]

    assert actions
    assert [] == [each for each in actions if not each.lower().endswith("/read")]
    assert [] == [each for each in actions if each.startswith("*")]
    assert {"name", "description", "actions"} == ROLES[role].keys()


def test_the_roles_that_are_defined_are_those_and_grant_nothing_beside_them() -> None:
    definitions = [
        resource
        for resource in read("modules/roles.bicep")["resources"].values()
        if resource["type"] == "Microsoft.Authorization/roleDefinitions"
    ]
    text = code("modules/roles.bicep")

    assert len(ROLES) == len(definitions)
    for role in ROLES:
        assert 1 == text.count(f"        actions: definitions.{role}.actions\n")
    assert len(ROLES) == len(re.findall(r"^ +actions:", text, re.MULTILINE))
    assert len(ROLES) == text.count("        dataActions: []\n")
    assert len(FILES) - 1 == sum("roleDefinitions@" not in text for text in FILES.values())


def test_every_role_goes_to_the_identity_that_the_app_has() -> None:
    assigned = [
        body(resource)["properties"]
        for name in FILES
        for resource in read(name).get("resources", {}).values()
        if resource["type"] == "Microsoft.Authorization/roleAssignments"
    ]

    assert {("principalId", "ServicePrincipal")} == {
        (each["principalId"], each["principalType"]) for each in assigned
    }
    assert FILES["main.bicep"].count("principalId:") == FILES["main.bicep"].count(
        "principalId: identity.outputs.principalId"
    )


CONNECTION: Final = f"{NETWORK}/connections/conn-lyon"
PEER: Final = f"{NETWORK}/localNetworkGateways/lng-lyon"
ADDRESS: Final = f"{NETWORK}/publicIPAddresses/pip-hub"


def gateway_without_address() -> dict[str, object]:
    body: dict[str, Any] = gateway_body()
    del body["properties"]["bgpSettings"]
    body["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] = {"id": ADDRESS}
    return body


def action(request: Request) -> str:
    """The permission that Azure asks for a request, lower case: the path without its names.

    https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
    """
    _, is_of_provider, resource = request.path.rpartition("/providers/")
    if not is_of_provider:
        resource = f"Microsoft.Resources{request.path}"
    provider, *rest = resource.lower().split("/")
    kinds = [rest[0], *rest[2:3]] if len(rest) > 1 else rest
    verb = {"GET": "read"}[request.method]
    return "/".join([provider, *kinds, verb])


def test_the_role_permits_what_the_app_asks_for_and_only_logs_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = {
        "id": CONNECTION,
        "name": "conn-lyon",
        "properties": {
            "virtualNetworkGateway1": {"id": GATEWAY},
            "localNetworkGateway2": {"id": PEER},
        },
    }
    with AzureStandIn() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        azure.arm |= {
            GATEWAY: gateway_without_address(),
            f"{GATEWAY}/connections": {"value": [connection]},
            CONNECTION: connection,
            PEER: {"id": PEER, "properties": {"gatewayIpAddress": "198.51.100.11"}},
            ADDRESS: {"id": ADDRESS, "properties": {"ipAddress": "203.0.113.10"}},
            f"{GATEWAY}/providers/Microsoft.ResourceHealth/availabilityStatuses": {"value": []},
        }
        azure.always("/metrics:getBatch", Reply(status=403))
        asked_by(Endpoint(url=azure.url, audience=azure.url))
        asked = {action(each) for each in azure.requests if "metrics:getBatch" not in each.path}

    permitted = {each.lower() for each in ROLES["gateways"]["actions"]}

    assert set() == asked - permitted
    assert {"microsoft.insights/logs/*/read"} == permitted - asked


def asked_by(endpoint: Endpoint) -> None:
    """Ask for everything that the app asks for of a gateway."""

    def left() -> timedelta:
        return timedelta(minutes=4)

    token = AnyToken()
    with (
        closing(ResourceManager(token, endpoint)) as arm,
        metrics_client(token, "westeurope", endpoint) as metrics,
    ):
        asked = Network(lambda: arm, lambda *_: (), left=left)
        gateway = asked.gateways([GATEWAY])[GATEWAY]
        asked.connections([GATEWAY])
        asked.tunnels([CONNECTION])
        ResourceHealth(lambda: arm, left=left).events([GATEWAY])
        hour = Window(start=NOW - timedelta(hours=1), end=NOW)
        Metrics(lambda _: metrics, lambda: arm, left=left).bandwidth([gateway], hour)
        group = GATEWAY.rpartition("/")[0]
        settings = f"{GATEWAY}{DIAGNOSTIC_SETTINGS}"
        Bodies(lambda: arm, left=left)([SUBSCRIPTION, group, settings])


TABLES: Final = {
    "traces": {"timestamp": "datetime", "message": "string", "severityLevel": "int"},
    "requests": {"timestamp": "datetime", "name": "string", "success": "bool"},
    "AzureDiagnostics": {
        "TimeGenerated": "datetime",
        "OperationName": "string",
        "_ResourceId": "string",
    },
    FAILOVERS["table"]: {column["name"]: column["type"] for column in FAILOVERS["columns"]},
}


@pytest.mark.parametrize("query", QUERIES)
def test_the_analyser_finds_nothing_wrong_with_an_alert(query: str) -> None:
    assert [] == analysed(TABLES, QUERIES)[query]["diagnostics"]


def a_report(*, complete: bool = True, given_up: bool = False) -> Report:
    scope = ScopeReport(
        scope="11111111-2222-4333-8444-555555555555",
        window_start=NOW - timedelta(hours=6),
        window_end=NOW,
        complete=complete,
        signals=0,
        newest=None,
        problem=None if complete else "it does not answer",
    )
    delivery = DeliveryReport(
        sink="queue", id="f-1", revision=1, attempts=1, given_up=given_up, why="refused"
    )
    return Report(
        at=NOW,
        scopes=(scope, scope.model_copy(update={"complete": True})),
        outstanding=() if given_up else (delivery,),
        given_up=(delivery,) if given_up else (),
    )


def found(query: str, *messages: str) -> list[str]:
    """The lines among these that an alert counts."""
    rows: list[Row] = [
        {"TimeGenerated": NOW.isoformat(), "message": message} for message in messages
    ]
    result = LogTables(traces=rows).query(
        QUERIES[query], since=NOW - timedelta(hours=1), until=NOW + timedelta(hours=1)
    )
    (place,) = [n for n, (name, _) in enumerate(result.columns) if name == "message"]
    return [str(row[place]) for row in result.rows]


def line(report: Report) -> str:
    """As the app logs it."""
    return f'{{"run": {report.model_dump_json(by_alias=True)}}}'


@pytest.mark.parametrize(
    ("query", "counted", "others"),
    [
        ("complete-runs", a_report(), [a_report(complete=False)]),
        ("given-up", a_report(given_up=True), [a_report(), a_report(complete=False)]),
    ],
)
def test_an_alert_counts_the_runs_that_it_is_about(
    query: str, counted: Report, others: list[Report]
) -> None:
    lines = [line(each) for each in (counted, *others)]

    assert [line(counted)] == found(query, *lines, '{"insight": {}}', "Executing 'detect'")


def test_the_app_logs_its_runs_as_the_alerts_expect() -> None:
    [(_, logged)] = log_lines(a_report(), [])

    assert logged.startswith(line(a_report())[:-1])
    assert {"run", "version"} == json.loads(logged).keys()


def test_an_alert_names_the_function_that_runs() -> None:
    source = (ROOT / "function_app.py").read_text("utf-8")
    functions = re.findall(r"^def (\w+)", source, re.MULTILINE)
    [listed] = re.findall(r"name in~ \(([^)]+)\)", QUERIES["failed-runs"])
    named_there = re.findall(r'"(\w+)"', listed)

    assert named_there
    assert set(named_there) <= set(functions)


def test_silence_alerts_by_what_is_absent() -> None:
    rules = {
        rule["name"]: (rule["operator"], rule["threshold"])
        for rule in read("modules/alerts.bicep")["variables"]["rules"]["value"]
    }

    assert {
        "detector-silent": ("LessThan", 1),
        "detector-failing": ("GreaterThanOrEqual", 3),
        "detector-delivery-given-up": ("GreaterThanOrEqual", 1),
    } == rules


def test_a_gateways_diagnostic_setting_has_the_categories_that_are_read() -> None:
    def categories(name: str) -> set[str]:
        return set(re.findall(r"category: '(\w+)'", code(name)))

    assert {"GatewayDiagnosticLog", "TunnelDiagnosticLog"} == categories(
        "modules/gateway-logs.bicep"
    )
    assert {"Administrative", "ResourceHealth"} == categories("diagnostics.bicep")


LATEST: Final = "| summarize arg_max(Revision, *) by FailoverId\n"


def failovers_of(query: str, *insights: Insight) -> list[list[object]]:
    """What a query of the workbook finds in the table after these deliveries."""
    rows = [
        {**row(each, told_at=NOW), "Document": each.model_dump_json(by_alias=True)}
        for each in insights
    ]
    result = LogTables({FAILOVERS["table"]: rows}).query(
        QUERIES[query], since=NOW - timedelta(hours=1), until=NOW + timedelta(hours=1)
    )
    return result.rows


WORKBOOK: Final = [name for name in QUERIES if name.startswith("workbook-")]


@pytest.mark.parametrize("query", WORKBOOK)
def test_each_query_of_the_workbook_takes_the_latest_revision_of_each_failover(query: str) -> None:
    _, *text = QUERIES[query].splitlines(keepends=True)

    assert [f"{FAILOVERS['table']}\n", LATEST] == text[:2]
    assert f"loadTextContent('../queries/{query}.kql')" in code("modules/workbook.bicep")


def test_the_workbook_tells_each_failover_once_however_often_it_was_delivered() -> None:
    was_open = an_insight(
        failover=an_insight().failover.model_copy(update={"state": State.ONGOING})
    )
    over = an_insight(revision=2, reason="recovered")
    delivered = (was_open, over, over, was_open)
    drill, none = an_insight(id="f-2", drill=True), an_insight(id="f-3", reason="retracted")

    assert [] == failovers_of("workbook-open", *delivered, drill, none)
    assert [[an_insight().gateway.id]] == failovers_of("workbook-gateways", *delivered, drill, none)
    assert [("maintenance", 1)] == [
        (cause, count) for cause, _, count in failovers_of("workbook-causes", *delivered, none)
    ]
    assert [[83.0, "maintenance"]] == [each[2:4] for each in failovers_of("workbook-longest", over)]
    assert 1 == len(failovers_of("workbook-days", *delivered))
    assert 1 == len(failovers_of("workbook-open", was_open))


def test_the_rule_takes_the_columns_of_the_table_and_the_table_those_of_the_list() -> None:
    for name in ("modules/table.bicep", "modules/ingestion.bicep"):
        assert "var declared = loadJsonContent('../failovers-table.json')" in code(name)
    assert "column in declared.columns" in code("modules/table.bicep")
    assert "map(declared.columns, column => " in code("modules/ingestion.bicep")
    assert "outputStream: 'Custom-${tableName}'" in code("modules/ingestion.bicep")


def test_the_table_is_documented_with_its_columns() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+, .*) \|$", DEPLOYMENT, re.MULTILINE))

    assert {
        column["name"]: f"{column['type']}, {column['description']}"
        for column in FAILOVERS["columns"]
    } == rows


def test_the_documented_alert_on_the_table_is_right() -> None:
    [query] = re.findall(rf"{FAILOVERS['table']} \|[^\"]*", DEPLOYMENT)

    assert LATEST.strip("| \n") in query
    assert [] == analysed(TABLES, {"documented": query})["documented"]["diagnostics"]


def test_the_list_holds_no_id_that_is_none() -> None:
    ids = [value for value in LISTED["roles"].values() if not value.startswith("https://")]

    assert ids == [str(UUID(value)) for value in ids]


DEPLOYMENT: Final = (ROOT / "docs" / "deployment.md").read_text("utf-8")
ALTERNATIVES: Final = (ROOT / "docs" / "alternatives.md").read_text("utf-8")
WORKFLOW: Final = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")


def variables() -> dict[str, str]:
    """The parameter that each variable of the parameters file sets."""
    return {
        found[1]: name
        for name, value in parameters_file().items()
        if (found := re.match(r"\$\{(\w+)", value))
    }


def test_the_documented_parameters_are_those_that_there_are_with_their_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| .* \| (.*) \|$", DEPLOYMENT, re.MULTILINE)
    defaults = {
        name: str(parameter["default"])
        for name, parameter in read("main.bicep")["parameters"].items()
        if parameter["default"]
    }

    assert variables() == {variable: name for variable, name, _ in rows}
    assert defaults == {name: told.strip("`") for _, name, told in rows if told.startswith("`")}


def test_the_documented_commands_give_only_parameters_that_there_are() -> None:
    documents = DEPLOYMENT + ALTERNATIVES
    for command in re.findall(r"^ +az deployment \w+ create .*$", documents, re.MULTILINE):
        (template,) = re.findall(r"--template-file infra/(\S+)", command)
        given = set(re.findall(r"(\w+)=", command.partition("--parameters")[2]))
        required = {
            name
            for name, parameter in read(template)["parameters"].items()
            if parameter["default"] is None
        }

        assert required <= given <= read(template)["parameters"].keys()


def test_the_documented_outputs_are_those_that_there_are() -> None:
    asked = {
        *re.findall(r"OUTPUT (\w+)\)", DEPLOYMENT),
        *re.findall(r"\$made\.(\w+)\.value", DEPLOYMENT),
    }

    assert read("main.bicep")["outputs"].keys() == asked


@pytest.mark.parametrize("document", [DEPLOYMENT, ALTERNATIVES])
def test_the_files_that_a_document_names_are_there(document: str) -> None:
    named = {
        *re.findall(r"infra/[\w./-]*\w", document),
        *re.findall(r"\.github/[\w./-]*\w", document),
    }

    assert named
    assert [] == [name for name in sorted(named) if not (ROOT / name).exists()]


def test_every_role_is_documented_and_every_alert() -> None:
    given = set(LISTED["roles"]) - {"source", "Monitoring Reader"}
    ours = {ROLES[role]["name"] for role in ROLES}
    rules = {rule["name"] for rule in read("modules/alerts.bicep")["variables"]["rules"]["value"]}

    assert [] == [name for name in sorted(given | ours) if f"| {name} |" not in DEPLOYMENT]
    assert [] == [name for name in sorted(rules) if f"| `{name}` |" not in DEPLOYMENT]


def test_the_workflow_runs_the_same_checks_on_every_python_and_deploys_every_parameter() -> None:
    tested = re.findall(r'"(3\.\d+)"', WORKFLOW)

    assert ["3.11", "3.12", "3.13"] == tested
    assert "run: bash .ci/run" in WORKFLOW
    assert set() == variables().keys() - set(re.findall(r"^      (\w+):", WORKFLOW, re.MULTILINE))
    assert "secrets." not in WORKFLOW


def test_the_editor_starts_the_host_before_it_attaches() -> None:
    def told(name: str) -> Any:
        return json.loads((ROOT / ".vscode" / f"{name}.json").read_text("utf-8"))

    started = {task["label"]: task.get("dependsOn") for task in told("tasks")["tasks"]}
    (attached,) = told("launch")["configurations"]

    assert started[attached["preLaunchTask"]] in started
    assert (ROOT / told("settings")["azureFunctions.deploySubpath"] / "host.json").exists()
    assert "ms-azuretools.vscode-azurefunctions" in told("extensions")["recommendations"]


def test_the_pages_are_switched_off_by_their_names_unless_somebody_asks_for_them() -> None:
    """https://learn.microsoft.com/azure/azure-functions/disable-function names the settings."""
    source = (ROOT / "function_app.py").read_text("utf-8")
    pages = re.findall(r"auth_level=_PAGES\)\ndef (\w+)", source)
    switched_off = re.findall(r"'AzureWebJobs\.(\w+)\.Disabled': 'true'", FILES[APP])

    assert ["failovers", "failover"] == pages == switched_off
    assert "pages == 'true' ? {} : switchedOff" in FILES[APP]
    assert "'false'" == f"'{read('main.bicep')['parameters']['pages']['default']}'"


def test_an_alert_that_asks_for_a_run_looks_every_minute_and_keeps_its_key_secret() -> None:
    text = FILES["alert.bicep"]
    query = QUERIES["gateway-rows"].partition("\n")[2]

    assert query.startswith("AzureDiagnostics\n")
    assert "union" not in query
    for line in ("evaluationFrequency: 'PT1M'", "windowSize: 'PT30M'", "autoMitigate: false"):
        assert line in text
    assert "@secure()" in text.partition("param detectKey")[0].rsplit("\n\n", 1)[1]
    assert "useCommonAlertSchema: true" in text
    assert "output" not in code("alert.bicep")


def hook(tmp_path: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """What azd's hook says, and each call of `az` with the file that it was given."""
    az = tmp_path / "az"
    az.write_text(
        "#!/bin/sh\n"
        'echo "$@" >>calls\n'
        'case "$*" in *keys*) echo k3y;; *functionapp\\ show*) echo app.example;;'
        " *resource*) echo westeurope;; esac\n"
        'for each; do case "$each" in @*) cat "${each#@}" >>given; echo "${each#@}" >place;; esac;'
        " done\n"
    )
    az.chmod(0o700)
    done = subprocess.run(
        ["sh", INFRA / "postdeploy.sh"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
    )
    calls = tmp_path / "calls"
    return done, calls.read_text() if calls.exists() else ""


DEPLOYED: Final = {
    "ALERT_WORKSPACE_ID": f"{SUBSCRIPTION}/resourceGroups/rg-logs/providers/m.o/workspaces/log",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION.rpartition("/")[2],
    "resourceGroupName": "rg-failovers",
    "appName": "func-1",
}


@pytest.mark.skipif(os.name == "nt", reason="there azd runs the other one")
def test_the_hook_deploys_the_alert_with_the_key_in_no_argument_and_no_file_left(
    tmp_path: Path,
) -> None:
    done, calls = hook(tmp_path, **DEPLOYED)
    given = json.loads((tmp_path / "given").read_text())["parameters"]

    assert (0, "") == (done.returncode, done.stderr)
    assert "--template-file infra/alert.bicep" in calls
    assert "k3y" not in calls + done.stdout
    assert {
        "workspaceId": DEPLOYED["ALERT_WORKSPACE_ID"],
        "detectUrl": "https://app.example/api/detect",
        "detectKey": "k3y",
        "location": "westeurope",
    } == {name: each["value"] for name, each in given.items()}
    assert given.keys() == read("alert.bicep")["parameters"].keys()
    assert not Path((tmp_path / "place").read_text().strip()).exists()


@pytest.mark.skipif(os.name == "nt", reason="there azd runs the other one")
def test_without_a_workspace_the_hook_deploys_nothing_and_says_so(tmp_path: Path) -> None:
    done, calls = hook(tmp_path)

    assert (0, "") == (done.returncode, calls)
    assert "ALERT_WORKSPACE_ID is not set" in done.stdout
    without = {name: value for name, value in DEPLOYED.items() if name != "appName"}
    assert 0 != hook(tmp_path, **without)[0].returncode


def test_both_hooks_give_the_same_to_the_same_template() -> None:
    names = [
        set(re.findall(r"(workspaceId|detectUrl|detectKey|location|infra/alert.bicep)", text))
        for text in ((INFRA / f"postdeploy.{end}").read_text("utf-8") for end in ("sh", "ps1"))
    ]

    assert 5 == len(names[0])
    assert names[0] == names[1]
