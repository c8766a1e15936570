// A workbook over the table of failovers, with what Azure itself says of a gateway beside it.
// Its queries take the latest revision of each failover, since a delivery may repeat.
param name string
param location string
param tags object
param workspaceId string

var queries = [
  {
    title: 'Failovers by cause'
    text: loadTextContent('../queries/workbook-causes.kql')
    look: 'barchart'
  }
  {
    title: 'Not over'
    text: loadTextContent('../queries/workbook-open.kql')
    look: 'table'
  }
  {
    title: 'Longest outages'
    text: loadTextContent('../queries/workbook-longest.kql')
    look: 'table'
  }
  {
    title: 'Days with failovers, by gateway'
    text: loadTextContent('../queries/workbook-days.kql')
    look: 'table'
  }
]

// Of the gateway that is chosen: its Resource Health, asked of Azure Resource Manager.
var health = {
  version: 'ARMEndpoint/1.0'
  data: null
  headers: []
  method: 'GET'
  path: '{Gateway}/providers/Microsoft.ResourceHealth/availabilityStatuses'
  urlParams: [
    {
      key: 'api-version'
      value: '2025-05-01'
    }
  ]
  batchDisabled: false
  transformers: [
    {
      type: 'jsonpath'
      settings: {
        tablePath: '$.value'
        columns: [
          { path: '$.properties.occuredTime', columnid: 'Since' }
          { path: '$.properties.availabilityState', columnid: 'State' }
          { path: '$.properties.title', columnid: 'Title' }
          { path: '$.properties.context', columnid: 'Context' }
          { path: '$.properties.summary', columnid: 'Summary' }
        ]
      }
    }
  ]
}

var asked = {
  type: 9
  name: 'asked'
  content: {
    version: 'KqlParameterItem/1.0'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    crossComponentResources: [
      workspaceId
    ]
    parameters: [
      {
        id: guid(workspaceId, name, 'time')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Told within'
        type: 4
        isRequired: true
        value: { durationMs: 2592000000 }
        typeSettings: {
          selectableValues: [
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
            { durationMs: 7776000000 }
          ]
          allowCustom: true
        }
      }
      {
        id: guid(workspaceId, name, 'gateway')
        version: 'KqlParameterItem/1.0'
        name: 'Gateway'
        type: 5
        query: loadTextContent('../queries/workbook-gateways.kql')
        timeContextFromParameter: 'TimeRange'
        queryType: 0
        resourceType: 'microsoft.operationalinsights/workspaces'
        crossComponentResources: [
          workspaceId
        ]
      }
    ]
  }
}

var tables = [
  for query in queries: {
    type: 3
    name: query.title
    content: {
      version: 'KqlItem/1.0'
      title: query.title
      query: query.text
      size: 0
      timeContextFromParameter: 'TimeRange'
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      crossComponentResources: [
        workspaceId
      ]
      visualization: query.look
      noDataMessage: 'None was told within this time.'
    }
  }
]

var ofAzure = [
  {
    type: 10
    name: 'Bandwidth'
    customWidth: '50'
    content: {
      chartId: guid(workspaceId, name, 'bandwidth')
      version: 'MetricsItem/2.0'
      title: 'Bandwidth of the gateway, by instance, as Azure measures it'
      size: 0
      chartType: 2
      resourceType: 'microsoft.network/virtualnetworkgateways'
      metricScope: 0
      resourceParameter: 'Gateway'
      timeContextFromParameter: 'TimeRange'
      metrics: [
        {
          namespace: 'microsoft.network/virtualnetworkgateways'
          metric: 'microsoft.network/virtualnetworkgateways--AverageBandwidth'
          aggregation: 4
          splitBy: 'Instance'
        }
      ]
    }
  }
  {
    type: 3
    name: 'Resource Health'
    customWidth: '50'
    content: {
      version: 'KqlItem/1.0'
      title: 'What Resource Health says of the gateway'
      query: string(health)
      size: 0
      queryType: 12
      visualization: 'table'
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, name)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: name
    sourceId: workspaceId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([asked], tables, ofAzure)
      fallbackResourceIds: [
        workspaceId
      ]
    })
  }
}
