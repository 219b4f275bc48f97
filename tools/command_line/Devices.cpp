//===- Devices.cpp --------------------------------------------------------===//

#include "tools/command_line/Devices.h"

#include "runtime/base/AnonymousMemory.h"
#include "runtime/base/Status.h"
#include "runtime/base/ThreadPool.h"
#include "runtime/cpu/CpuFeatures.h"
#include "runtime/cuda/DeviceInfo.h"

namespace strata {
namespace {

absl::StatusOr<std::vector<cuda::DeviceInfo>> listGpus(std::string &version) {
  STRATA_ASSIGN(cuda::Driver driver, cuda::Driver::load());
  version = driver.version();
  return cuda::listDevices(driver);
}

std::string describeGpu(const cuda::DeviceInfo &gpu) {
  return absl::StrCat("cuda:", gpu.ordinal, "  ", gpu.name, ", ",
                      gpu.capability == Capability()
                          ? "a simulator"
                          : absl::StrCat("compute capability ", gpu.capability.toString()),
                      ", ", formatBytes(gpu.memory), ", ", gpu.multiprocessors,
                      " multiprocessors\n");
}

} // namespace

OptionSetter setDevice(std::string &target) {
  return [&target](const std::string &value) -> absl::Status {
    bool number = value.size() > 5 && value.size() < 8 && value.rfind("cuda:", 0) == 0 &&
                  value.find_first_not_of("0123456789", 5) == std::string::npos;
    if (value != "cpu" && value != "cuda" && !number)
      return absl::InvalidArgumentError(
          absl::StrCat("expected cpu, cuda or cuda:N, found \"", value, "\""));
    target = value;
    return absl::OkStatus();
  };
}

absl::StatusOr<Package> openPackage(const std::string &path, const std::string &device) {
  STRATA_ASSIGN(Package package, Package::open(path));
  STRATA_TRY(package.program(device == "cpu" ? "cpu" : "cuda").status());
  return package;
}

std::string describeDevices() {
  std::string text = absl::StrCat("cpu     ", availableCpus(), " CPUs, ",
                                  cpu::CpuFeatures::detect().toString(), "\n");
  std::string version;
  auto gpus = listGpus(version);
  if (!gpus.ok())
    return absl::StrCat(text, "cuda    none: ", gpus.status().message(), "\n");
  for (const cuda::DeviceInfo &gpu : *gpus)
    text += describeGpu(gpu);
  return absl::StrCat(text, "driver for CUDA ", version, "\n");
}

} // namespace strata
