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
# Forge and the Solidity compiler keep one core busy, while cargo often waits for one crate or for a network of a test.
contracts_log=$(mktemp)
set -m # A process group of its own, to be ended as one.
{ make --no-print-directory -C chain test && make --no-print-directory -C chain check; } >"$contracts_log" 2>&1 &
contracts=$!
set +m
contracts_begun=$SECONDS
trap 'kill -- "-$contracts" 2>/dev/null || true; rm -f "$contracts_log"' EXIT
contracts_end() {
  local code=0
  wait "$contracts" || code=$?
  cat "$contracts_log"
  return $code
}

stage "layering" scripts/layering.sh
if command -v cargo-deny >/dev/null 2>&1; then
  stage "licences and bans" cargo deny --offline --locked check bans licenses sources
else
  echo "cargo-deny is not installed: licences and bans are not checked"
fi
# Before any test starts: some run this program, and one that is linked anew meanwhile loses its processes' name.
stage "the program" cargo build --release --locked
stage "Rust: tests, clippy, examples in the documentation" node scripts/rust-checks.mjs
stage "contracts' tests and artifacts (begun after $contracts_begun s)" contracts_end

echo
printf '%s\n' "${times[@]}"
printf '%4d s  all checks passed\n' $SECONDS
