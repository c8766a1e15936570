// An existing workspace that gateways log to: who may read it, and the name that queries use.
param name string
param principalId string
param roleId string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: name
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, roleId)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}

output customerId string = workspace.properties.customerId
