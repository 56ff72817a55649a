#!/bin/bash
# Writes the configuration of the node's Prometheus, with the settings and labels that the platform's has. No Prometheus
# reads it: there is none on the twin's hosts, and nothing that takes metrics.
set -euo pipefail
PATH=$PATH:/opt/cycle/jetpack/bin

if [[ $(jetpack config cyclecloud.monitoring.enabled false) != [Tt]rue ]]; then
  exit 0
fi
endpoint=$(jetpack config cyclecloud.monitoring.ingestion_endpoint)
identity=$(jetpack config cyclecloud.monitoring.identity_client_id)
group=$(jetpack config azure.metadata.compute.resourceGroupName)
cluster=$(jetpack config cyclecloud.cluster.name)
subscription=$(jetpack config azure.metadata.compute.subscriptionId)
template=$(jetpack config cyclecloud.node.template)

mkdir -p /opt/prometheus
cat >/opt/prometheus/prometheus.yml <<YAML
global:
  scrape_interval: 15s
  external_labels:
    subscription: $subscription
    cluster: $group/$cluster
    nodearray: $template
    instance: $(hostname)
remote_write:
  - url: "$endpoint"
    azuread:
      cloud: AzurePublic
      managed_identity:
        client_id: $identity
YAML
