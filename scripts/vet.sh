#!/usr/bin/env bash
# gofmt and go vet over the whole tree.
set -euo pipefail
cd "$(dirname "$0")/.."
unformatted=$(gofmt -l ./*.go cmd internal lab playbooks scripts)
if [ -n "$unformatted" ]; then
  printf 'not formatted, run gofmt -w on:\n%s\n' "$unformatted" >&2
  exit 1
fi
go vet ./...
go vet -tags e2e ./internal/cli ./internal/notify/alertmanager ./lab/record
