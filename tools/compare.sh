#!/usr/bin/env bash
# compare.sh PYTHON FOLDER [LLAMA_BENCH]: strata-bench beside Hugging Face transformers on PyTorch and, where its binary is
# given, llama.cpp's llama-bench: 836 M parameters in bf16, a prompt of 512 tokens and 64 generated ones (PROMPT, TOKENS), two
# threads (THREADS), in alternating rounds (ROUNDS, 3). PYTHON has the packages torch, transformers, gguf and numpy; build
# llama-bench for this CPU. strata-bench and llama-bench map one GGUF file, which is written to FOLDER; so are logs. Prints a
# table of medians with the machine's ceilings and the versions.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
python=$1 folder=$2 llama=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
bin=${STRATA_BIN:-$here/../build/release/bin}
prompt=${PROMPT:-512} tokens=${TOKENS:-64} threads=${THREADS:-2}
mkdir -p "$folder"
rm -f "$folder"/*.run

[ -e "$folder/836m.gguf" ] || "$python" "$here/../test/clients/random_gguf.py" 836m "$folder/836m.gguf"
"$bin/strata-compile" "$folder/836m.gguf" -o "$folder/836m.strata" >"$folder/strata-compile.log"

for ((round = 1; round <= ${ROUNDS:-3}; ++round)); do
  "$bin/strata-bench" "$folder/836m.strata" --threads "$threads" -p "$prompt" -n "$tokens" -r 1 -o json \
    >"$folder/strata-$round.run"
  "$python" "$here/compare_torch.py" "$threads" "$prompt" "$tokens" >"$folder/torch-$round.run" 2>"$folder/torch.log"
  [ -z "$llama" ] || "$llama" -m "$folder/836m.gguf" -t "$threads" -p "$prompt" -n "$tokens" -r 1 -o json \
    >"$folder/llama.cpp-$round.run" 2>"$folder/llama-bench.log"
done

"$python" - "$folder" "$prompt" "$tokens" <<'END'
import json, pathlib, statistics, sys
folder, prompt, tokens = sys.argv[1:]
speed = {"strata": "tokens_per_second_median", "torch": "tokens_per_second", "llama.cpp": "avg_ts"}
runs = {name: [json.loads(path.read_text()) for path in sorted(pathlib.Path(folder).glob(f"{name}-*.run"))] for name in speed}
runs = {name: each for name, each in runs.items() if each}
median = lambda name, test, key: statistics.median(run[test][key] for run in runs[name])
print("| | " + " | ".join([f"pp{prompt}, tok/s", "of strata", f"tg{tokens}, tok/s", "of strata"]) + " |", "|---|---|---|---|---|", sep="\n")
for name in runs:
    print(f"| {name}", *(f"{median(name, test, speed[name]):.1f} | {median(name, test, speed[name]) / median('strata', test, speed['strata']):.2f}"
                         for test in (0, 1)), sep=" | ", end=" |\n")
print(f"\nCeilings of the same {len(runs['strata'])} rounds: read {median('strata', 1, 'read_ceiling_bytes_per_second') / 1e9:.1f} GB/s, of which "
      f"strata has {median('strata', 1, 'share_of_read_ceiling'):.0%} (tg); {runs['strata'][0][0]['peak_instruction']} "
      f"{median('strata', 0, 'peak_flops_per_second') / 1e12:.2f} TFLOP/s, {median('strata', 0, 'share_of_peak'):.0%} (pp); code {runs['strata'][0][0]['code']}.")
END
"$bin/strata-bench" --version | head -1
"$python" -c 'import torch, transformers; print("torch", torch.__version__, "transformers", transformers.__version__)'
[ -z "$llama" ] || grep -ho 'build: .*\|"build_commit": "[^"]*"' "$folder/llama.cpp-1.run" | head -1
grep -m1 'model name' /proc/cpuinfo
