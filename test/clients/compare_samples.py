#!/usr/bin/env python3
"""compare_samples.py OURS THEIRS: two folders of lm-evaluation-harness (--log_samples --output_path), document by document: how
far apart log-likelihoods are, whether the same choice is likeliest, how many texts are the same."""

import json
import pathlib
import sys


def samples(folder, task):
    (path,) = pathlib.Path(folder).glob(f"**/samples_{task}_*.jsonl")
    return sorted(map(json.loads, path.read_text().splitlines()), key=lambda sample: sample["doc_id"])


def responses(sample):
    """One of each request: [log-likelihood, is greedy], a log-likelihood, or a text."""
    return [given[0] for given in sample["resps"]]


def likeliest(sample):
    scores = [float(score) for score, _ in responses(sample)]
    return scores.index(max(scores))


def number(response):
    return float(response[0] if isinstance(response, list) else response)


def pairs(task):
    ours, theirs = samples(sys.argv[1], task), samples(sys.argv[2], task)
    assert [one["doc_id"] for one in ours] == [one["doc_id"] for one in theirs], task
    return list(zip(ours, theirs))


for task in ("strata_choice", "strata_rolling"):
    both = [(number(a), number(b)) for one, other in pairs(task) for a, b in zip(responses(one), responses(other), strict=True)]
    print(f"{task}: {len(both)} log-likelihoods, at most {max(abs(a - b) for a, b in both):.4f} apart,",
          f"relatively {max(abs(a - b) / abs(b) for a, b in both):.1e}")
choices = pairs("strata_choice")
same = sum(likeliest(one) == likeliest(other) for one, other in choices)
print(f"strata_choice: the same choice in {same} of {len(choices)}")
texts = pairs("strata_generate")
same = sum(responses(one)[0].lstrip() == responses(other)[0].lstrip() for one, other in texts)
print(f"strata_generate: the same text in {same} of {len(texts)}, but for a space before it")
