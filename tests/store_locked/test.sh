#!/usr/bin/env bash
# R6: another process holds the lock of the state store.
set -uo pipefail
cd "$(dirname "$0")/../.."
python3 -B tests/store_locked/story.py build/release/bin
