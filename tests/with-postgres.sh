#!/usr/bin/env bash
# Runs a command with TEST_POSTGRES_URL naming a PostgreSQL server that lives as long as it:
#
#   tests/with-postgres.sh cargo nextest run
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH=$here/e2e${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
exec python3 -m harness.postgres "$@"
