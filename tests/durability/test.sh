#!/usr/bin/env bash
# The short form of the fault runs (script/faults has the long ones): ten kills under load, then kills at the first calls of each function that matters, then steps of the clock.
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0
for form in "--kills 10" "--aimed 2 --connections 8" "--clock 1 --connections 4"; do
  # shellcheck disable=SC2086
  if node tests/durability/kill.mjs --writ "$PWD/build/release/bin" $form; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
