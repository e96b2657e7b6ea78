#!/usr/bin/env bash
# A modern client at a server of the legacy era, through a running `writ serve`. See story.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec timeout 120 python3 -B tests/eras_modern/story.py build/release/bin
