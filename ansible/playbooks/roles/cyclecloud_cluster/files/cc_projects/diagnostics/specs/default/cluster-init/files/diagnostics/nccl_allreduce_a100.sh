#!/usr/bin/env bash
# NCCL all-reduce over all GPUs of ND A100 v4 nodes, judged by the figures of a healthy node.
#
#   sbatch -N 2 nccl_allreduce_a100.sh      the result is in nccl_allreduce_<job>.log
#   ./nccl_allreduce_a100.sh --dry-run      shows what the job would run
#SBATCH --partition=hpc
#SBATCH --exclusive
#SBATCH --gpus-per-node=8
#SBATCH --ntasks-per-node=8
#SBATCH --mem=0
#SBATCH --time=00:30:00
#SBATCH --output=nccl_allreduce_%j.log
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
supported Standard_ND96asr_v4 Standard_ND96amsr_A100_v4
environment=(
  CUDA_DEVICE_ORDER=PCI_BUS_ID
  NCCL_IB_PCI_RELAXED_ORDERING=1
  NCCL_SOCKET_IFNAME=eth0
  NCCL_TOPO_FILE=/opt/microsoft/ndv4-topo.xml
  OMPI_MCA_coll_hcoll_enable=0
)
load_mpi
all_reduce /opt/nccl-tests/build/all_reduce_perf
