#!/usr/bin/env bash
# The person's own account at a server without enterprise-managed authorization, through `writ connect --own-account`: see own_account.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
exec timeout 120 python3 tests/own_account/own_account.py build/release/bin
