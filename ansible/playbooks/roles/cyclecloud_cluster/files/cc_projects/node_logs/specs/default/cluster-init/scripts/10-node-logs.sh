#!/usr/bin/env bash
# Has every node save its logs when Azure is about to delete its machine.
#
# The node's agent runs onTerminate.sh before it lets the deletion go on. It is installed before anything else of a node, so
# that the logs of a node that never came up are saved too. Safe to run twice: another's script is left alone.
set -euo pipefail

readonly SOURCE=${CYCLECLOUD_SPEC_PATH:?is set by the agent}/files/onTerminate.sh
readonly FOLDER=${JETPACK_HOME:-/opt/cycle/jetpack}/scripts
readonly TARGET=$FOLDER/onTerminate.sh

if [[ -e $TARGET ]] && ! grep -q 'node_logs of ccslurm4ai' "$TARGET"; then
  echo "warning: $TARGET is another's; this node's logs are not saved" >&2
  exit 0
fi
install -d -m 0755 "$FOLDER"
install -m 0755 "$SOURCE" "$TARGET"
