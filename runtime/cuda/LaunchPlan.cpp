//===- LaunchPlan.cpp - a program's dispatches as launches ----------------===//

#include "runtime/cuda/LaunchPlan.h"

#include "runtime/base/Status.h"
#include "runtime/package/PackageLimits.h"

#include <array>
#include <iterator>

namespace strata::cuda {
namespace {

constexpr size_t kScalars = 4;
constexpr size_t kParameterBytes = 4096; // of a kernel that every GPU and driver takes

static_assert(kMostBuffers * sizeof(CUdeviceptr) + kScalars * sizeof(int32_t) +
                  alignof(CUtensorMap) + kMostMaps * sizeof(CUtensorMap) <=
              kParameterBytes);

} // namespace

absl::StatusOr<LaunchPlan> LaunchPlan::create(const Driver &driver, const DeviceInfo &device,
                                              const package::Program &program, Module &module,
                                              package::VariantMode mode) {
  LaunchPlan plan;
  plan.arenaMultiple = program.arena_token_multiple();
  for (const package::Kernel *kernel : itemsOf(program.kernels())) {
    STRATA_ASSIGN(Kernel found, findKernel(driver, device, *kernel, module, mode));
    for (const Variant &variant : found.variants)
      if (variant.limits.run != VariantLimits::kNone)
        plan.runLimits.insert(variant.limits.run);
    plan.kernels.push_back(std::move(found));
  }
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    plan.dispatches.push_back(copyDispatch(*dispatch));
  return plan;
}

absl::Status LaunchPlan::setParameters(const Driver &driver,
                                       const std::vector<DeviceMemory> &memory) {
  parameters.clear();
  parameterMaps.clear();
  for (const DeviceMemory &parameter : memory)
    parameters.push_back(parameter.address());
  for (const Dispatch &dispatch : dispatches)
    STRATA_TRY(annotate(encodeParameterMaps(driver, dispatch), dispatch.name));
  return absl::OkStatus();
}

absl::Status LaunchPlan::encodeParameterMaps(const Driver &driver, const Dispatch &dispatch) {
  for (const Variant &variant : kernels[dispatch.kernel].variants)
    for (const Phase &phase : variant.phases)
      for (const package::TensorMap *map : phase.maps) {
        const package::Buffer &buffer = dispatch.bindings[map->buffer()];
        if (buffer.kind() == package::BufferKind::parameter)
          STRATA_TRY(parameterMaps.add(driver, *map, buffer.value(), parameters[buffer.value()]));
      }
  return absl::OkStatus();
}

absl::StatusOr<LaunchPlan::Kernel>
LaunchPlan::findKernel(const Driver &driver, const DeviceInfo &device,
                       const package::Kernel &kernel, Module &module, package::VariantMode mode) {
  Kernel result{kernel.axis(), {}};
  STRATA_ASSIGN(const auto variants, variantsOf(kernel, mode));
  for (const package::Variant *variant : variants) {
    result.variants.push_back({VariantLimits::of(*variant, variant == variants.back()), {}});
    for (const package::Phase *phase : itemsOf(variant->phases())) {
      STRATA_ASSIGN(CUfunction function, module.function(driver, device,
                                                         {textOf(phase->symbol()), phase->block(),
                                                          phase->shared_bytes()}));
      Phase &made = result.variants.back().phases.emplace_back(
          Phase{function, *phase->grid(), phase->block(), phase->shared_bytes(), {}});
      for (const package::TensorMap *map : itemsOf(phase->maps()))
        made.maps.push_back(map);
    }
  }
  return result;
}

LaunchPlan::Dispatch LaunchPlan::copyDispatch(const package::Dispatch &dispatch) {
  Dispatch result{textOf(dispatch.name()), dispatch.kernel(), int32_t(dispatch.layer()), {}, {}};
  if (dispatch.cost())
    result.cost = *dispatch.cost();
  for (const package::Buffer *buffer : itemsOf(dispatch.buffers()))
    result.bindings.push_back(*buffer);
  return result;
}

CUdeviceptr LaunchPlan::addressOf(const package::Buffer &buffer, const StepInputs &inputs,
                                  const StepAddresses &addresses) const {
  auto array = [&](const int32_t *values) { return addresses.inputs + inputs.offsetOf(values); };
  switch (buffer.kind()) {
  case package::BufferKind::parameter:
    return parameters[buffer.value()];
  case package::BufferKind::arena:
    return addresses.arena + buffer.value() * uint64_t(roundUp(inputs.tokens, arenaMultiple));
  case package::BufferKind::tokens:
    return array(inputs.tokenIds);
  case package::BufferKind::positions:
    return array(inputs.positions);
  case package::BufferKind::sequences:
    return array(inputs.sequenceOfToken);
  case package::BufferKind::output_rows:
    return array(inputs.outputTokens);
  case package::BufferKind::page_table:
    return array(inputs.pageTable);
  case package::BufferKind::cache:
    return addresses.cache;
  case package::BufferKind::logits:
    return addresses.logits;
  }
  return 0; // not reached: the package is verified
}

absl::Status LaunchPlan::launch(const Driver &driver, CUstream stream, const StepInputs &inputs,
                                const StepAddresses &addresses) const {
  return launchEach(driver, stream, inputs, addresses, [](uint32_t) { return absl::OkStatus(); });
}

absl::Status LaunchPlan::launchEach(const Driver &driver, CUstream stream, const StepInputs &inputs,
                                    const StepAddresses &addresses,
                                    absl::FunctionRef<absl::Status(uint32_t)> enqueued) const {
  for (uint32_t i = 0; i < dispatches.size(); ++i) {
    STRATA_TRY(annotate(launchDispatch(driver, stream, dispatches[i], inputs, addresses),
                        dispatches[i].name));
    STRATA_TRY(enqueued(i));
  }
  return absl::OkStatus();
}

absl::Status LaunchPlan::launchDispatch(const Driver &driver, CUstream stream,
                                        const Dispatch &dispatch, const StepInputs &inputs,
                                        const StepAddresses &addresses) const {
  const Kernel &kernel = kernels[dispatch.kernel];
  if (lengthOf(kernel.axis, inputs) == 0)
    return absl::OkStatus(); // no logits wanted; a phase may have blocks for weight rows even so
  size_t variant = 0;
  while (!kernel.variants[variant].limits.take(lengthOf(kernel.axis, inputs), inputs))
    ++variant;
  for (const Phase &phase : kernel.variants[variant].phases)
    STRATA_TRY(launchPhase(driver, stream, phase, dispatch, inputs, addresses));
  return absl::OkStatus();
}

absl::StatusOr<CUtensorMap> LaunchPlan::mapOf(const Driver &driver, const package::TensorMap &map,
                                              const package::Buffer &buffer,
                                              const StepInputs &inputs,
                                              const StepAddresses &addresses) const {
  if (buffer.kind() == package::BufferKind::parameter)
    return parameterMaps.find(map, buffer.value());
  return encodeTensorMap(driver, map, addressOf(buffer, inputs, addresses),
                         lengthOf(map.axis(), inputs));
}

absl::Status LaunchPlan::launchPhase(const Driver &driver, CUstream stream, const Phase &phase,
                                     const Dispatch &dispatch, const StepInputs &inputs,
                                     const StepAddresses &addresses) const {
  int64_t units = unitsOf(phase.grid, inputs);
  if (units > INT32_MAX)
    return absl::ResourceExhaustedError(
        absl::StrCat("expected at most ", INT32_MAX, " blocks, found ", units));
  if (units == 0)
    return absl::OkStatus();
  std::array<CUdeviceptr, kMostBuffers> buffers;
  std::array<int32_t, kScalars> scalars = {int32_t(inputs.tokens), int32_t(inputs.outputRows),
                                           int32_t(inputs.pageTableStride), dispatch.layer};
  std::array<CUtensorMap, kMostMaps> maps;
  std::array<void *, kMostBuffers + kScalars + kMostMaps> arguments;
  size_t count = 0;
  for (const package::Buffer &buffer : dispatch.bindings) {
    buffers[count] = addressOf(buffer, inputs, addresses);
    arguments[count] = &buffers[count];
    ++count;
  }
  for (int32_t &scalar : scalars)
    arguments[count++] = &scalar;
  for (size_t i = 0; i != phase.maps.size(); ++i) {
    const package::Buffer &buffer = dispatch.bindings[phase.maps[i]->buffer()];
    STRATA_ASSIGN(maps[i], mapOf(driver, *phase.maps[i], buffer, inputs, addresses));
    arguments[count++] = &maps[i];
  }
  return driver.cuLaunchKernel(phase.function, unsigned(units), 1u, 1u, phase.block, 1u, 1u,
                               phase.sharedBytes, stream, arguments.data(), nullptr);
}

size_t LaunchPlan::runClass(const StepInputs &inputs) const {
  return size_t(std::distance(runLimits.begin(), runLimits.lower_bound(inputs.longestRun)));
}

Work LaunchPlan::workOf(const StepInputs &inputs) const {
  Work work;
  for (const Dispatch &dispatch : dispatches)
    work += strata::workOf(dispatch.cost, kernels[dispatch.kernel].axis, inputs);
  return work;
}

} // namespace strata::cuda
