#!/usr/bin/env python3
"""random_gguf.py SHAPE FILE   a Nemotron of random bf16 weights as a GGUF file, which Strata and llama.cpp both read.

SHAPE: 836m (vocabulary 32,000) or minitron-4b (256,000). The tokenizer is made up: bytes and numbered words. Needs the
packages gguf and numpy.
"""
import sys

import gguf
import numpy as np

SHAPES = {  # vocabulary, layers, hidden, ffn, heads, heads of keys and values
    "836m": (32000, 16, 2048, 8192, 16, 4),
    "minitron-4b": (256000, 32, 3072, 9216, 24, 8),
}
HEAD_DIM, CONTEXT = 128, 4096


def matrices(vocabulary, layers, hidden, ffn, heads, kv_heads):
    """Name, rows and columns, in the order of the file."""
    yield "token_embd", vocabulary, hidden
    for layer in range(layers):
        for name, rows, columns in (("attn_q", heads * HEAD_DIM, hidden), ("attn_k", kv_heads * HEAD_DIM, hidden),
                                    ("attn_v", kv_heads * HEAD_DIM, hidden), ("attn_output", hidden, heads * HEAD_DIM),
                                    ("ffn_up", ffn, hidden), ("ffn_down", hidden, ffn)):
            yield f"blk.{layer}.{name}", rows, columns
    yield "output", vocabulary, hidden


def norms(layers):
    for layer in range(layers):
        yield f"blk.{layer}.attn_norm"
        yield f"blk.{layer}.ffn_norm"
    yield "output_norm"


def add_tokenizer(writer, vocabulary):
    special = ["<unk>", "<pad>", "<s>", "</s>"]
    count = {"bytes": 256, "words": vocabulary - 256 - len(special)}
    tokens = special + [f"<0x{byte:02X}>" for byte in range(256)] + [f"\u2581w{word}" for word in range(count["words"])]
    types = [gguf.TokenType.UNKNOWN] + 3 * [gguf.TokenType.CONTROL]
    types += count["bytes"] * [gguf.TokenType.BYTE] + count["words"] * [gguf.TokenType.NORMAL]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * (len(special) + 256) + [-float(word) for word in range(count["words"])])
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_add_bos_token(False)


def add_facts(writer, vocabulary, layers, hidden, ffn, heads, kv_heads):
    writer.add_name("random")
    writer.add_block_count(layers)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_layer_norm_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HEAD_DIM // 2)
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    writer.add_vocab_size(vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)


def main():
    shape, path = SHAPES[sys.argv[1]], sys.argv[2]
    writer = gguf.GGUFWriter(path, "nemotron")
    add_facts(writer, *shape)
    add_tokenizer(writer, shape[0])
    bf16 = gguf.GGMLQuantizationType.BF16
    for name, rows, columns in matrices(*shape):  # in bytes
        writer.add_tensor_info(f"{name}.weight", (rows, 2 * columns), np.dtype(np.uint8), 2 * rows * columns, bf16)
    for name in norms(shape[1]):
        for kind in ("weight", "bias"):
            writer.add_tensor_info(f"{name}.{kind}", (shape[2],), np.dtype(np.float32), 4 * shape[2])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    random = np.random.default_rng(7)
    for _, rows, columns in matrices(*shape):
        values = 0.02 * random.standard_normal((rows, columns), dtype=np.float32)
        writer.write_tensor_data((values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8))
    for _ in norms(shape[1]):
        writer.write_tensor_data(np.ones(shape[2], np.float32))
        writer.write_tensor_data(np.zeros(shape[2], np.float32))
    writer.close()


main()
