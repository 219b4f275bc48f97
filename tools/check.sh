#!/usr/bin/env bash
# Everything from nothing: sets up, builds all of Strata and runs every test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s (at %d s)\n' "$*" "$SECONDS"; }

step "Set-up: what the build needs, from Debian's packages"
tools/setup.sh

step "Configure"
cmake --preset release

step "Build everything"
cmake --build --preset release

step "Fuzz every reader of files, a minute each"
cmake --preset fuzz
cmake --build --preset fuzz
ctest --preset fuzz --no-tests=error

step "Run every test"
reports=$PWD/build/release/reports
rm -rf "$reports"
mkdir "$reports"
export LIT_OPTS="--xunit-xml-output=$reports/lit.xml --use-unique-output-file-name" # two ctests run lit
# ctest's closing lines, with the time of the tests, are the last thing printed; before them stands what was skipped.
ctest --preset release --output-on-failure --no-tests=error \
  --output-junit "$reports/ctest.xml" --test-output-size-passed 10000000 | tools/report_skipped.py "$reports"
