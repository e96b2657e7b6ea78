#!/usr/bin/env bash
# Step-up and decision points against a running `writ serve`, through the `writ` command and a stdio bridge: see step_up.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
exec python3 tests/step_up/step_up.py build/release/bin
