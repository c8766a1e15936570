"""Bodies that an action group sends in the common alert schema, with values of documentation."""

from __future__ import annotations

from typing import Any, Final

RULE: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-alerts/providers"
    "/microsoft.insights/scheduledqueryrules/gateway-rows"
)
WORKSPACE: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-logs/providers"
    "/Microsoft.OperationalInsights/workspaces/log-hub"
)


def _alert(service: str, signal: str, context: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": "/subscriptions/00000000-0000-0000-0000-000000000001/providers"
                "/Microsoft.AlertsManagement/alerts/11111111-2222-4333-8444-555555555555",
                "alertRule": "gateway-rows",
                "targetResourceType": "microsoft.operationalinsights/workspaces",
                "alertRuleID": RULE,
                "severity": "Sev3",
                "signalType": signal,
                "monitorCondition": "Fired",
                "monitoringService": service,
                "alertTargetIDs": [WORKSPACE.lower()],
                "configurationItems": [WORKSPACE],
                "originAlertId": "66666666-2222-4333-8444-555555555555",
                "firedDateTime": "2026-11-22T02:16:31.0000000Z",
                "description": "Rows of gateways that may tell of a failover",
                "essentialsVersion": "1.0",
                "alertContextVersion": "1.0",
            },
            "alertContext": context,
            "customProperties": {},
        },
    }


LOG_SEARCH: Final = _alert(
    "Log Alerts V2",
    "Log",
    {
        "properties": {},
        "conditionType": "LogQueryCriteria",
        "condition": {
            "windowSize": "PT30M",
            "allOf": [
                {
                    "searchQuery": "AzureDiagnostics | where OperationName has 'Tunnel'",
                    "metricMeasureColumn": None,
                    "targetResourceTypes": None,
                    "operator": "GreaterThan",
                    "threshold": "0",
                    "timeAggregation": "Count",
                    "dimensions": [],
                    "metricValue": 3.0,
                    "failingPeriods": {
                        "numberOfEvaluationPeriods": 1,
                        "minFailingPeriodsToAlert": 1,
                    },
                    "linkToSearchResultsUI": "https://portal.azure.com/#blade/results",
                    "linkToSearchResultsAPI": "https://api.loganalytics.io/v1/workspaces/x/query",
                }
            ],
            "windowStartTime": "2026-11-22T01:45:00Z",
            "windowEndTime": "2026-11-22T02:15:00Z",
        },
    },
)

ACTIVITY_LOG: Final = _alert(
    "Activity Log - Administrative",
    "Activity Log",
    {
        "authorization": {
            "action": "Microsoft.Network/virtualNetworkGateways/reset/action",
            "scope": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub",
        },
        "channels": "Operation",
        "caller": "kim@example.net",
        "eventSource": "Administrative",
        "eventTimestamp": "2026-11-22T02:14:07.1230000+00:00",
        "level": "Informational",
        "operationName": "Microsoft.Network/virtualNetworkGateways/reset/action",
        "status": "Succeeded",
        "subStatus": "",
    },
)
