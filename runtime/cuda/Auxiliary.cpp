//===- Auxiliary.cpp - what the runtime launches for itself ---------------===//

#include "runtime/cuda/Auxiliary.h"

#include "runtime/base/Status.h"

#include <vector>

namespace strata::cuda {
absl::Status AuxiliaryKernel::launch(const Driver &driver, CUstream stream, uint64_t blocks,
                                     std::initializer_list<const void *> parameters) const {
  if (blocks > INT32_MAX)
    return absl::ResourceExhaustedError(
        absl::StrCat("expected at most ", INT32_MAX, " blocks, found ", blocks));
  if (blocks == 0)
    return absl::OkStatus();
  std::vector<void *> addresses; // the driver only reads
  for (const void *parameter : parameters)
    addresses.push_back(const_cast<void *>(parameter));
  return driver.cuLaunchKernel(function, unsigned(blocks), 1u, 1u, threads, 1u, 1u, sharedBytes,
                               stream, addresses.data(), nullptr);
}

absl::StatusOr<AuxiliaryKernels> AuxiliaryKernels::create(const Driver &driver,
                                                          const DeviceInfo &device,
                                                          const package::Program &program,
                                                          Module &module) {
  AuxiliaryKernels result;
  for (const package::Auxiliary *kernel : itemsOf(program.auxiliary())) {
    STRATA_ASSIGN(CUfunction function, module.function(driver, device,
                                                       {textOf(kernel->symbol()), kernel->block(),
                                                        kernel->shared_bytes()}));
    result.kernels[kernel->role()] = {function, kernel->block(), kernel->shared_bytes(),
                                      double(kernel->flops()), textOf(kernel->instruction())};
  }
  return result;
}

const AuxiliaryKernel *AuxiliaryKernels::find(package::Role role) const {
  auto found = kernels.find(role);
  return found == kernels.end() ? nullptr : &found->second;
}

} // namespace strata::cuda
