#!/usr/bin/env bash
# Held calls end to end against a running `writ serve`.
set -uo pipefail
cd "$(dirname "$0")/../.."
python3 -B tests/held_calls/story.py build/release/bin
