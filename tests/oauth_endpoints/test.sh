#!/usr/bin/env bash
# The further OAuth endpoints of identity provider and resource authorization server against a running `writ serve`: see oauth_endpoints.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
exec timeout 120 python3 tests/oauth_endpoints/oauth_endpoints.py build/release/bin
