#!/usr/bin/env python3
"""make_flores.py FLORES FOLDER: tasks for lm-evaluation-harness that translate from Chinese, which it has none of, as the
Nemotron-4 paper does: 8 examples of dev, spBLEU on devtest. FLORES is the unpacked archive of FLORES-200, whose sentences are
those of FLORES-101: it has dev/zho_Hans.dev, devtest/zho_Hans.devtest and so on. The group is strata_flores_zh.
"""

import json
import pathlib
import sys

flores, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
LANGUAGES = {"English": "eng_Latn", "French": "fra_Latn", "Spanish": "spa_Latn", "Arabic": "arb_Arab",
             "Russian": "rus_Cyrl", "Japanese": "jpn_Jpan", "German": "deu_Latn"}
UTILS = """import sacrebleu

def process(doc, results):
    return {"spbleu": (doc["target"], results[0])}

def spbleu(items):
    references, predictions = zip(*items)
    return sacrebleu.corpus_bleu(list(predictions), [list(references)], tokenize="flores101").score
"""
TASK = """task: {task}
dataset_path: json
dataset_kwargs: {{data_files: {{dev: {dev}, devtest: {devtest}}}}}
output_type: generate_until
fewshot_split: dev
test_split: devtest
doc_to_text: "Chinese: {{{{source}}}}\\n{language}:"
doc_to_target: " {{{{target}}}}"
target_delimiter: ""
process_results: !function utils.process
num_fewshot: 8
fewshot_config: {{sampler: first_n}}
generation_kwargs: {{until: ["\\n"], max_gen_toks: 256, do_sample: false, temperature: 0.0}}
metric_list: [{{metric: spbleu, aggregation: !function utils.spbleu, higher_is_better: true}}]
metadata: {{version: 1}}
"""


def lines(split, language):
    return (flores / split / f"{language}.{split}").read_text().splitlines()


(folder / "utils.py").write_text(UTILS)
tasks = []
for language, code in LANGUAGES.items():
    task = f"strata_flores_zh_{code[:3]}"
    files = {}
    for split in ("dev", "devtest"):
        data = files[split] = (folder / f"{task}.{split}.jsonl").resolve()
        pairs = zip(lines(split, "zho_Hans"), lines(split, code), strict=True)
        data.write_text("".join(json.dumps({"source": source, "target": target}) + "\n" for source, target in pairs))
    (folder / f"{task}.yaml").write_text(TASK.format(task=task, language=language, **files))
    tasks.append(task)
(folder / "strata_flores_zh.yaml").write_text(
    f"group: strata_flores_zh\ntask: [{', '.join(tasks)}]\n"
    "aggregate_metric_list: [{metric: spbleu, weight_by_size: false}]\nmetadata: {version: 1}\n")
