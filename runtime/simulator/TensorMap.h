//===- TensorMap.h - what a TMA copy knows of a tensor ----------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::simulator {

class DeviceMemory;

/// The simulator's own layout of the 128 opaque bytes of a CUtensorMap.
struct alignas(64) TensorMap {
  static constexpr uint32_t expectedMagic = 0x53544d31;
  static constexpr uint32_t maxRank = 5;

  uint32_t magic = expectedMagic;
  uint8_t rank = 0;
  uint8_t elementBytes = 0;
  uint8_t swizzle = 0; ///< log2 of the 16-byte chunks that change places: 0 none, 1, 2, 3
  uint8_t reserved = 0;
  uint64_t address = 0;
  uint64_t strides[maxRank - 1] = {}; ///< bytes, of dimensions 1 and up
  uint32_t sizes[maxRank] = {};       ///< elements; dimension 0 is contiguous
  uint32_t boxes[maxRank] = {};
  uint32_t padding[8] = {};

  size_t boxBytes() const;
  /// Where in the box's bytes the 16-byte chunk at `offset` lies.
  size_t swizzled(size_t offset) const;
  /// The box at `coordinates` as it lies in shared memory, zeros outside of the tensor. Fails, with
  /// what is wrong in `problem`, where the tensor is outside of its allocation.
  std::vector<char> gather(const int32_t *coordinates, const DeviceMemory &memory,
                           std::string &problem) const;
};
static_assert(sizeof(TensorMap) == 128);

} // namespace strata::simulator
