#!/usr/bin/env bash
# Metrics, traces and the access log of a running `writ serve`: see observability.py.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
exec timeout 120 python3 -B tests/observability/observability.py build/release/bin
