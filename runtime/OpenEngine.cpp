//===- OpenEngine.cpp - which device a name means -------------------------===//

#include "runtime/OpenEngine.h"

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "runtime/base/Status.h"
#include "runtime/cpu/CpuDevice.h"
#include "runtime/cuda/CudaDevice.h"

#include <utility>

namespace strata {

absl::StatusOr<std::unique_ptr<Device>> openDevice(const std::string &name, const Package &package,
                                                   const Weights &weights,
                                                   const DeviceOptions &options) {
  if (name == "cpu")
    return cpu::CpuDevice::create(package, weights, options);
  absl::string_view ordinal = name;
  int number = 0;
  if (absl::ConsumePrefix(&ordinal, "cuda") &&
      (ordinal.empty() ||
       (absl::ConsumePrefix(&ordinal, ":") && absl::SimpleAtoi(ordinal, &number) && number >= 0)))
    return cuda::CudaDevice::create(number, package, weights, options);
  return absl::InvalidArgumentError(
      absl::StrCat("device: expected cpu, cuda or cuda:N, found ", name));
}

absl::StatusOr<std::unique_ptr<Engine>> openEngine(const Package &package, const Weights &weights,
                                                   const EngineOptions &options) {
  const uint32_t context = options.context ? options.context : package.model().context();
  if (context > kMostContext)
    return absl::InvalidArgumentError(
        absl::StrCat("context: expected at most ", kMostContext, " tokens, found ", context));
  const DeviceOptions wanted{options.threads,   options.target,     context,
                             options.sequences, options.stepTokens, options.poison};
  STRATA_ASSIGN(auto device, openDevice(options.device, package, weights, wanted));
  return std::make_unique<Engine>(package, std::move(device), context, options.poison);
}

} // namespace strata
