#!/usr/bin/env bash
# The person's own account at a server without enterprise-managed authorization, through `writ connect --own-account`: see own_account.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
exec timeout 120 python3 tests/own_account/own_account.py build/release/bin
