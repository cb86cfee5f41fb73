#!/usr/bin/env bash
# Brings everything that the tests need onto a Debian 12 (or newer) machine.
#
# * Packages of the machine's own release (podman, skopeo, PostgreSQL, ...) are installed with
#   apt-get, and only if the command they bring is missing. No system service is started.
# * Newer tools (docker engine and client, buildx, crane, oras, the stock registry) are downloaded
#   through a private apt configuration and unpacked beside; the machine's own package sources
#   are never changed. cosign and notation too, if a suite has them: without them their tests are
#   skipped, and say so.
# * Python environments are made beside them, one for the tests and one for each Python program
#   that the tests run, and a folder with Node.js and its oidc-provider. All of it is pinned here.
#
# Everything beside goes to $AUTH_SERVICE_TOOLS (default ~/.cache/auth-service-tests). What is
# already there is not fetched again, so that a second run takes a second.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${AUTH_SERVICE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/auth-service-tests}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$tools/bin" "$tools/cli-plugins" "$tools/unpacked"

say()  { printf 'install: %s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

# --- packages of the machine's own release -------------------------------------------------------

policy=/usr/sbin/policy-rc.d
made_policy=
cleanup() { if [ -n "$made_policy" ]; then rm -f "$policy"; fi; }
trap cleanup EXIT

# A package whose service starts by itself would be left running: forbid it while we install.
forbid_services() {
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 0755 "$policy"
  made_policy=yes
}

has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; }
has_venv()     { python3 -c 'import ensurepip, venv' 2>/dev/null; }

missing_packages() {
  command -v podman  >/dev/null || echo podman
  command -v skopeo  >/dev/null || echo skopeo
  command -v ip      >/dev/null || echo iproute2
  command -v openssl >/dev/null || echo openssl
  command -v setpriv >/dev/null || echo util-linux
  command -v git     >/dev/null || echo git
  command -v gcc     >/dev/null || echo gcc libc6-dev
  command -v make    >/dev/null || echo make
  command -v wrk     >/dev/null || echo wrk
  command -v python3 >/dev/null || echo python3
  command -v npm     >/dev/null || echo npm
  has_venv     || echo python3-venv
  has_postgres || echo postgresql
  [ -e "$keyring" ] || echo debian-archive-keyring
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages | tr ' ' '\n' | sort -u)
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "these packages are missing and only root can install them: ${missing[*]}"
  say "apt-get install ${missing[*]}"
  forbid_services
  export DEBIAN_FRONTEND=noninteractive
  timeout 300 apt-get -qq -o DPkg::Lock::Timeout=120 update
  timeout 600 apt-get -qq -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "${missing[@]}" >"$tools/apt.log" 2>&1 ||
    { tail -n 20 "$tools/apt.log" >&2; fail "apt-get could not install ${missing[*]} (all of it: $tools/apt.log)"; }
}

# --- newer packages, unpacked beside -------------------------------------------------------------

mirror() {
  local uri
  uri=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  printf '%s' "${uri:-http://deb.debian.org/debian}"
}

private_apt() {
  timeout 300 apt-get -qq -o Dir::Etc::sourcelist="$tools/apt/sources.list" -o Dir::Etc::sourceparts="$tools/apt/empty" \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$tools/apt/empty" \
    -o Dir::State="$tools/apt/state" -o Dir::Cache="$tools/apt/cache" -o Dir::State::status="$tools/apt/status" \
    -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User= "$@"
}

update_private_apt() {
  [ -z "${private_apt_is_fresh:-}" ] || return 0
  mkdir -p "$tools/apt/state/lists/partial" "$tools/apt/cache/archives/partial" "$tools/apt/empty"
  : >"$tools/apt/status"
  local suite
  for suite in bookworm trixie sid; do
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$(mirror)" "$suite"
  done >"$tools/apt/sources.list"
  say "reading the package lists of bookworm, trixie and sid (private to the tests)"
  private_apt update
  private_apt_is_fresh=yes
}

# unpack PACKAGE PROGRAM SUITE...: the first suite whose PROGRAM runs on this machine is taken.
unpack() {
  try_to_unpack "$@" || fail "no version of $1 from ${*:3} runs on this machine"
}

try_to_unpack() {
  local package=$1 program=$2 suite work
  shift 2
  if [ -e "$tools/unpacked/$package/$program" ]; then return; fi
  update_private_apt
  for suite in "$@"; do
    work=$tools/unpacked/.$package.$$
    rm -rf "$work" && mkdir -p "$work/deb"
    if (cd "$work/deb" && private_apt download "$package/$suite" >/dev/null) &&
       dpkg -x "$work"/deb/*.deb "$work" && runs "$work/$program"; then
      rm -rf "$work/deb" "$tools/unpacked/$package"
      mv "$work" "$tools/unpacked/$package"
      say "$package from $suite"
      return
    fi
    rm -rf "$work"
  done
  return 1
}

# signer PACKAGE SUITE...: a client that only some suites have, and that only its own tests need.
signer() {
  if try_to_unpack "$1" "usr/bin/$1" "${@:2}"; then link "$1" "usr/bin/$1" bin; return; fi
  say "no version of $1 from ${*:2} runs on this machine: its tests will be skipped"
}

# Every program here answers to --version (crane and oras to version); a wrong libc does not.
runs() {
  timeout 20 "$1" --version >/dev/null 2>&1 || timeout 20 "$1" version >/dev/null 2>&1
}

link() { ln -sfn "$tools/unpacked/$1/$2" "$tools/$3/$(basename "$2")"; }

unpack_newer() {
  unpack docker-registry usr/bin/docker-registry trixie bookworm
  unpack crane           usr/bin/crane           sid
  unpack oras            usr/bin/oras            sid trixie
  unpack docker-cli      usr/bin/docker          sid trixie
  unpack docker.io       usr/sbin/dockerd        sid trixie
  unpack docker-buildx   usr/libexec/docker/cli-plugins/docker-buildx sid trixie
  unpack docker-compose  usr/libexec/docker/cli-plugins/docker-compose sid trixie
  unpack containerd      usr/bin/containerd      sid trixie bookworm
  unpack runc            usr/sbin/runc           bookworm trixie
  signer cosign          sid trixie
  signer notation        sid

  link docker-registry usr/bin/docker-registry bin
  link crane           usr/bin/crane bin
  link oras            usr/bin/oras bin
  link docker-cli      usr/bin/docker bin
  link docker.io       usr/sbin/dockerd bin
  link containerd      usr/bin/containerd bin
  link containerd      usr/bin/containerd-shim-runc-v2 bin
  link containerd      usr/bin/ctr bin
  link runc            usr/sbin/runc bin
  link docker-buildx   usr/libexec/docker/cli-plugins/docker-buildx cli-plugins
  link docker-compose  usr/libexec/docker/cli-plugins/docker-compose cli-plugins
}

# --- Python environments and Node.js -------------------------------------------------------------

pip=26.3   # the pip of Debian 12 cannot resolve what the Synapse client 4.14.0 needs

# install_python ENVIRONMENT REQUIREMENTS: packages are added in place, because another test run
# may be using the environment; one whose Python is gone is made anew.
install_python() {
  local folder=$tools/$1 requirements=$here/$2 stamp=$tools/$1/installed.txt
  if "$folder/bin/python" -c 'import pip' 2>/dev/null; then
    if cmp -s "$requirements" "$stamp"; then return; fi
  else
    rm -rf "$folder"
    python3 -m venv "$folder"
  fi
  say "making the Python environment $1"
  timeout 300 "$folder/bin/python" -m pip --quiet --disable-pip-version-check install --upgrade "pip==$pip"
  timeout 600 "$folder/bin/python" -m pip --quiet install --requirement "$requirements"
  cp "$requirements" "$stamp"
}

# The Node.js of Debian 12 is too old for oidc-provider, so that npm brings a newer one as well.
install_node() {
  local folder=$tools/node
  if cmp -s "$here/node/package-lock.json" "$folder/installed.json"; then return; fi
  say "fetching Node.js and oidc-provider"
  mkdir -p "$folder"
  rm -f "$folder/installed.json"
  cp "$here/node/package.json" "$here/node/package-lock.json" "$folder/"
  (cd "$folder" && timeout 300 npm ci --no-audit --no-fund --ignore-scripts --loglevel=error) >"$tools/npm.log" 2>&1 ||
    { tail -n 20 "$tools/npm.log" >&2; fail "npm could not fetch oidc-provider (all of it: $tools/npm.log)"; }
  cp "$here/node/package-lock.json" "$folder/installed.json"
}

install_packages
unpack_newer
install_python venv            requirements.txt
install_python venv-helm       requirements-helm.txt
install_python venv-canaille   requirements-canaille.txt
install_python venv-synapse45  requirements-synapse45.txt
install_python venv-synapse414 requirements-synapse414.txt
install_node
say "all there, in $tools"
