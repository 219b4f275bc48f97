#!/usr/bin/env bash
# Installs with apt what Strata's build and tests need and this Debian 12 lacks; does nothing where all is there.
set -euo pipefail

packages=(
  # to build
  g++ cmake ninja-build git
  # the compiler: LLVM, MLIR and LLD as libraries; lit (which needs python3) and FileCheck for its tests
  llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools lld-22 liblld-22-dev zlib1g-dev libzstd-dev python3
  # the runtime and its tests
  libabsl-dev libsentencepiece-dev libflatbuffers-dev flatbuffers-compiler libsimdjson-dev libxxhash-dev libutf8proc-dev libevent-dev
  libgmock-dev libgtest-dev
  # fuzzing: clang with libFuzzer
  clang-22 libclang-rt-22-dev
)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Sets `missing` to the packages that are not installed.
find_missing() {
  missing=()
  local package
  for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
  done
}

# Sets `unknown` to the missing packages that no configured source offers, as far as apt's present lists tell.
find_unknown() {
  unknown=()
  local package candidate
  for package in "${missing[@]}"; do
    candidate=$(LC_ALL=C apt-cache policy "$package" 2>/dev/null | awk '/^  Candidate:/ {print $2}')
    [[ -n $candidate && $candidate != '(none)' ]] || unknown+=("$package")
  done
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

update_lists() {
  say "apt-get update (a source that fails is no error as long as the others have the packages)"
  as_root apt-get update -qq || true
}

install_missing() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >"$log" 2>&1
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  fail "this script installs with apt, on Debian 12; elsewhere install what stands for: ${packages[*]}"
fi

find_missing
if ((${#missing[@]} == 0)); then
  say "all ${#packages[@]} packages are installed"
  exit 0
fi
if ((EUID != 0)) && ! command -v sudo >/dev/null; then
  fail "not root and no sudo; as root run: apt-get update && apt-get install ${missing[*]}"
fi

find_unknown
if ((${#unknown[@]} > 0)); then
  update_lists
  find_unknown
fi
if ((${#unknown[@]} > 0)); then
  fail "no apt source offers: ${unknown[*]}
  Debian 12 has LLVM 22 in its security archive; this line belongs in /etc/apt/sources.list:
    deb http://security.debian.org/debian-security bookworm-security main
  (or LLVM's own: deb http://apt.llvm.org/bookworm/ llvm-toolchain-bookworm-22 main)"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
say "apt-get install ${missing[*]}"
# Lists from before the last point release name files that are gone from the mirrors: fetch them anew and try once more.
if ! install_missing; then
  update_lists
  install_missing || { tail -n 20 "$log" >&2; fail "apt-get install failed: ${missing[*]}"; }
fi
say "installed in $SECONDS s"
