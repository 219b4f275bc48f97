//===- Ceiling.h - what this GPU can do at most -----------------*- C++ -*-===//
#pragma once

#include "runtime/cuda/Auxiliary.h"
#include "runtime/cuda/Memory.h"

#include <vector>

namespace strata::cuda {

/// Bytes of device memory.
struct DeviceRange {
  CUdeviceptr address;
  uint64_t bytes;
};

/// Reads memory from end to end and does nothing with it, one launch a pass: each block a piece.
class ReadCeiling {
public:
  /// `ranges` stay where they are. Measures on the same stream.
  static absl::StatusOr<ReadCeiling> create(const Driver &driver, CUstream stream,
                                            const AuxiliaryKernel &kernel,
                                            const std::vector<DeviceRange> &ranges);
  /// Bytes a second, over as many passes as take `seconds`, at least one; a pass reads at least a
  /// piece, but no more than `mostBytes` else. 0 without ranges.
  absl::StatusOr<double> measure(const Driver &driver, CUstream stream, uint64_t mostBytes,
                                 double seconds) const;

private:
  explicit ReadCeiling(const AuxiliaryKernel &kernel) : kernel(kernel) {}

  /// As the kernel reads it: chunks of 16 bytes, from `base` + offset on.
  struct Piece {
    uint64_t offset, chunks;
  };
  absl::StatusOr<double> measurePasses(const Driver &driver, CUstream stream, uint64_t blocks,
                                       int64_t passes) const;

  AuxiliaryKernel kernel;
  CUdeviceptr base = 0;
  std::vector<Piece> pieces;
  DeviceMemory table; // the pieces, and 4 bytes that the kernel may write to
};

/// The rate of the kernel's matrix products on all of a device's multiprocessors, FLOP a second.
absl::StatusOr<double> measureProducts(const Driver &driver, CUstream stream,
                                       const AuxiliaryKernel &kernel, int multiprocessors);

} // namespace strata::cuda
