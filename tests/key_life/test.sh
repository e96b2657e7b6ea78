#!/usr/bin/env bash
# The life of keys against a running `writ serve`: every algorithm verified by `jose` in Node, rotation, a compromised key, encrypted ID-JAGs, and other
# sealing keys: see key_life.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
if [ ! -d build/interop/node_modules/jose ]; then
  echo "build/interop is missing: run tests/interop/run.sh once, it installs the pinned npm packages" >&2
  exit 1
fi
exec timeout 180 python3 tests/key_life/key_life.py build/release/bin build/interop
