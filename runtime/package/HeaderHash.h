//===- HeaderHash.h - whether a checkpoint's file is still the same -*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace strata {

/// XXH3-128.
struct HeaderHash {
  uint64_t low, high;

  friend bool operator==(const HeaderHash &, const HeaderHash &) = default;
};

/// Of the parts, one after the other, as if they lay together.
HeaderHash hashHeader(std::span<const std::span<const std::byte>> parts);

} // namespace strata
