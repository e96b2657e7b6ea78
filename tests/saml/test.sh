#!/usr/bin/env bash
# A SAML assertion for a refresh token for an ID-JAG for a call, against a running `writ serve`, and every way in which an assertion is refused: see saml.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in writ writd; do
  if [ ! -x "build/release/bin/$program" ]; then
    echo "build/release/bin/$program is missing: run script/build release writ writd" >&2
    exit 1
  fi
done
exec timeout 120 python3 tests/saml/saml.py build/release/bin
