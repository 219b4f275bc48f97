//===- BoundProgram.cpp - a program's dispatches, bound and run -----------===//

#include "runtime/cpu/BoundProgram.h"

#include "runtime/base/Status.h"

namespace strata::cpu {

absl::StatusOr<BoundProgram> BoundProgram::create(const package::Program &program,
                                                  const Weights &weights, const CodeObject &code,
                                                  package::VariantMode mode) {
  BoundProgram plan;
  plan.arenaMultiple = program.arena_token_multiple();
  for (const package::Kernel *kernel : itemsOf(program.kernels())) {
    STRATA_ASSIGN(Kernel found, findKernel(*kernel, code, mode));
    plan.kernels.push_back(std::move(found));
  }
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    plan.dispatches.push_back(bindDispatch(*dispatch, weights));
  return plan;
}

absl::StatusOr<BoundProgram::Kernel> BoundProgram::findKernel(const package::Kernel &kernel,
                                                              const CodeObject &code,
                                                              package::VariantMode mode) {
  Kernel result{kernel.axis(), {}};
  STRATA_ASSIGN(const auto variants, variantsOf(kernel, mode));
  for (const package::Variant *variant : variants) {
    result.variants.push_back({VariantLimits::of(*variant, variant == variants.back()), {}});
    for (const package::Phase *phase : itemsOf(variant->phases())) {
      STRATA_ASSIGN(KernelFunction function, code.function(textOf(phase->symbol())));
      result.variants.back().phases.push_back({function, *phase->grid()});
    }
  }
  return result;
}

BoundProgram::Dispatch BoundProgram::bindDispatch(const package::Dispatch &dispatch,
                                                  const Weights &weights) {
  Dispatch result{dispatch.kernel(), dispatch.layer(), {}, package::Cost(), {}};
  if (dispatch.cost())
    result.cost = *dispatch.cost();
  for (const package::Buffer *buffer : itemsOf(dispatch.buffers())) {
    result.bindings.push_back(*buffer);
    // Kernels do not write parameters; their arguments are just all of one type.
    result.buffers.push_back(
        buffer->kind() == package::BufferKind::parameter
            ? const_cast<std::byte *>(weights.parameters()[buffer->value()].data())
            : nullptr);
  }
  return result;
}

void *BoundProgram::addressOf(const package::Buffer &buffer, const StepMemory &memory) const {
  const StepInputs &inputs = *memory.inputs;
  switch (buffer.kind()) {
  case package::BufferKind::parameter:
    break;
  case package::BufferKind::arena:
    return memory.arena + buffer.value() * uint64_t(roundUp(inputs.tokens, arenaMultiple));
  case package::BufferKind::tokens:
    return inputs.tokenIds;
  case package::BufferKind::positions:
    return inputs.positions;
  case package::BufferKind::sequences:
    return inputs.sequenceOfToken;
  case package::BufferKind::output_rows:
    return inputs.outputTokens;
  case package::BufferKind::page_table:
    return inputs.pageTable;
  case package::BufferKind::cache:
    return memory.cache;
  case package::BufferKind::logits:
    return memory.logits;
  }
  return nullptr;
}

void BoundProgram::addLaunches(const Dispatch &dispatch, const StepInputs &inputs) {
  const Kernel &kernel = kernels[dispatch.kernel];
  int64_t length = lengthOf(kernel.axis, inputs);
  const Variant *variant = kernel.variants.data();
  while (!variant->limits.take(length, inputs))
    ++variant;
  for (const Phase &phase : variant->phases)
    if (int64_t units = unitsOf(phase.grid, inputs); length > 0 && units > 0)
      launches.push_back({phase.function, dispatch.buffers.data(), dispatch.layer, units});
}

Work BoundProgram::prepare(Dispatch &dispatch, const StepMemory &memory) {
  for (size_t i = 0; i < dispatch.bindings.size(); ++i)
    if (dispatch.bindings[i].kind() != package::BufferKind::parameter)
      dispatch.buffers[i] = addressOf(dispatch.bindings[i], memory);
  addLaunches(dispatch, *memory.inputs);
  return workOf(dispatch.cost, kernels[dispatch.kernel].axis, *memory.inputs);
}

Work BoundProgram::run(const StepMemory &memory, ThreadPool &pool) {
  Work work;
  launches.clear();
  for (Dispatch &dispatch : dispatches)
    work += prepare(dispatch, memory);
  runLaunches(*memory.inputs, pool);
  return work;
}

absl::StatusOr<Work> BoundProgram::runEach(const StepMemory &memory, ThreadPool &pool,
                                           absl::FunctionRef<absl::Status(uint32_t)> ended) {
  Work work;
  for (uint32_t i = 0; i < dispatches.size(); ++i) {
    launches.clear();
    work += prepare(dispatches[i], memory);
    runLaunches(*memory.inputs, pool);
    STRATA_TRY(ended(i));
  }
  return work;
}

void BoundProgram::runLaunches(const StepInputs &inputs, ThreadPool &pool) const {
  pool.run([&](int worker) {
    for (const Launch &launch : launches) {
      Range range = sliceOf(launch.units, worker, pool.threads());
      if (range.begin < range.end)
        launch.function(launch.buffers, inputs.tokens, inputs.outputRows, inputs.pageTableStride,
                        launch.layer, range.begin, range.end);
      pool.barrier();
    }
  });
}

} // namespace strata::cpu
