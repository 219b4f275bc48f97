//===- Norm.cpp - LayerNorm1P on rows of bf16 pairs -----------------------===//

#include "codegen/cpu/Norm.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

Values strata::cpu::reducePairs(KernelBuilder &b, int64_t count, ValueRange initial,
                                llvm::function_ref<Values(Value, Value, ValueRange)> body) {
  int64_t full = count / b.lanes() * b.lanes();
  Values carried(initial);
  if (full)
    carried = b.loop(b.index(0), b.index(full), b.lanes(), carried,
                     [&](Value i, ValueRange values) { return body(i, Value(), values); });
  if (full != count)
    carried = body(b.index(full), b.mask(count - full), carried);
  return carried;
}

/// sum(f(evens), f(odds)) over a row; lanes beyond the row count as 0.
static Value sumOverRow(KernelBuilder &b, Value input, Value row, int64_t features,
                        llvm::function_ref<Value(Value acc, Value x, Value mask)> accumulate) {
  Value zero = b.f32(0, b.lanes());
  int64_t pairs = llvm::divideCeil(features, 2);
  Values sums = reducePairs(b, pairs, {zero, zero}, [&](Value i, Value mask, ValueRange acc) {
    Value x = b.loadPairs(input, {row, i}, mask);
    Value oddMask = features % 2 == 0 ? mask : b.mask(b.sub(b.index(features / 2), i));
    return Values{accumulate(acc[0], b.evens(x), mask), accumulate(acc[1], b.odds(x), oddMask)};
  });
  return b.sum(b.addf(sums[0], sums[1]));
}

RowStatistics strata::cpu::rowStatistics(KernelBuilder &b, Value input, Value row, int64_t features,
                                         double eps) {
  Value inverseCount = b.f32(1.0 / double(features));
  Value total = sumOverRow(b, input, row, features,
                           [&](Value acc, Value x, Value) { return b.addf(acc, x); });
  Value mean = b.mulf(total, inverseCount);
  Value means = b.splat(mean, b.lanes());
  Value squares = sumOverRow(b, input, row, features, [&](Value acc, Value x, Value mask) {
    Value d = b.subf(x, means);
    if (mask)
      d = b.selectLanes(mask, d, b.f32(0, b.lanes()));
    return b.fma(d, d, acc);
  });
  Value variance = b.addf(b.mulf(squares, inverseCount), b.f32(eps));
  Value scale = b.divf(b.f32(1.0), b.sqrt(variance));
  return {mean, scale};
}

Value strata::cpu::normVector(KernelBuilder &b, Value buffer, Type element, int64_t features) {
  return element.isBF16() ? b.viewPairs(buffer, {}, features) : b.view(buffer, element, {features});
}

FeaturePairs strata::cpu::normalizeFeatures(KernelBuilder &b, Value values, Value pair, Value mask,
                                            const NormParameters &norm,
                                            const RowStatistics &statistics) {
  Value gamma = b.loadPairs(norm.gamma, pair, mask), beta = b.loadPairs(norm.beta, pair, mask);
  Value mean = b.splat(statistics.mean, b.lanes()), scale = b.splat(statistics.scale, b.lanes());
  auto normalize = [&](Value x, Value g, Value shift) {
    Value centred = b.mulf(b.subf(x, mean), scale);
    return b.fma(centred, norm.gammaIncludesOne ? g : b.addf(g, b.f32(1, b.lanes())), shift);
  };
  return {normalize(b.evens(values), b.evens(gamma), b.evens(beta)),
          normalize(b.odds(values), b.odds(gamma), b.odds(beta))};
}

Value strata::cpu::normalizePairs(KernelBuilder &b, Value values, Value pair, Value mask,
                                  const NormParameters &norm, const RowStatistics &statistics) {
  FeaturePairs features = normalizeFeatures(b, values, pair, mask, norm, statistics);
  return b.pairs(features.evens, features.odds);
}
