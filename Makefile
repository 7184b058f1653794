# Pitwall. "make" alone prints what there is.
.DEFAULT_GOAL := help
.PHONY: help test race lint golden fuzz bench calibrate lab soak ui demo docs build clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## everything CI runs, nothing more; installs what tests need, or says what to install
	@bash scripts/test.sh

race: ## all Go tests under the race detector (needs a C compiler)
	go test -race -timeout 20m ./...

lint: ## go vet, gofmt, and golangci-lint where it is installed
	@bash scripts/lint.sh

golden: ## rewrite golden files; the diff is the review
	@grep -rl --include='*_test.go' 'flag.Bool("update"' internal lab | xargs -n1 dirname | sort -u | sed 's|^|./|' | xargs -I{} go test {} -update

fuzz: ## every fuzz target for FUZZTIME (default 20s) each
	@bash scripts/fuzz.sh

bench: ## Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

calibrate: ## the long tables of detection: false alarms, delays, labelled series; some ten minutes, not part of CI
	PITWALL_CALIBRATE=1 go test -v -timeout 40m -run 'Calibrat|Table|Null|ShareOfFalse|CountsRunLength|Drift|Week|ShareLevel|Labelled' ./internal/stats/... ./internal/detect ./internal/baseline

lab: ## record the lab's own incidents as cases and score the diagnosis on them; about two hours, resumable; LAB="-h" for more
	CGO_ENABLED=0 go build -trimpath -o pitwall ./cmd/pitwall
	go run ./scripts/lab $(LAB)

soak: ## seeds, quiet runs and kills of the demo; takes long, not part of CI
	go build -o pitwall ./cmd/pitwall
	go run ./scripts/soak

ui: ## build the pages into internal/httpd/ui, and the snippet of internal/source/rum
	npm --prefix web ci --no-audit --no-fund
	npm --prefix web run build

demo: ## a shop breaks on cue, and the loop closes
	go run ./cmd/pitwall demo

docs: ## check the documents: links that lead somewhere, every dependency explained
	go test ./internal/archtest -run 'Docs' -v

build: ## one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o pitwall ./cmd/pitwall

clean: ## remove what was built
	rm -rf pitwall out.json coverage.out .pitwall web/node_modules
