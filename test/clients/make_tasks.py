#!/usr/bin/env python3
"""make_tasks.py HELDOUT FOLDER: three tasks for lm-evaluation-harness that need no network, from a text.

strata_choice: which of four lines follows (log-likelihoods); strata_rolling: perplexity of paragraphs (rolling);
strata_generate: which word follows (generate_until, exact match).
"""

import json
import pathlib
import random
import sys

heldout, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
lines = [line for line in heldout.read_text().splitlines() if 40 < len(line) < 200]
chooser = random.Random(1)

choices = []
for at in range(0, 120, 2):
    wrong = chooser.sample(lines[200:], 3)
    options = wrong + [lines[at + 1]]
    chooser.shuffle(options)
    choices.append({"text": lines[at], "options": options, "answer": options.index(lines[at + 1])})
paragraphs = [{"text": "\n".join(lines[at:at + 20])} for at in range(0, 200, 20)]
beginnings = [{"text": " ".join(line.split()[:5]), "next": line.split()[5]} for line in lines[:48]]

TASKS = {
    "choice": (choices, """output_type: multiple_choice
doc_to_text: "{{text}}"
doc_to_choice: "{{options}}"
doc_to_target: answer
target_delimiter: "\\n"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""),
    "rolling": (paragraphs, """output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: word_perplexity}, {metric: byte_perplexity}, {metric: bits_per_byte}]
"""),
    "generate": (beginnings, """output_type: generate_until
doc_to_text: "{{text}}"
doc_to_target: "{{next}}"
generation_kwargs: {until: ["\\n", "."], max_gen_toks: 12, do_sample: false, temperature: 0.0}
filter_list: [{name: word, filter: [{function: regex, regex_pattern: '^\\s*(\\S+)'}, {function: take_first}]}]
metric_list: [{metric: exact_match}]
"""),
}
for name, (documents, settings) in TASKS.items():
    data = folder / f"{name}.jsonl"
    data.write_text("".join(json.dumps(document) + "\n" for document in documents))
    (folder / f"{name}.yaml").write_text(
        f"task: strata_{name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {data.resolve()}}}}}\n"
        f"test_split: test\n{settings}metadata: {{version: 1}}\n")
