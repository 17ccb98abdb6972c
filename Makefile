.DEFAULT_GOAL := help

# Of Apache Kafka, for whatever starts it; empty: that of .ci/kafka/pom.xml.
export KAFKA_VERSION

PORT ?= 8080
DATA ?= .data
LOGIN ?= offered

# The race detector needs a C compiler. Everything else needs Go alone.
RACE := $(shell command -v "$$(go env CC)" >/dev/null && echo -race)
LINT := go tool -modfile=.ci/tools.mod golangci-lint
KAFKA_PACKAGES := ./eventim/... ./internal/router ./internal/task ./projector/... ./web/... ./cmd/invoices

# Where versions of Kafka may differ: transactions, groups, offsets, and what topics are told. The rest behaves alike, and twice the time buys nothing.
KAFKA_OLDER := 4.3.1
KAFKA_CORE := Torn|EndTxn|Killed|Zombie|Fence|DeadOwners|Former|UnknownCommit|JoiningAndLeaving|OpenTransaction|CommittedOffset|$\
	ForeignTransaction|WaitingFor|TransactionalID|ForgottenOffset|ResetOffsets|Topics|SendReadTail|Mend|Ask|$\
	Rebalance|RollingRestart|SlowTransaction|AClaimThat|BatchIsFinished

UI_SOURCES := $(shell find web/ui \( -name node_modules -o -name dist -o -name e2e \) -prune -o -type f -print)
UI_MODULES := web/ui/node_modules/.package-lock.json

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The page and what the program is made of are built side by side; then the program, which has the page in it. Without cgo
# no C is compiled. The program replaces the shell, so that Ctrl-C reaches it and it drains.
.PHONY: run
run: export CGO_ENABLED = 0
run: ## start everything on http://localhost:8080 (PORT=, DATA=, LOGIN=required)
	@$(MAKE) --no-print-directory -j2 run-page run-packages
	@go build -o bin/dev ./cmd/dev
	@exec ./bin/dev --port $(PORT) --data $(DATA) --login $(LOGIN)

.PHONY: run-page run-packages
run-page:
	@$(MAKE) --no-print-directory ui || echo 'the page could not be built, going on without it' >&2

run-packages:
	@go build ./internal/app ./embedded

.PHONY: bench-start
bench-start: ## measure how long a new user waits for make run: a fresh clone with empty caches, then again
	.ci/start.sh

.PHONY: test
test: bin/withpostgres ## run all Go tests on an embedded broker and a Postgres
	bin/withpostgres -- go test $(RACE) -timeout=20m ./...

# Modules of their own, as those of authors are: nothing of internal/ is in their reach.
EXAMPLES := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))

.PHONY: test-examples
test-examples: ## vet and test the examples, each as the module that it is
	for dir in $(EXAMPLES); do (cd $$dir && go vet ./... && go test $(RACE) ./...) || exit 1; done

.PHONY: test-kafka
test-kafka: bin/withpostgres ## run the tests on Apache Kafka (KAFKA_VERSION=; needs Java and Maven)
	.ci/kafka/kafka.sh with 1 bin/withpostgres -- go test $(RACE) -timeout=20m -count=1 $(KAFKA_PACKAGES)

.PHONY: test-kafka-older
test-kafka-older: ## run the tests that depend on Kafka's version on the older one
	KAFKA_VERSION=$(KAFKA_OLDER) .ci/kafka/kafka.sh with 1 go test $(RACE) -timeout=20m -count=1 -run '$(KAFKA_CORE)' ./eventim/...

.PHONY: test-pgbouncer
test-pgbouncer: bin/withpostgres ## run the tests that need pgbouncer
	bin/withpostgres -- go test $(RACE) -count=1 -tags pgbouncer -run Pgbouncer ./projector

.PHONY: faults
faults: ## let faults happen to the product on three Kafka nodes, and judge it (SEED=, DURATION=)
	go run ./cmd/faults verify --self-test
	go run ./cmd/faults run $(if $(SEED),--seed $(SEED)) --duration $(or $(DURATION),4m)

.PHONY: soak
soak: ## as faults, for two hours; the report goes to DATA (SEED=, DURATION=)
	go run ./cmd/faults run $(if $(SEED),--seed $(SEED)) --duration $(or $(DURATION),2h) --faults 25 \
		--report $(DATA)/soak-$(or $(SEED),$(shell date +%s)).json

.PHONY: mutants
mutants: bin/withpostgres ## break each promise once, and see that a test notices (MUTANTS='name …', CHANGED=commit, WITHIN=duration)
	bin/withpostgres -- go run ./internal/mutants $(if $(CHANGED),--changed $(CHANGED)) $(if $(WITHIN),--within $(WITHIN)) $(MUTANTS)

.PHONY: check
check: ## run what CI runs
	.ci/run

.PHONY: lint
lint: ## check style and architecture
	$(LINT) run --config=.ci/golangci.yml ./...
	for dir in $(EXAMPLES); do (cd $$dir && go tool -modfile=../../.ci/tools.mod golangci-lint run --config=../../.ci/golangci.yml ./...) || exit 1; done

.PHONY: build
build: ui ## build bin/invoices, the production binary
	CGO_ENABLED=0 go build -trimpath -o bin/invoices ./cmd/invoices

# Measured is what runs in production, and that is built without cgo.
.PHONY: bench-restore
bench-restore: ## measure how fast a state store is restored (needs Java and Maven)
	.ci/kafka/kafka.sh with 1 env CGO_ENABLED=0 go run ./cmd/bench restore

.PHONY: bench-ids
bench-ids: ## measure what remembering millions of command ids costs, beside what it did before (3 GB of disk)
	CGO_ENABLED=0 go run ./cmd/bench ids

.PHONY: bench-rebalance
bench-rebalance: ## measure how long partitions pause when the group changes, beside a handler of before (needs Java and Maven, half an hour)
	CGO_ENABLED=0 go run ./cmd/bench rebalance

.PHONY: bench-repeats
bench-repeats: ## measure how fast commands are answered that were handled before (needs Java and Maven)
	.ci/kafka/kafka.sh with 1 env CGO_ENABLED=0 go run ./cmd/bench repeats

.PHONY: bench
bench: ## measure the handler beside Kafka Streams and others, into docs/benchmarks.md (needs Java and Maven, two hours)
	CGO_ENABLED=0 go run ./cmd/bench compare --docs docs

.PHONY: bench-http
bench-http: ## measure from an HTTP request to its result and its row, beside a plain program, into docs/benchmarks.md (needs Java and Maven)
	CGO_ENABLED=0 go run ./cmd/bench http --docs docs

.PHONY: bench-smoke
bench-smoke: ## the benchmarks in small, which shows that they work, not how fast
	CGO_ENABLED=0 go run ./cmd/bench compare --smoke
	CGO_ENABLED=0 go run ./cmd/bench http --smoke
	cd cmd/bench/goka && go vet ./... && go test ./...

.PHONY: ui
ui: ## build the page when its sources have changed (needs Node)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web/ui/dist/index.html; \
	else echo 'npm was not found, the page is not built' >&2; fi

.PHONY: ui-test
ui-test: $(UI_MODULES) ## check and test the page (needs Node and Chromium)
	cd web/ui && npm run lint && npm test && npm run e2e

.PHONY: clean
clean: ## remove what was built; DATA stays
	rm -rf bin .cache web/ui/node_modules
	find web/ui/dist -mindepth 1 ! -name .gitkeep -delete

web/ui/dist/index.html: $(UI_MODULES) $(UI_SOURCES)
	cd web/ui && npm run build

$(UI_MODULES): web/ui/package-lock.json
	cd web/ui && npm ci
	@touch $@

.PHONY: bin/withpostgres
bin/withpostgres:
	@go build -o $@ ./internal/devpostgres/withpostgres
