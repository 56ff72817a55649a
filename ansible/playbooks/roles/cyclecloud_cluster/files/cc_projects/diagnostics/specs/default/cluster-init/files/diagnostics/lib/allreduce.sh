# shellcheck shell=bash
# An all-reduce job's command lines and its verdict. Sourced, not run, after node.sh and outputs.sh.

# Set by the jobs: what each task finds in its environment, and further options of srun.
environment=() srun_options=()
size=''

# options JOB "$@": what all jobs take when they are run instead of submitted.
options() {
  local job=$1
  shift
  while (($#)); do
    case $1 in
    -h | --help) help "$job" && exit ;;
    --dry-run) dry_run=1 ;;
    *) die "$1 is not known: see --help" ;;
    esac
    shift
  done
  [[ -n $dry_run || -n ${SLURM_JOB_ID:-} ]] || die "submit it: sbatch -N 2 $job; or see --help"
}

# supported SIZE...: sets size to this node's; fails on a node of another size than those given. Without a node (a dry
# run elsewhere) the last one stands for it.
supported() {
  size=${DIAGNOSTICS_SIZE:-${!#}}
  [[ -z ${SLURM_JOB_ID:-} ]] || size=$(node_size)
  local one
  for one; do
    [[ ${one,,} != "${size,,}" ]] || return 0
  done
  die "this job is for $*, and this node is a $size"
}

# load_mpi: puts the image's MPI library on the path, as its users do.
load_mpi() {
  if [[ -n $dry_run ]]; then
    echo "module load mpi/hpcx"
    return
  fi
  local modules=${MODULES:-/etc/profile.d/modules.sh}
  [[ -r $modules ]] || die "there is no $modules: is this node's image one of Azure's for HPC?"
  # Scripts of the system use what may not be set.
  set +u
  # shellcheck source=/dev/null
  . "$modules"
  module load mpi/hpcx
  set -u
}

# all_reduce TASK...: runs one task a GPU on every node of the job, and judges the largest message.
all_reduce() {
  local gpus output result bytes busbw column=busbw
  gpus=$(figure gpus "$size")
  local command=(srun --mpi=pmix --cpu-bind="mask_cpu:$(cpu_masks "$size")" --gpus-per-node="$gpus" --ntasks-per-node="$gpus"
    --mem=0 "${srun_options[@]}" "$@" -b 1K -e "$(figure message "$size")" -f 2 -g 1 -c 0)
  if [[ -n $dry_run ]]; then
    printf 'export %s\n' "${environment[@]}"
    run "${command[@]}"
    return
  fi
  export "${environment[@]}"
  echo "$size, ${SLURM_JOB_NUM_NODES:-1} nodes: ${SLURM_JOB_NODELIST:-}"
  output=$(mktemp)
  # shellcheck disable=SC2064 # the name of now
  trap "rm -f '$output'" EXIT
  "${command[@]}" | tee "$output"
  result=$(largest_busbw <"$output") || die "there is no result to judge"
  read -r bytes busbw <<<"$result"
  case ${SLURM_JOB_NUM_NODES:-1} in
  1) ;;
  2) column=busbw2 ;;
  *) column=none ;;
  esac
  echo "message of $bytes bytes:"
  verdict "bus" "$busbw" "$(figure "$column" "$size")" GB/s
}
