#!/usr/bin/env bash
# Clients that authenticate with certificates, and with keys that they publish, against a running `writ serve`: see client_authentication.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
exec timeout 180 python3 tests/client_authentication/client_authentication.py build/release/bin
