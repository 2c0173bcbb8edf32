// Passerelle in one resource group of the firm's own subscription: see README.md beside this file.
targetScope = 'resourceGroup'

@description('Beginning of every name: lower case letters and digits.')
@minLength(3)
@maxLength(12)
param name string = 'passerelle'

param location string = resourceGroup().location

@description('The image, with its tag or digest.')
param image string

@description('Registry the identity pulls from (AcrPull is yours to grant); empty for a public one.')
param registry string = ''

@description('UserAssignedMSI: no secret at all. SingleTenant: an app registration, whose id and secret follow.')
@allowed(['UserAssignedMSI', 'SingleTenant'])
param appType string = 'UserAssignedMSI'

@description('SingleTenant only: the application (client) id.')
param appId string = ''

@description('SingleTenant only.')
@secure()
param appPassword string = ''

@description('Of the database; letters and digits, made for the occasion.')
@secure()
@minLength(24)
param databasePassword string

@description('Shared mailbox the mails leave from.')
param mailFrom string
param firmName string
param firmDomains string
@allowed(['fr', 'en'])
param firmLocale string = 'fr'
param adminGroupId string = ''
param inviteToTeam bool = false

@description('Two keep the bot answering while one is replaced.')
@minValue(1)
@maxValue(10)
param replicas int = 2

var suffix = uniqueString(resourceGroup().id)
var managed = appType == 'UserAssignedMSI'
var botId = managed ? identity.properties.clientId : appId
// Built-in role « Key Vault Secrets User »: reads the values of secrets.
var secretsUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '4633458b-17de-408a-874b-0445c86b69e6'
)
var settings = [
  { name: 'MICROSOFT_APP_TYPE', value: appType }
  { name: 'MICROSOFT_APP_ID', value: botId }
  { name: 'MICROSOFT_APP_TENANT_ID', value: tenant().tenantId }
  { name: 'DATABASE_URL', secretRef: 'database-url' }
  { name: 'MAIL_FROM', value: mailFrom }
  { name: 'FIRM_NAME', value: firmName }
  { name: 'FIRM_DOMAINS', value: firmDomains }
  { name: 'FIRM_LOCALE', value: firmLocale }
  { name: 'ADMIN_GROUP_ID', value: adminGroupId }
  { name: 'INVITE_TO_TEAM', value: inviteToTeam ? 'true' : 'false' }
  { name: 'GRAPH_NOTIFICATIONS_URL', value: 'https://${name}.${environment.properties.defaultDomain}/api/notifications' }
  { name: 'LOG_FORMAT', value: 'json' }
]
var environmentVariables = managed
  ? settings
  : concat(settings, [{ name: 'MICROSOFT_APP_PASSWORD', secretRef: 'app-password' }])

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-identity'
  location: location
}

// --- secrets

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv${suffix}'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
  }
}

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, secretsUser)
  scope: vault
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUser
  }
}

resource databaseUrl 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'database-url'
  properties: {
    value: 'postgresql+asyncpg://passerelle:${uriComponent(databasePassword)}@${postgres.properties.fullyQualifiedDomainName}/${database.name}?ssl=require'
  }
}

resource appSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!managed) {
  parent: vault
  name: 'app-password'
  properties: { value: appPassword }
}

// --- a network of its own: the database has no public address

resource network 'Microsoft.Network/virtualNetworks@2024-01-01' = {
  name: '${name}-network'
  location: location
  properties: {
    addressSpace: { addressPrefixes: ['10.20.0.0/22'] }
    subnets: [
      {
        name: 'apps'
        properties: {
          addressPrefix: '10.20.0.0/23'
          delegations: [{ name: 'apps', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'database'
        properties: {
          addressPrefix: '10.20.2.0/28'
          delegations: [{ name: 'database', properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' } }]
        }
      }
    ]
  }
  resource apps 'subnets' existing = { name: 'apps' }
  resource data 'subnets' existing = { name: 'database' }
}

resource zone 'Microsoft.Network/privateDnsZones@2020-06-01' = {
  name: '${name}.private.postgres.database.azure.com'
  location: 'global'
}

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = {
  parent: zone
  name: '${name}-link'
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}

// --- database

resource postgres 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: '${name}-${suffix}'
  location: location
  sku: { name: 'Standard_B1ms', tier: 'Burstable' }
  properties: {
    version: '16'
    administratorLogin: 'passerelle'
    administratorLoginPassword: databasePassword
    storage: { storageSizeGB: 32, autoGrow: 'Enabled' }
    // Point in time, up to five weeks back; docs/copies.md says what to do after putting one back.
    backup: { backupRetentionDays: 35, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: 'Disabled' }
    network: {
      delegatedSubnetResourceId: network::data.id
      privateDnsZoneArmResourceId: zone.id
    }
  }
  dependsOn: [zoneLink]
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: postgres
  name: 'passerelle'
  properties: { charset: 'UTF8', collation: 'en_US.utf8' }
}

// --- the program

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 }
}

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: '${name}-environment'
  location: location
  properties: {
    vnetConfiguration: { infrastructureSubnetId: network::apps.id }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
  }
}

var registries = empty(registry) ? [] : [{ server: registry, identity: identity.id }]
var databaseSecret = { name: 'database-url', keyVaultUrl: '${vault.properties.vaultUri}secrets/database-url', identity: identity.id }
var appSecrets = managed
  ? [databaseSecret]
  : [
      databaseSecret
      { name: 'app-password', keyVaultUrl: '${vault.properties.vaultUri}secrets/app-password', identity: identity.id }
    ]

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    managedEnvironmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: { external: true, targetPort: 3978, transport: 'http', allowInsecure: false }
      registries: registries
      secrets: appSecrets
    }
    template: {
      terminationGracePeriodSeconds: 15
      containers: [
        {
          name: 'passerelle'
          image: image
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: environmentVariables
          probes: [
            { type: 'Startup', httpGet: { path: '/healthz', port: 3978 }, periodSeconds: 2, failureThreshold: 30 }
            { type: 'Liveness', httpGet: { path: '/healthz', port: 3978 }, periodSeconds: 10, timeoutSeconds: 5 }
            { type: 'Readiness', httpGet: { path: '/readyz', port: 3978 }, periodSeconds: 5, timeoutSeconds: 5 }
          ]
        }
      ]
      // Never to zero: reminders and what is owed run without anybody writing.
      scale: { minReplicas: replicas, maxReplicas: replicas }
    }
  }
  dependsOn: [readsSecrets, databaseUrl, appSecret]
}

resource purge 'Microsoft.App/jobs@2024-03-01' = {
  name: '${name}-purge'
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Schedule'
      scheduleTriggerConfig: { cronExpression: '0 3 * * *', parallelism: 1, replicaCompletionCount: 1 }
      replicaTimeout: 1800
      replicaRetryLimit: 1
      registries: registries
      secrets: appSecrets
    }
    template: {
      containers: [
        {
          name: 'purge'
          image: image
          args: ['purge']
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: environmentVariables
        }
      ]
    }
  }
  dependsOn: [readsSecrets, databaseUrl, appSecret]
}

// --- the bot in Teams

resource bot 'Microsoft.BotService/botServices@2022-09-15' = {
  name: '${name}-${suffix}'
  location: 'global'
  kind: 'azurebot'
  sku: { name: 'F0' }
  properties: {
    displayName: 'Passerelle'
    endpoint: 'https://${app.properties.configuration.ingress.fqdn}/api/messages'
    msaAppType: appType
    msaAppId: botId
    msaAppTenantId: tenant().tenantId
    msaAppMSIResourceId: managed ? identity.id : null
  }
}

resource teams 'Microsoft.BotService/botServices/channels@2022-09-15' = {
  parent: bot
  name: 'MsTeamsChannel'
  location: 'global'
  properties: {
    channelName: 'MsTeamsChannel'
    properties: { isEnabled: true }
  }
}

output messagingEndpoint string = bot.properties.endpoint
output appId string = botId
@description('Whom grant-graph.sh gives the Graph permissions to (UserAssignedMSI).')
output principalId string = identity.properties.principalId
