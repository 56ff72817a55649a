// What the dashboards ask again and again, computed once a minute: of each cluster the mean, the highest and the lowest
// of its GPUs and InfiniBand ports; of each node what is broken.
// Metrics are those that CycleCloud's nodes export:
// https://github.com/Azure/cyclecloud-monitoring/tree/main/specs/default/cluster-init/files
// Names of records: level:metric:operation, https://prometheus.io/docs/practices/rules/

import { ruleGroupName } from '../names.bicep'
import { tagSet } from '../types.bicep'

@description('Region: that of the workspace.')
param location string

@description('Tags of each resource.')
param tags tagSet

@description('Resource id of the Azure Monitor workspace.')
param workspaceId string

@description('How the values of a cluster become one.')
var operations = ['avg', 'max', 'min']

@description('Ports of InfiniBand; mlx5_an0 is the Ethernet device.')
var ports = '{device!="mlx5_an0"}'

@description('Per metric of a cluster its name in records and its value of each GPU or port.')
var clusterMetrics = {
  'gpu-load': {
    gpu_utilization: 'DCGM_FI_DEV_GPU_UTIL'
    gpu_memory_utilization: 'DCGM_FI_DEV_MEM_COPY_UTIL'
    gpu_sm_clock_mhz: 'DCGM_FI_DEV_SM_CLOCK'
    gpu_memory_clock_mhz: 'DCGM_FI_DEV_MEM_CLOCK'
  }
  'gpu-heat': {
    gpu_temperature_celsius: 'DCGM_FI_DEV_GPU_TEMP'
    gpu_memory_temperature_celsius: 'DCGM_FI_DEV_MEMORY_TEMP'
    gpu_power_watts: 'DCGM_FI_DEV_POWER_USAGE'
    gpu_energy_millijoules: 'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION'
  }
  traffic: {
    gpu_nvlink_transmitted_bytes: 'rate(DCGM_FI_PROF_NVLINK_TX_BYTES[5m])'
    gpu_nvlink_received_bytes: 'rate(DCGM_FI_PROF_NVLINK_RX_BYTES[5m])'
    infiniband_transmitted_bytes: 'rate(node_infiniband_port_data_transmitted_bytes_total${ports}[5m])'
    infiniband_received_bytes: 'rate(node_infiniband_port_data_received_bytes_total${ports}[5m])'
  }
}

@description('Rules about whole clusters, by group.')
var clusterGroups = map(items(clusterMetrics), group => {
  subject: group.key
  rules: flatten(map(
    items(group.value),
    metric =>
      map(operations, operation => {
        record: 'cluster:${metric.key}:${operation}'
        expression: '${operation} by (subscription, cluster) (${metric.value})'
      })
  ))
})

@description('Rules about what is there and what is broken.')
var faultGroup = {
  subject: 'faults'
  rules: [
    {
      record: 'cluster:gpu_nodes:count'
      expression: 'count by (subscription, cluster) (count by (subscription, cluster, instance) (DCGM_FI_DEV_GPU_UTIL))'
    }
    {
      record: 'instance:gpu_xid_errors:max'
      expression: 'max by (subscription, cluster, instance) (DCGM_FI_DEV_XID_ERRORS)'
    }
    {
      record: 'instance:gpu_corrected_ecc_errors:increase1h'
      expression: 'sum by (subscription, cluster, instance) (increase(DCGM_FI_DEV_ECC_SBE_VOL_TOTAL[1h]))'
    }
    {
      record: 'instance:gpu_uncorrected_ecc_errors:increase1h'
      expression: 'sum by (subscription, cluster, instance) (increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[1h]))'
    }
    {
      // 5 is "link up".
      record: 'instance:infiniband_ports_down:count'
      expression: 'count by (subscription, cluster, instance) (node_infiniband_physical_state_id${ports} != 5)'
    }
    {
      record: 'instance:infiniband_links_downed:increase1h'
      expression: 'sum by (subscription, cluster, instance) (increase(node_infiniband_link_downed_total${ports}[1h]))'
    }
    {
      record: 'instance:infiniband_receive_errors:increase1h'
      expression: 'sum by (subscription, cluster, instance) (increase(node_infiniband_port_errors_received_total${ports}[1h]))'
    }
    {
      record: 'instance:infiniband_transmit_discards:increase1h'
      expression: 'sum by (subscription, cluster, instance) (increase(node_infiniband_port_discards_transmitted_total${ports}[1h]))'
    }
  ]
}

resource ruleGroups 'Microsoft.AlertsManagement/prometheusRuleGroups@2023-03-01' = [
  for group in concat(clusterGroups, [faultGroup]): {
    name: ruleGroupName(group.subject)
    location: location
    tags: tags
    properties: {
      enabled: true
      interval: 'PT1M'
      scopes: [workspaceId]
      rules: group.rules
    }
  }
]
