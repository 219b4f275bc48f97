#!/usr/bin/env bash
# check_cuda.sh COMPILE GOLDEN RUN SIMULATOR CASE FOLDER MODEL   check.sh on the simulated GPU: compiles MODEL and compares
# its logits with CASE's, launch by launch through libcuda.so.1 of the folder SIMULATOR; then, where there is a tokenizer,
# the text that follows a prompt with the CPU's.
set -euo pipefail
compile=$1 golden=$2 run=$3 simulator=$4 case=$5 folder=$6 model=$7
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$compile" "$model" -o "$work/model.strata" --target=cpu,cuda --arch=sim
export LD_LIBRARY_PATH=$simulator

check() { env "$1" "$golden" "$work/model.strata" "$folder/golden.safetensors" --device cuda "${@:2}"; }

if [[ $case == demo ]]; then # large: once is enough
  echo "$case on cuda: at once"
  check STRATA_SIM_RACES=0
elif [[ $case == far* ]]; then # long: once, the last tokens by the decode forms
  echo "$case on cuda: 4100 tokens, then the rest"
  check STRATA_SIM_RACES=0 --chunk 4100
else
  echo "$case on cuda: at once, with races as errors; in chunks of 7, together, work done as late as possible"
  check STRATA_SIM_RACES=1
  check STRATA_SIM_STREAMS=lazy --chunk 7 --together
fi

if [[ $case == odd_sizes || $case == norm_bias ]]; then
  echo "$case on cuda: token by token, by threes; without fusion"
  check STRATA_SIM_RACES=0 --chunk 1
  check STRATA_SIM_RACES=0 --chunk 3
  "$compile" "$model" -o "$work/model.strata" --target=cuda --arch=sim --no-fuse
  check STRATA_SIM_RACES=1
fi

if [[ -e $model/tokenizer.model ]]; then
  text() { "$run" "$work/model.strata" -p "Once upon a time" -n 12 "$@" 2> /dev/null; }
  [[ $(text --device cuda) == "$(text)" ]] || { echo "$case: cuda writes another text than cpu"; exit 1; }
fi
