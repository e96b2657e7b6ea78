#!/usr/bin/env bash
# Clients that authenticate with certificates, and with keys that they publish, against a running `writ serve`: see client_authentication.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
exec timeout 180 python3 tests/client_authentication/client_authentication.py build/release/bin
