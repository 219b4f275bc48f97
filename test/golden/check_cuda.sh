#!/usr/bin/env bash
# check_cuda.sh ARCH COMPILE GOLDEN RUN SIMULATOR CASE FOLDER MODEL   check.sh on the simulated GPU: compiles MODEL for
# ARCH, sim or sim_90a, and compares its logits with CASE's, launch by launch through libcuda.so.1 of the folder
# SIMULATOR; then, where there is a tokenizer, the text that follows a prompt with the CPU's.
set -euo pipefail
arch=$1 compile=$2 golden=$3 run=$4 simulator=$5 case=$6 folder=$7 model=$8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

target=cuda
[[ -e $model/tokenizer.model ]] && target=cpu,cuda # to compare texts
"$compile" "$model" -o "$work/model.strata" --target="$target" --arch="$arch"
export LD_LIBRARY_PATH=$simulator

check() { env "$1" "$golden" "$work/model.strata" "$folder/golden.safetensors" --device cuda "${@:2}"; }

if [[ $case == demo ]]; then # large: once is enough
  echo "$case on cuda: at once"
  check STRATA_SIM_RACES=0
elif [[ $case == far* ]]; then # long: once, the last tokens by the decode forms
  echo "$case on cuda: 4100 tokens, then the rest"
  check STRATA_SIM_RACES=0 --chunk 4100
elif [[ $arch == sim_90a ]]; then # few tokens take the forms of sim
  echo "$case on cuda: at once, with races as errors; together, in any order"
  check STRATA_SIM_RACES=1
  check STRATA_SIM_SCHEDULE=random --together
else
  echo "$case on cuda: at once, with races as errors; in chunks of 7, together, work done as late as possible"
  check STRATA_SIM_RACES=1
  check STRATA_SIM_STREAMS=lazy --chunk 7 --together
fi

if [[ $case == odd_* || $case == norm_bias ]]; then
  if [[ $arch == sim ]]; then
    echo "$case on cuda: token by token, by threes"
    check STRATA_SIM_RACES=0 --chunk 1
    check STRATA_SIM_RACES=0 --chunk 3
  fi
  echo "$case on cuda: without fusion"
  "$compile" "$model" -o "$work/model.strata" --target=cuda --arch="$arch" --no-fuse
  check STRATA_SIM_RACES=1
fi

if [[ -e $model/tokenizer.model ]]; then
  # The twelfth token is a tie to 0.01; rounding decides it.
  text() { "$run" "$work/model.strata" -p "Once upon a time" -n 11 "$@"; }
  cuda=$(text --device cuda)
  cpu=$(text)
  [[ -n $cpu ]] || { echo "$case: expected a text, found none"; exit 1; }
  [[ $cuda == "$cpu" ]] || { echo "$case: cuda writes another text than cpu"; exit 1; }
fi
