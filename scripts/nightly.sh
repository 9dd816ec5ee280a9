#!/usr/bin/env bash
# The long checks, shortest first, and their report: docs/nightly.md is written anew and is to be committed. A check that fails
# holds up no other; ends with 1 if one has failed.
#
# ASSAY_NIGHTLY_SEEDS, ASSAY_NIGHTLY_MINUTES, ASSAY_NIGHTLY_RUNS, ASSAY_NIGHTLY_DEPTH and ASSAY_DIFFERENTIAL_OPERATIONS make it
# shorter; the report says what was run.
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=${ASSAY_NIGHTLY_SEEDS:-5}
minutes=${ASSAY_NIGHTLY_MINUTES:-30}
runs=${ASSAY_NIGHTLY_RUNS:-1000}
depth=${ASSAY_NIGHTLY_DEPTH:-500}
operations=${ASSAY_DIFFERENTIAL_OPERATIONS:-10000}
report=docs/nightly.md
out=$(mktemp -d)
failed=0
cargo_test() {
  cargo test --release --locked -p assay "$@"
}

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

# part NAME TITLE [PATTERN]: a chapter of the report, with the lines of the output that match, and its end if it failed.
part() {
  local name=$1 title=$2 pattern=${3:-}
  echo
  echo "## $title: $(cat "$out/$name.verdict" 2>/dev/null || echo "**not run to its end**")"
  if [ -n "$pattern" ]; then
    echo
    echo '```'
    grep -E "$pattern" "$out/$name" 2>/dev/null || true
    echo '```'
  fi
  if grep -qs failed "$out/$name.verdict"; then
    echo
    echo '```'
    tail -10 "$out/$name"
    echo '```'
  fi
}

write_report() {
  local tests='^test result: .* [1-9][0-9]* passed'
  echo "# Nightly checks"
  echo
  echo "Written by \`make nightly\` on $(date -u +%Y-%m-%d) at commit $(git rev-parse --short HEAD), on $(nproc) cores."
  part build "The release build"
  part purity "The chunk encoder without its surroundings" '^pure-chunk'
  part seeds "The demonstration with $seeds seeds: proof within 5 s, 120 s, 2,048 MiB"
  echo
  grep -E '^\||^median|^demo-seeds' "$out/seeds" 2>/dev/null | sed -E 's/^(median|demo-seeds)/\n&/' || true
  part live "Streams and a file through a network, whoever goes away meanwhile" "$tests"
  part player "Streams in headless Chromium with hls.js" "$tests"
  part sources "Sources of every kind, cut and decoded frame by frame" "$tests"
  part determinism "Odd profiles over odd pictures, presets at every SIMD level" "agree|$tests"
  part soak "A live stream of 640x360 through a network for $minutes minutes, played in Chromium" \
    '"(minutes|size|rate|delivered|gaps|givenUp|progress|played|median|percentInSecondHalf|broadcaster|(transcoder|verifier)-[0-9])"|^soak:'
  part differential "$operations operations against the exact model" "operations|$tests"
  part invariants "Stateful invariants, $runs runs of $depth calls each" '^\[(PASS|FAIL)|^Suite result|^Ran '
}

# Also when it is interrupted: what was found until then is there.
finish() {
  write_report >"$report"
  echo "report: $report"
  rm -rf "$out"
}
trap finish EXIT

check build cargo build --release --locked
check purity env ASSAY_PURE=1 scripts/pure-chunk.sh
check seeds node scripts/demo-seeds.mjs --seeds "$seeds"
check live cargo_test --test all -- --ignored live:: publish::
check player scripts/player.sh
check sources cargo_test -p assay-encoder --test all -- --ignored sources:: shorter_chunks
check determinism cargo_test -p assay-encoder --test all -- --ignored --nocapture \
  six_hundred_odd_profiles every_preset_gives_its_bytes_at_every_level
# Memory that grows by more than 1 % in the second half fails it, from ten minutes on.
check soak node tests/player/soak.mjs --minutes "$minutes" --size 640x360
check differential env ASSAY_DIFFERENTIAL_OPERATIONS="$operations" \
  cargo test --release --locked -p assay -p assay-chain --test all differential -- --nocapture
check invariants env FOUNDRY_PROFILE=nightly FOUNDRY_INVARIANT_RUNS="$runs" FOUNDRY_INVARIANT_DEPTH="$depth" \
  make --no-print-directory -C chain invariants
exit $failed
