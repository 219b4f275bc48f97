#!/usr/bin/env bash
# From a fresh clone to text: sets up, builds the two tools, compiles the demonstration model and writes a paragraph.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

# Shows a command as one would type it, then runs it.
run() {
  local word
  printf '$'
  for word in "$@"; do
    [[ $word == *' '* ]] && word="\"$word\""
    printf ' %s' "$word"
  done
  printf '\n'
  "$@"
}

step "Set-up: what the build needs, from Debian's packages"
tools/setup.sh

step "Build: strata-compile and strata-run"
run cmake --preset release
run cmake --build --preset release --target strata-compile strata-run

step "Compile: the model's folder becomes one package"
run build/release/bin/strata-compile models/demo -o build/demo.strata

step "Run: the package, the checkpoint beside it, and a prompt"
run build/release/bin/strata-run build/demo.strata -p "In the beginning" -n 120 --temp 0.7 --seed 1
