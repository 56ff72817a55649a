// The database of Slurm's accounting: reached through a private endpoint only, over TLS only. slurmdbd makes its database
// and tables itself.

import { mySqlServerName, names } from '../names.bicep'
import { tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Availability zone; empty: Azure chooses.')
param zone string

@description('Password of the administrator, who is slurmdbd\'s user.')
@secure()
param password string

// The two values are what slurmdbd asks for (https://slurm.schedmd.com/accounting.html#mysql-configuration); those it also
// looks at, buffer pool and redo log, Azure sizes with the machine. TLS is on in a new server, and is to stay so.
@description('Settings of the server, one after another: Azure refuses a second one while it applies the first.')
var settings = [
  { name: 'innodb_lock_wait_timeout', value: '900' }
  { name: 'max_allowed_packet', value: '16777216' }
  { name: 'require_secure_transport', value: 'ON' }
]

resource server 'Microsoft.DBforMySQL/flexibleServers@2024-12-30' = {
  name: mySqlServerName(resourceGroup().id)
  location: location
  tags: tags
  // The smallest that is not burstable, which is for development only; its buffer pool is what slurmdbd wants.
  sku: {
    tier: 'GeneralPurpose'
    name: 'Standard_D2ads_v5'
  }
  properties: {
    version: loadJsonContent('../versions.json', '$.mySql')
    administratorLogin: names.mySqlUser
    administratorLoginPassword: password
    availabilityZone: empty(zone) ? null : zone
    network: {
      publicNetworkAccess: 'Disabled'
    }
    storage: {
      storageSizeGB: 20
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: 35
      geoRedundantBackup: 'Disabled'
    }
    highAvailability: {
      mode: 'Disabled'
    }
  }
}

@batchSize(1)
resource configurations 'Microsoft.DBforMySQL/flexibleServers/configurations@2024-12-30' = [
  for setting in settings: {
    parent: server
    name: setting.name
    properties: {
      value: setting.value
      source: 'user-override'
    }
  }
]

@description('Resource id of the server.')
output id string = server.id

@description('Host name of the server.')
output fqdn string = server.properties.fullyQualifiedDomainName

@description('User to sign in as.')
output user string = names.mySqlUser
