//===- NemoTensors.cpp - tensors under Megatron Core's keys ---------------===//
#include "runtime/checkpoint/NemoTensors.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/RenameTable.h"

namespace strata {
namespace {

constexpr std::string_view kLayers = "decoder.layers.";

/// Norms are modules of their own, or parts of the linear that follows them.
constexpr Renamed kTensors[] = {
    {"embedding.word_embeddings.weight", "model.embed_tokens.weight"},
    {"decoder.layers.*.input_layernorm.weight", "model.layers.*.input_layernorm.weight"},
    {"decoder.layers.*.input_layernorm.bias", "model.layers.*.input_layernorm.bias"},
    {"decoder.layers.*.self_attention.linear_qkv.layer_norm_weight",
     "model.layers.*.input_layernorm.weight"},
    {"decoder.layers.*.self_attention.linear_qkv.layer_norm_bias",
     "model.layers.*.input_layernorm.bias"},
    {"decoder.layers.*.self_attention.linear_proj.weight",
     "model.layers.*.self_attn.o_proj.weight"},
    {"decoder.layers.*.pre_mlp_layernorm.weight", "model.layers.*.post_attention_layernorm.weight"},
    {"decoder.layers.*.pre_mlp_layernorm.bias", "model.layers.*.post_attention_layernorm.bias"},
    {"decoder.layers.*.mlp.linear_fc1.layer_norm_weight",
     "model.layers.*.post_attention_layernorm.weight"},
    {"decoder.layers.*.mlp.linear_fc1.layer_norm_bias",
     "model.layers.*.post_attention_layernorm.bias"},
    {"decoder.layers.*.mlp.linear_fc1.weight", "model.layers.*.mlp.up_proj.weight"},
    {"decoder.layers.*.mlp.linear_fc2.weight", "model.layers.*.mlp.down_proj.weight"},
    {"decoder.final_layernorm.weight", "model.norm.weight"},
    {"decoder.final_layernorm.bias", "model.norm.bias"},
    {"output_layer.weight", "lm_head.weight"},
};
/// One matrix, and the module whose q_proj, k_proj and v_proj it holds.
constexpr Renamed kQkv[] = {
    {"decoder.layers.*.self_attention.linear_qkv.weight", "model.layers.*.self_attn"},
};

bool isKnown(std::string_view key) {
  return !rename(key, kTensors).empty() || !rename(key, kQkv).empty();
}

/// "decoder.layers.3.mlp.linear_fc1.weight", of an array "decoder.layers.mlp.linear_fc1.weight".
std::string ofLayer(std::string_view stacked, uint64_t layer) {
  return absl::StrCat(std::string(kLayers), layer, ".",
                      std::string(stacked.substr(kLayers.size())));
}

/// "decoder.layers.3.mlp.linear_fc1.weight" of "model.decoder.layers.3.mlp.linear_fc1.weight".
std::string_view withoutModel(std::string_view key) {
  for (const std::string_view prefix : {"model.", "module."})
    if (key.starts_with(prefix))
      key.remove_prefix(prefix.size());
  return key;
}

} // namespace

bool NemoTensors::isIgnored(std::string_view key) {
  const std::string_view own = withoutModel(key);
  return own.ends_with("_extra_state") || own.ends_with("rotary_pos_emb.inv_freq") ||
         own.starts_with("optimizer.") || own.starts_with("chained_");
}

bool NemoTensors::isStacked(std::string_view key) {
  const std::string_view own = withoutModel(key);
  return own.starts_with(kLayers) && isKnown(ofLayer(own, 0));
}

absl::Status NemoTensors::add(std::string_view key, CheckpointTensor tensor,
                              const std::string &place) {
  const std::string_view own = withoutModel(key);
  if (isIgnored(own))
    return absl::OkStatus();
  if (const std::string attention = rename(own, kQkv); !attention.empty())
    return addQkv(attention + ".", tensor, place);
  std::string ours = rename(own, kTensors);
  if (!ours.empty())
    return checkpoint.addTensor(std::move(ours), std::move(tensor));
  return absl::InvalidArgumentError(absl::StrCat(place, ": ", printable(key),
                                                 ": expected a tensor of a Nemotron model, found "
                                                 "another, which may change the model"));
}

absl::Status NemoTensors::addLayer(std::string_view stacked, uint64_t layer,
                                   CheckpointTensor tensor, const std::string &place) {
  return add(ofLayer(withoutModel(stacked), layer), std::move(tensor), place);
}

/// One matrix holds the three: rows of q, k and v alternate, group by group.
absl::Status NemoTensors::addQkv(const std::string &attention, const CheckpointTensor &tensor,
                                 const std::string &place) {
  const uint64_t queries = heads.headsPerGroup * heads.headDim;
  const uint64_t stride = queries + 2 * heads.headDim;
  if (tensor.shape.size() != 2 || tensor.shape[0] != heads.groups * stride)
    return absl::InvalidArgumentError(absl::StrCat(
        place, ": ", attention, "linear_qkv.weight: shape is ", formatShape(tensor.shape),
        ", expected ", heads.groups, " groups of ", heads.headsPerGroup, " + 2 heads of ",
        heads.headDim, " rows, [", heads.groups * stride, ", hidden_size]"));
  const uint64_t rowBytes = tensor.shape[1] * blockSize(tensor.dtype).bytes;
  const auto add = [&](const char *name, uint64_t first, uint64_t rows) {
    CheckpointTensor part = tensor;
    part.shape[0] = heads.groups * rows;
    part.offset += first * rowBytes;
    if (heads.groups > 1)
      part.box = {.groupRows = rows, .groupStride = stride};
    return checkpoint.addTensor(attention + name, std::move(part));
  };
  STRATA_TRY(add("q_proj.weight", 0, queries));
  STRATA_TRY(add("k_proj.weight", queries, heads.headDim));
  return add("v_proj.weight", queries + heads.headDim, heads.headDim);
}

} // namespace strata
