// How rows come into the table of failovers: an endpoint and a rule, to which the identity may send.
// Both are where the workspace is, as Azure asks.
param name string
param ruleName string
param location string
param tags object
param principalId string
param workspaceId string
param tableName string

var declared = loadJsonContent('../failovers-table.json')
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = {
  name: name
  location: location
  tags: tags
  properties: {
    networkAcls: {
      publicNetworkAccess: 'Enabled'
    }
  }
}

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
  tags: tags
  properties: {
    dataCollectionEndpointId: endpoint.id
    streamDeclarations: {
      '${declared.stream}': {
        columns: map(declared.columns, column => { name: column.name, type: column.type })
      }
    }
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspaceId
        }
      ]
    }
    dataFlows: [
      {
        streams: [
          declared.stream
        ]
        destinations: [
          'workspace'
        ]
        transformKql: 'source'
        outputStream: 'Custom-${tableName}'
      }
    ]
  }
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(rule.id, principalId, monitoringMetricsPublisher)
  scope: rule
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}

output endpoint string = endpoint.properties.logsIngestion.endpoint
output ruleId string = rule.properties.immutableId
