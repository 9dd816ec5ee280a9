#!/usr/bin/env bash
# No source file over 600 lines; over 400 it should be split.
set -euo pipefail
cd "$(dirname "$0")/.."

find . \( -name target -o -name node_modules -o -path ./chain/out -o -path ./chain/cache -o -name .git \) -prune \
  -o -type f \( -name '*.rs' -o -name '*.sol' \) -exec wc -l {} + |
  awk '$2 == "total" { next }
       $1 > 600 { print "too long, at most 600 lines:", $2, $1; bad = 1; next }
       $1 > 400 { print "warning: over 400 lines:", $2, $1 }
       END { exit bad }'
