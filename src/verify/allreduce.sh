#!/usr/bin/env bash
# All-reduce over all GPUs of the job's nodes, with MPI, NCCL and nccl-tests of Azure's image. What NCCL must know of the
# size is in the image's /etc/nccl.conf (Azure/azhpc-images, sku-customizations).
set -euo pipefail
# Bytes of the largest message, and of the one before it, which shows whether the largest stands alone.
readonly last=${MESSAGE:?} first=$((MESSAGE / 2))
# Scripts of the system use what may not be set.
set +u
# shellcheck source=/dev/null
. /etc/profile.d/modules.sh
module load mpi/hpcx
set -u
export CUDA_DEVICE_ORDER=PCI_BUS_ID NCCL_SOCKET_IFNAME=eth0 OMPI_MCA_coll_hcoll_enable=0
export LD_LIBRARY_PATH="/usr/local/nccl-rdma-sharp-plugins/lib:${LD_LIBRARY_PATH:-}"
exec srun --mpi=pmix --cpu-bind=none /opt/nccl-tests/build/all_reduce_perf -b "$first" -e "$last" -f 2 -g 1 -c 0
