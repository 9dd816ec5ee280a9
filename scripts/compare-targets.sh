#!/usr/bin/env bash
# Computes every conformance vector with other C libraries and on another architecture, and says which differ.
#
#   x86-64, glibc, dynamic     as built here, at every SIMD level of this CPU
#   x86-64, musl, static       rustup target add x86_64-unknown-linux-musl;  apt-get install musl-tools
#   AArch64, glibc, emulated   rustup target add aarch64-unknown-linux-gnu;
#                              apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
#
# What is missing is said and left out. The result for one set of versions stands in docs/determinism.md.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${CARGO_TARGET_DIR:-target}
sysroot=$(rustc --print sysroot)/lib/rustlib
failed=0

# one NAME LEVEL COMMAND…
one() {
  local name=$1 level=$2 begun=$SECONDS said
  shift 2
  if said=$(RAV1E_CPU_TARGET=$level "$@" encoder/vectors 2>&1); then
    echo "| $name | $level | $said | $((SECONDS - begun)) s |"
  else
    echo "| $name | $level | **$said** | $((SECONDS - begun)) s |"
    failed=1
  fi
}

build() {
  cargo build --quiet --release --locked -p assay-chunk --features asm --example check "$@"
}

echo "rustc $(rustc --version | cut -d' ' -f2), $(nasm --version | cut -d' ' -f1-3), $(ldd --version | head -1)"
echo
echo "| build | level | result | time |"
echo "|---|---|---|---|"
build
for level in rust sse2 ssse3 sse4.1 avx2 avx512icl; do
  one "x86-64 glibc dynamic" $level "$out/release/examples/check"
done

musl=x86_64-unknown-linux-musl
if [ -d "$sysroot/$musl" ] && command -v musl-gcc >/dev/null; then
  build --target $musl
  for level in rust avx512icl; do
    one "x86-64 musl static" $level "$out/$musl/release/examples/check"
  done
else
  echo "left out: musl (see the head of this file)" >&2
fi

arm=aarch64-unknown-linux-gnu
if [ -d "$sysroot/$arm" ] && command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc build --target $arm
  for level in rust neon; do
    one "AArch64 glibc, $(qemu-aarch64 --version | sed -n '1s/ version / /;1s/ (.*//p')" $level \
      qemu-aarch64 -L /usr/aarch64-linux-gnu "$out/$arm/release/examples/check"
  done
else
  echo "left out: AArch64 (see the head of this file)" >&2
fi
exit $failed
