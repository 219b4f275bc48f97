#!/usr/bin/env python3
"""Makes the case int4: a small model whose linear modules compressed-tensors has quantized and packed, most of them to 4
bits in groups of 128, some to 4 bits in groups of 32 and to 8 bits with a scale for each row, and what transformers makes
of it.

What the logits and the yardstick are, make_int8.py tells, which stands beside this file; set up as for make_golden.py:

    venv/bin/python test/golden/make_int4.py
"""
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme, apply_quantization_config
from compressed_tensors.quantization.utils import calculate_qparams
from make_golden import (FLOAT64_TOLERANCE, GOLDEN, Case, hf_logits, numpy_logits, random_sequences, relative_error,
                         sort_header, write_golden, write_model)
from make_int8 import library_logits, rounded_logits
from safetensors.torch import load_file, save_file
from transformers import NemotronForCausalLM

CASE = Case("int4", hidden=256, ffn=384, heads=4, kv_heads=1, vocab=203, lengths=(41, 83))
SCHEMES = {
    "group_0": (["Linear"], dict(num_bits=4, group_size=128)),
    "group_1": (["re:.*down_proj$"], dict(num_bits=8, strategy="channel")),
    "group_2": (["model.layers.1.self_attn.q_proj", "re:.*v_proj"], dict(num_bits=4, group_size=32)),
}
IGNORED = ["re:model.layers.0.mlp.up", "model.layers.1.self_attn.k_proj"]


def quantize(source, folder):
    """Writes the model in `source` as compressed-tensors does it: the library's scales, numbers and files."""
    model = NemotronForCausalLM.from_pretrained(source, dtype=torch.bfloat16)
    groups = {name: QuantizationScheme(targets=targets, weights=QuantizationArgs(**args), format="pack-quantized")
              for name, (targets, args) in SCHEMES.items()}
    apply_quantization_config(model, QuantizationConfig(config_groups=groups, ignore=IGNORED))
    for module in model.modules():
        if hasattr(module, "quantization_scheme"):
            args = module.quantization_scheme.weights
            weights = module.weight.unflatten(-1, (-1, args.group_size or module.in_features))
            scales, _ = calculate_qparams(weights.amin(-1), weights.amax(-1), args)
            module.weight_scale.data.copy_(scales)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    model.save_pretrained(folder)
    compressor.update_config(folder)
    (folder / "generation_config.json").unlink()
    sort_header(folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)


def unpack(packed, columns):
    """int32 [rows, words] as whole numbers [rows, columns]."""
    bits = 32 * packed.shape[1] // columns
    shifts = torch.arange(0, 32, bits)
    return ((packed[..., None] >> shifts) & (2**bits - 1)).flatten(-2) - 2 ** (bits - 1)


def multiplied_out(folder):
    """The state dict in float32, and the names of the quantized modules."""
    stored = load_file(folder / "model.safetensors")
    weights, quantized = {}, []
    for key, tensor in stored.items():
        if key.endswith(".weight_packed"):
            name = key.removesuffix(".weight_packed")
            rows, columns = stored[f"{name}.weight_shape"].tolist()
            numbers, scales = unpack(tensor, columns).float(), stored[f"{name}.weight_scale"].float()
            assert len(numbers) == rows
            weights[f"{name}.weight"] = (numbers.unflatten(-1, (scales.shape[1], -1)) * scales[..., None]).flatten(-2)
            quantized.append(name)
        elif not key.endswith((".weight_scale", ".weight_shape")):
            weights[key] = tensor.float()
    return weights, quantized


def main():
    torch.set_num_threads(1)
    folder = GOLDEN / CASE.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sequences = random_sequences(CASE)
    with tempfile.TemporaryDirectory() as name:
        plain = Path(name)
        write_model(CASE, plain)
        quantize(plain, folder)
        weights, quantized = multiplied_out(folder)
        save_file(weights, plain / "model.safetensors", metadata={"format": "pt"})
        reference = hf_logits(CASE, plain, sequences, torch.float32, "eager")
        eager, sdpa = (relative_error(rounded_logits(CASE, plain, sequences, quantized, attention), reference)
                       for attention in ("eager", "sdpa"))
        exact = relative_error(hf_logits(CASE, plain, sequences, torch.bfloat16, "eager"), reference)
    float64_error = relative_error(reference, [numpy_logits(CASE, weights, tokens) for tokens in sequences])
    assert float64_error < FLOAT64_TOLERANCE
    assert relative_error(library_logits(folder, sequences), reference) < FLOAT64_TOLERANCE
    write_golden(folder / "golden.safetensors", sequences, reference, {
        "case": CASE.name,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "reference": "weights multiplied out, float32, eager attention",
        "hf_bf16_error": f"{eager:.6e}",
        "hf_bf16_attention": "eager, inputs rounded to 8 bits",
        "hf_bf16_error_exact_inputs": f"{exact:.6e}",
        "hf_bf16_error_sdpa": f"{sdpa:.6e}",
        "hf_float32_error": f"{float64_error:.6e}",
    })
    print(f"{len(quantized)} modules, bf16 with inputs of 8 bits: eager {eager:.3e}, sdpa {sdpa:.3e}, "
          f"with exact inputs {exact:.3e}; float32 {float64_error:.1e} from float64")


if __name__ == "__main__":
    main()
