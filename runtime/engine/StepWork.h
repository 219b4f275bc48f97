//===- StepWork.h - how much a step is --------------------------*- C++ -*-===//
#pragma once

#include "runtime/engine/StepInputs.h"
#include "runtime/package/Package_generated.h"

#include <cstdint>
#include <limits>

namespace strata {

/// Work by the formulas of Package.fbs (Cost): what the hardware had to do at least.
struct Work {
  double bytes = 0, flops = 0;
  Work &operator+=(const Work &other) {
    bytes += other.bytes;
    flops += other.flops;
    return *this;
  }
};

/// The length of an axis in this step.
inline int64_t lengthOf(package::Axis axis, const StepInputs &inputs) {
  switch (axis) {
  case package::Axis::one:
    return 1;
  case package::Axis::tokens:
    return inputs.tokens;
  case package::Axis::outputs:
    return inputs.outputRows;
  }
  return 0; // not reached: the package is verified
}

/// The steps that a variant of a kernel takes.
struct VariantLimits {
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  int64_t rows = kNone, run = kNone;

  /// Of the variant at `index` of a kernel; the last one has none.
  static VariantLimits of(const package::Kernel &kernel, uint32_t index) {
    const package::Variant &variant = *kernel.variants()->Get(index);
    if (index + 1 == kernel.variants()->size())
      return {};
    return {variant.up_to() ? variant.up_to() : kNone,
            variant.up_to_run() ? variant.up_to_run() : kNone};
  }
  bool take(int64_t length, const StepInputs &inputs) const {
    return length <= rows && inputs.longestRun <= run;
  }
};

/// Workgroups of a phase in this step.
inline int64_t unitsOf(const package::Grid &grid, const StepInputs &inputs) {
  int64_t divisor = grid.divisor();
  return grid.factor() * ((lengthOf(grid.axis(), inputs) + divisor - 1) / divisor);
}

/// What a dispatch costs in this step; `axis` is its kernel's.
inline Work workOf(const package::Cost &cost, package::Axis axis, const StepInputs &inputs) {
  auto rows = double(lengthOf(axis, inputs));
  auto context =
      double(axis == package::Axis::outputs ? inputs.outputContext : inputs.contextTokens);
  if (rows == 0)
    return {};
  return {double(cost.fixed_bytes()) + double(cost.row_bytes()) * rows +
              double(cost.context_bytes()) * context,
          double(cost.row_flops()) * rows + double(cost.context_flops()) * context};
}

/// tokens, rounded up to a multiple.
inline int64_t roundUp(int64_t tokens, int64_t multiple) {
  return (tokens + multiple - 1) / multiple * multiple;
}

} // namespace strata
