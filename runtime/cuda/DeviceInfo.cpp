//===- DeviceInfo.cpp - the GPUs that there are ---------------------------===//

#include "runtime/cuda/DeviceInfo.h"

#include "runtime/base/Status.h"

namespace strata::cuda {
namespace {

absl::StatusOr<int> countDevices(const Driver &driver) {
  int count = 0;
  STRATA_TRY(driver.cuDeviceGetCount(&count));
  return count > 0 ? absl::StatusOr<int>(count) : absl::NotFoundError("the driver sees no GPU");
}

} // namespace

std::string DeviceInfo::place() const { return absl::StrCat("cuda:", ordinal, " (", name, ")"); }

absl::StatusOr<DeviceInfo> describeDevice(const Driver &driver, int ordinal) {
  STRATA_ASSIGN(int count, countDevices(driver));
  if (ordinal >= count)
    return absl::NotFoundError(
        absl::StrCat("device: expected cuda:0 to cuda:", count - 1, ", found cuda:", ordinal));
  DeviceInfo info{ordinal, 0, "", {}, 0, 0, 0};
  STRATA_TRY(driver.cuDeviceGet(&info.handle, ordinal));
  char name[256] = "";
  STRATA_TRY(driver.cuDeviceGetName(name, int(sizeof name) - 1, info.handle));
  info.name = name;
  size_t memory = 0;
  STRATA_TRY(driver.cuDeviceTotalMem_v2(&memory, info.handle));
  info.memory = memory;
  auto get = [&](CUdevice_attribute attribute, auto &value) {
    int number = 0;
    absl::Status status = driver.cuDeviceGetAttribute(&number, attribute, info.handle);
    value = std::remove_reference_t<decltype(value)>(number);
    return status;
  };
  STRATA_TRY(get(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, info.capability.major));
  STRATA_TRY(get(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, info.capability.minor));
  STRATA_TRY(get(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, info.sharedMemory));
  STRATA_TRY(get(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, info.multiprocessors));
  return info;
}

absl::StatusOr<std::vector<DeviceInfo>> listDevices(const Driver &driver) {
  STRATA_ASSIGN(int count, countDevices(driver));
  std::vector<DeviceInfo> devices;
  for (int i = 0; i < count; ++i) {
    STRATA_ASSIGN(DeviceInfo info, describeDevice(driver, i));
    devices.push_back(std::move(info));
  }
  return devices;
}

} // namespace strata::cuda
