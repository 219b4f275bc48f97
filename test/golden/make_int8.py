#!/usr/bin/env python3
"""Makes the case int8: a small model whose linear modules compressed-tensors has quantized to 8 bits and written, and what
transformers makes of it.

The logits are those of the weights multiplied out, in float32, as in the other cases. The yardstick is transformers' own
bf16 run with the inputs of the quantized modules rounded to 8 bits, group by group, as decoder.linear defines it; a second
one is that run with inputs as they are, so that rounding them is not measured with itself. Set up as for make_golden.py,
which stands beside this file:

    venv/bin/python test/golden/make_int8.py
"""
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme, apply_quantization_config
from compressed_tensors.quantization.utils import calculate_qparams
from make_golden import (FLOAT64_TOLERANCE, GOLDEN, Case, hf_logits, load_hf, numpy_logits, random_sequences,
                         relative_error, sort_header, stored_rows, write_golden, write_model)
from safetensors.torch import load_file, save_file
from transformers import NemotronForCausalLM

GROUP = 32
CASE = Case("int8", hidden=160, ffn=544, heads=5, kv_heads=1, vocab=203, lengths=(41, 83))
IGNORED = ["model.layers.0.mlp.up_proj", "model.layers.1.self_attn.k_proj"]


def quantize(source, folder):
    """Writes the model in `source` as compressed-tensors does it: the library's scales, numbers and files."""
    model = NemotronForCausalLM.from_pretrained(source, dtype=torch.bfloat16)
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(num_bits=8, group_size=GROUP), format="int-quantized")
    apply_quantization_config(model, QuantizationConfig(config_groups={"group_0": scheme}, ignore=IGNORED))
    for module in model.modules():
        if hasattr(module, "quantization_scheme"):
            groups = module.weight.unflatten(-1, (-1, GROUP))
            scales, _ = calculate_qparams(groups.amin(-1), groups.amax(-1), module.quantization_scheme.weights)
            module.weight_scale.data.copy_(scales)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    model.save_pretrained(folder)
    compressor.update_config(folder)
    (folder / "generation_config.json").unlink()
    sort_header(folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)


def multiplied_out(folder):
    """The state dict in float32, and the names of the quantized modules."""
    stored = load_file(folder / "model.safetensors")
    weights, quantized = {}, []
    for key, tensor in stored.items():
        if key.endswith(".weight_scale"):
            continue
        weights[key] = tensor.float()
        if tensor.dtype == torch.int8:
            quantized.append(key.removesuffix(".weight"))
            scales = stored[f"{key}_scale"].float()
            weights[key] = (weights[key].unflatten(-1, (-1, GROUP)) * scales[..., None]).flatten(-2)
    return weights, quantized


def round_input(module, inputs):
    """Of 32 features, with m the largest magnitude: round(x * 127 / m) * m / 127."""
    x = inputs[0].float().unflatten(-1, (-1, GROUP))
    scale = x.abs().amax(-1, keepdim=True) / 127
    rounded = torch.where(scale > 0, torch.round(x / scale) * scale, 0)
    return (rounded.flatten(-2).to(inputs[0].dtype),)


def rounded_logits(case, folder, sequences, quantized, attention):
    """transformers in bf16, the inputs of the quantized modules rounded to 8 bits."""
    model = load_hf(case, folder, torch.bfloat16, attention)
    for name in quantized:
        model.get_submodule(name).register_forward_pre_hook(round_input)
    with torch.no_grad():
        return [model(torch.tensor([tokens]), use_cache=False, logits_to_keep=torch.tensor(stored_rows(len(tokens))))
                .logits[0].float() for tokens in sequences]


def library_logits(folder, sequences):
    """What transformers computes of the folder itself, through compressed-tensors."""
    model = NemotronForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad():
        return [model(torch.tensor([tokens]), use_cache=False).logits[0, stored_rows(len(tokens))] for tokens in sequences]


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
          f"with exact inputs {exact:.3e}; "
          f"float32 {float64_error:.1e} from float64")


if __name__ == "__main__":
    main()
