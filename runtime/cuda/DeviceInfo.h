//===- DeviceInfo.h - the GPUs that there are -------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cuda/Driver.h"
#include "runtime/cuda/SelectCode.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata::cuda {

/// A GPU as the driver describes it.
struct DeviceInfo {
  int ordinal;
  CUdevice handle;
  std::string name; // "NVIDIA H100 80GB HBM3"
  Capability capability;
  uint64_t memory;       // bytes
  uint64_t sharedMemory; // bytes of a block, at most
  int multiprocessors;

  /// "cuda:0 (NVIDIA H100 80GB HBM3)"
  std::string place() const;
};

absl::StatusOr<DeviceInfo> describeDevice(const Driver &driver, int ordinal);
/// All of them; at least one, or an error.
absl::StatusOr<std::vector<DeviceInfo>> listDevices(const Driver &driver);

} // namespace strata::cuda
