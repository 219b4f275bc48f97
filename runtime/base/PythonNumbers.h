//===- PythonNumbers.h - what Python takes for JSON's numbers ---*- C++ -*-===//
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A number that Python's json module writes and reads, but no strict parser: NaN, Infinity,
/// -Infinity, an integer that does not fit 64 bits with a sign, or a number beyond those of double.
struct PythonNumber {
  std::string text; // as it stands in the file
  size_t line;      // 1 is the first

  /// As Python's float(); an infinity where it is too large.
  double value() const;
};

/// Texts in which such numbers stand as an unsigned one of 2^63 plus their index: a strict parser
/// tells it from all that fit, and the file itself cannot hold it any more.
struct PythonNumbers {
  static constexpr uint64_t kFirst = uint64_t(1) << 63;

  /// Takes them out of `text`; the new text, or nothing if there is none. What is no JSON otherwise
  /// stays none.
  std::optional<std::string> replaceIn(std::string_view text);
  /// The one that `element` of the new text, at least 2^63, stands for.
  const PythonNumber &of(uint64_t element) const { return found[element - kFirst]; }

  std::vector<PythonNumber> found;
};

} // namespace strata
