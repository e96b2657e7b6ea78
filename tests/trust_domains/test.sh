#!/usr/bin/env bash
# Three `writ serve` processes in three trust domains, and an identity provider of another make: see trust_domains.py.
set -uo pipefail
cd "$(dirname "$0")/../.."
timeout 150 python3 -B tests/trust_domains/trust_domains.py build/release/bin
