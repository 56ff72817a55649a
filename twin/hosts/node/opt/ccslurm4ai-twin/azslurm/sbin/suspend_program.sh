#!/bin/sh
# Slurm's SuspendProgram: ends the nodes of its argument.
exec /opt/azurehpc/slurm/venv/bin/azslurm suspend --node-list "$(echo "$@" | tr ' ' ,)"
