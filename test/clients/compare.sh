#!/usr/bin/env bash
# compare.sh LLAMA_SERVER PYTHON FOLDER: strata-serve beside llama.cpp's llama-server, by strata-load, both with the same
# random weights of bf16 (836 M parameters) from one GGUF file, which both map, and with two threads. Build llama-server for
# this CPU; PYTHON has the packages gguf and numpy. Alternates ROUNDS times (3 as a rule) at each of CLIENTS ("1 16 64" as a
# rule); every request has 512 tokens and gets 128 (PROMPT, OUTPUT). Writes the
# model and strata-load's JSON to FOLDER and prints a table.
set -euo pipefail
llama=$1 python=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
bin=${STRATA_BIN:-$here/../../build/release/bin}
prompt=${PROMPT:-512} output=${OUTPUT:-128} rounds=${ROUNDS:-3}
most=64 tokens=$((prompt + output))
mkdir -p "$folder"
server=
trap '[ -z "$server" ] || kill $server' EXIT

[ -e "$folder/836m.gguf" ] || "$python" "$here/random_gguf.py" 836m "$folder/836m.gguf"
[ -e "$folder/836m.strata" ] || "$bin/strata-compile" "$folder/836m.gguf" -o "$folder/836m.strata" >/dev/null

# Each server starts anew for each run, so that none finds a prompt in its cache.
start() { # NAME CLIENTS: sets url
  if [ "$1" = strata ]; then
    "$bin/strata-serve" "$folder/836m.strata" --threads 2 --context $tokens --sequences $most --port 0 >"$folder/log" 2>&1 &
  else
    "$llama" -m "$folder/836m.gguf" -t 2 -tb 2 -np "$2" -c $(($2 * tokens)) --port 8090 >"$folder/log" 2>&1 &
  fi
  server=$! url=http://127.0.0.1:8090
  if [ "$1" = strata ]; then
    until url=$(grep -o 'http://.*' "$folder/log"); do kill -0 $server && sleep 0.1; done
  fi
  until curl -sf "$url/health" >/dev/null; do kill -0 $server && sleep 0.1; done
}

measure() { # NAME CLIENTS ROUND
  start "$1" "$2"
  local requests=$2
  [ "$2" -gt 1 ] || requests=2
  "$bin/strata-load" "$url" -p "$prompt" -n "$output" --clients "$2" --requests "$requests" --vocabulary 32000 --seed "$3" -o json \
    >"$folder/$1-$2-$3.json" || true # which failed is in the file
  kill $server
  wait $server || true
  server=
}

for clients in ${CLIENTS:-1 16 64}; do
  for ((round = 1; round <= rounds; ++round)); do
    for name in ${SERVERS:-strata llama}; do measure "$name" "$clients" "$round"; done
  done
done
"$llama" --version 2>&1 | grep version || true
"$python" - "$folder" <<'END'
import json, pathlib, re, statistics, sys
runs = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*-*-*.json")):
    name, clients, _ = re.split("-", path.stem)
    if path.stat().st_size:  # else its warming up failed
        runs.setdefault((int(clients), name), []).append(json.loads(path.read_text()))
print("| clients | server | failed | tokens a second | TTFT median | ITL median | ITL p99 |", "|---|---|---|---|---|---|---|", sep="\n")
for (clients, name), each in sorted(runs.items(), key=lambda run: (run[0][0], run[0][1] != "strata")):
    median = lambda *keys: statistics.median(pick(run, keys) for run in each)
    pick = lambda run, keys: pick(run[keys[0]], keys[1:]) if keys else run
    print(f"| {clients} | {name} | {sum(run['failed'] for run in each)} | {median('generated_tokens_per_second'):.1f} "
          f"| {median('ttft', 'median'):.2f} s | {1e3 * median('itl', 'median'):.0f} ms | {1e3 * median('itl', 'p99'):.0f} ms |")
END
