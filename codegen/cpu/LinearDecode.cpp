//===- LinearDecode.cpp - few tokens: the weight stream decides -----------===//
//
// A row of a weight, or a few where there are several tokens to multiply them with, at a time.
// Several rows are several streams, which memory is slower at; so those that come next are fetched
// ahead, in order, while a tile is computed.
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

namespace {
/// A weight and the tokens of the step, whose number is known here.
struct DecodeStep {
  Value weight, input;
  int64_t pairs, tokens;
};
} // namespace

/// Adds the products of a vector of pairs to sums[row][token].
static void addVector(KernelBuilder &b, const DecodeStep &step, Value row, Value pair, Value mask,
                      llvm::MutableArrayRef<Value> sums) {
  int64_t rows = sums.size() / step.tokens;
  Values w;
  for (int64_t r = 0; r != rows; ++r)
    w.push_back(b.loadMasked(step.weight, {b.add(row, r), pair}, mask));
  for (int64_t t = 0; t != step.tokens; ++t) {
    Value x = b.loadMasked(step.input, {b.index(t), pair}, mask);
    for (int64_t r = 0; r != rows; ++r)
      sums[r * step.tokens + t] = b.dot(sums[r * step.tokens + t], w[r], x);
  }
}

/// Products of the tile's rows from `row` on with all tokens, f32 scalars [row][token]. The next
/// tile is prefetched meanwhile, front to back.
static Values emitDots(KernelBuilder &b, const DecodeStep &step, Value row, RegisterTile tile) {
  int64_t lanes = b.lanes(), stride = tile.chains * lanes, full = step.pairs / stride * stride;
  int64_t count = tile.rows * step.tokens;
  auto addTo = [&](Values &sums, Value pair, Value mask, int64_t chain) {
    addVector(b, step, row, pair, mask, MutableArrayRef(sums).slice(chain * count, count));
  };
  Value next = b.add(row, tile.rows);
  Values sums(tile.chains * count, b.f32(0, lanes));
  if (full)
    sums = b.loop(b.index(0), b.index(full), stride, sums, [&](Value pair, ValueRange carried) {
      Values acc(carried);
      for (int64_t ahead = 0; ahead < stride * tile.rows; ahead += kLinePairs)
        b.prefetch(step.weight, {next, b.add(b.mul(pair, tile.rows), ahead)});
      for (int64_t chain = 0; chain != tile.chains; ++chain)
        addTo(acc, b.add(pair, chain * lanes), Value(), chain);
      return acc;
    });
  for (int64_t at = full, chain = 0; at < step.pairs; at += lanes, ++chain)
    addTo(sums, b.index(at), at + lanes <= step.pairs ? Value() : b.mask(step.pairs - at), chain);
  Values results;
  for (int64_t i = 0; i != count; ++i) {
    Value total = sums[i];
    for (int64_t chain = 1; chain != tile.chains; ++chain)
      total = b.addf(total, sums[chain * count + i]);
    results.push_back(b.sum(total));
  }
  return results;
}

/// tile[0..tokens][row - first] of the rows [first, end).
static void emitRows(KernelBuilder &b, const DecodeStep &step, Value first, Value end, Value tile) {
  auto rows = [&](Value begin, Value stop, RegisterTile shape) {
    b.loop(begin, stop, shape.rows, [&](Value row) {
      Values dots = emitDots(b, step, row, shape);
      for (auto [i, dot] : llvm::enumerate(dots))
        b.store(dot, tile, {b.index(i % step.tokens), b.add(b.sub(row, first), i / step.tokens)});
    });
  };
  RegisterTile shape = b.level.decodeTiles[step.tokens - 1];
  Value tiled = b.add(first, b.mul(b.div(b.sub(end, first), shape.rows), shape.rows));
  rows(first, tiled, shape);
  if (shape.rows > 1)
    rows(tiled, end, {1, shape.chains});
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
          emitRows(b, {weight, input, spec.pairs(), known}, firstRow, b.add(firstRow, count),
                   values);
        });
      emitEpilogue(b, args, spec, part, {values, b.index(0), tokens, firstRow, count});
    });
  });
}
