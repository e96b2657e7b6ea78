#!/usr/bin/env bash
# The audit trail on its way to a webhook and to a syslog receiver over TLS, which fail in every way that receivers do (R27).
set -uo pipefail
cd "$(dirname "$0")/../.."
python3 -B tests/audit_sinks/story.py build/release/bin
