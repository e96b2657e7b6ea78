#!/usr/bin/env bash
# Servers of other kinds behind a running `writ serve`: the old HTTP+SSE transport, servers that are down or slow, TLS of their own. See story.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec timeout 120 python3 -B tests/upstreams/story.py build/release/bin
