#!/bin/sh
# Slurm's ResumeProgram: starts the nodes of its argument.
exec /opt/azurehpc/slurm/venv/bin/azslurm resume --node-list "$(echo "$@" | tr ' ' ,)"
