//===- DistributedTorch.cpp - checkpoints of torch.distributed ------------===//
//
// .metadata       a pickle of Metadata(
//                   state_dict_metadata = {KEY: TensorStorageMetadata(properties, size, chunks)},
//                   storage_data = {MetadataIndex(fqn = KEY, offset): _StorageInfo(relative_path,
//                                   offset, length)})
// __R_N.distcp    what torch.save writes of each chunk, one behind the other
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/DistributedTorch.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/Pickle.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace strata {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMaxRank = 8, kMaxKeyBytes = 1024;

constexpr std::string_view kMetadata = "torch.distributed.checkpoint.metadata Metadata";
constexpr std::string_view kTensor = "torch.distributed.checkpoint.metadata TensorStorageMetadata";
constexpr std::string_view kBytes = "torch.distributed.checkpoint.metadata BytesStorageMetadata";
constexpr std::string_view kProperties = "torch.distributed.checkpoint.metadata TensorProperties";
constexpr std::string_view kChunk = "torch.distributed.checkpoint.metadata ChunkStorageMetadata";
constexpr std::string_view kIndex = "torch.distributed.checkpoint.metadata MetadataIndex";
constexpr std::string_view kStorage = "torch.distributed.checkpoint.filesystem _StorageInfo";
constexpr std::string_view kSize = "torch Size";

constexpr std::pair<std::string_view, DType> kTypes[] = {
    {"torch float16", DType::f16},
    {"torch bfloat16", DType::bf16},
    {"torch float32", DType::f32},
    {"torch float64", DType::f64},
    {"torch int8", DType::i8},
    {"torch uint8", DType::u8},
    {"torch int16", DType::i16},
    {"torch int32", DType::i32},
    {"torch int64", DType::i64},
    {"torch bool", DType::boolean},
    {"torch float8_e4m3fn", DType::f8_e4m3},
    {"torch float8_e5m2", DType::f8_e5m2},
};

/// What the pickle may name beside types: what describes tensors, and what torch and Megatron keep
/// of how they saved them, which is not looked at.
constexpr std::string_view kObjects[] = {
    kMetadata,
    kTensor,
    kBytes,
    kProperties,
    kChunk,
    kIndex,
    kStorage,
    kSize,
    "collections OrderedDict",
    "pathlib PosixPath",
    "pathlib._local PosixPath",
    "torch.serialization _get_layout",
    "torch.distributed.checkpoint.metadata _MEM_FORMAT_ENCODING",
    "torch.distributed.checkpoint.metadata StorageMeta",
    "torch.distributed.checkpoint.filesystem _StoragePrefix",
    "torch.distributed.checkpoint.planner SavePlan",
    "torch.distributed.checkpoint.planner WriteItem",
    "torch.distributed.checkpoint.planner WriteItemType",
    "torch.distributed.checkpoint.planner TensorWriteData",
    "torch.distributed.checkpoint.planner BytesIOWriteData",
    "megatron.core.dist_checkpointing.strategies.torch MCoreMetadata",
    "megatron.core.dist_checkpointing.strategies.torch MCoreSavePlan",
};

using Sizes = std::vector<uint64_t>;

/// Turns the values of the pickle into tensors; errors begin with the tensor's key.
class MetadataReader {
public:
  explicit MetadataReader(const Pickle &pickle) : pickle(pickle) {}

  absl::StatusOr<std::vector<DistributedTensor>> read();

private:
  /// Where a chunk was written.
  struct Storage {
    std::string_view file;
    uint64_t begin, bytes;
  };
  using Storages = std::map<std::pair<std::string_view, Sizes>, Storage>;

  absl::StatusOr<Storages> readStorages(const PickleValue &dict);
  absl::StatusOr<DistributedTensor> readTensor(std::string_view key, const PickleValue &value,
                                               const Storages &storages);
  absl::StatusOr<DType> readType(const PickleValue &properties);
  absl::StatusOr<TensorChunk> readChunk(const PickleValue &value, const Sizes &shape);
  absl::StatusOr<Sizes> readSizes(const PickleValue *value, const char *what);
  absl::StatusOr<uint64_t> readCount(const PickleValue *value, const char *what);
  bool isTensor(const PickleValue &value) const { return pickle.argumentsOf(value, kTensor); }

  template <typename... Parts>
  static absl::Status error(const Parts &...parts) {
    return absl::InvalidArgumentError(absl::StrCat("", parts...));
  }

  const Pickle &pickle;
};

absl::StatusOr<uint64_t> MetadataReader::readCount(const PickleValue *value, const char *what) {
  if (!value || value->kind != Kind::integer || value->number < 0)
    return error(what, ": expected a number of at least 0, found another");
  return uint64_t(value->number);
}

/// torch.Size((2, 8))
absl::StatusOr<Sizes> MetadataReader::readSizes(const PickleValue *value, const char *what) {
  const PickleValue *arguments = value ? pickle.argumentsOf(*value, kSize) : nullptr;
  if (!arguments || arguments->items.size() != 1 || pickle[arguments->items[0]].kind != Kind::tuple)
    return error(what, ": expected a torch.Size, found another object");
  const PickleValue &tuple = pickle[arguments->items[0]];
  if (tuple.items.size() > kMaxRank)
    return error(what, ": expected at most ", kMaxRank, " dimensions, found ", tuple.items.size());
  Sizes sizes;
  for (const PickleValue::Index item : tuple.items) {
    STRATA_ASSIGN(const uint64_t size, readCount(&pickle[item], what));
    sizes.push_back(size);
  }
  return sizes;
}

/// Of objects that are no tensors, too: those lie at no offset.
absl::StatusOr<MetadataReader::Storages> MetadataReader::readStorages(const PickleValue &dict) {
  Storages storages;
  for (const auto &[indexOf, infoOf] : pickle.entries(dict)) {
    const PickleValue &index = pickle[indexOf], &info = pickle[infoOf];
    const PickleValue *key = pickle.attributeOf(index, kIndex, "fqn");
    const PickleValue *at = pickle.attributeOf(index, kIndex, "offset");
    if (!key || key->kind != Kind::string)
      return error("storage_data: expected a MetadataIndex with a key, found another object");
    if (!at || at->kind == Kind::none)
      continue;
    const std::string name = printable(key->text);
    const PickleValue *file = pickle.attributeOf(info, kStorage, "relative_path");
    if (!file || file->kind != Kind::string)
      return error(name, ": expected a _StorageInfo with a file, found another object");
    if (const PickleValue *how = pickle.attributeOf(info, kStorage, "transform_descriptors");
        how && how->kind != Kind::none && !how->items.empty())
      return absl::UnimplementedError(
          absl::StrCat(name, ": transform_descriptors: expected none, found some: tensors that "
                             "were transformed, e.g. compressed, are not supported"));
    STRATA_ASSIGN(Sizes offsets, readSizes(at, "offset"));
    STRATA_ASSIGN(const uint64_t begin,
                  readCount(pickle.attributeOf(info, kStorage, "offset"), "offset in its file"));
    STRATA_ASSIGN(const uint64_t bytes,
                  readCount(pickle.attributeOf(info, kStorage, "length"), "length in its file"));
    storages[{key->text, std::move(offsets)}] = {file->text, begin, bytes};
  }
  return storages;
}

/// TensorProperties sets its attributes from a tuple, the type first.
absl::StatusOr<DType> MetadataReader::readType(const PickleValue &properties) {
  const bool known =
      pickle.argumentsOf(properties, kProperties) && properties.state != PickleValue::kNoState;
  const PickleValue *state = known ? &pickle[properties.state] : nullptr;
  if (!state || state->kind != Kind::tuple || state->items.empty())
    return error("expected TensorProperties with a type, found another object");
  const std::string_view name = pickle[state->items[0]].text;
  for (const auto &[theirs, dtype] : kTypes)
    if (theirs == name)
      return dtype;
  return error("expected a type, found ", printable(name));
}

absl::StatusOr<TensorChunk> MetadataReader::readChunk(const PickleValue &value,
                                                      const Sizes &shape) {
  TensorChunk chunk;
  STRATA_ASSIGN(chunk.offsets, readSizes(pickle.attributeOf(value, kChunk, "offsets"), "offsets"));
  STRATA_ASSIGN(chunk.sizes, readSizes(pickle.attributeOf(value, kChunk, "sizes"), "sizes"));
  bool inside = chunk.offsets.size() == shape.size() && chunk.sizes.size() == shape.size();
  for (size_t i = 0; inside && i != shape.size(); ++i)
    inside = (Checked(chunk.offsets[i]) + chunk.sizes[i]).atMost(shape[i]);
  if (!inside)
    return error("expected chunks inside of shape ", formatShape(shape), ", found one of shape ",
                 formatShape(chunk.sizes), " at ", formatShape(chunk.offsets));
  return chunk;
}

absl::StatusOr<DistributedTensor> MetadataReader::readTensor(std::string_view key,
                                                             const PickleValue &value,
                                                             const Storages &storages) {
  DistributedTensor tensor{std::string(key), {}, {}, {}};
  const PickleValue *properties = pickle.attributeOf(value, kTensor, "properties");
  const PickleValue *chunks = pickle.attributeOf(value, kTensor, "chunks");
  if (!properties || !chunks || chunks->kind != Kind::list || chunks->items.empty())
    return error("expected properties and chunks, found neither or one");
  STRATA_ASSIGN(tensor.dtype, readType(*properties));
  STRATA_ASSIGN(tensor.shape, readSizes(pickle.attributeOf(value, kTensor, "size"), "size"));
  for (const PickleValue::Index item : chunks->items) {
    STRATA_ASSIGN(TensorChunk chunk, readChunk(pickle[item], tensor.shape));
    const auto found = storages.find({key, chunk.offsets});
    if (found == storages.end())
      return error("storage_data: expected where the chunk at ", formatShape(chunk.offsets),
                   " lies, found nothing");
    chunk.file = found->second.file;
    chunk.begin = found->second.begin;
    chunk.bytes = found->second.bytes;
    tensor.chunks.push_back(std::move(chunk));
  }
  std::ranges::sort(tensor.chunks, {}, &TensorChunk::offsets);
  return tensor;
}

absl::StatusOr<std::vector<DistributedTensor>> MetadataReader::read() {
  const auto dict = [&](std::string_view name) -> const PickleValue * {
    const PickleValue *found = pickle.attributeOf(pickle.root(), kMetadata, name);
    return found && found->kind == Kind::dict ? found : nullptr;
  };
  const PickleValue *described = dict("state_dict_metadata"), *stored = dict("storage_data");
  if (!described || !stored)
    return error("expected Metadata of torch.distributed.checkpoint with state_dict_metadata and "
                 "storage_data, found another object");
  STRATA_ASSIGN(const Storages storages, readStorages(*stored));
  std::map<std::string_view, DistributedTensor> tensors;
  for (const auto &[keyOf, valueOf] : pickle.entries(*described)) {
    const PickleValue &key = pickle[keyOf];
    if (key.kind != Kind::string || key.text.empty() || key.text.size() > kMaxKeyBytes)
      return error("expected keys of 1 to ", kMaxKeyBytes, " bytes of text, found another");
    if (!isTensor(pickle[valueOf]))
      continue;
    auto tensor = readTensor(key.text, pickle[valueOf], storages);
    if (!tensor.ok())
      return annotate(tensor.status(), printable(key.text));
    tensors.insert_or_assign(key.text, *std::move(tensor));
  }
  std::vector<DistributedTensor> sorted;
  for (auto &[key, tensor] : tensors)
    sorted.push_back(std::move(tensor));
  return sorted;
}

/// No two chunks have a byte in common.
absl::Status checkApart(std::span<const DistributedTensor> tensors) {
  struct Part {
    std::string_view file;
    uint64_t begin, bytes;
    std::string_view key;
  };
  std::vector<Part> parts;
  for (const DistributedTensor &tensor : tensors)
    for (const TensorChunk &chunk : tensor.chunks)
      parts.push_back({chunk.file, chunk.begin, chunk.bytes, tensor.key});
  std::ranges::sort(parts, {},
                    [](const Part &part) { return std::tuple(part.file, part.begin, part.bytes); });
  for (size_t i = 1; i < parts.size(); ++i)
    if (const Part &own = parts[i], &other = parts[i - 1];
        own.file == other.file && own.begin - other.begin < other.bytes)
      return absl::InvalidArgumentError(
          absl::StrCat(printable(own.key), ": expected bytes of its own in ", printable(own.file),
                       ", found some of ", printable(other.key)));
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<std::vector<DistributedTensor>>
readDistributedMetadata(std::span<const std::byte> bytes, const std::string &place) {
  std::vector<std::string_view> globals(std::begin(kObjects), std::end(kObjects));
  for (const auto &[name, dtype] : kTypes)
    globals.push_back(name);
  STRATA_ASSIGN(const Pickle pickle, Pickle::read(bytes, place, globals));
  auto tensors = MetadataReader(pickle).read();
  const absl::Status status = tensors.ok() ? checkApart(*tensors) : tensors.status();
  return status.ok() ? std::move(tensors) : annotate(status, place);
}

} // namespace strata
