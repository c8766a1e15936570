"""What was found out about gateways, judged: a night that could not be seen is named by day."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from detector.coverage.checks import blind_of, checks_of
from detector.errors import FactUnknown, LogsRefused, LogsUnavailable
from detector.insights.coverage import Check
from detector.model import Scope
from tests.builders import GATEWAY_ID, GATEWAY_LOG, SUBSCRIPTION, TUNNEL_LOG, at
from tests.fleet import (
    BOTH,
    GONE,
    REFUSED,
    SILENT,
    WORKSPACE_ID,
    Fleet,
    a_logged,
    a_setting,
    fleet_gateway,
    of,
)
from tests.memory import SCOPE

GROUP = "/".join(GATEWAY_ID.split("/")[:5])
OTHER_WORKSPACE = WORKSPACE_ID.replace("log-hub", "log-other")


def judged(fleet: Fleet) -> list[Check]:
    return checks_of(fleet.found())


def status(fleet: Fleet, name: str, subject: str = GATEWAY_ID) -> str:
    return of(judged(fleet), name, subject).status


def test_a_gateway_whose_logs_come_to_the_scopes_passes_every_check() -> None:
    checks = judged(Fleet())

    assert {"pass"} == {check.status for check in checks}
    assert [
        *("gateways", "activity-log", "diagnostic-setting", "log-categories", "log-workspace"),
        *("log-rows", "limits", "metrics", "resource-health"),
    ] == [check.id for check in checks]
    assert {} == blind_of(checks)


def test_a_gateway_without_a_diagnostic_setting_is_blind() -> None:
    fleet = Fleet(settings={GATEWAY_ID: []}, logs={SCOPE: []})
    checks = judged(fleet)
    setting = of(checks, "diagnostic-setting")

    assert "fail" == setting.status
    assert {GATEWAY_ID: "it has no diagnostic setting, so it logs nothing"} == blind_of(checks)
    assert ["skip", "skip", "skip"] == [
        of(checks, name).status for name in ("log-categories", "log-workspace", "log-rows")
    ]
    assert {
        *("--name", "gateway-failover-detector", "--resource", GATEWAY_ID),
        *(
            "--workspace",
            (
                '[{"category": "GatewayDiagnosticLog", "enabled": true}, '
                '{"category": "TunnelDiagnosticLog", "enabled": true}]'
            ),
        ),
    } <= set(shlex.split(str(setting.hint)))


def test_a_category_that_is_off_makes_a_gateway_blind_and_is_switched_on_beside_the_others() -> (
    None
):
    """Azure takes a category once to each workspace, so the command names the missing one only."""
    setting = a_setting(
        name="Gateway-Failover-Detector", categories=frozenset({GATEWAY_LOG.lower(), "ikelog"})
    )
    checks = judged(Fleet(settings={GATEWAY_ID: [setting]}))
    categories = of(checks, "log-categories")
    words = shlex.split(str(categories.hint))

    assert ("fail", "TunnelDiagnosticLog is off") == (categories.status, categories.evidence)
    assert {GATEWAY_ID} == blind_of(checks).keys()
    assert "gateway-failover-detector-2" == words[words.index("--name") + 1]
    assert WORKSPACE_ID == words[words.index("--workspace") + 1]
    assert [{"category": TUNNEL_LOG, "enabled": True}] == json.loads(words[-1])
    assert "pass" == of(checks, "log-workspace").status


def test_the_group_of_all_logs_holds_both_categories() -> None:
    setting = a_setting(categories=frozenset({"alllogs"}))

    assert {} == blind_of(judged(Fleet(settings={GATEWAY_ID: [setting]})))


def test_each_category_may_stand_in_a_setting_of_its_own() -> None:
    settings = [a_setting(name=each, categories=frozenset({each})) for each in BOTH]

    assert {} == blind_of(judged(Fleet(settings={GATEWAY_ID: settings})))


@pytest.mark.parametrize("workspace", [None, OTHER_WORKSPACE])
def test_logs_that_go_elsewhere_make_a_gateway_blind(workspace: str | None) -> None:
    fleet = Fleet(settings={GATEWAY_ID: [a_setting(workspace_id=workspace)]})
    fleet.workspaces[OTHER_WORKSPACE] = "99999999-2222-4333-8444-555555555555"
    checks = judged(fleet)

    assert "pass" == of(checks, "log-categories").status
    assert {
        GATEWAY_ID: "GatewayDiagnosticLog and TunnelDiagnosticLog go to no workspace that is in "
        "DETECTOR_SCOPES"
    } == blind_of(checks)


@pytest.mark.parametrize("scope", [SUBSCRIPTION, GROUP, GATEWAY_ID])
def test_for_a_scope_of_resources_any_workspace_will_do(scope: str) -> None:
    known = Scope(id=scope)
    fleet = Fleet(
        scopes=[known],
        logs={known: [a_logged()]},
        settings={GATEWAY_ID: [a_setting(workspace_id=OTHER_WORKSPACE)]},
    )

    assert {} == blind_of(judged(fleet))


def test_a_gateway_outside_the_scope_of_a_group_is_blind() -> None:
    """`rg-network-2` is not in `rg-network`, although its id begins so."""
    known = Scope(id=GROUP)
    fleet = Fleet(scopes=[known], logs={known: []})
    gateway_id = GATEWAY_ID.replace("/rg-network/", "/rg-network-2/")
    fleet.gateways = {gateway_id: fleet_gateway(gateway_id)}

    assert {gateway_id} == blind_of(judged(fleet)).keys()


def test_a_workspace_that_may_not_be_read_makes_nobody_blind() -> None:
    fleet = Fleet(workspaces={WORKSPACE_ID: REFUSED}, logs={SCOPE: []})
    workspace = of(judged(fleet), "log-workspace")

    assert "skip" == workspace.status
    assert f"--scope {WORKSPACE_ID}" in str(workspace.hint)


def test_rows_prove_that_a_workspace_which_may_not_be_read_is_in_the_scopes() -> None:
    rows = [a_logged(), a_logged(GATEWAY_LOG)]
    fleet = Fleet(workspaces={WORKSPACE_ID: REFUSED}, logs={SCOPE: rows})

    assert "pass" == status(fleet, "log-workspace")


def test_settings_that_may_not_be_read_fail_and_do_not_make_blind() -> None:
    fleet = Fleet(settings={GATEWAY_ID: REFUSED})
    checks = judged(fleet)

    assert "fail" == of(checks, "settings-readable").status
    assert {} == blind_of(checks)
    assert ["skip", "skip", "skip"] == [
        of(checks, name).status
        for name in ("diagnostic-setting", "log-categories", "log-workspace")
    ]


def test_settings_that_were_not_answered_prove_nothing() -> None:
    checks = judged(Fleet(settings={GATEWAY_ID: SILENT}))

    assert ("skip", "its diagnostic settings: Azure did not answer") == (
        of(checks, "diagnostic-setting").status,
        of(checks, "diagnostic-setting").evidence,
    )
    assert {} == blind_of(checks)


def test_a_gateway_that_never_logged_is_warned_of() -> None:
    rows = of(judged(Fleet(logs={SCOPE: []})), "log-rows")

    assert "warn" == rows.status
    assert rows.evidence.startswith("no row was seen in 30 days")


def test_rows_of_other_logs_are_no_sign_of_those_that_matter() -> None:
    assert "warn" == status(Fleet(logs={SCOPE: [a_logged("IKEDiagnosticLog")]}), "log-rows")


@pytest.mark.parametrize("error", [LogsRefused, LogsUnavailable])
def test_where_the_logs_are_not_answered_it_is_not_known_whether_there_are_rows(
    error: type[LogsRefused | LogsUnavailable],
) -> None:
    fleet = Fleet(logs={SCOPE: error("no answer", scope=SCOPE.id)})

    assert "skip" == status(fleet, "log-rows")


def test_a_policy_based_gateway_needs_no_log_of_tunnels_which_it_does_not_have() -> None:
    fleet = Fleet(
        gateways={GATEWAY_ID: fleet_gateway(vpn_type="PolicyBased", sku="Basic")},
        settings={GATEWAY_ID: [a_setting(categories=frozenset({GATEWAY_LOG.lower()}))]},
    )
    checks = judged(fleet)

    assert {} == blind_of(checks)
    assert (
        "it is policy-based and logs no tunnels, so outages cannot be told; its SKU is Basic, at "
        "100 Mbps and never active-active"
    ) == of(checks, "limits").evidence


def test_a_gateway_of_which_the_type_is_not_known_has_unknown_limits() -> None:
    gateway = fleet_gateway(vpn_type=None, unknown={"vpn_type": "the answer could not be read"})
    limits = of(judged(Fleet(gateways={GATEWAY_ID: gateway})), "limits")

    assert "skip" == limits.status
    assert limits.evidence.endswith("the answer could not be read")


@pytest.mark.parametrize(("answer", "expected"), [(REFUSED, "fail"), (SILENT, "skip")])
def test_metrics_and_health_are_tried(answer: FactUnknown, expected: str) -> None:
    assert expected == status(Fleet(metrics=answer), "metrics")
    assert expected == status(Fleet(health=answer), "resource-health")


def test_an_activity_log_that_is_not_exported_hides_who_reset_a_gateway() -> None:
    fleet = Fleet(settings={SUBSCRIPTION: [a_setting(categories=frozenset({"administrative"}))]})
    activity = of(judged(fleet), "activity-log", SUBSCRIPTION)

    assert "warn" == activity.status
    assert activity.evidence.startswith("ResourceHealth of the Activity Log is exported to no work")
    assert "--location global" in str(activity.hint)


@pytest.mark.parametrize(("sources", "expected"), [(2, "pass"), (1, "skip")])
def test_rows_show_an_export_that_may_not_be_read(sources: int, expected: str) -> None:
    names = ("AzureActivity", "AzureActivity/ResourceHealth")[:sources]
    rows = [a_logged(each, resource_id=SUBSCRIPTION) for each in names]
    fleet = Fleet(settings={SUBSCRIPTION: REFUSED}, logs={SCOPE: rows})

    assert expected == status(fleet, "activity-log", SUBSCRIPTION)


def test_a_subscription_that_may_not_be_read_fails() -> None:
    known = Scope(id=SUBSCRIPTION)
    fleet = Fleet(scopes=[known], logs={known: []}, gateways={})
    fleet.unlisted[SUBSCRIPTION] = REFUSED
    readable = of(judged(fleet), "readable", SUBSCRIPTION)

    assert "fail" == readable.status
    assert "Resource Graph leaves out in silence what may not be read" in readable.evidence
    assert f"--scope {SUBSCRIPTION}" in str(readable.hint)


def test_a_scope_that_is_not_there_fails() -> None:
    known = Scope(id=GROUP)
    fleet = Fleet(scopes=[known], logs={known: []}, gateways={})
    fleet.unlisted[f"{GROUP}/providers/Microsoft.Network/virtualNetworkGateways"] = GONE

    assert "fail" == status(fleet, "readable", GROUP)


def test_a_gateway_that_logs_and_may_not_be_read_fails() -> None:
    fleet = Fleet(unlisted={GATEWAY_ID: REFUSED})

    assert "fail" == status(fleet, "readable")


@pytest.mark.parametrize(("answer", "expected"), [(REFUSED, "fail"), (SILENT, "skip")])
def test_resource_graph_that_does_not_answer_is_said(answer: FactUnknown, expected: str) -> None:
    """Those that logged are looked at all the same."""
    checks = judged(Fleet(listing=answer))

    assert expected == of(checks, "gateways", "Azure Resource Graph").status
    assert "pass" == of(checks, "log-workspace").status


def test_a_hostile_name_is_one_word_of_a_command() -> None:
    fleet = Fleet(settings={})
    gateway_id = fleet.add("vpn'; rm -rf $(HOME) `x`")
    fleet.settings[gateway_id] = []
    hint = str(of(judged(fleet), "diagnostic-setting", gateway_id).hint)

    assert gateway_id == shlex.split(hint)[shlex.split(hint).index("--resource") + 1]


def test_whatever_fails_has_a_command_that_mends_it() -> None:
    checks = [
        each
        for fleet in (
            Fleet(settings={GATEWAY_ID: [], SUBSCRIPTION: []}, logs={SCOPE: []}),
            Fleet(settings={GATEWAY_ID: REFUSED}, metrics=REFUSED, health=REFUSED),
            Fleet(unlisted={GATEWAY_ID: REFUSED}, listing=REFUSED),
        )
        for each in judged(fleet)
    ]

    assert 5 < len([each for each in checks if each.status == "fail"])
    assert [] == [each for each in checks if each.status == "fail" and not each.hint]


def test_what_an_earlier_check_saw_counts_as_seen() -> None:
    found = replace(Fleet(logs={SCOPE: []}).found(), seen_before={GATEWAY_ID: at()})

    assert "pass" == of(checks_of(found), "log-rows").status


def test_a_gateway_that_nobody_thought_of_stops_only_itself() -> None:
    fleet = Fleet()
    odd = fleet.add("vpn-odd", sku=7)
    checks = judged(fleet)

    assert "skip" == of(checks, "diagnostic-setting", odd).status
    assert "pass" == of(checks, "diagnostic-setting").status
