#!/usr/bin/env bash
# The sign-in, both grants, a call and kill -9 with a restart, on a Writ that keeps everything in PostgreSQL: the scripts of tests/interop with a
# database of their own. Needs what script/conformance has installed under build/interop.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
if [ -z "$programs" ] || [ ! -d build/interop/node_modules ]; then
  echo "PostgreSQL or the packages of script/conformance are not here: skipped"
  exit 0
fi
work=$(mktemp -d)
as=()
if [ "$(id -u)" -eq 0 ]; then   # PostgreSQL refuses to run as root
  chown postgres "$work"
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
(cd "$work" && "${as[@]}" "$programs/initdb" -D "$work/data" -A trust -U writ --no-sync >/dev/null)
(cd "$work" && exec "${as[@]}" "$programs/postgres" -D "$work/data" -k "$work" -c listen_addresses= >"$work/log" 2>&1) &
server=$!
trap 'kill -INT $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$work" "$config"' EXIT
config=$(mktemp -d)
cp -r examples/conformance/. "$config/"
printf '\nstore: {postgresql: "host=%s user=writ dbname=writ"}\n' "$work" >>"$config/writ.yaml"
for _ in $(seq 100); do
  psql -h "$work" -U writ -d postgres -qc 'CREATE DATABASE writ' 2>/dev/null && break
  sleep 0.1
done
cd build/interop
node=node
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then node=node_modules/node/bin/node; fi
"$node" run.mjs --writ "$root/build/release/bin" --config "$config/writ.yaml"
