# The version is written once, where the gate pins it.
STATICCHECK := $(shell sed -n 's/^staticcheck=\([^ ]*\).*/\1/p' .ci/run)
FUZZTIME ?= 1m

SOAK ?= 10m

ROUNDS ?= 5

BASE ?= HEAD~1

.PHONY: help test race browser screenshots lint cross fuzz soak powercut api bench bench-compare bench-peers bench-report ci

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' Makefile

test: ## Run the tests of every module
	go test work

race: ## Run them under the race detector in random order
	GORACE=atexit_sleep_ms=0 go test -race -shuffle=on -count=1 work

browser: ## Run the tests in a browser, chromium-headless-shell or LOOPKIT_BROWSER
	cd test/browser && go test -tags browser -count=1 -timeout 5m ./...

screenshots: ## Take the README's pictures of the development server's page
	cd test/browser && go run -tags browser ./screenshots

lint: ## Run gofmt, go vet and staticcheck
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt would change: $$files"; exit 1; }
	go vet work
	go run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK) work

cross: ## Compile everything, tests too, for GOOS and GOARCH (default windows and 386: another system, and 32 bits)
	CGO_ENABLED=0 GOOS=$(or $(GOOS),windows) GOARCH=$(or $(GOARCH),386) go vet work

fuzz: ## Run every fuzz target for FUZZTIME each (default 1m)
	@go test -list '^Fuzz' work | \
	awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }' | \
	while read -r package target; do \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$package" </dev/null || exit 1; \
	done

soak: ## Drive one client through random faults over TCP for SOAK (default 10m)
	LOOPKIT_SOAK=$(SOAK) go test -count=1 -timeout 24h -v -run '^TestALongRunKeepsThePromises$$' .

powercut: ## Cut the power under a spool, ROUNDS times (default 20); needs root and loop devices
	bash spool/internal/powercut/powercut.sh

api: ## Write the exported API to api.txt
	go run ./internal/apisnapshot -w

bench: ## Run every benchmark
	go test -run '^$$' -bench . -benchmem work

bench-compare: ## Compare the benchmarks of HEAD with those of BASE (default the commit before)
	bash .ci/bench $(BASE)

bench-peers: ## Measure this library and its peers side by side, ROUNDS times (default 5)
	cd benchmarks && go run . -rounds $(ROUNDS)

bench-report: ## The same, into docs/benchmarks.md
	cd benchmarks && go run . -rounds $(ROUNDS) -write ../docs/benchmarks.md

ci: ## Run the gate on a clean clone of HEAD
	bash .ci/run
