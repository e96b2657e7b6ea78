#!/usr/bin/env bash
# The SCIM server against a running `writ serve`: one request for each cell of the table of what Okta and Entra send, who may send it, and how access ends by it.
set -uo pipefail
cd "$(dirname "$0")/../.."
timeout 120 python3 -B tests/scim/story.py build/release/bin
