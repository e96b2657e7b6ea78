#!/usr/bin/env bash
# DPoP end to end against a running `writ serve`, with proofs that oauth4webapi and jose make: see dpop.mjs. Needs what script/conformance has installed
# under build/interop.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
if [ ! -d build/interop/node_modules ]; then
  echo "build/interop is missing: run script/conformance first" >&2
  exit 1
fi
exec timeout 120 node tests/dpop/dpop.mjs build/release/bin build/interop
