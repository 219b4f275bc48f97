//===- Nemo.cpp - Nemotron models as NeMo saves them ----------------------===//
//
//     model_config.yaml | HASH_NAME.model (SentencePiece) | model_weights.ckpt (of torch.save)
//                                                         | model_weights/KEY/{.zarray,0.0.0,...}
//
// Keys are those of Megatron Core. Its distributed checkpoints stack the layers: the key has no
// number, and the first axis counts them. Norms are zero-centred, as in Hugging Face's files.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/Nemo.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/NemoConfig.h"
#include "runtime/checkpoint/NemoFiles.h"
#include "runtime/checkpoint/PyTorch.h"
#include "runtime/checkpoint/RenameTable.h"
#include "runtime/checkpoint/Zarr.h"

#include <algorithm>

namespace strata {
namespace {

constexpr char kConfigName[] = "model_config.yaml";
constexpr char kTorchWeights[] = "model_weights.ckpt";
constexpr std::string_view kFolder = "model_weights/";
constexpr std::string_view kZarray = "/.zarray";
constexpr uint64_t kMaxConfigBytes = 1 << 20;

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

/// Whether the first axis of the array counts layers.
bool isStacked(std::string_view key) {
  return key.starts_with(kLayers) && isKnown(ofLayer(key, 0));
}

/// State that is no weight: of transformer engine, and rotary frequencies, which follow from the
/// configuration.
bool isIgnored(std::string_view key) {
  return key.ends_with("_extra_state") || key.ends_with("rotary_pos_emb.inv_freq");
}

/// "decoder.layers.3.mlp.linear_fc1.weight" of "model.decoder.layers.3.mlp.linear_fc1.weight".
std::string_view withoutModel(std::string_view key) {
  for (const std::string_view prefix : {"model.", "module."})
    if (key.starts_with(prefix))
      key.remove_prefix(prefix.size());
  return key;
}

/// Adds tensors under their Hugging Face keys.
class NemoReader {
public:
  NemoReader(NemoFiles files, NemoHeads heads, Checkpoint &checkpoint)
      : files(std::move(files)), heads(heads), checkpoint(checkpoint) {}

  absl::Status readWeights();
  absl::Status findTokenizer(const YamlMapping &yaml);

private:
  absl::Status readTorch();
  absl::Status readZarr(const std::string &folder, std::string_view key);
  absl::Status addTensor(std::string_view key, CheckpointTensor tensor);
  absl::Status addQkv(const std::string &attention, const CheckpointTensor &tensor);
  absl::Status unknown(std::string_view key) const {
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", printable(key),
                                                   ": expected a tensor of a Nemotron model, found "
                                                   "another, which may change the model"));
  }

  NemoFiles files;
  NemoHeads heads;
  Checkpoint &checkpoint;
  std::string place; // of the weights being read
};

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

absl::Status NemoReader::addTensor(std::string_view key, CheckpointTensor tensor) {
  const std::string_view own = withoutModel(key);
  if (isIgnored(own))
    return absl::OkStatus();
  if (const std::string attention = rename(own, kQkv); !attention.empty())
    return addQkv(attention + ".", tensor);
  std::string ours = rename(own, kTensors);
  return ours.empty() ? unknown(key) : checkpoint.addTensor(std::move(ours), std::move(tensor));
}

/// One matrix holds the three: rows of q, k and v alternate, group by group.
absl::Status NemoReader::addQkv(const std::string &attention, const CheckpointTensor &tensor) {
  const uint64_t queries = heads.headsPerGroup * heads.headDim;
  const uint64_t stride = queries + 2 * heads.headDim;
  if (tensor.shape.size() != 2 || tensor.shape[0] != heads.groups * stride)
    return absl::InvalidArgumentError(absl::StrCat(
        place, ": ", attention, "linear_qkv.weight: shape is ", formatShape(tensor.shape),
        ", expected ", heads.groups, " groups of ", heads.headsPerGroup, " + 2 heads of ",
        heads.headDim, " rows, [", heads.groups * stride, ", hidden_size]"));
  const uint64_t rowBytes = tensor.shape[1] * bitWidth(tensor.dtype) / 8;
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

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

absl::Status NemoReader::readTorch() {
  place = files.place(kTorchWeights);
  STRATA_ASSIGN(const NemoFile file, files.open(kTorchWeights));
  STRATA_ASSIGN(const PyTorchArchive archive, PyTorchArchive::open(file.bytes, place));
  for (const std::span<const std::byte> part : archive.header())
    checkpoint.addHeader(file.file, part);
  STRATA_ASSIGN(auto tensors, archive.tensors());
  for (auto &[key, tensor] : tensors) {
    tensor.file = file.file;
    tensor.offset += file.offset;
    STRATA_TRY(addTensor(key, std::move(tensor)));
  }
  return absl::OkStatus();
}

/// An array whose first axis counts layers, or a tensor in one piece.
absl::Status NemoReader::readZarr(const std::string &folder, std::string_view key) {
  place = files.place(folder);
  STRATA_ASSIGN(const ZarrArray array, readZarray(files, folder));
  const std::string_view own = withoutModel(key);
  const bool layers = isStacked(own);
  if (!layers && array.files.size() != 1)
    return absl::UnimplementedError(
        absl::StrCat(place, ": expected one chunk, found ", array.files.size(),
                     ", as a model of several tensor-parallel ranks is saved; save it with "
                     "tensor_model_parallel_size 1"));
  std::vector<uint64_t> shape(array.shape.begin() + (layers ? 1 : 0), array.shape.end());
  const auto rowBytes =
      (checkedProduct(std::span(array.shape).subspan(1)) * (bitWidth(array.dtype) / 8)).value();
  const auto sliceBytes = rowBytes ? (Checked(*rowBytes) * array.sliceRows).value() : std::nullopt;
  for (size_t slice = 0; slice != array.files.size(); ++slice) {
    STRATA_ASSIGN(const NemoFile file, files.open(array.files[slice]));
    if (sliceBytes != file.bytes.size())
      return absl::InvalidArgumentError(absl::StrCat(
          files.place(array.files[slice]), ": file has ", file.bytes.size(), " bytes, expected ",
          sliceBytes ? absl::StrCat(*sliceBytes) : "more than fit 64 bits", " for ",
          array.sliceRows, " rows of shape ", formatShape(array.shape), " of ",
          std::string(name(array.dtype))));
    CheckpointTensor tensor{array.dtype, shape, file.file, file.offset};
    if (!layers)
      STRATA_TRY(addTensor(key, tensor));
    for (uint64_t row = 0; layers && row != array.sliceRows; ++row) {
      tensor.offset = file.offset + row * *rowBytes;
      STRATA_TRY(addTensor(ofLayer(own, slice * array.sliceRows + row), tensor));
    }
  }
  return absl::OkStatus();
}

absl::Status NemoReader::readWeights() {
  if (files.names().contains(kTorchWeights))
    return readTorch();
  bool any = false;
  for (const std::string &name : files.names()) {
    if (name.ends_with(".distcp"))
      return absl::UnimplementedError(
          absl::StrCat(files.place(name),
                       ": a distributed checkpoint of torch, which is not supported; expected ",
                       kTorchWeights, " or zarr arrays: save it with dist_ckpt_format: zarr"));
    if (name.ends_with("_00/model_weights.ckpt") || name.ends_with("_000/model_weights.ckpt"))
      return absl::UnimplementedError(absl::StrCat(files.place(name),
                                                   ": weights of one rank of several, which is not "
                                                   "supported; save the model with "
                                                   "tensor_model_parallel_size 1"));
    if (!name.starts_with(kFolder) || !name.ends_with(kZarray))
      continue;
    const std::string folder = name.substr(0, name.size() - kZarray.size());
    const std::string key = folder.substr(std::min(kFolder.size(), folder.size()));
    if (isIgnored(key))
      continue;
    STRATA_TRY(readZarr(folder, key));
    any = true;
  }
  return any ? absl::OkStatus()
             : absl::NotFoundError(absl::StrCat(files.place(kTorchWeights),
                                                ": missing, and no zarr arrays in model_weights/"));
}

/// "nemo:FILE", or the only file that ends in .model.
absl::Status NemoReader::findTokenizer(const YamlMapping &yaml) {
  STRATA_ASSIGN(std::string name, [&]() -> absl::StatusOr<std::string> {
    STRATA_ASSIGN(const auto value, yaml.string("tokenizer.model"));
    return value.value_or("");
  }());
  constexpr std::string_view kPrefix = "nemo:";
  if (name.starts_with(kPrefix))
    name.erase(0, kPrefix.size());
  if (!files.names().contains(name))
    return absl::OkStatus();
  STRATA_ASSIGN(const NemoFile file, files.open(name));
  std::string place = absl::StrCat(checkpoint.files()[0].path, ": tokenizer");
  checkpoint.setTokenizer(
      {place, [place, bytes = file.bytes](uint64_t most) -> absl::StatusOr<std::string> {
         if (bytes.size() > most)
           return absl::InvalidArgumentError(
               absl::StrCat(place, ": expected at most ", most, " bytes, found ", bytes.size()));
         return std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size());
       }});
  return absl::OkStatus();
}

} // namespace

absl::Status readNemo(const std::string &folder, const std::string &name, Checkpoint &checkpoint) {
  STRATA_ASSIGN(NemoFiles files, name == kConfigName
                                     ? NemoFiles::ofFolder(folder, checkpoint)
                                     : NemoFiles::ofArchive(folder, name, checkpoint));
  checkpoint.setCatalogue(files.place(kTorchWeights));
  STRATA_ASSIGN(const std::string text, files.readText(kConfigName, kMaxConfigBytes));
  STRATA_ASSIGN(const YamlMapping yaml, YamlMapping::parse(text, files.place(kConfigName)));
  STRATA_ASSIGN(const NemoHeads heads, readNemoHeads(yaml));
  NemoReader reader(std::move(files), heads, checkpoint);
  STRATA_TRY(reader.readWeights());
  STRATA_TRY(reader.findTokenizer(yaml));
  constexpr std::string_view kTable = "model.embed_tokens.weight";
  const CheckpointTensor *table = checkpoint.find(kTable);
  if (!table || table->shape.size() != 2)
    return absl::NotFoundError(absl::StrCat(checkpoint.files()[0].path,
                                            ": embedding.word_embeddings.weight: missing, expected "
                                            "a matrix"));
  STRATA_ASSIGN(std::string config, nemoConfigText(yaml, table->shape[0]));
  checkpoint.setConfig(std::move(config));
  return absl::OkStatus();
}

} // namespace strata
