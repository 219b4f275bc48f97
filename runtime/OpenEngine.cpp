//===- OpenEngine.cpp - an engine on a device of this machine -------------===//

#include "runtime/OpenEngine.h"

#include "runtime/Devices.h"
#include "runtime/base/Status.h"

#include <utility>

namespace strata {

absl::StatusOr<std::unique_ptr<Engine>> openEngine(const Package &package, const Weights &weights,
                                                   const EngineOptions &options) {
  const uint32_t context = options.context ? options.context : package.model().context();
  if (context > kMostContext)
    return absl::InvalidArgumentError(
        absl::StrCat("context: expected at most ", kMostContext, " tokens, found ", context));
  const DeviceOptions wanted{options.threads,       options.target,     context,
                             options.sequences,     options.stepTokens, options.poison,
                             options.batchInvariant};
  STRATA_ASSIGN(auto device, openDevice(options.device, package, weights, wanted));
  return std::make_unique<Engine>(package, std::move(device), context, options.poison);
}

} // namespace strata
