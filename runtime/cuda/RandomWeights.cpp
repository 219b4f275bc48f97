//===- RandomWeights.cpp - random weights made on the GPU -----------------===//

#include "runtime/cuda/RandomWeights.h"

#include "runtime/base/Status.h"

#include <optional>

namespace strata::cuda {
namespace {

constexpr uint64_t kThreadValues = 4; // that a thread makes

std::optional<package::Role> roleOf(package::DType dtype) {
  switch (dtype) {
  case package::DType::bf16:
    return package::Role::random_bf16;
  case package::DType::f16:
    return package::Role::random_f16;
  case package::DType::f32:
    return package::Role::random_f32;
  default:
    return std::nullopt;
  }
}

} // namespace

absl::Status makeRandomValues(const Driver &driver, CUstream stream,
                              const AuxiliaryKernels &kernels, const RandomValues &values,
                              const DeviceMemory &memory) {
  CUdeviceptr address = memory.address();
  uint64_t bytes = memory.size();
  if (bytes == 0)
    return absl::OkStatus();
  std::optional<package::Role> role = roleOf(values.dtype);
  if (!role)
    return absl::UnimplementedError(absl::StrCat("random weights: GPUs make none of ",
                                                 package::EnumNameDType(values.dtype),
                                                 "; give the weights of a checkpoint"));
  const AuxiliaryKernel *kernel = kernels.find(*role);
  if (!kernel)
    return absl::FailedPreconditionError(
        absl::StrCat("random weights: the package has no kernel that makes ",
                     package::EnumNameDType(values.dtype), "; compile the model again"));
  uint64_t count = bytes / elementBytes(values.dtype), each = kThreadValues * kernel->threads;
  return kernel->launch(driver, stream, (count + each - 1) / each,
                        {&address, &count, &values.seed, &values.stream, &kRandomScale});
}

absl::Status makeRandomWeights(const Driver &driver, CUstream stream,
                               const AuxiliaryKernels &kernels, const Package &package,
                               uint64_t seed, const std::vector<DeviceMemory> &memory) {
  for (size_t i = 0; i < memory.size(); ++i) {
    const package::Parameter &parameter = *package.manifest().parameters()->Get(uint32_t(i));
    std::string key = textOf(parameter.key());
    RandomValues values{parameter.dtype(), seed, randomStream(key), 0};
    STRATA_TRY(annotate(makeRandomValues(driver, stream, kernels, values, memory[i]), key));
  }
  return driver.cuStreamSynchronize(stream);
}

} // namespace strata::cuda
