#!/usr/bin/env bash
# Foreign people, tenants and details end to end: issuers of the test's own, a second Writ, and a running `writ serve` that trusts them.
set -uo pipefail
cd "$(dirname "$0")/../.."
timeout 120 python3 -B tests/foreign_subjects/story.py build/release/bin
