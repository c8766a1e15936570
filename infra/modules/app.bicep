// The function app on a Flex Consumption plan, and its settings.
// Flex refuses the settings that name a runtime or a build: the runtime is in functionAppConfig.
param name string
param planName string
param location string
param tags object
param identityName string
param storageName string
param packageContainer string
param insightsContainer string
param componentName string
param workspaceCustomerIds array
param resourceScopes array
param runEveryMinutes int
param topicEndpoints array
param ingestionEndpoints array
param ingestionRules array
param vaultUris array
param notifyUrlsInVault string
param webhookUrlsInVault string
param webhookKeyInVault string
param pages string
param moreSettings string

// The entries of the vault by the setting that each is for.
var entries = filter(
  items({
    DETECTOR_NOTIFY_URLS: notifyUrlsInVault
    DETECTOR_WEBHOOK_URLS: webhookUrlsInVault
    DETECTOR_WEBHOOK_SECRET: webhookKeyInVault
  }),
  item => !empty(item.value)
)
var switchedOff = {
  'AzureWebJobs.failovers.Disabled': 'true'
  'AzureWebJobs.failover.Disabled': 'true'
}
var pairs = filter(map(split(moreSettings, ';'), pair => trim(pair)), pair => !empty(pair))

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'detector' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${account.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.11'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: 40
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    {
      AzureWebJobsStorage__blobServiceUri: account.properties.primaryEndpoints.blob
      AzureWebJobsStorage__queueServiceUri: account.properties.primaryEndpoints.queue
      AzureWebJobsStorage__tableServiceUri: account.properties.primaryEndpoints.table
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      AZURE_CLIENT_ID: identity.properties.clientId
      AZURE_TOKEN_CREDENTIALS: 'prod'
      APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      DETECTOR_SCOPES: join(concat(workspaceCustomerIds, resourceScopes), ',')
      DETECTOR_SCHEDULE: runEveryMinutes == 60 ? '0 0 * * * *' : '0 */${runEveryMinutes} * * * *'
      DETECTOR_CLOUD: environment().name
      DETECTOR_STORE: 'blob:${insightsContainer}'
    },
    pages == 'true' ? {} : switchedOff,
    empty(topicEndpoints) ? {} : { DETECTOR_EVENT_GRID_ENDPOINT: first(topicEndpoints) },
    empty(ingestionEndpoints) ? {} : {
      DETECTOR_INGESTION_ENDPOINT: first(ingestionEndpoints)
      DETECTOR_INGESTION_RULE: first(ingestionRules)
    },
    toObject(
      entries,
      entry => entry.key,
      entry => '@Microsoft.KeyVault(SecretUri=${first(vaultUris)}secrets/${entry.value})'
    ),
    toObject(pairs, pair => split(pair, '=')[0], pair => substring(pair, indexOf(pair, '=') + 1))
  )
}

output name string = app.name
