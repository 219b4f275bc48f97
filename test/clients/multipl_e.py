#!/usr/bin/env python3
"""multipl_e.py URL MODEL PROBLEMS FOLDER [TOKENS]: has a server complete MultiPL-E's problems, greedily, and writes what its
evaluation container reads; up to 1024 tokens, or TOKENS, each. PROBLEMS: a file of JSON lines, one problem each, as datasets' to_json() writes them of
nuprl/MultiPL-E. Needs no packages.
"""

import concurrent.futures
import gzip
import json
import pathlib
import sys
import urllib.request

url, model, problems, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
most_tokens = int(sys.argv[5]) if len(sys.argv) > 5 else 1024


def complete(problem):
    body = {"model": model, "prompt": problem["prompt"], "stop": problem["stop_tokens"], "max_tokens": most_tokens, "temperature": 0}
    request = urllib.request.Request(f"{url}/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=3600) as answer:
        text = json.load(answer)["choices"][0]["text"]
    result = {key: problem[key] for key in ("name", "language", "prompt", "tests", "stop_tokens")}
    result |= {"temperature": 0, "top_p": 1, "max_tokens": most_tokens, "completions": [text]}
    with gzip.open(folder / f"{problem['name']}.json.gz", "wt") as file:
        json.dump(result, file)


folder.mkdir(parents=True, exist_ok=True)
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    done = list(pool.map(complete, map(json.loads, problems.read_text().splitlines())))
print(len(done), "problems")
