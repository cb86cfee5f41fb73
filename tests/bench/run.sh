#!/usr/bin/env bash
# The benchmark: builds release, starts a PostgreSQL server of its own, makes databases of full size once,
# measures, and prints the tables of docs/PERFORMANCE.md on standard output.
#
#   tests/bench/run.sh                  everything, less than ten minutes on two cores
#   tests/bench/run.sh --quick          fewer and shorter rounds
#   tests/bench/run.sh --only warm,rsa  only some parts: warm, direct, rsa, tokens, attack, start
#
# It needs Debian's postgresql package. The databases stay in $AUTH_SERVICE_BENCH (default
# /var/tmp/auth-service-bench-UID, 1 GB); logs stay in its folder `last`. It listens on loopback only, and
# nothing of it is left running.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${AUTH_SERVICE_BENCH:-/var/tmp/auth-service-bench-$(id -u)}
target=${CARGO_TARGET_DIR:-$here/../../target}
postgres_pid=

say()  { printf 'bench: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

stop() {
  trap - EXIT
  [ -z "$postgres_pid" ] || { kill -INT "$postgres_pid" 2>/dev/null && wait "$postgres_pid" 2>/dev/null; } || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

programs() {
  local newest
  newest=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) || fail 'PostgreSQL is missing: apt-get install postgresql'
  dirname "$newest"
}

# PostgreSQL refuses to run as root.
other_user=()
[ "$(id -u)" != 0 ] || other_user=(setpriv --reuid=postgres --regid=postgres --clear-groups --pdeathsig INT --)

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Its settings are those of a new installation: commits are on the disk when they are answered. Nobody
# else can reach it: it listens on loopback only, and its password is made anew for each run.
start_postgres() {
  local bin=$1 data=$cache/postgres password
  postgres_port=$(free_port)
  if [ ! -e "$data/PG_VERSION" ]; then
    rm -rf "$data" && mkdir -m 700 "$data"
    [ "$(id -u)" != 0 ] || chown postgres: "$data"
    (cd / && "${other_user[@]}" "$bin/initdb" -D "$data" -U bench --auth=trust --encoding=UTF8 --locale=C.UTF-8 >/dev/null)
  fi
  (cd / && exec "${other_user[@]}" "$bin/postgres" -D "$data" -p "$postgres_port" -c listen_addresses=127.0.0.1 -c unix_socket_directories=) >"$cache/last/postgres.log" 2>&1 &
  postgres_pid=$!
  for _ in $(seq 100); do
    "$bin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port" && return
    sleep 0.1
  done
  fail "PostgreSQL does not start; see $cache/last/postgres.log"
}

cd "$here/../.."
say 'building release'
cargo build --release --quiet -p auth-service -p bench
# Databases of another schema are of no use.
schema=$(cat auth-service/migrations/*/*.sql tests/bench/src/database.rs | sha256sum | cut -c 1-12)
[ -e "$cache/$schema" ] || rm -rf "$cache"
mkdir -p "$cache" && touch "$cache/$schema" && rm -rf "$cache/last" && mkdir "$cache/last"
[ "$(id -u)" != 0 ] || chmod 711 "$cache"
start_postgres "$(programs)"
"$target/release/bench" run --service "$target/release/auth-service" --cache "$cache" --folder "$cache/last" \
  --postgres "postgres://bench@127.0.0.1:$postgres_port/postgres" "$@"
