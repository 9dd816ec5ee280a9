# What a person types. Longer things are in scripts/; the contracts have a Makefile of their own in chain/.
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Where rustup puts cargo; shells without a profile do not look there.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: help deps build demo test nightly image clean

help:
	@echo "make demo    set up, build, run the whole loop on this machine (ARGS='--seed 2' and so on)"
	@echo "make test    every check that continuous integration makes"
	@echo "make nightly the long checks, hours: invariants 1,000 × 500, a live stream of half an hour, … (scripts/nightly.sh)"
	@echo "make build   the release build: $(TARGET)/release/assay"
	@echo "make deps    only the set-up: says what is missing, asks, installs"
	@echo "make image   the container image of testnet/docker-compose.yml"
	@echo "make clean   remove what was built"

deps:
	scripts/deps.sh demo

build:
	cargo build --release --locked

demo: deps build
	$(TARGET)/release/assay demo $(ARGS)

test:
	scripts/deps.sh test
	scripts/test.sh

# A browser or WebAssembly that cannot be had fails the checks that need it, and no others.
nightly:
	scripts/deps.sh test
	-scripts/deps.sh player
	scripts/nightly.sh

image:
	scripts/deps.sh image
	cargo build --release --locked
	scripts/image.sh $(TARGET)/release/assay

clean:
	cargo clean
	rm -rf chain/node_modules chain/out chain/cache
