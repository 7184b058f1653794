#!/usr/bin/env bash
# All tests, as CI runs them: go vet, gofmt, Go tests, the web checks, and one
# demo story from burn to lock. What the tests need and is missing is installed
# where that is possible (root and apt), or named. Asks nothing, leaves no
# process behind.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
source scripts/tools.sh

began=$SECONDS
step() { printf '\n== %s (at %d s)\n' "$1" $((SECONDS - began)); }

step "tools"
need_tools

step "gofmt and go vet"
bash scripts/vet.sh

step "Go tests"
go test -timeout 8m ./...

step "web"
if [ -f web/package.json ]; then
  bash scripts/web.sh
else
  echo "no web/ yet"
fi

step "the whole process: real senders, SIGKILL, and one demo story"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
go test -tags e2e -count=1 -timeout 8m -v -run 'TestDemo|TestJavaScriptSDK|TestReal|TestSnippet|TestKilled|TestExportedRules|TestBudgetTruth|TestCorrection' ./internal/cli 2>&1 | tee "$out"
if grep -q 'no tests to run' "$out"; then
  echo "the demo test is missing: TestDemo in internal/cli, built with -tags e2e" >&2
  exit 1
fi

go test -tags e2e -count=1 -v -run 'TestARealAlertmanager' ./internal/notify/alertmanager
go test -tags e2e -count=1 -timeout 3m -v -run 'TestRealRecording' ./lab/record

printf '\nall green in %d s\n' $((SECONDS - began))
