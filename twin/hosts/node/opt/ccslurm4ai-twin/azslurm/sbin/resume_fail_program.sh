#!/bin/sh
# Slurm's ResumeFailProgram: ends nodes that did not come up in time.
exec /opt/azurehpc/slurm/venv/bin/azslurm suspend --node-list "$(echo "$@" | tr ' ' ,)"
