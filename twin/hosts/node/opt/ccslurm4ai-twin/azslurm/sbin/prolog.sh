#!/bin/sh
# Slurm's PrologSlurmctld: tells a job's first node in the job's admin comment.
log=/var/log/slurmctld/prolog_slurmctld.log
node=$(scontrol show hostnames "${SLURM_JOB_NODELIST:?is set by slurmctld}" | head -n 1)
told=$(/opt/azurehpc/slurm/get_acct_info.sh "$node" 2>>"$log")
if [ "$(echo "$told" | jq length)" != 0 ]; then
  scontrol update job="${SLURM_JOB_ID:?is set by slurmctld}" admincomment="$told" 2>>"$log"
fi
exit 0
