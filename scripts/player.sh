#!/usr/bin/env bash
# Plays streams in headless Chromium with hls.js: every boundary between segments must be crossed by a clock that runs. Ends
# with 1 when Chromium or hls.js is missing: `scripts/deps.sh player` installs them.
#
#   player.sh [FOLDER]   where screenshots and reports go (default: player in cargo's target folder)
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-${CARGO_TARGET_DIR:-target}/player}
mkdir -p "$out"
if ! command -v chromium >/dev/null 2>&1 || [ ! -d tests/player/node_modules ]; then
  echo "player: chromium or tests/player/node_modules is missing; type: scripts/deps.sh player" >&2
  exit 1
fi
ASSAY_PLAYER_OUT=$(realpath "$out") cargo test --release --locked -p assay -p assay-encoder --test all player:: -- --ignored --nocapture
echo "screenshots and reports: $out"
