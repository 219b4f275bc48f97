#!/usr/bin/env python3
"""Compares what strata-run --dump-activations wrote with another dump, or with transformers: where does a model go wrong?

    strata-run model.strata -p "Once upon a time" -n 1 --dump-activations ours
    compare_activations.py ours theirs          # another dump: of another package, target or device
    compare_activations.py ours models/demo     # a checkpoint, run by transformers in float32 with hooks

Prints a line for each value that both have, in the order in which it was computed: the relative error (Frobenius) over
all rows, the largest difference, and a mark where the error is above --tolerance; the exit status is then 1. A package
compiled with --no-fuse has the most values. Needs numpy; for a checkpoint also torch and transformers.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np


def read_dump(folder):
    """The values of a dump, by name, in the order in which they were computed; and its tokens."""
    index = json.loads((folder / "index.json").read_text())
    return {value["name"]: np.load(folder / (value["name"] + ".npy")) for value in index["values"]}, index["tokens"]


def run_transformers(folder, tokens):
    """The same values from transformers, as far as its modules show them."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    values = {}

    def keep(name, tensor):
        values[name] = tensor.detach().float().reshape(-1, tensor.shape[-1]).numpy()

    # What a module computes has its name; what goes into a norm or a projection is named after what made it.
    inputs = {"model.norm": f"model.layers.{len(model.model.layers) - 1}.mlp.down_proj.residual"}
    for i in range(len(model.model.layers)):
        layer = f"model.layers.{i}"
        inputs[f"{layer}.self_attn.o_proj"] = f"{layer}.self_attn.attention"
        inputs[f"{layer}.post_attention_layernorm"] = f"{layer}.self_attn.o_proj.residual"
        inputs[f"{layer}.mlp.down_proj"] = f"{layer}.mlp.up_proj.squared_relu"
        if i:
            inputs[f"{layer}.input_layernorm"] = f"model.layers.{i - 1}.mlp.down_proj.residual"
    for name, module in model.named_modules():
        if hasattr(module, "weight"):
            module.register_forward_hook(lambda _, args, output, name=name: keep(name, output))
        if name in inputs:
            module.register_forward_pre_hook(lambda _, args, name=inputs[name]: keep(name, args[0]))
    with torch.no_grad():
        model(torch.tensor([tokens]), use_cache=False)
    values["lm_head"] = values["lm_head"][-1:]  # a dump has the logits of the last token
    return values


def compare(ours, theirs, tolerance):
    """Prints the table; the number of values above the tolerance, and of those compared."""
    shared = [name for name in ours if name in theirs]
    width, wrong = max(map(len, shared), default=0), 0
    print(f"{'value':{width}}  {'shape':>13}  {'error':>9}  {'largest':>9}")
    for name in shared:
        a, b = ours[name].astype(np.float64), theirs[name].astype(np.float64)
        if a.shape != b.shape:
            sys.exit(f"{name}: shape: expected {list(b.shape)}, found {list(a.shape)}")
        difference = a - b
        error = np.linalg.norm(difference) / max(np.linalg.norm(b), 1e-30)
        bad = not error <= tolerance
        wrong += bad
        shape = "x".join(map(str, a.shape))
        print(f"{name:{width}}  {shape:>13}  {error:9.2e}  {np.abs(difference).max():9.2e}{'  <--' if bad else ''}")
    return wrong, len(shared)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path, help="a dump")
    parser.add_argument("theirs", type=Path, help="another dump, or a checkpoint's folder")
    parser.add_argument("--tolerance", type=float, default=0.05, help="largest relative error; default 0.05")
    options = parser.parse_args()
    ours, tokens = read_dump(options.ours)
    if (options.theirs / "index.json").exists():
        theirs, others = read_dump(options.theirs)
        if tokens != others:
            sys.exit(f"{options.theirs}: expected the tokens {tokens}, found {others}")
    else:
        theirs = run_transformers(options.theirs, tokens)
    wrong, compared = compare(ours, theirs, options.tolerance)
    if compared == 0:
        sys.exit("expected values of the same names, found none")
    print(f"{compared} values compared, {wrong} above {options.tolerance}")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
