//===- LinearDecode.cpp - few tokens: the weight stream decides -----------===//
//
// One row of a weight at a time, as several streams read slower than one; the row is multiplied
// with every token while it is in the first-level cache.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Linear.h"
#include "codegen/cpu/Schedule.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// The workspace as rows of pairs: what the decode form multiplies when a prologue wrote it.
static Value workspaceRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  return b.view(args.buffers[*spec.workspace], b.getI32Type(), {ShapedType::kDynamic, spec.pairs()},
                productRows(spec, args));
}

void strata::cpu::emitNormalizeRows(KernelBuilder &b, const KernelArguments &args,
                                    const LinearSpec &spec) {
  Value input = inputPairs(b, args, spec), output = workspaceRows(b, args, spec);
  std::optional<NormParameters> norm = normOf(b, args, spec);
  b.loop(args.begin, args.end, 1, [&](Value row) {
    Value from = inputRow(b, args, spec, row);
    RowStatistics statistics;
    if (norm)
      statistics = rowStatistics(b, input, from, spec.pairs(), norm->eps);
    reducePairs(b, spec.pairs(), {}, [&](Value pair, Value mask, ValueRange) {
      Value values = b.loadMasked(input, {from, pair}, mask);
      if (norm)
        values = normalizePairs(b, values, pair, mask, *norm, statistics);
      b.storeMasked(values, output, {row, pair}, mask);
      return Values();
    });
  });
}

/// Products of weight row `row` with `group` input rows from `token` on, f32 scalars. `chains`
/// accumulators for each.
static Values emitDots(KernelBuilder &b, Value weight, Value row, Value input, Value token,
                       int64_t pairs, int64_t group, int64_t chains) {
  int64_t step = chains * b.lanes(), full = pairs / step * step;
  Values sums(group * chains, b.f32(0, b.lanes()));
  auto accumulate = [&](Value pair, Value mask, int64_t chain, Values &acc) {
    Value w = b.loadMasked(weight, {row, pair}, mask);
    for (int64_t t = 0; t != group; ++t) {
      Value x = b.loadMasked(input, {b.add(token, t), pair}, mask);
      acc[t * chains + chain] = b.dot(acc[t * chains + chain], w, x);
    }
  };
  if (full)
    sums = b.loop(b.index(0), b.index(full), step, sums, [&](Value pair, ValueRange carried) {
      Values acc(carried);
      for (int64_t chain = 0; chain != chains; ++chain)
        accumulate(b.add(pair, chain * b.lanes()), Value(), chain, acc);
      return acc;
    });
  for (int64_t at = full, chain = 0; at < pairs; at += b.lanes(), ++chain) {
    bool whole = at + b.lanes() <= pairs;
    accumulate(b.index(at), whole ? Value() : b.mask(pairs - at), chain, sums);
  }
  Values results;
  for (int64_t t = 0; t != group; ++t) {
    Value total = sums[t * chains];
    for (int64_t chain = 1; chain != chains; ++chain)
      total = b.addf(total, sums[t * chains + chain]);
    results.push_back(b.sum(total));
  }
  return results;
}

/// tile[0..tokens][row - firstRow] of the rows [first, end), for a number of tokens that is known.
static void emitRows(KernelBuilder &b, Value weight, Value first, Value end, Value input,
                     int64_t pairs, int64_t tokens, Value tile) {
  b.loop(first, end, 1, [&](Value row) {
    Values dots =
        emitDots(b, weight, row, input, b.index(0), pairs, tokens, kDecodeChains[tokens - 1]);
    for (auto [t, dot] : llvm::enumerate(dots))
      b.store(dot, tile, {b.index(t), b.sub(row, first)});
  });
}

void strata::cpu::emitDecode(KernelBuilder &b, const KernelArguments &args,
                             const LinearSpec &spec) {
  bool prepared = spec.gamma || spec.outputRows;
  Value input = prepared ? workspaceRows(b, args, spec) : inputPairs(b, args, spec);
  Value values = b.stack(b.getF32Type(), {kDecodeRows, unitRows(spec)});
  Value tokens = productRows(spec, args);
  forEachPart(b, args, spec, [&](const LinearSpec::Part &part, Value first, Value end) {
    Value weight = weightPairs(b, args, spec, part);
    b.loop(first, end, unitRows(spec), [&](Value firstRow) {
      Value count = b.min(b.sub(end, firstRow), b.index(unitRows(spec)));
      for (int64_t known = 1; known <= kDecodeRows; ++known)
        b.ifThen(b.equal(tokens, b.index(known)), [&] {
          emitRows(b, weight, firstRow, b.add(firstRow, count), input, spec.pairs(), known, values);
        });
      emitEpilogue(b, args, spec, part, {values, b.index(0), tokens, firstRow, count});
    });
  });
}
