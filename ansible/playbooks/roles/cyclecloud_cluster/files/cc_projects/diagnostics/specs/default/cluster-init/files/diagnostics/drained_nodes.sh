#!/usr/bin/env bash
# Lists nodes that take no jobs (drained, down, failed), each with its reason, who set it and when.
#
#   ./drained_nodes.sh                  of all partitions
#   ./drained_nodes.sh -p hpc           of one
#   ./drained_nodes.sh --dry-run        shows what it would ask Slurm
#
# Nodes that are switched off are not listed: `scontrol show nodes --future`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/node.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/node.sh"

partition=()
while (($#)); do
  case $1 in
  -h | --help) help "$0" && exit ;;
  --dry-run) dry_run=1 ;;
  -p | --partition) partition=(--partition "${2:?-p needs a partition}") && shift ;;
  *) die "$1 is not known: see --help" ;;
  esac
  shift
done

readonly STATES=drain,down,fail
ask=(sinfo --noheader --Node --states="$STATES" "${partition[@]}" --format='%N|%T|%u|%H|%E')
if [[ -n $dry_run ]]; then
  run "${ask[@]}"
  exit
fi
# A node of several partitions comes several times.
found=$("${ask[@]}" | sort -u -t '|' -k 1,1V)
if [[ -z $found ]]; then
  echo "no node is drained, down or failed"
  exit
fi
while IFS='|' read -r node state user when reason; do
  printf '%s: %s\n    %s\n    (%s, %s)\n' "$node" "$state" "$reason" "$user" "$when"
done <<<"$found"
