//===- Memory.cpp - memory of a GPU, and of the host for it ---------------===//

#include "runtime/cuda/Memory.h"

#include "runtime/base/AnonymousMemory.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <array>

namespace strata::cuda {
namespace {

constexpr uint64_t kGuard = 4096; // poisoned bytes behind what was asked for

std::string name(const std::string &what, uint64_t bytes) {
  return absl::StrCat(what, ": ", formatBytes(bytes));
}

} // namespace

absl::StatusOr<DeviceMemory> DeviceMemory::allocate(const Driver &driver, uint64_t bytes,
                                                    const std::string &what) {
  DeviceMemory result;
  if (bytes == 0)
    return result;
  CUdeviceptr address = 0;
  STRATA_TRY(annotate(driver.cuMemAlloc_v2(&address, bytes), name(what, bytes)));
  result.memory = {address, driver.entries().cuMemFree_v2};
  result.bytes = bytes;
  return result;
}

uint64_t DeviceMemory::footprint(uint64_t bytes) {
  uint64_t unit = bytes < 1 << 20 ? 512 : 2 << 20;
  return (bytes + unit - 1) / unit * unit;
}

absl::StatusOr<PinnedMemory> PinnedMemory::allocate(const Driver &driver, uint64_t bytes,
                                                    const std::string &what) {
  PinnedMemory result;
  if (bytes == 0)
    return result;
  void *address = nullptr;
  STRATA_TRY(
      annotate(driver.cuMemHostAlloc(&address, bytes, CU_MEMHOSTALLOC_DEFAULT), name(what, bytes)));
  result.memory = {address, driver.entries().cuMemFreeHost};
  result.bytes = bytes;
  return result;
}

absl::Status GrowingDeviceMemory::prepare(const Driver &driver, CUstream stream, uint64_t bytes,
                                          bool poison) {
  used = bytes;
  uint64_t wanted = poison && bytes < UINT64_MAX - kGuard ? bytes + kGuard : bytes;
  if (wanted > memory.size()) {
    memory = {}; // first: both may not fit
    STRATA_ASSIGN(memory, DeviceMemory::allocate(driver, wanted, what));
  }
  if (!poison)
    return absl::OkStatus();
  return driver.cuMemsetD8Async(address(), 0xff, wanted, stream);
}

absl::Status GrowingDeviceMemory::checkPoison(const Driver &driver) const {
  std::array<std::byte, kGuard> guard;
  STRATA_TRY(driver.cuMemcpyDtoH_v2(guard.data(), address() + used, kGuard));
  return std::all_of(guard.begin(), guard.end(), [](std::byte b) { return b == std::byte(0xff); })
             ? absl::OkStatus()
             : absl::InternalError(absl::StrCat(what, ": a kernel wrote behind its end"));
}

absl::Status GrowingPinnedMemory::prepare(const Driver &driver, uint64_t bytes) {
  if (bytes <= memory.size())
    return absl::OkStatus();
  memory = {};
  STRATA_ASSIGN(memory, PinnedMemory::allocate(driver, bytes, what));
  return absl::OkStatus();
}

} // namespace strata::cuda
