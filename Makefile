# Two commands to begin with: `make demo` and `make test`.
# Each installs what is missing, by name, and says so.

SHELL := /bin/bash
export PATH := $(PATH):/usr/sbin:/sbin:$(HOME)/.cargo/bin
FUZZ_SECONDS ?= 4
TARGET ?= $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

.PHONY: demo test build check loom fuzz count soak perf install clean

demo: ## a lab of two namespaces, real traffic, the gateway between them
	@tests/need cargo cc clang ip nsenter ethtool kill
	cargo build --release --bin tidegate
	@$(TARGET)/release/tidegate demo

test: ## every test; those that need a kernel make their own namespaces
	@tests/need cargo cc clang ip nsenter ethtool ping setpriv kill mount
	cargo build --bin tidegate
	cargo test --workspace

build: ## the binary that is deployed
	@tests/need cargo cc clang
	cargo build --release --bin tidegate

check: ## format, lints, docs: what CI asks first
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

loom: ## the lock-free parts, under every interleaving
	RUSTFLAGS="--cfg loom" cargo test -p tidegate --lib --target-dir $(TARGET)/loom -- xsk flow

fuzz: ## a short run of each fuzz target; FUZZ_SECONDS=60 makes each longer
	@tests/need c++
	tests/fuzz/run all $(FUZZ_SECONDS)

count: ## instructions per packet against perf/baseline.csv
	@tests/need valgrind
	cargo build --release --bin perf
	$(TARGET)/release/perf count --check perf/baseline.csv

soak: ## what takes longer than CI may; TIDEGATE_SOAK_PERCENT=1 does a hundredth of it
	@tests/need cargo cc clang ip nsenter ethtool ping setpriv kill mount
	cargo build --release --bin tidegate
	cargo test --release --workspace -- --ignored --nocapture

install: build ## the binary, its configuration and its unit
	install -D -m 0755 $(TARGET)/release/tidegate $(DESTDIR)/usr/sbin/tidegate
	test -e $(DESTDIR)/etc/tidegate/tidegate.toml || install -D -m 0644 config/tidegate.toml $(DESTDIR)/etc/tidegate/tidegate.toml
	install -D -m 0644 config/tidegate.service $(DESTDIR)/lib/systemd/system/tidegate.service
	mkdir -p $(DESTDIR)/usr/share/tidegate && cp -r scripts $(DESTDIR)/usr/share/tidegate/rules

clean:
	cargo clean
