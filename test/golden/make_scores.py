#!/usr/bin/env python3
"""Makes demo/scores.json: what transformers, in float32, makes of the demonstration model's held-out text.

Perplexity in two ways, of the first windows alone so that the test is quick, and log-likelihoods of continuations.
strata-score is compared with the figures. Takes half a minute; set up as for make_golden.py, which stands beside this file:

    venv/bin/python test/golden/make_scores.py
"""
import json
import math

import sentencepiece
import torch
import transformers
from make_golden import DEMO, GOLDEN, demo_case, load_hf

CONTEXT, STRIDE, WINDOWS, BOS = 256, 96, 64, 2

PAIRS = [
    ("In the beginning", " of the house of God"),
    ("In the beginning ", "of the house of God"),
    ("In the beginning", " of the house of cheese"),
    ("He opened the door and", " went out."),
    ("The capital of France is", " Paris"),
    ("", "Once upon a time"),
    ("naïve café", " – déjà vu"),
]


def losses(model, tokens):
    """[n]: -log p of each token but the first, given those before it."""
    with torch.no_grad():
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits.double(), torch.tensor(tokens[1:]), reduction="none")


def chunked(model, tokens):
    """Chunks of CONTEXT tokens that begin with <s>; the tokens behind the middle one count."""
    kept = []
    for start in range(0, len(tokens) - CONTEXT + 1, CONTEXT)[:WINDOWS]:
        window = [BOS, *tokens[start + 1 : start + CONTEXT]]
        kept.append(losses(model, window)[CONTEXT // 2 :])
    return torch.cat(kept)


def strided(model, tokens):
    """Windows of CONTEXT tokens, each STRIDE behind the last; what no window had before counts. Also the mean of the
    windows' means that Hugging Face's guide takes, which weighs a window with one token less than it has."""
    kept, weighted, weights, end = [], 0.0, 0, 0
    for start in range(0, len(tokens), STRIDE)[:WINDOWS]:
        last, end = end, min(start + CONTEXT, len(tokens))
        new = losses(model, tokens[start:end])[max(last, start + 1) - start - 1 :]
        kept.append(new)
        weighted, weights = weighted + new.mean().item() * (end - last - 1), weights + end - last - 1
        if end == len(tokens):
            break
    return torch.cat(kept), math.exp(weighted / weights)


def score(model, tokenizer, context, continuation):
    """As lm-evaluation-harness encodes a pair: the whole and the context; what is left is the continuation's."""
    spaces = len(context) - len(context.rstrip())
    if spaces:
        context, continuation = context[:-spaces], context[-spaces:] + continuation
    whole = [BOS, *tokenizer.encode(context + continuation)]
    begin = 1 + len(tokenizer.encode(context))
    with torch.no_grad():
        logits = model(torch.tensor([whole]), use_cache=False).logits[0, begin - 1 : -1]
    targets = torch.tensor(whole[begin:])
    return {
        "logprob": -torch.nn.functional.cross_entropy(logits.double(), targets, reduction="sum").item(),
        "tokens": len(targets),
        "greedy": bool((logits.argmax(-1) == targets).all()),
    }


def perplexity(values):
    return {"perplexity": round(math.exp(values.mean().item()), 6), "tokens": len(values)}


def main():
    torch.set_num_threads(1)
    model = load_hf(demo_case(), DEMO, torch.float32, "eager")
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "tokenizer.model"))
    tokens = [BOS, *tokenizer.encode((DEMO / "heldout.txt").read_text(encoding="utf-8"))]
    values, guide = strided(model, tokens)
    scores = {
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__}, float32, eager attention",
        "text_tokens": len(tokens),
        "windows": WINDOWS,
        "chunked": {"context": CONTEXT, **perplexity(chunked(model, tokens))},
        "strided": {"context": CONTEXT, "stride": STRIDE, **perplexity(values), "guide_perplexity": round(guide, 6)},
        "pairs": [{"context": a, "continuation": b, **score(model, tokenizer, a, b)} for a, b in PAIRS],
    }
    (GOLDEN / "demo" / "scores.json").write_text(json.dumps(scores, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
