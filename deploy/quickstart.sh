#!/usr/bin/env bash
# From a clone to a running registry with auth-service in front of it, in one command and without root:
#
#   deploy/quickstart.sh [--data DIR] [--port N] [--registry-port N]
#
# Checks the toolchain, fetches the stock registry if this machine has none (Debian's package, only
# unpacked, into the data folder: nothing is installed and no system service is touched), builds, and
# becomes `auth-service quickstart` with the same arguments. Once is enough: a second run finds all of it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say()  { printf 'quickstart: %s\n' "$*" >&2; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

# --- what the arguments say, as far as it matters here ------------------------------------------------

data=./auth-service-data
needs_registry=yes
previous=
for argument in "$@"; do
  case $argument in
    --data=*) data=${argument#--data=} ;;
    --registry-binary | --registry-binary=* | --help | -h) needs_registry= ;;
  esac
  if [ "$previous" = --data ]; then data=$argument; fi
  previous=$argument
done
case $data in /*) ;; *) data=${PWD%/}/${data#./} ;; esac

# --- the toolchain ------------------------------------------------------------------------------------

# at_least WANTED ACTUAL
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check_toolchain() {
  # A shell that was open when rustup was installed does not have it on its path yet.
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi
  local wanted actual
  wanted=$(sed -n 's/^rust-version *= *"\(.*\)".*/\1/p' "$root/Cargo.toml")
  if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    fail "Rust is missing; install it from https://rustup.rs (Debian's own is older than $wanted)"
  fi
  actual=$(cd "$root" && rustc --version | cut -d ' ' -f 2)
  at_least "$wanted" "${actual%%-*}" ||
    fail "Rust $actual is too old, $wanted is needed; run 'rustup update stable' (or install https://rustup.rs)"
  command -v cc >/dev/null && command -v make >/dev/null ||
    fail "a C compiler or make is missing; as root run 'apt-get install build-essential'"
}

# --- the stock registry -------------------------------------------------------------------------------

unpacked=$data/registry-package

has_registry() {
  [ -x "$unpacked/usr/bin/docker-registry" ] || command -v docker-registry >/dev/null ||
    { command -v registry >/dev/null &&
      registry --version 2>&1 </dev/null | grep -q 'github.com/[a-z]*/distribution'; }
}

# apt with lists and caches of its own, so that neither root nor up-to-date lists are needed.
private_apt() {
  # Lists and archives by name too: a machine's own setting for them would win over the folder above.
  apt-get -qq -o Dir::State="$work/state" -o Dir::State::lists="$work/state/lists" \
    -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o Dir::Cache::archives="$work/cache/archives" -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

download_registry() {
  (cd "$work/deb" && apt-get -qq download docker-registry) >"$work/log" 2>&1 && return
  say "reading Debian's package lists"
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
  : >"$work/status"
  private_apt update >>"$work/log" 2>&1 &&
    (cd "$work/deb" && private_apt download docker-registry) >>"$work/log" 2>&1
}

fetch_registry() {
  local advice="install Debian's package docker-registry, or name the program of another distribution registry with --registry-binary"
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "this machine has no registry and no Debian packages; $advice"
  say "fetching the registry: Debian's package docker-registry, unpacked into $unpacked"
  { [ -d "$data" ] || { mkdir -p "$(dirname "$data")" && mkdir -m 0700 "$data"; } 2>/dev/null; } && [ -w "$data" ] ||
    fail "cannot write to the data folder $data; choose another one with --data"
  work=$(mktemp -d "$data/.fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/deb"
  if ! download_registry; then
    sed 's/^/quickstart: apt-get: /' "$work/log" >&2
    fail "the package cannot be downloaded; check the network, as root run 'apt-get update', or $advice"
  fi
  dpkg-deb -x "$work"/deb/docker-registry_*.deb "$work/tree" || fail "the package cannot be unpacked"
  "$work/tree/usr/bin/docker-registry" --version >/dev/null || fail "the registry from the package does not run here; $advice"
  # In one step: an interrupted run leaves no half of it.
  rm -rf "$unpacked"
  mv "$work/tree" "$unpacked"
  rm -rf "$work"
  trap - EXIT
}

# --- all of it ----------------------------------------------------------------------------------------

check_toolchain
if [ -n "$needs_registry" ] && ! has_registry; then fetch_registry; fi
say "building (the first time takes some minutes)"
(cd "$root" && cargo build --quiet --release --locked --package auth-service)
target=$(cd "$root" && cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
exec "$target/release/auth-service" quickstart "$@"
