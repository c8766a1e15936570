// What Azure gives by itself, for whom that is enough: docs/alternatives.md says when it is.
// A log alert on signs of a failover, an alert on the health of gateways, and one on announcements.
@minLength(1)
@description('The ARM id of the Log Analytics workspace that the gateways log to; it lies in the region below.')
param workspaceId string

@minLength(1)
@description('The ARM id of the action group that is told.')
param actionGroupId string

@description('The region of the workspace.')
param location string = resourceGroup().location

resource logAlert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'gateway-failover-rows'
  location: location
  kind: 'LogAlert'
  properties: {
    displayName: 'A VPN gateway logged a sign of a failover'
    description: 'Rows of the last 15 minutes. It says neither why nor for how long, and says nothing of rows that come later.'
    severity: 3
    enabled: true
    autoMitigate: false
    skipQueryValidation: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    muteActionsDuration: 'PT15M'
    criteria: {
      allOf: [
        {
          query: loadTextContent('queries/failover-alert.kql')
          timeAggregation: 'Count'
          resourceIdColumn: '_ResourceId'
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
        actionGroupId
      ]
    }
  }
}

resource healthAlert 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: 'gateway-resource-health'
  location: 'global'
  properties: {
    description: 'Resource Health says that a VPN gateway is not available, or is again.'
    enabled: true
    scopes: [
      subscription().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'ResourceHealth'
        }
        {
          field: 'resourceType'
          equals: 'Microsoft.Network/virtualNetworkGateways'
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
  }
}

resource serviceAlert 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: 'vpn-gateway-service-health'
  location: 'global'
  properties: {
    description: 'Service Health announces an incident or maintenance of VPN Gateway.'
    enabled: true
    scopes: [
      subscription().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'ServiceHealth'
        }
        {
          field: 'properties.impactedServices[*].ServiceName'
          containsAny: [
            'VPN Gateway'
          ]
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
  }
}
