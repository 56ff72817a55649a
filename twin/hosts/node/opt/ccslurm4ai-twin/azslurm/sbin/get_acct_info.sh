#!/bin/sh
# What is told of a node in the comment of a job.
exec /opt/azurehpc/slurm/venv/bin/azslurm accounting_info --node-name "$1"
