//===- Upload.h - weights to the GPU ----------------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cuda/Memory.h"
#include "runtime/package/Weights.h"

#include <vector>

namespace strata::cuda {

/// Device memory for every parameter.
absl::StatusOr<std::vector<DeviceMemory>> allocateWeights(const Driver &driver,
                                                          const Weights &weights);

/// Copies every parameter into its memory. Reading (by `threads` threads) and copying overlap: the
/// next part is read into one pinned buffer while another is on its way.
absl::Status uploadWeights(const Driver &driver, CUstream stream, const Package &package,
                           const Weights &weights, int threads,
                           const std::vector<DeviceMemory> &memory);

/// The device memory that takes.
uint64_t uploadFootprint(const Weights &weights);

} // namespace strata::cuda
