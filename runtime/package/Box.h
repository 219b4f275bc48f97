//===- Box.h - where the rows of a matrix lie -------------------*- C++ -*-===//
//
// A tensor of a checkpoint, or a parameter of a package, may be part of a larger matrix.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/base/Checked.h"

#include <span>
#include <string>

namespace strata {

/// Rows and columns of a larger matrix. Row r is stored as row `s = r / groupRows * groupStride +
/// r % groupRows`, and begins `s * rowStride` elements behind the first; elements of a row follow
/// each other. Some columns of a matrix are a row stride; q, k and v in NeMo's linear_qkv are
/// groups.
struct Box {
  uint64_t rowStride = 0;   // elements from a stored row to the next; 0: the columns
  uint64_t groupRows = 0;   // rows that follow each other; divides the rows. 0: all do
  uint64_t groupStride = 0; // stored rows from group to group, >= groupRows; 0 without groups

  /// Whether anything can lie between rows: false is a plain matrix, or a tensor of another rank.
  explicit operator bool() const { return rowStride || groupRows; }
  friend bool operator==(const Box &, const Box &) = default;

  /// Elements from the first of a matrix of so many columns to the first of a row.
  uint64_t rowOffset(uint64_t row, uint64_t columns) const {
    const uint64_t stored = groupRows ? row / groupRows * groupStride + row % groupRows : row;
    return stored * (rowStride ? rowStride : columns);
  }
  /// Elements from the first of a tensor of this shape to the end of its last, those of others
  /// between rows included.
  Checked span(std::span<const uint64_t> shape) const;
};

/// "one after the other" or "1024 elements apart, in groups of 768, 1024 apart"; for people.
std::string describe(const Box &box);

} // namespace strata
