#!/usr/bin/env bash
# check.sh COMPILE GOLDEN CASE FOLDER MODEL   compiles MODEL and compares its logits with CASE's,
# in the ways a prompt can be fed, on each level of x86-64 that this CPU has. AMX's tiles are also
# emulated, so that CPUs without them try what multiplies by tiles.
set -euo pipefail
compile=$1 golden=$2 case=$3 folder=$4 model=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

all=x86-64-v4-amx,x86-64-v4-amx-emulated,x86-64-v4-bf16,x86-64-v3
"$compile" "$model" --cpu=$all -o "$work/fused.strata"
"$compile" "$model" --cpu=$all -o "$work/plain.strata" --no-fuse

levels=(x86-64-v3)
grep -qw avx512_bf16 /proc/cpuinfo && levels+=(x86-64-v4-bf16 x86-64-v4-amx-emulated)
grep -qw amx_bf16 /proc/cpuinfo && levels+=(x86-64-v4-amx)

check() { "$golden" "$work/$1.strata" "$folder/golden.safetensors" "${@:2}"; }

for level in "${levels[@]}"; do
  echo "$case on $level: at once, together, in chunks of 7, token by token; without fusion"
  check fused --code "$level"
  check fused --code "$level" --together --threads 1
  check fused --code "$level" --chunk 7
  # Thousands of tokens one by one take too long; what they test, chunks of 7 test as well.
  [[ $case == far* ]] || check fused --code "$level" --chunk 1
  [[ $case == far* ]] || check plain --code "$level"
done
