#!/usr/bin/env bash
# Two nodes on one PostgreSQL, the short form (script/faults nodes has the long one): see nodes.mjs.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1; then
  echo "PostgreSQL is not here: skipped"
  exit 0
fi
exec timeout 180 node tests/nodes/nodes.mjs --writ "$PWD/build/release/bin"
