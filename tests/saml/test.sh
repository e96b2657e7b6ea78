#!/usr/bin/env bash
# A SAML assertion for a refresh token for an ID-JAG for a call, against a running `writ serve`, and every way in which an assertion is refused: see saml.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
exec timeout 120 python3 tests/saml/saml.py build/release/bin
