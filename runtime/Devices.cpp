//===- Devices.cpp - the kinds of device there are ------------------------===//

#include "runtime/Devices.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "runtime/base/AnonymousMemory.h"
#include "runtime/base/Status.h"
#include "runtime/base/ThreadPool.h"
#include "runtime/cpu/CpuDevice.h"
#include "runtime/cpu/CpuFeatures.h"
#include "runtime/cuda/CudaDevice.h"
#include "runtime/cuda/DeviceInfo.h"

#include <optional>
#include <vector>

namespace strata {
namespace {

using Opened = absl::StatusOr<std::unique_ptr<Device>>;

Opened openCpu(int, const Package &package, const Weights &weights, const DeviceOptions &options) {
  return cpu::CpuDevice::create(package, weights, options);
}

std::string describeCpu() {
  return absl::StrCat("cpu     ", availableCpus(), " CPUs, ", cpu::CpuFeatures::detect().toString(),
                      "\n");
}

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

std::string describeGpus() {
  std::string version, text;
  auto gpus = listGpus(version);
  if (!gpus.ok())
    return absl::StrCat("cuda    none: ", gpus.status().message(), "\n");
  for (const cuda::DeviceInfo &gpu : *gpus)
    text += describeGpu(gpu);
  return absl::StrCat(text, "driver for CUDA ", version, "\n");
}

struct DeviceKind {
  absl::string_view name;
  bool numbered; // there may be several
  Opened (*open)(int ordinal, const Package &package, const Weights &weights,
                 const DeviceOptions &options);
  std::string (*describe)();
};

constexpr DeviceKind kKinds[] = {
    {"cpu", false, openCpu, describeCpu},
    {"cuda", true, cuda::CudaDevice::create, describeGpus},
};

const DeviceKind *findKind(absl::string_view name) {
  for (const DeviceKind &kind : kKinds)
    if (kind.name == name)
      return &kind;
  return nullptr;
}

/// "cpu, cuda or cuda:N"
std::string expectedNames() {
  std::vector<std::string> names;
  for (const DeviceKind &kind : kKinds) {
    names.push_back(std::string(kind.name));
    if (kind.numbered)
      names.push_back(absl::StrCat(kind.name, ":N"));
  }
  std::string last = std::move(names.back());
  names.pop_back();
  return absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

/// The number behind "KIND:"; nothing if it is none that a device could have.
std::optional<int> parseOrdinal(absl::string_view digits) {
  int number = 0;
  return digits.size() <= 2 && digits.find_first_not_of("0123456789") == digits.npos &&
                 absl::SimpleAtoi(digits, &number)
             ? std::optional(number)
             : std::nullopt;
}

} // namespace

absl::StatusOr<DeviceName> parseDeviceName(const std::string &name) {
  const size_t colon = name.find(':');
  const DeviceKind *kind = findKind(absl::string_view(name).substr(0, colon));
  if (kind && colon == name.npos)
    return DeviceName{name};
  if (kind && kind->numbered)
    if (const auto ordinal = parseOrdinal(absl::string_view(name).substr(colon + 1)))
      return DeviceName{std::string(kind->name), *ordinal};
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", expectedNames(), ", found \"", name, "\""));
}

absl::StatusOr<std::unique_ptr<Device>> openDevice(const std::string &name, const Package &package,
                                                   const Weights &weights,
                                                   const DeviceOptions &options) {
  auto parsed = parseDeviceName(name);
  if (!parsed.ok())
    return annotate(parsed.status(), "device");
  return findKind(parsed->kind)->open(parsed->ordinal, package, weights, options);
}

std::string describeDevices() {
  std::string text;
  for (const DeviceKind &kind : kKinds)
    text += kind.describe();
  return text;
}

} // namespace strata
