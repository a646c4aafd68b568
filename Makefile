# `make help` lists the targets. Everything here needs Go; `make deps` gets the rest.

GO       ?= go
# Packages under test at a time. Those that start servers want a core each.
PARALLEL ?= 2
TIMEOUT  ?= 20m
FUZZTIME ?= 20s

# Tools have a module file of their own, so that the product's stays small.
TOOL     := $(GO) tool -modfile=tools.mod

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/worker and bin/starter
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./worker ./starter

deps: ## what the tests need: Dovecot, other mail servers (Debian), a Temporal server (built once, some 9 minutes on 2 cores)
	@.ci/dovecot
	@.ci/mta || echo 'The mail servers could not be had: tests against them will be skipped.'
	@echo "Temporal server: $$($(GO) run ./testsuite/temporalserver/build)"

# What lint finds does not keep the tests from running.
test: deps ## everything: lint, unit, scenario, replay and end-to-end tests
	@$(MAKE) --no-print-directory lint; linted=$$?; $(MAKE) --no-print-directory check && exit $$linted

# gotestsum prints the lines of `go test`, then why tests were skipped or failed. No cached results: a test that was
# skipped for want of a server must run once there is one.
check: ## the tests alone
	$(TOOL) gotestsum --format standard-quiet --post-run-command '.ci/summary' --raw-command -- \
		sh -c '$(GO) test -json -count=1 -p $(PARALLEL) -timeout $(TIMEOUT) ./...; status=$$?; \
		$(GO) test -C testsuite/devserver -json -count=1 -timeout $(TIMEOUT) ./... && exit $$status'

lint: ## gofmt, go vet, staticcheck, workflowcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -C testsuite/devserver ./...
	$(TOOL) staticcheck ./...
	$(TOOL) workflowcheck -config workflowcheck.yaml ./workflows

bench: deps ## the figures of the documentation, measured on this machine
	$(GO) run ./bench

fuzz: ## every fuzz test for FUZZTIME (20s)
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

.PHONY: help build deps test check lint bench fuzz
