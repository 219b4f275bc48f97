//===- LaunchPlan.h - a program's dispatches as launches --------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/cuda/Memory.h"
#include "runtime/cuda/Module.h"
#include "runtime/cuda/TensorMaps.h"
#include "runtime/engine/StepInputs.h"
#include "runtime/engine/StepWork.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace strata::cuda {

/// Where what a step needs lies on the device.
struct StepAddresses {
  CUdeviceptr inputs; // the step's arrays, as in StepInputs::bytes()
  CUdeviceptr arena;
  CUdeviceptr cache;
  CUdeviceptr logits;
  bool operator==(const StepAddresses &) const = default;
};

/// The dispatches of a program with their functions found. A kernel's parameters are its buffers'
/// addresses, in order, then four i32: tokens, output rows, the page table's stride, the layer;
/// then the phase's tensor maps. Those of parameters are made once; those of the arena for each
/// launch, as their rows follow from the step. Keeps pointers to the program, which outlives it, as
/// do module and parameters.
class LaunchPlan {
public:
  static absl::StatusOr<LaunchPlan> create(const Driver &driver, const DeviceInfo &device,
                                           const package::Program &program, Module &module,
                                           package::VariantMode mode);
  /// The package's parameters, in its order; before the first launch.
  absl::Status setParameters(const Driver &driver, const std::vector<DeviceMemory> &memory);

  /// Puts the launches of a step into the stream. What they are depends on the addresses, T, R, the
  /// runs' class and the page table's stride alone: never on what is in the step's arrays.
  absl::Status launch(const Driver &driver, CUstream stream, const StepInputs &inputs,
                      const StepAddresses &addresses) const;
  /// The same one by one: `enqueued` is told the number of each, and its error is returned.
  absl::Status launchEach(const Driver &driver, CUstream stream, const StepInputs &inputs,
                          const StepAddresses &addresses,
                          absl::FunctionRef<absl::Status(uint32_t)> enqueued) const;
  /// Where a buffer lies in a step.
  CUdeviceptr addressOf(const package::Buffer &buffer, const StepInputs &inputs,
                        const StepAddresses &addresses) const;
  Work workOf(const StepInputs &inputs) const;
  /// Steps of equal T and R and the same class have the same launches: how many of the limits that
  /// variants set to a sequence's new tokens the step exceeds.
  size_t runClass(const StepInputs &inputs) const;

private:
  struct Phase {
    CUfunction function;
    package::Grid grid;
    uint32_t block, sharedBytes;
    std::vector<const package::TensorMap *> maps;
  };
  struct Variant {
    VariantLimits limits;
    std::vector<Phase> phases;
  };
  struct Kernel {
    package::Axis axis;
    std::vector<Variant> variants;
  };
  struct Dispatch {
    std::string name;
    uint32_t kernel;
    int32_t layer;
    std::vector<package::Buffer> bindings;
    package::Cost cost;
  };

  static absl::StatusOr<Kernel> findKernel(const Driver &driver, const DeviceInfo &device,
                                           const package::Kernel &kernel, Module &module,
                                           package::VariantMode mode);
  static Dispatch copyDispatch(const package::Dispatch &dispatch);
  absl::Status encodeParameterMaps(const Driver &driver, const Dispatch &dispatch);
  absl::Status launchDispatch(const Driver &driver, CUstream stream, const Dispatch &dispatch,
                              const StepInputs &inputs, const StepAddresses &addresses) const;
  absl::Status launchPhase(const Driver &driver, CUstream stream, const Phase &phase,
                           const Dispatch &dispatch, const StepInputs &inputs,
                           const StepAddresses &addresses) const;
  absl::StatusOr<CUtensorMap> mapOf(const Driver &driver, const package::TensorMap &map,
                                    const package::Buffer &buffer, const StepInputs &inputs,
                                    const StepAddresses &addresses) const;

  int64_t arenaMultiple = 1;
  std::vector<CUdeviceptr> parameters;
  ParameterMaps parameterMaps;
  std::vector<Kernel> kernels;
  std::set<int64_t> runLimits; // of all variants
  std::vector<Dispatch> dispatches;
};

} // namespace strata::cuda
