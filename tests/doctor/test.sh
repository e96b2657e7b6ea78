#!/usr/bin/env bash
# `writ init` makes a deployment that `writ serve` starts with, and `writ doctor` finds what is wrong with one: real processes, certificates and databases.
set -uo pipefail
cd "$(dirname "$0")/../.."
python3 -B tests/doctor/story.py build/release/bin
