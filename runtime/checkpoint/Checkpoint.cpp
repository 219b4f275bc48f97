//===- Checkpoint.cpp - the tensors of a model folder ---------------------===//
#include "runtime/checkpoint/Checkpoint.h"

#include "runtime/base/Quote.h"

#include "absl/strings/str_join.h"

#include <algorithm>
#include <array>

namespace strata {

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

namespace {
struct DTypeFacts {
  DType dtype;
  std::string_view name;
  BlockSize size;
};
} // namespace

static constexpr std::array kDTypes = {
    DTypeFacts{DType::boolean, "bool", {1, 1}},    DTypeFacts{DType::u8, "u8", {1, 1}},
    DTypeFacts{DType::i8, "i8", {1, 1}},           DTypeFacts{DType::f8_e5m2, "f8_e5m2", {1, 1}},
    DTypeFacts{DType::f8_e4m3, "f8_e4m3", {1, 1}}, DTypeFacts{DType::f8_e8m0, "f8_e8m0", {1, 1}},
    DTypeFacts{DType::i16, "i16", {1, 2}},         DTypeFacts{DType::u16, "u16", {1, 2}},
    DTypeFacts{DType::f16, "f16", {1, 2}},         DTypeFacts{DType::bf16, "bf16", {1, 2}},
    DTypeFacts{DType::i32, "i32", {1, 4}},         DTypeFacts{DType::u32, "u32", {1, 4}},
    DTypeFacts{DType::f32, "f32", {1, 4}},         DTypeFacts{DType::f64, "f64", {1, 8}},
    DTypeFacts{DType::i64, "i64", {1, 8}},         DTypeFacts{DType::u64, "u64", {1, 8}},
    DTypeFacts{DType::c64, "c64", {1, 8}},         DTypeFacts{DType::f4, "f4", {2, 1}},
    DTypeFacts{DType::f6_e2m3, "f6_e2m3", {4, 3}}, DTypeFacts{DType::f6_e3m2, "f6_e3m2", {4, 3}},
    DTypeFacts{DType::q8_0, "q8_0", {32, 34}},     DTypeFacts{DType::q4_0, "q4_0", {32, 18}},
    DTypeFacts{DType::q4_1, "q4_1", {32, 20}},     DTypeFacts{DType::q5_0, "q5_0", {32, 22}},
    DTypeFacts{DType::q5_1, "q5_1", {32, 24}},     DTypeFacts{DType::q4_k, "q4_k", {256, 144}},
    DTypeFacts{DType::q5_k, "q5_k", {256, 176}},   DTypeFacts{DType::q6_k, "q6_k", {256, 210}},
    DTypeFacts{DType::iq4_nl, "iq4_nl", {32, 18}}, DTypeFacts{DType::iq4_xs, "iq4_xs", {256, 136}},
};

/// The table is in the order of the enumeration.
static const DTypeFacts &factsOf(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }

BlockSize blockSize(DType dtype) { return factsOf(dtype).size; }

std::string_view name(DType dtype) { return factsOf(dtype).name; }

std::optional<DType> dtypeNamed(std::string_view name) {
  for (const DTypeFacts &facts : kDTypes)
    if (facts.name == name)
      return facts.dtype;
  return std::nullopt;
}

std::string formatShape(std::span<const uint64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

const CheckpointTensor *Checkpoint::find(std::string_view key) const {
  const auto found = tensors_.find(key);
  return found == tensors_.end() ? nullptr : &found->second;
}

/// "bf16, f16 or f32". Of several, those of blocks are left out: they are in GGUF files alone,
/// where all are read.
static std::string formatChoice(std::span<const DType> dtypes) {
  std::vector<std::string> names;
  for (DType dtype : dtypes)
    if (!isQuantized(dtype) || dtypes.size() == 1)
      names.emplace_back(name(dtype));
  const std::string last = names.back();
  names.pop_back();
  return names.empty() ? last : absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

/// What stands before `key` where a tensor has it with a prefix; empty if none does.
static std::string findPrefix(const Checkpoint::Tensors &tensors, std::string_view key) {
  for (const auto &[other, tensor] : tensors)
    if (other.size() > key.size() + 1 && other.ends_with(key) &&
        other[other.size() - key.size() - 1] == '.')
      return other.substr(0, other.size() - key.size());
  return "";
}

/// Who writes such keys; empty if we don't know.
static std::string_view whoPrefixes(std::string_view prefix) {
  constexpr std::pair<std::string_view, std::string_view> kWriters[] = {
      {"_orig_mod.", " (torch.compile)"},
      {"module.", " (DataParallel)"},
      {"base_model.model.", " (an adapter's wrapper)"}};
  for (const auto &[known, writer] : kWriters)
    if (prefix.starts_with(known))
      return writer;
  return "";
}

absl::StatusOr<const CheckpointTensor *> Checkpoint::require(std::string_view key,
                                                             std::span<const uint64_t> shape,
                                                             std::span<const DType> dtypes) const {
  const CheckpointTensor *tensor = find(key);
  if (const auto why = missing.find(key); why != missing.end())
    return absl::NotFoundError(absl::StrCat(catalogue, ": ", printable(key), ": ", why->second));
  if (const std::string prefix = tensor ? "" : findPrefix(tensors_, key); !prefix.empty())
    return absl::NotFoundError(absl::StrCat(
        catalogue, ": ", printable(key), ": missing, found it behind the prefix ",
        printable(prefix), std::string(whoPrefixes(prefix)), "; save the model without"));
  if (!tensor)
    return absl::NotFoundError(absl::StrCat(catalogue, ": ", printable(key),
                                            ": missing, expected a tensor of shape ",
                                            formatShape(shape)));
  const std::string place = absl::StrCat(files_[tensor->file].path, ": ", printable(key));
  if (!std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end()))
    return absl::InvalidArgumentError(absl::StrCat(place, ": shape is ", formatShape(tensor->shape),
                                                   ", expected ", formatShape(shape)));
  if (std::find(dtypes.begin(), dtypes.end(), tensor->dtype) == dtypes.end())
    return absl::InvalidArgumentError(absl::StrCat(place, ": dtype is ",
                                                   std::string(name(tensor->dtype)), ", expected ",
                                                   formatChoice(dtypes)));
  return tensor;
}

std::optional<uint64_t> CheckpointTensor::spanBytes() const {
  return blockSize(dtype).bytesOf(box.span(shape));
}

uint32_t Checkpoint::addFile(std::string name, MappedFile mapping,
                             std::vector<std::span<const std::byte>> header) {
  files_.push_back({std::move(name), mapping.path(), mapping.bytes(), std::move(header)});
  mappings.push_back(std::move(mapping));
  return static_cast<uint32_t>(files_.size() - 1);
}

void Checkpoint::addHeader(uint32_t file, std::span<const std::byte> part) {
  auto &header = files_[file].header;
  header.insert(std::ranges::upper_bound(header, part.data(), {},
                                         [](const auto &other) { return other.data(); }),
                part);
}

void Checkpoint::renameTensors(const std::function<std::string(std::string_view)> &rename) {
  Tensors renamed;
  for (auto &[key, tensor] : tensors_)
    renamed.emplace(rename(key), std::move(tensor));
  tensors_ = std::move(renamed);
  decltype(missing) absent;
  for (auto &[key, why] : missing)
    absent.emplace(rename(key), std::move(why));
  missing = std::move(absent);
}

absl::Status Checkpoint::addTensor(std::string key, CheckpointTensor tensor) {
  const uint32_t file = tensor.file;
  if (tensor.box.groupStride == tensor.box.groupRows || tensor.box.groupRows == tensor.shape[0])
    tensor.box.groupRows = tensor.box.groupStride = 0; // nothing lies between groups
  if (tensor.box.rowStride && tensor.box.rowStride == tensor.shape[1])
    tensor.box.rowStride = 0; // nor between rows
  tensor.bytes = mappings[file].bytes().subspan(tensor.offset, tensor.spanBytes().value());
  const auto [place, added] = tensors_.try_emplace(std::move(key), tensor);
  if (added)
    return absl::OkStatus();
  const std::string &other = files_[place->second.file].name, &own = files_[file].name;
  const auto named = places.find(place->first);
  if (named != places.end() && named->second == own) {
    place->second = std::move(tensor);
    missing.erase(place->first);
  } else if (!places.empty() && (named == places.end() || named->second != other))
    setMissing(place->first, absl::StrCat("is in ", printable(other), " and in ", printable(own),
                                          ", and weight_map does not tell which counts"));
  if (!places.empty())
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(files_[file].path, ": ", printable(place->first),
                                                 ": tensor is also in ",
                                                 files_[place->second.file].path));
}

} // namespace strata
