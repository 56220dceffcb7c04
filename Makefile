# Dutyline. `make help` lists what can be made; GNU Make 4.3 and Go are enough for build, run and test.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

GO ?= go
TOOL := $(GO) tool -modfile=tools/go.mod
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMPOSE = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

# How long each fuzz target runs and how many at a time, and where the pictures go.
FUZZTIME ?= 20s
FUZZJOBS ?= 2
SCREENSHOTS ?= $(CURDIR)/bin/screenshots
# How many nights are simulated, and from which seed on.
NIGHTS ?= 1000
SEED ?= 1

# A paper that bench writes its figures into, as docs/performance.md; none unless it is asked for.
DOC ?=

.PHONY: help build run demo simulate test check format format-check vet lint deadcode race fuzz bench proof screenshots up down logs

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## build the static binary bin/dutyline
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/dutyline ./cmd/dutyline

run: build ## run standalone on http://localhost:8080, with a simulated telephone network
	@exec bin/dutyline run

demo: build ## play one night, from a request to its acknowledgement, and tell it
	@bin/dutyline demo

simulate: build ## play NIGHTS (1000) nights with faults, from seed SEED (1) on, and look for one that goes wrong
	@bin/dutyline simulate --nights $(NIGHTS) --seed $(SEED)

test: ## run the tests; needs nothing but Go
	@command -v redis-server >/dev/null || echo 'SKIPPED: tests on a real Redis; redis-server is not installed'
	@command -v strace >/dev/null || echo 'SKIPPED: the test that counts syncs between POST and 202; strace is not installed'
	@command -v chromium >/dev/null || echo 'SKIPPED: pictures of the pages; chromium is not installed'
	@[ -f "$${DUTYLINE_SHARED:-../shared}/data/twilio_api_v2010.json" ] || echo 'SKIPPED: checks against the provider description; it does not lie beside the project'
	$(GO) test ./...

check: format-check vet lint deadcode race ## all that a commit must pass

format: ## format the Go files
	$(TOOL) golangci-lint fmt

format-check: ## show what format would change, and fail if it would
	$(TOOL) golangci-lint fmt --diff

vet: ## run go vet
	$(GO) vet ./...

lint: ## run the linters of .golangci.yml
	$(TOOL) golangci-lint run

# Twice: production code that only tests reach is dead too, but for the simulators' methods, by which tests play the phones.
deadcode: ## fail on functions that nothing reaches
	@found=$$({ $(TOOL) deadcode ./cmd/... | sed -E '/^(phone|twilio|vonage)sim\//d'; $(TOOL) deadcode -test ./...; } | sort -u); \
	if [ -n "$$found" ]; then echo "$$found"; exit 1; fi

# With -short, since what proves by numbers, a fifth of the cases of rapid and no seeded bugs among it, has mostly no goroutines, and costs eight
# times as much under the detector. make test plays all of it.
race: ## run the tests under the race detector, with fewer cases; needs a C compiler
	$(GO) test -race -short ./...

# FUZZJOBS targets at a time, each with one worker; docs/fuzzing.md says what they hold. What is made shorter costs no more than a second.
# A run whose time ends in the middle of an input is over and has not failed, though go test says "context deadline exceeded".
fuzz: ## run every fuzz target for FUZZTIME (20s) each, FUZZJOBS (2) at a time
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | sed -E 's|^(.*)/[^/]*:func (.*)$$|\1 \2|' | \
	xargs -P $(FUZZJOBS) -L 1 bash -c ' \
		if said=$$($(GO) test -run "^$$" -fuzz "^$$1\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s -parallel 1 "$$0" 2>&1 </dev/null) || \
			{ grep -q "^ *context deadline exceeded$$" <<<"$$said" && ! grep -qE "Failing input|panic|_test.go:" <<<"$$said"; }; \
		then echo "$$1 of $$0 for $(FUZZTIME):$$(grep -oE "execs: [0-9]+" <<<"$$said" | tail -n 1 | cut -d: -f2) runs"; \
		else echo "$$1 of $$0 FAILED:"; echo "$$said"; exit 1; fi' || { echo 'make fuzz: a target FAILED, see above'; exit 1; }

bench: build ## measure nodes against their own disk and log, then the packages; DOC=FILE writes the figures there too
	bin/dutyline bench$(if $(DOC), --doc '$(DOC)')
	$(GO) test -run '^$$' -bench . -benchmem ./...

proof: build ## run the long proofs: kill -9, fsync counted, privacy scanned, years of clock changes, a hundred thousand nights
	DUTYLINE_TEST_PROOF=1 DUTYLINE_TEST_LONG=1 $(GO) test -count=1 -v -timeout 60m ./e2e/... ./roster ./simulation
	bin/dutyline simulate --nights 100000 --seed $(SEED)

screenshots: ## take pictures of the pages into SCREENSHOTS (bin/screenshots); needs chromium
	@command -v chromium >/dev/null || { echo 'chromium is not installed'; exit 1; }
	DUTYLINE_TEST_SCREENSHOTS='$(SCREENSHOTS)' $(GO) test -count=1 -v -run Screenshots ./web
	@ls '$(SCREENSHOTS)'

up: ## start NATS, Redis, a simulated telephone network and Dutyline with Docker Compose
	deploy/secrets
	$(COMPOSE) up --build --detach

down: ## stop what up started; its data stays
	$(COMPOSE) down

logs: ## follow the logs of what up started
	$(COMPOSE) logs --follow
