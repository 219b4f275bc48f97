//===- Memory.h - memory of a GPU, and of the host for it -------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cuda/Driver.h"

#include <cstddef>
#include <cstdint>

namespace strata::cuda {

/// Memory of the device whose context is current; freed with it. Aligned to 256 bytes.
class DeviceMemory {
public:
  DeviceMemory() = default;
  /// `what` names the memory in the error. 0 bytes need no memory.
  static absl::StatusOr<DeviceMemory> allocate(const Driver &driver, uint64_t bytes,
                                               const std::string &what);
  CUdeviceptr address() const { return memory.get(); }
  uint64_t size() const { return bytes; }

  /// What an allocation takes from the memory that is free, at most.
  static uint64_t footprint(uint64_t bytes);

private:
  Owned<CUdeviceptr> memory;
  uint64_t bytes = 0;
};

/// Memory of the host that the device can read and write by itself (pinned).
class PinnedMemory {
public:
  PinnedMemory() = default;
  static absl::StatusOr<PinnedMemory> allocate(const Driver &driver, uint64_t bytes,
                                               const std::string &what);
  std::byte *data() const { return static_cast<std::byte *>(memory.get()); }
  uint64_t size() const { return bytes; }

private:
  Owned<void *> memory;
  uint64_t bytes = 0;
};

/// Memory of the device that grows with the largest step so far; what was in it is lost when it
/// grows, and its address changes.
class GrowingDeviceMemory {
public:
  explicit GrowingDeviceMemory(const char *what) : what(what) {}
  /// Afterwards there are at least `bytes` bytes. With `poison`, all of them are 0xFF (NaN as bf16
  /// and f32) before what is put into the stream next, and so are some behind them.
  absl::Status prepare(const Driver &driver, CUstream stream, uint64_t bytes, bool poison = false);
  /// After prepare with `poison` and the end of the stream's work: an error if the bytes behind
  /// were written to.
  absl::Status checkPoison(const Driver &driver) const;
  CUdeviceptr address() const { return memory.address(); }

private:
  const char *what;
  DeviceMemory memory;
  uint64_t used = 0; // bytes asked for last
};

/// The same of pinned memory.
class GrowingPinnedMemory {
public:
  explicit GrowingPinnedMemory(const char *what) : what(what) {}
  absl::Status prepare(const Driver &driver, uint64_t bytes);
  std::byte *data() const { return memory.data(); }

private:
  const char *what;
  PinnedMemory memory;
};

} // namespace strata::cuda
