//===- RandomWeights.h - random weights made on the GPU ---------*- C++ -*-===//
#pragma once

#include "runtime/cuda/Auxiliary.h"
#include "runtime/cuda/Memory.h"
#include "runtime/package/RandomWeights.h"

#include <vector>

namespace strata::cuda {

/// Puts into the stream what fills the memory with the values that the host would make, bit for
/// bit; values.first is 0. An error if there is no kernel for their type.
absl::Status makeRandomValues(const Driver &driver, CUstream stream,
                              const AuxiliaryKernels &kernels, const RandomValues &values,
                              const DeviceMemory &memory);

/// Fills the memory of each parameter.
absl::Status makeRandomWeights(const Driver &driver, CUstream stream,
                               const AuxiliaryKernels &kernels, const Package &package,
                               uint64_t seed, const std::vector<DeviceMemory> &memory);

} // namespace strata::cuda
