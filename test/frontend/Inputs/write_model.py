"""Writes a model folder of two layers with zeros as weights, right or wrong as the options say."""

import argparse
import json
import os
import struct

CONFIG = {
    "architectures": ["NemotronForCausalLM"], "model_type": "nemotron", "vocab_size": 32, "hidden_size": 16,
    "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
}

LAYER = {
    "input_layernorm.weight": [16], "input_layernorm.bias": [16],
    "self_attn.q_proj.weight": [16, 16], "self_attn.k_proj.weight": [8, 16],
    "self_attn.v_proj.weight": [8, 16], "self_attn.o_proj.weight": [16, 16],
    "post_attention_layernorm.weight": [16], "post_attention_layernorm.bias": [16],
    "mlp.up_proj.weight": [48, 16], "mlp.down_proj.weight": [16, 48],
}


def shapes():
    tensors = {"model.embed_tokens.weight": [32, 16]}
    for layer in range(CONFIG["num_hidden_layers"]):
        for name, shape in LAYER.items():
            tensors[f"model.layers.{layer}.{name}"] = shape
    return tensors | {"model.norm.weight": [16], "model.norm.bias": [16], "lm_head.weight": [32, 16]}


def write_safetensors(path, tensors, dtype):
    header, offset = {}, 0
    for name, shape in tensors.items():
        size = 2 * (shape[0] if len(shape) == 1 else shape[0] * shape[1])
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + bytes(offset))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--config", type=json.loads, default={}, help="keys of config.json to change")
    parser.add_argument("--with", dest="added", action="append", default=[], help="a tensor to add")
    parser.add_argument("--without", action="append", default=[], help="a tensor to leave out")
    parser.add_argument("--dtype", default="BF16")
    parser.add_argument("--tied", action="store_true")
    options = parser.parse_args()

    os.makedirs(options.folder)
    config = CONFIG | options.config | ({"tie_word_embeddings": True} if options.tied else {})
    with open(os.path.join(options.folder, "config.json"), "w") as file:
        json.dump(config, file)
    tensors = {name: shape for name, shape in shapes().items() if name not in options.without}
    tensors |= {name: [4] for name in options.added}
    write_safetensors(os.path.join(options.folder, "model.safetensors"), tensors, options.dtype)


main()
