//===- StepProbe.cpp - looking into a device's steps ----------------------===//

#include "runtime/engine/StepProbe.h"

#include "runtime/base/Status.h"

namespace strata {

absl::Status StepProbe::show(
    uint32_t number, const StepInputs &inputs,
    absl::FunctionRef<absl::StatusOr<std::span<const std::byte>>(package::Buffer, uint64_t)> read)
    const {
  const package::Dispatch &dispatch = *program.dispatches()->Get(number);
  int64_t rows = lengthOf(program.kernels()->Get(dispatch.kernel())->axis(), inputs);
  for (const package::Result *result : itemsOf(dispatch.results())) {
    uint64_t bytes = uint64_t(rows) * result->features() * elementBytes(result->dtype());
    STRATA_ASSIGN(auto values, read(*dispatch.buffers()->Get(result->buffer()), bytes));
    STRATA_TRY(observer({dispatch, *result, rows, values}));
  }
  return absl::OkStatus();
}

void StepProbe::setTimes(std::span<const double> seconds, const StepInputs &inputs) {
  times.clear();
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches())) {
    package::Axis axis = program.kernels()->Get(dispatch->kernel())->axis();
    Work work = dispatch->cost() ? workOf(*dispatch->cost(), axis, inputs) : Work();
    times.push_back({seconds[times.size()], work});
  }
}

} // namespace strata
