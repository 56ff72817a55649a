#!/usr/bin/env bash
# node_logs of ccslurm4ai: saves a node's logs to /sched/<cluster>/node-logs before its machine is deleted.
#
# Whatever goes wrong, it ends with 0 within minutes: a failure would only delay the deletion. Archives are for root alone;
# the newest 100 are kept.
set -euo pipefail

readonly HOME_OF_JETPACK=${JETPACK_HOME:-/opt/cycle/jetpack}
readonly SCHED=${SCHED_FOLDER:-/sched}
readonly KEPT=100
readonly LARGEST=20M
readonly LOGS=(
  "$HOME_OF_JETPACK/logs"
  /opt/healthagent/healthagent.log
  /opt/healthagent/healthagent_install.log
  /var/log/azure-slurm-install.log
  /var/log/cloud-init.log
  /var/log/slurmctld
  /var/log/slurmd
  /var/log/waagent.log
)

# What the node says of itself, each within a time; a program that is not there says so in its file.
ask() {
  local folder=$1
  timeout 30 journalctl --boot --no-pager --lines=20000 >"$folder/journal.txt" 2>&1 || true
  timeout 30 dmesg >"$folder/dmesg.txt" 2>&1 || true
  timeout 60 nvidia-smi -q >"$folder/nvidia-smi.txt" 2>&1 || true
}

copy_logs() {
  local log
  for log in "${LOGS[@]}"; do
    [[ ! -e $log ]] || find "$log" -type f -size "-$LARGEST" -exec cp --parents -t "$1" {} +
  done
}

forget_oldest() {
  find "$1" -maxdepth 1 -name '*.tar.gz' -printf '%T@ %p\n' | sort -rn | tail -n "+$((KEPT + 1))" | cut -d' ' -f2- |
    xargs -r -d '\n' rm -f --
}

# Ends with 0 whatever happened, and leaves no copy behind on the node.
finish() {
  local status=$?
  ((status == 0)) || echo "warning: the logs of this node could not be saved" >&2
  rm -rf "$work"
  exit 0
}

save() {
  local cluster target name
  cluster=$("$HOME_OF_JETPACK/bin/jetpack" config cyclecloud.cluster.name | tr -c 'a-zA-Z0-9\n-' - | tr '[:upper:]' '[:lower:]')
  target=$SCHED/$cluster/node-logs
  name=$(hostname)-$(date -u +%Y%m%dT%H%M%SZ)
  umask 077
  mkdir -p "$target"
  mkdir "$work/$name"
  ask "$work/$name"
  copy_logs "$work/$name" || true
  tar -czf "$target/.$name" -C "$work" "$name"
  mv "$target/.$name" "$target/$name.tar.gz"
  forget_oldest "$target"
  echo "logs are in $target/$name.tar.gz"
}

work=$(mktemp -d)
trap finish EXIT
save
