# milepost. `make help` lists what there is to make.

VERSION ?= $(or $(shell packaging/version 2>/dev/null),devel)
FUZZTIME ?= 10s
BIN ?= bin
DESTDIR ?=
GOLANGCI := .peers/tools/golangci-lint-v2.15.0

# The tests see the flags that the user's own `go env -w` set, and never change go.mod.
export GOFLAGS := $(strip $(shell go env GOFLAGS) -mod=readonly)

RELEASE := -trimpath -buildvcs=false -ldflags '-s -w -X milepost/lib/version.number=$(VERSION)'

# The packages that have a function of this name: no other need be compiled.
having = $(sort $(dir $(shell grep -rlE '^func $(1)' --include='*_test.go' ./plugins ./exporter ./lib ./contrib ./packaging 2>/dev/null)))

SHELL_SCRIPTS = $(shell grep -rlE '^\#!/bin/(ba)?sh' --exclude-dir=.git --exclude-dir=.peers --exclude-dir=bin --exclude-dir=dist --exclude-dir=testdata .)

.PHONY: help run lab test peers build lint fmt archtest unit integration fuzz shellcheck bench chaos generated install deb dist packages package-test clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, and start the exporter on this machine; ARGS are its options
	@$(if $(ARGS),,echo 'http://127.0.0.1:10120/ (Ctrl-C ends it)')
	@exec bin/milepost-exporter $(ARGS)

lab: ## ten cities on this machine, and milepost watching them (root)
	@[ "$$(id -u)" = 0 ] || { echo 'the lab makes network namespaces, which needs root: run sudo make lab' >&2; exit 1; }
	@$(MAKE) --no-print-directory build
	CGO_ENABLED=0 go build $(RELEASE) -o $(BIN)/milepost-lab ./contrib/lab
	@exec $(BIN)/milepost-lab

test: ## all that CI runs; PEERS=install brings the servers that the tests start (root)
	@.ci/test build lint archtest unit integration packages fuzz shellcheck

peers: ## install the servers that the tests start; no service is started or enabled (root)
	@lib/peers/install

build: ## every binary into bin/
	@mkdir -p $(BIN)
	CGO_ENABLED=0 go build $(RELEASE) -o $(BIN)/ ./plugins/...
	CGO_ENABLED=0 go build $(RELEASE) -o $(BIN)/milepost-exporter ./exporter

# CGO_ENABLED=0 as in build: what build compiled need not be compiled again.
lint: $(GOLANGCI) ## format, vet and linters (.golangci.yml)
	CGO_ENABLED=0 $(GOLANGCI) run --allow-parallel-runners ./...

fmt: $(GOLANGCI) ## format the Go files
	$(GOLANGCI) fmt

$(GOLANGCI):
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(patsubst golangci-lint-%,%,$(@F))
	@mv $(@D)/golangci-lint $@

archtest: ## who may import whom
	go test -race -vet=off -count=1 ./lib/archtest

unit: ## the tests that need no server, with the race detector
	go test -race -vet=off -timeout=4m -skip '^TestReal' ./...

integration: ## the tests that talk to real servers
	go test -race -vet=off -timeout=4m -count=1 -run '^TestReal' $(call having,TestReal)

fuzz: ## every fuzz target for FUZZTIME (10s)
	@.ci/fuzz $(FUZZTIME) $(call having,Fuzz)

shellcheck: ## the shell scripts
	@if command -v shellcheck >/dev/null; then shellcheck -x $(SHELL_SCRIPTS); else echo 'shellcheck is not here: not checked'; fi

# A measurement beside another program is an executable called bench in the room it measures.
bench: build ## how fast it is
	go test -vet=off -run '^$$' -bench . -benchmem $(call having,Benchmark)
	@for bench in $(wildcard lib/*/bench lib/probe/*/bench plugins/*/bench exporter/bench); do $$bench || exit; done

chaos: ## rotate and kill for a long time: is every byte counted once? (CHAOS_ROTATIONS, CHAOS_KILLS, CHAOS_SEED)
	CHAOS_ROTATIONS=$(or $(CHAOS_ROTATIONS),2000) CHAOS_KILLS=$(or $(CHAOS_KILLS),2000) go test -vet=off -count=1 -timeout=3h -v -run 'Chaos' ./lib/ledger

generated: build ## manuals, completions, and definitions for Nagios, NRPE and Icinga, into dist/generated
	CGO_ENABLED=0 go run ./packaging/generate $(BIN) . dist/generated

install: ## what was built and generated, as Debian lays it out, below DESTDIR
	packaging/install '$(DESTDIR)'

deb: ## the Debian packages, amd64 and arm64, into dist/
	packaging/build-deb dist amd64 arm64

dist: deb ## a release in dist/: packages, sources, SBOM, SHA256SUMS
	packaging/release dist

packages: ## build, compare, inspect and install the packages, quickly
	packaging/test quick

package-test: ## the same, and every way in which an installation may go wrong (root, minutes)
	packaging/test long

clean: ## remove what was built
	rm -rf bin dist
