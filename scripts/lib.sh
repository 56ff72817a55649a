# shellcheck shell=bash
# What scripts/test, scripts/lint and scripts/demo have in common: finding or making the tools they need.
# Sourced, not run. Sets ROOT, the folder of the checkout. Everything made lands in cache_dir and is used again.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT

# Debian packages behind everything here: hosts of the twin, lint, ssh, virtual environments.
# shellcheck disable=SC2034 # used by those who source this file
readonly PACKAGES=(debootstrap openssh-client python3 python3-venv shellcheck strace systemd-container)

# say TEXT: what is being done, on standard error.
say() {
  printf '== %s\n' "$*" >&2
}

# die TEXT: ends the script.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# cache_dir: prints the folder that keeps tools between runs, the same as the programs use.
cache_dir() {
  local cache=${CCSLURM4AI_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/ccslurm4ai}
  mkdir -p -- "$cache"
  (cd -- "$cache" && pwd)
}

# version KEY: prints a version from the one file that holds them.
version() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$ROOT/bicep/versions.json" "$1"
}

# need_packages PACKAGE...: installs the Debian packages that are missing, or says how.
need_packages() {
  command -v dpkg-query >/dev/null || die "this is not Debian: install the equivalents of $*, and run the tests by hand"
  local package missing=()
  for package; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || die "packages are missing: sudo apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get -qq update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}" >&2
}

# venv NAME REQUIREMENT...: prints the folder of a Python environment that holds exactly these requirements.
venv() {
  local name=$1 folder key
  shift
  key=$({ python3 --version && printf '%s\n' "$@"; } | sha256sum | cut -c1-12)
  folder=$(cache_dir)/$name-$key
  exec {lock}>"$folder.lock"
  flock "$lock"
  if [[ ! -e $folder/complete ]]; then
    say "installing $* (once)"
    rm -rf -- "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" --quiet --disable-pip-version-check install "$@" >&2
    touch "$folder/complete"
  fi
  exec {lock}>&-
  printf '%s\n' "$folder"
}

# az_path: prints a folder for PATH that holds az and nothing else.
az_path() {
  local folder
  folder=$(venv azure-cli "azure-cli==$(version azureCli)")
  mkdir -p -- "$folder/path"
  ln -sf ../bin/az "$folder/path/az"
  printf '%s\n' "$folder/path"
}

# find_bicep: prints the path of the Bicep compiler: $BICEP, else on PATH, else where `az bicep install` puts it.
find_bicep() {
  local bicep=${BICEP:-$(command -v bicep || printf '%s' "$HOME/.azure/bin/bicep")}
  [[ -f $bicep && -x $bicep ]] || die "there is no Bicep compiler at $bicep: run 'az bicep install', or set BICEP to one"
  realpath -- "$bicep"
}

# The compiler unpacks itself at its first start and needs a place for it even where HOME cannot be written.
DOTNET_BUNDLE_EXTRACT_BASE_DIR=${DOTNET_BUNDLE_EXTRACT_BASE_DIR:-$(cache_dir)/dotnet}
export DOTNET_BUNDLE_EXTRACT_BASE_DIR
