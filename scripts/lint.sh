#!/usr/bin/env bash
# gofmt and go vet, and the linters of .golangci.yml where they are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/vet.sh
if command -v golangci-lint >/dev/null 2>&1; then
  golangci-lint run
else
  echo "golangci-lint is not installed; only gofmt and go vet ran (see https://golangci-lint.run)"
fi
