#!/usr/bin/env bash
# Backup under load and restore to another place (R29), with a data directory and with PostgreSQL.
set -uo pipefail
cd "$(dirname "$0")/../.."
python3 -B tests/backup/story.py build/release/bin
