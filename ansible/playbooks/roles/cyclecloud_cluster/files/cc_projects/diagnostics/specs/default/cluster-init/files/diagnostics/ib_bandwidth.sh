#!/usr/bin/env bash
# Measures InfiniBand writes between each two ports of one node and compares them with a healthy node's figures.
#
#   ./ib_bandwidth.sh                             on the GPU node it runs on: 28 pairs, about 4 minutes
#   ./ib_bandwidth.sh --gpudirect                 from GPU to GPU memory; needs ib_write_bw with CUDA
#   ./ib_bandwidth.sh --nodes slurmcluster-hpc-[1-4]    as a job on each of these nodes, whole and for itself
#   ./ib_bandwidth.sh --nodes LIST --dry-run      shows what it would run
#
# Ends with 1 when a bandwidth is low.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/node.sh
. "$here/lib/node.sh"
# shellcheck source-path=SCRIPTDIR source=lib/outputs.sh
. "$here/lib/outputs.sh"

readonly DEVICES=${INFINIBAND_DEVICES:-/sys/class/infiniband}
# Seconds a measurement takes; one that hangs is ended after a minute.
readonly DURATION=5
readonly PORT=18515

# write_bw NUMBER: the command line for one port, and its GPU with --gpudirect.
write_bw() {
  local numa=${numas[$1]} gpu=()
  ((${#gpudirect[@]} == 0)) || gpu=(--use_cuda="$1")
  command=(timeout 60 numactl -N "$numa" -m "$numa" ib_write_bw -s 8388608 -D "$DURATION" -x 0 -F --report_gbits -p "$PORT"
    "${gpu[@]}" -d "mlx5_ib$1")
}

# measure FROM TO: prints Gb/s.
measure() {
  local server output
  write_bw "$1"
  "${command[@]}" >/dev/null 2>&1 &
  server=$!
  sleep 2
  write_bw "$2"
  output=$("${command[@]}" localhost 2>&1) || true
  wait "$server" || true
  largest_ib_bandwidth <<<"$output" || echo "${output##*$'\n'}"
}

nodes='' gpudirect=()
while (($#)); do
  case $1 in
  -h | --help) help "$0" && exit ;;
  --dry-run) dry_run=1 ;;
  --gpudirect) gpudirect=(--gpudirect) ;;
  --nodes) nodes=${2:?--nodes needs a list} && shift ;;
  *) die "$1 is not known: see --help" ;;
  esac
  shift
done

if [[ -n $nodes ]]; then
  count=$(scontrol show hostnames "$nodes" | wc -l)
  run srun --nodelist="$nodes" --nodes="$count" --ntasks-per-node=1 --exclusive --mem=0 --gpus-per-node="${GPUS:-8}" \
    --label "$here/ib_bandwidth.sh" "${gpudirect[@]}"
  exit
fi
# A dry run shows the same anywhere, not what a login node has.
[[ -z $dry_run ]] || DIAGNOSTICS_SIZE=${DIAGNOSTICS_SIZE:-Standard_ND96isr_H100_v5}
size=$(node_size)
ports=$(figure ib "$size")
[[ $ports != - && $ports != 0 ]] || die "$size has no InfiniBand, or is not in lib/figures.tsv"
IFS=, read -r -a numas <<<"$(figure numa "$size")"
if [[ -n $dry_run ]]; then
  write_bw 0 && run "${command[@]}"
  write_bw 1 && run "${command[@]}" localhost
  exit
fi
echo "$(hostname), $size"
for ((port = 0; port < ports; port++)); do
  [[ -e $DEVICES/mlx5_ib$port ]] || die "port mlx5_ib$port is missing; a healthy node has $ports"
done
result=0
least=$(figure ibbw "$size")
for ((from = 0; from < ports - 1; from++)); do
  for ((to = from + 1; to < ports; to++)); do
    verdict "ib$from-ib$to" "$(measure "$from" "$to")" "$least" Gb/s || result=1
  done
done
exit "$result"
