#!/usr/bin/env bash
# Installs the Visual Studio Code command line (`code tunnel`) on the scheduler and the login nodes.
#
# It comes from Microsoft's package repository, signed, which these nodes need for Slurm anyway. The editor is a
# convenience: when it cannot be installed, the node still comes up and this script's log says why.
# Safe to run twice: an installed `code` is left alone.
set -Eeuo pipefail

readonly KEY_URL=https://packages.microsoft.com/keys/microsoft.asc
readonly KEY_FILE=/etc/apt/keyrings/ccslurm4ai-microsoft.asc
readonly SOURCE_FILE=/etc/apt/sources.list.d/vscode.sources

# The package would add its own source, which clashes with ours over the key and stops every later apt.
keep_package_from_adding_its_source() {
  debconf-set-selections <<< "code code/add-microsoft-repo boolean false"
}

add_source() {
  install -d -m 0755 "$(dirname "$KEY_FILE")"
  curl -fsSL --retry 5 --retry-delay 5 --max-time 120 -o "$KEY_FILE" "$KEY_URL"
  chmod 0644 "$KEY_FILE"
  cat > "$SOURCE_FILE" << SOURCE
Types: deb
URIs: https://packages.microsoft.com/repos/code
Suites: stable
Components: main
Architectures: $(dpkg --print-architecture)
Signed-By: $KEY_FILE
SOURCE
}

give_up() {
  rm -f "$SOURCE_FILE"
  echo "warning: code was not installed; the node goes on without it" >&2
  exit 0
}

install_code() {
  keep_package_from_adding_its_source
  add_source
  # Other parts of a node's first boot use apt too: wait for the lock instead of failing.
  local apt=(apt-get -q -o DPkg::Lock::Timeout=600)
  "${apt[@]}" update
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends code
}

if command -v code > /dev/null; then
  echo "code is installed already"
else
  trap give_up ERR
  install_code
fi
