#!/usr/bin/env bash
# Cargo's RUSTC_WORKSPACE_WRAPPER for a build that only lints: clippy in the place of rustc, every warning an error, and no code
# made. `cargo clippy` would check all dependencies anew, two thirds of its time; this takes what a build has left of them.
#
#   RUSTC_WORKSPACE_WRAPPER=scripts/lint-only.sh cargo build --release --workspace --all-targets
set -euo pipefail

name='' out='' suffix='' kind='' previous=''
arguments=()
for word in "$@"; do
  case $previous in
    --crate-name) name=$word ;;
    --crate-type) kind=$word ;;
    --out-dir) out=$word ;;
  esac
  case $word in
    --test) kind=test ;;
    extra-filename=*) suffix=${word#*=} ;;
  esac
  previous=$word
  case $word in
    --emit=*) word=--emit=dep-info,metadata ;;
    # What a library's users need of it to be linted lies beside it.
    *.rlib) word=${word%.rlib}.rmeta ;;
  esac
  arguments+=("$word")
done

# Build scripts are run, and questions about the compiler answered.
case $name in
  build_script_* | ___ | '') exec clippy-driver "$@" ;;
esac
clippy-driver "${arguments[@]}" -D warnings
# Cargo looks for what it has asked for, to know later that it was done. Programs it would put in the place of real ones.
case $kind in
  lib) : >"$out/lib$name$suffix.rlib" ;;
  test) : >"$out/$name$suffix" ;;
esac
