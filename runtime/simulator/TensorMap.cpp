//===- TensorMap.cpp - what a TMA copy knows of a tensor ------------------===//

#include "runtime/simulator/TensorMap.h"

#include "runtime/simulator/Block.h"
#include "runtime/simulator/DeviceMemory.h"

#include <algorithm>
#include <cstring>

namespace strata::simulator {

size_t TensorMap::boxBytes() const {
  size_t bytes = elementBytes;
  for (uint32_t dimension = 0; dimension != rank; ++dimension)
    bytes *= boxes[dimension];
  return bytes;
}

/// Bits 4 and up of an address are XORed with bits 7 and up, as many as the swizzle has. Targets
/// are aligned so that offsets have the same bits.
size_t TensorMap::swizzled(size_t offset) const {
  size_t mask = (size_t(1) << swizzle) - 1;
  return offset ^ (offset >> 7 & mask) << 4;
}

namespace {

/// One row of a box, along dimension 0.
struct Row {
  int64_t first;  ///< coordinate
  uint64_t start; ///< address of coordinate 0
  bool inside;    ///< in all other dimensions
};

Row rowAt(const TensorMap &map, const int32_t *coordinates, size_t number) {
  Row row{coordinates[0], map.address, true};
  for (uint32_t dimension = 1; dimension != map.rank; ++dimension) {
    int64_t at = coordinates[dimension] + int64_t(number % map.boxes[dimension]);
    number /= map.boxes[dimension];
    row.inside &= at >= 0 && at < int64_t(map.sizes[dimension]);
    row.start += uint64_t(at) * map.strides[dimension - 1];
  }
  return row;
}

/// Copies what of the row is inside of the tensor. False if that is outside of device memory.
bool copyRow(const TensorMap &map, const Row &row, char *to, const DeviceMemory &memory) {
  int64_t begin = std::max<int64_t>(row.first, 0);
  int64_t end = std::min<int64_t>(row.first + map.boxes[0], map.sizes[0]);
  if (!row.inside || begin >= end)
    return true;
  auto from = reinterpret_cast<const char *>(row.start + uint64_t(begin) * map.elementBytes);
  size_t bytes = size_t(end - begin) * map.elementBytes;
  if (!memory.contains(from, bytes))
    return false;
  std::memcpy(to + size_t(begin - row.first) * map.elementBytes, from, bytes);
  return true;
}

} // namespace

std::vector<char> TensorMap::gather(const int32_t *coordinates, const DeviceMemory &memory,
                                    std::string &problem) const {
  std::vector<char> plain(boxBytes()), result(plain.size());
  size_t rowBytes = size_t(boxes[0]) * elementBytes;
  for (size_t row = 0, rows = plain.size() / rowBytes; row != rows; ++row) {
    Row at = rowAt(*this, coordinates, row);
    if (!copyRow(*this, at, plain.data() + row * rowBytes, memory)) {
      problem = "a tensor copy's row " + std::to_string(row) + " is outside of its allocation";
      return {};
    }
  }
  for (size_t chunk = 0; chunk != plain.size(); chunk += 16)
    std::memcpy(result.data() + swizzled(chunk), plain.data() + chunk, 16);
  return result;
}

} // namespace strata::simulator
