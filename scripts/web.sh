#!/usr/bin/env bash
# The web sources: types, unit tests, and that the committed build is theirs.
set -euo pipefail
cd "$(dirname "$0")/../web"
npm ci --no-audit --no-fund --loglevel=error
npm run check
npm test

committed=$(mktemp -d)
trap 'rm -rf "$committed"' EXIT
cp -R ../internal/httpd/ui "$committed/ui"
cp -R ../internal/source/rum/snippet "$committed/snippet"
npm run build
for built in internal/httpd/ui internal/source/rum/snippet; do
  if ! diff -rq "$committed/${built##*/}" "../$built"; then
    echo "$built is not what web/ builds: run make ui and commit the result" >&2
    exit 1
  fi
done
npm run --if-present browser
