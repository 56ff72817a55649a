#!/usr/bin/env bash
# Prints memory errors of each GPU of this node, and whether rows wait to be replaced. NVIDIA only.
#
#   ./gpu_ecc.sh
#   srun -w slurmcluster-hpc-[1-4] --ntasks-per-node=1 --label ./gpu_ecc.sh
#   ./gpu_ecc.sh --dry-run              shows what it would run
#
# Ends with 1 when a GPU has uncorrectable errors since its last reset, waits for one, or could not replace a row.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/node.sh
. "$here/lib/node.sh"
# shellcheck source-path=SCRIPTDIR source=lib/outputs.sh
. "$here/lib/outputs.sh"

readonly FIELDS=(index serial ecc.errors.corrected.volatile.total ecc.errors.uncorrected.volatile.total
  ecc.errors.corrected.aggregate.total ecc.errors.uncorrected.aggregate.total remapped_rows.pending remapped_rows.failure)

case ${1:-} in
"") ;;
-h | --help) help "$0" && exit ;;
--dry-run) dry_run=1 ;;
*) die "$1 is not known: see --help" ;;
esac

query=$(IFS=, && echo "${FIELDS[*]}")
ask=(nvidia-smi "--query-gpu=$query" '--format=csv,nounits')
if [[ -n $dry_run ]]; then
  run "${ask[@]}"
  exit
fi
output=$("${ask[@]}") || die "nvidia-smi failed: $output"
columns "${FIELDS[@]}" <<<"$output" | awk -F '\t' '
  function bad(value) { return value !~ /^(0|No|\[N\/A\]|N\/A)$/ }
  {
    state = bad($4) ? "UNCORRECTABLE ERRORS" : bad($7) ? "WAITS FOR A RESET" : bad($8) ? "ROW NOT REPLACED" : "ok"
    if (state != "ok") failed = 1
    printf "GPU %s (%s): corrected %s, uncorrected %s; over its life %s, %s; row pending %s, failed %s: %s\n",
      $1, $2, $3, $4, $5, $6, $7, $8, state
  }
  END { exit failed || NR == 0 }'
