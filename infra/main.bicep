// The whole deployment: one resource group, and roles where the gateways and their logs are.
// Nothing here needs a network to compile: every module is in this folder.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Names the deployment; its resource group is rg-<environmentName>.')
param environmentName string

@minLength(1)
@description('The region of everything that is made; Flex Consumption must be offered there.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@minLength(1)
@description('Who hears when the detector itself fails or falls silent: an e-mail address, or the ARM id of an action group.')
param alertTo string

@description('The ARM ids of the Log Analytics workspaces that gateways log to, separated by commas.')
param workspaceIds string = ''

@description('The ARM ids of subscriptions, resource groups or gateways whose logs are asked for wherever they are kept, separated by commas.')
param resourceScopes string = ''

@description('The ARM ids of subscriptions or resource groups whose gateways may be read, separated by commas; empty means this subscription, and "none" that the role is given elsewhere.')
param gatewayScopes string = ''

@allowed([
  'custom'
  'MonitoringReader'
])
@description('A role of exactly the reads that are made, or the built-in Monitoring Reader, which needs no right to define roles.')
param readingRole string = 'custom'

@allowed([
  5
  10
  15
  20
  60
])
@description('How many minutes lie between two runs.')
param runEveryMinutes int = 5

@allowed([
  'true'
  'false'
])
@description('Whether the app shows pages of the failovers: to whoever has a key, or behind a login.')
param pages string = 'false'

@description('Further settings as NAME=value, separated by semicolons. Nothing secret: these can be read by whoever can read the app.')
param moreSettings string = ''

@description('The ARM id of a Key Vault that holds the URLs to notify; empty for none.')
param vaultId string = ''

@description('The entry of that vault with the value of DETECTOR_NOTIFY_URLS; empty for none.')
param notifyUrlsInVault string = ''

@description('The entry of that vault with the value of DETECTOR_WEBHOOK_URLS; empty for none.')
param webhookUrlsInVault string = ''

@description('The entry of that vault with the key that signs webhooks; empty for none.')
param webhookKeyInVault string = ''

@description('The ARM id of an Event Grid topic of the CloudEvents schema; empty for none.')
param eventGridTopicId string = ''

@description('The ARM id of a workspace for a table of failovers and its workbook; empty for none.')
param tableWorkspaceId string = ''

@description('The ARM id of the workspace for the log of the detector itself; empty to make one.')
param appWorkspaceId string = ''

@minValue(1)
@description('After how many days an insight is deleted from the storage account; what the detector remembers stays.')
param insightsRetentionDays int = 90

@allowed([
  'PT5M'
  'PT10M'
  'PT15M'
])
@description('How often each of the three alert rules looks; what they cost goes with it.')
param alertEvery string = 'PT5M'

var tags = {
  'azd-env-name': environmentName
}
var token = toLower(uniqueString(subscription().id, environmentName, location))

var workspaces = filter(map(split(workspaceIds, ','), id => trim(id)), id => !empty(id))
var resources = filter(map(split(resourceScopes, ','), id => trim(id)), id => !empty(id))
var topicIds = filter([trim(eventGridTopicId)], id => !empty(id))
var tableWorkspaces = filter([trim(tableWorkspaceId)], id => !empty(id))
var vaultIds = filter([trim(vaultId)], id => !empty(id))
var chosenScopes = filter(map(split(gatewayScopes, ','), id => trim(id)), id => !empty(id))
var readScopes = empty(chosenScopes) ? [subscription().id] : filter(chosenScopes, id => id != 'none')
var readGroups = filter(readScopes, id => contains(toLower(id), '/resourcegroups/'))
var readSubscriptions = filter(readScopes, id => !contains(toLower(id), '/resourcegroups/'))

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    insightsRetentionDays: insightsRetentionDays
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'appi-${token}'
    workspaceName: 'log-${token}'
    workspaceId: appWorkspaceId
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles-${token}'
  params: {
    environmentName: environmentName
    readingRole: readingRole
    gatewayScopes: readScopes
    workspaceScopes: workspaces
  }
}

module readingOfSubscriptions 'modules/subscription-role.bicep' = [
  for id in readSubscriptions: {
    name: 'reading-${uniqueString(id, token)}'
    scope: subscription(split(id, '/')[2])
    params: {
      principalId: identity.outputs.principalId
      roleId: roles.outputs.gatewaysRoleId
    }
  }
]

module readingOfGroups 'modules/group-role.bicep' = [
  for id in readGroups: {
    name: 'reading-${uniqueString(id, token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      principalId: identity.outputs.principalId
      roleId: roles.outputs.gatewaysRoleId
    }
  }
]

module logs 'modules/workspace.bicep' = [
  for id in workspaces: {
    name: 'logs-${uniqueString(id, token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      name: split(id, '/')[8]
      principalId: identity.outputs.principalId
      roleId: roles.outputs.logsRoleId
    }
  }
]

module topics 'modules/topic.bicep' = [
  for id in topicIds: {
    name: 'topic-${uniqueString(id, token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      name: split(id, '/')[8]
      principalId: identity.outputs.principalId
    }
  }
]

module tables 'modules/table.bicep' = [
  for id in tableWorkspaces: {
    name: 'table-${uniqueString(id, token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      workspaceName: split(id, '/')[8]
    }
  }
]

module ingestion 'modules/ingestion.bicep' = [
  for i in range(0, length(tableWorkspaces)): {
    name: 'ingestion-${uniqueString(tableWorkspaces[i], token)}'
    scope: group
    params: {
      name: 'dce-${token}'
      ruleName: 'dcr-${token}'
      location: tables[i].outputs.location
      tags: tags
      principalId: identity.outputs.principalId
      workspaceId: tables[i].outputs.workspaceId
      tableName: tables[i].outputs.tableName
    }
  }
]

module workbooks 'modules/workbook.bicep' = [
  for i in range(0, length(tableWorkspaces)): {
    name: 'workbook-${uniqueString(tableWorkspaces[i], token)}'
    scope: group
    params: {
      name: 'Gateway failovers (${environmentName})'
      location: location
      tags: tags
      workspaceId: tables[i].outputs.workspaceId
    }
  }
]

module vaults 'modules/vault.bicep' = [
  for id in vaultIds: {
    name: 'vault-${uniqueString(id, token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      name: split(id, '/')[8]
      principalId: identity.outputs.principalId
    }
  }
]

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    insightsContainer: storage.outputs.insightsContainer
    componentName: monitoring.outputs.name
    workspaceCustomerIds: [for i in range(0, length(workspaces)): logs[i].outputs.customerId]
    resourceScopes: resources
    runEveryMinutes: runEveryMinutes
    topicEndpoints: [for i in range(0, length(topicIds)): topics[i].outputs.endpoint]
    ingestionEndpoints: [for i in range(0, length(tableWorkspaces)): ingestion[i].outputs.endpoint]
    ingestionRules: [for i in range(0, length(tableWorkspaces)): ingestion[i].outputs.ruleId]
    vaultUris: [for i in range(0, length(vaultIds)): vaults[i].outputs.uri]
    notifyUrlsInVault: notifyUrlsInVault
    webhookUrlsInVault: webhookUrlsInVault
    webhookKeyInVault: webhookKeyInVault
    pages: pages
    moreSettings: moreSettings
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    componentName: monitoring.outputs.name
    alertTo: alertTo
    alertEvery: alertEvery
    runEveryMinutes: runEveryMinutes
  }
}

output resourceGroupName string = group.name
output appName string = app.outputs.name
output principalId string = identity.outputs.principalId
output storageAccountName string = storage.outputs.name
