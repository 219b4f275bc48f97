//===- Events.cpp - how long the GPU takes --------------------------------===//

#include "runtime/cuda/Events.h"

#include "runtime/base/Status.h"

namespace strata::cuda {

absl::Status Events::prepare(const Driver &driver, size_t count) {
  while (events.size() < count) {
    CUevent event = nullptr;
    STRATA_TRY(driver.cuEventCreate(&event, CU_EVENT_DEFAULT));
    events.emplace_back(event, driver.entries().cuEventDestroy_v2);
  }
  return absl::OkStatus();
}

absl::StatusOr<double> Events::seconds(const Driver &driver, size_t from, size_t to) const {
  float milliseconds = 0;
  STRATA_TRY(driver.cuEventElapsedTime(&milliseconds, events[from].get(), events[to].get()));
  return double(milliseconds) / 1000;
}

absl::StatusOr<double> measureSeconds(const Driver &driver, CUstream stream,
                                      absl::FunctionRef<absl::Status()> enqueue) {
  Events events;
  STRATA_TRY(events.prepare(driver, 2));
  STRATA_TRY(events.record(driver, stream, 0));
  absl::Status status = enqueue();
  if (status.ok())
    status = events.record(driver, stream, 1);
  // Also after an error: memory must not be freed that the stream may still use.
  status.Update(driver.cuStreamSynchronize(stream));
  STRATA_TRY(status);
  return events.seconds(driver, 0, 1);
}

} // namespace strata::cuda
