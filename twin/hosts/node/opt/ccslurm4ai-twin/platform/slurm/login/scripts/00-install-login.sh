#!/bin/sh
# Sets Slurm up on this node as the platform's installer leaves it.
PYTHONPATH=/opt/ccslurm4ai-twin/lib exec /usr/bin/python3 -m slurm_install.install login
