// The CycleCloud server: a machine without public address, from the marketplace image.
// Image with its data disk as upstream uses it:
// https://github.com/Azure/cyclecloud-slurm-workspace/blob/main/bicep/vm.bicep

import { machinePartName, names } from '../names.bicep'
import { tagSet } from '../types.bicep'

@description('Region.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Availability zone; empty: none.')
param zone string

@description('VM size.')
param size string

@description('Resource id of the subnet.')
param subnetId string

@description('Admin user.')
param adminUser string

@description('Public SSH key of the admin user. Secure because it may come as a reference into a vault.')
@secure()
param sshPublicKey string

@description('Image of the CycleCloud server.')
var image = loadJsonContent('../versions.json', '$.cyclecloud')

resource networkInterface 'Microsoft.Network/networkInterfaces@2025-05-01' = {
  name: machinePartName(names.server, 'nic')
  location: location
  tags: tags
  properties: {
    ipConfigurations: [
      {
        name: 'default'
        properties: {
          privateIPAllocationMethod: 'Dynamic'
          subnet: {
            id: subnetId
          }
        }
      }
    ]
  }
}

// No Trusted Launch: it is refused with an image that is not marked for it (https://github.com/Azure/azure-cli/issues/27975),
// and upstream deploys this image without.
resource machine 'Microsoft.Compute/virtualMachines@2025-04-01' = {
  name: names.server
  location: location
  tags: tags
  zones: empty(zone) ? null : [zone]
  identity: {
    type: 'SystemAssigned'
  }
  plan: {
    publisher: image.publisher
    product: image.offer
    name: image.sku
  }
  properties: {
    hardwareProfile: {
      vmSize: size
    }
    storageProfile: {
      imageReference: {
        publisher: image.publisher
        offer: image.offer
        sku: image.sku
        version: image.version
      }
      osDisk: {
        name: machinePartName(names.server, 'os')
        createOption: 'FromImage'
        caching: 'ReadWrite'
        managedDisk: {
          storageAccountType: 'Premium_LRS'
        }
      }
      // The image brings this disk; CycleCloud lives on it.
      dataDisks: [
        {
          name: machinePartName(names.server, 'data')
          lun: 0
          createOption: 'FromImage'
          caching: 'ReadWrite'
          managedDisk: {
            storageAccountType: 'Premium_LRS'
          }
        }
      ]
    }
    osProfile: {
      computerName: names.server
      adminUsername: adminUser
      linuxConfiguration: {
        disablePasswordAuthentication: true
        // Said here too, so that a later deployment does not undo what `install -s` sees to.
        patchSettings: {
          patchMode: 'ImageDefault'
        }
        ssh: {
          publicKeys: [
            {
              path: '/home/${adminUser}/.ssh/authorized_keys'
              keyData: sshPublicKey
            }
          ]
        }
      }
    }
    networkProfile: {
      networkInterfaces: [
        {
          id: networkInterface.id
        }
      ]
    }
    // Without a storage account of ours Azure keeps the diagnostics.
    diagnosticsProfile: {
      bootDiagnostics: {
        enabled: true
      }
    }
  }
}

@description('Resource id of the machine.')
output id string = machine.id

@description('Name of the machine.')
output name string = machine.name

@description('Object id of the machine\'s own identity.')
output principalId string = machine.identity.principalId

@description('Private IP address.')
output privateIpAddress string = networkInterface.properties.ipConfigurations[0].properties.privateIPAddress
