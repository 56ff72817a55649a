#!/usr/bin/env bash
# NCCL all-reduce in a container, over all GPUs of ND A100 v4, ND H100 v5 or ND H200 v5 nodes.
#
#   sbatch -N 2 nccl_allreduce_container.sh     the result is in nccl_allreduce_<job>.log
#   CONTAINER=IMAGE sbatch -N 2 nccl_allreduce_container.sh    another image: registry#name:tag, or a .sqsh file
#   ./nccl_allreduce_container.sh --dry-run     shows what the job would run
#
# The platform brings what runs containers in jobs (pyxis and enroot). The image must have /usr/local/bin/all_reduce_perf_mpi,
# as those of PyTorch by NVIDIA do.
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
supported Standard_ND96asr_v4 Standard_ND96amsr_A100_v4 Standard_ND96isr_H200_v5 Standard_ND96isr_H100_v5
topology=/opt/microsoft/ndv5-topo.xml
[[ ${size,,} != *nd96a* ]] || topology=/opt/microsoft/ndv4-topo.xml
environment=(
  CUDA_DEVICE_ORDER=PCI_BUS_ID
  NCCL_IB_PCI_RELAXED_ORDERING=1
  NCCL_SOCKET_IFNAME=eth0
  NCCL_TOPO_FILE="$topology"
  OMPI_MCA_coll_hcoll_enable=0
)
# The topology is the host's: a container sees it only when it is mounted.
srun_options=(--container-image="${CONTAINER:-nvcr.io#nvidia/pytorch:24.12-py3}" --container-mounts=/opt/microsoft:/opt/microsoft)
all_reduce /usr/local/bin/all_reduce_perf_mpi
