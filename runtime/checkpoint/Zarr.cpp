//===- Zarr.cpp - arrays as NeMo's checkpoints hold them ------------------===//
#include "runtime/checkpoint/Zarr.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <optional>

namespace strata {
namespace {

constexpr uint64_t kMaxZarrayBytes = 1 << 16;
constexpr size_t kMaxRank = 8;
constexpr uint64_t kMaxSlices = 1 << 16;

/// numpy's names; bfloat16 as tensorstore spells it.
constexpr std::pair<std::string_view, DType> kTypes[] = {
    {"bfloat16", DType::bf16}, {"<f2", DType::f16}, {"<f4", DType::f32}, {"<f8", DType::f64},
    {"|i1", DType::i8},        {"|u1", DType::u8},  {"<i4", DType::i32}, {"<i8", DType::i64},
};

absl::StatusOr<std::vector<uint64_t>> readSizes(const JsonObject &json, std::string_view key) {
  STRATA_ASSIGN(const std::vector<int64_t> found, json.integers(key, {.min = 0}));
  if (found.size() > kMaxRank)
    return json.error(
        key, absl::StrCat("expected at most ", kMaxRank, " dimensions, found ", found.size()));
  return std::vector<uint64_t>(found.begin(), found.end());
}

absl::StatusOr<DType> readDType(const JsonObject &json) {
  STRATA_ASSIGN(const std::string_view name, json.string("dtype"));
  for (const auto &[theirs, dtype] : kTypes)
    if (theirs == name)
      return dtype;
  return json.error("dtype",
                    absl::StrCat("expected bfloat16, <f2 or <f4, found ", printable(name)));
}

absl::Status checkPlain(const JsonObject &json) {
  STRATA_TRY(json.integer("zarr_format", {2, 2}).status());
  for (const std::string_view key : {"compressor", "filters"})
    if (const auto value = json.findNonNull(key))
      return value->mismatch("null: compressed arrays are not supported");
  STRATA_ASSIGN(const std::string_view order, json.string("order"));
  if (order != "C")
    return json.error("order", absl::StrCat("expected C, found ", printable(order)));
  STRATA_ASSIGN(const auto separator, json.optionalString("dimension_separator"));
  return separator.value_or(".") == "."
             ? absl::OkStatus()
             : json.error("dimension_separator",
                          absl::StrCat("expected ., found ", printable(*separator)));
}

} // namespace

absl::StatusOr<ZarrArray> readZarray(const NemoFiles &files, const std::string &folder) {
  const std::string name = folder + "/.zarray";
  STRATA_ASSIGN(const std::string text, files.readText(name, kMaxZarrayBytes));
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, files.place(name)));
  STRATA_ASSIGN(const JsonObject json, document.object());
  STRATA_TRY(checkPlain(json));
  ZarrArray array;
  STRATA_ASSIGN(array.dtype, readDType(json));
  STRATA_ASSIGN(array.shape, readSizes(json, "shape"));
  STRATA_ASSIGN(const std::vector<uint64_t> chunks, readSizes(json, "chunks"));
  const std::string sizes =
      absl::StrCat("chunks ", formatShape(chunks), " of shape ", formatShape(array.shape));
  if (chunks.size() != array.shape.size() || array.shape.empty() || chunks[0] == 0 ||
      array.shape[0] % chunks[0] != 0)
    return json.error("chunks", absl::StrCat("expected whole slices, found ", sizes));
  if (!std::equal(chunks.begin() + 1, chunks.end(), array.shape.begin() + 1))
    return absl::UnimplementedError(absl::StrCat(
        files.place(name), ": chunks: expected slices of the first axis, found ", sizes,
        ", as a model of several tensor-parallel ranks is saved; save it "
        "with tensor_model_parallel_size 1"));
  array.sliceRows = chunks[0];
  const uint64_t count = array.shape[0] / chunks[0];
  if (count > kMaxSlices)
    return json.error("chunks",
                      absl::StrCat("expected at most ", kMaxSlices, " files, found ", count));
  std::string zeros; // of the other axes
  for (size_t i = 1; i < chunks.size(); ++i)
    zeros += ".0";
  for (uint64_t i = 0; i != count; ++i)
    array.files.push_back(absl::StrCat(folder, "/", i, zeros));
  return array;
}

} // namespace strata
