#!/usr/bin/env bash
# Every check there is, cheapest first; the first that fails ends it. Says how long each took.
set -euo pipefail
cd "$(dirname "$0")/.."

times=()
stage() {
  local name=$1 begun=$SECONDS
  shift
  echo
  echo "== $name: $*"
  if ! "$@"; then
    echo "FAILED: $name: $*" >&2
    exit 1
  fi
  times+=("$(printf '%4d s  %s' $((SECONDS - begun)) "$name")")
}

stage "formatting" cargo fmt --all --check
stage "file lengths" scripts/file-lengths.sh
stage "layering" scripts/layering.sh
if command -v cargo-deny >/dev/null 2>&1; then
  stage "licences and bans" cargo deny --offline --locked check bans licenses sources
else
  echo "cargo-deny is not installed: licences and bans are not checked"
fi
# The release profile, because dependencies' build scripts and macros are built for it already.
stage "clippy" cargo clippy --keep-going --workspace --all-targets --release --locked -- -D warnings
stage "Rust tests" cargo test --workspace --release --locked
stage "contracts' tests" make --no-print-directory -C chain test
stage "contracts' artifacts" make --no-print-directory -C chain check

echo
printf '%s\n' "${times[@]}"
printf '%4d s  all checks passed\n' $SECONDS
