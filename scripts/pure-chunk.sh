#!/usr/bin/env bash
# The chunk encoder without its features builds for a machine that has no threads, files, clock, network nor C library
# (wasm32-unknown-unknown), calls nothing in its surroundings, and gives everyone's bytes there.
# Needs `rustup target add wasm32-unknown-unknown` and node; says so and ends with 0 where they are missing, unless
# ASSAY_PURE=1 asks for more.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
missing() {
  echo "pure-chunk: not checked: $1" >&2
  exit "${ASSAY_PURE:-0}"
}
libraries=$(rustc --print sysroot)/lib/rustlib/$target/lib
[ -d "$libraries" ] || missing "no target; type: rustup target add $target"
command -v node >/dev/null 2>&1 || missing "no node"

# A build script that wants a C compiler or an assembler finds none.
CC=/bin/false AR=/bin/false CFLAGS='' PATH=$PATH \
  cargo build --release --locked --target $target -p assay-chunk --no-default-features --example pure
node scripts/pure-chunk.mjs "${CARGO_TARGET_DIR:-target}/$target/release/examples/pure.wasm"
