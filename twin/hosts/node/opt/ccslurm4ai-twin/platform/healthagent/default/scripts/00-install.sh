#!/bin/bash
# Lays down healthagent's client and the scripts that Slurm calls it with; there is no agent behind them.
set -euo pipefail
if [[ $(/opt/cycle/jetpack/bin/jetpack config cyclecloud.healthagent.disable False) == True ]]; then
  echo "Healthagent is disabled"
  exit 0
fi
files=${CYCLECLOUD_SPEC_PATH:?is set by the agent}/files
mkdir -p /opt/healthagent /etc/healthagent
install -m 755 "$files/health" /usr/bin/health
install -m 644 -t /etc/healthagent "$files/health.sh.example" "$files/prolog.sh.example" "$files/epilog.sh.example"
echo "HEALTHAGENT_INSTALLED_VERSION=2.0.2" >/opt/healthagent/.install
