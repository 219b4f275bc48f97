//===- BlockSize.h - elements that are stored together ----------*- C++ -*-===//
#pragma once

#include "runtime/base/Checked.h"

#include <cstdint>
#include <optional>

namespace strata {

/// How a type is stored: so many elements that follow each other take so many bytes together. Of
/// most types that is one; of quantized weights they are those that share scales, and a row is
/// whole blocks.
struct BlockSize {
  uint64_t elements;
  uint64_t bytes;

  /// Bytes of so many elements; empty if they are no whole blocks, or if it does not fit 64 bits.
  constexpr std::optional<uint64_t> bytesOf(Checked count) const {
    const std::optional<uint64_t> number = count.value();
    return number && *number % elements == 0 ? (Checked(*number / elements) * bytes).value()
                                             : std::nullopt;
  }
};

} // namespace strata
