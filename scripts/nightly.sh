#!/usr/bin/env bash
# The long checks, an hour and a half in all on two cores. Each writes its report, docs/nightly/NAME.md, anew: they are to be
# committed. A check that fails holds up no other; ends with 1 if one has failed.
#
#   nightly.sh          all, shortest first
#   nightly.sh NAME...  these: build purity seeds live player sources determinism differential staking fees minting court soak
#
# ASSAY_NIGHTLY_SEEDS, ASSAY_NIGHTLY_MINUTES, ASSAY_NIGHTLY_RUNS, ASSAY_NIGHTLY_DEPTH and ASSAY_DIFFERENTIAL_OPERATIONS make it
# shorter; the reports say what was run.
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=${ASSAY_NIGHTLY_SEEDS:-5}
minutes=${ASSAY_NIGHTLY_MINUTES:-30}
runs=${ASSAY_NIGHTLY_RUNS:-1000}
depth=${ASSAY_NIGHTLY_DEPTH:-500}
operations=${ASSAY_DIFFERENTIAL_OPERATIONS:-10000}
reports=docs/nightly
tests='^test result: .* [1-9][0-9]* passed'
# Reports that this writes make no other tree of what it checks.
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- . ':(exclude)docs/nightly' || commit+=-dirty
output=$(mktemp)
trap 'rm -f "$output"' EXIT
failed=0

# check TITLE PATTERN COMMAND...: runs it and reports how it went, with the lines of its output that match.
check() {
  local title=$1 pattern=$2 begun=$SECONDS verdict
  shift 2
  echo "== $name: $*"
  if "$@" >"$output" 2>&1; then
    verdict="passed after $((SECONDS - begun)) s"
  else
    verdict="**failed** after $((SECONDS - begun)) s"
    failed=1
    tail -40 "$output"
  fi
  echo "$name: $verdict"
  {
    echo "# $title"
    echo
    echo "$(date -u +%Y-%m-%d), commit $commit, $(nproc) cores: $verdict"
    echo
    echo '```'
    grep -E "$pattern" "$output" || tail -10 "$output"
    echo '```'
  } >"$reports/$name.md"
}

cargo_test() {
  cargo test --release --locked -p assay "$@"
}

invariants() {
  check "Stateful invariants: $2, $runs runs of $depth calls" '^\[(PASS|FAIL)|^Suite result' env FOUNDRY_PROFILE=nightly \
    FOUNDRY_INVARIANT_RUNS="$runs" FOUNDRY_INVARIANT_DEPTH="$depth" make --no-print-directory -C chain invariants CONTRACT="$1"
}

run() {
  case $name in
    build) check "The release build" Finished cargo build --release --locked ;;
    purity) check "The chunk encoder without its surroundings" '^pure-chunk' env ASSAY_PURE=1 scripts/pure-chunk.sh ;;
    seeds)
      check "The demonstration with $seeds seeds: proof within 5 s, 120 s, 2,048 MiB" '^\||^median|^demo-seeds' \
        node scripts/demo-seeds.mjs --seeds "$seeds"
      ;;
    live)
      check "Streams and a file through a network, whoever goes away meanwhile" "$tests" \
        cargo_test --test all -- --ignored --test-threads 1 live:: publish::
      ;;
    player) check "Streams in headless Chromium with hls.js" "$tests" scripts/player.sh ;;
    sources)
      check "Sources of every kind, cut and decoded frame by frame" "$tests" \
        cargo_test -p assay-encoder --test all -- --ignored sources:: shorter_chunks
      ;;
    determinism)
      check "Odd profiles over odd pictures, presets at every SIMD level" "agree|$tests" \
        cargo_test -p assay-encoder --test all -- --ignored --nocapture \
        six_hundred_odd_profiles every_preset_gives_its_bytes_at_every_level
      ;;
    differential)
      check "$operations operations against the exact model" "operations|$tests" \
        env ASSAY_DIFFERENTIAL_OPERATIONS="$operations" \
        cargo test --release --locked -p assay -p assay-chain --test all differential -- --nocapture
      ;;
    staking) invariants StakingInvariants "stakes, delegations, locks, slashes" ;;
    fees) invariants FeesInvariants "deposits, reserves, tickets, fees" ;;
    minting) invariants MintingInvariants "certified work and what is minted for it" ;;
    court) invariants CourtInvariants "cases, contests, rewards" ;;
    soak)
      # Memory that grows by more than 1 % in the second half fails it, from ten minutes on.
      check "A live stream of 640x360 through a network for $minutes minutes, played in Chromium" \
        '"(minutes|size|rate|delivered|gaps|givenUp|progress|played|median|percentInSecondHalf|broadcaster|(transcoder|verifier)-[0-9])"|^soak:' \
        node tests/player/soak.mjs --minutes "$minutes" --size 640x360
      ;;
    *)
      echo "nightly: there is no check '$name'; the first lines of $0 name them" >&2
      exit 2
      ;;
  esac
}

mkdir -p "$reports"
[ $# -gt 0 ] || set -- build purity seeds live player sources determinism differential staking fees minting court soak
for name; do run; done
exit $failed
