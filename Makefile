# Every target finds a Node.js that is new enough by itself (hack/node-path); nothing is installed outside of this
# checkout and ~/.cache/config-weaver.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

IMG ?= config-weaver:latest
BUNDLE_IMG ?= config-weaver-bundle:latest
CATALOG_IMG ?= config-weaver-catalog:latest
CONTAINER_TOOL ?= docker
ARGS ?=

##@ General

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN { FS = ":.*##"; printf "Usage: make TARGET\n" } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-zA-Z0-9_-]+:.*##/ { printf "  %-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Show the operator at work on a local control plane, from a bare checkout; Ctrl-C ends it (ONCE=1: ends by itself).
	@hack/control-plane/get >/dev/null
	@ONCE=$(ONCE) hack/with-node node dist/hack/demo/main.js

##@ Development

.PHONY: build
build: ## Install the packages where they changed, and compile into dist.
	@hack/build

.PHONY: test
test: ## Run all there is: generated files, linters, unit, integration and end-to-end tests.
	@hack/test/run

# As the environment has them, and so untouched by quotes: a name may hold any.
selected = $${T:+"--file=$$T"} $${G:+"--name=$$G"}

.PHONY: test-unit
test-unit: ## Run the unit tests only (T=test/unit/FILE.test.ts or a folder: those in it; G=NAME: those with this in their names).
	@hack/test/run unit $(selected)

.PHONY: test-integration
test-integration: ## Run the integration tests only (T=, G=; USE_EXISTING_CLUSTER=true: on the current kubeconfig).
	@hack/test/run integration $(selected)

.PHONY: test-e2e
test-e2e: ## Run the end-to-end tests only: OLM, the image, what watches the operator (T=, G=).
	@hack/test/run e2e $(selected)

.PHONY: test-abuse
test-abuse: ## Run what hostile tenants and pods try, and print what a victim notices of it.
	@hack/test/run integration --file test/integration/abuse

.PHONY: test-faults
test-faults: ## Run what network, API server and etcd do to the operator, and print how long it takes to heal.
	@FAULTS=all hack/test/run integration --file test/integration/faults

.PHONY: lint
lint: ## Run the linters: eslint, prettier, knip.
	@hack/test/run eslint prettier knip

.PHONY: format
format: build ## Let the linters mend what they can.
	@hack/with-node eslint --fix .
	@hack/with-node prettier --write --log-level=warn .

.PHONY: manifests
manifests: build ## Generate the CRD from the models in src/api.
	@hack/with-node node dist/hack/generate-crd.js

.PHONY: bench
bench: build ## Measure memory, CPU and latencies on a local control plane.
	@hack/control-plane/get >/dev/null
	@hack/with-node node dist/hack/bench/main.js $(ARGS)

.PHONY: soak
soak: build ## Random churn under faults, on a local control plane: does the operator stay right, and its memory flat (ARGS="--minutes=3")?
	@hack/control-plane/get >/dev/null
	@hack/with-node node dist/hack/soak/main.js $(ARGS)

.PHONY: control-plane
control-plane: ## Print the folder with etcd, kube-apiserver, kube-controller-manager and kubectl, after getting them if need be (use make -s).
	@hack/control-plane/get

##@ Cluster

.PHONY: run
run: build ## Run the operator against the current kubeconfig (ARGS="--log-level debug").
	@hack/config-weaver run $(ARGS)

.PHONY: install
install: ## Apply the CRD to the current cluster.
	@hack/kubectl apply --server-side -f config/crd/bases

.PHONY: uninstall
uninstall: ## Delete the CRD, and with it every ConfigMapSync, from the current cluster.
	@hack/kubectl delete --ignore-not-found -f config/crd/bases

.PHONY: deploy
deploy: ## Deploy the operator to the current cluster (IMG=).
	@hack/image/manifests '$(IMG)' | hack/kubectl apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove the operator from the current cluster; the CRD, all ConfigMapSyncs and their copies stay.
	@hack/image/manifests --without-crd | hack/kubectl delete --ignore-not-found -f -

##@ Release

.PHONY: docker-build
docker-build: ## Build the image (IMG=, CONTAINER_TOOL=docker|podman|buildah, PLATFORM=, BASE_IMAGE=).
	@CONTAINER_TOOL='$(CONTAINER_TOOL)' hack/image/build Dockerfile '$(IMG)'

# The image is named in the bundle only where one was asked for: else it is the release's own.
.PHONY: bundle
bundle: build ## Generate the OLM bundle (IMG=: of another image than the release's own).
	@hack/control-plane/get >/dev/null
	@hack/with-node node dist/hack/generate-bundle.js $(if $(filter command environment,$(firstword $(origin IMG))),--image='$(IMG)') $(ARGS)

.PHONY: bundle-build
bundle-build: ## Build the image of the OLM bundle (BUNDLE_IMG=, CONTAINER_TOOL=).
	@CONTAINER_TOOL='$(CONTAINER_TOOL)' hack/image/build bundle.Dockerfile '$(BUNDLE_IMG)'

.PHONY: catalog
catalog: build ## Generate the OLM catalog from the bundle and hack/bundle/catalog-template.yaml.
	@hack/with-node node dist/hack/generate-catalog.js $(ARGS)

.PHONY: catalog-build
catalog-build: ## Build the image of the OLM catalog (CATALOG_IMG=, CONTAINER_TOOL=).
	@CONTAINER_TOOL='$(CONTAINER_TOOL)' hack/image/build catalog.Dockerfile '$(CATALOG_IMG)'
