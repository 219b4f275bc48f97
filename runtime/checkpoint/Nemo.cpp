//===- Nemo.cpp - Nemotron models as NeMo saves them ----------------------===//
//
//     NeMo 1: model_config.yaml | HASH_NAME.model (SentencePiece) | weights in model_weights/ or
//             model_weights.ckpt (of torch.save)
//     NeMo 2: context/{model.yaml, nemo_tokenizer/, ...} | weights in weights/
//
//     weights: KEY/{.zarray,0.0.0,...} | {.metadata,__0_0.distcp,...} (of torch.distributed)
//
// Norms are zero-centred, as in Hugging Face's files.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/Nemo.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/DistributedTorch.h"
#include "runtime/checkpoint/NemoConfig.h"
#include "runtime/checkpoint/NemoFiles.h"
#include "runtime/checkpoint/NemoTensors.h"
#include "runtime/checkpoint/PyTorch.h"
#include "runtime/checkpoint/Zarr.h"

#include <algorithm>
#include <filesystem>

namespace strata {
namespace fs = std::filesystem;
namespace {

constexpr char kConfigName[] = "model_config.yaml", kConfigName2[] = "context/model.yaml";
constexpr char kTorchWeights[] = "model_weights.ckpt";
constexpr char kDistributed[] = ".metadata", kBackend[] = "metadata.json";
constexpr std::string_view kZarray = "/.zarray";
constexpr uint64_t kMaxConfigBytes = 1 << 20;
constexpr uint64_t kMaxMetadataBytes = uint64_t(64) << 20;
/// A file of weights alone has no header; its first bytes tell it from another.
constexpr size_t kRawHeaderBytes = 4096;

constexpr std::string_view kSaveWhole = ", as a model of several tensor-parallel ranks is saved; "
                                        "save it with tensor_model_parallel_size 1";

/// Adds tensors under their Hugging Face keys.
class NemoReader {
public:
  /// `weights`: the folder of the arrays, with a '/' behind it.
  NemoReader(NemoFiles files, NemoHeads heads, std::string weights, Checkpoint &checkpoint)
      : files(std::move(files)), tensors(heads, checkpoint), weights(std::move(weights)),
        checkpoint(checkpoint) {}

  absl::Status readWeights();
  absl::Status findTokenizer(const std::string &name);

private:
  absl::Status checkBackend();
  absl::Status readTorch();
  absl::Status readZarrs();
  absl::Status readZarr(const std::string &folder, std::string_view key);
  absl::Status readDistributed();
  absl::Status readChunks(const DistributedTensor &tensor);
  absl::StatusOr<CheckpointTensor> readChunk(const DistributedTensor &tensor,
                                             const TensorChunk &chunk);
  absl::Status addRows(std::string_view key, CheckpointTensor tensor, uint64_t firstRow,
                       const std::string &place);

  NemoFiles files;
  NemoTensors tensors;
  const std::string weights;
  Checkpoint &checkpoint;
};

//===----------------------------------------------------------------------===//
// model_weights.ckpt
//===----------------------------------------------------------------------===//

absl::Status NemoReader::readTorch() {
  const std::string place = files.place(kTorchWeights);
  STRATA_ASSIGN(const NemoFile file, files.open(kTorchWeights));
  STRATA_ASSIGN(const PyTorchArchive archive, PyTorchArchive::open(file.bytes, place));
  for (const std::span<const std::byte> part : archive.header())
    checkpoint.addHeader(file.file, part);
  STRATA_ASSIGN(auto found, archive.tensors());
  for (auto &[key, tensor] : found) {
    tensor.file = file.file;
    tensor.offset += file.offset;
    STRATA_TRY(tensors.add(key, std::move(tensor), place));
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Arrays, with stacked layers
//===----------------------------------------------------------------------===//

/// A whole tensor, or some rows of one whose rows are layers.
absl::Status NemoReader::addRows(std::string_view key, CheckpointTensor tensor, uint64_t firstRow,
                                 const std::string &place) {
  if (!NemoTensors::isStacked(key))
    return tensors.add(key, std::move(tensor), place);
  const uint64_t rows = tensor.shape[0];
  tensor.shape.erase(tensor.shape.begin());
  const uint64_t rowBytes = tensor.spanBytes().value();
  for (uint64_t row = 0; row != rows; ++row, tensor.offset += rowBytes)
    STRATA_TRY(tensors.addLayer(key, firstRow + row, tensor, place));
  return absl::OkStatus();
}

/// An array whose first axis counts layers, or a tensor in one piece.
absl::Status NemoReader::readZarr(const std::string &folder, std::string_view key) {
  const std::string place = files.place(folder);
  STRATA_ASSIGN(const ZarrArray array, readZarray(files, folder));
  if (!NemoTensors::isStacked(key) && array.files.size() != 1)
    return absl::UnimplementedError(absl::StrCat(place, ": expected one chunk, found ",
                                                 array.files.size(), std::string(kSaveWhole)));
  CheckpointTensor slice{array.dtype, array.shape, /*file=*/0, /*offset=*/0};
  slice.shape[0] = array.sliceRows;
  const std::optional<uint64_t> bytes = slice.spanBytes();
  for (size_t i = 0; i != array.files.size(); ++i) {
    STRATA_ASSIGN(const NemoFile file, files.open(array.files[i]));
    if (bytes != file.bytes.size())
      return absl::InvalidArgumentError(absl::StrCat(
          files.place(array.files[i]), ": file has ", file.bytes.size(), " bytes, expected ",
          bytes ? absl::StrCat(*bytes) : "more than fit 64 bits", " for ", array.sliceRows,
          " rows of shape ", formatShape(array.shape), " of ", std::string(name(array.dtype))));
    if (!files.isArchive())
      checkpoint.addHeader(file.file,
                           file.bytes.first(std::min(file.bytes.size(), kRawHeaderBytes)));
    slice.file = file.file;
    slice.offset = file.offset;
    STRATA_TRY(addRows(key, slice, i * array.sliceRows, place));
  }
  return absl::OkStatus();
}

absl::Status NemoReader::readZarrs() {
  bool any = false;
  for (const std::string &name : files.names()) {
    if (name.ends_with("_00/model_weights.ckpt") || name.ends_with("_000/model_weights.ckpt"))
      return absl::UnimplementedError(absl::StrCat(files.place(name),
                                                   ": weights of one rank of several, which is not "
                                                   "supported; save the model with "
                                                   "tensor_model_parallel_size 1"));
    if (!name.starts_with(weights) || !name.ends_with(kZarray))
      continue;
    const std::string folder = name.substr(0, name.size() - kZarray.size());
    const std::string key = folder.substr(std::min(weights.size(), folder.size()));
    if (NemoTensors::isIgnored(key))
      continue;
    STRATA_TRY(readZarr(folder, key));
    any = true;
  }
  return any ? absl::OkStatus()
             : absl::InvalidArgumentError(absl::StrCat(files.place(weights), ": expected ",
                                                       kDistributed,
                                                       " or zarr arrays, found neither"));
}

/// The tensor that torch.save wrote of a chunk, with the chunk's shape.
absl::StatusOr<CheckpointTensor> NemoReader::readChunk(const DistributedTensor &tensor,
                                                       const TensorChunk &chunk) {
  STRATA_ASSIGN(const NemoFile file, files.open(weights + chunk.file));
  const std::string place =
      absl::StrCat(files.place(weights + chunk.file), ": ", printable(tensor.key));
  if (!(Checked(chunk.begin) + chunk.bytes).atMost(file.bytes.size()))
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": expected ", chunk.bytes, " bytes from byte ", chunk.begin,
                     " on, found a file of ", file.bytes.size(), " bytes"));
  STRATA_ASSIGN(const PyTorchArchive archive,
                PyTorchArchive::open(file.bytes.subspan(chunk.begin, chunk.bytes), place));
  for (const std::span<const std::byte> part : archive.header())
    checkpoint.addHeader(file.file, part);
  STRATA_ASSIGN(CheckpointTensor found, archive.tensor());
  const auto count = checkedProduct(chunk.sizes).value();
  if (found.dtype != tensor.dtype || !count || checkedProduct(found.shape).value() != count)
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": expected shape ", formatShape(chunk.sizes), " of ",
                     std::string(name(tensor.dtype)), ", as .metadata tells, found ",
                     formatShape(found.shape), " of ", std::string(name(found.dtype))));
  found.shape = chunk.sizes;
  found.file = file.file;
  found.offset += file.offset + chunk.begin;
  return found;
}

/// A parameter lies in one piece: chunks are whole tensors, or whole layers.
absl::Status NemoReader::readChunks(const DistributedTensor &tensor) {
  const std::string described = files.place(weights + kDistributed);
  const std::string place = absl::StrCat(described, ": ", printable(tensor.key));
  const bool stacked = NemoTensors::isStacked(tensor.key) && !tensor.shape.empty();
  uint64_t next = 0; // row of the first axis
  for (const TensorChunk &chunk : tensor.chunks) {
    if (!std::equal(tensor.shape.begin() + stacked, tensor.shape.end(),
                    chunk.sizes.begin() + stacked))
      return absl::UnimplementedError(
          absl::StrCat(place, ": expected chunks of whole ", stacked ? "layers" : "tensors",
                       " of shape ", formatShape(tensor.shape), ", found one of shape ",
                       formatShape(chunk.sizes), std::string(kSaveWhole)));
    if (stacked && chunk.offsets[0] != next)
      return absl::InvalidArgumentError(absl::StrCat(place, ": expected a chunk at layer ", next,
                                                     ", found one at ", chunk.offsets[0]));
    STRATA_ASSIGN(CheckpointTensor found, readChunk(tensor, chunk));
    STRATA_TRY(addRows(tensor.key, std::move(found), next, described));
    next += stacked ? chunk.sizes[0] : 0;
  }
  if (stacked && next != tensor.shape[0])
    return absl::InvalidArgumentError(absl::StrCat(place, ": expected chunks of ", tensor.shape[0],
                                                   " layers, found those of ", next));
  return absl::OkStatus();
}

absl::Status NemoReader::readDistributed() {
  STRATA_ASSIGN(const std::string text, files.readText(weights + kDistributed, kMaxMetadataBytes));
  STRATA_ASSIGN(const auto found, readDistributedMetadata(std::as_bytes(std::span(text)),
                                                          files.place(weights + kDistributed)));
  for (const DistributedTensor &tensor : found)
    if (!NemoTensors::isIgnored(tensor.key))
      STRATA_TRY(readChunks(tensor));
  return absl::OkStatus();
}

/// metadata.json, where there is one, names what wrote the arrays.
absl::Status NemoReader::checkBackend() {
  const std::string name = weights + kBackend;
  if (!files.names().contains(name))
    return absl::OkStatus();
  STRATA_ASSIGN(const std::string text, files.readText(name, kMaxConfigBytes));
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, files.place(name)));
  STRATA_ASSIGN(const JsonObject json, document.object());
  STRATA_ASSIGN(const std::string_view backend, json.string("sharded_backend"));
  if (backend != "torch_dist" && backend != "zarr")
    return json.error("sharded_backend",
                      absl::StrCat("expected torch_dist or zarr, found ", printable(backend)));
  return absl::OkStatus();
}

absl::Status NemoReader::readWeights() {
  if (files.names().contains(kTorchWeights))
    return readTorch();
  STRATA_TRY(checkBackend());
  return files.names().contains(weights + kDistributed) ? readDistributed() : readZarrs();
}

/// A SentencePiece model among the files, if there is one of this name.
absl::Status NemoReader::findTokenizer(const std::string &name) {
  if (!files.names().contains(name))
    return absl::OkStatus();
  STRATA_ASSIGN(const NemoFile file, files.open(name));
  std::string place = absl::StrCat(files.path(), ": tokenizer");
  checkpoint.setTokenizer(
      {place, [place, bytes = file.bytes](uint64_t most) -> absl::StatusOr<std::string> {
         if (bytes.size() > most)
           return absl::InvalidArgumentError(
               absl::StrCat(place, ": expected at most ", most, " bytes, found ", bytes.size()));
         return std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size());
       }});
  return absl::OkStatus();
}

/// "nemo:FILE", or FILE; that of NeMo 2 is relative to the context.
absl::StatusOr<std::string> tokenizerName(const YamlMapping &yaml, NemoVersion version) {
  const bool one = version == NemoVersion::one;
  STRATA_ASSIGN(const auto value, yaml.string(one ? "tokenizer.model" : "tokenizer.model_path"));
  std::string name = value.value_or("");
  constexpr std::string_view kPrefix = "nemo:";
  if (name.starts_with(kPrefix))
    name.erase(0, kPrefix.size());
  return one ? name : absl::StrCat("context/", name);
}

absl::Status readModel(NemoFiles files, NemoVersion version, Checkpoint &checkpoint) {
  const bool one = version == NemoVersion::one;
  const std::string configName = one ? kConfigName : kConfigName2;
  const std::string path = files.path(),
                    configPath = files.isArchive() ? path : files.place(configName);
  const std::string weights = one ? "model_weights/" : "weights/";
  checkpoint.setCatalogue(files.place(one ? kTorchWeights : weights + kDistributed));
  STRATA_ASSIGN(const std::string text, files.readText(configName, kMaxConfigBytes));
  STRATA_ASSIGN(const YamlMapping yaml, YamlMapping::parse(text, files.place(configName)));
  STRATA_ASSIGN(const NemoHeads heads, readNemoHeads(yaml, version));
  STRATA_ASSIGN(const std::string tokenizer, tokenizerName(yaml, version));
  NemoReader reader(std::move(files), heads, weights, checkpoint);
  STRATA_TRY(reader.readWeights());
  STRATA_TRY(reader.findTokenizer(tokenizer));
  const CheckpointTensor *table = checkpoint.find("model.embed_tokens.weight");
  if (!table || table->shape.size() != 2)
    return absl::InvalidArgumentError(absl::StrCat(path,
                                                   ": embedding.word_embeddings.weight: missing, "
                                                   "expected a matrix"));
  STRATA_ASSIGN(std::string config, nemoConfigText(yaml, version, table->shape[0]));
  checkpoint.setConfig(std::move(config), configPath);
  if (const std::string texts = path + "/context/nemo_tokenizer"; !one && fs::is_directory(texts))
    checkpoint.setTextFolder(texts);
  return absl::OkStatus();
}

} // namespace

absl::Status readNemo(const std::string &folder, const std::string &name, Checkpoint &checkpoint) {
  STRATA_ASSIGN(NemoFiles files, name == kConfigName
                                     ? NemoFiles::ofFolder(folder, checkpoint)
                                     : NemoFiles::ofArchive(folder, name, checkpoint));
  return readModel(std::move(files), NemoVersion::one, checkpoint);
}

absl::Status readNemo2(const std::string &folder, const std::string &, Checkpoint &checkpoint) {
  STRATA_ASSIGN(NemoFiles files, NemoFiles::ofFolder(folder, checkpoint));
  return readModel(std::move(files), NemoVersion::two, checkpoint);
}

} // namespace strata
