//===- Yaml.h - the scalars of a YAML mapping -------------------*- C++ -*-===//
//
// What YAML writers make of a tree of settings: mappings by indentation, and scalars in them.
// Lists, flow collections, anchors and tags may stand in the file; they are skipped, and an error
// where a scalar is asked for. Tabs, merges and second documents are refused.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace strata {

/// A mapping. Paths lead through mappings by dots: "tokenizer.model".
class YamlMapping {
public:
  /// Parses `text` of at most 1 MiB; errors begin with `place` and the line.
  static absl::StatusOr<YamlMapping> parse(std::string_view text, std::string place);

  /// The value at `path`; empty if absent or null, an error if it is of another kind.
  absl::StatusOr<std::optional<int64_t>> integer(std::string_view path) const;
  absl::StatusOr<std::optional<double>> number(std::string_view path) const;
  absl::StatusOr<std::optional<bool>> boolean(std::string_view path) const;
  absl::StatusOr<std::optional<std::string>> string(std::string_view path) const;

  /// INVALID_ARGUMENT `PLACE: PATH: MESSAGE`, for checks that are the caller's.
  absl::Status error(std::string_view path, std::string_view message) const;

private:
  friend class YamlParser;
  struct Value {
    enum class Kind : uint8_t { plain, quoted, other } kind;
    std::string text; // of a scalar
  };
  absl::StatusOr<const Value *> find(std::string_view path, std::string_view expected) const;

  std::map<std::string, Value, std::less<>> values;
  std::string place;
};

} // namespace strata
