#!/usr/bin/env python3
"""Makes demo/activations.safetensors: what transformers' modules compute inside of the demonstration model, in float32.

Some rows of one layer's values, and of what stands before and behind the layers, under the names that
strata-run --dump-activations gives them. Set up as for make_golden.py, which stands beside this file:

    venv/bin/python test/golden/make_activations.py
"""
import sys

import numpy as np
import sentencepiece
import torch
from make_golden import DEMO, GOLDEN, sort_header
from safetensors.torch import save_file

sys.path.insert(0, str(GOLDEN.parent.parent / "tools"))
from compare_activations import run_transformers  # noqa: E402

PROMPT, BOS = "Once upon a time there was a little house in the woods and", 2
ROWS = [0, 7, 16]
ENDS = ["model.embed_tokens", "model.layers.5.mlp.down_proj.residual", "model.norm", "lm_head"]


def main():
    torch.set_num_threads(1)
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "tokenizer.model"))
    tokens = [BOS, *tokenizer.encode(PROMPT)]
    values = run_transformers(DEMO, tokens)
    kept = {name: value for name, value in values.items() if name in ENDS or name.startswith("model.layers.3.")}
    tensors = {"rows": torch.tensor(ROWS, dtype=torch.int32), "tokens": torch.tensor(tokens, dtype=torch.int32)}
    for name, value in kept.items():
        tensors[name] = torch.from_numpy(np.ascontiguousarray(value if len(value) == 1 else value[ROWS]))
    path = GOLDEN / "demo" / "activations.safetensors"
    save_file(tensors, path, metadata={"reference": "float32, eager attention", "prompt": PROMPT})
    sort_header(path)
    path.chmod(0o644)
    print(f"{len(kept)} values, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
