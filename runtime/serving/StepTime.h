//===- StepTime.h - how long a step will take -------------------*- C++ -*-===//
#pragma once

#include "runtime/engine/StepWork.h"
#include "runtime/package/Package.h"

#include <array>
#include <cstddef>

namespace strata::serving {

/// What steps of a program cost, by the formulas of the package, without running them.
class StepCost {
public:
  explicit StepCost(const package::Program &program);
  /// Uses the counts of the inputs alone.
  Work of(const StepInputs &inputs) const;

private:
  /// Of the dispatches, by their kernels' axes.
  std::array<package::Cost, size_t(package::Axis::MAX) + 1> sums;
};

/// Foretells the time of a step from its work: seconds = a * bytes + b * FLOP. a and b follow the
/// steps that were measured, of which the youngest count most; those that go on with texts and
/// those that have prompts, too, are not forgotten over each other.
class StepTime {
public:
  void learn(const Work &work, double seconds, bool hasPrompt);
  /// 0 before the first measurement.
  double predict(const Work &work) const;

private:
  /// Sums of the least-squares problem a * bytes / seconds + b * FLOP / seconds = 1.
  struct Sums {
    double bytes = 0, flops = 0, bytesBytes = 0, bytesFlops = 0, flopsFlops = 0;
  };
  std::array<Sums, 2> sums;
};

} // namespace strata::serving
