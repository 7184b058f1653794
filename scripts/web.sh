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
npm run build
if ! diff -rq "$committed/ui" ../internal/httpd/ui; then
  echo "internal/httpd/ui is not what web/ builds: run make ui and commit the result" >&2
  exit 1
fi
npm run --if-present browser
