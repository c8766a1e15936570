// The diagnostic setting of one existing gateway; the gateway itself stays as it is.
param gatewayName string
param workspaceId string
param settingName string

resource gateway 'Microsoft.Network/virtualNetworkGateways@2024-07-01' existing = {
  name: gatewayName
}

resource setting 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: settingName
  scope: gateway
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'GatewayDiagnosticLog'
        enabled: true
      }
      {
        category: 'TunnelDiagnosticLog'
        enabled: true
      }
    ]
  }
}
