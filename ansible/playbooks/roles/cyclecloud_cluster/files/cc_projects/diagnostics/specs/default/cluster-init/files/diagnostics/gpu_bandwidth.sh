#!/usr/bin/env bash
# Measures copies between host and GPUs, and between GPUs, and compares them with a healthy node's figures. NVIDIA only.
#
#   ./gpu_bandwidth.sh                            on the GPU node it runs on
#   ./gpu_bandwidth.sh --nodes slurmcluster-hpc-[1-4]   as a job on each of these nodes, whole and for itself
#   ./gpu_bandwidth.sh --nodes LIST --dry-run     shows what it would run
#
# Ends with 1 when a bandwidth is low. Uses nvbandwidth, of this machine ($NVBANDWIDTH, PATH, /opt/nvidia) or of Azure's image
# of health checks, which takes docker and sudo.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/node.sh
. "$here/lib/node.sh"
# shellcheck source-path=SCRIPTDIR source=lib/outputs.sh
. "$here/lib/outputs.sh"

readonly IMAGE=mcr.microsoft.com/aznhc/aznhc-nv
readonly TESTS=(host_to_device_memcpy_ce device_to_host_memcpy_ce device_to_device_memcpy_read_ce)

# program: sets the command line of nvbandwidth.
program() {
  local path
  for path in "${NVBANDWIDTH:-}" "$(command -v nvbandwidth || true)" /opt/nvidia/nvbandwidth/nvbandwidth; do
    if [[ -x $path && ! -d $path ]]; then
      nvbandwidth=("$path")
      return
    fi
  done
  nvbandwidth=(sudo docker run --rm --gpus all "$IMAGE" /azure-nhc/bin/nvbandwidth)
}

# judge TEST LEAST: reads nvbandwidth's output; a line for the lowest of each row.
judge() {
  local lows row column value low=0
  lows=$(copy_bandwidths "$1" | sort -k 3,3n) || die "nvbandwidth printed nothing for $1"
  read -r row column value <<<"$(head -n 1 <<<"$lows")"
  echo "$1: $(wc -l <<<"$lows") copies, the slowest from $row to $column"
  verdict "lowest" "$value" "$2" GB/s || low=1
  return "$low"
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
  run srun --nodelist="$nodes" --nodes="$count" --ntasks-per-node=1 --exclusive --mem=0 --gpus-per-node="${GPUS:-8}" \
    --label "$here/gpu_bandwidth.sh"
  exit
fi
program
if [[ -n $dry_run ]]; then
  run "${nvbandwidth[@]}" -t "${TESTS[@]}"
  exit
fi
size=$(node_size)
maker=$(figure maker "$size")
[[ $maker != amd ]] || die "$size has AMD's GPUs: use rccl_allreduce_mi300x.sh"
echo "$(hostname), $size"
output=$("${nvbandwidth[@]}" -t "${TESTS[@]}") || die "nvbandwidth failed: $output"
result=0
for test in "${TESTS[@]}"; do
  column=h2d
  [[ $test != device_to_device* ]] || column=p2p
  # One GPU has nobody to copy to.
  [[ $column != p2p || $(figure gpus "$size") != 1 ]] || continue
  judge "$test" "$(figure "$column" "$size")" <<<"$output" || result=1
done
exit "$result"
