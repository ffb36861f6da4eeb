# Every target works from a clean clone: `node_modules` is installed when package-lock.json is newer than it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
NODE := node_modules/.bin/node
# The pinned Node.js, whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
REPORTS := .tmp/reports

.PHONY: help install build generate verify check test unit demo readme control-plane simulators clean chaos soak bench bench-build bench-1000 bench-5000 bench-20000 bench-figures

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

install: node_modules/.installed ## Install the npm packages, with the Node.js that everything runs on

node_modules/.installed: package.json package-lock.json
	npm ci
	@touch $@

build: install ## Bundle the operator to dist/main.js
	@npm run --silent build

generate: install ## Write crds/, config/crd, the chart's CRDs and docs/reference from the schemas
	@$(NODE) tools/generate/main.ts

verify: install ## Fail when generated files are stale, or types or lint are wrong
	@$(NODE) tools/generate/main.ts --check
	@node_modules/.bin/tsc -p .
	@node_modules/.bin/biome check --error-on-warnings

check: verify ## The same as verify

unit: install ## Run the tests that need no control plane
	@node_modules/.bin/vitest run src tools

test: verify build ## Everything: verify, all tests, then the checks over the whole suite
	@rm -rf .tmp/evidence $(REPORTS) && mkdir -p $(REPORTS)
	@$(NODE) test/control-plane/main.ts --build-only
	@$(NODE) test/tools/main.ts
	@status=0; \
	node_modules/.bin/vitest run --reporter=default --reporter=json --outputFile.json=$(REPORTS)/suite.json || status=1; \
	node_modules/.bin/vitest run --config vitest.verdict.config.ts --reporter=default --reporter=json --outputFile.json=$(REPORTS)/verdict.json || status=1; \
	$(NODE) tools/test-summary.ts $(REPORTS)/suite.json $(REPORTS)/verdict.json || status=1; \
	exit $$status

demo: build ## Show it: from `kubectl apply` to verified, billed and cleaned up (KEEP=1 leaves it running)
	@$(NODE) test/demo/main.ts

readme: install ## Put what the last `make demo` and `make test` printed into the README
	@$(NODE) tools/readme-output.ts

control-plane: install ## Leave a Kubernetes control plane running and print its KUBECONFIG
	@$(NODE) test/control-plane/main.ts

simulators: install ## Leave the simulated Cloudflare, Chargebee, DNS and edge running
	@$(NODE) test/simulators/main.ts

chaos: build ## At least 500 faults between the operator and its API server: nothing lost, nothing twice (CHAOS_SEED, CHAOS_FAULTS)
	@$(NODE) test/chaos/main.ts

soak: build ## Twenty minutes of churn: memory and handles stay flat, no event is missed (SOAK_MINUTES)
	@$(NODE) test/soak/main.ts

# Measures; never judges. Each part writes its figures to bench/results, docs/benchmarks.md is made from all of them.
BENCH_FIGURES := http-versions write-verbs queue-micro no-op cold-start edit-latency failover idle-memory

bench: bench-1000 bench-5000 bench-20000 bench-figures ## Every benchmark, peers included (more than an hour), and docs/benchmarks.md

bench-build: install ## Build the peers of the benchmarks: Go, Rust, Python and npm
	@$(NODE) bench/converge/main.ts --build-only

bench-1000: bench-build ## 1,000 resources by every stack, medians of 3 runs
	@$(NODE) bench/converge/main.ts --size 1000 --runs 3
	@$(NODE) bench/report.ts

bench-5000: bench-build ## 5,000 resources by every stack that needs less than 5 minutes, medians of 3 runs
	@$(NODE) bench/converge/main.ts --size 5000 --runs 3 --stacks ours,controller-runtime,kube-rs,kopf,bare-loop
	@$(NODE) bench/report.ts

bench-20000: bench-build ## 20,000 resources by the three fastest, once
	@$(NODE) bench/converge/main.ts --size 20000 --runs 1 --stacks ours,controller-runtime,kube-rs --timeout 900
	@$(NODE) bench/report.ts

bench-figures: install ## What only this operator is measured for: latency, memory, failover, the queue by itself
	@for figure in $(BENCH_FIGURES); do $(NODE) bench/figures/$$figure.ts || exit 1; done
	@$(NODE) bench/report.ts

clean: ## Remove what make has made (not the cached control plane)
	rm -rf node_modules dist .tmp
