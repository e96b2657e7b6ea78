#!/usr/bin/env bash
# Credentials for upstream servers, end to end: two running deployments, an MCP server with an authorization server of its own, mutual TLS.
set -uo pipefail
cd "$(dirname "$0")/../.."
timeout 180 python3 -B tests/upstream_credentials/credentials.py build/release/bin
