#!/usr/bin/env bash
# The short form of the fault runs (script/faults has the long one): ten kills under load.
set -euo pipefail
cd "$(dirname "$0")/../.."
node tests/durability/kill.mjs --writ "$PWD/build/release/bin" --kills 10
