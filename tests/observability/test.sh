#!/usr/bin/env bash
# Metrics, traces and the access log of a running `writ serve`: see observability.py.
set -uo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
exec timeout 120 python3 -B tests/observability/observability.py build/release/bin
