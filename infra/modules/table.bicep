// The table of failovers in an existing workspace, with the columns of ../failovers-table.json.
param workspaceName string

var declared = loadJsonContent('../failovers-table.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName
}

resource table 'Microsoft.OperationalInsights/workspaces/tables@2025-02-01' = {
  parent: workspace
  name: declared.table
  properties: {
    plan: 'Analytics'
    schema: {
      name: declared.table
      columns: [
        for column in declared.columns: {
          name: column.name
          type: column.type == 'datetime' ? 'dateTime' : column.type
          description: column.description
        }
      ]
    }
  }
}

output tableName string = table.name
output workspaceId string = workspace.id
output location string = workspace.location
