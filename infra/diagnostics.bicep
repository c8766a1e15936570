// What a gateway must log for its failovers to show: two categories of its own logs and, of the
// subscription, the Activity Log's operations and what it says of health.
// Deploy it once for each subscription with gateways; for many, Azure Policy does the same.
targetScope = 'subscription'

@minLength(1)
@description('The ARM ids of the gateways, separated by commas.')
param gatewayIds string

@minLength(1)
@description('The ARM id of the Log Analytics workspace that they log to.')
param workspaceId string

@description('Whether the Activity Log of this subscription goes there, too.')
param exportActivityLog bool = true

@minLength(1)
@description('The name of each diagnostic setting that is made.')
param settingName string = 'gateway-failover-detector'

var gateways = filter(map(split(gatewayIds, ','), id => trim(id)), id => !empty(id))

module gatewayLogs 'modules/gateway-logs.bicep' = [
  for id in gateways: {
    name: 'gateway-logs-${uniqueString(id)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      gatewayName: split(id, '/')[8]
      workspaceId: workspaceId
      settingName: settingName
    }
  }
]

resource activityLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (exportActivityLog) {
  name: settingName
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'Administrative'
        enabled: true
      }
      {
        category: 'ResourceHealth'
        enabled: true
      }
    ]
  }
}
