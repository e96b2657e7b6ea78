#!/usr/bin/env bash
# Programs on stdio end to end: `writ serve` runs them, two people use them. As whoever runs the tests, and as an ordinary user if that is root.
set -uo pipefail
cd "$(dirname "$0")/../.."
code=0
said=$(mktemp)
timeout 120 /usr/bin/python3 -B tests/stdio/story.py build/release/bin >"$said" 2>&1 || code=1
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  timeout 120 setpriv --reuid 64322 --regid 64322 --clear-groups /usr/bin/python3 -B tests/stdio/story.py build/release/bin >>"$said" 2>&1 || code=1
fi
grep -vE '^[0-9]+ passed, ' "$said"
awk '/^[0-9]+ passed, [0-9]+ failed/ {passed += $1; failed += $3} END {print passed + 0 " passed, " failed + 0 " failed"}' "$said"
rm -f "$said"
exit $code
