# shellcheck shell=bash
# What the tools here have in common: the node's role and size, figures of healthy nodes, help and dry runs. Sourced, not run.

LIB=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly LIB
readonly JETPACK=${JETPACK_HOME:-/opt/cycle/jetpack}/bin/jetpack
dry_run=

# die TEXT: ends the script.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# help SCRIPT: prints the comment that a script begins with.
help() {
  sed -n '2,/^[^#]/{/^#SBATCH/d; s/^# \{0,1\}//p}' "$1"
}

# run COMMAND...: runs it, or shows it in a dry run.
run() {
  if [[ -n $dry_run ]]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

# node_config KEY: prints a setting of this node; fails when there is none.
node_config() {
  local value
  value=$("$JETPACK" config "$1" 2>/dev/null || sudo -n "$JETPACK" config "$1" 2>/dev/null) || return 1
  [[ -n $value && $value != None ]] || return 1
  printf '%s\n' "$value"
}

# node_role: prints scheduler, login or execute.
node_role() {
  node_config slurm.role || die "this node does not say its role: is it one of the cluster's?"
}

# metadata PATH: prints a text of Azure's metadata service.
metadata() {
  curl -fsS --noproxy '*' --max-time 10 -H Metadata:true \
    "${AZURE_POD_IDENTITY_AUTHORITY_HOST:-http://169.254.169.254}/metadata/instance/$1?api-version=2021-02-01&format=text"
}

# node_size: prints the VM size of this node, as Standard_...; DIAGNOSTICS_SIZE says it in a dry run elsewhere.
node_size() {
  if [[ -n ${DIAGNOSTICS_SIZE:-} ]]; then
    printf '%s\n' "$DIAGNOSTICS_SIZE"
    return
  fi
  node_config azure.metadata.compute.vmSize || metadata compute/vmSize ||
    die "neither the node's agent nor Azure's metadata service says this machine's size"
}

# figure COLUMN SIZE: prints what figures.tsv says, "-" when that is not known.
figure() {
  awk -F '\t' -v column="$1" -v size="$2" '
    /^# size/ { sub(/^# /, ""); for (i = 1; i <= NF; i++) if ($i == column) wanted = i }
    !/^#/ && tolower($1) == tolower(size) { print wanted ? $wanted : "-"; found = 1; exit }
    END { if (!found) print "-" }' "$LIB/figures.tsv"
}

# cpu_masks SIZE: prints a CPU mask for each GPU: all CPUs of its NUMA node, of 96 in all. For srun --cpu-bind=mask_cpu:...
cpu_masks() {
  figure numa "$1" | awk -F, '{
    for (i = 1; i <= NF; i++) if ($i + 1 > nodes) nodes = $i + 1
    digits = 96 / nodes / 4
    for (i = 1; i <= NF; i++) {
      mask = ""
      for (d = 0; d < digits; d++) mask = mask "f"
      for (d = 0; d < digits * $i; d++) mask = mask "0"
      printf "%s%s", (i > 1 ? "," : ""), mask
    }
    print ""
  }'
}

# verdict NAME VALUE LEAST UNIT: one line; fails when the value is below the least, or is no number.
verdict() {
  local name=$1 value=$2 least=$3 unit=$4
  if [[ $least == - ]]; then
    printf '%-12s %10s %s  (no figure is known)\n' "$name" "$value" "$unit"
  elif awk -v value="$value" -v least="$least" 'BEGIN { exit !(value ~ /^[0-9.]+$/ && value >= least) }'; then
    printf '%-12s %10s %s  ok (at least %s)\n' "$name" "$value" "$unit" "$least"
  else
    printf '%-12s %10s %s  LOW (at least %s)\n' "$name" "${value:-nothing}" "$unit" "$least"
    return 1
  fi
}
