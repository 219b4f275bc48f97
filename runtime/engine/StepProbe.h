//===- StepProbe.h - looking into a device's steps --------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/engine/StepInputs.h"
#include "runtime/engine/StepWork.h"
#include "runtime/package/Package.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace strata {

/// A value that a dispatch has just computed, on the host: [rows, features of the result], valid
/// during the call.
struct ComputedValue {
  const package::Dispatch &dispatch;
  const package::Result &result;
  int64_t rows;
  std::span<const std::byte> bytes;
};
/// Looks at values; an error ends the step.
using ValueObserver = std::function<absl::Status(const ComputedValue &)>;

/// How long a dispatch took in a step, and what it cost by its formula.
struct DispatchTime {
  double seconds;
  Work work;
};

/// What dispatches compute, and how long they take. A device asks its probe in each step what is
/// wanted: nothing at first. Either makes a step slower.
class StepProbe {
public:
  /// The program that the device runs; it must outlive the probe.
  explicit StepProbe(const package::Program &program) : program(program) {}

  /// From now on a step waits after each dispatch and shows the results that the package names, in
  /// the order of the program; with an empty function, no more.
  void observe(ValueObserver function) { observer = std::move(function); }
  /// From now on a step's dispatches are timed one by one, on a GPU without graphs; or no more. A
  /// dispatch then does not begin before the one before it has been timed.
  void timeDispatches(bool on) { timing = on; }
  /// Of the last step, if it was timed, in the order of the program.
  std::span<const DispatchTime> dispatchTimes() const { return times; }

  // For the device.
  bool observed() const { return observer != nullptr; }
  bool timed() const { return timing; }
  /// Notes the times of a step, of each dispatch.
  void setTimes(std::span<const double> seconds, const StepInputs &inputs);
  /// Shows the results of the dispatch with this number, which ended; `read` gets their bytes to
  /// the host.
  absl::Status
  show(uint32_t number, const StepInputs &inputs,
       absl::FunctionRef<absl::StatusOr<std::span<const std::byte>>(package::Buffer, uint64_t)>
           read) const;

private:
  const package::Program &program;
  ValueObserver observer;
  bool timing = false;
  std::vector<DispatchTime> times;
};

} // namespace strata
