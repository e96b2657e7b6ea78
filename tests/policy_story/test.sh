#!/usr/bin/env bash
# The story of a policy change, and decisions under load while policies are reloaded, against a running `writ serve`.
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0
failed=0
for part in story.py "reload.py --rate ${RELOAD_RATE:-2000} --seconds ${RELOAD_SECONDS:-12}"; do
  # shellcheck disable=SC2086
  set -- $part
  script=$1
  shift
  out=$(python3 -B "tests/policy_story/$script" build/release/bin "$@" 2>&1)
  printf '%s\n' "$out"
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' <<<"$out" | tail -1)
  passed=$((passed + $(cut -d' ' -f1 <<<"${counts:-0}")))
  failed=$((failed + $(cut -d' ' -f3 <<<"${counts:-0 passed, 1 failed}")))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
