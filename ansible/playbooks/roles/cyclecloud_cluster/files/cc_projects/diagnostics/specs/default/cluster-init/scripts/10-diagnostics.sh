#!/usr/bin/env bash
# Puts diagnostic tools and example jobs into the administrator's shared home, once, on the scheduler and the login nodes.
#
# The folder is the administrator's afterwards: what is there is never replaced; delete the folder to get a new one with the
# next node that boots. Nodes that boot together do not disturb each other. Safe to run twice.
set -euo pipefail

readonly SOURCE=${CYCLECLOUD_SPEC_PATH:?is set by the agent}/files/diagnostics
# shellcheck source-path=SCRIPTDIR source=../files/diagnostics/lib/node.sh
. "$SOURCE/lib/node.sh"

# A convenience: without it the node still comes up, and this script's log says why.
give_up() {
  echo "warning: there are no diagnostic tools: $1" >&2
  exit 0
}

# home_of USER: prints a home folder; waits a little, for the agent may still be making users.
home_of() {
  local attempt home
  for ((attempt = 0; attempt < ${PATIENCE:-60}; attempt++)); do
    home=$(getent passwd "$1" | cut -d: -f6)
    if [[ -n $home && -d $home ]]; then
      printf '%s\n' "$home"
      return
    fi
    sleep 1
  done
  return 1
}

admin=$(node_config ccslurm4ai.admin) || give_up "the cluster template does not say who the administrator is"
home=$(home_of "$admin") || give_up "$admin has no home folder on this node"
target=$home/diagnostics
if [[ -e $target ]]; then
  echo "$target is there already"
  exit 0
fi
new=$(mktemp -d "$home/.diagnostics.XXXXXX")
trap 'rm -rf "$new"' EXIT
cp -R "$SOURCE/." "$new"
chmod -R u=rwX,go=rX "$new"
chmod 0755 "$new"/*.sh
chown -R "$admin:$(id -gn "$admin")" "$new"
# All at once, and not over another node's that was quicker.
mv -T "$new" "$target" 2>/dev/null || [[ -d $target ]]
