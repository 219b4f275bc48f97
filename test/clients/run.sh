#!/usr/bin/env bash
# run.sh PACKAGE [PYTHON]: real clients against strata-serve: curl, openai-python, LangChain, aiperf, lm-evaluation-harness.
# PYTHON has the packages openai and lm-eval, with what its API models need; langchain-openai, aiperf, and torch with
# transformers are used where it has them. Serves models/demo's PACKAGE; prints what the clients print.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
package=$1 python=${2:-python3}
work=$(mktemp -d)
export HF_DATASETS_OFFLINE=1 HF_HUB_OFFLINE=1 HF_DATASETS_CACHE=$work/cache TOKENIZERS_PARALLELISM=false

mkfifo "$work/port"
"${STRATA_SERVE:-$root/build/release/bin/strata-serve}" "$package" --model-name demo --chat-template raw --port 0 >"$work/port" &
server=$!
trap 'kill $server; wait $server; rm -rf "$work"' EXIT
read -r port <"$work/port" # "serving demo on http://127.0.0.1:PORT"
port=${port##*:}
url=http://127.0.0.1:$port

echo "== curl"
curl -sS --version | head -n 1
curl -sS "$url/health" "$url/v1/models" "$url/version"
curl -sS "$url/v1/completions" --json '{"prompt": "In the beginning", "max_tokens": 8, "temperature": 0}'
curl -sSN "$url/v1/chat/completions" --json '{"messages": [{"role": "user", "content": "In the"}], "max_tokens": 3, "stream": true}'

echo "== openai-python"
"$python" "$here/openai_client.py" "$url/v1" demo

has() { "$python" -c "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))" "$@"; }
if has langchain_openai; then
  echo "== LangChain"
  "$python" "$here/langchain_client.py" "$url/v1" demo
fi

if has aiperf; then
  echo "== aiperf"
  for type in completions chat; do # it takes no folder for a tokenizer while the hub is off
    env -u HF_HUB_OFFLINE "$(dirname "$python")/aiperf" profile --model demo --url "$url" --endpoint-type $type --streaming \
      --tokenizer "$root/models/demo" --synthetic-input-tokens-mean 48 --synthetic-input-tokens-stddev 0 \
      --output-tokens-mean 16 --extra-inputs ignore_eos:true --extra-inputs temperature:0 --concurrency 4 \
      --request-count 24 --random-seed 1 --ui none --artifact-dir "$work/aiperf-$type" >"$work/log"
    "$python" - "$work/aiperf-$type/profile_export_aiperf.json" $type <<'END'
import json, sys
run = json.load(open(sys.argv[1]))
print(sys.argv[2], {key: run[key]["avg"] for key in ("request_count", "usage_prompt_tokens", "usage_completion_tokens")},
      "errors:", run.get("error_request_count", {}).get("avg", 0))
END
  done
fi

echo "== lm-evaluation-harness"
"$python" "$here/make_tasks.py" "$root/models/demo/heldout.txt" "$work/tasks"
evaluate() { # NAME MODEL ARGUMENTS TASKS BATCH
  echo "-- $2 $3, batch $5"
  "$python" -m lm_eval --model "$2" --model_args "$3" --tasks $4 --batch_size "$5" --include_path "$work/tasks" \
    --log_samples --output_path "$work/$1" 2>"$work/log" | grep '^|' || { tail -n 20 "$work/log" >&2; return 1; }
}
all=strata_choice,strata_generate,strata_rolling
for setting in "1 1" "8 1" "1 16" "8 16"; do
  read -r batch concurrent <<<"$setting"
  evaluate "ours-$batch-$concurrent" local-completions \
    "model=demo,base_url=$url/v1/completions,num_concurrent=$concurrent,max_length=255" $all "$batch"
done
evaluate chat local-chat-completions "model=demo,base_url=$url/v1/chat/completions,num_concurrent=4" "strata_generate --apply_chat_template" 1

# The same with transformers. A client of completions keeps two tokens of max_length for itself. Without the class,
# transformers 5 makes a tokenizer of tokenizer.model that lacks SentencePiece's space before a text.
if has torch transformers accelerate; then
  mkdir "$work/tokenizer"
  cp "$root/models/demo/tokenizer.model" "$work/tokenizer"
  sed 's/^{/{"tokenizer_class": "LlamaTokenizer",/' "$root/models/demo/tokenizer_config.json" >"$work/tokenizer/tokenizer_config.json"
  for type in float32 bfloat16; do
    evaluate $type hf "pretrained=$root/models/demo,tokenizer=$work/tokenizer,dtype=$type,max_length=253,add_bos_token=False" $all 8
    "$python" "$here/compare_samples.py" "$work/ours-8-16" "$work/$type"
  done
fi
