#!/usr/bin/env bash
# DPoP end to end against a running `writ serve`, with proofs that oauth4webapi and jose make: see dpop.mjs. Needs what script/conformance has installed
# under build/interop.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
if [ ! -d build/interop/node_modules ]; then
  echo "build/interop is missing: run script/conformance first" >&2
  exit 1
fi
exec timeout 120 node tests/dpop/dpop.mjs build/release/bin build/interop
