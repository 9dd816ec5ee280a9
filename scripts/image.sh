#!/usr/bin/env bash
# A container image named assay around the program given as argument.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${1:?path of the built program}
if ! command -v docker >/dev/null 2>&1; then
  echo "image: no docker on the PATH; type: apt-get install docker.io" >&2
  exit 1
fi
# The image copies the program from where cargo puts it by default.
if [ "$program" != target/release/assay ]; then
  install -D "$program" target/release/assay
fi
docker build -f testnet/Dockerfile -t assay .
