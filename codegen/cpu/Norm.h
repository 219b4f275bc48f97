//===- Norm.h - LayerNorm1P on rows of bf16 pairs ---------------*- C++ -*-===//
#pragma once

#include "codegen/cpu/KernelBuilder.h"

namespace strata::cpu {

/// Mean and 1/sqrt(variance + eps) of one row, scalars of f32.
struct RowStatistics {
  Value mean, scale;
};

/// gamma and beta as viewPairs() has them, or as f16 or f32 [features].
struct NormParameters {
  Value gamma, beta;
  bool gammaIncludesOne;
  double eps;
};

/// A buffer of `features` elements as NormParameters has it.
Value normVector(KernelBuilder &b, Value buffer, mlir::Type element, int64_t features);

/// body(pair, mask, carried) -> carried over `count` pairs, a vector at a time; the mask is null
/// but for the last, partial vector.
Values reducePairs(KernelBuilder &b, int64_t count, ValueRange initial,
                   llvm::function_ref<Values(Value, Value, ValueRange)> body);

/// Statistics of row `row` of `input` [rows] of `features` in pairs; two passes, f32.
RowStatistics rowStatistics(KernelBuilder &b, Value input, Value row, int64_t features, double eps);

/// The even and the odd features of pairs, f32.
struct FeaturePairs {
  Value evens, odds;
};

/// `values` are the pairs at `pair` of a row: normalized, scaled by gamma + 1, shifted by beta.
FeaturePairs normalizeFeatures(KernelBuilder &b, Value values, Value pair, Value mask,
                               const NormParameters &norm, const RowStatistics &statistics);
/// The same, rounded.
Value normalizePairs(KernelBuilder &b, Value values, Value pair, Value mask,
                     const NormParameters &norm, const RowStatistics &statistics);

} // namespace strata::cpu
