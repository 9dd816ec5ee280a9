#!/usr/bin/env bash
# The container image of testnet/docker-compose.yml around the built program given as argument.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${1:?path of the built program}
# The image takes the program from where cargo puts it by default.
if ! [ "$program" -ef target/release/assay ]; then
  install -D "$program" target/release/assay
fi
docker build -f testnet/Dockerfile -t assay .
