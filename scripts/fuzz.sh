#!/usr/bin/env bash
# Every fuzz target for FUZZTIME each.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-20s}
grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' internal lab | while IFS=: read -r file func; do
  name=${func#func }
  echo "== $name in $(dirname "$file")"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "./$(dirname "$file")"
done
