#!/usr/bin/env bash
# Dependencies run one way, and the cores stay free of I/O. The table is the one of ARCHITECTURE.md.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
fail() {
  echo "layering: $*" >&2
  failed=1
}

# Names of the crates that a package needs to be built, itself left out.
crates() {
  cargo tree --locked --quiet --prefix none --edges normal,build --format '{p}' "$@" |
    awk 'NR > 1 && NF { print $1 }' | sort -u
}

# may PACKAGE ALLOWED...: of ours, the package depends on nothing but these.
may() {
  local package=$1 direct one
  shift
  direct=$(crates -p "$package" --depth 1)
  for one in $(grep -E '^assay(-|$)' <<<"$direct" || true); do
    case " $* " in
      *" $one "*) ;;
      *) fail "$package depends on $one; it may depend on: ${*:-nothing of ours}" ;;
    esac
  done
}

# without PACKAGE CRATE...: the package pulls in none of these, however deep.
without() {
  local package=$1 all one
  shift
  all=$(crates -p "$package")
  for one in "$@"; do
    if grep -qE "^$one(-[a-z0-9-]+)?$" <<<"$all"; then
      fail "$package pulls in $(grep -E "^$one(-[a-z0-9-]+)?$" <<<"$all" | tr '\n' ' ')"
    fi
  done
}

may assay-protocol
may assay-chunk
may assay-libm
may assay-verifier assay-protocol
may assay-roles assay-protocol
may assay-encoder assay-protocol assay-chunk assay-libm
may assay-p2p assay-protocol
may assay-chain assay-protocol
may assay-node assay-protocol assay-encoder assay-verifier assay-roles assay-p2p assay-chain
may assay-testnet assay-protocol assay-encoder assay-verifier assay-roles assay-p2p assay-chain assay-node

for core in assay-protocol assay-chunk assay-verifier assay-roles; do
  without "$core" tokio libp2p ethers
done

# The chunk encoder also compiles for a machine that has no C compiler.
pure=$(crates -p assay-chunk --no-default-features)
for one in cc cmake nasm-rs bindgen pkg-config num_cpus; do
  if grep -qx "$one" <<<"$pure"; then
    fail "assay-chunk without its features pulls in $one: cargo tree -p assay-chunk -i $one"
  fi
done

# Nor threads, files, a clock, a network or an environment. rav1e's own are behind features that are off;
# `scripts/pure-chunk.sh` proves it for the whole by building for a machine that has none of them.
forbidden='std::(thread|fs|net|env|process|io|time)|Instant|SystemTime|extern "C"|include_bytes'
if grep -rnE "$forbidden" encoder/chunk/src; then
  fail "assay-chunk uses what a pure function has not"
fi

# ethers stays inside the chain client: what stands on that has it, but does not name it, in tests neither.
for package in assay-p2p assay-encoder; do
  without "$package" ethers
done
for package in assay-node assay-testnet assay; do
  if cargo tree --locked --quiet --prefix none --edges normal,build,dev --depth 1 --format '{p}' -p "$package" | grep -qE '^ethers(-| )'; then
    fail "$package depends on ethers; what it needs of the chain belongs in assay-chain"
  fi
done

[ $failed -eq 0 ] && echo "layering holds"
exit $failed
