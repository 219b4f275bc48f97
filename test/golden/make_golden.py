#!/usr/bin/env python3
"""Makes the golden logits: what Hugging Face transformers computes for small Nemotron models.

For every case this writes test/golden/CASE/{config.json,model.safetensors,golden.safetensors}; for `demo`, whose model
is models/demo, only golden.safetensors and greedy.json. README.md beside this file tells what is in them. It takes half a
minute on one CPU core; nothing of it is needed to build or to test:

    python3 -m venv venv && venv/bin/pip install -r test/golden/requirements.txt
    venv/bin/python test/golden/make_golden.py [CASE ...]
"""
import json
import math
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import NemotronConfig, NemotronForCausalLM

GOLDEN = Path(__file__).resolve().parent
DEMO = GOLDEN.parent.parent / "models" / "demo"
FLOAT64_TOLERANCE = 1e-5


# ---- the cases ---------------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """One model: its sizes, what its random weights are like, its sequences and how its config.json is spelled."""

    name: str
    hidden: int = 64
    ffn: int = 192
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 32
    vocab: int = 256
    rotary: float = 0.5
    theta: float = 10000.0
    eps: float = 1e-5
    context: int = 256
    embedding_std: float = 1.0
    norm_weight_std: float = 0.2
    norm_bias_std: float = 0.1
    dtype: str = "bfloat16"  # of the matrices, and unless said otherwise of the norms
    norm_dtype: str = ""
    attention_bias: bool = False
    mlp_bias: bool = False
    qk_gain: float = 1.5  # attention scores then have a deviation of about 2: far from uniform
    lengths: tuple = (37, 70)  # more than one page of 64 tokens, and less
    absent: tuple = ()  # keys left out of config.json, where their default means the same
    renamed: dict = field(default_factory=dict)  # key -> its other spellings
    rope_parameters: bool = False  # the spelling of transformers 5
    hf_reads_config: bool = True  # else HF is given the canonical spelling instead of the config.json we ship

    def canonical(self):
        """config.json with every key, as HF 4 and NVIDIA's checkpoints spell it."""
        return {
            "architectures": ["NemotronForCausalLM"],
            "model_type": "nemotron",
            "vocab_size": self.vocab,
            "hidden_size": self.hidden,
            "intermediate_size": self.ffn,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "hidden_act": "relu2",
            "max_position_embeddings": self.context,
            "norm_eps": self.eps,
            "rope_theta": self.theta,
            "partial_rotary_factor": self.rotary,
            "attention_bias": self.attention_bias,
            "mlp_bias": self.mlp_bias,
            "tie_word_embeddings": False,
            "bos_token_id": 2,
            "eos_token_id": 3,
            "pad_token_id": None,
            "torch_dtype": self.dtype,
        }

    def biased(self):
        """The linear modules of a layer that have biases."""
        attention = [f"self_attn.{name}_proj" for name in "qkvo"] if self.attention_bias else []
        return attention + (["mlp.up_proj", "mlp.down_proj"] if self.mlp_bias else [])

    def shipped(self):
        """config.json as this case spells it."""
        config = self.canonical()
        if self.rope_parameters:
            factor, theta = config.pop("partial_rotary_factor"), config.pop("rope_theta")
            config["rope_parameters"] = {"rope_type": "default", "rope_theta": theta, "partial_rotary_factor": factor}
            config["dtype"] = config.pop("torch_dtype")
        for key, spellings in self.renamed.items():
            value = config.pop(key)
            config |= {spelling: value for spelling in spellings}
        return {key: value for key, value in config.items() if key not in self.absent}


OLD_SPELLINGS = {
    "head_dim": ["kv_channels"],
    "partial_rotary_factor": ["rope_percent", "rope_percentage"],
    "norm_eps": ["layer_norm_eps"],
}

CASES = [
    Case("wide_heads", hidden=96, ffn=256, heads=6, kv_heads=2, vocab=320),
    Case("mha", hidden=96, ffn=256, heads=6, kv_heads=6, head_dim=16, vocab=320,
         absent=("num_key_value_heads", "head_dim"), hf_reads_config=False),
    Case("mqa", hidden=128, ffn=256, kv_heads=1, vocab=320, lengths=(65, 38)),
    Case("rotary_0", rotary=0.01),
    Case("rotary_25", rotary=0.25),
    Case("rotary_50", rotary=0.5, absent=("partial_rotary_factor", "rope_theta", "norm_eps")),
    Case("rotary_100", rotary=1.0, theta=500.0, rope_parameters=True),
    Case("rotary_33", hidden=72, ffn=136, heads=2, kv_heads=1, head_dim=64, vocab=128, rotary=0.33),
    Case("odd_widths", hidden=95, ffn=257, heads=2, kv_heads=1, vocab=129, attention_bias=True, mlp_bias=True),
    Case("odd_sizes", hidden=200, ffn=520, heads=5, kv_heads=1, head_dim=40, vocab=1003, lengths=(41, 83)),
    Case("norm_bias", hidden=96, ffn=256, heads=6, head_dim=16, vocab=320, norm_weight_std=0.7, norm_bias_std=1.0),
    Case("head_192", hidden=64, head_dim=192, vocab=320),
    Case("old_aliases", hidden=80, ffn=224, eps=1e-2, rotary=0.25, embedding_std=0.05, renamed=OLD_SPELLINGS,
         hf_reads_config=False),
    Case("attention_bias", hidden=96, ffn=256, heads=6, kv_heads=2, head_dim=16, vocab=320, attention_bias=True),
    Case("biases", hidden=72, ffn=200, kv_heads=1, head_dim=24, vocab=251, attention_bias=True, mlp_bias=True),
    Case("f16", heads=2, kv_heads=1, ffn=128, vocab=128, dtype="float16", norm_dtype="float32"),
    Case("f32", heads=2, kv_heads=1, ffn=128, vocab=128, dtype="float32"),
    Case("far", heads=2, kv_heads=2, context=8192, qk_gain=2.0, lengths=(4101,)),
    Case("far_gqa", heads=6, kv_heads=2, ffn=128, theta=1000000.0, context=8192, qk_gain=2.0, lengths=(4113,)),
]


def demo_case():
    config = json.loads((DEMO / "config.json").read_text())
    return Case("demo", config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"],
                config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"], config["vocab_size"],
                config["partial_rotary_factor"], config["rope_theta"], config["norm_eps"], config["max_position_embeddings"])


# ---- weights and tokens ------------------------------------------------------------------------------------------------


def random_weights(case):
    """A state dict in the case's types whose activations and logits are of the order of 1; it depends on the case alone."""
    generator = np.random.default_rng(zlib.crc32(case.name.encode()))

    def normal(*shape, std, dtype=case.dtype):
        values = torch.from_numpy(generator.standard_normal(shape, dtype=np.float32) * np.float32(std))
        return values.to(getattr(torch, dtype))

    def matrix(rows, columns, gain=1.0):
        return normal(rows, columns, std=gain / math.sqrt(columns))

    def norm(name):
        dtype = case.norm_dtype or case.dtype
        return {f"{name}.weight": normal(case.hidden, std=case.norm_weight_std, dtype=dtype),
                f"{name}.bias": normal(case.hidden, std=case.norm_bias_std, dtype=dtype)}

    q_rows, kv_rows = case.heads * case.head_dim, case.kv_heads * case.head_dim
    weights = {"model.embed_tokens.weight": normal(case.vocab, case.hidden, std=case.embedding_std)}
    for i in range(case.layers):
        layer = f"model.layers.{i}"
        weights |= norm(f"{layer}.input_layernorm") | norm(f"{layer}.post_attention_layernorm")
        weights[f"{layer}.self_attn.q_proj.weight"] = matrix(q_rows, case.hidden, case.qk_gain)
        weights[f"{layer}.self_attn.k_proj.weight"] = matrix(kv_rows, case.hidden, case.qk_gain)
        weights[f"{layer}.self_attn.v_proj.weight"] = matrix(kv_rows, case.hidden)
        weights[f"{layer}.self_attn.o_proj.weight"] = matrix(case.hidden, q_rows)
        weights[f"{layer}.mlp.up_proj.weight"] = matrix(case.ffn, case.hidden)
        weights[f"{layer}.mlp.down_proj.weight"] = matrix(case.hidden, case.ffn)
        for name in case.biased():
            rows = len(weights[f"{layer}.{name}.weight"])
            weights[f"{layer}.{name}.bias"] = normal(rows, std=0.5)
    return weights | norm("model.norm") | {"lm_head.weight": matrix(case.vocab, case.hidden)}


def random_sequences(case):
    generator = np.random.default_rng(zlib.crc32(f"{case.name} tokens".encode()))
    return [generator.integers(0, case.vocab, length).tolist() for length in case.lengths]


def demo_sequences():
    """Text that the model was not trained on, from two places, each after <s>."""
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "tokenizer.model"))
    lines = (DEMO / "heldout.txt").read_text().splitlines(keepends=True)
    first, second = "".join(lines[1:40]), "".join(lines[700:720])
    return [[2, *tokenizer.encode(first)][:201], [2, *tokenizer.encode(second)][:77]]


def stored_rows(length):
    """At most 12 tokens: the first, those about the edges of pages, some between, the last ones."""
    wanted = {0, 31, 63, 64, 127, length // 2, length // 3 * 2, *(length - back for back in (101, 65, 3, 2, 1))}
    return sorted(row for row in wanted if 0 <= row < length)


# ---- the reference: Hugging Face ---------------------------------------------------------------------------------------


def load_hf(case, folder, dtype, attention):
    source = case.shipped() if case.hf_reads_config else case.canonical()
    config = NemotronConfig.from_pretrained(folder) if case.name == "demo" else NemotronConfig(**source)
    model, report = NemotronForCausalLM.from_pretrained(
        folder, config=config, dtype=dtype, attn_implementation=attention, local_files_only=True, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    # Frequencies stay in float32 whatever the model's type, and span the rotary dimensions alone.
    rotary_dims = int(case.head_dim * case.rotary)
    assert model.model.rotary_emb.inv_freq.dtype == torch.float32
    assert model.model.rotary_emb.inv_freq.shape == (math.ceil(rotary_dims / 2),)
    assert next(model.parameters()).dtype == dtype and model.config._attn_implementation == attention
    return model.eval()


def hf_logits(case, folder, sequences, dtype, attention):
    """For each sequence, run alone and whole, its stored rows in float32."""
    model = load_hf(case, folder, dtype, attention)
    with torch.no_grad():
        return [model(torch.tensor([tokens]), use_cache=False, logits_to_keep=torch.tensor(stored_rows(len(tokens))))
                .logits[0].float() for tokens in sequences]


def relative_error(ours, reference):
    """Frobenius norm of the difference over that of the reference, over all rows of all sequences."""
    ours, reference = (torch.cat([torch.as_tensor(part).double() for part in parts]) for parts in (ours, reference))
    return ((ours - reference).norm() / reference.norm()).item()


# ---- the check on the reference: the same model in numpy, float64 ------------------------------------------------------


def numpy_rope(case, x):
    """x: [tokens, heads, head_dim]. Angles in float32, as every implementation has them; the rest in float64."""
    rotary_dims = int(case.head_dim * case.rotary)
    half = math.ceil(rotary_dims / 2)  # of an odd number, one feature more is rotated
    exponents = np.arange(0, rotary_dims, 2, dtype=np.float32) / np.float32(rotary_dims)
    frequencies = (1.0 / np.float64(case.theta) ** exponents).astype(np.float32)
    angles = np.outer(np.arange(len(x), dtype=np.float32), frequencies).astype(np.float64)[:, None, :]
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles), rest], -1)


def numpy_attention(case, q, k, v):
    """q: [tokens, heads, head_dim], k and v: [tokens, kv_heads, head_dim] -> [tokens, heads * head_dim]."""
    tokens, group = len(q), case.heads // case.kv_heads
    out = np.empty_like(q)
    for head in range(case.heads):
        scores = q[:, head] @ k[:, head // group].T / math.sqrt(case.head_dim)
        scores[np.triu_indices(tokens, 1)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        out[:, head] = weights / weights.sum(-1, keepdims=True) @ v[:, head // group]
    return out.reshape(tokens, -1)


def numpy_logits(case, weights, tokens):
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + case.eps)
        return scaled * (1.0 + w[f"{name}.weight"]) + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)

    x = w["model.embed_tokens.weight"][tokens]
    for i in range(case.layers):
        layer = f"model.layers.{i}"
        h = norm(x, f"{layer}.input_layernorm")
        q, k, v = (linear(h, f"{layer}.self_attn.{p}_proj").reshape(len(x), -1, case.head_dim) for p in "qkv")
        attention = numpy_attention(case, numpy_rope(case, q), numpy_rope(case, k), v)
        x = x + linear(attention, f"{layer}.self_attn.o_proj")
        h = linear(norm(x, f"{layer}.post_attention_layernorm"), f"{layer}.mlp.up_proj")
        x = x + linear(np.maximum(h, 0.0) ** 2, f"{layer}.mlp.down_proj")
    return linear(norm(x[stored_rows(len(tokens))], "model.norm"), "lm_head")


# ---- the files ---------------------------------------------------------------------------------------------------------


def write_golden(path, sequences, logits, metadata):
    tensors = {}
    for s, tokens in enumerate(sequences):
        tensors[f"tokens.{s}"] = torch.tensor(tokens, dtype=torch.int32)
        tensors[f"rows.{s}"] = torch.tensor(stored_rows(len(tokens)), dtype=torch.int32)
        tensors[f"logits.{s}"] = logits[s].contiguous()
    save_file(tensors, path, metadata=metadata)
    sort_header(path)
    path.chmod(0o644)


def sort_header(path):
    """The safetensors library writes the metadata in random order; sorted, the same input gives the same bytes."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode().ljust(size)
    assert len(text) == size
    path.write_bytes(data[:8] + text + data[8 + size :])


def write_model(case, folder):
    (folder / "config.json").write_text(json.dumps(case.shipped(), indent=2) + "\n")
    save_file(random_weights(case), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)


def make(case, model_folder, sequences):
    """Runs one case every way, checks it and writes its golden.safetensors; returns its row of the table."""
    reference = hf_logits(case, model_folder, sequences, torch.float32, "eager")
    weights = load_file(model_folder / "model.safetensors")
    float64_error = relative_error(reference, [numpy_logits(case, weights, tokens) for tokens in sequences])
    assert float64_error < FLOAT64_TOLERANCE, f"{case.name}: HF float32 is {float64_error:.2e} from float64"
    eager, sdpa = (relative_error(hf_logits(case, model_folder, sequences, torch.bfloat16, attention), reference)
                   for attention in ("eager", "sdpa"))
    write_golden(GOLDEN / case.name / "golden.safetensors", sequences, reference, {
        "case": case.name,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "reference": "float32, eager attention",
        "hf_bf16_error": f"{eager:.6e}",
        "hf_bf16_attention": "eager",
        "hf_bf16_error_sdpa": f"{sdpa:.6e}",
        "hf_float32_error": f"{float64_error:.6e}",
    })
    lengths = "+".join(str(len(tokens)) for tokens in sequences)
    std = torch.cat(reference).std().item()
    return (f"{case.name:12}{case.hidden:7}{case.ffn:6}{case.layers:7}{case.heads:6}{case.kv_heads:4}{case.head_dim:9}"
            f"{int(case.head_dim * case.rotary):7}{case.vocab:6}{lengths:>9}{std:11.2f}{eager:11.3e}{sdpa:11.3e}{float64_error:11.1e}")


def greedy(case, new_tokens=64):
    """The demonstration model's greedy continuation in float32, each step from the whole sequence, with every margin."""
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "tokenizer.model"))
    model, prompt = load_hf(case, DEMO, torch.float32, "eager"), "In the beginning"
    start = [2, *tokenizer.encode(prompt)]
    tokens, gaps = list(start), []
    for _ in range(new_tokens):
        with torch.no_grad():
            best = model(torch.tensor([tokens]), use_cache=False, logits_to_keep=1).logits[0, -1].topk(2)
        tokens.append(best.indices[0].item())
        gaps.append(round((best.values[0] - best.values[1]).item(), 6))
    text = tokenizer.decode(tokens[1:])[len(prompt):]
    return {"prompt": prompt, "prompt_ids": start, "ids": tokens[len(start):], "text": text, "gaps": gaps}


def main():
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or ["demo", *(case.name for case in CASES)]
    print("case         hidden   ffn layers heads  kv head_dim rotary vocab  lengths logits std  hf bf16  "
          "  bf16 sdpa  vs float64")
    for case in [demo_case(), *CASES]:
        if case.name not in wanted:
            continue
        folder = GOLDEN / case.name
        folder.mkdir(exist_ok=True)
        if case.name == "demo":
            print(make(case, DEMO, demo_sequences()), flush=True)
            (folder / "greedy.json").write_text(json.dumps(greedy(case), indent=1, ensure_ascii=False) + "\n")
        else:
            write_model(case, folder)
            print(make(case, folder, random_sequences(case)), flush=True)


if __name__ == "__main__":
    main()
