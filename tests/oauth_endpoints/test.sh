#!/usr/bin/env bash
# The further OAuth endpoints of identity provider and resource authorization server against a running `writ serve`: see oauth_endpoints.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
exec timeout 120 python3 tests/oauth_endpoints/oauth_endpoints.py build/release/bin
