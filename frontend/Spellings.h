//===- Spellings.h - keys with more than one name ---------------*- C++ -*-===//
#pragma once

#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"

#include <optional>
#include <span>
#include <string_view>

namespace strata {

/// Keys for the same thing, the one to prefer first; dots lead into objects. Files in circulation
/// hold several of them at once.
using Spellings = std::span<const std::string_view>;

/// The value at `path`; empty where it, or an object on the way to it, is absent or null.
inline absl::StatusOr<std::optional<JsonValue>> findAt(const JsonObject &json,
                                                       std::string_view path) {
  size_t dot = path.find('.');
  std::optional<JsonValue> value = json.findNonNull(path.substr(0, dot));
  if (!value || dot == std::string_view::npos)
    return value;
  STRATA_ASSIGN(JsonObject inner, value->object());
  return findAt(inner, path.substr(dot + 1));
}

inline std::string formatSpelling(std::string_view value) { return quote(value); }
template <typename Number>
std::string formatSpelling(Number value) {
  return absl::StrCat(value);
}

/// The value under any of its spellings. Each that is present must be valid, and all must agree.
template <typename T>
absl::StatusOr<std::optional<T>>
readSpelled(const JsonObject &json, Spellings spellings,
            absl::FunctionRef<absl::StatusOr<T>(const JsonValue &)> read) {
  std::optional<T> first;
  std::string_view firstKey;
  for (std::string_view key : spellings) {
    STRATA_ASSIGN(std::optional<JsonValue> value, findAt(json, key));
    if (!value)
      continue;
    STRATA_ASSIGN(T found, read(*value));
    if (first && *first != found)
      return value->mismatch(formatSpelling(*first) + " as in " + std::string(firstKey));
    if (!first)
      first = found, firstKey = key;
  }
  return first;
}

inline absl::StatusOr<std::optional<double>>
readSpelledNumber(const JsonObject &json, Spellings spellings, NumberRange range) {
  return readSpelled<double>(json, spellings,
                             [&](const JsonValue &value) { return value.number(range); });
}

inline absl::StatusOr<std::optional<std::string_view>> readSpelledString(const JsonObject &json,
                                                                         Spellings spellings) {
  return readSpelled<std::string_view>(json, spellings,
                                       [](const JsonValue &value) { return value.string(); });
}

} // namespace strata
