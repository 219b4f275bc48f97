//===- Assertions.h - what schemas say together -----------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/JsonRules.h"
#include "runtime/grammar/JsonTree.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace strata::grammar {

/// Kinds of values, as bits: every whole number is of both kinds of numbers.
enum Type : uint8_t {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kFractional = 8, // numbers that are not whole
  kString = 16,
  kArray = 32,
  kObject = 64,
  kAnyType = 127
};

Type typeOf(const JsonTree &value);

/// Schemas all of which are to be true of a value.
using Schemas = std::vector<const JsonTree *>;

/// What one or more schemas say of a value. Pointers are into the schema's document.
struct Assertions {
  struct ArrayPart { // of one schema
    Schemas prefix;
    const JsonTree *items = nullptr; // behind them
  };
  struct ObjectPart { // likewise
    const JsonTree *properties = nullptr, *additional = nullptr;
  };

  uint8_t types = kAnyType;
  std::optional<Schemas> values = {}; // it is one of these
  NumberBounds bounds = {};
  Repetition length = {}; // of a string
  const JsonTree *pattern = nullptr, *format = nullptr;
  Repetition items = {};
  std::vector<ArrayPart> arrays = {};
  Repetition properties = {};
  std::vector<ObjectPart> objects = {};
  std::vector<std::string> required = {};
  std::vector<Schemas> choices = {}; // of each, at least one is true

  std::set<const JsonTree *> seen = {}; // schemas that are in here
  size_t depth = 0;                     // of the one that is being added, in others
  bool isProbe = false;                 // to be looked at, not to be written

  bool restrictsStrings() const { return length != Repetition{} || pattern || format; }
  bool sayNothing() const;
  /// The value of one of these keywords, of which there is one.
  const JsonTree &keyword(std::initializer_list<std::string_view> names) const;
  /// Whether nothing can be true of this and that, as far as types, values and required members
  /// tell.
  bool exclude(const Assertions &other, const class Schema &schema) const;
};

/// A schema's document.
class Schema {
public:
  explicit Schema(const JsonTree &root) : root(root) {}

  /// Adds what a schema says. INVALID_ARGUMENT names what is not supported.
  absl::Status add(const JsonTree &schema, Assertions &to) const;
  /// What `$ref` names.
  absl::StatusOr<const JsonTree *> find(const JsonTree &reference) const;
  /// The schema that stands behind one that only refers to it.
  absl::StatusOr<const JsonTree *> resolve(const JsonTree &schema) const;

private:
  absl::Status addKeyword(const std::string &key, const JsonTree &value, const JsonTree &schema,
                          Assertions &to) const;
  absl::StatusOr<bool> addNumeric(const std::string &key, const JsonTree &value,
                                  Assertions &to) const;
  absl::StatusOr<bool> addApplicator(const std::string &key, const JsonTree &value,
                                     Assertions &to) const;
  absl::Status addTypes(const JsonTree &value, Assertions &to) const;
  absl::Status addValues(Schemas values, Assertions &to) const;
  absl::Status addChoice(const JsonTree &value, bool isExclusive, Assertions &to) const;
  absl::Status checkExclusive(const JsonTree &value) const;

  const JsonTree &root;
};

/// Whether the value is one of several.
bool isAmong(const JsonTree &value, const Schemas &values);

} // namespace strata::grammar
