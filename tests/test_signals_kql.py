"""The shipped queries: right by Microsoft's own analyser, and selecting the right rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from detector.signals.row import COLUMNS, read_row
from tests.kusto import analysed
from tests.log_tables import STANDARD_COLUMNS, LogTables, Row

ROOT: Final = Path(__file__).parent.parent
QUERIES: Final = {
    name: (ROOT / "detector" / "azure" / f"{name}.kql").read_text("utf-8")
    for name in ("signals", "coverage")
}
RESULTS: Final = {
    "signals": {name: "datetime" if name == "TimeGenerated" else "string" for name in COLUMNS},
    "coverage": {"Source": "string", "Resource": "string", "Rows": "long", "Newest": "datetime"},
}
OPTIONAL: Final = {
    "instance_s": "string",
    "remoteIP_s": "string",
    "status_s": "string",
    "stateChangeReason_s": "string",
    "operationStatus_s": "string",
    "Message": "string",
    "CorrelationId": "string",
    "AdditionalFields": "dynamic",
}
SUBSCRIPTION: Final = "/subscriptions/0f0f0f0f-0000-4000-8000-00000000000a"
NETWORK: Final = f"{SUBSCRIPTION}/resourcegroups/rg-network/providers/microsoft.network"
GATEWAY: Final = f"{NETWORK}/virtualnetworkgateways/vpn-hub"
AT: Final = datetime(2026, 11, 22, 3, 14, 15, tzinfo=UTC)


def schema(**optional: str) -> dict[str, dict[str, str]]:
    """Both tables with their standard columns, and AzureDiagnostics with `optional` ones."""
    diagnostics = {**STANDARD_COLUMNS["AzureDiagnostics"], **optional}
    activity = dict(STANDARD_COLUMNS["AzureActivity"])
    return {"AzureDiagnostics": diagnostics, "AzureActivity": activity}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "optional", [{}, OPTIONAL], ids=["a new workspace", "one with all columns"]
)
def test_the_analyser_finds_nothing_wrong(query: str, optional: dict[str, str]) -> None:
    finding = analysed(schema(**optional), QUERIES)[query]

    assert [] == finding["diagnostics"]
    assert list(RESULTS[query].items()) == list(finding["columns"].items())


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("absent", ["AzureDiagnostics", "AzureActivity"])
def test_the_analyser_misses_nothing_but_an_absent_table(query: str, absent: str) -> None:
    tables = schema()
    del tables[absent]
    (diagnostic,) = analysed(tables, QUERIES)[query]["diagnostics"]

    assert diagnostic.endswith(
        f"The fuzzy name '{absent}' does not refer to any known or currently accessible table."
    )


def test_the_analyser_would_find_something_wrong() -> None:
    tables = schema()
    del tables["AzureDiagnostics"]["OperationName"]
    diagnostics = analysed(tables, QUERIES)["signals"]["diagnostics"]

    assert any("'OperationName'" in each for each in diagnostics)


def a_row(operation: str, **changes: object) -> dict[str, object]:
    return {
        "TimeGenerated": AT.isoformat(),
        "ResourceId": GATEWAY.upper(),
        "ResourceType": "VIRTUALNETWORKGATEWAYS",
        "_ResourceId": GATEWAY,
        "Category": "GatewayDiagnosticLog",
        "OperationName": operation,
        **changes,
    }


def an_activity(operation: str, **changes: object) -> dict[str, object]:
    return {
        "TimeGenerated": AT.isoformat(),
        "_ResourceId": GATEWAY,
        "Category": "Administrative",
        "CategoryValue": "Administrative",
        "OperationName": "Shown to people",
        "OperationNameValue": operation,
        "ActivityStatusValue": "Start",
        "Caller": "ada@contoso.example",
        "CorrelationId": "c0ffee",
        **changes,
    }


def selected(tables: LogTables, query: str = "signals") -> list[dict[str, object]]:
    """The rows that a shipped query selects of `tables`."""
    result = tables.query(QUERIES[query], since=AT, until=AT)
    names = [name for name, _ in result.columns]
    return [dict(zip(names, row, strict=True)) for row in result.rows]


def told(row: Mapping[str, object]) -> dict[str, object]:
    """`row` without its empty columns."""
    return {name: value for name, value in row.items() if value not in {None, ""}}


RESET: Final = "Microsoft.Network/virtualNetworkGateways/reset/action"
CONNECTION: Final = f"{NETWORK}/connections/to-branch"
HEALTH_EVENT: Final = "Microsoft.Resourcehealth/healthevent/Activated/action"
BEARING: Final = {
    "a tunnel that disconnected": a_row("TunnelDisconnected", Category="TunnelDiagnosticLog"),
    "a tunnel that connected": a_row("TunnelConnected", Category="TunnelDiagnosticLog"),
    "a primary change": a_row("GatewayTenantPrimaryChanged"),
    "a maintenance": a_row("HostMaintenanceEvent"),
    "a configuration": a_row("SetGatewayConfiguration"),
    "a configuration of a connection": a_row("SetConnectionConfiguration"),
    "a move to another subscription": a_row("MigrateCustomerSubscription"),
    "a move to another resource group": a_row("GatewayResourceMove"),
    "an operation in another case": a_row("tunneldisconnected"),
    "an upgrade in words": a_row("Other", Message="Upgrade of gateway vpn-hub has started."),
    "an upgrade among over 500 columns": a_row(
        "Other", AdditionalFields='{"message": "Upgrade gateway started"}'
    ),
    "a row without _ResourceId": a_row("HostMaintenanceEvent", _ResourceId=None),
    "a row without ResourceId": a_row("HostMaintenanceEvent", ResourceId=None),
}
BEARING_ACTIVITIES: Final = {
    "a reset": an_activity(RESET),
    "a reset in capitals": an_activity(RESET.upper()),
    "a write": an_activity("Microsoft.Network/virtualNetworkGateways/write"),
    "a migration": an_activity("Microsoft.Network/virtualNetworkGateways/executeMigration/action"),
    "a migration in capitals": an_activity(
        "MICROSOFT.NETWORK/VIRTUALNETWORKGATEWAYS/INVOKEEXECUTEMIGRATION/ACTION"
    ),
}
CHANGES_OF_CONNECTIONS: Final = [
    "Microsoft.Network/connections/write",
    "MICROSOFT.NETWORK/CONNECTIONS/DELETE",
    "Microsoft.Network/connections/sharedKey/write",
    "Microsoft.Network/connections/resetconnection/action",
]
OTHERS: Final = {
    "a row of another kind of resource": a_row(
        "TunnelConnected",
        ResourceId=f"{NETWORK}/vpngateways/hub",
        _ResourceId=f"{NETWORK}/vpngateways/hub",
    ),
    "an operation that bears on nothing": a_row("ValidateGatewayConfiguration"),
    "an upgrade that finished": a_row("Other", Message="Upgrade of gateway completed"),
    "something else that started": a_row("Other", Message="Diagnostics started"),
}
OTHER_ACTIVITIES: Final = {
    "a read": an_activity("Microsoft.Network/virtualNetworkGateways/read"),
    "another action": an_activity(
        "Microsoft.Network/virtualNetworkGateways/startPacketCapture/action"
    ),
    "a write of something else": an_activity("Microsoft.Network/virtualNetworks/write"),
    "a read of a key": an_activity("Microsoft.Network/connections/sharedKey/read"),
    "a migration of something else": an_activity(
        "Microsoft.Network/loadBalancers/executeMigration/action"
    ),
    "the health of something else": an_activity(
        HEALTH_EVENT,
        CategoryValue="ResourceHealth",
        _ResourceId=f"{NETWORK}/applicationgateways/agw",
    ),
}


@pytest.mark.parametrize("row", BEARING.values(), ids=BEARING)
def test_a_diagnostic_row_that_bears_on_a_failover_is_selected(row: Row) -> None:
    (found,) = selected(LogTables(AzureDiagnostics=[row], AzureActivity=[]))

    assert (GATEWAY, row["Category"], row["OperationName"]) == (
        found["ResourceId"],
        found["Source"],
        found["Operation"],
    )


@pytest.mark.parametrize("row", BEARING_ACTIVITIES.values(), ids=BEARING_ACTIVITIES)
def test_an_activity_that_bears_on_a_failover_is_selected(row: Row) -> None:
    (found,) = selected(LogTables(AzureDiagnostics=[], AzureActivity=[row]))

    assert {
        "TimeGenerated": "2026-11-22T03:14:15Z",
        "ResourceId": GATEWAY,
        "Source": "AzureActivity",
        "Operation": row["OperationNameValue"],
        "Status": "Start",
        "Caller": "ada@contoso.example",
        "CorrelationId": "c0ffee",
    } == told(found)


@pytest.mark.parametrize("operation", CHANGES_OF_CONNECTIONS)
def test_a_change_of_a_connection_is_selected_with_the_connections_id(operation: str) -> None:
    row = an_activity(operation, _ResourceId=CONNECTION, Properties="long")
    (found,) = selected(LogTables(AzureDiagnostics=[], AzureActivity=[row]))

    assert (CONNECTION, "AzureActivity", operation, "") == (
        found["ResourceId"],
        found["Source"],
        found["Operation"],
        found["Properties"],
    )


def test_the_health_of_a_gateway_is_selected_with_what_it_says() -> None:
    row = an_activity(HEALTH_EVENT, CategoryValue="ResourceHealth", Properties='{"title": "Down"}')
    (found,) = selected(LogTables(AzureDiagnostics=[], AzureActivity=[row]))

    assert (GATEWAY, "AzureActivity/ResourceHealth", HEALTH_EVENT, '{"title": "Down"}') == (
        found["ResourceId"],
        found["Source"],
        found["Operation"],
        found["Properties"],
    )


def test_exactly_the_bearing_rows_are_selected_of_many() -> None:
    tables = LogTables(
        AzureDiagnostics=[*OTHERS.values(), *BEARING.values()],
        AzureActivity=[*OTHER_ACTIVITIES.values(), *BEARING_ACTIVITIES.values()],
    )
    operations = [row["OperationName"] for row in BEARING.values()]
    operations += [row["OperationNameValue"] for row in BEARING_ACTIVITIES.values()]

    assert sorted(map(str, operations)) == sorted(str(row["Operation"]) for row in selected(tables))


def test_every_row_that_is_selected_can_be_read() -> None:
    tunnel = {"instance_s": "GatewayTenantWorker_IN_1", "remoteIP_s": "198.51.100.9"}
    tables = LogTables(
        AzureDiagnostics=[{**row, **tunnel} for row in BEARING.values()],
        AzureActivity=list(BEARING_ACTIVITIES.values()),
    )

    assert len(BEARING) + len(BEARING_ACTIVITIES) == len(
        [row for row in selected(tables) if read_row(row) is not None]
    )


def test_a_tunnel_row_keeps_what_the_reader_wants() -> None:
    row = a_row(
        "TunnelDisconnected",
        Category="TunnelDiagnosticLog",
        instance_s="GatewayTenantWorker_IN_0",
        remoteIP_s="203.0.113.7",
        status_s="Disconnected",
        stateChangeReason_s="RemotelyTriggered",
        AdditionalFields='{"any":1}',
    )
    (found,) = selected(LogTables(AzureDiagnostics=[row]))

    assert {
        "TimeGenerated": "2026-11-22T03:14:15Z",
        "ResourceId": GATEWAY,
        "Source": "TunnelDiagnosticLog",
        "Operation": "TunnelDisconnected",
        "Status": "Disconnected",
        "Instance": "GatewayTenantWorker_IN_0",
        "RemoteIp": "203.0.113.7",
        "Reason": "RemotelyTriggered",
        "Additional": '{"any":1}',
    } == told(found)


def test_the_status_of_an_operation_is_its_own_before_any_other() -> None:
    row = a_row("SetGatewayConfiguration", operationStatus_s="Success", status_s="Other")
    (found,) = selected(LogTables(AzureDiagnostics=[row]))

    assert found["Status"] == "Success"


def test_the_columns_are_the_readers_in_its_order() -> None:
    result = LogTables(AzureDiagnostics=[]).query(QUERIES["signals"], since=AT, until=AT)

    assert COLUMNS == tuple(name for name, _ in result.columns)


def test_only_rows_of_an_operation_show_that_operations_are_exported() -> None:
    categories = ("Policy", "ResourceHealth", "")
    rows: list[Row] = [an_activity("any", CategoryValue=category) for category in categories]
    found = selected(LogTables(AzureDiagnostics=[], AzureActivity=rows), "coverage")

    assert [
        {
            "Source": "AzureActivity/ResourceHealth",
            "Resource": SUBSCRIPTION,
            "Rows": 1,
            "Newest": "2026-11-22T03:14:15Z",
        }
    ] == found


def test_coverage_names_each_log_of_each_gateway_and_subscription_once() -> None:
    tables = LogTables(
        AzureDiagnostics=[*BEARING.values(), *OTHERS.values()],
        AzureActivity=[*OTHER_ACTIVITIES.values(), an_activity("any", _ResourceId="")],
    )
    found = selected(tables, "coverage")

    assert [
        ("AzureActivity", SUBSCRIPTION),
        ("AzureActivity/ResourceHealth", SUBSCRIPTION),
        ("GatewayDiagnosticLog", GATEWAY),
        ("TunnelDiagnosticLog", GATEWAY),
    ] == sorted((row["Source"], row["Resource"]) for row in found)


def test_coverage_counts_rows_and_knows_the_newest() -> None:
    rows: list[Row] = [
        a_row(
            "TunnelConnected", Category="TunnelDiagnosticLog", TimeGenerated=f"2026-11-22T0{n}:00Z"
        )
        for n in (2, 3, 1)
    ]
    result = LogTables(AzureDiagnostics=rows, AzureActivity=[]).query(
        QUERIES["coverage"], since=AT - timedelta(hours=9), until=AT
    )

    assert [["TunnelDiagnosticLog", GATEWAY, 3, "2026-11-22T03:00:00Z"]] == result.rows


def test_the_analyser_finds_nothing_wrong_with_the_search_for_detectors() -> None:
    tables = {"AppTraces": dict.fromkeys(("Message", "AppRoleName"), "string")}
    tables["AppTraces"]["TimeGenerated"] = "datetime"
    query = (ROOT / "detector" / "azure" / "detectors.kql").read_text("utf-8")
    finding = analysed(tables, {"detectors": query})["detectors"]

    assert [] == finding["diagnostics"]
    assert {"Name": "string", "Rows": "long", "Newest": "datetime"} == finding["columns"]
