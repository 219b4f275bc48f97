#!/usr/bin/env bash
# measure-gpu.sh BIN [OPTIONS]   What Strata does on this machine's GPU: the device, speed of Nemotron-4 15B with random
# weights at batches of 1, 4 and 16, beside the ceilings measured in the same runs, and each kernel's share. BIN is the
# folder of strata-bench, and of strata-compile unless --package says what to measure.
#
#   --package FILE      a package for cuda made elsewhere; machines with GPUs need no LLVM
#   --device cuda:N     which GPU; default cuda:0
#   --small SIMULATOR   a tiny model on the simulated GPU: SIMULATOR is the folder of its libcuda.so.1. Its times mean
#                       nothing; it shows that this script works
#
# Writes Markdown to standard output. Exit status 1: something could not be measured.
set -euo pipefail

usage() { sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
[[ $# -ge 1 && $1 != -* ]] || usage
bin=$1 device=cuda:0 package= simulator=
shift
while [[ $# -gt 0 ]]; do
  [[ $# -ge 2 ]] || usage
  case $1 in
  --package) package=$2 ;;
  --device) device=$2 ;;
  --small) simulator=$2 ;;
  *) usage ;;
  esac
  shift 2
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

model=nemotron-4-15b prompts=512,2048 generated=128 batches=1,4,16 depths=0,2048 repetitions=5 arch=sm_80,sm_90a
if [[ -n $simulator ]]; then
  export LD_LIBRARY_PATH=$simulator STRATA_SIM_RACES=0
  model=$work/tiny/config.json prompts=20 generated=2 batches=1,3 depths=5 repetitions=1 arch=sim
  mkdir "$work/tiny"
  cat > "$model" << 'END'
{"architectures": ["NemotronForCausalLM"], "model_type": "nemotron", "hidden_act": "relu2", "vocab_size": 96,
 "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
 "num_key_value_heads": 2, "head_dim": 16, "partial_rotary_factor": 0.5, "rope_theta": 10000.0, "norm_eps": 1e-05,
 "max_position_embeddings": 256, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "bos_token_id": 1,
 "eos_token_id": 2}
END
fi

if [[ -z $package ]]; then
  package=$work/model.strata
  "$bin/strata-compile" "$model" --target=cuda --arch=$arch -o "$package" > "$work/compiled.txt"
fi

bench() { "$bin/strata-bench" "$package" --device="$device" --random-weights "$@" -r $repetitions -o md; }

echo "## Device"
echo
"$bin/strata-bench" --version | sed 's/^/    /'
"$bin/strata-bench" --list-devices | sed 's/^/    /'
echo
echo "## Batches of $batches, random weights, $device"
echo
bench -p $prompts -n $generated -b $batches
echo
echo "## With context before"
echo
bench -p 0 -n $generated -d $depths
echo
echo "## Kernels"
echo
bench -p ${prompts%%,*} -n $generated --per-kernel
