#!/usr/bin/env bash
# RCCL all-reduce over all GPUs of ND MI300X v5 nodes, judged by the figures of a healthy node.
#
#   sbatch -N 2 rccl_allreduce_mi300x.sh    the result is in rccl_allreduce_<job>.log
#   ./rccl_allreduce_mi300x.sh --dry-run    shows what the job would run
#SBATCH --partition=hpc
#SBATCH --exclusive
#SBATCH --gpus-per-node=8
#SBATCH --ntasks-per-node=8
#SBATCH --mem=0
#SBATCH --time=00:30:00
#SBATCH --output=rccl_allreduce_%j.log
set -euo pipefail
# Slurm runs a copy of this file: the library is beside the original.
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
[[ -e $here/lib/node.sh ]] || here=$(dirname -- "$(scontrol show job "${SLURM_JOB_ID:-}" | sed -n 's/^ *Command=\([^ ]*\).*/\1/p')")
# shellcheck source-path=SCRIPTDIR source=lib/node.sh
. "$here/lib/node.sh"
# shellcheck source-path=SCRIPTDIR source=lib/outputs.sh
. "$here/lib/outputs.sh"
# shellcheck source-path=SCRIPTDIR source=lib/allreduce.sh
. "$here/lib/allreduce.sh"

options "$0" "$@"
supported Standard_ND96isr_MI300X_v5
environment=(
  HSA_NO_SCRATCH_RECLAIM=1
  LD_LIBRARY_PATH="/opt/rccl/lib:${LD_LIBRARY_PATH:-}"
  NCCL_IB_PCI_RELAXED_ORDERING=1
  NCCL_SOCKET_IFNAME=eth0
  OMPI_MCA_coll_hcoll_enable=0
  UCX_NET_DEVICES=eth0
  UCX_TLS=tcp
)
load_mpi
all_reduce /opt/rccl-tests/all_reduce_perf
