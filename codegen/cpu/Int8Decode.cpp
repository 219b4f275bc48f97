//===- Int8Decode.cpp - few tokens, weights of i8 -------------------------===//
//
// One row of the weight at a time, as many groups of it as a vector has f32 lanes: their scales are
// one vector, each element of which is spread over the lanes that hold sums of its group.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Int8.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Lanes of i32 that hold sums of a group.
static constexpr int64_t kGroupLanes = kInt8Group / 4;

namespace {
/// A weight and the tokens of the step.
struct Int8Step {
  Int8Weight weight;
  Int8Input input;
  int64_t groups, tokens;

  /// Independent sums for each token: enough to hide the latency of an addition.
  int64_t accumulators() const { return std::max<int64_t>(1, 4 / tokens); }
};

/// Up to lanes() groups of a row of the weight.
struct RowGroups {
  Value row, first;
  int64_t count;
};
} // namespace

/// Elements of `groups` from that of vector number `vector` on, each in all lanes of its group.
static Value spread(KernelBuilder &b, Value groups, int64_t vector) {
  SmallVector<int64_t> from;
  for (int64_t lane = 0; lane != b.lanes(); ++lane)
    from.push_back((vector * b.lanes() + lane) / kGroupLanes);
  return vector::ShuffleOp::create(b, groups, groups, from);
}

/// adds the products of groups with every token to sums[accumulator][token], and behind these to
/// the sums of what the groups start with, [token], a group in each lane.
static void addGroups(KernelBuilder &b, const Int8Step &step, const RowGroups &range,
                      Values &sums) {
  int64_t lanes = b.lanes(), fours = range.count * kGroupLanes;
  Value mask = range.count == lanes ? Value() : b.mask(range.count);
  auto loadGroups = [&](Value memory, Value row) {
    return b.loadMasked(memory, {row, range.first}, mask);
  };
  Value weightScales = b.toF32(loadGroups(step.weight.scales, range.row));
  auto toFloat = [&](Value sums) { return arith::SIToFPOp::create(b, b.f32Type(lanes), sums); };
  Values scales;
  for (int64_t t = 0; t != step.tokens; ++t) {
    scales.push_back(b.mulf(weightScales, loadGroups(step.input.scales, b.index(t))));
    if (!b.byteOffset())
      continue;
    Value &sum = sums[step.accumulators() * step.tokens + t];
    sum = b.fma(toFloat(loadGroups(step.input.initialSums, b.index(t))), scales[t], sum);
  }
  for (int64_t v = 0; v * lanes < fours; ++v) {
    int64_t left = fours - v * lanes;
    Value column = b.add(b.mul(range.first, kGroupLanes), v * lanes);
    auto loadFours = [&](Value memory, Value row) {
      return b.loadMasked(memory, {row, column}, left < lanes ? b.mask(left) : Value());
    };
    Value w = b.offsetBytes(loadFours(step.weight.fours, range.row));
    for (int64_t t = 0; t != step.tokens; ++t) {
      Value x = loadFours(step.input.fours, b.index(t));
      Value dot = toFloat(b.dotBytes(b.i32(0, lanes), w, x));
      Value &sum = sums[v % step.accumulators() * step.tokens + t];
      sum = b.fma(dot, spread(b, scales[t], v), sum);
    }
  }
}

/// Products of a stored row with all tokens, f32 scalars. A row further on is prefetched meanwhile.
static Values emitDots(KernelBuilder &b, const Int8Step &step, Value row) {
  int64_t lanes = b.lanes(), full = step.groups / lanes * lanes;
  Value next = b.add(row, llvm::divideCeil(kBytesAhead, step.groups * kInt8Group));
  Values sums((step.accumulators() + 1) * step.tokens, b.f32(0, lanes));
  if (full)
    sums = b.loop(b.index(0), b.index(full), lanes, sums, [&](Value group, ValueRange carried) {
      Values acc(carried);
      prefetchRows(b, step.weight.fours, step.groups * kGroupLanes, next, b.mul(group, kGroupLanes),
                   lanes * kGroupLanes);
      prefetchRows(b, step.weight.scales, step.groups, next, group, lanes);
      addGroups(b, step, {row, group, lanes}, acc);
      return acc;
    });
  if (full != step.groups)
    addGroups(b, step, {row, b.index(full), step.groups - full}, sums);
  Values dots;
  for (int64_t t = 0; t != step.tokens; ++t) {
    Value total = sums[t];
    for (int64_t accumulator = 1; accumulator <= step.accumulators(); ++accumulator)
      total = b.addf(total, sums[accumulator * step.tokens + t]);
    dots.push_back(b.sum(total));
  }
  return dots;
}

void strata::cpu::emitInt8Decode(KernelBuilder &b, const KernelArguments &args,
                                 const LinearSpec &spec) {
  Value rows = productRows(spec, args);
  Int8Input input = int8Rows(b, args.buffers[*spec.workspace], rows, spec.inFeatures);
  forEachDecodeUnit(
      b, args, spec, kInt8DecodeRows, [&](const LinearSpec::Part &part, const DecodeUnit &unit) {
        Int8Step step{int8Weight(b, args.buffers[part.weight], args.buffers[part.scales], spec,
                                 part, b.index(part.storedRows())),
                      input, int8Groups(spec), unit.tokens};
        b.loop(unit.firstRow, unit.endRow, 1, [&](Value row) {
          for (auto [t, dot] : llvm::enumerate(emitDots(b, step, storedRow(b, part.box, row))))
            b.store(dot, unit.values, {b.index(t), b.sub(row, unit.firstRow)});
        });
      });
}
