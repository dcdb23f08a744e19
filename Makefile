# drillrun: `make help` lists the targets.
GOLANGCI_LINT_VERSION := v2.14.0
GOVULNCHECK_VERSION   := v1.1.4

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
GOBIN    := $(CURDIR)/.cache/bin
DRILLRUN := bin/drillrun

.DEFAULT_GOAL := help
.PHONY: help deps build images systems drill prove bugs league test race fuzz lint vuln bench clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what the local substrate needs: Postgres 15+, Redis 7+
	@sh scripts/deps.sh

build: ## build bin/drillrun and bin/controlplane, static
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/drillrun ./cmd/controlplane

images: deps build ## build the images of the docker substrate from this machine's packages
	@$(DRILLRUN) images

systems: ## build the hosts of River and asynq, each from a module of its own
	@sh scripts/systems.sh

drill: deps build ## a first drill: crashes of the reference control plane, in a minute
	@$(DRILLRUN) run first

# What was found is kept whole beside the table, so that either command renews its own rows.
PROOF := --report json=docs/proof.json --report track-record=docs/TRACK_RECORD.md

TRIALS ?= 5
prove: deps build ## every known defect against the drills, TRIALS (5) times; writes docs/TRACK_RECORD.md
	@$(DRILLRUN) prove --trials $(TRIALS) --onto docs/proof.json $(PROOF)

bugs: TRIALS = 3
bugs: deps build systems ## bugs of River, asynq and an example found again, TRIALS (3) times; writes their rows
	@sh scripts/deps.sh python3
	@$(DRILLRUN) prove $(addprefix --bug ,$(wildcard systems/*/bugs/*.yaml examples/*/bugs/*.yaml)) --trials $(TRIALS) --onto docs/proof.json $(PROOF)

league: TRIALS = 1
league: deps build systems ## reference, River and asynq in the same drills, TRIALS (1) times; writes docs/LEAGUE.md
	@$(DRILLRUN) compare examples/league/*.txtar leader-kill \
		--systems reference,./systems/river/tuned.yaml,./systems/asynq/tuned.yaml \
		--trials $(TRIALS) --report markdown=docs/LEAGUE.md --report json=runs/league.json

# Modules of their own, so that what they need is not what the core needs.
MODULES := $(patsubst %/go.mod,%,$(wildcard systems/*/go.mod systems/*/exercise/go.mod))

# Packages are tested one after the other: several start stores and time things.
test: deps ## all tests, with real stores, containers where an engine answers, and the race detector
	@sh scripts/deps.sh python3
	go test -race -p 1 -timeout 20m ./...
	@for module in $(MODULES); do (cd $$module && go test -race -p 1 -timeout 5m ./...) || exit 1; done
	@sh scripts/engine.sh || true

race: deps ## hunt for races and flakes: all tests three times, shuffled
	go test -race -p 1 -timeout 40m -count=3 -shuffle=on ./...

# What a fuzz test finds is kept in its package's testdata, and is a test from then on.
FUZZTIME ?= 10s
fuzz: ## every fuzz test, one after the other, for FUZZTIME (10s) each
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z]+' . | sed 's|/[^/]*:func | |' | while read -r package target; do \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package" </dev/null || exit 1; \
	done

lint: $(GOBIN)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## gofmt, vet, golangci-lint with the import rules
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	$< run
	@for module in $(MODULES); do (cd $$module && $< run -c $(CURDIR)/.golangci.yaml) || exit 1; done

vuln: $(GOBIN)/govulncheck-$(GOVULNCHECK_VERSION) ## look for known vulnerabilities in what is called
	$< ./...

bench: deps ## benchmarks of history, witness, gates and the reference
	go test -run '^$$' -bench . -benchmem ./...

clean: ## remove what was built and every run
	rm -rf bin runs .cache systems/*/bin

# Tools are built from their pinned versions into the project, once.
$(GOBIN)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@mkdir -p $(GOBIN)
	GOBIN=$(GOBIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(GOBIN)/golangci-lint $@

$(GOBIN)/govulncheck-$(GOVULNCHECK_VERSION):
	@mkdir -p $(GOBIN)
	GOBIN=$(GOBIN) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv $(GOBIN)/govulncheck $@
