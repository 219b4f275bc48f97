//===- StepWork.h - how much a step is --------------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "runtime/engine/StepInputs.h"
#include "runtime/package/Package.h"

#include <cstdint>
#include <limits>
#include <vector>

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

/// The variants of a kernel that a mode chooses from, in order; FAILED_PRECONDITION if there are
/// none, which is not of the usual mode.
inline absl::StatusOr<std::vector<const package::Variant *>>
variantsOf(const package::Kernel &kernel, package::VariantMode mode) {
  std::vector<const package::Variant *> variants;
  for (const package::Variant *variant : itemsOf(kernel.variants()))
    if (variant->mode() == mode || variant->mode() == package::VariantMode::any)
      variants.push_back(variant);
  if (variants.empty())
    return absl::FailedPreconditionError(
        absl::StrCat("kernel ", textOf(kernel.name()),
                     ": expected a variant that is batch-invariant, the package has none"));
  return variants;
}

/// The steps that a variant of a kernel takes.
struct VariantLimits {
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  int64_t rows = kNone, run = kNone;

  /// `last`: of those that a mode has; it has none.
  static VariantLimits of(const package::Variant &variant, bool last) {
    if (last)
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
