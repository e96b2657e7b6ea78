#!/usr/bin/env bash
# Many servers under one address, against a running `writ serve` with two servers that answer, one that is slow, one that is dead and one that nobody may use.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/need_programs.sh
exec timeout 120 python3 -B tests/combined/story.py build/release/bin
