//===- Int8Decode.cpp - few tokens, weights of i8 -------------------------===//
//
// One row of the weight at a time, as many groups of it as a vector has f32 lanes. The products of
// a group become one whole number, which is exact; with scales they are added up in f32, in
// kInt8Chains chains of groups. So are those of the packed form: a token's sums are the same bits
// in both.
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
/// A weight and some tokens of the step: their rows of the input.
struct Int8Step {
  Int8Weight weight;
  Int8Input input;
  int64_t groups;
  int64_t tokens;
};

/// Up to lanes() groups of a row of the weight.
struct RowGroups {
  Value row, first;
  int64_t count;
};
} // namespace

/// The sum of each kGroupLanes neighbours of some vectors, which make as many as a vector has
/// lanes, in their order.
static Value sumNeighbours(KernelBuilder &b, Values vectors) {
  // Within four lanes, as instructions shuffle them: even and odd ones are added, twice; then fours
  // with the ones behind them.
  int64_t lanes = b.lanes();
  auto addShuffled = [&](Value x, Value y, auto from) {
    SmallVector<int64_t> first, second;
    for (int64_t lane = 0; lane != lanes; ++lane) {
      first.push_back(from(lane, 0));
      second.push_back(from(lane, 1));
    }
    return b.add(vector::ShuffleOp::create(b, x, y, first),
                 vector::ShuffleOp::create(b, x, y, second));
  };
  auto neighbours = [&](int64_t lane, int64_t which) {
    return (lane % 4 / 2) * lanes + lane / 4 * 4 + lane % 2 * 2 + which;
  };
  auto fours = [&](int64_t lane, int64_t which) { return (lane / 4 * 2 + which) * 4 + lane % 4; };
  auto halve = [&](auto from) {
    Values halved;
    for (size_t i = 0; i != vectors.size(); i += 2)
      halved.push_back(addShuffled(vectors[i], vectors[i + 1], from));
    vectors = halved;
  };
  halve(neighbours);
  halve(neighbours);
  halve(fours);
  // Fours are still those of one place in four vectors.
  int64_t groups = lanes / kGroupLanes; // of a vector
  SmallVector<int64_t> ordered(lanes);
  for (int64_t lane = 0; lane != lanes; ++lane) {
    int64_t vector = lane / (4 * groups) * 4 + lane % 4, group = lane / 4 % groups;
    ordered[vector * groups + group] = lane;
  }
  return vector::ShuffleOp::create(b, vectors.front(), vectors.front(), ordered);
}

/// Adds the products of groups with every token to sums[token], a chain in each lane.
static void addGroups(KernelBuilder &b, const Int8Step &step, const RowGroups &range,
                      Values &sums) {
  int64_t lanes = b.lanes(), fours = range.count * kGroupLanes;
  Value mask = range.count == lanes ? Value() : b.mask(range.count);
  auto loadGroups = [&](Value memory, Value row) {
    return b.loadMasked(memory, {row, range.first}, mask);
  };
  auto loadFours = [&](Value memory, Value row, int64_t ahead) {
    Value column = b.add(b.mul(range.first, kGroupLanes), ahead);
    int64_t left = fours - ahead;
    return b.loadMasked(memory, {row, column}, left < lanes ? b.mask(left) : Value());
  };
  Value weightScales = b.toF32(loadGroups(step.weight.scales, range.row));
  SmallVector<Values> dots(step.tokens, Values(kGroupLanes, b.i32(0, lanes)));
  for (int64_t ahead = 0; ahead < fours; ahead += lanes) {
    Value w = b.offsetBytes(loadFours(step.weight.fours, range.row, ahead));
    for (int64_t t = 0; t != step.tokens; ++t) {
      Value &dot = dots[t][ahead / lanes];
      dot = b.dotBytes(dot, w, loadFours(step.input.fours, b.index(t), ahead));
    }
  }
  for (int64_t t = 0; t != step.tokens; ++t) {
    Value dot = sumNeighbours(b, dots[t]), token = b.index(t);
    if (b.byteOffset())
      dot = b.add(dot, loadGroups(step.input.initialSums, token));
    Value scales = b.mulf(weightScales, loadGroups(step.input.scales, token));
    Value products = arith::SIToFPOp::create(b, b.f32Type(lanes), dot);
    for (int64_t first = 0; first < range.count; first += kInt8Chains)
      sums[t] = b.fma(b.slice(products, first, kInt8Chains), b.slice(scales, first, kInt8Chains),
                      sums[t]);
  }
}

/// Products of a stored row with all tokens, f32 scalars. A row further on is prefetched meanwhile.
static Values emitDots(KernelBuilder &b, const Int8Step &step, Value row) {
  int64_t lanes = b.lanes(), full = step.groups / lanes * lanes;
  Value next = b.add(row, llvm::divideCeil(kBytesAhead, step.groups * kInt8Group));
  Values sums(step.tokens, b.f32(0, kInt8Chains));
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
  for (Value sum : sums) {
    Values chains;
    for (int64_t chain = 0; chain != kInt8Chains; ++chain)
      chains.push_back(vector::ExtractOp::create(b, sum, chain));
    dots.push_back(addChains(b, chains));
  }
  return dots;
}

/// values[token][row - firstRow] for the rows of a unit.
static void multiplyRows(KernelBuilder &b, const Int8Step &step, const DecodeUnit &unit) {
  b.loop(unit.firstRow, unit.endRow, 1, [&](Value row) {
    for (auto [t, dot] : llvm::enumerate(emitDots(b, step, storedRow(b, step.weight.box, row))))
      b.store(dot, unit.values, {b.index(t), b.sub(row, unit.firstRow)});
  });
}

void strata::cpu::emitInt8Decode(KernelBuilder &b, const KernelArguments &args,
                                 const LinearSpec &spec) {
  Int8Input input =
      int8Rows(b, args.buffers[*spec.workspace], productRows(spec, args), spec.inFeatures);
  forEachDecodeUnit(
      b, args, spec, kInt8DecodeRows, [&](const LinearSpec::Part &part, const DecodeUnit &unit) {
        Int8Weight weight = int8Weight(b, args.buffers[part.weight], args.buffers[part.scales],
                                       spec, part, b.index(part.storedRows()));
        multiplyRows(b, {weight, input, int8Groups(spec), unit.tokens}, unit);
      });
}
