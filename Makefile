# Every target works from a clean clone: `node_modules` is installed when package-lock.json is newer than it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
NODE := node_modules/.bin/node
# The pinned Node.js, whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
REPORTS := .tmp/reports

.PHONY: help install build generate verify check test unit demo control-plane simulators clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

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

control-plane: install ## Leave a Kubernetes control plane running and print its KUBECONFIG
	@$(NODE) test/control-plane/main.ts

simulators: install ## Leave the simulated Cloudflare, Chargebee, DNS and edge running
	@$(NODE) test/simulators/main.ts

clean: ## Remove what make has made (not the cached control plane)
	rm -rf node_modules dist .tmp
