//===- Pickle.h - reading pickles without running them ----------*- C++ -*-===//
//
// A pickle is a program for a stack machine; Python's runs any function that it names. This reader
// knows the instructions that torch writes (protocols 2 to 5) and runs nothing: a function or class
// is a name, and what Python would do by calling it stands in the result as a call that was not
// made.
// Names that the reader's user did not ask for are refused where they stand.
// https://github.com/python/cpython/blob/main/Lib/pickletools.py describes the instructions.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// One object of a pickle. Children are indices into the pickle; an object may be the child of
/// several, and even of itself.
struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,    // number
    integer,    // number
    real,       // not kept
    string,     // text, UTF-8
    tuple,      // items
    list,       // items
    dict,       // items: key, value, key, value, ...
    global,     // text: "MODULE NAME"
    call,       // items[0] of arguments items[1], a tuple; entries set later follow as in a dict
    persistent, // items[0]: what the pickle's user is to find elsewhere
  };
  using Index = uint32_t;

  Kind kind = Kind::none;
  static constexpr Index kNoState = UINT32_MAX;

  int64_t number = 0;
  std::string_view text = {}; // into the pickle
  std::vector<Index> items = {};
  Index state = kNoState; // of a call: what Python would set the new object's attributes from
};

/// A pickle's objects. Points into the bytes that it was read from, and into the names allowed.
class Pickle {
public:
  /// Reads `bytes`; errors begin with `place`. `allowed` are the globals ("collections
  /// OrderedDict") that may be named. Needs memory in proportion to the bytes: bound them.
  static absl::StatusOr<Pickle> read(std::span<const std::byte> bytes, const std::string &place,
                                     std::span<const std::string_view> allowed);

  const PickleValue &root() const { return values.back(); }
  const PickleValue &operator[](PickleValue::Index index) const { return values[index]; }

  /// The value if it is a call of `global`, with its arguments; null otherwise.
  const PickleValue *argumentsOf(const PickleValue &value, std::string_view global) const;
  /// The attribute of an object that a call of `global` made; null if it is another object, or has
  /// none of that name.
  const PickleValue *attributeOf(const PickleValue &value, std::string_view global,
                                 std::string_view attribute) const;
  /// Of a dict, or of a call that made one: pairs of key and value.
  std::vector<std::pair<PickleValue::Index, PickleValue::Index>>
  entries(const PickleValue &value) const;

private:
  friend class PickleReader;
  std::vector<PickleValue> values; // the last one is the root
};

} // namespace strata
