"""Diagnostic settings by ARM's bodies, whatever these hold."""

from __future__ import annotations

import pytest

from detector.errors import FactUnknown
from detector.model import DiagnosticSetting
from detector.signals.diagnostic_settings import settings_of

WORKSPACE = (
    "/subscriptions/X/resourceGroups/RG/providers/Microsoft.OperationalInsights/workspaces/L"
)


def listing(*logs: object, **properties: object) -> dict[str, object]:
    setting = {"name": "to-logs", "properties": {"logs": list(logs), **properties}}
    return {"value": [setting]}


def test_a_setting_has_the_categories_that_are_switched_on() -> None:
    body = listing(
        {"category": "GatewayDiagnosticLog", "enabled": True},
        {"category": "TunnelDiagnosticLog", "enabled": False},
        workspaceId=WORKSPACE,
    )

    assert (
        DiagnosticSetting(
            name="to-logs",
            workspace_id=WORKSPACE.lower(),
            categories=frozenset({"gatewaydiagnosticlog"}),
        ),
    ) == settings_of(body)


def test_the_group_of_all_logs_stands_for_each_and_another_group_does_not() -> None:
    groups = [{"categoryGroup": each, "enabled": True} for each in ("allLogs", "audit")]

    [setting] = settings_of(listing(*groups))

    assert {"alllogs"} == setting.categories


def test_a_setting_may_send_to_no_workspace() -> None:
    [setting] = settings_of(listing(storageAccountId="/subscriptions/x", workspaceId=None))

    assert (None, frozenset()) == (setting.workspace_id, setting.categories)


def test_an_empty_list_is_no_setting() -> None:
    assert () == settings_of({"value": []})


@pytest.mark.parametrize("body", [None, [], {}, {"value": {}}, {"value": "none"}, "text"])
def test_what_is_no_list_is_unknown(body: object) -> None:
    with pytest.raises(FactUnknown, match="could not be read"):
        settings_of(body)


def test_what_is_malformed_in_a_setting_switches_nothing_on() -> None:
    body = listing("text", {"category": 7, "enabled": True}, {"category": "A", "enabled": "true"})

    [setting] = settings_of(body)

    assert frozenset() == setting.categories
