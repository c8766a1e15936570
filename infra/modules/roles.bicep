// The two roles by which the detector reads gateways and logs, from ../roles.json.
// With Monitoring Reader none is defined.
targetScope = 'subscription'

param environmentName string
param readingRole string
param gatewayScopes array
param workspaceScopes array

var definitions = loadJsonContent('../roles.json')
var monitoringReader = '43d0d8ad-25c7-4714-9337-8ba259a9fe05'
var custom = readingRole == 'custom'

// A role is assignable in a resource group or a subscription, not on one workspace.
var workspaceGroups = map(workspaceScopes, id => '/subscriptions/${split(id, '/')[2]}/resourceGroups/${split(id, '/')[4]}')

resource gateways 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (custom && !empty(gatewayScopes)) {
  name: guid(subscription().id, environmentName, 'gateways')
  properties: {
    roleName: '${definitions.gateways.name} (${environmentName})'
    description: definitions.gateways.description
    type: 'CustomRole'
    assignableScopes: gatewayScopes
    permissions: [
      {
        actions: definitions.gateways.actions
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource logs 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (custom && !empty(workspaceScopes)) {
  name: guid(subscription().id, environmentName, 'logs')
  properties: {
    roleName: '${definitions.logs.name} (${environmentName})'
    description: definitions.logs.description
    type: 'CustomRole'
    assignableScopes: union(workspaceGroups, [])
    permissions: [
      {
        actions: definitions.logs.actions
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

output gatewaysRoleId string = custom ? gateways.name : monitoringReader
output logsRoleId string = custom ? logs.name : monitoringReader
