#!/usr/bin/env python3
"""Makes the cases of quantized GGUF files: small models that llama.cpp's llama-quantize has quantized, and what transformers
makes of them.

`q4_k_m` is what people download most; in `blocks` each module is in blocks of another format. The logits are those of the
weights as gguf-py decodes them, in float32; the yardsticks are those of make_int8.py, which stands beside this file. Set up
as for make_golden.py, and

    venv/bin/pip install gguf==0.19.0
    venv/bin/python test/golden/make_gguf.py LLAMA_QUANTIZE [FOLDER TYPE...]

With a folder, it writes there the demonstration model in bf16, and quantized to each of the types.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from make_golden import (DEMO, FLOAT64_TOLERANCE, GOLDEN, Case, demo_case, hf_logits, load_file, numpy_logits,
                         random_sequences, relative_error, write_golden, write_model)
from make_int8 import rounded_logits
from safetensors.torch import save_file

MODULES = {
    "token_embd": "model.embed_tokens",
    "blk.{}.attn_norm": "model.layers.{}.input_layernorm",
    "blk.{}.attn_q": "model.layers.{}.self_attn.q_proj",
    "blk.{}.attn_k": "model.layers.{}.self_attn.k_proj",
    "blk.{}.attn_v": "model.layers.{}.self_attn.v_proj",
    "blk.{}.attn_output": "model.layers.{}.self_attn.o_proj",
    "blk.{}.ffn_norm": "model.layers.{}.post_attention_layernorm",
    "blk.{}.ffn_up": "model.layers.{}.mlp.up_proj",
    "blk.{}.ffn_down": "model.layers.{}.mlp.down_proj",
    "output_norm": "model.norm",
    "output": "lm_head",
}
SIZES = dict(hidden=256, ffn=512, heads=4, kv_heads=2, head_dim=32, vocab=288, lengths=(41, 83))
CASES = [
    (Case("q4_k_m", **SIZES), ["Q4_K_M"]),
    (Case("blocks", **SIZES), [
        "--token-embedding-type", "q4_0", "--output-tensor-type", "q8_0", "--tensor-type", "attn_q=q5_0", "--tensor-type",
        "attn_k=iq4_nl", "--tensor-type", "attn_v=q5_1", "--tensor-type", "attn_output=q4_1", "--tensor-type", "ffn_up=iq4_xs",
        "--tensor-type", "blk.0.ffn_down=q5_k", "--tensor-type", "blk.1.ffn_down=q6_k", "Q4_K"]),
]


def keys(layers):
    """Names in a GGUF file and Hugging Face's."""
    for theirs, ours in MODULES.items():
        for layer in range(layers if "{}" in theirs else 1):
            yield theirs.format(layer), ours.format(layer)


def add_tokenizer(writer, case, pieces):
    writer.add_tokenizer_model("llama")
    writer.add_token_list([piece for piece, _, _ in pieces])
    writer.add_token_scores([score for _, score, _ in pieces])
    writer.add_token_types([kind for _, _, kind in pieces])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_add_bos_token(True)


def made_up_pieces(vocabulary):
    special = [("<unk>", 0.0, gguf.TokenType.UNKNOWN)] + [(f"<{i}>", 0.0, gguf.TokenType.CONTROL) for i in range(3)]
    return special + [(f"<0x{byte:02X}>", 0.0, gguf.TokenType.BYTE) for byte in range(256)] + [
        (f"\u2581w{word}", -float(word), gguf.TokenType.NORMAL) for word in range(vocabulary - 260)]


def demo_pieces():
    import sentencepiece
    model = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "tokenizer.model"))

    def kind(i):
        if model.is_unknown(i):
            return gguf.TokenType.UNKNOWN
        return gguf.TokenType.CONTROL if model.is_control(i) else (
            gguf.TokenType.BYTE if model.is_byte(i) else gguf.TokenType.NORMAL)

    return [(model.id_to_piece(i), model.get_score(i), kind(i)) for i in range(model.vocab_size())]


def write_gguf(case, weights, pieces, path):
    """The model as llama.cpp's converter writes it: 1 added to the weights of norms, which are float32."""
    writer = gguf.GGUFWriter(path, "nemotron")
    writer.add_name(case.name)
    writer.add_block_count(case.layers)
    writer.add_context_length(case.context)
    writer.add_embedding_length(case.hidden)
    writer.add_feed_forward_length(case.ffn)
    writer.add_head_count(case.heads)
    writer.add_head_count_kv(case.kv_heads)
    writer.add_key_length(case.head_dim)
    writer.add_value_length(case.head_dim)
    writer.add_layer_norm_eps(case.eps)
    writer.add_rope_freq_base(case.theta)
    writer.add_rope_dimension_count(int(case.head_dim * case.rotary))
    writer.add_vocab_size(case.vocab)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    add_tokenizer(writer, case, pieces)
    for theirs, ours in keys(case.layers):
        if theirs.endswith("norm"):
            writer.add_tensor(f"{theirs}.weight", weights[f"{ours}.weight"].float().numpy() + 1)
            writer.add_tensor(f"{theirs}.bias", weights[f"{ours}.bias"].float().numpy())
        else:
            bits = weights[f"{ours}.weight"].to(torch.bfloat16).view(torch.int16).numpy()
            writer.add_tensor(f"{theirs}.weight", bits.view(np.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def decoded(case, path):
    """The state dict in float32, and the names of the quantized linear modules."""
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    weights, quantized = {}, []
    for theirs, ours in keys(case.layers):
        for kind in ("weight", "bias"):
            tensor = tensors.get(f"{theirs}.{kind}")
            if tensor is None:
                continue
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            weights[f"{ours}.{kind}"] = torch.from_numpy(np.array(values, dtype=np.float32))
            if theirs.endswith("norm") and kind == "weight":
                weights[f"{ours}.weight"] -= 1
            if tensor.tensor_type not in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.BF16):
                quantized.append(ours)
    return weights, [name for name in quantized if name != "model.embed_tokens"]


def quantize(program, source, path, arguments):
    subprocess.run([program, *arguments[:-1], str(source), str(path), arguments[-1], "1"], check=True, capture_output=True)


def make(program, case, arguments):
    folder = GOLDEN / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sequences = random_sequences(case)
    with tempfile.TemporaryDirectory() as name:
        plain = Path(name)
        write_model(case, plain)
        write_gguf(case, load_file(plain / "model.safetensors"), made_up_pieces(case.vocab), plain / "plain.gguf")
        quantize(program, plain / "plain.gguf", folder / "model.gguf", arguments)
        weights, quantized = decoded(case, folder / "model.gguf")
        save_file(weights, plain / "model.safetensors", metadata={"format": "pt"})
        reference = hf_logits(case, plain, sequences, torch.float32, "eager")
        eager = relative_error(rounded_logits(case, plain, sequences, quantized, "eager"), reference)
        exact = relative_error(hf_logits(case, plain, sequences, torch.bfloat16, "eager"), reference)
    float64_error = relative_error(reference, [numpy_logits(case, weights, tokens) for tokens in sequences])
    assert float64_error < FLOAT64_TOLERANCE
    write_golden(folder / "golden.safetensors", sequences, reference, {
        "case": case.name,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "reference": "weights as gguf-py decodes them, float32, eager attention",
        "hf_bf16_error": f"{eager:.6e}",
        "hf_bf16_attention": "eager, inputs rounded to 8 bits",
        "hf_bf16_error_exact_inputs": f"{exact:.6e}",
        "hf_float32_error": f"{float64_error:.6e}",
    })
    types = sorted({tensor.tensor_type.name for tensor in gguf.GGUFReader(folder / "model.gguf").tensors})
    print(f"{case.name}: {' '.join(types)}: bf16 with inputs of 8 bits {eager:.3e}, with exact inputs {exact:.3e}; "
          f"float32 {float64_error:.1e} from float64")


def make_demo(program, folder, types):
    case = demo_case()
    write_gguf(case, load_file(DEMO / "model.safetensors"), demo_pieces(), folder / "bf16.gguf")
    for kind in types:
        quantize(program, folder / "bf16.gguf", folder / f"{kind.lower()}.gguf", [kind])


def main():
    torch.set_num_threads(1)
    program, *rest = sys.argv[1:]
    if rest:
        make_demo(program, Path(rest[0]), rest[1:])
        return
    for case, arguments in CASES:
        make(program, case, arguments)


if __name__ == "__main__":
    main()
