//===- Json.h - strict reading of JSON files --------------------*- C++ -*-===//
//
// config.json, safetensors headers and their index. What other readers let pass silently is an
// error here: 3.0 where an integer is due, byte-order marks, nesting beyond 64. Most files of model
// folders are written by Python: its NaN and Infinity, and numbers that do not fit 64 bits, stop
// nothing unless they are asked for; keys that stand twice are an error or, where the caller takes
// notes, count as in Python. Every error names file, key, expected and found:
//
//     config.json: hidden_size: expected an integer in [1, 65536], found -5
//     config.json: rope_theta: expected a number above 0, found NaN in line 12
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/base/PythonNumbers.h"
#include "simdjson.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// What an integer may be, both ends included.
struct IntegerRange {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};

/// What a number may be; the ends are excluded where it says so. NaN, infinities and numbers that
/// would round to one are in no range.
struct NumberRange {
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
  bool minExcluded = false;
  bool maxExcluded = false;
};

class JsonObject;

/// What all values of a document refer to.
struct JsonSource {
  std::string file;      // what errors call it
  PythonNumbers numbers; // that its elements stand for
  bool hasDuplicates = false;
};

/// A value of a document and where it stands. Valid as long as its JsonDocument; cheap to copy.
class JsonValue {
public:
  JsonValue(simdjson::dom::element element, const JsonSource *source, std::string place)
      : element(element), source(source), place(std::move(place)) {}

  absl::StatusOr<int64_t> integer(IntegerRange range = {}) const;
  /// Integers are numbers too.
  absl::StatusOr<double> number(NumberRange range = {}) const;
  absl::StatusOr<bool> boolean() const;
  /// UTF-8; may hold NUL. Points into the document.
  absl::StatusOr<std::string_view> string() const;
  absl::StatusOr<JsonObject> object() const;
  absl::StatusOr<std::vector<JsonValue>> array() const;
  absl::StatusOr<std::vector<int64_t>> integers(IntegerRange range = {}) const;
  bool isNull() const { return element.is_null(); }
  /// For keys that hold one value or a list of them, such as eos_token_id.
  bool isArray() const { return element.is_array(); }
  bool isString() const { return element.is_string(); }
  bool isObject() const { return element.is_object(); }

  /// INVALID_ARGUMENT `FILE: PLACE: MESSAGE`, for checks that are the caller's.
  absl::Status error(std::string_view message) const;
  /// INVALID_ARGUMENT `FILE: PLACE: expected EXPECTED, found FOUND`.
  absl::Status mismatch(std::string_view expected) const;

private:
  std::string describe() const;

  simdjson::dom::element element;
  const JsonSource *source;
  std::string place; // "rope_parameters.rope_theta", "eos_token_id[1]"; empty for the root
};

/// A member of an object.
struct JsonMember {
  std::string_view key; // points into the document
  JsonValue value;
};

/// An object. Of a key that stands in it twice, the last value counts, at the place of the first.
/// Valid as long as its JsonDocument.
///
/// Each type has two getters: `integer("k")` is an error where k is absent or null,
/// `optionalInteger("k")` is empty there. Both are errors where k has another type or is out of
/// range.
class JsonObject {
public:
  JsonObject(simdjson::dom::object object, const JsonSource *source, std::string place)
      : members_(object), source(source), place(std::move(place)) {}

  /// The value of `key`, null or not; empty if there is none.
  std::optional<JsonValue> find(std::string_view key) const;
  /// The value of `key`; empty if absent or null.
  std::optional<JsonValue> findNonNull(std::string_view key) const;
  /// In the order of the file.
  std::vector<JsonMember> members() const;

  absl::StatusOr<int64_t> integer(std::string_view key, IntegerRange range = {}) const;
  absl::StatusOr<double> number(std::string_view key, NumberRange range = {}) const;
  absl::StatusOr<bool> boolean(std::string_view key) const;
  absl::StatusOr<std::string_view> string(std::string_view key) const;
  absl::StatusOr<JsonObject> object(std::string_view key) const;
  absl::StatusOr<std::vector<JsonValue>> array(std::string_view key) const;
  absl::StatusOr<std::vector<int64_t>> integers(std::string_view key,
                                                IntegerRange range = {}) const;

  absl::StatusOr<std::optional<int64_t>> optionalInteger(std::string_view key,
                                                         IntegerRange range = {}) const;
  absl::StatusOr<std::optional<double>> optionalNumber(std::string_view key,
                                                       NumberRange range = {}) const;
  absl::StatusOr<std::optional<bool>> optionalBoolean(std::string_view key) const;
  absl::StatusOr<std::optional<std::string_view>> optionalString(std::string_view key) const;
  absl::StatusOr<std::optional<JsonObject>> optionalObject(std::string_view key) const;

  /// INVALID_ARGUMENT `FILE: PLACE.KEY: MESSAGE`, also for keys that are absent.
  absl::Status error(std::string_view key, std::string_view message) const;

private:
  std::string placeOf(std::string_view key) const;

  simdjson::dom::object members_;
  const JsonSource *source;
  std::string place;
};

/// A parsed file. Move-only; values point into it and survive a move.
class JsonDocument {
public:
  /// Where notes for people go, one line each.
  using Notes = std::vector<std::string>;

  /// Reads and parses the regular file `path` of at most `maxBytes`.
  static absl::StatusOr<JsonDocument> parseFile(const std::string &path, uint64_t maxBytes,
                                                Notes *notes = nullptr);
  /// Parses a copy of `text`; errors call it `file`. A key that stands twice in an object is noted,
  /// or an error without `notes`.
  static absl::StatusOr<JsonDocument> parse(std::string_view text, std::string file,
                                            Notes *notes = nullptr);

  JsonValue root() const;
  /// Most documents are one object.
  absl::StatusOr<JsonObject> object() const { return root().object(); }

private:
  struct Parsed {
    JsonSource source;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
  };
  explicit JsonDocument(std::unique_ptr<Parsed> parsed) : parsed(std::move(parsed)) {}

  std::unique_ptr<Parsed> parsed;
};

/// The deepest nesting accepted.
inline constexpr size_t kMaxJsonDepth = 64;

} // namespace strata
