"""all_reduce_perf of nccl-tests: the first task of a job prints a recorded run over as many nodes."""
import argparse
import os
import re
import subprocess
import sys

from players import flaws, recorded

ONE, MORE, SLOW = ("nccl-allreduce-h100-8gpu-mpirun-tagged.txt", "nccl-allreduce-h100-2node-p5-good.txt",
                   "nccl-allreduce-azure-2node-ipoib-slow.txt")
TAG = re.compile(r"^(\[\d+,\d+\]<stdout>:|\d+: )", re.M)
UNITS = {"": 0, "K": 10, "M": 20, "G": 30}


def size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if not match:
        raise argparse.ArgumentTypeError(f"invalid size specified: {text}")
    return int(match[1]) << UNITS[match[2]]


def nodes():
    """Names of the nodes that the step runs on."""
    named = os.environ.get("SLURM_STEP_NODELIST") or os.environ.get("SLURM_JOB_NODELIST")
    if not named:
        return [os.uname().nodename]
    done = subprocess.run(["scontrol", "show", "hostnames", named], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def main():
    parser = argparse.ArgumentParser(prog="all_reduce_perf", allow_abbrev=False)
    parser.add_argument("-b", "--minbytes", type=size, default=32 << 20)
    parser.add_argument("-e", "--maxbytes", type=size, default=32 << 20)
    parser.add_argument("-f", "--stepfactor", type=int, choices=(2,))
    parser.add_argument("-g", "--ngpus", type=int, choices=range(1, 9), default=1)
    parser.add_argument("-c", "--check", type=int, choices=(0, 1), default=1)
    parser.add_argument("-n", "--iters", type=int)
    parser.add_argument("-w", "--warmup_iters", type=int)
    arguments = parser.parse_args()
    if os.environ.get("SLURM_PROCID", "0") != "0":
        return
    if not os.environ.get("CUDA_VISIBLE_DEVICES"):
        sys.exit("Test CUDA failure: no CUDA-capable device is detected")
    own = nodes()
    slow = any(flaw.get("slow") for flaw in flaws(own))
    played = TAG.sub("", recorded(SLOW if slow else ONE if len(own) == 1 else MORE))
    for line in played.splitlines():
        row = re.match(r" *(\d+) ", line)
        if line.startswith("#") or row and arguments.minbytes <= int(row[1]) <= arguments.maxbytes:
            print(line.rstrip())
