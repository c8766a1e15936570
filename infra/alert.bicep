// A log alert that asks the detector for a run: docs/pages.md says what it does, and what it costs.
// It is deployed after the code, since the key of a function does not exist before.
@minLength(1)
@description('The ARM id of the Log Analytics workspace that the gateways log to; it lies in the region below.')
param workspaceId string

@minLength(1)
@description('The address of the function detect_now: https://<host of the app>/api/detect')
param detectUrl string

@secure()
@minLength(1)
@description('The key of the function detect_now.')
param detectKey string

@description('The region of the workspace.')
param location string = resourceGroup().location

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-gateway-failover-run'
  location: 'global'
  properties: {
    enabled: true
    groupShortName: 'gw-run'
    webhookReceivers: [
      {
        name: 'detector'
        serviceUri: '${detectUrl}?code=${detectKey}'
        useCommonAlertSchema: true
      }
    ]
  }
}

// Looking every minute admits neither a union nor ingestion_time(), so the window holds late rows.
resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'gateway-failover-run'
  location: location
  kind: 'LogAlert'
  properties: {
    displayName: 'Rows of a VPN gateway ask for a run of the failover detector'
    description: 'It tells nobody: the detector reads the logs and says what happened.'
    severity: 4
    enabled: true
    autoMitigate: false
    skipQueryValidation: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT30M'
    criteria: {
      allOf: [
        {
          query: loadTextContent('queries/gateway-rows.kql')
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            minFailingPeriodsToAlert: 1
            numberOfEvaluationPeriods: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        actionGroup.id
      ]
    }
  }
}
