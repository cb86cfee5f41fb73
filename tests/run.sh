#!/usr/bin/env bash
# The one test command: lints, unit and contract tests, a release build, and the end-to-end tests
# with a real registry, both database engines and the stock clients.
#
#   tests/run.sh                 everything
#   tests/run.sh test_push.py    only these end-to-end tests (any arguments of pytest)
#
# It needs Debian, root (for the docker engine) and Rust; everything else tests/install.sh brings.
# REGISTRY_V3=/path/to/registry adds the end-to-end tests with a registry 3.x.
# It exits non-zero when anything failed; the last line is pytest's own summary.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${AUTH_SERVICE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/auth-service-tests}
export AUTH_SERVICE_TOOLS=$tools PYTHONDONTWRITEBYTECODE=1
cd "$here/.." || exit 1
failed=()

fail() { printf 'run: %s\n' "$*" >&2; exit 1; }

# step SECONDS NAME COMMAND...: goes on after a failure, so that one run shows all of them.
step() {
  local seconds=$1 name=$2 began=$SECONDS
  shift 2
  printf '\n== %s\n' "$name"
  timeout --kill-after=30 "$seconds" "$@" || failed+=("$name")
  printf '== %s: %s s\n' "$name" $((SECONDS - began))
}

# With the tests that are ignored because they need root; without those that measure for minutes.
unit_tests=(cargo test --workspace --quiet -- --include-ignored --skip full_size)
if cargo nextest --version >/dev/null 2>&1; then
  unit_tests=(cargo nextest run --workspace --run-ignored all -E 'not test(full_size)')
fi

[ "$(id -u)" = 0 ] || fail 'run it as root: the end-to-end tests start a docker engine of their own'
command -v cargo >/dev/null || fail 'cargo is missing: install Rust from https://rustup.rs'
command -v apt-get >/dev/null || fail 'this is no Debian machine: the tools come from Debian packages'

timeout --kill-after=30 1500 "$here/install.sh" || fail 'the tools could not be installed'
step 1200 'clippy' cargo clippy --workspace --all-targets -- -D warnings
step 1200 'unit and contract tests, on both database engines' "$here/with-postgres.sh" "${unit_tests[@]}"
step 1200 'release build' cargo build --release
if [ ${#failed[@]} -gt 0 ] && [[ " ${failed[*]} " == *' release build '* ]]; then
  fail 'the release build failed; there is nothing to test end to end'
fi
if [ ${#failed[@]} -gt 0 ]; then printf '\nrun: FAILED before the end-to-end tests: %s\n' "${failed[*]}"; fi

printf '\n== end-to-end tests\n'
cd "$here/e2e" || exit 1
timeout --kill-after=60 1800 "$tools/venv/bin/python" -m pytest "$@" || failed+=('end-to-end tests')
[ ${#failed[@]} -eq 0 ]
