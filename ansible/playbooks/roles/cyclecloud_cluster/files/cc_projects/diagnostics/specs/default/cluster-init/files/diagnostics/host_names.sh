#!/usr/bin/env bash
# Prints a line for each node: host name, name of the VM, physical host, id of the VM. Microsoft's support asks for these.
#
#   ./host_names.sh                               of the node it runs on
#   ./host_names.sh --nodes slurmcluster-hpc-[1-4]
#   ./host_names.sh --nodes LIST --dry-run        shows what it would run
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/node.sh
. "$here/lib/node.sh"

readonly POOL=${KVP_POOL:-/var/lib/hyperv/.kvp_pool_3}

# physical_host: what Hyper-V tells the machine: pairs of a name in 512 bytes and a value in 2048.
physical_host() {
  [[ -r $POOL ]] || return 1
  tr -s '\0' '\n' <"$POOL" | awk 'found { print; exit } $0 == "PhysicalHostNameFullyQualified" { found = 1 }'
}

nodes=
while (($#)); do
  case $1 in
  -h | --help) help "$0" && exit ;;
  --dry-run) dry_run=1 ;;
  --nodes) nodes=${2:?--nodes needs a list} && shift ;;
  *) die "$1 is not known: see --help" ;;
  esac
  shift
done

if [[ -n $nodes ]]; then
  count=$(scontrol show hostnames "$nodes" | wc -l)
  run srun --nodelist="$nodes" --nodes="$count" --ntasks-per-node=1 --mem=0 --overlap "$here/host_names.sh"
elif [[ -n $dry_run ]]; then
  echo "reads the host name, $POOL and Azure's metadata service"
else
  printf '%s %s %s %s\n' "$(hostname)" "$(metadata compute/name || echo -)" "$(physical_host || echo -)" \
    "$(metadata compute/vmId || echo -)"
fi
