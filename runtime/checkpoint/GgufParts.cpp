//===- GgufParts.cpp - GGUF models in several files -----------------------===//
#include "runtime/checkpoint/GgufParts.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ShardName.h"

#include "absl/strings/str_format.h"

#include <filesystem>
#include <system_error>

namespace strata {
namespace {

constexpr std::string_view kNumber = "split.no", kCount = "split.count",
                           kTensors = "split.tensors.count";

std::string asText(std::optional<int64_t> value) {
  return value ? absl::StrCat(*value) : "no such key";
}

/// That a value is the one that the first part has, or asks for.
absl::Status requireValue(const GgufFile &file, std::string_view key,
                          std::optional<int64_t> expected) {
  STRATA_ASSIGN(const std::optional<int64_t> found, file.integer(key));
  if (found == expected)
    return absl::OkStatus();
  return file.error(key, absl::StrCat("expected ", asText(expected), ", found ", asText(found)));
}

} // namespace

absl::Status checkFirstPart(const GgufFile &file) {
  STRATA_ASSIGN(const std::optional<int64_t> number, file.integer(kNumber));
  STRATA_ASSIGN(const std::optional<int64_t> count, file.integer(kCount));
  if (number.value_or(0) == 0)
    return absl::OkStatus();
  return file.error(kNumber, absl::StrFormat("expected 0, that of the first file, found %d; give "
                                             "the one whose name ends in -00001-of-%05d.gguf",
                                             *number, count.value_or(0)));
}

absl::Status checkPart(const GgufFile &file, const GgufFile &first, int64_t number) {
  STRATA_TRY(requireValue(file, kNumber, number));
  for (std::string_view key : {kCount, kTensors}) {
    STRATA_ASSIGN(const std::optional<int64_t> expected, first.integer(key));
    STRATA_TRY(requireValue(file, key, expected));
  }
  for (const auto &[key, value] : file.metadata())
    if (!key.starts_with("split.") && !key.starts_with("general."))
      return file.error(key, "expected what is said of the model in its first file, found it here");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> findParts(const GgufFile &first, const std::string &folder,
                                                   const std::string &name) {
  STRATA_ASSIGN(const std::optional<int64_t> count, first.integer(kCount));
  std::vector<std::string> others;
  if (count.value_or(1) <= 1)
    return others;
  const std::optional<ShardName> own = parseShardName(name);
  if (!own || own->number != 1 || int64_t(own->count) != *count)
    return first.error(kCount, absl::StrFormat("expected a file whose name ends in "
                                               "-00001-of-%05d.gguf, as the others', found %s",
                                               *count, printable(name)));
  for (size_t number = 2; number <= own->count; ++number) {
    others.push_back(own->of(number));
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::path(folder) / others.back(), ignored))
      return first.error(kCount, absl::StrCat("expected ", *count, " files, found no ",
                                              printable(others.back()), " beside it"));
  }
  return others;
}

absl::Status checkTensorCount(const GgufFile &first, size_t found) {
  STRATA_ASSIGN(const std::optional<int64_t> expected, first.integer(kTensors));
  if (!expected || *expected == int64_t(found))
    return absl::OkStatus();
  return first.error(kTensors, absl::StrCat("expected ", *expected, " tensors, found ", found));
}

} // namespace strata
