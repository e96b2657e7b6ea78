#!/usr/bin/env bash
# Step-up and decision points against a running `writ serve`, through the `writ` command and a stdio bridge: see step_up.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
exec python3 tests/step_up/step_up.py build/release/bin
