//===- Events.h - how long the GPU takes ------------------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/cuda/Driver.h"

#include <cstddef>
#include <vector>

namespace strata::cuda {

/// Points in time of a stream, numbered; used again and again.
class Events {
public:
  /// There are at least `count`; before the first is recorded.
  absl::Status prepare(const Driver &driver, size_t count);
  absl::Status record(const Driver &driver, CUstream stream, size_t index) const {
    return driver.cuEventRecord(events[index].get(), stream);
  }
  /// Seconds between two that were recorded and have come.
  absl::StatusOr<double> seconds(const Driver &driver, size_t from, size_t to) const;

private:
  std::vector<Owned<CUevent>> events;
};

/// How long the device works on what `enqueue` puts into the stream, in seconds. Afterwards, also
/// after an error, the stream is done.
absl::StatusOr<double> measureSeconds(const Driver &driver, CUstream stream,
                                      absl::FunctionRef<absl::Status()> enqueue);

} // namespace strata::cuda
