#!/usr/bin/env bash
# The long checks, and their report: docs/nightly.md is written anew and is to be committed. Ends with 1 if one fails.
#
# ASSAY_NIGHTLY_RUNS, ASSAY_NIGHTLY_DEPTH and ASSAY_DIFFERENTIAL_OPERATIONS make it shorter; the report says what was run.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${ASSAY_NIGHTLY_RUNS:-1000}
depth=${ASSAY_NIGHTLY_DEPTH:-500}
operations=${ASSAY_DIFFERENTIAL_OPERATIONS:-10000}
report=docs/nightly.md
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0

# check NAME COMMAND…: says how it went; the output is kept for the report.
check() {
  local name=$1 begun=$SECONDS
  shift
  echo "== $name: $*"
  if "$@" >"$out/$name" 2>&1; then
    echo "passed after $((SECONDS - begun)) s"
    echo "passed, $((SECONDS - begun)) s" >"$out/$name.verdict"
  else
    tail -40 "$out/$name"
    echo "FAILED: $name" >&2
    echo "**failed**, $((SECONDS - begun)) s" >"$out/$name.verdict"
    failed=1
  fi
}

check invariants env FOUNDRY_PROFILE=nightly FOUNDRY_INVARIANT_RUNS="$runs" FOUNDRY_INVARIANT_DEPTH="$depth" \
  make --no-print-directory -C chain invariants
check differential env ASSAY_DIFFERENTIAL_OPERATIONS="$operations" \
  cargo test --release --locked -p assay -p assay-chain --test all differential -- --nocapture

check player scripts/player.sh
check live cargo test --release --locked -p assay --test all -- --ignored live:: publish::

check soak node tests/player/soak.mjs --minutes 3 --size 320x180 --rate 15

check determinism cargo test --release --locked -p assay-encoder --test all -- --ignored --nocapture \
  six_hundred_odd_profiles every_preset_gives_its_bytes_at_every_level
check sources cargo test --release --locked -p assay-encoder --test all -- --ignored sources:: shorter_chunks
check purity scripts/pure-chunk.sh

{
  echo "# Nightly checks"
  echo
  echo "Written by \`make nightly\` on $(date -u +%Y-%m-%d) at commit $(git rev-parse --short HEAD), on $(nproc) cores."
  echo
  echo "## Stateful invariants, $runs runs of $depth calls each: $(cat "$out/invariants.verdict")"
  echo
  echo '```'
  grep -E '^\[(PASS|FAIL)|^Suite result|^Ran ' "$out/invariants" || true
  echo '```'
  echo
  echo "## $operations operations against the exact model: $(cat "$out/differential.verdict")"
  echo
  echo '```'
  grep -E 'operations|^test result: .* [1-9][0-9]* passed' "$out/differential" || true
  echo '```'
  echo
  echo "## Streams in headless Chromium with hls.js: $(cat "$out/player.verdict")"
  echo
  echo "## Streams and a file through a network, whoever goes away meanwhile: $(cat "$out/live.verdict")"
  echo
  echo "## A live stream through a network for three minutes, played in Chromium: $(cat "$out/soak.verdict")"
  echo
  echo '```'
  grep -E '"(delivered|gaps|givenUp|progress|played|median)"' "$out/soak" || true
  echo '```'
  echo
  echo "## Odd profiles over odd pictures, presets at every SIMD level: $(cat "$out/determinism.verdict")"
  echo
  echo '```'
  grep -E 'agree|^test result: .* [1-9][0-9]* passed' "$out/determinism" || true
  echo '```'
  echo
  echo "## Sources of every kind, cut and decoded frame by frame: $(cat "$out/sources.verdict")"
  echo
  echo "## The chunk encoder without its surroundings: $(cat "$out/purity.verdict")"
  echo
  echo '```'
  grep -E '^pure-chunk' "$out/purity" || true
  echo '```'
} >"$report"
echo "report: $report"
exit $failed
