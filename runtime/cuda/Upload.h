//===- Upload.h - weights to the GPU ----------------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/Weights.h"
#include "runtime/cuda/Memory.h"

#include <vector>

namespace strata::cuda {

/// Copies every parameter into device memory of its own. Reading (by `threads` threads) and copying
/// overlap: the next part is read into one pinned buffer while another is on its way.
absl::StatusOr<std::vector<DeviceMemory>> uploadWeights(const Driver &driver, CUstream stream,
                                                        const Package &package,
                                                        const Weights &weights, int threads);

/// The device memory that takes.
uint64_t uploadFootprint(const Weights &weights);

} // namespace strata::cuda
