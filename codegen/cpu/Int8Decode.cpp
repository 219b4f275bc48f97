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

/// Sums of one token that are independent.
static constexpr int64_t kInt8Chains = 4;

namespace {
/// A weight and some tokens of the step: their rows of the input.
struct Int8Step {
  Int8Weight weight;
  Int8Input input;
  int64_t groups;
  Values tokens;
  /// Independent sums for each token: enough to hide the latency of an addition.
  int64_t accumulators;
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
  for (int64_t t = 0; t != int64_t(step.tokens.size()); ++t) {
    scales.push_back(b.mulf(weightScales, loadGroups(step.input.scales, step.tokens[t])));
    if (!b.byteOffset())
      continue;
    Value &sum = sums[step.accumulators * step.tokens.size() + t];
    sum = b.fma(toFloat(loadGroups(step.input.initialSums, step.tokens[t])), scales[t], sum);
  }
  for (int64_t v = 0; v * lanes < fours; ++v) {
    int64_t left = fours - v * lanes;
    Value column = b.add(b.mul(range.first, kGroupLanes), v * lanes);
    auto loadFours = [&](Value memory, Value row) {
      return b.loadMasked(memory, {row, column}, left < lanes ? b.mask(left) : Value());
    };
    Value w = b.offsetBytes(loadFours(step.weight.fours, range.row));
    for (int64_t t = 0; t != int64_t(step.tokens.size()); ++t) {
      Value x = loadFours(step.input.fours, step.tokens[t]);
      Value dot = toFloat(b.dotBytes(b.i32(0, lanes), w, x));
      Value &sum = sums[v % step.accumulators * step.tokens.size() + t];
      sum = b.fma(dot, spread(b, scales[t], v), sum);
    }
  }
}

/// Products of a stored row with all tokens, f32 scalars. A row further on is prefetched meanwhile.
static Values emitDots(KernelBuilder &b, const Int8Step &step, Value row) {
  int64_t lanes = b.lanes(), full = step.groups / lanes * lanes;
  Value next = b.add(row, llvm::divideCeil(kBytesAhead, step.groups * kInt8Group));
  Values sums((step.accumulators + 1) * step.tokens.size(), b.f32(0, lanes));
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
  for (int64_t t = 0; t != int64_t(step.tokens.size()); ++t) {
    Value total = sums[t];
    for (int64_t accumulator = 1; accumulator <= step.accumulators; ++accumulator)
      total = b.addf(total, sums[accumulator * step.tokens.size() + t]);
    dots.push_back(b.sum(total));
  }
  return dots;
}

static Int8Step describeStep(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                             const LinearSpec::Part &part, Values tokens, int64_t accumulators) {
  return {int8Weight(b, args.buffers[part.weight], args.buffers[part.scales], spec, part,
                     b.index(part.storedRows())),
          int8Rows(b, args.buffers[*spec.workspace], productRows(spec, args), spec.inFeatures),
          int8Groups(spec), std::move(tokens), accumulators};
}

/// values[token][row - first] for rows [first, end).
static void multiplyRows(KernelBuilder &b, const Int8Step &step, Value first, Value end,
                         Value values) {
  b.loop(first, end, 1, [&](Value row) {
    for (auto [t, dot] : llvm::enumerate(emitDots(b, step, storedRow(b, step.weight.box, row))))
      b.store(dot, values, {b.index(t), b.sub(row, first)});
  });
}

void strata::cpu::emitInt8Decode(KernelBuilder &b, const KernelArguments &args,
                                 const LinearSpec &spec) {
  forEachDecodeUnit(b, args, spec, kInt8DecodeRows,
                    [&](const LinearSpec::Part &part, const DecodeUnit &unit) {
                      Values tokens;
                      for (int64_t t = 0; t != unit.tokens; ++t)
                        tokens.push_back(b.index(t));
                      int64_t accumulators = std::max<int64_t>(1, kInt8Chains / unit.tokens);
                      multiplyRows(b, describeStep(b, args, spec, part, tokens, accumulators),
                                   unit.firstRow, unit.endRow, unit.values);
                    });
}

/// As many chains as for one token alone; beyond the last token, that again.
void strata::cpu::emitInt8Groups(KernelBuilder &b, const KernelArguments &args,
                                 const LinearSpec &spec) {
  Value last = b.add(productRows(spec, args), -1);
  forEachTokenGroup(b, args, spec, kInt8DecodeRows,
                    [&](const LinearSpec::Part &part, const TokenGroup &group) {
                      Values tokens;
                      for (int64_t t = 0; t != kInt8DecodeRows; ++t)
                        tokens.push_back(b.min(b.add(group.firstToken, t), last));
                      multiplyRows(b, describeStep(b, args, spec, part, tokens, kInt8Chains),
                                   group.firstRow, group.endRow, group.values);
                    });
}
