#!/usr/bin/env python3
"""Writes one small random model in every format that strata-compile reads: test/formats/FORMAT/.

Nothing of it is needed to build or to test. The files are what the formats' own writers make, but for the .nemo archive,
which tarfile and torch.save make as NeMo does, and the zarr arrays, which are raw bytes:

    python3 -m venv venv && venv/bin/pip install -r test/formats/requirements.txt
    venv/bin/python test/formats/make_formats.py
"""
import contextlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.distributed.checkpoint
from torch.distributed._shard.metadata import ShardMetadata
from torch.distributed._shard.sharded_tensor import Shard, ShardedTensor, ShardedTensorMetadata, TensorProperties
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
HIDDEN, FFN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, VOCAB = 32, 64, 2, 4, 2, 16, 64  # 64 query features, not 32
CONFIG = {
    "architectures": ["NemotronForCausalLM"], "model_type": "nemotron", "vocab_size": VOCAB, "hidden_size": HIDDEN,
    "intermediate_size": FFN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "hidden_act": "relu2", "norm_eps": 1e-5, "rope_theta": 10000.0,
    "partial_rotary_factor": 0.5, "max_position_embeddings": 256, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
    "bos_token_id": 2, "eos_token_id": 3,
}
NEMO_CONFIG = f"""\
# As NeMo writes it, shortened.
mcore_gpt: true
encoder_seq_length: 256
max_position_embeddings: 256
num_layers: {LAYERS}
hidden_size: {HIDDEN}
ffn_hidden_size: {FFN}
num_attention_heads: {HEADS}
num_query_groups: {KV_HEADS}
kv_channels: {HEAD_DIM}
init_method_std: 0.0134
normalization: layernorm1p
layernorm_epsilon: 1.0e-05
activation: squared-relu
bias: false
position_embedding_type: rope
rotary_percentage: 0.5
share_embeddings_and_output_weights: false
seq_len_interpolation_factor: null
tokenizer:
  library: sentencepiece
  type: null
  model: null
data:
  data_impl: mmap
  splits_string: 99982,9,9
  data_prefix:
  - 1.0
  - /data/one
optim:
  name: distributed_fused_adam
  betas:
  - 0.9
  - 0.95
"""


def make_weights():
    """A state dict as Hugging Face calls it, in bfloat16."""
    generator = torch.Generator().manual_seed(7)

    def normal(*shape, std):
        return (torch.randn(shape, generator=generator) * std).to(torch.bfloat16)

    weights = {"model.embed_tokens.weight": normal(VOCAB, HIDDEN, std=1.0)}
    for layer in range(LAYERS):
        name = f"model.layers.{layer}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{name}{norm}.weight"] = normal(HIDDEN, std=0.2)
            weights[f"{name}{norm}.bias"] = normal(HIDDEN, std=0.1)
        weights[name + "self_attn.q_proj.weight"] = normal(HEADS * HEAD_DIM, HIDDEN, std=0.25)
        weights[name + "self_attn.k_proj.weight"] = normal(KV_HEADS * HEAD_DIM, HIDDEN, std=0.25)
        weights[name + "self_attn.v_proj.weight"] = normal(KV_HEADS * HEAD_DIM, HIDDEN, std=0.15)
        weights[name + "self_attn.o_proj.weight"] = normal(HIDDEN, HEADS * HEAD_DIM, std=0.1)
        weights[name + "mlp.up_proj.weight"] = normal(FFN, HIDDEN, std=0.15)
        weights[name + "mlp.down_proj.weight"] = normal(HIDDEN, FFN, std=0.1)
    weights["model.norm.weight"] = normal(HIDDEN, std=0.2)
    weights["model.norm.bias"] = normal(HIDDEN, std=0.1)
    weights["lm_head.weight"] = normal(VOCAB, HIDDEN, std=0.2)
    return weights


def fresh(name, config=True):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if config:
        (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    return folder


# ---- Hugging Face --------------------------------------------------------------------------------------------------------


def write_whole(folder, name, weights, save):
    save(weights, str(folder / name))


def write_shards(folder, stem, suffix, weights, save):
    """Two shards and their index: the first layer in one, the rest in the other."""
    shards = [{}, {}]
    for key, tensor in weights.items():
        shards[not key.startswith("model.layers.0.")][key] = tensor
    places = {}
    for number, shard in enumerate(shards, 1):
        name = f"{stem}-{number:05}-of-00002.{suffix}"
        save(shard, str(folder / name))
        places |= {key: name for key in shard}
    index = {"metadata": {"total_size": sum(2 * t.numel() for t in weights.values())}, "weight_map": places}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps(index, indent=2) + "\n")


# ---- llama.cpp -----------------------------------------------------------------------------------------------------------

GGUF_NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}


def gguf_name(key):
    module, kind = key.rsplit(".", 1)
    if module.startswith("model.layers."):
        layer, inner = module.removeprefix("model.layers.").split(".", 1)
        return f"blk.{layer}.{GGUF_NAMES[inner]}.{kind}"
    return f"{GGUF_NAMES[module]}.{kind}"


def write_gguf(path, weights):
    """As convert_hf_to_gguf.py --outtype bf16: vectors in float32, the 1 added to the weights of norms."""
    writer = gguf.GGUFWriter(str(path), "nemotron")
    writer.add_name("formats")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONFIG["max_position_embeddings"])
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_layer_norm_eps(CONFIG["norm_eps"])
    writer.add_rope_freq_base(CONFIG["rope_theta"])
    writer.add_rope_dimension_count(HEAD_DIM // 2)
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    writer.add_vocab_size(VOCAB)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    for key, tensor in weights.items():
        if tensor.dim() == 1:
            values = tensor.float().numpy() + np.float32(key.endswith("norm.weight"))
            writer.add_tensor(gguf_name(key), values)
        else:
            raw = tensor.view(torch.uint8).numpy()
            writer.add_tensor(gguf_name(key), raw, raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ---- NeMo ----------------------------------------------------------------------------------------------------------------


def to_megatron(weights):
    """Megatron Core's state dict: q, k and v in one matrix, group by group."""
    result = {"model.embedding.word_embeddings.weight": weights["model.embed_tokens.weight"]}
    for layer in range(LAYERS):
        ours, theirs = f"model.layers.{layer}.", f"model.decoder.layers.{layer}."
        q, k, v = (weights[f"{ours}self_attn.{x}_proj.weight"].reshape(KV_HEADS, -1, HIDDEN) for x in "qkv")
        result[theirs + "self_attention.linear_qkv.weight"] = torch.cat([q, k, v], dim=1).reshape(-1, HIDDEN).contiguous()
        for kind in ("weight", "bias"):
            result[f"{theirs}self_attention.linear_qkv.layer_norm_{kind}"] = weights[f"{ours}input_layernorm.{kind}"]
            result[f"{theirs}mlp.linear_fc1.layer_norm_{kind}"] = weights[f"{ours}post_attention_layernorm.{kind}"]
        result[theirs + "self_attention.linear_qkv._extra_state"] = None
        result[theirs + "self_attention.linear_proj.weight"] = weights[ours + "self_attn.o_proj.weight"]
        result[theirs + "mlp.linear_fc1.weight"] = weights[ours + "mlp.up_proj.weight"]
        result[theirs + "mlp.linear_fc2.weight"] = weights[ours + "mlp.down_proj.weight"]
    for kind in ("weight", "bias"):
        result[f"model.decoder.final_layernorm.{kind}"] = weights[f"model.norm.{kind}"]
    result["model.output_layer.weight"] = weights["lm_head.weight"]
    return result


def write_nemo(path, weights):
    buffer = io.BytesIO()
    torch.save(to_megatron(weights), buffer)
    with tarfile.open(path, "w") as archive:
        for name, contents in ((NEMO_CONFIG_NAME, NEMO_CONFIG.encode()), ("model_weights.ckpt", buffer.getvalue())):
            member = tarfile.TarInfo("./" + name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))


NEMO_CONFIG_NAME = "model_config.yaml"


def stack_layers(weights):
    """Tensors by key, and of layers lists of tensors by the key without a number."""
    stacked = {}
    for key, tensor in weights.items():
        if tensor is None:
            continue
        if key.startswith("model.decoder.layers."):
            _, _, _, layer, inner = key.split(".", 4)
            stacked.setdefault("model.decoder.layers." + inner, []).append(tensor)
        else:
            stacked[key] = tensor
    return stacked


def write_zarr(folder, weights):
    """An unpacked archive with a distributed checkpoint: layers stacked, one chunk a layer."""
    (folder / NEMO_CONFIG_NAME).write_text(NEMO_CONFIG)
    for key, value in stack_layers(to_megatron(weights)).items():
        array = folder / "model_weights" / key
        array.mkdir(parents=True)
        layers = value if isinstance(value, list) else None
        slices = layers or [value]
        inner = list(slices[0].shape)
        shape, chunks = ([len(layers)] + inner, [1] + inner) if layers else (inner, inner)
        (array / ".zarray").write_text(json.dumps({
            "chunks": chunks, "compressor": None, "dtype": "bfloat16", "fill_value": None, "filters": None, "order": "C",
            "shape": shape, "zarr_format": 2}, indent=4))
        for number, tensor in enumerate(slices):
            name = ".".join([str(number)] + ["0"] * (len(shape) - 1))
            (array / name).write_bytes(tensor.contiguous().view(torch.uint8).numpy().tobytes())


NEMO2_CONFIG = f"""\
# As NeMo 2 writes it, shortened.
_target_: nemo.collections.llm.gpt.model.nemotron.NemotronModel
config:
  _cpu_offloading_context: null
  _target_: nemo.collections.llm.gpt.model.nemotron.NemotronConfig
  activation_func:
    _call_: false
    _target_: megatron.core.fusions.fused_bias_squared_relu.squared_relu
  add_bias_linear: false
  add_qkv_bias: false
  autocast_dtype: &id001
    _call_: false
    _target_: torch.bfloat16
  bf16: true
  ffn_hidden_size: {FFN}
  first_pipeline_num_layers: null
  gated_linear_unit: false
  hidden_size: {HIDDEN}
  kv_channels: {HEAD_DIM}
  layernorm_epsilon: 1.0e-05
  layernorm_zero_centered_gamma: true
  normalization: LayerNorm
  num_attention_heads: {HEADS}
  num_layers: {LAYERS}
  num_moe_experts: null
  num_query_groups: {KV_HEADS}
  params_dtype: *id001
  position_embedding_type: rope
  qk_layernorm: false
  rotary_base: 10000.0
  rotary_interleaved: false
  rotary_percent: 0.5
  seq_len_interpolation_factor: null
  seq_length: 256
  share_embeddings_and_output_weights: false
  softmax_scale: null
  vocab_size: null
  window_size: null
model_transform: null
optim: null
tokenizer: null
"""


def whole_layers(layers):
    """Stacked layers as Megatron hands them to torch: a tensor of as many pieces as there are layers."""
    shape = (len(layers), *layers[0].shape)
    shards = [ShardMetadata([layer] + [0] * layers[0].dim(), [1, *layers[0].shape], "rank:0/cpu")
              for layer in range(len(layers))]
    properties = TensorProperties(dtype=torch.bfloat16)
    return ShardedTensor._init_from_local_shards_and_global_metadata(
        [Shard(tensor[None].contiguous(), shard) for tensor, shard in zip(layers, shards)],
        ShardedTensorMetadata(shards, torch.Size(shape), properties))


def write_nemo2(folder, weights):
    """A folder of NeMo 2 with a distributed checkpoint of torch, and state of an optimizer."""
    (folder / "context").mkdir()
    (folder / "context" / "model.yaml").write_text(NEMO2_CONFIG)
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    state = {}
    for key, value in stack_layers(to_megatron(weights)).items():
        key = key.replace("model.", "module.", 1)
        state[key] = whole_layers(value) if isinstance(value, list) else value
    state["module.decoder.layers.self_attention.linear_qkv._extra_state/shard_0_2"] = io.BytesIO(b"opaque")
    state["optimizer.state.exp_avg.module.output_layer.weight"] = torch.zeros(2, 2)
    with contextlib.chdir(folder):  # its path stands in the file
        torch.distributed.checkpoint.save(state, checkpoint_id="weights")
    (folder / "weights" / "metadata.json").write_text(json.dumps({"sharded_backend": "torch_dist", "sharded_backend_version": 1}))


def main():
    weights = make_weights()
    write_whole(fresh("safetensors"), "model.safetensors", weights, save_file)
    write_shards(fresh("safetensors-shards"), "model", "safetensors", weights, save_file)
    write_whole(fresh("bin"), "pytorch_model.bin", weights, torch.save)
    write_shards(fresh("bin-shards"), "pytorch_model", "bin", weights, torch.save)
    write_gguf(fresh("gguf", config=False) / "formats.gguf", weights)
    write_nemo(fresh("nemo", config=False) / "formats.nemo", weights)
    write_zarr(fresh("nemo-zarr", config=False), weights)
    write_nemo2(fresh("nemo2", config=False), weights)


main()
