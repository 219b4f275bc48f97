//===- JsonTree.h - a JSON value to walk about in ---------------*- C++ -*-===//
#pragma once

#include "runtime/base/Json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::grammar {

/// A value of a schema. Objects keep the order of their members; of a key that stands twice, the
/// last counts.
struct JsonTree {
  enum class Kind : uint8_t { null, boolean, number, string, array, object } kind = Kind::null;
  bool truth = false;
  double number = 0;
  std::optional<int64_t> whole = {}; // the number, if it has no fraction and is not too large
  std::string text = {};             // of a string
  std::vector<JsonTree> items = {};
  std::vector<std::pair<std::string, JsonTree>> members = {};
  std::string place = {}; // as errors call it

  static absl::StatusOr<JsonTree> from(const JsonValue &value, std::string place);

  bool isObject() const { return kind == Kind::object; }
  bool isString() const { return kind == Kind::string; }
  bool is(bool boolean) const { return kind == Kind::boolean && truth == boolean; }
  /// Null if there is none.
  const JsonTree *find(std::string_view key) const;
  /// As JSON has it: objects whatever their order, numbers whatever their spelling.
  bool operator==(const JsonTree &other) const;

  /// INVALID_ARGUMENT `PLACE: MESSAGE`.
  absl::Status error(std::string_view message) const;
  absl::StatusOr<uint32_t> count() const; // a whole number up to 2^31 - 1
  absl::StatusOr<const std::string *> string() const;
};

/// JSON that reads the same again, members in their order.
std::string spell(const JsonTree &value);
/// A number as JSON, in one spelling.
std::string spellNumber(const JsonTree &number);

} // namespace strata::grammar
