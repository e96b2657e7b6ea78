#!/usr/bin/env bash
# The threats G1 to G21 over raw sockets against a running `writ serve`: one line for each case, named after the threat. G18 is in tests/policy_story/reload.py.
set -uo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts=(http_threats caller_threats upstream_threats definitions revocation)
declare -A pids
for part in "${parts[@]}"; do
  # Those that measure go alone: revocation last.
  [ "$part" = revocation ] && continue
  timeout 120 python3 -B "tests/gateway_threats/$part.py" build/release/bin >"$work/$part" 2>&1 &
  pids[$part]=$!
done
for part in "${!pids[@]}"; do wait "${pids[$part]}"; done
timeout 120 python3 -B tests/gateway_threats/revocation.py build/release/bin >"$work/revocation" 2>&1
passed=0
failed=0
for part in "${parts[@]}"; do
  cat "$work/$part"
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$work/$part" | tail -1)
  passed=$((passed + $(cut -d' ' -f1 <<<"${counts:-0}")))
  failed=$((failed + $(cut -d' ' -f3 <<<"${counts:-0 passed, 1 failed}")))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
