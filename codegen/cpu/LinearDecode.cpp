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
/// A weight and the tokens of the step, whose number is known where `tokens` is set. Both are
/// `columns` pairs of bf16 or, for a weight of another type, numbers.
struct DecodeStep {
  Value weight, input;
  RowGroupsAttr groups; ///< of the weight's rows
  int64_t columns, tokens;
};
} // namespace

static DecodeStep describeStep(KernelBuilder &b, const KernelArguments &args,
                               const LinearSpec &spec, const LinearSpec::Part &part) {
  bool prepared = spec.gamma || spec.outputRows, inPairs = part.element.isBF16();
  Value weight = weightRows(b, args.buffers[part.weight], part.element, b.index(part.storedRows()),
                            spec.pairs());
  Type element = inPairs ? Type(b.getI32Type()) : Type(b.getBF16Type());
  int64_t columns = inPairs ? spec.pairs() : spec.inFeatures;
  Value input =
      b.view(args.buffers[prepared ? *spec.workspace : spec.input], element,
             {ShapedType::kDynamic, columns}, prepared ? productRows(spec, args) : args.tokens);
  return {weight, input, part.groups, columns, 0};
}

/// Adds the products of a vector from `column` on to sums[row][token]; rows as they are stored.
static void addVector(KernelBuilder &b, const DecodeStep &step, ValueRange rows, Value column,
                      Value mask, llvm::MutableArrayRef<Value> sums) {
  Values w;
  for (Value row : rows)
    w.push_back(b.loadMasked(step.weight, {row, column}, mask));
  for (int64_t t = 0; t != step.tokens; ++t) {
    Value x = b.loadMasked(step.input, {b.index(t), column}, mask);
    for (size_t r = 0; r != rows.size(); ++r)
      sums[r * step.tokens + t] = b.dot(sums[r * step.tokens + t], w[r], x);
  }
}

/// The tile that is prefetched while another is computed is so many tiles behind it.
static int64_t tilesAhead(const DecodeStep &step, RegisterTile tile) {
  int64_t bits = cast<MemRefType>(step.weight.getType()).getElementTypeBitWidth();
  return llvm::divideCeil(kBytesAhead, tile.rows * step.columns * bits / 8);
}

/// Products of the tile's rows from `row` on with all tokens, f32 scalars [row][token]. A tile
/// further on is prefetched meanwhile, front to back.
static Values emitDots(KernelBuilder &b, const DecodeStep &step, Value row, RegisterTile tile) {
  int64_t lanes = b.lanes(), stride = tile.chains * lanes, full = step.columns / stride * stride;
  int64_t count = tile.rows * step.tokens;
  Values rows;
  for (int64_t r = 0; r != tile.rows; ++r)
    rows.push_back(storedRow(b, step.groups, b.add(row, r)));
  auto addTo = [&](Values &sums, Value column, Value mask, int64_t chain) {
    addVector(b, step, rows, column, mask, MutableArrayRef(sums).slice(chain * count, count));
  };
  Value next = storedRow(b, step.groups, b.add(row, tilesAhead(step, tile) * tile.rows));
  Values sums(tile.chains * count, b.f32(0, lanes));
  if (full)
    sums = b.loop(b.index(0), b.index(full), stride, sums, [&](Value column, ValueRange carried) {
      Values acc(carried);
      prefetchRows(b, step.weight, next, b.mul(column, tile.rows), stride * tile.rows);
      for (int64_t chain = 0; chain != tile.chains; ++chain)
        addTo(acc, b.add(column, chain * lanes), Value(), chain);
      return acc;
    });
  for (int64_t at = full, chain = 0; at < step.columns; at += lanes, ++chain)
    addTo(sums, b.index(at), at + lanes <= step.columns ? Value() : b.mask(step.columns - at),
          chain);
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
  forEachDecodeUnit(b, args, spec, [&](const LinearSpec::Part &part, const DecodeUnit &unit) {
    DecodeStep step = describeStep(b, args, spec, part);
    step.tokens = unit.tokens;
    emitRows(b, step, unit.firstRow, unit.endRow, unit.values);
  });
}
