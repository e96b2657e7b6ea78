#!/usr/bin/env bash
# Runs the public Cedar test corpus when it is at hand: WRIT_SHARED names the folder that has cedar/, else ../shared beside the checkout.
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=${WRIT_SHARED:-../shared}
if [ ! -d "$shared/cedar" ]; then
  echo "the Cedar corpus is not here ($shared/cedar): skipped"
  exit 0
fi
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
tar xzf "$shared/cedar/corpus.tar.gz" -C "$unpacked"
build/release/bin/cedar-corpus "$shared/cedar" "$unpacked"
