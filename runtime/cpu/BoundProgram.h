//===- BoundProgram.h - a program's dispatches, bound and run ---*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/base/ThreadPool.h"
#include "runtime/cpu/CodeObject.h"
#include "runtime/engine/StepInputs.h"
#include "runtime/engine/StepWork.h"
#include "runtime/package/Package.h"
#include "runtime/package/Weights.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata::cpu {

/// Memory that is new at each step. All of it outlives the step.
struct StepMemory {
  const StepInputs *inputs;
  std::byte *arena; // arena_bytes_per_token * (T rounded up to arena_token_multiple)
  std::byte *cache;
  std::byte *logits; // f32 [R, vocabulary]
};

/// The dispatches of a program with their functions found and their parameters bound. Keeps
/// pointers to the program, the weights and the code, which outlive it. One step at a time.
class BoundProgram {
public:
  static absl::StatusOr<BoundProgram> create(const package::Program &program,
                                             const Weights &weights, const CodeObject &code,
                                             package::VariantMode mode);

  /// Runs all dispatches in order on the pool; returns what they cost.
  Work run(const StepMemory &memory, ThreadPool &pool);
  /// The same one by one: `ended` is told the number of each, and its error is returned.
  absl::StatusOr<Work> runEach(const StepMemory &memory, ThreadPool &pool,
                               absl::FunctionRef<absl::Status(uint32_t)> ended);
  /// Where a buffer that is not a parameter lies in this step.
  void *addressOf(const package::Buffer &buffer, const StepMemory &memory) const;

private:
  struct Phase {
    KernelFunction function;
    package::Grid grid;
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
    uint32_t kernel;
    int64_t layer;
    std::vector<package::Buffer> bindings;
    package::Cost cost;
    std::vector<void *> buffers; // parameters bound for good, the others step by step
  };
  /// A phase of this step: `units` workgroups.
  struct Launch {
    KernelFunction function;
    void *const *buffers;
    int64_t layer, units;
  };

  static absl::StatusOr<Kernel> findKernel(const package::Kernel &kernel, const CodeObject &code,
                                           package::VariantMode mode);
  static Dispatch bindDispatch(const package::Dispatch &dispatch, const Weights &weights);
  /// Adds its launches; returns what it costs.
  Work prepare(Dispatch &dispatch, const StepMemory &memory);
  void addLaunches(const Dispatch &dispatch, const StepInputs &inputs);
  void runLaunches(const StepInputs &inputs, ThreadPool &pool) const;

  int64_t arenaMultiple = 1;
  std::vector<Kernel> kernels;
  std::vector<Dispatch> dispatches;
  std::vector<Launch> launches;
};

} // namespace strata::cpu
