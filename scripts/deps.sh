#!/usr/bin/env bash
# Sees to what a build needs besides git, a C compiler, make and Rust.
#   deps.sh demo    for building and running
#   deps.sh test    for `make test` as well
#   deps.sh image   for `make image` as well
#   deps.sh player  for what `make nightly` needs besides: a browser, and Rust's libraries for WebAssembly
# Lists what is missing; asks before it installs when a person sits there, installs when run unattended as root,
# otherwise says what to type and ends with 1. Packages are Debian's; elsewhere their names are a hint.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-demo}
case $purpose in
  demo | test | image | player) ;;
  *)
    echo "deps: '$purpose' is none of demo, test, image, player" >&2
    exit 2
    ;;
esac

have() { command -v "$1" >/dev/null 2>&1; }

packages=()
# want PACKAGE REASON PROGRAM...: the package is missing if one of the programs is.
want() {
  local package=$1 reason=$2 program
  shift 2
  for program in "$@"; do
    if ! have "$program"; then
      echo "missing: $program ($package): $reason"
      packages+=("$package")
      return
    fi
  done
}

# Whether the anvil on the PATH is one that the program takes (chain/src/anvil.rs): 1.7 or later, and no script, behind
# which the program may or may not find one.
has_anvil() {
  local file found
  file=$(command -v anvil) && [ "$(head -c 2 "$file" | tr -d '\0')" != '#!' ] || return 1
  found=$("$file" --version 2>/dev/null | sed -n '1s/^anvil[^0-9]*\([0-9]*\.[0-9]*\).*/\1/p')
  [ "$(printf '1.7\n%s\n' "$found" | sort -V | head -n 1)" = 1.7 ]
}

# npm's own packages of anvil and forge are only needed where there are none; but the tests compile Solidity with the
# pinned solc, and the image takes the pinned anvil.
needs_npm() {
  [ "$purpose" != demo ] || ! has_anvil
}

want nasm "rav1e's SIMD assembly is assembled with it" nasm
want ffmpeg "reads and decodes source video" ffmpeg ffprobe
if needs_npm; then
  want nodejs "runs the pinned Solidity compiler and fetches anvil and forge" node
  want npm "fetches what chain/package-lock.json pins" npm
fi
case $purpose in
  test) want dav1d "a second AV1 decoder for the tests" dav1d ;;
  image) want docker.io "builds the image" docker ;;
  player) want chromium "plays the renditions with hls.js" chromium ;;
esac

# These are a precondition, not something to install behind a person's back.
if ! have cc && ! have gcc; then
  echo "deps: no C compiler; type: apt-get install gcc libc6-dev" >&2
  exit 1
fi
if ! have cargo; then
  echo "deps: no cargo on the PATH; install Rust by https://rustup.rs" >&2
  exit 1
fi

unattended() { [ -n "${CI:-}" ] || ! { [ -t 0 ] && [ -t 1 ]; }; }

root=()
if [ "$(id -u)" -ne 0 ]; then
  root=(sudo)
fi

say_and_end() {
  echo "deps: type:" >&2
  echo "  ${root[*]:+${root[*]} }apt-get update" >&2
  echo "  ${root[*]:+${root[*]} }apt-get install --no-install-recommends ${packages[*]}" >&2
  exit 1
}

if [ ${#packages[@]} -gt 0 ]; then
  if ! have apt-get; then
    echo "deps: no apt-get here; install by your system's own means: ${packages[*]}" >&2
    exit 1
  fi
  if unattended; then
    [ "$(id -u)" -eq 0 ] || say_and_end
  else
    [ "$(id -u)" -eq 0 ] || have sudo || say_and_end
    read -r -p "Install ${packages[*]} with ${root[*]:+${root[*]} }apt-get? [y/N] " answer
    case $answer in
      y | Y | yes) ;;
      *) say_and_end ;;
    esac
  fi
  "${root[@]}" apt-get update
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
fi

# runs TOOL: ends if what npm has fetched does not run.
runs() {
  local tool=$PWD/chain/node_modules/.bin/$1
  "$tool" --version >/dev/null 2>&1 && return
  echo "deps: no $1 on the PATH that will do, and $tool does not run (npm carries it for x86-64 Linux);" \
    "install Foundry 1.7 or later: https://getfoundry.sh" >&2
  exit 1
}

if needs_npm; then
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  if [ "$major" -lt 18 ]; then
    echo "deps: $(command -v node) is $(node --version); at least 18 is needed" >&2
    exit 1
  fi
  make --no-print-directory -C chain tools
  node scripts/chain-tools.mjs
  has_anvil || runs anvil
  have forge || runs forge
fi

if [ "$purpose" = player ]; then
  (cd tests/player && npm ci --no-audit --no-fund --ignore-scripts)
  wasm=wasm32-unknown-unknown
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$wasm/lib" ]; then
    if ! have rustup; then
      echo "deps: Rust's libraries for $wasm are missing, and there is no rustup to add them; install Rust by" \
        "https://rustup.rs, then type: rustup target add $wasm" >&2
      exit 1
    fi
    rustup target add "$wasm"
  fi
fi

if [ "$purpose" = test ]; then
  for component in fmt clippy; do
    if ! cargo "$component" --version >/dev/null 2>&1; then
      name=${component/#fmt/rustfmt}
      if have rustup; then
        rustup component add "$name"
      else
        echo "deps: cargo $component is missing; add the component $name to your Rust" >&2
        exit 1
      fi
    fi
  done
fi
echo "deps: everything that 'make ${purpose/#player/nightly}' needs is here"
