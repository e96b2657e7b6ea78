#!/usr/bin/env bash
# Many servers under one address, against a running `writ serve` with two servers that answer, one that is slow, one that is dead and one that nobody may use.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
exec timeout 120 python3 -B tests/combined/story.py build/release/bin
