# Fielder needs Go, Node and make; everything else is installed from here.
#
#   make demo            the whole chain on a recorded day; stays up until Ctrl-C
#   make demo ONCE=1     the same, exits when the day is played (FAULTS=1: with faults)
#   make test            everything that must hold
#   make bench           what it costs in time
#   make up              the stack alone, waiting for posts
#   make package         the binaries that are deployed (Linux, arm64)
#   make synth           the CloudFormation templates of every stage

FUNCTIONS := $(notdir $(wildcard functions/*))
LAMBDA    := -tags lambda.norpc -trimpath -ldflags="-s -w"
LOCAL     := build/local
BINARIES  := $(FUNCTIONS:%=$(LOCAL)/%/bootstrap)
SOURCES   := $(shell find events functions shared -name '*.go' -not -name '*_test.go' -o -path 'shared/config/default/*' -o -path 'events/patterns/*') go.mod go.sum

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4

.DEFAULT_GOAL := help
.PHONY: help setup build package demo up test vet staticcheck vuln check-infra check-go check-day bench fuzz synth clean

help:
	@sed -n 's/^#   //p' Makefile

# --- set-up ------------------------------------------------------------------

setup: node_modules/.installed

node_modules/.installed: package.json package-lock.json
	@echo "set-up: npm packages (local DynamoDB engine, workflow validator, CDK)"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# --- build -------------------------------------------------------------------

build: $(BINARIES) build/fielder

$(LOCAL)/%/bootstrap: $(SOURCES)
	@echo "build: $*"
	@mkdir -p $(@D)
	@CGO_ENABLED=0 go build $(LAMBDA) -o $@ ./functions/$*

build/fielder: $(SOURCES) $(shell find scripts -name '*.go' -not -name '*_test.go' -o -name '*.story')
	@echo "build: fielder"
	@go build -trimpath -o $@ ./scripts/fielder

# The deployed ones: the same sources and flags, for Lambda's arm64.
package: $(FUNCTIONS:%=build/%/bootstrap)

build/%/bootstrap: $(SOURCES)
	@echo "package: $*"
	@mkdir -p $(@D)
	@GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build $(LAMBDA) -o $@ ./functions/$*

# --- run ---------------------------------------------------------------------

demo: setup build
	@build/fielder demo $(if $(ONCE),--once) $(if $(FAULTS),--faults)

up: setup build
	@build/fielder up

# --- test --------------------------------------------------------------------

test: setup build vet staticcheck vuln check-go check-infra check-day
	@echo "test: everything passed"

vet:
	@echo "test: go vet"
	@go vet ./...

staticcheck:
	@echo "test: staticcheck"
	@go run $(STATICCHECK) ./...

# The list of known vulnerabilities comes from vuln.go.dev; where that cannot be
# reached, this says so and goes on. A vulnerability that is found fails.
vuln:
	@echo "test: govulncheck"
	@out=$$(go run $(GOVULNCHECK) ./... 2>&1); code=$$?; \
	if [ $$code -ne 0 ] && echo "$$out" | grep -qE 'fetching vulnerabilities|dial tcp|no such host|403|404|timeout|vuln\.go\.dev'; then \
	  echo "SKIPPED govulncheck: the vulnerability list could not be fetched: $$(echo "$$out" | tail -1)"; \
	else echo "$$out" | tail -20; exit $$code; fi

PACKAGES = $(shell go list ./... | grep -v /infra)

# The race detector makes the long suites ten times longer: they run short under
# it, and whole without it.
LONG = ./shared/config ./shared/platform/mastodon ./shared/platform/bluesky ./shared/store/... ./scripts/local/standin ./scripts/fielder

check-go:
	@echo "test: Go packages, with the race detector"
	@go test -race -short -timeout 12m $(PACKAGES)
	@echo "test: the long suites, whole"
	@go test -timeout 15m $(LONG)

check-infra:
	@echo "test: infrastructure (compiles the CDK: about a minute the first time)"
	@go test -timeout 10m ./infra/...

# The recorded day through the real binaries, without and with faults: exit 0 only
# if every invariant held and every decision came out as recorded.
check-day: setup build
	@for faults in "" --faults; do \
	  echo "test: the recorded day $$faults"; \
	  build/fielder demo --once --addr 127.0.0.1:0 --pages 127.0.0.1:0 $$faults > build/day.out || { cat build/day.out; exit 1; }; \
	  tail -1 build/day.out; done

bench: setup build
	@build/fielder bench

FUZZTIME ?= 20s
fuzz:
	@for f in $$(grep -rl --include='*_test.go' '^func Fuzz' shared scripts events); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
	    echo "fuzz: $$(dirname $$f) $$name"; go test ./$$(dirname $$f) -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) || exit 1; done; done

# --- deploy ------------------------------------------------------------------

synth: setup package
	@npx cdk synth --quiet && echo "synth: cdk.out"

clean:
	rm -rf build cdk.out .fielder
